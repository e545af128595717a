"""The set-up of `chart.py` as ServiceTitan's rows: business units, accounts, payment types, terms, tax zones."""

from __future__ import annotations

from decimal import Decimal

from stsync.sandbox.company import shapes
from stsync.sandbox.company.chart import ACCOUNTS, COMPANY_NAME, PAYMENT_TYPES, TERMS, UNITS, ZONES, Term, Unit, Zone
from stsync.sandbox.company.values import Row

_SET_UP = "2025-11-03T18:04:11.52Z"
_TRADE_ID = {"HVAC": 1, "Plumbing": 2, "Electrical": 3}
_DIVISION_ID = {"Residential": 1, "Commercial": 2}


def business_units(tenant_id: int) -> list[Row]:
    """The business units, the closed one included."""
    return [_business_unit(unit, tenant_id) for unit in UNITS]


def _business_unit(unit: Unit, tenant_id: int) -> Row:
    return shapes.filled(
        shapes.BUSINESS_UNIT_KEYS,
        id=unit.id,
        active=unit.active,
        name=unit.name,
        officialName=COMPANY_NAME,
        email="office@coppermesa.example",
        currency="USD",
        phoneNumber="6025550100",
        invoiceHeader=f"<p>{COMPANY_NAME}</p>",
        defaultTaxRate=Decimal("0.0860"),
        address=_office_address(),
        trade=shapes.named(_TRADE_ID[unit.trade], unit.trade),
        division=shapes.named(_DIVISION_ID[unit.division], unit.division),
        tenant={
            "id": tenant_id,
            "name": COMPANY_NAME,
            "accountCode": None,
            "franchiseId": None,
            "conceptCode": None,
            "modifiedOn": _SET_UP,
        },
        createdOn=_SET_UP,
        modifiedOn=_SET_UP,
    )


def _office_address() -> Row:
    return {
        "street": "2200 E Camelback Rd",
        "unit": None,
        "city": "Phoenix",
        "state": "AZ",
        "zip": "85016",
        "country": "USA",
        "latitude": None,
        "longitude": None,
        "isManualCoordinates": False,
        "isMilitary": False,
    }


def gl_accounts() -> list[Row]:
    """ServiceTitan's own list of accounts; it is a mapping list, not the books' ledger (facts, section 3.6)."""
    return [
        {
            "id": account.id,
            "name": account.name,
            "number": account.number,
            "description": None,
            "type": account.type,
            "subtype": account.detail,
            "active": True,
            "isIntacctGroup": False,
            "isIntacctBankAccount": False,
            "source": "ManuallyCreated",
            "defaultAccountType": account.role,
            "createdOn": _SET_UP,
            "modifiedOn": _SET_UP,
        }
        for account in ACCOUNTS
    ]


def payment_types() -> list[Row]:
    """Nothing but id and name: ServiceTitan says no account and no class of a payment type (facts, section 3.6)."""
    return [
        {"id": entry.id, "name": entry.name, "modifiedOn": _SET_UP, "createdOn": _SET_UP} for entry in PAYMENT_TYPES
    ]


def payment_terms() -> list[Row]:
    """The terms; customers name them by id, invoices by name (trap 28)."""
    return [_payment_term(term) for term in TERMS]


def _payment_term(term: Term) -> Row:
    return {
        "id": term.id,
        "name": term.name,
        "dueDayType": "CertainDayOfFollowingMonth" if term.following else "NumberOfDays",
        "dueDay": term.days,
        "isCustomerDefault": term.days == 0,
        "isVendorDefault": term.name == "Net 30",
        "active": True,
        "inUse": True,
        "modifiedOn": _SET_UP,
        "createdOn": _SET_UP,
        "paymentTermDiscountModel": dict.fromkeys(
            ("id", "discountApplyTo", "discount", "discountType", "account", "applyBy", "applyByValue")
        ),
        "interestSettings": {
            "id": None,
            "rateType": "Percentage",
            "flatRateValue": None,
            "percentageRateValue": Decimal(0),
            "chargeMethod": None,
            "frequency": "Monthly",
            "gracePeriod": None,
            "targetInvoices": [],
            "taskId": 0,
            "taskDisplayName": "",
        },
    }


def tax_zones() -> list[Row]:
    """The zones; Glendale has three authorities, each a rate of its own."""
    return [_tax_zone(zone) for zone in ZONES]


def _tax_zone(zone: Zone) -> Row:
    rates = [
        {
            "id": zone.id * 10 + position,
            "taxName": name,
            "taxBaseType": ["Subtotal"],
            "taxRate": rate,
            "salesTaxItem": None,
        }
        for position, (name, rate) in enumerate(zone.authorities, start=1)
    ]
    return {
        "id": zone.id,
        "name": zone.name,
        "color": None,
        "isTaxRateSeparated": len(rates) > 1,
        "isMultipleTaxZone": len(rates) > 1,
        "rates": rates,
        "createdOn": _SET_UP,
        "modifiedOn": _SET_UP,
        "active": True,
    }
