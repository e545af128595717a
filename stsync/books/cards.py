"""Which customer card a document belongs on: where it went, or the card of its customer, or of who that was merged into."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from stsync.books.sources import Source
from stsync.core.links import link
from stsync.core.operations import Verb
from stsync.core.source.customer import Customer
from stsync.core.source.fields import UnknownShape

if TYPE_CHECKING:
    from stsync.config.model import Config
    from stsync.state import State

NO_CUSTOMER = "(no customer)"


class Cards:
    """The card numbers of ServiceTitan's customers, learned a few customers at a time."""

    def __init__(self, state: State, config: Config) -> None:
        self._state = state
        self._template = config.customers.number
        self._cards: dict[str, str] = {}
        self._merged: dict[str, str] = {}

    def of(self, source: Source) -> str:
        """The card that the document stands on; where it is not in the books, the one that it would go to."""
        if source.card and (source.posted or source.draft):
            return source.card
        customer = source.now.customer
        return self.card(customer.id) if customer is not None else NO_CUSTOMER

    def learn(self, ids: Iterable[str]) -> None:
        """Look these customers up, and whoever they were merged into."""
        wanted = set(ids) - set(self._cards)
        while wanted:
            links = self._state.ledger.by_sources("customers", wanted)
            for one in wanted:
                known = link(links[one]).number if one in links else ""
                self._cards[one] = (known or self._template.format(id=one)).upper()
            wanted = self._survivors(wanted) - set(self._cards)

    def _survivors(self, ids: Iterable[str]) -> set[str]:
        found: set[str] = set()
        for row in self._state.inbox.find_many("customers", ids).values():
            try:
                survivor = Customer.parse(row.content).merged_to
            except UnknownShape:
                continue
            if survivor is not None:
                self._merged[row.source_id] = survivor
                found.add(survivor)
        return found

    def card(self, customer_id: str) -> str:
        """The card of a customer that was learned, or of who that was merged into."""
        seen: set[str] = set()
        while customer_id in self._merged and customer_id not in seen:
            seen.add(customer_id)
            customer_id = self._merged[customer_id]
        return self._cards.get(customer_id) or self._template.format(id=customer_id).upper()


def made_by_stsync(state: State, config: Config) -> Callable[[str], bool]:
    """Whether a card cannot have had a balance before go-live: stsync made it, or it carries a number of ours."""
    created = {
        (row.target_number or row.natural_key).upper() for row in state.ledger.links("customers") if _made(row.verb)
    }
    before, after = (re.escape(part) for part in config.customers.number.upper().split("{ID}"))
    ours = re.compile(f"{before}[0-9]+{after}")
    return lambda card: card.upper() in created or ours.fullmatch(card.upper()) is not None


def _made(verb: str) -> bool:
    return verb == Verb.CREATE
