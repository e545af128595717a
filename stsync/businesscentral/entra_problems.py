"""Entra's refusals in a person's words.

Microsoft warns not to branch on AADSTS numbers (ecosystem section 2.3): what kind of error it is comes from
`error`; the number only picks the sentence and the hint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import requests

from stsync.errors import CredentialsError, StsyncError, SystemUnavailable
from stsync.http import redact

_LATER = frozenset({"temporarily_unavailable", "server_error", "service_unavailable"})
_SECRETS_PAGE = "Microsoft Entra admin center > App registrations > the app > Certificates & secrets"

# number: (reference, what happened, what to do)
_KNOWN: dict[int, tuple[str, str, str]] = {
    7000222: (
        "bc-secret-expired",
        "The Business Central client secret has expired.",
        f"Make a new secret ({_SECRETS_PAGE}), then: stsync auth set bc-client-secret --expires DATE",
    ),
    7000215: (
        "bc-secret-refused",
        "The Business Central client secret is wrong; perhaps its Secret ID was stored instead of its Value.",
        f"Copy the Value, not the Secret ID ({_SECRETS_PAGE}; the Value is shown once), "
        "then: stsync auth set bc-client-secret",
    ),
    700016: (
        "bc-app-unknown",
        "Microsoft Entra knows no app with this Business Central client id in this tenant.",
        "Compare the client id with 'Application (client) ID' of the app registration, and business_central.tenant_id "
        "with its 'Directory (tenant) ID', then: stsync auth set bc-client-id",
    ),
    90002: (
        "bc-tenant-unknown",
        "Microsoft Entra knows no tenant by the business_central.tenant_id of the configuration.",
        "Copy 'Directory (tenant) ID' from the app registration into business_central.tenant_id.",
    ),
    700027: (
        "bc-certificate-refused",
        "Microsoft Entra does not accept the Business Central certificate.",
        f"Upload the certificate's public part ({_SECRETS_PAGE}), or point business_central.certificate_file "
        "at the one that is registered there.",
    ),
    700024: (
        "bc-clock-wrong",
        "Microsoft Entra refused the login because of its time: this machine's clock is probably wrong.",
        "Set the clock; a certificate login allows only a few minutes of difference.",
    ),
    500011: (
        "bc-not-in-tenant",
        "This Microsoft tenant does not have Business Central.",
        "Check business_central.tenant_id; it must be the tenant that Business Central belongs to.",
    ),
    7000229: (
        "bc-app-not-consented",
        "The app of the Business Central client id has not been accepted in this tenant.",
        "An administrator has to grant it: App registrations > the app > API permissions > Grant admin consent.",
    ),
}
_DISABLED = (
    "bc-login-refused",
    "Microsoft Entra refused the Business Central login.",
    "Check the app registration in Microsoft Entra; stsync doctor goes through the set-up step by step.",
)


def refused(answer: Mapping[str, Any]) -> StsyncError:
    """The dictionary MSAL returns instead of a token: a CredentialsError, or SystemUnavailable when it will pass."""
    description = str(answer.get("error_description") or answer.get("error") or "")
    if answer.get("error") in _LATER:
        return login_unusable(description)
    numbers = [int(code) for code in answer.get("error_codes") or [] if str(code).isdecimal()]
    return _by_number(numbers or _numbers(description), description)


def refused_tenant(authority: str, text: str) -> CredentialsError:
    """The tenant's login page does not exist, or Entra refused it by number."""
    problem = _by_number(_numbers(text) or [90002], text)
    problem.context["asked"] = authority
    return problem


def login_unusable(text: str) -> SystemUnavailable:
    """Microsoft's login answered, but nothing that can be used now (429, 5xx, HTML)."""
    return SystemUnavailable(
        "bc-login-unavailable",
        "Microsoft's login is not answering sensibly.",
        hint="Try again later; if business_central.authority is set in the configuration, check it.",
        note=_note(text),
    )


def login_unreachable(error: requests.RequestException) -> SystemUnavailable:
    """No connection to Microsoft's login, or one that is not to be trusted."""
    if isinstance(error, requests.exceptions.SSLError):
        return SystemUnavailable(
            "bc-login-certificate",
            "The certificate of Microsoft's login could not be verified, so no secret was sent.",
            hint="Behind a company proxy, let REQUESTS_CA_BUNDLE name its certificate file.",
            note=_note(str(error)),
        )
    return SystemUnavailable(
        "bc-login-unreachable",
        "Microsoft's login cannot be reached.",
        hint="Check the network, then run again; nothing was lost.",
        note=_note(str(error)),
    )


def _by_number(numbers: list[int], text: str) -> CredentialsError:
    known = [_KNOWN[number] for number in numbers if number in _KNOWN]
    reference, message, hint = known[0] if known else _DISABLED
    return CredentialsError(reference, message, hint=hint, note=_note(text))


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"AADSTS(\d+)", text)]


def _note(text: str) -> str:
    """The vendor's words on one line, without the trace numbers that differ every time."""
    words = " ".join(text.split())
    return redact.redact(re.split(r" Trace ID:", words)[0][:400])
