"""Whose document it is: entries in the books beside the ServiceTitan document they came from.

The keys are Business Central's own: an invoice's external document number, a payment's document number. Our ledger only
helps where an invoice's number is not among the sales invoices that were read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stsync.books.general_ledger import BookDocument, SalesNumber
from stsync.books.sources import Source

Owner = tuple[str, str]
_INVOICE_KEY = re.compile(r"ST-([0-9]+)")
_PAYMENT_KEY = re.compile(r"ST-P([0-9]+)")
_SALES_TYPES = frozenset({"Invoice", "Credit Memo"})


@dataclass
class Matched:
    """`first` is each source's document; `again` further documents of the same source; `unknown` carry a ServiceTitan
    number that we have not; `foreign` are everybody else's.
    """

    first: dict[Owner, BookDocument] = field(default_factory=dict)
    again: list[tuple[Owner, BookDocument]] = field(default_factory=list)
    unknown: list[BookDocument] = field(default_factory=list)
    foreign: list[BookDocument] = field(default_factory=list)


def owners(documents: Iterable[BookDocument], numbers: Iterable[SalesNumber]) -> dict[Owner, list[BookDocument]]:
    """The documents that carry a ServiceTitan key, by kind and id."""
    return _by_owner(documents, _external(numbers), {})[0]


def match(
    documents: Iterable[BookDocument], numbers: Sequence[SalesNumber], sources: Mapping[Owner, Source]
) -> Matched:
    """Give every document its owner."""
    remembered = {one.number: owner for owner, one in sources.items() if one.posted and owner[0] == "invoices"}
    claimed, foreign = _by_owner(documents, _external(numbers), remembered)
    matched = Matched(foreign=foreign)
    for owner, candidates in claimed.items():
        source = sources.get(owner)
        if source is None:
            matched.unknown += candidates
            continue
        ordered = sorted(candidates, key=lambda one: (one.number != source.number, one.on, one.number))
        matched.first[owner] = ordered[0]
        matched.again += [(owner, one) for one in ordered[1:]]
    return matched


def _external(numbers: Iterable[SalesNumber]) -> dict[str, str]:
    """External document numbers of posted invoices; a draft's number means nothing in the general ledger."""
    return {one.number: one.external for one in numbers if not one.draft}


def _by_owner(
    documents: Iterable[BookDocument], external: Mapping[str, str], remembered: Mapping[str, Owner]
) -> tuple[dict[Owner, list[BookDocument]], list[BookDocument]]:
    claimed: dict[Owner, list[BookDocument]] = {}
    foreign: list[BookDocument] = []
    for document in documents:
        owner = _owner(document, external, remembered)
        if owner is None:
            foreign.append(document)
        else:
            claimed.setdefault(owner, []).append(document)
    return claimed, foreign


def _owner(document: BookDocument, external: Mapping[str, str], remembered: Mapping[str, Owner]) -> Owner | None:
    if document.document_type == "Invoice":
        if document.number not in external:
            return remembered.get(document.number)
        key = _INVOICE_KEY.fullmatch(external[document.number])
        return ("invoices", key.group(1)) if key else None
    if document.document_type in _SALES_TYPES:
        return None
    key = _PAYMENT_KEY.fullmatch(document.number)
    return ("payments", key.group(1)) if key else None
