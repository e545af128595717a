"""The two forms of journal in Business Central: lines made, deleted, read back and proven, each by its own sets.

Receipts are customerPayments of a cash receipt batch; money paid back are journalLines of a general batch. Both are
posted by journals(id)/Microsoft.NAV.post, which ignores the template when an id is given (facts section 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, entity
from stsync.businesscentral.writes import Outcome, Write
from stsync.core.plan import Decision
from stsync.core.snapshot import OpenLine
from stsync.engine.apply import another
from stsync.engine.apply.protocol import AnotherRun, Ready, Sent
from stsync.engine.survey import booked_payments, booked_refunds, entered, open_line, open_lines
from stsync.errors import CredentialsError, SystemUnavailable, UsageError
from stsync.http.outcomes import OutcomeUnknown, Refused
from stsync.stages import refunds
from stsync.stages.payment_journals import REFUNDS, JournalForm, journal_form, number_of

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Journals:
    """The journals of one form."""

    books: BusinessCentral
    form: JournalForm

    @classmethod
    def of(cls, books: BusinessCentral, decision: Decision) -> Journals:
        """Those that carry this payment."""
        return cls(books, journal_form(decision.about.amount))

    def create_journal(self, body: dict[str, Any], _target: str, _parent: str) -> Sent:
        """Make a batch."""
        return Sent.of(self.books.create(self.form.journals, body))

    def create_lines(self, lines: Sequence[Ready]) -> list[Sent | Exception]:
        """Make lines in their batches; AnotherRun stands for one whose number another run's line has there.

        The line's own number is the claim: a journal has no two lines of one number. That Business Central takes it from us
        is only inferred (facts 2.9, 2.11), and two payments can come to the same: the line is then made without.
        """
        answers = self.books.write_many([Write.create(self._path(one.parent), one.body) for one in lines])
        return [self._made(one, answer) for one, answer in zip(lines, answers, strict=True)]

    def _made(self, line: Ready, answer: Outcome) -> Sent | Exception:
        if not isinstance(answer, Exception):
            return Sent.of(answer)
        if not isinstance(answer, Refused) or "lineNumber" not in line.body or not _is_about_the_number(answer):
            return answer
        document = str(line.body["documentNumber"])
        try:
            if any(one.document_number == document for one in self.lines(line.parent)):
                return AnotherRun(another.line(document, line.parent))
            rest = {name: value for name, value in line.body.items() if name != "lineNumber"}
            return Sent.of(self.books.create(self._path(line.parent), rest))
        except (Refused, OutcomeUnknown, SystemUnavailable, CredentialsError, UsageError) as error:
            return error

    def post(self, _body: dict[str, Any], journal: str, _parent: str) -> Sent:
        """Post everything in a batch, whoever made it (trap 5)."""
        answer = self.books.action(entity("journals", journal), "post")
        return Sent(journal, None, answer.request_id)

    def rows(self, journal: str) -> list[dict[str, Any]]:
        """The lines that stand in a batch, as Business Central shows them.

        customerPayments shows no line that a person typed without an invoice to apply to, and a posting posts it all the
        same (facts 2.9); journalLines of the same id shows those without a document type.
        """
        own = Read(self._path(journal))
        if self.form == REFUNDS:
            return self.books.read(own)
        try:
            lines, others = self.books.read_many([own, Read(f"{entity(REFUNDS.journals, journal)}/{REFUNDS.lines}")])
        except (Refused, CredentialsError):
            # That the one set shows the lines of the other's batch is only inferred (facts section 3).
            return self.books.read(own)
        known = {row["id"] for row in lines}
        return [*lines, *(row for row in others if row["id"] not in known)]

    def lines(self, journal: str) -> list[OpenLine]:
        """The lines of a batch that say something."""
        return list(open_lines(self.rows(journal)))

    def again(self, row: Row) -> dict[str, Any]:
        """A line as the body that makes it once more."""
        line = open_line(row)
        dated = {
            "postingDate": line.posting_date or row["postingDate"],
            "documentNumber": line.document_number,
            "externalDocumentNumber": row.get("externalDocumentNumber") or "",
            "amount": line.amount,
            **({"lineNumber": line.number} if line.number else {}),
        }
        description = {"description": row.get("description") or ""}
        if self.form == REFUNDS:
            account = {"accountType": "Customer", "accountNumber": line.customer_number}
            balance = {
                "balanceAccountType": refunds.GL_ACCOUNT,
                "balancingAccountNumber": line.balancing_account,
            }
            return {**account, **dated, **description, **balance}
        return {"customerNumber": line.customer_number, **dated, **_applied(line), **description}

    def booked(self, decisions: Iterable[Decision]) -> set[str]:
        """The document numbers of those payments that the general ledger proves.

        An answer of 204 may only mean that a job was scheduled (trap 23), and posted lines vanish (trap 9).
        """
        numbers = {number_of(one): one for one in decisions}
        if self.form != REFUNDS:
            return set(booked_payments(self.books, numbers))
        entries = booked_refunds(self.books, numbers)
        return {number for number, one in numbers.items() if _is_refund(one, entries.get(number, {}))}

    def anything_booked(self, decisions: Iterable[Decision]) -> set[str]:
        """The document numbers among those of these payments under which the general ledger holds anything."""
        numbers = [number_of(one) for one in decisions]
        return entered(self.books, numbers)

    def _path(self, journal: str) -> str:
        return f"{entity(self.form.journals, journal)}/{self.form.lines}"


def _is_about_the_number(error: Refused) -> bool:
    return error.code == "Internal_EntityWithSameKeyExists" or "linenumber" in error.text.lower().replace(" ", "")


def delete_line(books: BusinessCentral, entity_set: str, line_id: str) -> Sent:
    """Delete an unposted line of ours."""
    answer = books.delete(entity(entity_set, line_id), "*")
    return Sent(line_id, None, answer.request_id)


def _applied(line: OpenLine) -> dict[str, str]:
    if line.applies_to_id:
        return {"appliesToInvoiceId": line.applies_to_id}
    return {"appliesToInvoiceNumber": line.applies_to_number} if line.applies_to_number else {}


def _is_refund(decision: Decision, by_account: Mapping[str, Any]) -> bool:
    total = decision.about.amount
    return total is not None and refunds.is_booked(total, by_account, str(decision.kept.get("account") or ""))
