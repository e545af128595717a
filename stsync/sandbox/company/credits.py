"""Credit memos: amounts as JSON numbers, real dates, and lines that are fetched on their own (facts, section 3.8).

The facts do not say which sign a credit memo's total has; it is positive here [inferred].
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from stsync.sandbox.company import shapes
from stsync.sandbox.company.billing import Heading, parties, settle
from stsync.sandbox.company.chart import ACCOUNT, UNIT, ZONE
from stsync.sandbox.company.lines import Line, sales_tax, sub_total
from stsync.sandbox.company.office import Office, batch
from stsync.sandbox.company.receipts import Applied, application
from stsync.sandbox.company.values import ZERO, Row


def credit_memo(
    office: Office,
    customer: Row,
    on: date,
    lines: list[Line],
    heading: Heading,
    *,
    applied: Sequence[Applied] = (),
) -> Row:
    """A credit memo; unit and zone of the heading count."""
    memo_id = office.next_id("credit_memos")
    total = sub_total(lines) + sales_tax(lines, ZONE[heading.zone])
    at = office.at(on)
    row = shapes.filled(
        shapes.CREDIT_MEMO_KEYS,
        id=memo_id,
        date=on.isoformat(),
        referenceNumber=f"CM-{memo_id}",
        subTotal=sub_total(lines),
        salesTax=sales_tax(lines, ZONE[heading.zone]),
        salesTaxCode=ZONE[heading.zone].link,
        total=total,
        balance=total - sum((amount for _, amount in applied), ZERO),
        appliedTo=[_application(office, invoice, amount, on) for invoice, amount in applied],
        **parties(office, customer),
        businessUnit=UNIT[heading.unit].link,
        syncStatus=heading.status,
        batch=batch(on, heading.status),
        createdOn=at,
        createdBy="office",
        modifiedOn=office.at(on, 8),
        modifiedBy="office",
        description="Goodwill after a complaint",
        active=True,
    )
    office.credit_memos.append(row)
    office.credit_memo_items += [_item(office, line, memo_id, heading.unit, at) for line in lines]
    for invoice, amount in applied:
        settle(invoice, amount, on=on, at=row["modifiedOn"])
    return row


def _application(office: Office, invoice: Row, amount: Decimal, on: date) -> Row:
    return {**application(office, invoice, amount, on), "appliedAmount": amount, "appliedOn": on.isoformat()}


def _item(office: Office, line: Line, memo_id: int, unit: str, at: str) -> Row:
    account = ACCOUNT[line.account] if line.account else None
    return shapes.filled(
        shapes.CREDIT_MEMO_ITEM_KEYS,
        id=office.next_id("items"),
        active=True,
        description=line.description,
        quantity=line.quantity,
        cost=line.cost,
        price=line.price,
        type=line.kind,
        skuName=line.sku.code if line.sku else None,
        skuId=line.sku.id if line.sku else 0,
        total=line.amount,
        taxable=line.taxable,
        revenueGeneralLedgerAccount=(
            {"id": account.id, "name": account.name, "number": account.number, "type": account.type}
            if account
            else None
        ),
        createdOn=at,
        createdBy="office",
        businessUnit=UNIT[line.unit or unit].link,
        creditMemoId=memo_id,
    )
