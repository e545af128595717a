"""Drafts of sales documents: made as a whole or line by line, and read back as Business Central itself holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from threading import Lock
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, any_of, entity
from stsync.businesscentral.writes import Outcome, Write
from stsync.core.operations import Operation
from stsync.core.sales import Draft, DraftLine, Expected, SalesLine, wrong_dimensions
from stsync.core.sales_form import Form
from stsync.engine.apply.dimension_forms import Attempt, Forms, without_own_dimensions
from stsync.engine.apply.protocol import ENDINGS, Ready, Sent
from stsync.engine.bookrows import draft_of, with_lines
from stsync.errors import CredentialsError, SystemUnavailable, UsageError
from stsync.http.answers import Answer
from stsync.http.outcomes import OutcomeUnknown, Refused

Row = Mapping[str, Any]
_DIMENSIONS = "dimensionSetLines"


class DraftMaker:
    """Makes drafts, each as a whole where that is taken, else with fewer things nested in it, and adds the rest."""

    def __init__(self, books: BusinessCentral, form: Form) -> None:
        self._books = books
        self._form = form
        self._forms = Forms()
        self._tasting = Lock()

    def make_all(self, documents: Sequence[Ready]) -> list[Sent | Exception]:
        """The new drafts, or why there is none; dimensions that one could not take along are still missing.

        A draft that is left half made keeps its external document number, and a total that is not the document's:
        the next run finds it by the one and replaces it because of the other.
        """
        # The first of a run shows the server's taste: what it refuses as a form is refused once, and not in every lane.
        with self._tasting:
            first = [] if self._forms.known else self._together(documents[:1])
        if first and isinstance(first[0], ENDINGS):
            return first * len(documents)
        return first + self._together(documents[len(first) :])

    def _together(self, documents: Sequence[Ready]) -> list[Sent | Exception]:
        bodies = [one.body for one in documents]
        attempts = [self._forms.attempt() for _ in bodies]
        writes = [
            Write.create(self._form.entity, attempt.body(body)) for attempt, body in zip(attempts, bodies, strict=True)
        ]
        answers = self._books.write_many(writes)
        return [self._made(*one) for one in zip(bodies, attempts, answers, strict=True)]

    def _made(self, body: Mapping[str, Any], attempt: Attempt, answer: Outcome) -> Sent | Exception:
        """What became of one of them; one whose form was refused is tried in a barer form, alone."""
        try:
            if isinstance(answer, Refused) and attempt.another(answer):
                answer = self._created(body, attempt)
            if isinstance(answer, Exception):
                return answer
            attempt.taken(body)
            made = Sent.of(answer)
            if made.id and _shows_no_amount(answer):
                self._add_missing_lines(made.id, body[self._form.lines])
        except (Refused, OutcomeUnknown, SystemUnavailable, CredentialsError, UsageError) as error:
            return error
        return made

    def _created(self, body: Mapping[str, Any], attempt: Attempt) -> Answer:
        while True:
            try:
                return self._books.create(self._form.entity, attempt.body(body))
            except Refused as error:
                if not attempt.another(error):
                    raise

    def _add_missing_lines(self, draft_id: str, lines: Sequence[Mapping[str, Any]]) -> None:
        """Give the draft its lines, unless it has some: an answer without totals does not say which."""
        draft = entity(self._form.entity, draft_id)
        path = f"{draft}/{self._form.lines}"
        if self._books.read(Read(path)):
            return
        try:
            for line in lines:
                self._books.create(path, without_own_dimensions(line))
        except Refused:
            with suppress(Refused):
                self._books.delete(draft, "*")
            raise


def _shows_no_amount(answer: Answer) -> bool:
    body = answer.body if isinstance(answer.body, dict) else {}
    return Decimal(str(body.get("totalAmountIncludingTax") or 0)) == 0


def delete_draft(
    books: BusinessCentral, operation: Operation, _body: dict[str, Any], target: str, _parent: str
) -> Sent:
    """Delete a draft of ours, if it still is as it was read when the operation was planned."""
    answer = books.delete(entity(operation.entity, target), operation.etag or "*")
    return Sent(target, None, answer.request_id)


def post_drafts(books: BusinessCentral, postings: Sequence[Ready]) -> list[Sent | Exception]:
    """Post them, one after the other; the answers show nothing, so the numbers are read afterwards."""
    answers = books.write_many([Write.action(entity(one.operation.entity, one.target), "post") for one in postings])
    return [
        answer if isinstance(answer, Exception) else Sent(one.target, None, answer.request_id)
        for one, answer in zip(postings, answers, strict=True)
    ]


def read_drafts(
    books: BusinessCentral, form: Form, natural_keys: Iterable[str], *, dimensions: bool = True
) -> dict[str, Draft]:
    """The sales documents with these external document numbers, by id; with `dimensions` also the documents' own."""
    expand = f"{_DIMENSIONS},{with_lines(form)}" if dimensions else with_lines(form)
    rows = books.read(Read(form.entity, filter=any_of("externalDocumentNumber", natural_keys), expand=expand))
    return {str(row["id"]): draft_of(form, row) for row in rows}


def read_draft(books: BusinessCentral, form: Form, draft_id: str, *, dimensions: bool = True) -> Draft | None:
    """One draft by its own path: that makes Business Central calculate its totals anew (facts 2.5, GET writes)."""
    path = entity(form.entity, draft_id)
    row = books.one(path)
    if row is None:
        return None
    lines = books.read(Read(f"{path}/{form.lines}", expand=_DIMENSIONS))
    own = books.read(Read(f"{path}/{_DIMENSIONS}")) if dimensions else []
    return draft_of(form, {**row, form.lines: lines, _DIMENSIONS: own})


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
