"""The file of proposals as a person reads and decides it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from stsync.core.snapshot import BookCustomer
from stsync.setup.link_proposals import Proposal
from stsync.setup.link_reading import Known
from stsync.setup.review_file import Line, read_review
from stsync.stages.customers import Alike

COLUMNS = (
    "decision", "servicetitan_id", "name", "bucket", "bc_number", "bc_name", "reasons", "address", "bc_address", "email",
    "bc_email", "phone", "bc_phone", "bc_blocked", "active",
)  # fmt: skip
DECISIONS = ("link", "new", "later")


def lines(found: Iterable[Proposal]) -> Iterator[tuple[str, ...]]:
    """A line for every card that may be a customer's, and one for a customer without any."""
    for proposal in found:
        if not proposal.candidates:
            yield _line(proposal.known, proposal.bucket, "", None)
        for candidate in proposal.candidates:
            decision = "link" if proposal.bucket == "exact" else ""
            yield _line(proposal.known, proposal.bucket, decision, candidate)


def _line(known: Known, bucket: str, decision: str, candidate: Alike | None) -> tuple[str, ...]:
    customer, card = known.customer, candidate.card if candidate else None
    address = customer.address
    of_titan = [address.street, address.unit, address.postal_code, address.city, address.state]
    of_books = [_of(card, name) for name in ("addressLine1", "addressLine2", "postalCode", "city", "state")]
    return (
        decision,
        customer.id,
        customer.name,
        bucket,
        card.number if card else "",
        _of(card, "displayName"),
        ", ".join(candidate.reasons) if candidate else "",
        ", ".join(part for part in of_titan if part),
        ", ".join(part for part in of_books if part),
        known.reach.email,
        _of(card, "email"),
        known.reach.phone,
        _of(card, "phoneNumber"),
        card.blocked.strip() if card else "",
        "" if customer.active else "no",
    )


def _of(card: BookCustomer | None, name: str) -> str:
    return str(card.fields.get(name) or "") if card is not None else ""


def read_decisions(file: Path) -> tuple[list[Line], dict[str, str]]:
    """The lines that a person decided, and what is wrong in the file, by line."""
    found, problems = read_review(file, ("servicetitan_id", "bc_number", "reasons"), DECISIONS)
    return [one for one in found if one.decision != "later"], problems
