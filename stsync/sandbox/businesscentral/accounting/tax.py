"""Tax of sales lines: North American sales tax by (area, group), or VAT by (business, product) group.

Not modelled: tax jurisdictions and their order, tax on tax, maximum amounts, use tax, tax ledger entries,
rates by date, reverse charge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from stsync.sandbox.businesscentral.core.amounts import percent_of
from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.document_records import SalesDocument, SalesLine
from stsync.sandbox.businesscentral.errors import dialog, invalid_relation


def is_vat(company: Company) -> bool:
    """Whether the company lives under VAT rather than sales tax."""
    return company.settings.tax_mode == "vat"


def rate(company: Company, document: SalesDocument, group: str) -> Decimal:
    """The percent of tax on a line of this tax group. Raises when VAT lacks the set-up."""
    area = company.tax_areas.first("code", document.tax_area_code)
    if not is_vat(company):
        return area.rates.get(group, Decimal(0)) if area and document.tax_liable else Decimal(0)
    if area is None or group not in area.rates:
        raise dialog(
            "The VAT Posting Setup does not exist. Identification fields and values: "
            f"VAT Bus. Posting Group='{document.tax_area_code}',VAT Prod. Posting Group='{group}'"
        )
    return area.rates[group]


def check_group(company: Company, code: str) -> str:
    """The tax group that a `taxCode` names. Raises when there is no such group."""
    group = code[:20]
    if group and company.tax_groups.first("code", group) is None:
        field = "VAT Prod. Posting Group" if is_vat(company) else "Tax Group Code"
        related = "VAT Product Posting Group" if is_vat(company) else "Tax Group"
        raise invalid_relation(field, "Sales Line", group, related)
    return group


def code_read(company: Company, line: SalesLine) -> str:
    """What `taxCode` reads back: the VAT identifier under VAT, else the tax group (facts trap 14)."""
    if not is_vat(company):
        return line.tax_group
    group = company.tax_groups.first("code", line.tax_group)
    return group.identifier if group else ""


def totals_by_group(lines: Iterable[SalesLine]) -> dict[str, tuple[Decimal, Decimal]]:
    """Net amount and tax per tax group, the tax computed once over the document (BC facts section 6)."""
    nets: dict[str, Decimal] = defaultdict(Decimal)
    percents: dict[str, Decimal] = {}
    for line in lines:
        nets[line.tax_group] += line.net_amount
        percents[line.tax_group] = line.tax_percent
    return {group: (net, percent_of(net, percents[group])) for group, net in nets.items()}
