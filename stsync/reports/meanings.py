"""What a held, dead or waiting record means for the books, in a bookkeeper's words."""

from __future__ import annotations

from types import MappingProxyType

_BY_CAUSE = MappingProxyType(
    {
        "changed-after-posting": "The books still show the document as it was posted; ServiceTitan now shows another.",
        "voided-before-posting": "The journal still holds lines of a payment that is not to be posted any more.",
        "twice-in-books": "The books may hold this revenue more than once.",
        "posted-with-other-total": "The books hold this document with another total than ServiceTitan.",
        "draft-differs": "A draft stands in Business Central; it was not posted, because its total or lines differ.",
        "invoice-before-go-live": "Money received is not in the books; the open balance it pays was brought over by hand.",
        "customer-card-gone": "The customer's new data, and documents that need the card, stay out of the books.",
        "apply-in-business-central": "It is in the books; the customer's account shows it open until a person applies it.",
        "outcome-unknown": "It may or may not be in the books; the next sync looks before it sends anything again.",
        "posting-scheduled": "Business Central has it, but the general ledger does not show it yet.",
    }
)
_BY_STAGE = MappingProxyType(
    {
        ("customers", "waiting"): "The customer card follows by itself.",
        ("invoices", "waiting"): "Not in the books yet; these invoices follow by themselves.",
        ("payments", "waiting"): "Not in the books yet; these payments follow by themselves.",
        ("customers", ""): "The customer card is not made or not brought up to date; its new documents wait for it.",
        ("credit_memos", "waiting"): "Not in the books yet; these credits follow by themselves.",
        ("credit_memos", ""): "These credits are not in the books: revenue and receivables stand too high by them.",
        ("invoices", ""): "These invoices are not in the books: revenue and receivables stand too low by them.",
        ("payments", ""): "This money is not in the books: the invoices it paid look unpaid there.",
        ("write_backs", "waiting"): "The books are right; ServiceTitan is told again by the next sync.",
        (
            "write_backs",
            "",
        ): "The books are right; ServiceTitan does not show it as exported, so it can be changed there.",
        ("pricebook", ""): "The ServiceTitan pricebook keeps what it has for these items.",
    }
)


def meaning(reference: str, stage: str, state: str) -> str:
    """What it means that records of this stage are in this state for this cause."""
    if reference in _BY_CAUSE:
        return _BY_CAUSE[reference]
    waits = "waiting" if state in {"waiting", "settled"} else ""
    return _BY_STAGE.get((stage, waits)) or _BY_STAGE.get((stage, ""), "")
