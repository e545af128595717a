"""Taking back a posted invoice that Business Central will not cancel: a sales credit memo with the lines that were posted.

What an accountant can rely on:
- it is made where an invoice is paid, or its period is closed: Business Central's own cancellation refuses both (facts
  section 3);
- it has the lines, amounts, tax codes and dimensions of the posted invoice as Business Central shows them, is read back,
  and is posted only if its total is the posted total to the cent;
- its external document number is `ST-<id>-C<n>`, so that the books alone say what it takes back;
- it is applied to nothing: posted entries are applied by a person, who is told which ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.core.dimensions import held_dimensions
from stsync.core.links import REVERSAL, Link
from stsync.core.money import ZERO
from stsync.core.operations import Operation, Ref, Verb
from stsync.core.plan import TO_APPLY, Decision, Standing
from stsync.core.posting_dates import PostingDay, posting_day
from stsync.core.reasons import Reason
from stsync.core.sales import Expected, SalesLine, priced, set_lines
from stsync.core.sales_form import SALES_CREDIT_MEMO
from stsync.core.snapshot import BookInvoice, Snapshot
from stsync.core.text import fit
from stsync.stages.document_body import credit_memo
from stsync.stages.paper import natural_key

STAGE = "invoices"
_KEY = re.compile(r"ST-[0-9]+-C[0-9]+")
_TAKES_BACK = "Takes back "
_TEXT = 100  # descriptions of sales lines (facts 2.6)


@dataclass(frozen=True)
class Original:
    """A posted invoice as Business Central shows it, with its lines.

    `number` is that of this taking back: the first of an invoice is 1. `made` counts the drafts that were made for it so
    far, `standing` what the books hold under its external number; `used_up` are credit memos of earlier takings back
    that a person has applied by now.
    """

    found: BookInvoice
    tax: Decimal
    lines: Sequence[SalesLine]
    dimensions: Mapping[str, str] = field(default_factory=dict)
    number: int = 1
    made: int = 0
    standing: Sequence[BookInvoice] = ()
    used_up: frozenset[str] = frozenset()


def key(invoice_id: str, number: int) -> str:
    """The external document number of the credit memo that takes back the invoice for the n-th time."""
    return f"{natural_key(invoice_id)}-C{number}"


def is_taking_back(external_number: str) -> bool:
    """Whether this is the external document number of such a credit memo."""
    return _KEY.fullmatch(external_number) is not None


def names_any(text: str) -> bool:
    """Whether the line of a credit memo says what it takes back."""
    return text.startswith(_TAKES_BACK)


def names(text: str, number: str) -> bool:
    """Whether it says that it takes back the document of this number."""
    said = text.removeprefix(_TAKES_BACK)
    return names_any(text) and (said == number or said.startswith(f"{number} of "))


def posted_line(row: Mapping[str, Any]) -> SalesLine:
    """A line of a posted invoice as the line of a credit memo: the same account, price, tax code and dimensions."""
    amount = Decimal(str(row.get("amountExcludingTax") or 0))
    quantity, price = Decimal(str(row.get("quantity") or 0)), Decimal(str(row.get("unitPrice") or 0))
    # A line with a discount multiplies to something else than it comes to.
    exact = priced(quantity, price, amount) or ((Decimal(1) if amount >= 0 else Decimal(-1)), abs(amount))
    return SalesLine(
        kind=str(row["lineType"]),
        number=str(row.get("lineObjectNumber") or ""),
        description=str(row.get("description") or ""),
        quantity=exact[0],
        unit_price=exact[1],
        amount=amount,
        tax_code=str(row.get("taxCode") or "") or None,
        dimensions=held_dimensions(row),
    )


def plan(
    invoice_id: str, label: str, end: Operation, original: Original, snapshot: Snapshot
) -> list[Operation] | Reason:
    """The writes that take it back: draft, posting, and `end`, which notes in the ledger that it stands no longer.

    What an interrupted correction left in the books is taken on when posted, and made anew while it is a draft.
    """
    found, external = original.found, key(invoice_id, original.number)
    posted = [one for one in original.standing if one.posted]
    if len(posted) > 1 or any(one.total != -found.total for one in posted):
        return _not_ours(external, original.standing, found)
    if posted:
        why = f"taken back by credit memo {posted[0].number} already; nothing is sent"
        return [_noted(end, original, why=why, memo=posted[0])]
    day = _day(found.posting_date, snapshot)
    if day is None:
        return _no_open_day(found, snapshot)
    writes = _Writes(invoice_id, label, external, found.total, original.made + 1)
    deletes = [writes.delete(one) for one in original.standing]
    return [*deletes, *writes.create_and_post(original, day), _noted(end, original, why=_END)]


_END = "noted as taken back by the credit memo; nothing is sent"


@dataclass(frozen=True)
class _Writes:
    invoice_id: str
    label: str
    external: str
    amount: Decimal
    attempt: int

    def delete(self, draft: BookInvoice) -> Operation:
        return self._operation(
            Verb.DELETE, draft.id, f"our own draft {draft.number}, left behind", target=draft.id, etag=draft.etag or "*"
        )

    def create_and_post(self, original: Original, day: PostingDay) -> list[Operation]:
        expected = _expected(original, day)
        body = credit_memo(
            self.external, original.found.customer_number, expected.lines, dated=day.on, posting_on=day.on
        )
        if original.dimensions:
            body["dimensionSetLines"] = set_lines(original.dimensions)
        moved = f", posted on {day.on} because {day.moved_from} is closed" if day.moved_from else ""
        why = f"takes back {original.found.number}, line by line{moved}; applied to nothing"
        create = self._operation(Verb.CREATE, str(self.attempt), why, body=body)
        post = self._operation(
            Verb.POST,
            str(self.attempt),
            f"once the draft equals {original.found.number} to the cent",
            target=Ref(create.key),
            after=(create.key,),
            facts={"expected": expected},
        )
        return [create, post]

    def _operation(self, verb: Verb, suffix: str, why: str, **more: Any) -> Operation:
        return Operation(
            key=f"{STAGE}:{self.invoice_id}:{REVERSAL}{verb}:{self.external}:{suffix}",
            stage=STAGE,
            source_id=self.invoice_id,
            verb=verb,
            entity=SALES_CREDIT_MEMO.entity,
            natural_key=self.external,
            label=self.label,
            why=why,
            amount=self.amount,
            **more,
        )


def _expected(original: Original, day: PostingDay) -> Expected:
    found = original.found
    said = f"{_TAKES_BACK}{found.number}"
    if day.moved_from is not None:
        said += f" of {day.moved_from}, posted on the first open day {day.on}"
    remark = SalesLine("Comment", "", fit(said, _TEXT), ZERO, ZERO, ZERO)
    return Expected(
        customer_number=found.customer_number,
        total=found.total,
        tax=original.tax,
        lines=[remark, *original.lines],
        posting_on=day.on,
        dimensions=original.dimensions,
    )


def _day(day: date | None, snapshot: Snapshot) -> PostingDay | None:
    """The original's own day, or the first open one: a person has ordered it, so no policy is asked."""
    return posting_day(day, snapshot, "first_open_day") if day is not None else None


def _noted(end: Operation, original: Original, *, why: str, memo: BookInvoice | None = None) -> Operation:
    """The end of the former counterpart, with what a person has to apply afterwards."""
    told = entry(original.found, memo.number if memo is not None else "")
    used_up = sorted(original.used_up)
    facts = {**end.facts, "noted": True, "taken_back": told, "memo": told["memo"], "used_up": used_up}
    return replace(end, why=why, facts=facts)


def entry(found: BookInvoice, memo: str) -> dict[str, str]:
    """What a person has to know to apply the credit memo: of the document, how much was paid when it was taken back."""
    return {
        "number": found.number,
        "customer": found.customer_number,
        "total": str(found.total),
        "open": str(found.remaining or 0),
        "memo": memo,
    }


def carried(link: Link, entry: Mapping[str, str], used_up: Sequence[str] = ()) -> dict[str, Any]:
    """What the ledger keeps until a person has applied it; an earlier taking back that is still to be applied stays."""
    before = [] if link.carried.get("settled") else list(link.carried.get("taken_back", ()))
    return {"taken_back": [*(one for one in before if one["memo"] not in used_up), dict(entry)]}


def left_to_apply(link: Link, *, anew: bool = False) -> Reason | None:
    """What a person still has to apply after an invoice was taken back by a credit memo; None once that was said.

    `anew` while the new invoice is about to be made, and has no number yet.
    """
    entries = link.carried.get("taken_back", ())
    if not entries or link.carried.get("settled"):
        return None
    instead = f"the new invoice {link.number if link.posted else ''}".strip() if anew or link.posted else ""
    told = [_told(one, instead) for one in entries]
    return Reason(
        "apply-in-business-central",
        " ".join(message for message, _ in told),
        f"Page Customer Ledger Entries, customer {entries[-1]['customer']}: "
        + " Then ".join(hint for _, hint in told)
        + " Then say so: stsync applied invoice NUMBER",
    )


def _told(entry: Mapping[str, str], instead: str) -> tuple[str, str]:
    total, left = Decimal(entry["total"]), Decimal(entry["open"])
    paid = total - left
    message = (
        f"Credit memo {entry['memo']} over {total:,.2f} takes back {entry['number']} over {total:,.2f}, of which "
        f"{paid:,.2f} was paid; it is open on the customer's account."
    )
    steps: list[str] = []
    if left:
        steps.append(f"apply {left:,.2f} of it to {entry['number']}")
    if paid and instead:
        steps.append(f"apply {paid:,.2f} of it to {instead}")
    elif paid:
        steps.append(f"leave {paid:,.2f} of it open as the customer's credit, until it is paid back or used")
    return message, f"stand on {entry['memo']}, choose Apply Entries, and {', and '.join(steps)}."


def still_to_apply(decision: Decision, link: Link) -> Decision:
    """The decision about an invoice that was taken back by a credit memo, until a person has applied that."""
    acts = decision.standing == Standing.ACT
    concerned = decision.outcome in {"posted", "nothing_to_post"} and link.ended
    left = left_to_apply(link, anew=acts) if concerned else None
    if left is None:
        return decision
    if decision.standing == Standing.SETTLE:
        return replace(decision, outcome=TO_APPLY, reason=left)
    return replace(decision, afterwards=left) if acts else decision


def _not_ours(external: str, standing: Sequence[BookInvoice], found: BookInvoice) -> Reason:
    numbers = ", ".join(f"{one.number} over {abs(one.total):,.2f}" for one in standing)
    return Reason(
        "credited-by-hand",
        f"Business Central holds {numbers} under {external}, which is not what would take back {found.number} over "
        f"{found.total:,.2f}. Nothing was sent, so that nothing is taken back twice.",
        "Decide in Business Central what the credit memo is worth, correct the rest by hand, then say so with stsync ignore.",
    )


def _no_open_day(found: BookInvoice, snapshot: Snapshot) -> Reason:
    return Reason(
        "correct-in-closed-period",
        f"{found.number} was posted on {found.posting_date}, and Business Central accepts posting dates "
        f"{snapshot.posting_from or 'any'} to {snapshot.posting_to or 'any'}: there is no day on which a credit memo could "
        "take it back.",
        "Set Allow Posting From and To on the General Ledger Setup page in Business Central, then run the command again.",
    )
