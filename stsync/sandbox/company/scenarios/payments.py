"""Money that does not arrive as one payment for one invoice on one day."""

from __future__ import annotations

from decimal import Decimal

from stsync.sandbox.company.billing import Heading, invoice
from stsync.sandbox.company.crm import customer
from stsync.sandbox.company.lines import labor
from stsync.sandbox.company.office import Office, june
from stsync.sandbox.company.receipts import payment
from stsync.sandbox.company.values import Ref, Row, of

_INSTALL = Heading(unit="Phoenix HVAC Install", kind="Install")


def deposit_unapplied(office: Office) -> list[Ref]:
    """A deposit for work that has not begun: a customer credit without any invoice."""
    return of("payments", payment(office, customer(office), june(11), Decimal("1200.00"), "Check"))


def deposit_applied_later(office: Office) -> list[Ref]:
    """A deposit of June 3, applied on the 19th to the invoice of the 18th; the customer paid the rest by card."""
    owner = customer(office)
    work = invoice(office, owner, june(18), [labor("4200.00", "Heat pump, installed", account="4110")], _INSTALL)
    deposit = payment(
        office, owner, june(3), Decimal("1000.00"), "Check", applied=[(work, Decimal("1000.00"))], applied_on=june(19)
    )
    rest = payment(office, owner, june(19), Decimal("3200.00"), applied=[(work, Decimal("3200.00"))])
    return [*of("invoices", work), *of("payments", deposit, rest)]


def deposit_on_estimate_visit(office: Office) -> list[Ref]:
    """A deposit applied to the empty $0.00 invoice of the estimate visit, which therefore shows a negative balance."""
    owner = customer(office)
    visit = invoice(office, owner, june(12), [], Heading(unit="Phoenix HVAC Install", kind="Estimate"))
    deposit = payment(office, owner, june(12), Decimal("750.00"), applied=[(visit, Decimal("750.00"))])
    return [*of("invoices", visit), *of("payments", deposit)]


def overpayment(office: Office) -> list[Ref]:
    """A check of $500.00 for an invoice of $450.00: $50.00 stay unapplied."""
    owner = customer(office)
    work = invoice(office, owner, june(15), [labor("450.00")])
    check = payment(office, owner, june(16), Decimal("500.00"), "Check", applied=[(work, Decimal("450.00"))])
    return [*of("invoices", work), *of("payments", check)]


def one_payment_several_invoices(office: Office) -> list[Ref]:
    """A property manager's one check for five invoices of three business units."""
    manager = customer(office, commercial=True)
    units = ("Commercial Services", "Phoenix Plumbing Service", "Phoenix Electrical")
    works = [
        invoice(
            office,
            manager,
            june(2 + position),
            [labor(f"{210 + 35 * position}.50", account="4400")],
            Heading(unit=units[position % 3], term="Net 30"),
        )
        for position in range(5)
    ]
    shares = [(row, Decimal(row["total"])) for row in works]
    total = sum((share for _, share in shares), Decimal(0))
    return [
        *of("invoices", *works),
        *of("payments", payment(office, manager, june(25), total, "Check", applied=shares)),
    ]


def several_payments_one_invoice(office: Office) -> list[Ref]:
    """One invoice paid by cash, check, card and bank transfer in four parts over two weeks."""
    owner = customer(office)
    work = invoice(office, owner, june(4), [labor("2000.00", account="4110")], _INSTALL)
    parts = (("Cash", "200.00", 4), ("Check", "800.00", 9), ("Credit Card", "600.00", 12), ("ACH", "400.00", 18))
    paid = [
        payment(office, owner, june(on), Decimal(amount), kind, applied=[(work, Decimal(amount))])
        for kind, amount, on in parts
    ]
    return [*of("invoices", work), *of("payments", *paid)]


def payment_before_invoice_in_feed(office: Office) -> list[Ref]:
    """The payment's row is a week older than its invoice's row: the feeds are not one snapshot (trap 37)."""
    owner, work, paid = _paid_in_full(office, "375.00", worked=9, paid=9)
    paid["modifiedOn"] = "2026-06-09T23:10:00Z"
    work["modifiedOn"] = "2026-06-16T16:20:30.1234567Z"
    return [*of("customers", owner), *of("invoices", work), *of("payments", paid)]


def payment_dated_before_invoice(office: Office) -> list[Ref]:
    """Paid on June 8 on the doorstep, invoiced on the 11th."""
    _, work, paid = _paid_in_full(office, "228.00", worked=11, paid=8)
    return [*of("invoices", work), *of("payments", paid)]


def zero_payment(office: Office) -> list[Ref]:
    """A payment of $0.00 that somebody entered to close an empty invoice."""
    owner = customer(office)
    recall = invoice(office, owner, june(10), [labor("0.00", "Recall, no charge")])
    nothing = payment(office, owner, june(10), Decimal("0.00"), "Cash", applied=[(recall, Decimal("0.00"))])
    return [*of("invoices", recall), *of("payments", nothing)]


def write_off(office: Office) -> list[Ref]:
    """An invoice the office gave up: its last $64.20 are a payment of type Write Off, which is no money."""
    owner = customer(office)
    work = invoice(office, owner, june(2), [labor("364.20")])
    paid = payment(office, owner, june(5), Decimal("300.00"), "Check", applied=[(work, Decimal("300.00"))])
    rest = payment(office, owner, june(29), Decimal("64.20"), "Write Off", applied=[(work, Decimal("64.20"))])
    return [*of("invoices", work), *of("payments", paid, rest)]


def financing_payment(office: Office) -> list[Ref]:
    """A new system paid by a finance company: the balance moves to a receivable from the lender."""
    owner = customer(office)
    work = invoice(office, owner, june(16), [labor("9480.00", "System, installed", account="4110")], _INSTALL)
    paid = payment(
        office, owner, june(17), Decimal("9480.00"), "Desert Home Financing", applied=[(work, Decimal("9480.00"))]
    )
    return [*of("invoices", work), *of("payments", paid)]


def payment_on_exported_invoice(office: Office) -> list[Ref]:
    """A June payment for an invoice that an older integration had exported: the books know no such invoice of ours."""
    owner = customer(office)
    work = invoice(office, owner, june(1), [labor("180.00")], Heading(status="Exported"))
    paid = payment(office, owner, june(8), Decimal("180.00"), applied=[(work, Decimal("180.00"))])
    return [*of("invoices", work), *of("payments", paid)]


def payment_voided(office: Office) -> list[Ref]:
    """A payment entered twice and voided once before anything was transferred (trap 12)."""
    owner, work, paid = _paid_in_full(office, "142.00", worked=17, paid=17)
    twice = payment(office, owner, june(17), Decimal("142.00"))
    twice.update(active=False, memo="Entered twice")
    return [*of("invoices", work), *of("payments", paid, twice)]


def _paid_in_full(office: Office, price: str, *, worked: int, paid: int) -> tuple[Row, Row, Row]:
    owner = customer(office)
    work = invoice(office, owner, june(worked), [labor(price)])
    receipt = payment(office, owner, june(paid), Decimal(work["total"]), applied=[(work, Decimal(work["total"]))])
    return owner, work, receipt


ALL = (
    deposit_unapplied,
    deposit_applied_later,
    deposit_on_estimate_visit,
    overpayment,
    one_payment_several_invoices,
    several_payments_one_invoice,
    payment_before_invoice_in_feed,
    payment_dated_before_invoice,
    zero_payment,
    write_off,
    financing_payment,
    payment_on_exported_invoice,
    payment_voided,
)
