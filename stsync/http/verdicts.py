"""What an answer means, decided from the answer alone; the table is in the package's docstring."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Literal, NoReturn

from stsync.errors import CredentialsError, SystemUnavailable
from stsync.http.answers import Answer, VendorError, vendor_error
from stsync.http.outcomes import OutcomeUnknown, Refused
from stsync.http.redact import redact
from stsync.http.retry import Transient, wanted_pause

System = Literal["ServiceTitan", "Business Central"]

_EXCERPT = 300
# These say something about the request itself, so even a gateway's own page is proof enough that nothing happened.
ABOUT_THE_REQUEST = frozenset({405, 411, 413, 414, 415, 431, 501})
# BC facts section 12: whether missing rights answer 403 or 400 is only inferred; the words are the same.
_NOT_PERMITTED = re.compile(r"current permissions prevented the action", re.IGNORECASE)
# BC facts section 13: a deadlocked operation with several commits can have been applied in part.
_LOCKED = re.compile(
    r"deadlock|locked by another|lock(?:ed)? (?:request )?time-?out|another session|please retry the activity",
    re.IGNORECASE,
)


def judge_read(answer: Answer, system: System, *, readable: bool) -> Answer:
    """The answer, if a read can use it. Raises Transient, Refused, CredentialsError or SystemUnavailable."""
    _judge_everywhere(answer, system)
    if 300 <= answer.status < 400:
        raise redirected(answer, system)
    if _doubtful(answer):
        raise Transient(_line(answer), wanted_pause(answer))
    if answer.status == HTTPStatus.BAD_REQUEST and _NOT_PERMITTED.search(_error(answer).text):
        raise _forbidden(answer, system)
    if answer.status >= 400:
        raise refusal(answer, system)
    if not readable or (answer.body is None and answer.status == HTTPStatus.OK):
        text = f"{answer.status}, but not the JSON that was asked for: {_excerpt(answer)}"
        raise Transient(text, unreadable=True)
    return answer


def judge_write(answer: Answer, system: System, *, readable: bool) -> Answer:
    """The answer, if it proves the write. Raises Transient (429 only), Refused, CredentialsError or OutcomeUnknown."""
    _judge_everywhere(answer, system)
    if _doubtful(answer) or 300 <= answer.status < 400:
        _unknown(answer, system)
    if answer.status >= 400:
        if vendor_error(answer.body) is None and answer.status not in ABOUT_THE_REQUEST:
            _unknown(answer, system)
        raise refusal(answer, system)
    if not readable:
        _unknown(answer, system)
    return answer


def refusal(answer: Answer, system: System) -> Refused:
    """The vendor's no, in its own words."""
    error = _error(answer)
    return Refused(answer.status, error.code, error.text, error.correlation_id, system=system)


def login_refused(answer: Answer, system: System) -> CredentialsError:
    """A 401 that a fresh token did not cure, or that speaks of the application key."""
    if speaks_of_app_key(answer):
        return CredentialsError(
            "app-key-refused",
            f"{system} does not accept the application key.",
            hint="Copy the app key from the ServiceTitan developer portal, and store it with: stsync auth set",
            note=_error(answer).text,
        )
    hint = {
        "ServiceTitan": "Check in ServiceTitan, Settings > API Application Access, that the app is connected.",
        "Business Central": (
            "Check in Business Central, on the page Microsoft Entra Applications, that the app is there and enabled."
        ),
    }[system]
    return CredentialsError(
        "login-refused",
        f"{system} does not accept our login, not even with a fresh token.",
        hint=hint,
        note=_error(answer).text,
    )


def speaks_of_app_key(answer: Answer) -> bool:
    """ServiceTitan trap 32: this 401 is no dead token, and logging in again would only trip the token throttle."""
    return "application key" in _error(answer).text.lower()


def redirected(answer: Answer, system: System) -> SystemUnavailable:
    """A redirect is never followed, so that a token never reaches another host."""
    return SystemUnavailable(
        "redirected",
        f"{system} sent us to another address, which is not followed.",
        hint="Check api_url in the configuration, and whether the network asks for a sign-in.",
        note=redact(answer.headers.get("Location", ""))[:_EXCERPT],
    )


def _judge_everywhere(answer: Answer, system: System) -> None:
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise login_refused(answer, system)
    if answer.status == HTTPStatus.FORBIDDEN:
        raise _forbidden(answer, system)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise Transient(_line(answer), wanted_pause(answer))


def _forbidden(answer: Answer, system: System) -> CredentialsError:
    hint = {
        "ServiceTitan": "Let a ServiceTitan administrator accept the app version that includes this scope.",
        "Business Central": (
            "On the page Microsoft Entra Applications in Business Central, add the permission set that is missing."
        ),
    }[system]
    return CredentialsError(
        "permission-missing",
        f"{system} knows us, but does not permit this.",
        hint=hint,
        note=_error(answer).text,
    )


def _doubtful(answer: Answer) -> bool:
    if answer.status == HTTPStatus.REQUEST_TIMEOUT:
        return True
    if answer.status >= 500:
        return answer.status != HTTPStatus.NOT_IMPLEMENTED
    return answer.status in {400, 409} and _locked(answer)


def _locked(answer: Answer) -> bool:
    error = vendor_error(answer.body)
    if error is None:
        return False
    transient_conflict = answer.status == HTTPStatus.CONFLICT and error.code == "Internal_ServerError"
    return transient_conflict or bool(_LOCKED.search(error.text))


def _unknown(answer: Answer, system: System) -> NoReturn:
    context = {"status": str(answer.status), "request id": answer.request_id}
    raise OutcomeUnknown(_line(answer), system=system, context=context)


def _error(answer: Answer) -> VendorError:
    found = vendor_error(answer.body) or VendorError("", _excerpt(answer))
    return VendorError(found.code, redact(found.text), found.correlation_id)


def _line(answer: Answer) -> str:
    return f"{answer.status}: {_error(answer).text}"


def _excerpt(answer: Answer) -> str:
    return redact(" ".join(answer.text[:4000].split()))[:_EXCERPT]
