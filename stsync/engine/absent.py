"""Invoices that are not in the books: why a payment or credit on one of them waits, or is held."""

from __future__ import annotations

from stsync.core.reasons import Reason

# Invoices that will never be in our books: a payment on one of them waits in vain, so a person must look.
_NEVER = {
    "before_go_live": (
        "invoice-before-go-live",
        "is dated before go_live and was not carried over",
        "Link the invoice to its opening document, and the payment follows by itself; run: stsync baseline propose "
        "--out baseline.csv\nOr enter the payment by hand against the opening balance, then say so with stsync ignore.",
    ),
    "exported_elsewhere": (
        "invoice-exported-elsewhere",
        "was exported from ServiceTitan by other means, so stsync did not carry it",
        "Enter the payment in Business Central by hand, against the invoice that the other export made.",
    ),
    "removed": (
        "invoice-cancelled",
        "was cancelled in ServiceTitan before it was posted",
        "Apply the payment in ServiceTitan to another invoice, or take it off this one.",
    ),
    "reversed": (
        "invoice-cancelled",
        "was cancelled in ServiceTitan and taken back in the books",
        "Apply the payment in ServiceTitan to another invoice, or take it off this one.",
    ),
    "by_hand": (
        "invoice-dealt-with-by-hand",
        "a person dealt with by hand (stsync ignore)",
        "Enter the payment in Business Central by hand too, then say so with stsync ignore.",
    ),
}
# One with nothing on it can be paid on account; what is left under this outcome was cancelled before it was carried.
_NEVER["nothing_to_post"] = _NEVER["removed"]


def never_there(number: str, outcome: str | None) -> Reason | None:
    """Why a payment on this invoice is held; None for an invoice that may still come."""
    if outcome not in _NEVER:
        return None
    name, why, hint = _NEVER[outcome]
    return Reason(name, f"The payment is applied to invoice {number}, which {why}.", hint)


_WHY_NOT = {
    "not_ready": "it is not posted in ServiceTitan yet.",
    "draft": "it stands as a draft in Business Central.",
}


def waits_for(document: str, number: str, outcome: str | None, reason: Reason | None) -> Reason:
    """Why a document ("payment", "credit") waits for an invoice that is not in the books; `reason` is the invoice's own."""
    why = reason.message if reason is not None else _WHY_NOT.get(outcome or "", "it is not posted in the books yet.")
    hint = reason.hint if reason is not None else "Nothing to do: it follows when the invoice is posted."
    return Reason("invoice-not-in-books", f"The {document} waits for invoice {number}: {why}", hint)


def not_read(what: str, number: str) -> Reason:
    """Why a document waits for an invoice that no feed has brought; `what` is what the document does to it."""
    return Reason(
        "invoice-not-read-yet",
        f"{what} ServiceTitan invoice {number}, which has not been read yet.",
        "Nothing to do: it follows when the invoice arrives.",
    )
