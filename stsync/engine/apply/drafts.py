"""Drafts of sales invoices: made as a whole or line by line, and read back as Business Central itself holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, any_of, entity, enum_text
from stsync.core.sales import Draft, DraftLine, Expected, SalesLine, wrong_dimensions
from stsync.engine.apply.customers import sent
from stsync.engine.apply.protocol import Sent
from stsync.engine.survey import day
from stsync.http.answers import Answer
from stsync.http.outcomes import Refused

Row = Mapping[str, Any]
_LINES = "salesInvoiceLines($expand=dimensionSetLines)"


class DraftMaker:
    """Makes a draft in one request where that is taken, else with fewer things nested in it, and adds the rest.

    Nested lines are documented (facts section 1, deep insert), dimensions nested in them only inferred (facts 2.13).
    What was refused as a form of request once is not tried again.
    """

    def __init__(self, books: BusinessCentral) -> None:
        self._books = books
        self._first_form = 0

    def make(self, body: Mapping[str, Any]) -> Sent:
        """The new draft; dimensions that it could not take along are still missing. Raises Refused.

        A draft that is left half made keeps its external document number, and a total that is not the invoice's:
        the next run finds it by the one and replaces it because of the other.
        """
        answer = self._created(body)
        made = sent(answer)
        if made.id and _shows_no_amount(answer):
            self._add_missing_lines(made.id, body["salesInvoiceLines"])
        return made

    def _created(self, body: Mapping[str, Any]) -> Answer:
        forms = (dict, without_dimensions, _without_lines)
        position, forms_refused = self._first_form, False
        while True:
            try:
                answer = self._books.create("salesInvoices", forms[position](body))
            except Refused as error:
                # A customer or account can bring the dimension along by default, and then a nested one is a second
                # (trap 18): such a draft is made without, and each line is put right when it is read back.
                twice = position == 0 and _speaks_of_dimensions(error)
                if position == len(forms) - 1 or not (_about_form(error) or twice):
                    raise
                position, forms_refused = position + 1, _about_form(error)
            else:
                self._first_form = position if forms_refused else self._first_form
                return answer

    def _add_missing_lines(self, draft_id: str, lines: Sequence[Mapping[str, Any]]) -> None:
        """Give the draft its lines, unless it has some: an answer without totals does not say which."""
        draft = entity("salesInvoices", draft_id)
        path = f"{draft}/salesInvoiceLines"
        if self._books.read(Read(path)):
            return
        try:
            for line in lines:
                self._books.create(path, _without_own_dimensions(line))
        except Refused:
            with suppress(Refused):
                self._books.delete(draft, "*")
            raise


def without_dimensions(body: Mapping[str, Any]) -> dict[str, Any]:
    """The same document without nested dimensions."""
    return {**body, "salesInvoiceLines": [_without_own_dimensions(line) for line in body["salesInvoiceLines"]]}


def _without_own_dimensions(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "dimensionSetLines"}


def _without_lines(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "salesInvoiceLines"}


def _about_form(error: Refused) -> bool:
    """Whether the server refused how the request was put together, not what it said (facts 7.1)."""
    return error.code.startswith("BadRequest") or error.status == 501


def _speaks_of_dimensions(error: Refused) -> bool:
    return "dimension" in error.text.lower()


def _shows_no_amount(answer: Answer) -> bool:
    body = answer.body if isinstance(answer.body, dict) else {}
    return Decimal(str(body.get("totalAmountIncludingTax") or 0)) == 0


def read_drafts(books: BusinessCentral, natural_keys: Iterable[str]) -> dict[str, Draft]:
    """The sales invoices with these external document numbers, by id."""
    rows = books.read(Read("salesInvoices", filter=any_of("externalDocumentNumber", natural_keys), expand=_LINES))
    return {str(row["id"]): _draft(row) for row in rows}


def read_draft(books: BusinessCentral, draft_id: str) -> Draft | None:
    """One draft by its own path: that makes Business Central calculate its totals anew (facts 2.5, GET writes)."""
    path = entity("salesInvoices", draft_id)
    row = books.one(path)
    if row is None:
        return None
    lines = books.read(Read(f"{path}/salesInvoiceLines", expand="dimensionSetLines"))
    return _draft({**row, "salesInvoiceLines": lines})


def aligned(expected: Expected, draft: Draft) -> Draft:
    """The draft with its lines in our order, as far as each has its counterpart: that Business Central keeps the
    order of nested lines is only inferred (facts section 1, deep insert), and the books do not depend on it."""
    rest = [line for line in draft.lines if line.kind != "Comment"]
    ordered: list[DraftLine] = []
    for want in (line for line in expected.lines if line.kind != "Comment"):
        have = _counterpart(want, rest)
        if have is None:
            return draft
        rest.remove(have)
        ordered.append(have)
    return replace(draft, lines=[*ordered, *rest])


def _counterpart(want: SalesLine, lines: Sequence[DraftLine]) -> DraftLine | None:
    equal = [line for line in lines if (line.number, line.amount) == (want.number.upper(), want.amount)]
    return min(equal, key=lambda line: len(wrong_dimensions(want, line)), default=None)


def _draft(row: Row) -> Draft:
    lines = sorted(row.get("salesInvoiceLines") or (), key=lambda line: int(line.get("sequence") or 0))
    return Draft(
        id=str(row["id"]),
        number=str(row["number"]),
        customer_number=str(row.get("customerNumber") or ""),
        status=enum_text(str(row["status"])),
        total=Decimal(row["totalAmountIncludingTax"]),
        tax=Decimal(row["totalTaxAmount"]),
        lines=[_line(line) for line in lines],
        etag=str(row.get("@odata.etag") or "*"),
        posting_on=day(row.get("postingDate")),
    )


def _line(row: Row) -> DraftLine:
    return DraftLine(
        kind=enum_text(str(row.get("lineType") or "")),
        number=str(row.get("lineObjectNumber") or ""),
        amount=Decimal(row.get("amountExcludingTax") or 0),
        dimensions={str(one["code"]): str(one["valueCode"]) for one in row.get("dimensionSetLines") or ()},
        id=str(row["id"]),
    )
