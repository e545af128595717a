"""What a person does about each kind of drift, in the accountant's own way: no posted document is ever edited. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from stsync.books.drift import Change, Remedy, Side, What, undone_on_both_sides
from stsync.books.drift_source import APPLIED_TO

_ONE = {"invoices": "invoice", "payments": "payment", "credit_memos": "credit-memo"}

_IGNORE = "Both systems say the same again. Tell stsync so with the command."
_BY_HAND: tuple[tuple[What, str], ...] = (
    (
        What.GONE,
        "Look for {number} on the Posted Sales Invoices and Customer Ledger Entries pages in Business Central, and ask "
        "who removed it. If it has to be there, enter it again by hand and say so with stsync ignore.",
    ),
    (
        What.ERASED,
        "The amounts stand in the general ledger, so nothing is missing in the books; only the printed document is gone. "
        "Keep a copy of it for the auditor.",
    ),
    (
        What.TWICE,
        "Compare both on the Posted Sales Invoices page in Business Central, and cancel the one that should not be "
        "there (Correct, Cancel).",
    ),
    (
        What.CREDITED,
        "If the credit was meant, adjust the invoice in ServiceTitan too and say so with stsync ignore; if not, make "
        "the amount good in Business Central with a new document. A cancel that failed half way can also leave it.",
    ),
    (
        What.CREDIT_DRAFT,
        "Somebody prepared a credit memo, or a cancel failed half way. Post it or delete it on the Sales Credit Memos page "
        "in Business Central.",
    ),
    (
        What.LEDGER,
        "If the correction was meant, change ServiceTitan too or say so with stsync ignore; if not, take it back with "
        "Correct Dimensions or a general journal entry in Business Central.",
    ),
)
_REISSUE = (
    "If the cancellation was right, cancel or adjust the invoice in ServiceTitan too. If it was a mistake, the command "
    "shows, and after a confirmation makes, the invoice anew."
)
_REPAY = (
    "If the money did not arrive, void the payment in ServiceTitan too. If it did, the command shows, and after a "
    "confirmation makes, the payment anew."
)
_CORRECT = {
    "invoices": "Undo the change in ServiceTitan, or the command shows, and after a confirmation carries out, the "
    "correction in the books: {number} is taken back there and made anew as ServiceTitan has it now.",
    # Business Central cancels corrective credit memos alone (facts section 3), and these are none.
    "credit_memos": "Undo the change in ServiceTitan. Else take credit memo {number} back by hand, for Business Central does "
    "not cancel it: enter a sales invoice with the same lines (Sales Invoices, Copy Document), apply the two to each other on "
    "the Customer Ledger Entries page, and if ServiceTitan still has the credit, enter it as it is now. Then tell stsync so "
    "with the command.",
    "payments": "Undo the change in ServiceTitan, or the command shows, and after a confirmation carries out, the "
    "correction in the books: an entry takes {number} back, and the payment is made anew if ServiceTitan still has it.",
}
_REAPPLY = (
    "The money is right in the books. On the Customer Ledger Entries page in Business Central, stand on {number}, choose "
    "Unapply Entries, apply it as ServiceTitan does now, and tell stsync so with the command."
)
_UNAPPLY = (
    "On the Customer Ledger Entries page in Business Central, stand on credit memo {number}, choose Unapply Entries, apply it "
    "as ServiceTitan does now, and tell stsync so with the command."
)
_DUE = "Change the due date on the posted sales invoice {number} in Business Central, and say so with stsync ignore."
_APPLY = "Nothing is wrong: apply {number} to it on the Customer Ledger Entries page in Business Central."
_NOTED = "Nothing to do: no amount changed. The document in the books keeps the number that it was posted with."


def remedy(kind: str, source_id: str, number: str, changes: Sequence[Change], *, credit: bool = False) -> Remedy:
    """The way out for one document; what Business Central lost comes before what ServiceTitan changed.

    `credit` says that it stands as a sales credit memo, which nothing takes back but a document entered by hand.
    """
    said = {one.what for one in changes}
    one = _ONE.get(kind, kind)
    if undone_on_both_sides(changes):
        return Remedy(_IGNORE, f'stsync ignore {one} {source_id} --reason "undone in both systems"')
    if What.CANCELLED in said:
        return Remedy(_REISSUE, f"stsync correct {one} {source_id}")
    if What.REVERSED in said:
        return Remedy(_REPAY, f"stsync correct {one} {source_id}")
    by_hand = next((text for what, text in _BY_HAND if what in said), None)
    if by_hand is not None:
        return Remedy(by_hand.format(number=number))
    if _only(changes, "due date"):
        return Remedy(_DUE.format(number=number))
    if said & {What.FIELD} and _only(changes, APPLIED_TO):
        text = _REAPPLY if kind == "payments" else _UNAPPLY
        return Remedy(text.format(number=number), f'stsync ignore {one} {source_id} --reason "applied anew"')
    if said & {What.FIELD, What.VOIDED} and (credit or kind not in _CORRECT):
        by_hand = f'stsync ignore {one} {source_id} --reason "entered by hand"'
        return Remedy(_CORRECT["credit_memos"].format(number=number), by_hand)
    if said & {What.FIELD, What.VOIDED}:
        return Remedy(_CORRECT[kind].format(number=number), f"stsync correct {one} {source_id}")
    return Remedy(_APPLY.format(number=number) if What.APPLIED in said else _NOTED)


def _only(changes: Sequence[Change], field: str) -> bool:
    """Whether that field of ServiceTitan's is all that changed, names apart."""
    told = [one for one in changes if one.what != What.NAME]
    return bool(told) and all(one.side == Side.SERVICETITAN and one.field == field for one in told)
