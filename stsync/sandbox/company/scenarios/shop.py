"""The pricebook where it differs from the items in the books, and money and bills that people will still move."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from stsync.sandbox.company.billing import Heading, invoice
from stsync.sandbox.company.credits import credit_memo
from stsync.sandbox.company.crm import customer
from stsync.sandbox.company.lines import labor, part
from stsync.sandbox.company.office import Office, june
from stsync.sandbox.company.pricebook import (
    BLOCKED_POSITION,
    CONFLICT_POSITION,
    JUMP_POSITION,
    TWICE_POSITION,
    Sku,
)
from stsync.sandbox.company.purchasing import bill
from stsync.sandbox.company.receipts import payment
from stsync.sandbox.company.values import Ref, of

_TABLE = {"Service": "services", "Material": "materials", "Equipment": "equipment"}


def _skus(*skus: Sku) -> list[Ref]:
    return [(_TABLE[sku.kind], sku.id) for sku in skus]


def pricebook_costs_changed(office: Office) -> list[Ref]:
    """The books' cost of every fortieth entry rose by 6 percent; three items of the books are not in the pricebook yet."""
    return _skus(*office.pricebook.skus[7::40])


def pricebook_cost_leapt(office: Office) -> list[Ref]:
    """The cost of one entry doubled in the books: too much to take over unseen."""
    return _skus(office.pricebook.skus[JUMP_POSITION])


def pricebook_item_blocked(office: Office) -> list[Ref]:
    """An item was blocked in the books; the pricebook still offers it."""
    return _skus(office.pricebook.skus[BLOCKED_POSITION])


def pricebook_kind_conflict(office: Office) -> list[Ref]:
    """A code that is a material in the pricebook and a service in the books."""
    return _skus(office.pricebook.skus[CONFLICT_POSITION])


def pricebook_code_used_twice(office: Office) -> list[Ref]:
    """A service and a material of one code: the pricebook keeps codes apart by kind only."""
    return [*_skus(office.pricebook.skus[TWICE_POSITION]), ("materials", 59_001)]


def bills_ready(office: Office) -> list[Ref]:
    """Two bills of one purchase order's vendor, one posted and one pending; `later.py` corrects the first."""
    skus = office.pricebook.of("Electrical", "Material")[:2]
    posted, pending = bill(office, june(16), skus, [3, 12]), bill(office, june(17), skus, [1, 6])
    pending.update(syncStatus="Pending", batch=None)
    return of("inventory_bills", posted, pending)


def tax_rate_differs_in_the_books(office: Office) -> list[Ref]:
    """Gilbert raised its rate: ServiceTitan has 8.00 percent, the books' tax area still 7.80."""
    heading = Heading(zone="Gilbert")
    return of("invoices", invoice(office, customer(office, zone="Gilbert"), june(19), [part("250.00")], heading))


def after_the_open_period(office: Office) -> list[Ref]:
    """Dated July 1 and posted already: the books are not open for July yet."""
    row = invoice(office, customer(office), date(2026, 7, 1), [labor("137.00")])
    return of("invoices", row)


def refund_of_overpayment(office: Office) -> list[Ref]:
    """A check of $410.00 for $380.00; the $30.00 over were given back by a negative payment that touches no invoice."""
    owner = customer(office)
    work = invoice(office, owner, june(11), [labor("380.00")])
    check = payment(office, owner, june(12), Decimal("410.00"), "Check", applied=[(work, Decimal("380.00"))])
    back = payment(office, owner, june(19), Decimal("-30.00"), "Refund", refunds=check)
    return [*of("invoices", work), *of("payments", check, back)]


def deposit_ready(office: Office) -> list[Ref]:
    """An unapplied deposit and an open invoice: `later.py` applies the one to the other after both are in the books."""
    owner = customer(office)
    deposit = payment(office, owner, june(9), Decimal("250.00"), "Check")
    work = invoice(office, owner, june(19), [labor("980.00")])
    return [*of("invoices", work), *of("payments", deposit)]


def estimate_deposit_ready(office: Office) -> list[Ref]:
    """A deposit on the empty invoice of an estimate visit, and the final invoice it will be moved to (`later.py`)."""
    owner = customer(office)
    install = Heading(unit="Phoenix HVAC Install", kind="Install")
    visit = invoice(office, owner, june(10), [], Heading(unit="Phoenix HVAC Install", kind="Estimate"))
    final = invoice(office, owner, june(24), [labor("5200.00", "Heat pump", account="4110")], install)
    deposit = payment(office, owner, june(10), Decimal("500.00"), applied=[(visit, Decimal("500.00"))])
    return [*of("invoices", visit, final), *of("payments", deposit)]


def check_ready(office: Office) -> list[Ref]:
    """An invoice paid by a check that will come back (`later.py`)."""
    owner = customer(office)
    work = invoice(office, owner, june(22), [labor("264.00")])
    return [
        *of("invoices", work),
        *of(
            "payments",
            payment(office, owner, june(23), Decimal("264.00"), "Check", applied=[(work, Decimal("264.00"))]),
        ),
    ]


def credit_ready(office: Office) -> list[Ref]:
    """An unapplied credit memo and an open invoice; `later.py` applies, edits or voids the credit memo."""
    owner = customer(office)
    work = invoice(office, owner, june(18), [labor("333.00")])
    return [
        *of("customers", owner),
        *of("invoices", work),
        *of("credit_memos", credit_memo(office, owner, june(20), [labor("33.00", "Goodwill")], Heading())),
    ]


ALL = (
    pricebook_costs_changed,
    pricebook_cost_leapt,
    pricebook_item_blocked,
    pricebook_kind_conflict,
    pricebook_code_used_twice,
    bills_ready,
    tax_rate_differs_in_the_books,
    after_the_open_period,
    refund_of_overpayment,
    deposit_ready,
    estimate_deposit_ready,
    check_ready,
    credit_ready,
)
