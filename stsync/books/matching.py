"""Whose document it is: entries in the books beside the ServiceTitan document they came from.

The keys are Business Central's own: a sales document's external number, a payment's document number. Our ledger only
helps where a posted document no longer carries the number that we gave it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from stsync.books.general_ledger import BookDocument, SalesNumber, together
from stsync.books.sources import Source

Owner = tuple[str, str]
# ST-10482 is an invoice (a credit memo where its total is negative), ST-C77 a credit memo of ServiceTitan's own;
# ST-10482-C1 takes a posted document back, as ST-P9R takes back a payment, which may be made anew as ST-P9-2.
_SALES_KEY = re.compile(r"ST-(C?)([0-9]+)(-C[0-9]+)?")
_PAYMENT_KEY = re.compile(r"(ST-P([0-9]+)(?:-[0-9]+)?)(R[0-9]*)?")
_SALES_TYPES = frozenset({"Invoice", "Credit Memo"})


@dataclass
class Matched:
    """`first` is each source's document, together with those of its own that were undone or undid it; `undone` names
    the sources of which nothing else is left. `again` are further documents of the same source; `unknown` carry a
    ServiceTitan number that we have not; `foreign` are everybody else's. `sales` describes sales documents.
    `half_undone` names the sources of which Business Central says that something was cancelled, but nothing that is
    known here cancels it.
    """

    first: dict[Owner, BookDocument] = field(default_factory=dict)
    undone: set[Owner] = field(default_factory=set)
    half_undone: set[Owner] = field(default_factory=set)
    again: list[tuple[Owner, BookDocument]] = field(default_factory=list)
    unknown: list[BookDocument] = field(default_factory=list)
    foreign: list[BookDocument] = field(default_factory=list)
    sales: dict[tuple[str, str], SalesNumber] = field(default_factory=dict)


@dataclass(frozen=True)
class _Claim:
    """A document that says whose it is; `undoing` when it takes back, or was taken back.

    `takes_back` is what a credit memo of stsync's own (`ST-<id>-C<n>`) comes to: one invoice of that total is undone.
    """

    owner: Owner
    document: BookDocument
    undoing: bool = False
    takes_back: Decimal | None = None


def owners(documents: Iterable[BookDocument], numbers: Iterable[SalesNumber]) -> set[Owner]:
    """The kinds and ids that the documents carry a ServiceTitan key of."""
    sales = _posted(numbers)
    claims = (_claim(one, sales, {}) for one in documents)
    return {one.owner for one in claims if one is not None}


def match(
    documents: Iterable[BookDocument], numbers: Iterable[SalesNumber], sources: Mapping[Owner, Source]
) -> Matched:
    """Give every document its owner."""
    matched = Matched(sales=_posted(numbers))
    remembered = {one.booked_as: owner for owner, one in sources.items() if one.posted and owner[0] != "payments"}
    claims = _claims(documents, matched.sales, remembered, matched.foreign)
    for owner, each in claims.items():
        _share_out(owner, each, sources.get(owner), matched)
    return matched


def claimed(
    documents: Iterable[BookDocument],
    sales: Mapping[tuple[str, str], SalesNumber],
    remembered: Mapping[tuple[str, str], Owner],
) -> dict[Owner, list[BookDocument]]:
    """The documents of each owner; `remembered` is what our ledger knows, by type and number."""
    claims = _claims(documents, sales, remembered, [])
    return {owner: [one.document for one in each] for owner, each in claims.items()}


def _claims(
    documents: Iterable[BookDocument],
    sales: Mapping[tuple[str, str], SalesNumber],
    remembered: Mapping[tuple[str, str], Owner],
    foreign: list[BookDocument],
) -> dict[Owner, list[_Claim]]:
    claims: dict[Owner, list[_Claim]] = {}
    for document in documents:
        claim = _claim(document, sales, remembered)
        if claim is None:
            foreign.append(document)
        else:
            claims.setdefault(claim.owner, []).append(claim)
    _give_nameless_memos(claims, sales, foreign)
    return claims


def _give_nameless_memos(
    claims: Mapping[Owner, list[_Claim]], sales: Mapping[tuple[str, str], SalesNumber], foreign: list[BookDocument]
) -> None:
    """A corrective memo without any number belongs to the cancelled invoice of its customer and total.

    Whether a cancel's credit memo keeps the external number is not in the facts; its Applies-to may be empty (facts
    section 3).
    """
    for document in list(foreign):
        memo = sales.get(document.key)
        if memo is None or not memo.undone or memo.kind != "Credit Memo" or memo.credits:
            continue
        for owner, each in claims.items():
            if _half_undone(each) and any(_same_sale(memo, sales.get(one.document.key)) for one in each):
                each.append(_Claim(owner, document, undoing=True))
                foreign.remove(document)
                break


def _same_sale(memo: SalesNumber, invoice: SalesNumber | None) -> bool:
    if invoice is None or not invoice.undone:
        return False
    return (memo.customer, memo.total) == (invoice.customer, invoice.total)


def _half_undone(claims: Sequence[_Claim]) -> bool:
    """Whether one was cancelled or cancels, and nothing of the other type is there."""
    sales = [one for one in claims if one.document.document_type in _SALES_TYPES]
    kinds = {one.document.document_type for one in sales if one.undoing or one.document.document_type == "Credit Memo"}
    return len(kinds) == 1 and any(one.undoing and one.takes_back is None for one in sales)


def _share_out(owner: Owner, claims: Sequence[_Claim], source: Source | None, matched: Matched) -> None:
    if source is None:
        matched.unknown += [one.document for one in claims]
        return
    if _half_undone(claims):
        matched.half_undone.add(owner)
    standing, undone = _standing(claims, source)
    for total in (one.takes_back for one in claims if one.takes_back is not None):
        taken = _taken_back(standing, total, source, matched.sales)
        standing = [one for one in standing if one is not taken]
        undone += [taken] if taken is not None else []
    standing.sort(key=lambda one: (one.number != source.number, one.on, one.number))
    matched.first[owner] = together([*standing[:1], *undone])
    matched.again += [(owner, one) for one in standing[1:]]
    if not standing:
        matched.undone.add(owner)


def _standing(claims: Sequence[_Claim], source: Source) -> tuple[list[BookDocument], list[BookDocument]]:
    """The documents that stand, and those that cancel each other out.

    A credit memo under the number of an invoice above zero takes that invoice back, whoever made it: Business Central
    copies the number when it prepares a corrective memo.
    """
    wanted = source.document_type
    standing: list[BookDocument] = []
    undone: list[BookDocument] = []
    taken_back = {one.document.number.partition("R")[0] for one in claims if one.undoing and one.owner[0] == "payments"}
    for one in claims:
        if one.document.number in taken_back:
            undone.append(one.document)
            continue
        against = one.document.document_type in _SALES_TYPES and one.document.document_type != wanted
        (undone if one.undoing or against else standing).append(one.document)
    return standing, undone


def _taken_back(
    standing: Sequence[BookDocument], total: Decimal, source: Source, sales: Mapping[tuple[str, str], SalesNumber]
) -> BookDocument | None:
    """The invoice that a credit memo of ours took back: the first of its total, and never the one that we know stands."""
    others = [one for one in standing if not (source.posted and one.number == source.number)]
    same = [one for one in others if one.key in sales and sales[one.key].total == total]
    return min(same, key=lambda one: (one.on, one.number), default=None)


def _posted(numbers: Iterable[SalesNumber]) -> dict[tuple[str, str], SalesNumber]:
    """Posted sales documents by type and number; a draft's number means nothing in the general ledger."""
    return {one.key: one for one in numbers if not one.draft}


def _claim(
    document: BookDocument,
    sales: Mapping[tuple[str, str], SalesNumber],
    remembered: Mapping[tuple[str, str], Owner],
) -> _Claim | None:
    if document.document_type in _SALES_TYPES:
        known = sales.get(document.key)
        return _sales_claim(document, known, remembered.get(document.key) or _credited(known, sales, remembered))
    key = _PAYMENT_KEY.fullmatch(document.number)
    return _Claim(("payments", key.group(2)), document, bool(key.group(3))) if key else None


def _sales_claim(document: BookDocument, known: SalesNumber | None, remembered: Owner | None) -> _Claim | None:
    undone = known is not None and known.undone
    key = _SALES_KEY.fullmatch(known.external) if known is not None else None
    if key is None:
        return _Claim(remembered, document, undone) if remembered is not None else None
    takes_back = known.total if key.group(3) and known is not None else None
    return _Claim(_keyed(key), document, undone or bool(key.group(3)), takes_back)


def _keyed(key: re.Match[str]) -> Owner:
    return ("credit_memos" if key.group(1) else "invoices"), key.group(2)


def _credited(
    known: SalesNumber | None, sales: Mapping[tuple[str, str], SalesNumber], remembered: Mapping[tuple[str, str], Owner]
) -> Owner | None:
    """Whose invoice a corrective memo takes back, where it names the invoice but does not carry its external number."""
    if known is None or not known.undone or not known.credits or is_sales_key(known.external):
        return None
    invoice = sales.get(("Invoice", known.credits))
    key = _SALES_KEY.fullmatch(invoice.external) if invoice is not None else None
    return _keyed(key) if key is not None else remembered.get(("Invoice", known.credits))


def is_sales_key(external: str) -> bool:
    """Whether an external document number is one of ours."""
    return _SALES_KEY.fullmatch(external) is not None


def is_payment_key(number: str) -> bool:
    """Whether a document number is that of a payment of ours."""
    return _PAYMENT_KEY.fullmatch(number) is not None


def carries_key(document: BookDocument, sales: Mapping[tuple[str, str], SalesNumber]) -> bool:
    """Whether the document still carries a ServiceTitan number; one that was not read is believed."""
    known = sales.get(document.key)
    return known is None or is_sales_key(known.external)
