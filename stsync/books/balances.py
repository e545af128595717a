"""Reading what each customer owes in Business Central, and comparing it with ServiceTitan's documents of that customer.

agedAccountsReceivables takes an as-of date, but in Microsoft's source (codeunit 5488, SetUpAgedReportAPIData) the date
only moves the ageing columns: every detailed ledger entry counts, whatever its posting date. The facts (2.4) leave it
open. So a movement between two dates is believed only where the general ledger shows the same movement; otherwise the
balances of this moment are compared with all documents since go-live, and the report says which of the two it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING

from stsync.books.cards import Cards, made_by_stsync
from stsync.books.customers import Accounts, Balances, by_card
from stsync.books.general_ledger import BookDocument
from stsync.books.openings import openings
from stsync.books.others import of_cards, receipts_by_amount
from stsync.books.result import AsOf, Foreign, TieOut
from stsync.books.servicetitan_side import every_source_since
from stsync.businesscentral.odata import Read, all_of, compare
from stsync.core.money import ZERO
from stsync.errors import CredentialsError, UsageError
from stsync.http.outcomes import Refused

if TYPE_CHECKING:
    from stsync.books.matching import Owner
    from stsync.businesscentral.client import BusinessCentral
    from stsync.config.model import Config
    from stsync.state import State

_TOTAL_ROW = "00000000-0000-0000-0000-000000000000"
_AT_ONCE = 500
_NOT_SERVED = (Refused, CredentialsError, UsageError)
_PERMISSION = "permission-missing"
NOW = "each card's balance at that moment; Business Central's interface shows no balance of a past day"
MOVEMENT = "aged accounts receivable of the last day, less those of the day before go-live"


def with_customers(
    tie_out: TieOut,
    outside: Mapping[Owner, Sequence[BookDocument]],
    *,
    state: State,
    books: BusinessCentral,
    config: Config,
    read: datetime,
) -> TieOut:
    """The tie-out with receivables by customer; without them where the period lies before go-live, or BC tells nothing."""
    if tie_out.period.last < config.go_live:
        return tie_out
    try:
        balances = _balances(tie_out, state, books, config, read)
    except (Refused, CredentialsError) as error:
        if isinstance(error, CredentialsError) and error.reference != _PERMISSION:
            raise
        return replace(tie_out, balances_refused=str(error))
    accounts = Accounts(config.go_live, balances.as_of.last)
    later = {owner: _owed_after(each, tie_out) for owner, each in outside.items()}
    cards = Cards(state, config)
    named = {(one.record.kind, one.record.source_id) for one in tie_out.findings if one.record is not None}
    known: dict[tuple[str, str], str] = {}
    ours: set[tuple[str, str]] = set()
    # What was cancelled in both systems nobody owes, neither here nor there.
    sources = (
        one for one in every_source_since(state, config.go_live) if one.now.active or one.owner not in tie_out.undone
    )
    while part := list(islice(sources, _AT_ONCE)):
        cards.learn(one.now.customer.id for one in part if one.now.customer is not None)
        for one in part:
            card = cards.of(one)
            accounts.add(one, card, in_books=one.owner in tie_out.owners, later=later.get(one.owner, ZERO))
            if one.owner in named:
                known[one.owner] = card
            if one.posted:
                ours.add(one.booked_as)
    if balances.as_of.last is None:
        for card, share in openings(state, cards):
            accounts.opened(card, share)
    named_before = by_card(tie_out.findings, known)
    foreign = _foreign(tie_out, accounts, balances, books, ours=ours, named=named_before)
    rows, findings = accounts.rows(balances, foreign, named_before)
    as_of = replace(balances.as_of, opening=len(balances.opening & {row.key.row for row in rows}))
    return replace(tie_out, rows=(*tie_out.rows, *rows), findings=(*tie_out.findings, *findings), customers=as_of)


def _owed_after(documents: Sequence[BookDocument], tie_out: TieOut) -> Decimal:
    """What these documents do to the customer's balance after the period."""
    entries = (entry for one in documents for entry in one.entries if entry.on > tie_out.period.last)
    return sum((entry.amount for entry in entries if entry.account in tie_out.receivables), ZERO)


def _foreign(
    tie_out: TieOut,
    accounts: Accounts,
    balances: Balances,
    books: BusinessCentral,
    *,
    ours: set[tuple[str, str]],
    named: Mapping[str, Decimal],
) -> dict[str, list[Foreign]]:
    """What others made, looked up only for the cards that something is left unexplained of."""
    rests = _less(accounts.unsettled(balances), named)
    if not rests:
        return {}
    as_of = balances.as_of
    found = of_cards(books, rests, as_of.first, as_of.last, ours)
    rests = _less(rests, {card: sum((one.amount for one in each), ZERO) for card, each in found.items()})
    # Where it could as well be a payment of ours on a wrong card, an equal amount of somebody else's proves nothing.
    doubtful = balances.opening | accounts.perhaps_ours(rests)
    rests = {card: rest for card, rest in rests.items() if card not in doubtful}
    if rests:
        for card, one in receipts_by_amount(books, rests, tie_out.receivables, as_of.first, as_of.last):
            found.setdefault(card, []).append(one)
    return found


def _less(rests: Mapping[str, Decimal], known: Mapping[str, Decimal]) -> dict[str, Decimal]:
    left = {card: rest - known.get(card, ZERO) for card, rest in rests.items()}
    return {card: rest for card, rest in left.items() if rest != 0}


def _balances(tie_out: TieOut, state: State, books: BusinessCentral, config: Config, read: datetime) -> Balances:
    rows = books.read(Read("customerFinancialDetails", select=("id", "number", "balance")))
    now = {str(row["number"]): Decimal(row.get("balance") or 0) for row in rows}
    first, last = config.go_live, tie_out.period.last
    before = _aged(books, first - timedelta(days=1))
    if before is not None and before != _nonzero(now):
        movement = _difference(_aged(books, last) or {}, before)
        if sum(movement.values(), ZERO) == _ledger_movement(books, tie_out.receivables, first, last):
            return Balances(movement, AsOf(first, last, read, MOVEMENT))
    made = made_by_stsync(state, config)
    opening = frozenset(card for card, amount in now.items() if amount != 0 and not made(card))
    return Balances(_nonzero(now), AsOf(first, None, read, NOW), opening)


def _aged(books: BusinessCentral, on: date) -> dict[str, Decimal] | None:
    """The balances of the aged receivables report, without its row of totals; None where it is not served."""
    asked = all_of(compare("agedAsOfDate", "eq", on), compare("periodLengthFilter", "eq", "30D"))
    try:
        rows = books.read(Read("agedAccountsReceivables", filter=asked))
    except _NOT_SERVED:
        return None
    cards = (row for row in rows if str(row.get("customerId") or _TOTAL_ROW) != _TOTAL_ROW)
    return _nonzero({str(row["customerNumber"]): Decimal(row.get("balanceDue") or 0) for row in cards})


def _ledger_movement(books: BusinessCentral, accounts: Iterable[str], first: date, last: date) -> Decimal | None:
    """What the receivables accounts moved by in the general ledger; None if it is not known which they are."""
    total: Decimal | None = None
    days = (compare("postingDate", "ge", first), compare("postingDate", "le", last))
    for account in accounts:
        wanted = all_of(compare("accountNumber", "eq", account), *days)
        rows = books.stream(Read("generalLedgerEntries", filter=wanted, select=("debitAmount", "creditAmount")))
        amounts = (Decimal(row.get("debitAmount") or 0) - Decimal(row.get("creditAmount") or 0) for row in rows)
        total = (total or ZERO) + sum(amounts, ZERO)
    return total


def _difference(after: Mapping[str, Decimal], before: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return _nonzero({card: after.get(card, ZERO) - before.get(card, ZERO) for card in {*after, *before}})


def _nonzero(amounts: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {card: amount for card, amount in amounts.items() if amount != 0}
