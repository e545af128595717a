"""Receivables by customer: what each customer's documents come to in ServiceTitan beside the balance of the card. Pure.

Business Central's interface has no customer ledger (facts section 5) and its general ledger entries name no customer,
so a card's balance is the only proof that money stands with the right customer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from stsync.books.result import AsOf, Difference, Explanation, Finding, Foreign, Row, Share, What
from stsync.books.sources import Document, Source, day_of
from stsync.books.values import Cell, Record, RowKey, Section, Why
from stsync.core.money import ZERO
from stsync.core.plan import TO_APPLY


@dataclass(frozen=True)
class Balances:
    """The cards' balances, or their movement since go-live.

    `opening`: cards that may carry a balance from before go-live, which Business Central does not tell apart.
    """

    amounts: Mapping[str, Decimal]
    as_of: AsOf
    opening: frozenset[str] = frozenset()


@dataclass
class _Account:
    """One customer's account while it is added up."""

    servicetitan: Decimal = ZERO
    expected: Decimal = ZERO
    documents: int = 0
    names: dict[str, None] = field(default_factory=dict)
    shares: dict[Why, list[Share]] = field(default_factory=dict)
    there: list[Record] = field(default_factory=list)


class Accounts:
    """ServiceTitan's side by card; documents are added one by one and not kept."""

    def __init__(self, first: date, last: date | None) -> None:
        self._first = first
        self._last = last
        self._accounts: dict[str, _Account] = {}

    def add(self, source: Source, card: str, *, in_books: bool, later: Decimal = ZERO) -> None:
        """Count a document on its card. `in_books`: the books have shown it; `later`: what entries of later days add."""
        now = _owed(source, source.now) if source.now.active and self._inside(day_of(source.now)) else ZERO
        # Of what a person had taken back, the books show two documents that cancel each other out.
        gone = source.outcome == "reversed" or (source.outcome == TO_APPLY and not source.posted)
        shown = in_books and not gone
        settled = source.state == "settled" and source.outcome in {"posted", TO_APPLY}
        there = shown or source.posted or (settled and not gone)
        why: Why | None
        if later != 0 and self._last is not None:
            expected, why = (ZERO if gone else self._booked(source)) - later, Why.ANOTHER_PERIOD
        elif there:
            expected, why = self._booked(source), _changed(source)
        else:
            # No word about why it is not there: then it should be.
            why = source.standing()
            expected = now if why is None else ZERO
        if now == 0 and expected == 0:
            return
        account = self._accounts.setdefault(card, _Account())
        account.servicetitan += now
        account.expected += expected
        account.documents += 1
        account.names.setdefault(source.record.name)
        if now != expected:
            reason = source.reason
            note = source.note or (reason.message if reason is not None else "")
            share = Share(source.record, now - expected, note, reason.hint if reason is not None else "")
            account.shares.setdefault(why or Why.CHANGED_AFTER_POSTING, []).append(share)
        if there:
            account.there.append(source.record)

    def opened(self, card: str, share: Share) -> None:
        """Count an opening document that is known by name: Business Central has it, and ServiceTitan's period has not."""
        account = self._accounts.setdefault(card, _Account())
        account.expected -= share.amount
        account.names.setdefault(share.record.name)
        account.shares.setdefault(Why.BEFORE_STSYNC, []).append(share)

    def unsettled(self, balances: Balances) -> dict[str, Decimal]:
        """What the balances differ by from what ServiceTitan's documents come to, by card."""
        rests = {card: self._rest(card, balances) for card in self._cards(balances)}
        return {card: rest for card, rest in rests.items() if rest != 0}

    def perhaps_ours(self, rests: Mapping[str, Decimal]) -> set[str]:
        """Cards whose rests a payment of ours on the wrong one of two cards would explain."""
        found: set[str] = set()
        for card, rest in rests.items():
            others = [other for other, amount in rests.items() if amount == -rest]
            account = self._accounts.get(card, _Account())
            if others and any(one.kind == "payments" and one.total == rest for one in account.there):
                found |= {card, *others}
        return found

    def rows(
        self, balances: Balances, foreign: Mapping[str, Sequence[Foreign]], named: Mapping[str, Decimal]
    ) -> tuple[tuple[Row, ...], tuple[Finding, ...]]:
        """The rows, and a finding for each rest that nothing named explains.

        `foreign`: what others made in the books, by card; `named`: differences by card that are findings already.
        """
        rests: dict[str, Decimal] = {}
        for card in self._cards(balances):
            others = sum((one.amount for one in foreign.get(card, ())), ZERO)
            rests[card] = self._rest(card, balances) - others
        rows = []
        for card, rest in list(rests.items()):
            opening = rest - named.get(card, ZERO) if card in balances.opening else ZERO
            rests[card] = rest - opening
            rows.append(self._row(card, balances, tuple(foreign.get(card, ())), opening))
        left = {card: rest - named.get(card, ZERO) for card, rest in rests.items() if rest != 0}
        wrong = {card: rest for card, rest in left.items() if rest != 0}
        return tuple(rows), tuple(self._finding(card, wrong, balances) for card in wrong)

    def _booked(self, source: Source) -> Decimal:
        """What a posted document adds to the balance that is looked at; one of a later day adds nothing yet."""
        day = day_of(source.as_posted)
        later = self._last is not None and day is not None and day > self._last
        return ZERO if later else _owed(source, source.as_posted)

    def _inside(self, day: date | None) -> bool:
        return day is not None and self._first <= day and (self._last is None or day <= self._last)

    def _cards(self, balances: Balances) -> list[str]:
        return sorted({*self._accounts, *(card for card, amount in balances.amounts.items() if amount != 0)})

    def _rest(self, card: str, balances: Balances) -> Decimal:
        account = self._accounts.get(card)
        return balances.amounts.get(card, ZERO) - (account.expected if account is not None else ZERO)

    def _row(self, card: str, balances: Balances, others: tuple[Foreign, ...], opening: Decimal) -> Row:
        account = self._accounts.get(card, _Account())
        shares = {why: tuple(each) for why, each in account.shares.items()}
        if opening != 0:
            record = Record("customers", card, card, self._name(card), None, -opening)
            rest = Share(record, -opening, "the card was in Business Central before")
            shares[Why.BEFORE_STSYNC] = (*shares.get(Why.BEFORE_STSYNC, ()), rest)
        return Row(
            key=RowKey(Section.CUSTOMERS, card),
            names=tuple(account.names),
            book_name="",
            servicetitan=account.servicetitan,
            explanations=tuple(Explanation(why, shares[why]) for why in Why if why in shares),
            books=balances.amounts.get(card, ZERO),
            only_in_books=others,
            servicetitan_documents=account.documents,
        )

    def _name(self, card: str) -> str:
        account = self._accounts.get(card)
        return next(iter(account.names), "") if account is not None else ""

    def _finding(self, card: str, wrong: Mapping[str, Decimal], balances: Balances) -> Finding:
        rest = wrong[card]
        expected = balances.amounts.get(card, ZERO) - rest
        record = Record("customers", card, card, self._name(card), None, balances.amounts.get(card, ZERO))
        cell = Cell(Section.CUSTOMERS, card, "")
        difference = Difference(cell, expected, balances.amounts.get(card, ZERO))
        return Finding(What.BALANCE, record, card, (difference,), self._suspects(card, rest, wrong))

    def _suspects(self, card: str, rest: Decimal, wrong: Mapping[str, Decimal]) -> str:
        """Whatever has exactly this amount: the books do not say on whose card a payment stands."""
        account = self._accounts.get(card, _Account())
        same = [one for one in account.there if abs(one.total) == abs(rest)]
        others = [other for other, amount in wrong.items() if amount == -rest]
        found = [f"{one.noun.capitalize()} {one.number} of this customer has this amount." for one in same]
        found += [f"Customer {other} has the opposite difference." for other in others]
        return " ".join(found[:4])


def _owed(source: Source, document: Document) -> Decimal:
    """What the document adds to the customer's balance."""
    return -document.total if source.lowers_balance else document.total


def _changed(source: Source) -> Why | None:
    return Why.BY_HAND if source.by_hand else Why.CHANGED_AFTER_POSTING


def by_card(findings: Iterable[Finding], cards: Mapping[tuple[str, str], str]) -> dict[str, Decimal]:
    """The differences in balances that findings already name, by card; `cards` by the finding's record or document."""
    named: dict[str, Decimal] = {}
    for one in findings:
        key = (one.record.kind, one.record.source_id) if one.record is not None else ("", one.document)
        for each in one.differences:
            if each.cell.section == Section.CUSTOMERS:
                card, amount = each.cell.row, each.amount
            elif each.cell.section in {Section.RECEIVABLES, Section.PAYMENTS} and key in cards:
                card = cards[key]
                amount = each.amount if each.cell.section == Section.RECEIVABLES else -each.amount
            else:
                continue
            named[card] = named.get(card, ZERO) + amount
    return named
