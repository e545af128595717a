"""Writes as the engine means them, into a $batch and out of it again (BC facts section 10). Pure; no network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Literal

from requests.structures import CaseInsensitiveDict

from stsync.errors import CredentialsError, StsyncError, SystemUnavailable, UsageError
from stsync.http.answers import Answer, vendor_error
from stsync.http.encoding import json_text
from stsync.http.outcomes import OutcomeUnknown, Refused
from stsync.http.verdicts import ABOUT_THE_REQUEST, judge_write

SYSTEM: Literal["Business Central"] = "Business Central"

# Answer: proved. Refused: surely not carried out, and it is about this write. OutcomeUnknown: nobody can tell before a
# look into the books. Anything else: surely not carried out either, and nothing more can be sent in this run.
Outcome = Answer | Refused | OutcomeUnknown | SystemUnavailable | CredentialsError | UsageError

_ACTION = "/Microsoft.NAV."
_KEY = re.compile(r"\([^)]*\)")
_PLAIN = {"Content-Type": "application/json"}
_QUOTED = {"Content-Type": "application/json;IEEE754Compatible=true"}
# Business Central's codes are names (facts section 7.1); a gateway's problem report has an address or nothing there.
_CODE = re.compile(r"[A-Za-z]+(_[A-Za-z]+)*")
_DECIMALS = re.compile(r"IEEE754Compatible|Edm\.Decimal")
_NO_SUCH_OPERATION = frozenset(
    {
        "BadRequest_MethodNotAllowed",
        "BadRequest_MethodNotImplemented",
        "BadRequest_NotFound",
        "BadRequest_ResourceNotFound",
    }
)


@dataclass(frozen=True)
class Write:
    """One write. `path` is relative to the company; `etag` goes out as If-Match, `*` being any version.

    Raises ValueError for a change without an etag, which Business Central refuses (facts section 8).
    """

    method: Literal["POST", "PATCH", "DELETE"]
    path: str
    body: Mapping[str, Any] | None = None
    etag: str = ""

    def __post_init__(self) -> None:
        if self.method != "POST" and not self.etag:
            raise ValueError("Business Central refuses a change without an etag (facts section 8)")

    @classmethod
    def create(cls, path: str, body: Mapping[str, Any]) -> Write:
        """A new entity; its fields go out in the order given."""
        return cls("POST", path, body)

    @classmethod
    def update(cls, path: str, body: Mapping[str, Any], etag: str) -> Write:
        """A change to an entity that still is as we read it."""
        return cls("PATCH", path, body, etag)

    @classmethod
    def delete(cls, path: str, etag: str) -> Write:
        """The end of an entity that still is as we read it."""
        return cls("DELETE", path, None, etag)

    @classmethod
    def action(cls, path: str, name: str) -> Write:
        """A bound action, such as `action("journals(id)", "post")`."""
        return cls("POST", f"{path}{_ACTION}{name}")

    @property
    def is_action(self) -> bool:
        """Whether it is a bound action, which inside a $batch is only inferred to work (facts section 10)."""
        return _ACTION in self.path

    @property
    def creates(self) -> bool:
        """Whether its proof is the entity that it made."""
        return self.method == "POST" and not self.is_action

    @property
    def kind(self) -> str:
        """What writes have in common that take about as long: `POST salesInvoices`, `POST journals/Microsoft.NAV.post`."""
        return f"{self.method} {_KEY.sub('', self.path)}"

    @property
    def headers(self) -> dict[str, str]:
        """What it needs beside the headers of every request."""
        return {"If-Match": self.etag} if self.etag else {}


def proved(outcome: Outcome) -> Answer:
    """The answer that proves a write. Raises the outcome where it is none."""
    if isinstance(outcome, StsyncError):
        raise outcome
    return outcome


def ends_the_run(outcome: Outcome) -> bool:
    """Whether nothing more can be sent after it, as where the login is refused or nothing is taken on."""
    return isinstance(outcome, (SystemUnavailable, CredentialsError, UsageError))


def has_numbers(value: object) -> bool:
    """Whether a number is anywhere in a body; a whole one may be an amount too."""
    if isinstance(value, Mapping):
        return any(has_numbers(part) for part in value.values())
    if isinstance(value, list | tuple):
        return any(has_numbers(part) for part in value)
    return isinstance(value, Decimal | int) and not isinstance(value, bool)


def operation(
    number: int, write: Write, company: str, headers: Mapping[str, str], *, quoted_decimals: bool = False
) -> str:
    """The write as one operation of a batch, as JSON text; its URL is relative to the service root."""
    quoted = quoted_decimals and has_numbers(write.body)
    typed = {} if write.body is None else _QUOTED if quoted else _PLAIN
    inner: dict[str, Any] = {
        "id": str(number),
        "method": write.method,
        "url": f"{company}/{write.path}",
        "headers": {**headers, **typed, **write.headers},
    }
    if write.body is not None:
        inner["body"] = _quoted(write.body) if quoted else write.body
    return json_text(inner)


def inner_answers(outer: Answer, count: int) -> list[Answer | None] | None:
    """The answer to each operation in the order sent, None for one that is missing or came twice; None if it is no batch.

    Only the id says which write an answer is about: an answer without one proves nothing.
    """
    responses = outer.body.get("responses") if isinstance(outer.body, dict) else None
    if not isinstance(responses, list):
        return None
    found: dict[str, list[Mapping[str, Any]]] = {}
    for each in responses:
        if isinstance(each, dict):
            found.setdefault(str(each.get("id")), []).append(each)
    return [_inner_answer(found.get(str(number), []), outer) for number in range(count)]


def judged(answer: Answer) -> Answer:
    """By the rules of a single write (http/verdicts.py), and raises what they raise."""
    return judge_write(answer, SYSTEM, readable=answer.body is not None or not answer.text)


def about_amounts(refused: Refused, *, quoted: bool) -> bool:
    """Whether the form of amounts was refused and not the write (the defect in facts section 10).

    Of text in place of numbers nobody knows the words of a server that does not take it: there any unread body counts.
    """
    unread = quoted and refused.code == "BadRequest"
    return unread or refused.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE or bool(_DECIMALS.search(refused.text))


def surely_refused(refused: Refused) -> bool:
    """Whether nobody but Business Central can have said it, or what it says is about the request itself."""
    return refused.status in ABOUT_THE_REQUEST or bool(_CODE.fullmatch(refused.code))


def not_in_a_batch(answer: Answer) -> bool:
    """Whether an answer to an action says that there is no such operation here, which is no word about the record.

    No gateway stands between a batch and its operations, so inside one even a bare 404 is the server's own.
    """
    error = vendor_error(answer.body)
    if error is None:
        return answer.status in {405, 501} or (answer.status == 404 and not answer.text)
    return answer.status in {400, 404, 405, 501} and error.code in _NO_SUCH_OPERATION


def _inner_answer(found: Sequence[Mapping[str, Any]], outer: Answer) -> Answer | None:
    status = found[0].get("status") if len(found) == 1 else None
    if not isinstance(status, int):
        return None
    headers = found[0].get("headers")
    named = CaseInsensitiveDict({str(name): str(value) for name, value in headers.items()} if headers else {})
    body = found[0].get("body")
    # Text where JSON belongs is a page of somebody else, or an answer that was not understood on the way.
    text, body = (body, None) if isinstance(body, str) else ("", body)
    return Answer(status, body, named, outer.request_id, text, outer.seconds)


def _quoted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _quoted(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_quoted(part) for part in value]
    return format(value, "f") if isinstance(value, Decimal) else value
