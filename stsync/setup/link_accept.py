"""Taking over what a person decided about customers: checked line by line against both systems, then all or nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stsync.core.links import Link, link
from stsync.core.operations import digest
from stsync.core.snapshot import BookCustomer
from stsync.engine.settings import settings
from stsync.engine.strangers import id_in, say_new
from stsync.setup.link_reading import Known, these_cards, these_customers
from stsync.setup.review_file import Line
from stsync.setup.sitting import Sitting
from stsync.stages import customers
from stsync.state import Done, Intent, State

STAGE = customers.STAGE
LINKED = "linked"  # the origin of a link that a person made


# ServiceTitan's ids are 64-bit numbers (facts, trap 27); a longer one makes it refuse the whole question.
_ID = re.compile(r"[1-9][0-9]{0,18}")
_LONGEST_NUMBER = 20  # of a card (facts section 2.2)


@dataclass(frozen=True)
class Choice:
    """One decided line that is in order; `card` is None where a new one may be made."""

    line: Line
    known: Known
    card: BookCustomer | None
    link: Link


@dataclass(frozen=True)
class Checked:
    """The lines that are in order, those that say what is so already, and what is wrong with the others, by line."""

    choices: tuple[Choice, ...]
    already: int
    problems: dict[str, str]


def check(at: Sitting, decided: Sequence[Line]) -> Checked:
    """Hold every line against both systems and against what is linked."""
    problems = {
        _place(one): "servicetitan_id has to be the customer's number in ServiceTitan"
        for one in decided
        if not _ID.fullmatch(_id(one))
    }
    lines = [one for one in decided if _place(one) not in problems]
    chosen = settings(at.wiring.config, at.wiring.choices)
    numbers = {_number(one) for one in lines if one.decision == "link" and 0 < len(_number(one)) <= _LONGEST_NUMBER}
    meant = {number: found for number in numbers if _ID.fullmatch(found := id_in(number, chosen))}
    known = these_customers(at.systems.servicetitan, at.state, {*(_id(one) for one in lines), *meant.values()})
    cards = these_cards(at.systems.books, numbers)
    owners = at.state.ledger.card_owners(card.id for card in cards.values())
    rows = at.state.ledger.by_sources(STAGE, known)
    links = {source: link(each) for source, each in rows.items()}
    room = _Room(known, cards, owners, links, _repeated(lines), meant)
    choices, already = [], 0
    for line in lines:
        problem = room.problem(line)
        if problem:
            problems[_place(line)] = problem
        elif room.is_so(line):
            already += 1
        else:
            choices.append(room.choice(line))
    return Checked(tuple(choices), already, dict(sorted(problems.items(), key=lambda one: _order(one[0]))))


def _id(line: Line) -> str:
    return line.cells["servicetitan_id"]


def _number(line: Line) -> str:
    return line.cells["bc_number"].upper()


def _place(line: Line) -> str:
    return f"line {line.number}" if line.number else f"customer {_id(line)}"


def _order(place: str) -> int:
    number = place.rsplit(" ", 1)[-1]
    return int(number) if _ID.fullmatch(number) else 0


def _repeated(lines: Sequence[Line]) -> tuple[set[str], set[str]]:
    """The customers that have more than one decision, and the cards that more than one customer is to be linked to."""
    ids = Counter(_id(one) for one in lines)
    numbers = Counter(_number(one) for one in lines if one.decision == "link")
    return {one for one, count in ids.items() if count > 1}, {one for one, count in numbers.items() if count > 1}


@dataclass(frozen=True)
class _Room:
    known: dict[str, Known]
    cards: dict[str, BookCustomer]
    owners: dict[str, str]
    links: dict[str, Link]
    repeated: tuple[set[str], set[str]]
    meant: dict[str, str]  # cards whose number the template makes of a ServiceTitan customer's id

    def problem(self, line: Line) -> str:
        """Why a line cannot be taken over; empty if it can."""
        known, now = self.known.get(_id(line)), self.links.get(_id(line), Link())
        if known is None:
            return f"ServiceTitan has no customer {_id(line)}"
        if known.customer.merged_to is not None:
            return f"{known.customer.name} was merged into customer {known.customer.merged_to}; decide about that one"
        if _id(line) in self.repeated[0]:
            return f"customer {_id(line)} {known.customer.name} is decided more than once in this file"
        if not now.settled:
            return f"something sent for {known.customer.name} has no answer yet; run stsync sync first"
        if line.decision == "new":
            return f"{known.customer.name} is linked to {now.number} already" if now.origin == LINKED else ""
        return self._no_link(line, known, now)

    def _no_link(self, line: Line, known: Known, now: Link) -> str:
        number, card = _number(line), self.cards.get(_number(line))
        if not number:
            return f"bc_number is empty, so nobody can tell which card {known.customer.name} is to be linked to"
        if card is None:
            return f"Business Central has no customer {number}"
        if number in self.repeated[1]:
            return f"the card {number} stands in this file for more than one customer; merge them in ServiceTitan first"
        if now.exists and now.id != card.id:
            return f"{known.customer.name} is linked to {now.number} already, and documents may have gone there"
        other = self.known.get(self.meant.get(number, ""), known).customer
        if other.id != _id(line) and other.merged_to is None:
            return f"by its number the card {number} is ServiceTitan customer {other.id} {other.name}'s"
        owner = self.owners.get(card.id, _id(line))
        return "" if owner == _id(line) else f"the card {number} is linked to ServiceTitan customer {owner} already"

    def is_so(self, line: Line) -> bool:
        """Whether the line says what is so already: linked to this card, or new and carried over since."""
        return self.links.get(_id(line), Link()).exists

    def choice(self, line: Line) -> Choice:
        card = self.cards[_number(line)] if line.decision == "link" else None
        return Choice(line, self.known[_id(line)], card, self.links.get(_id(line), Link()))


def keep(at: Sitting, choices: Sequence[Choice], *, operator: str, file: str) -> None:
    """Write the decisions down, all or nothing; the audit keeps who decided and why. Nothing is sent."""
    chosen = settings(at.wiring.config, at.wiring.choices).customers
    linked = [one for one in choices if one.card is not None]
    new = [one.known.customer.id for one in choices if one.card is None]
    with at.state.transaction():
        for choice in linked:
            _link(at.state, choice, chosen, operator=operator, file=file)
        say_new(at.state, new, taken_back=(one.known.customer.id for one in linked))
        for customer_id in new:
            detail = {"operator": operator, "file": file}
            at.state.audit.append("said-new", run_id="", stage=STAGE, source_id=customer_id, detail=detail)
        for choice in choices:
            at.state.inbox.replay(kind=STAGE, source_id=choice.known.customer.id)


def _link(state: State, choice: Choice, chosen: customers.Settings, *, operator: str, file: str) -> None:
    """An adoption in the ledger. ServiceTitan's values of today are the base: what is on the card stays until they change."""
    customer, card = choice.known.customer, choice.card
    if card is None:
        return
    fields, _ = customers.card(customer, choice.known.reach, chosen)
    key = f"{STAGE}:{customer.id}:adopt:{choice.link.revision}"
    reasons = choice.line.cells.get("reasons", "")
    why = f"linked by {operator}" + (f": {reasons}" if reasons else "")
    detail: dict[str, Any] = {"fingerprint": digest(fields), "carried": fields, "why": why, "origin": LINKED}
    state.ledger.intend([Intent(key, STAGE, customer.id, "adopt", "customers", card.number, digest({}), "{}")], "")
    state.ledger.done(Done(key, card.id, card.number, detail), run_id="")
    told = {"operator": operator, "number": card.number, "reasons": reasons, "file": file}
    state.audit.append("linked", run_id="", stage=STAGE, source_id=customer.id, detail=told)
