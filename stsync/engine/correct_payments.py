"""Taking back a posted payment: what the general ledger holds of it, and the counter entry in the general journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, any_of, enum_text
from stsync.core.canonical import parse_json
from stsync.core.links import Link, is_reversal, link
from stsync.core.operations import Operation, Verb
from stsync.core.plan import Decision, Standing
from stsync.core.reasons import Reason
from stsync.core.snapshot import Snapshot
from stsync.core.source.fields import UnknownShape
from stsync.core.source.payment import Payment
from stsync.engine.apply.dimension_payments import put_right
from stsync.engine.apply.journals import Journals, delete_line
from stsync.engine.apply.protocol import AnotherRun, Protocol, RecordHeld, RecordRefused, Sent
from stsync.engine.bookrows import day
from stsync.engine.correct_trade import Taking
from stsync.engine.merged import under_former_customer
from stsync.engine.records import unknown_shape
from stsync.engine.settings import Settings
from stsync.engine.survey import Needs, read_all, reference_reads, snapshot
from stsync.errors import GuardError
from stsync.stages import counter_entry, counter_reasons, payments
from stsync.stages.counter_entry import Booked, Former
from stsync.stages.payment_entry import described
from stsync.stages.payment_journals import REFUNDS, counter_key, natural_key, next_issue
from stsync.state import LedgerRow, State

_SALES = frozenset({"Invoice", "Credit Memo"})
_FIELDS = ("documentNumber", "documentType", "accountNumber", "debitAmount", "creditAmount", "postingDate")


class Payments:
    """Payments and refunds, as a trade of stsync correct."""

    kind = "payments"
    stages = ("customers", "payments")

    def __init__(self, state: State, books: BusinessCentral, settings: Settings) -> None:
        self._state = state
        self._books = books
        self._settings = settings

    def prepare(self, source_id: str) -> Taking:
        """Read what the general ledger holds of the payment, and say how it is taken back."""
        row = self._state.inbox.find(self.kind, source_id)
        assert row is not None
        writes = self._state.ledger.by_source(self.kind, source_id)
        known = link(writes)
        payment = under_former_customer(self._state, self.kind, _parsed(row.content), known, payments.fingerprint)
        number = known.number if known.posted else natural_key(source_id, next_issue(known.ended))
        booked = read_booked(self._books, number)
        former = Former(
            payment,
            known,
            booked,
            customer=_customer(self._state, row.content, writes, number),
            journal=self._journal(payment, writes),
            made=_made(writes, counter_key(number)),
        )
        correction = counter_entry.plan(former, self._reference(), self._settings.payments)
        total = booked.amount if booked is not None and not booked.countered else None
        return Taking(source_id, correction, described(payment), known.number, total, payment.total)

    def take_back(self, taking: Taking, ledger: Protocol) -> None:
        """Make the counter entry and post it. Raises RecordRefused, RecordHeld, OutcomeUnknown."""
        known = link(self._state.ledger.by_source(self.kind, taking.source_id))
        for operation in taking.correction.operations:
            CounterEntry(self._books, ledger, known).carry_out(operation)

    def left_to_apply(self, source_id: str) -> Reason | None:
        """The counter entries that are open on the customer's account."""
        return counter_entry.left_to_apply(link(self._state.ledger.by_source(self.kind, source_id)))

    def _journal(self, payment: Payment, writes: Sequence[LedgerRow]) -> str:
        """The payment journal that posted it; of one that was taken on, that of its type."""
        kept = next((str(row.detail["journal"]) for row in reversed(writes) if row.detail.get("journal")), "")
        named = self._settings.choices.lookup("payment_types", payment.type_id, payment.type_name)
        return kept or (named or "").upper()

    def _reference(self) -> Snapshot:
        needs = Needs(payments=True, refund_journal=self._settings.payments.refunds.code)
        return snapshot(read_all(self._books, reference_reads(needs)))


def _parsed(content: Mapping[str, Any]) -> Payment:
    try:
        return Payment.parse(content)
    except UnknownShape as error:
        reason = unknown_shape(Payments.kind, str(error))
        raise GuardError(reason.reference, reason.message, hint=reason.hint) from None


def _customer(state: State, content: Mapping[str, Any], writes: Sequence[LedgerRow], number: str) -> str:
    """The card that the payment was posted on: as it was sent, else that of its customer if nobody else was ever named."""
    sent = [row for row in writes if (row.verb, row.state, row.natural_key) == (Verb.CREATE, "done", number)]
    body = parse_json(sent[-1].body) if sent else {}
    named = str(body.get("customerNumber") or body.get("accountNumber") or "") if isinstance(body, dict) else ""
    if named:
        return named.upper()
    source_id = str(content.get("id"))
    contents = [content, *(one.content for one in state.inbox.versions(Payments.kind, source_id))]
    customers = {str((one.get("customer") or {}).get("id") or "") for one in contents}
    if len(customers) != 1:
        return ""
    return link(state.ledger.by_source("customers", customers.pop())).number.upper()


def _made(writes: Iterable[LedgerRow], number: str) -> int:
    return sum(
        is_reversal(row.key) and (row.verb, row.state, row.natural_key) == (Verb.CREATE, "done", number)
        for row in writes
    )


def read_booked(books: BusinessCentral, number: str) -> Booked | None:
    """What the general ledger holds under a payment's number and under that of its counter entry; None when nothing."""
    filter_text = any_of("documentNumber", [number, counter_key(number)])
    rows = books.read(Read("generalLedgerEntries", filter=filter_text, select=_FIELDS, expand="dimensionSetLines"))
    entries = [row for row in rows if _type(row) not in _SALES]
    own = [row for row in entries if str(row["documentNumber"]) == number]
    if not own:
        return None
    nets, received = _nets(own), any(_type(row) == "Payment" for row in own)
    # A receipt debits the account of its money, a payment back, which has no document type, credits it.
    sides = {account: net for account, net in nets.items() if (net > 0) == received and net != 0}
    account = next(iter(sides)) if len(sides) == 1 else ""
    return Booked(
        number=number,
        amount=sum(sides.values(), Decimal(0)),
        account=account,
        on=day(own[0].get("postingDate")),
        dimensions=_common(row for row in own if str(row["accountNumber"]) == account),
        countered=_nets(row for row in entries if str(row["documentNumber"]) != number),
    )


def _type(row: Mapping[str, Any]) -> str:
    return enum_text(str(row.get("documentType") or "")).strip()


def _nets(rows: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    nets: dict[str, Decimal] = {}
    for row in rows:
        moved = Decimal(row.get("debitAmount") or 0) - Decimal(row.get("creditAmount") or 0)
        account = str(row["accountNumber"])
        nets[account] = nets.get(account, Decimal(0)) + moved
    return nets


def _common(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The dimension values that all of these entries have."""
    sets = [{str(one["code"]): str(one["valueCode"]) for one in row.get("dimensionSetLines") or ()} for row in rows]
    first = sets[0] if sets else {}
    return {code: value for code, value in first.items() if all(one.get(code) == value for one in sets)}


class CounterEntry:
    """The writes of one counter entry, each through the ledger; `link` is what stood before it."""

    def __init__(self, books: BusinessCentral, protocol: Protocol, link: Link) -> None:
        self._books = books
        self._journals = Journals(books, REFUNDS)
        self._protocol = protocol
        self._link = link

    def carry_out(self, operation: Operation) -> None:
        """One of them. Raises RecordRefused, RecordHeld, OutcomeUnknown."""
        facts = {"why": operation.why}
        if operation.verb == Verb.CANCEL:
            self._end(operation)
        elif operation.verb == Verb.POST:
            self._post(operation)
        elif operation.verb == Verb.DELETE:
            self._protocol.perform(operation, partial(self._delete, operation.entity), facts=facts)
        elif operation.entity == REFUNDS.journals:
            self._protocol.perform(operation, self._journals.create_journal, facts=facts)
        else:
            self._make_line(operation, facts)

    def _make_line(self, operation: Operation, facts: Mapping[str, Any]) -> None:
        try:
            self._protocol.perform_one(operation, self._journals.create_lines, facts=facts)
        except AnotherRun as found:
            raise RecordHeld(found.reason) from None

    def _delete(self, entity_set: str, _body: dict[str, Any], target: str, _parent: str) -> Sent:
        return delete_line(self._books, entity_set, target)

    def _post(self, operation: Operation) -> None:
        """Post the journal if it holds this one line and nothing else (trap 5); the general ledger is the proof."""
        journal, number = self._protocol.target(operation), operation.natural_key
        self._see_alone(operation, journal)
        try:
            self._protocol.attempt(operation, self._journals.post)
        except RecordRefused:
            self._take_out(operation, journal)
            raise
        if not self._journals.booked([_as_decision(operation)]):
            raise RecordHeld(counter_reasons.not_booked(operation.facts["former"]))
        self._protocol.record(operation, Sent(number, number), {"why": operation.why})

    def _see_alone(self, operation: Operation, journal: str) -> None:
        if self._journals.anything_booked([_as_decision(operation)]):
            # Another run, or a person, posted it while this one was being confirmed.
            self._take_out(operation, journal)
            raise RecordHeld(counter_reasons.not_shown(operation.facts["former"], operation.facts["journal"]))
        lines = self._journals.lines(journal)
        amounts = [-one.amount for one in lines if one.document_number == operation.natural_key]
        if len(lines) != 1 or amounts != [operation.amount]:
            raise RecordHeld(counter_reasons.not_shown(operation.facts["former"], operation.facts["journal"]))
        for reason in put_right(self._journals, journal, [_as_decision(operation)]).values():
            self._take_out(operation, journal)
            raise RecordHeld(reason)

    def _take_out(self, operation: Operation, journal: str) -> None:
        """Delete our own line, so that nobody posts it with others."""
        for line in self._journals.lines(journal):
            if line.document_number == operation.natural_key:
                key = f"{operation.key}:take-out:{line.id}"
                out = Operation(
                    **{**vars(operation), "key": key, "verb": Verb.DELETE, "entity": line.entity, "target": line.id},
                )
                self.carry_out(out)

    def _end(self, operation: Operation) -> None:
        """Note that the former posting stands no longer; a posting whose answer was lost is closed with it."""
        entry = operation.facts["taken_back"]
        number = str(entry["memo"]) if entry else None
        self._protocol.close_intents(operation.stage, operation.source_id, None, number, {})
        self._protocol.intend(operation, {})
        facts = {
            "why": operation.why,
            "former_number": operation.facts["number"],
            "ended": list(operation.facts["ended"]),
            "carried": counter_entry.carried(self._link, entry),
        }
        self._protocol.record(operation, Sent(str(operation.target), number), facts)


def _as_decision(operation: Operation) -> Decision:
    """The counter entry in the form in which journals know payments."""
    return Decision(
        operation.stage,
        operation.source_id,
        Standing.ACT,
        operation.facts["about"],
        document=operation.natural_key,
        kept={"dimensions": operation.facts["dimensions"], "account": operation.facts["account"]},
    )
