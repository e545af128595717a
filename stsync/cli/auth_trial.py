"""Whether the secrets work: one login and one harmless read in each system, and which secret is to blame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stsync.config.endpoints import business_central_base, servicetitan_api
from stsync.credentials.token_transport import TokenAnswer, TokenTransport
from stsync.errors import CredentialsError, StsyncError, SystemUnavailable, UsageError
from stsync.http import redact

if TYPE_CHECKING:
    from stsync.config.model import Config
    from stsync.credentials import Credentials


@dataclass(frozen=True)
class Trial:
    """What became of one system's trial: what could be read, or the problem."""

    system: str
    read: str = ""
    problem: StsyncError | None = None


def trials(config: Config, credentials: Credentials) -> list[Trial]:
    """Try both systems; a failure in one does not keep the other from being tried."""
    return [
        _trial("ServiceTitan", lambda: _servicetitan(config, credentials)),
        _trial("Business Central", lambda: _business_central(config, credentials)),
    ]


def _trial(system: str, attempt: Callable[[], str]) -> Trial:
    try:
        return Trial(system, read=attempt())
    except StsyncError as problem:
        return Trial(system, problem=problem)


def _servicetitan(config: Config, credentials: Credentials) -> str:
    from stsync.servicetitan.token import ServiceTitanAuth

    auth = ServiceTitanAuth.configured(config, credentials)
    url = f"{servicetitan_api(config)}/settings/v2/tenant/{config.servicetitan.tenant_id}/business-units"
    headers = {"Authorization": f"Bearer {auth.token()}", "ST-App-Key": auth.app_key}
    answer = _read("ServiceTitan", "servicetitan.api_url", url, headers, {"pageSize": "1"})
    if answer.status_code == 200 and isinstance(answer.document().get("data"), list):
        return "the business units can be read"
    raise _servicetitan_problem(answer)


def _servicetitan_problem(answer: TokenAnswer) -> StsyncError:
    if answer.status_code == 401:
        # The token is seconds old and came from ServiceTitan itself, so the key is what it objects to (trap 32).
        return CredentialsError(
            "servicetitan-app-key-refused",
            "ServiceTitan accepted the client id and secret, but refused the app key.",
            hint="Copy the app key of this app from the developer portal, then: stsync auth set servicetitan-app-key",
            note=_words(answer),
        )
    if answer.status_code == 403:
        return CredentialsError(
            "servicetitan-permission-missing",
            "ServiceTitan accepted the secrets, but the app may not read the business units of this tenant.",
            hint="Grant the app the scope tn.stt.businessunits:r, and let the tenant's administrator accept the new "
            "version (Settings > API Application Access).",
            note=_words(answer),
        )
    return _unusable("ServiceTitan", "servicetitan.api_url and servicetitan.tenant_id", answer)


def _business_central(config: Config, credentials: Credentials) -> str:
    from stsync.businesscentral.token import BusinessCentralAuth

    auth = BusinessCentralAuth.configured(config, credentials)
    headers = {"Authorization": f"Bearer {auth.token()}", "Accept": "application/json"}
    url = f"{business_central_base(config)}/companies"
    answer = _read("Business Central", "business_central.api_url", url, headers, {})
    companies = answer.document().get("value")
    if answer.status_code != 200 or not isinstance(companies, list):
        raise _business_central_problem(config, answer)
    ours = [company for company in companies if _is_ours(config, company)]
    if not ours:
        raise UsageError(
            "bc-company-unknown",
            "Business Central accepted the login, but has no company with the company_id of the configuration.",
            hint="Run stsync init, or copy the id of one of its companies into business_central.company_id.",
            context={"companies": ", ".join(str(company.get("name", "")) for company in companies) or "none"},
        )
    return f"the company {ours[0].get('displayName') or ours[0].get('name')} can be read"


def _is_ours(config: Config, company: dict[str, object]) -> bool:
    return str(company.get("id", "")).lower() == config.business_central.company_id.lower()


def _business_central_problem(config: Config, answer: TokenAnswer) -> StsyncError:
    if answer.status_code == 401:
        return CredentialsError(
            "bc-app-not-enabled",
            "Microsoft accepted the secrets, but Business Central does not know this app, or it is not enabled there.",
            hint="In Business Central, page Microsoft Entra Applications: add the client id, set State to Enabled, and "
            f"give it permission sets, in the environment {config.business_central.environment}.",
            note=_words(answer),
        )
    if answer.status_code == 403:
        return CredentialsError(
            "bc-permission-missing",
            "Business Central knows the app, but it may not read the companies.",
            hint="In Business Central, page Microsoft Entra Applications: give the app the permission sets of the guide.",
            note=_words(answer),
        )
    if answer.status_code == 404:
        return UsageError(
            "bc-environment-unknown",
            f"Business Central has no environment named {config.business_central.environment} at this address.",
            hint="Check business_central.environment and business_central.api_url.",
            note=_words(answer),
        )
    return _unusable("Business Central", "business_central.api_url", answer)


def _read(system: str, setting: str, url: str, headers: dict[str, str], params: dict[str, str]) -> TokenAnswer:
    import requests

    try:
        return TokenTransport(setting).get(url, headers=headers, params=params)
    except requests.RequestException as error:
        raise SystemUnavailable(
            "system-unreachable",
            f"The login to {system} worked, but {system} itself cannot be reached.",
            hint=f"Check the network; if {setting} is set in the configuration, check it.",
            note=redact.redact(str(error)),
        ) from error


def _unusable(system: str, settings: str, answer: TokenAnswer) -> SystemUnavailable:
    return SystemUnavailable(
        "system-unusable",
        f"The login to {system} worked, but {system} did not answer sensibly (status {answer.status_code}).",
        hint=f"Try again later; if it stays, check {settings}.",
        note=_words(answer),
    )


def _words(answer: TokenAnswer) -> str:
    return redact.redact(" ".join(answer.text.split())[:400])
