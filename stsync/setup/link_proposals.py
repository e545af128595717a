"""Which card each ServiceTitan customer may have already: pairs with reasons, sorted by how sure they are.

exact      one card, and the number, the name with the address, or the name with the e-mail or telephone agree
likely     one card, and something else than the name alone speaks for it
ambiguous  several cards, a card that fits several customers, or nothing but the name: a person has to look
none       nothing alike; a new card will be made
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from stsync.core.likeness import NUMBER, Register, is_exact, is_name_alone
from stsync.core.snapshot import BookCustomer
from stsync.setup.link_reading import Known
from stsync.stages.customers import Alike, card_traits, traits

BUCKETS = ("exact", "likely", "ambiguous", "none")
_MOST_SHOWN = 5


@dataclass(frozen=True)
class Proposal:
    """A customer, how sure the best card is, and the cards that may be theirs, the likeliest first."""

    known: Known
    bucket: str
    candidates: tuple[Alike, ...] = ()


def proposals(
    customers: Sequence[Known],
    cards: Iterable[BookCustomer],
    *,
    number: Callable[[str], str],
    linked: Collection[str],
    owned: Collection[str],
) -> list[Proposal]:
    """A proposal for every customer that is not among `linked`; cards whose id is among `owned` are somebody's already."""
    free = {card.number: card for card in cards if card.id not in owned}
    register = Register({name: card_traits(card) for name, card in free.items()})
    wanted = [one for one in customers if one.customer.id not in linked]
    found = {one.customer.id: _candidates(one, free, register, number) for one in wanted}
    claims = Counter(one.card.number for each in found.values() for one in _claimed(each))
    return [_proposal(one, found[one.customer.id], claims) for one in wanted]


def _candidates(
    known: Known, free: dict[str, BookCustomer], register: Register, number: Callable[[str], str]
) -> list[Alike]:
    own = number(known.customer.id).upper()
    alike = register.alike(traits(known.customer, known.reach))
    if own in free:
        # The number is made from the id alone: no likeness weighs more.
        return [Alike(free[own], (NUMBER, *alike.get(own, ())))]
    ordered = sorted(alike, key=lambda name: (not is_exact(alike[name]), -len(alike[name]), name))
    return [Alike(free[name], alike[name]) for name in ordered]


def _claimed(candidates: Sequence[Alike]) -> list[Alike]:
    """The cards a customer has the best claim to: the exact ones, or all if there is none."""
    return [one for one in candidates if is_exact(one.reasons)] or list(candidates)


def _proposal(known: Known, candidates: list[Alike], claims: Counter[str]) -> Proposal:
    if not candidates:
        return Proposal(known, "none")
    claimed = _claimed(candidates)
    best = claimed[0]
    # Never two customers silently on one card: a card that somebody else has a claim to is nobody's without a person.
    alone = len(claimed) == 1 and claims[best.card.number] == 1
    if alone and is_exact(best.reasons):
        return Proposal(known, "exact", (best,))
    if alone and not is_name_alone(best.reasons):
        return Proposal(known, "likely", tuple(candidates[:_MOST_SHOWN]))
    return Proposal(known, "ambiguous", tuple(_with_others(one, claims) for one in candidates[:_MOST_SHOWN]))


def _with_others(one: Alike, claims: Counter[str]) -> Alike:
    others = claims[one.card.number] > 1
    return replace(one, reasons=(*one.reasons, "fits several ServiceTitan customers")) if others else one
