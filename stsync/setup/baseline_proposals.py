"""Which opening document stands for which ServiceTitan invoice: by number, by external number, by customer and amount."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stsync.core.likeness import Traits
from stsync.setup.baseline_reading import OpeningDocument, OpenInvoice
from stsync.setup.review_file import Line, read_review
from stsync.stages.invoices import natural_key

EXTERNAL, NUMBER = "same external document number", "same number"
CUSTOMER_AND_AMOUNT, NAME_AND_AMOUNT = "same customer and amount", "same amount, and the customer's name in the text"
SAME_AMOUNT, OTHER_AMOUNT, OTHER_CUSTOMER = "same amount", "another amount", "another customer"
COLUMNS = (
    "decision", "servicetitan_id", "number", "customer", "date", "total", "balance", "paid_since_go_live", "bucket",
    "bc_number", "bc_kind", "bc_customer", "bc_name", "bc_date", "bc_open", "reasons",
)  # fmt: skip
DECISIONS = ("link", "later")
_MOST_SHOWN = 5


@dataclass(frozen=True)
class Pair:
    """A document that may stand for an invoice, and why."""

    document: OpeningDocument
    reasons: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether a number and the amount agree, and nothing speaks against it."""
        found = set(self.reasons)
        return bool(found & {EXTERNAL, NUMBER}) and SAME_AMOUNT in found and OTHER_CUSTOMER not in found


@dataclass(frozen=True)
class Proposal:
    """An invoice, how sure the best document is, and the documents that may stand for it."""

    open: OpenInvoice
    bucket: str
    pairs: tuple[Pair, ...] = ()


def proposals(
    invoices: Sequence[OpenInvoice], documents: Iterable[OpeningDocument], card: Callable[[str], str]
) -> list[Proposal]:
    """A proposal for each invoice; `card` is the number of a ServiceTitan customer's card, empty if there is none."""
    listed = list(documents)
    found = {one.invoice.id: _pairs(one, listed, card) for one in invoices}
    claims = Counter(pair.document.number for pairs in found.values() for pair in _best(pairs))
    return [_proposal(one, found[one.invoice.id], claims) for one in invoices]


def _pairs(one: OpenInvoice, documents: Sequence[OpeningDocument], card: Callable[[str], str]) -> list[Pair]:
    number = card(one.invoice.customer.id) if one.invoice.customer else ""
    pairs = [Pair(document, _reasons(one, document, number)) for document in documents]
    return sorted((pair for pair in pairs if pair.reasons), key=lambda pair: (not pair.exact, pair.document.number))


def _reasons(one: OpenInvoice, document: OpeningDocument, card: str) -> tuple[str, ...]:
    invoice = one.invoice
    names = {name.upper() for name in (invoice.number, invoice.id, natural_key(invoice.id)) if name}
    same_amount = document.open in {one.open_at_go_live, one.balance, invoice.total}
    found = [EXTERNAL] if document.external_number.upper() in names else []
    found += [NUMBER] if document.number.upper() in names else []
    same_customer = bool(document.customer_number) and document.customer_number == card
    if found:
        found.append(SAME_AMOUNT if same_amount else OTHER_AMOUNT)
        return (*found, OTHER_CUSTOMER) if document.customer_number and card and not same_customer else tuple(found)
    if same_amount and same_customer:
        return (CUSTOMER_AND_AMOUNT,)
    return (NAME_AND_AMOUNT,) if same_amount and not document.customer_number and _named(one, document) else ()


def _named(one: OpenInvoice, document: OpeningDocument) -> bool:
    """Whether every word of the customer's name stands in the entry's text."""
    name = one.invoice.customer.name if one.invoice.customer else ""
    words = set(Traits(name).name_key)
    return bool(words) and words <= set(Traits(document.customer_name).name_key)


def _best(pairs: Sequence[Pair]) -> list[Pair]:
    return [pair for pair in pairs if pair.exact] or list(pairs)


def _proposal(one: OpenInvoice, pairs: list[Pair], claims: Counter[str]) -> Proposal:
    if not pairs:
        return Proposal(one, "none")
    best = _best(pairs)
    if len(best) > 1 or claims[best[0].document.number] > 1:
        return Proposal(one, "ambiguous", tuple(pairs[:_MOST_SHOWN]))
    return Proposal(one, "exact", (best[0],)) if best[0].exact else Proposal(one, "likely", tuple(pairs[:_MOST_SHOWN]))


def lines(found: Iterable[Proposal]) -> Iterator[tuple[str, ...]]:
    """The proposals as lines of the file."""
    for proposal in found:
        if not proposal.pairs:
            yield _line(proposal.open, proposal.bucket, None)
        for pair in proposal.pairs:
            yield _line(proposal.open, proposal.bucket, pair)


def _line(one: OpenInvoice, bucket: str, pair: Pair | None) -> tuple[str, ...]:
    invoice, document = one.invoice, pair.document if pair else None
    left = (
        "link" if bucket == "exact" else "",
        invoice.id,
        invoice.number,
        invoice.customer.name if invoice.customer else "",
        str(invoice.invoiced_on or ""),
        f"{invoice.total:.2f}",
        f"{one.balance:.2f}",
        f"{one.paid_since:.2f}",
        bucket,
    )
    if document is None or pair is None:
        return (*left, *("",) * (len(COLUMNS) - len(left)))
    right = (document.number, document.kind, document.customer_number, document.customer_name)
    return (*left, *right, str(document.on or ""), f"{document.open:.2f}", ", ".join(pair.reasons))


def read_decisions(file: Path) -> tuple[list[Line], dict[str, str]]:
    """The lines that a person decided, and what is wrong in the file, by line."""
    found, problems = read_review(file, ("servicetitan_id", "bc_number", "reasons"), DECISIONS)
    return [one for one in found if one.decision == "link"], problems
