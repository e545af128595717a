"""What an operation is to the latency model: its kind, its size, and whether it needs the posting lane.

BC facts section 13: posting is serial per company in effect, so the lane is the company. Drafts and journal lines need
none: the facts name the rows on which their writers meet, but not what a meeting costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.environment import Environment
from stsync.sandbox.businesscentral.errors import BcError
from stsync.sandbox.businesscentral.odata.query import decode_query
from stsync.sandbox.businesscentral.web.address import ACTION_PREFIX, Segment, split_path
from stsync.sandbox.businesscentral.web.session import Operation
from stsync.sandbox.wsgi import BadJson, Response, parse_json

_ACTIONS = {
    "post": "document_post",
    "postAndSend": "document_post",
    "cancel": "document_cancel",
    "cancelAndSend": "document_cancel",
    "makeCorrectiveCreditMemo": "correction_draft",
}
_CREATED = {
    "customers": "customer_create",
    "salesInvoices": "document_create",
    "salesCreditMemos": "document_create",
    "journals": "journal_create",
    "customerPaymentJournals": "journal_create",
}
_WRITTEN = {
    "salesInvoiceLines": "line_write",
    "salesCreditMemoLines": "line_write",
    "journalLines": "journal_line",
    "customerPayments": "journal_line",
    "dimensionSetLines": "dimension_write",
    "defaultDimensions": "dimension_write",
}
_POSTS = frozenset({"document_post", "document_cancel", "journal_post"})


@dataclass(frozen=True)
class Work:
    """A kind of `latency.COSTS`, how many rows it concerns, and the lane it occupies, if any."""

    kind: str
    size: int = 0
    lane: str = ""


def work_of(environment: Environment, operation: Operation) -> Work:
    """A write, judged before it is done. The caller holds the environment's lock."""
    try:
        segments = split_path(operation.path)
        options = decode_query(operation.raw_query)
    except BcError:
        return Work("record_change")
    company = _company(environment, operation, segments, options)
    if segments[-1].name.startswith(ACTION_PREFIX) and len(segments) > 1:
        return _action(company, segments[-2], segments[-1].name.removeprefix(ACTION_PREFIX))
    return _write(operation, segments[-1])


def reading(operation: Operation, response: Response) -> Work:
    """A read, judged by its answer."""
    rows = response.body.get("value") if isinstance(response.body, dict) else None
    size = len(rows) if isinstance(rows, list) else 1
    expanded = "expand=" in operation.raw_query and response.status < 400
    return Work("read_expanded" if expanded else "read", size)


def _company(
    environment: Environment, operation: Operation, segments: list[Segment], options: dict[str, str]
) -> Company | None:
    named = segments[0].key if segments[0].name == "companies" else None
    wanted = named or options.get("company") or operation.header("company")
    return environment.company(wanted) if wanted else None


def _action(company: Company | None, target: Segment, action: str) -> Work:
    kind = "journal_post" if (target.name, action) == ("journals", "post") else _ACTIONS.get(action, "record_change")
    if company is None:
        return Work("record_change")
    lines = _lines(company, target.name, (target.key or "").lower())
    return Work(kind, lines, company.id if kind in _POSTS else "")


def _lines(company: Company, name: str, key: str) -> int:
    if name == "journals":
        return len(company.journal_lines.where("batch_id", key))
    if name == "salesInvoices":
        return len(company.invoice_lines.where("document_id", key))
    return len(company.credit_memo_lines.where("document_id", key))


def _write(operation: Operation, target: Segment) -> Work:
    created = operation.method == "POST" and target.key is None
    kind = _WRITTEN.get(target.name) or (_CREATED.get(target.name) if created else None) or "record_change"
    if kind == "line_write" and operation.method == "DELETE":
        kind = "record_change"
    return Work(kind, _nested(_body(operation)) if created else 0)


def _body(operation: Operation) -> Any:
    try:
        return parse_json(operation.body) if operation.body else None
    except BadJson:
        return None


def _nested(body: Any) -> int:
    """The rows nested in a body at any depth: lines, and the dimensions of lines."""
    if not isinstance(body, dict):
        return 0
    return sum(1 + _nested(row) for rows in body.values() if isinstance(rows, list) for row in rows)
