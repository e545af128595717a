"""Taking over which opening document stands for which invoice: every line checked, then all kept, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from stsync.core.links import BASELINE, Link, link
from stsync.core.operations import digest
from stsync.core.source.fields import UnknownShape, reference
from stsync.engine.settings import settings
from stsync.setup.baseline_reading import OpeningDocument, OpenInvoice, opening_documents
from stsync.setup.review_file import Line
from stsync.setup.sitting import Sitting
from stsync.stages import invoices
from stsync.state import Done, Intent, State

STAGE = invoices.STAGE


@dataclass(frozen=True)
class Choice:
    """One line that is in order."""

    line: Line
    open: OpenInvoice
    document: OpeningDocument
    link: Link


@dataclass(frozen=True)
class Checked:
    """The lines that are in order, those that are so already, and what is wrong with the others, by line."""

    choices: tuple[Choice, ...]
    already: int
    problems: dict[str, str]


def cards(at: Sitting) -> Callable[[str], str]:
    """The number of a ServiceTitan customer's card: linked, carried, or as the template will make it; merges are followed."""
    number = settings(at.wiring.config, at.wiring.choices).customers.number

    def card(customer_id: str) -> str:
        survivor = _survivor(at.state, customer_id)
        known = link(at.state.ledger.by_source("customers", survivor))
        return (known.number or number(survivor)).upper()

    return card


def _survivor(state: State, customer_id: str) -> str:
    seen: list[str] = []
    here = customer_id
    while here not in seen:
        seen.append(here)
        row = state.inbox.find("customers", here)
        try:
            following = reference(row.content, "mergedToId") if row is not None else None
        except UnknownShape:
            following = None
        here = following or here
    return here


def linked(state: State) -> dict[str, Link]:
    """The invoices that are linked to opening documents, by ServiceTitan id."""
    ids = {row.source_id for row in state.ledger.links(STAGE) if row.detail.get("origin") == BASELINE}
    return {source_id: link(rows) for source_id, rows in state.ledger.by_sources(STAGE, ids).items()}


def check(at: Sitting, decided: Sequence[Line], open_before: Sequence[OpenInvoice]) -> Checked:
    """Hold every line against both systems and against what is linked."""
    found = {one.invoice.id: one for one in open_before}
    documents = opening_documents(at.systems.books, at.wiring.config.go_live, open_before)
    room = _Room(at.state, found, documents, cards(at), decided)
    choices: list[Choice] = []
    problems: dict[str, str] = {}
    already = 0
    for line in decided:
        problem = room.problem(line)
        if problem:
            problems[f"line {line.number}"] = problem
        elif _id(line) in room.links:
            already += 1
        else:
            choices.append(Choice(line, found[_id(line)], documents[_number(line)], _link(at.state, _id(line))))
    return Checked(tuple(choices), already, problems)


def _id(line: Line) -> str:
    return line.cells["servicetitan_id"]


def _number(line: Line) -> str:
    return line.cells["bc_number"].upper()


def _link(state: State, invoice_id: str) -> Link:
    return link(state.ledger.by_source(STAGE, invoice_id))


class _Room:
    def __init__(
        self,
        state: State,
        open_before: Mapping[str, OpenInvoice],
        documents: Mapping[str, OpeningDocument],
        card: Callable[[str], str],
        decided: Sequence[Line],
    ) -> None:
        self._state = state
        self._open = open_before
        self._documents = documents
        self.links = linked(state)
        self._card = card
        self._repeated = {one for one, count in Counter(_id(line) for line in decided).items() if count > 1}
        self._sharing: Counter[str] = Counter()
        self._claimed: dict[str, Decimal] = {}
        for line in decided:
            if _id(line) not in self.links and _id(line) in open_before:
                self._claim(_number(line), open_before[_id(line)].open_at_go_live)
        for invoice_id, present in self.links.items():
            # What is paid of those linked earlier may be off the document by now; what is unpaid surely is not.
            if invoice_id in open_before:
                self._claim(present.number.upper(), open_before[invoice_id].balance)

    def _claim(self, number: str, amount: Decimal) -> None:
        self._sharing[number] += 1
        self._claimed[number] = self._claimed.get(number, Decimal(0)) + amount

    def problem(self, line: Line) -> str:
        """Why a line cannot be taken over; empty if it can."""
        found, number = self._open.get(_id(line)), _number(line)
        if found is None:
            return f"ServiceTitan has no invoice {_id(line)} from before go_live that was open then"
        if _id(line) in self._repeated:
            return f"invoice {found.invoice.number} stands in this file more than once"
        if not number:
            return f"bc_number is empty, so nobody can tell which document invoice {found.invoice.number} is"
        present = self.links.get(_id(line))
        if present is not None:
            other = f"invoice {found.invoice.number} is linked to {present.number} already"
            return "" if present.number.upper() == number else other
        carried = _link(self._state, _id(line))
        if carried.exists:
            return (
                f"invoice {found.invoice.number} was carried over by stsync itself, as {carried.number or 'a draft'}; it "
                "needs no opening document"
            )
        document = self._documents.get(number)
        if document is None:
            return f"Business Central has no open document {number} from before go_live"
        return self._shared(number, document) or self._customer(found, document)

    def _shared(self, number: str, document: OpeningDocument) -> str:
        """Several invoices may have been brought over as one sum, but not as less than they come to."""
        if self._sharing[number] > 1 and self._claimed[number] > document.open:
            return (
                f"{self._sharing[number]} invoices name {number}, with those linked before; together they come to "
                f"{self._claimed[number]:,.2f}, but "
                f"only {document.open:,.2f} is open on it"
            )
        return ""

    def _customer(self, found: OpenInvoice, document: OpeningDocument) -> str:
        """Business Central applies payments within one card only (facts section 5)."""
        customer = found.invoice.customer
        card = self._card(customer.id) if customer else ""
        if not document.customer_number or customer is None or card == document.customer_number:
            return ""
        return (
            f"{document.number} is on the card {document.customer_number}, but {customer.name} goes to {card}; link the "
            f"customer first: stsync link customer {customer.id} --to {document.customer_number}"
        )


def keep(at: Sitting, choices: Sequence[Choice], *, operator: str, file: str) -> None:
    """Write the links down, all or nothing; the audit keeps who decided and why. Nothing is sent."""
    with at.state.transaction():
        for choice in choices:
            _keep(at.state, choice, operator=operator, file=file)


def _keep(state: State, choice: Choice, *, operator: str, file: str) -> None:
    invoice, document, reasons = choice.open.invoice, choice.document, choice.line.cells.get("reasons", "")
    key = f"{STAGE}:{invoice.id}:adopt:{choice.link.revision}"
    entity = "salesInvoices" if document.id else "generalLedgerEntries"
    detail: dict[str, Any] = {
        "origin": BASELINE,
        "posted": True,
        "fingerprint": invoices.fingerprint(invoice),
        "customer": document.customer_number,
        "why": f"opening document, linked by {operator}" + (f": {reasons}" if reasons else ""),
    }
    amount = choice.open.open_at_go_live
    intent = Intent(key, STAGE, invoice.id, "adopt", entity, document.number, digest({}), "{}", amount)
    state.ledger.intend([intent], "")
    state.ledger.done(Done(key, document.id or None, document.number, detail), run_id="")
    told = {"operator": operator, "number": document.number, "reasons": reasons, "file": file}
    state.audit.append("linked", run_id="", stage=STAGE, source_id=invoice.id, detail=told)
