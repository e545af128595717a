"""Posted documents that a merge of customers moved: ServiceTitan may rename their customer to the survivor, or not.

Whether it does is unknown (facts section 6, customer merge). No amount moves either way, so such a document counts as the
one that was posted; a customer that is another person is a change like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from stsync.core.links import Link
from stsync.core.source.fields import Named, UnknownShape, reference
from stsync.core.source.invoice import Invoice
from stsync.core.source.payment import Payment
from stsync.state import State

Document = TypeVar("Document", Invoice, Payment)
# A longer chain of merges is no chain any more, but a mistake.
_LONGEST = 10


def as_posted(
    state: State,
    kind: str,
    documents: Sequence[Document],
    link: Callable[[str], Link],
    print_of: Callable[[Document], str],
) -> list[Document]:
    """The documents, each under its former customer if nothing but a merge changed it since it was posted."""
    return [under_former_customer(state, kind, one, link(one.id), print_of) for one in documents]


def under_former_customer(
    state: State, kind: str, document: Document, link: Link, print_of: Callable[[Document], str]
) -> Document:
    """The document as it was posted, when its customer was merged since; else the document as it is."""
    if not link.posted or document.customer is None or link.fingerprint in {"", print_of(document)}:
        return document
    for former in sorted(_former_customers(state, kind, document)):
        if merged_into(state, former, document.customer.id):
            before = replace(document, customer=Named(former, document.customer.name))
            if print_of(before) == link.fingerprint:
                return before
    return document


def merged_into(state: State, customer_id: str, survivor: str) -> bool:
    """Whether a customer was merged into another, directly or by way of others."""
    for _ in range(_LONGEST):
        row = state.inbox.find("customers", customer_id)
        try:
            following = reference(row.content, "mergedToId") if row is not None else None
        except UnknownShape:
            return False
        if following is None:
            return False
        if following == survivor:
            return True
        customer_id = following
    return False


def _former_customers(state: State, kind: str, document: Document) -> set[str]:
    """Whom earlier versions of the document named."""
    found: set[str] = set()
    for version in state.inbox.versions(kind, document.id):
        customer = version.content.get("customer")
        try:
            known = reference(customer, "id") if isinstance(customer, dict) else None
        except UnknownShape:
            continue
        found |= {known} if known is not None else set()
    return found - {document.customer.id if document.customer else ""}
