"""From ServiceTitan's items to the lines of a sales document: account, dimension, amount, tax.

Every gap found on a document is reported together, so that a bookkeeper repairs it once.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from stsync.core.dimensions import Source
from stsync.core.mapping import Gap, identity
from stsync.core.mapping import Mapping as Choices
from stsync.core.reasons import Reason
from stsync.core.sales import SalesLine, priced
from stsync.core.snapshot import Snapshot
from stsync.core.source.fields import Named
from stsync.core.source.invoice import Invoice, Item
from stsync.core.text import fit
from stsync.stages.dimension_values import Chosen, dimension_values, header_unit
from stsync.stages.findings import Findings


@dataclass(frozen=True)
class Settings:
    """The choices made in the configuration for sales documents."""

    tax_method: str = "line"
    exempt_code: str | None = None
    taxable_code: str | None = None
    business_unit_dimension: str | None = None
    more_dimensions: tuple[Source, ...] = ()

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The codes of all dimensions that documents carry."""
        unit = (self.business_unit_dimension,) if self.business_unit_dimension else ()
        return (*unit, *(one.code for one in self.more_dimensions))


def sales_lines(
    invoice: Invoice, *, choices: Choices, snapshot: Snapshot, settings: Settings, findings: Findings
) -> list[SalesLine]:
    """The lines of an invoice in ServiceTitan's order, the tax line last. Gaps and faults go to `findings`."""
    items = _billed(invoice, findings)
    if invoice.subtotal + invoice.sales_tax != invoice.total:
        findings.faults.append(_total_of_its_own(invoice))
    context = _Context(choices=choices, snapshot=snapshot, settings=settings, findings=findings)
    lines = [_line(position, item, invoice, context) for position, item in enumerate(items, start=1)]
    tax = _tax_line(invoice, context)
    return [line for line in [*lines, tax] if line is not None]


@dataclass(frozen=True)
class _Context:
    choices: Choices
    snapshot: Snapshot
    settings: Settings
    findings: Findings


def _billed(invoice: Invoice, findings: Findings) -> tuple[Item, ...]:
    """The items that add up to the subtotal. That only chargeable ones do is inferred (trap 36), so both are tried."""
    for items in (invoice.charged, invoice.items):
        if sum((item.total for item in items), Decimal(0)) == invoice.subtotal:
            return items
    charged = sum((item.total for item in invoice.charged), Decimal(0))
    findings.faults.append(
        Reason(
            "lines-do-not-add-up",
            f"The lines come to {charged:,.2f}, but ServiceTitan's subtotal is {invoice.subtotal:,.2f}.",
            "Open the invoice in ServiceTitan, correct or recalculate it, and let the next run read it again.",
        )
    )
    return invoice.charged


def _total_of_its_own(invoice: Invoice) -> Reason:
    return Reason(
        "total-does-not-add-up",
        f"ServiceTitan's subtotal {invoice.subtotal:,.2f} and tax {invoice.sales_tax:,.2f} come to "
        f"{invoice.subtotal + invoice.sales_tax:,.2f}, but its total is {invoice.total:,.2f}.",
        "Open the invoice in ServiceTitan, correct or recalculate it, and let the next run read it again.",
    )


def _line(position: int, item: Item, invoice: Invoice, context: _Context) -> SalesLine | None:
    description = fit(item.description or item.sku or "ServiceTitan item", 100)
    if item.total == 0 and item.quantity == 0:
        return SalesLine("Comment", "", description, Decimal(0), Decimal(0), Decimal(0))
    target = _target(position, item, context)
    dimensions = _dimensions(position, item.business_unit or invoice.business_unit, invoice, context)
    if target is None:
        return None
    kind, number = target
    exact = priced(item.quantity, item.price, item.total)
    if exact is None:
        description = fit(f"{item.quantity.normalize():f} x {item.price.normalize():f} {description}", 100)
        context.findings.rules.append(
            f"line {position}: carried as 1 x {item.total}, because {item.quantity} x {item.price} rounds differently"
        )
    quantity, price = exact or (Decimal(1), item.total)
    return SalesLine(
        kind=kind,
        number=number,
        description=description,
        quantity=quantity,
        unit_price=price,
        amount=item.total,
        tax_code=_tax_code(item, context.settings),
        dimensions=dimensions,
    )


def _tax_code(item: Item, settings: Settings) -> str | None:
    if settings.tax_method == "business_central" and item.taxable:
        return settings.taxable_code
    return settings.exempt_code


def _target(position: int, item: Item, context: _Context) -> tuple[str, str] | None:
    """What the line is booked on: a mapped item, else the line's own account."""
    mapped_item = context.choices.lookup("items", item.sku) if item.sku else None
    if mapped_item is not None:
        context.findings.rules.append(f"line {position}: item {mapped_item}, by mapping.items for '{item.sku}'")
        return ("Item", mapped_item) if _item_usable(position, mapped_item, context) else None
    if item.account is None:
        context.findings.faults.append(_no_account(position, item))
        return None
    account = item.account
    number = account_number(context.choices, context.snapshot, account.id, account.number, account.name)
    if number is None:
        key = account.number or account.name or account.id
        context.findings.gaps.append(Gap("accounts", key))
        return None
    context.findings.rules.append(
        f"line {position}: account {number}, for ServiceTitan account {account.number} '{account.name}'"
    )
    return ("Account", number) if _account_usable(position, number, context) else None


def account_number(choices: Choices, snapshot: Snapshot, *candidates: str) -> str | None:
    """The G/L account for a ServiceTitan account, by id, number or name; an equal number maps to itself if it exists."""
    return choices.lookup("accounts", *candidates) or identity(snapshot.accounts, candidates[1])


def _account_usable(position: int, number: str, context: _Context) -> bool:
    account = context.snapshot.accounts.get(number)
    if account is not None and account.usable:
        return True
    if account is None:
        what = f"Business Central has no G/L account {number} (line {position})."
    else:
        what = f"G/L account {number} '{account.name}' cannot be used on a sales line (line {position})."
    context.findings.faults.append(
        Reason(
            "account-not-usable",
            what,
            "In Business Central, open the account card: Account Type must be Posting, Blocked off, Direct Posting on. "
            "Or map the ServiceTitan account to another number.",
        )
    )
    return False


def _item_usable(position: int, number: str, context: _Context) -> bool:
    item = context.snapshot.items.get(number)
    if item is not None and not item.blocked:
        return True
    what = "is blocked" if item is not None else "does not exist"
    context.findings.faults.append(
        Reason(
            "item-not-usable",
            f"Item {number} (line {position}) {what} in Business Central.",
            "Unblock or create the item in Business Central, or change mapping.items.",
        )
    )
    return False


def _no_account(position: int, item: Item) -> Reason:
    return Reason(
        "line-without-account",
        f"Line {position} ('{item.description or item.sku}') names no G/L account in ServiceTitan.",
        _how_to_give_an_account(item),
    )


def _how_to_give_an_account(item: Item) -> str:
    if not item.sku:
        return "Give the line an account in ServiceTitan."
    gap = Gap("items", item.sku)
    return (
        f"Give '{item.sku}' an account in the ServiceTitan pricebook and on the invoice, or map it to an item:\n"
        f"mapping:\n  items:\n    {gap.entry}"
    )


def header_dimensions(
    invoice: Invoice, *, choices: Choices, snapshot: Snapshot, settings: Settings, findings: Findings
) -> dict[str, str]:
    """The document's own values: they reach the receivables entry, which no line speaks for."""
    unit = header_unit(invoice)
    dimension = settings.business_unit_dimension if unit is not None else None
    chosen = Chosen(dimension, settings.more_dimensions, choices, snapshot, findings)
    return dimension_values("document", unit, invoice, chosen)


def _dimensions(position: int, unit: Named | None, invoice: Invoice, context: _Context) -> dict[str, str]:
    settings = context.settings
    chosen = Chosen(
        settings.business_unit_dimension, settings.more_dimensions, context.choices, context.snapshot, context.findings
    )
    return dimension_values(f"line {position}", unit, invoice, chosen)


def _tax_line(invoice: Invoice, context: _Context) -> SalesLine | None:
    """ServiceTitan's tax as its own line on the liability account of the zone (method `line`).

    The tax is taken as given, never recomputed: it can be edited by hand and have several authorities (trap 20).
    """
    if context.settings.tax_method != "line" or invoice.sales_tax == 0:
        return None
    zone = invoice.tax_zone
    if zone is None:
        context.findings.faults.append(
            Reason(
                "tax-without-zone",
                f"The invoice has {invoice.sales_tax:,.2f} sales tax, but no tax zone in ServiceTitan.",
                "Set the tax zone on the invoice's location in ServiceTitan.",
            )
        )
        return None
    number = context.choices.lookup("tax_zones", zone.id, zone.name)
    if number is None:
        context.findings.gaps.append(Gap("tax_zones", zone.name or zone.id, "tax liability account"))
        return None
    if not _account_usable(len(invoice.items) + 1, number, context):
        return None
    context.findings.rules.append(f"tax: account {number}, for tax zone '{zone.name or zone.id}'")
    return SalesLine(
        kind="Account",
        number=number,
        description=fit(f"Sales tax {zone.name}".strip(), 100),
        quantity=Decimal(1),
        unit_price=invoice.sales_tax,
        amount=invoice.sales_tax,
        tax_code=context.settings.exempt_code,
        dimensions=_dimensions(len(invoice.items) + 1, header_unit(invoice), invoice, context),
    )
