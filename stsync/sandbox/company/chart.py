"""What the contractor set up before the month began: business units, accounts, payment types, terms, tax zones.

Each entry carries its ServiceTitan identity and, beside it, what the accountant calls the same thing in Business
Central, so that the books and the demo configuration cannot drift apart. Names in ServiceTitan are what
dispatchers say ("Phoenix HVAC Install"); codes in the books are what accountants type ("PHX-HVAC-I").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from stsync.sandbox.company.shapes import named
from stsync.sandbox.company.values import Row

COMPANY_NAME = "Copper Mesa Home Services"


@dataclass(frozen=True)
class Unit:
    """A business unit; `share` is its part of the month's work, `technicians` its crew."""

    id: int
    name: str
    trade: str
    division: str
    code: str
    account: str
    share: int
    technicians: int
    active: bool = True

    @property
    def link(self) -> Row:
        """The unit as documents name it."""
        return named(self.id, self.name)


@dataclass(frozen=True)
class Account:
    """A general ledger account of ServiceTitan and the number it has in the books."""

    id: int
    number: str
    name: str
    type: str
    detail: str
    books_number: str
    role: str | None = None

    @property
    def link(self) -> Row:
        """The account as items and payments name it."""
        return {
            "id": self.id,
            "name": self.name,
            "number": self.number,
            "type": self.type,
            "detailType": self.detail,
        }


@dataclass(frozen=True)
class PaymentType:
    """A payment type, the account ServiceTitan books it to, and the private journal it belongs to in the books."""

    id: int
    name: str
    account: str
    journal: str


@dataclass(frozen=True)
class Term:
    """A payment term: `following` means a day of the next month, else a number of days."""

    id: int
    name: str
    days: int
    code: str
    formula: str
    following: bool = False

    def due(self, on: date) -> date:
        """The due date of a document of that day."""
        if not self.following:
            return on + timedelta(days=self.days)
        return (on.replace(day=1) + timedelta(days=32)).replace(day=self.days)


@dataclass(frozen=True)
class Zone:
    """A tax zone with its authorities (name, rate as a fraction), its liability account and its tax area."""

    id: int
    name: str
    city: str
    zip: str
    authorities: tuple[tuple[str, Decimal], ...]
    books_account: str
    area: str

    @property
    def rate(self) -> Decimal:
        """All authorities together."""
        return sum((rate for _, rate in self.authorities), Decimal(0))

    @property
    def link(self) -> Row:
        """The zone as `salesTaxCode` of an invoice."""
        return {"id": self.id, "name": self.name, "taxRate": self.rate}


def _combined(rate: str) -> tuple[tuple[str, Decimal], ...]:
    """One rate for all authorities together, as most offices keep it."""
    return (("Combined", Decimal(rate)),)


UNITS = (
    Unit(1101, "Phoenix HVAC Service", "HVAC", "Residential", "PHX-HVAC-S", "4100", 24, 34),
    Unit(1102, "Phoenix HVAC Install", "HVAC", "Residential", "PHX-HVAC-I", "4110", 9, 22),
    Unit(1103, "Phoenix HVAC Maintenance", "HVAC", "Residential", "PHX-HVAC-M", "4120", 14, 16),
    Unit(1104, "Phoenix Plumbing Service", "Plumbing", "Residential", "PHX-PLMB-S", "4200", 14, 20),
    Unit(1105, "Phoenix Drain & Sewer", "Plumbing", "Residential", "PHX-DRAIN", "4210", 7, 9),
    Unit(1106, "Phoenix Electrical", "Electrical", "Residential", "PHX-ELEC", "4300", 8, 12),
    Unit(1107, "East Valley HVAC Service", "HVAC", "Residential", "EV-HVAC-S", "4100", 10, 14),
    Unit(1108, "East Valley Plumbing", "Plumbing", "Residential", "EV-PLMB", "4200", 6, 8),
    Unit(1109, "West Valley HVAC", "HVAC", "Residential", "WV-HVAC", "4100", 5, 7),
    Unit(1110, "Commercial Services", "HVAC", "Commercial", "COMM", "4400", 3, 8),
    # The controller has not made this department in the books yet: documents of it must be held.
    Unit(1111, "East Valley Solar", "Electrical", "Residential", "EV-SOLAR", "4300", 0, 0),
    # Closed last winter; the unit is inactive, but old lines keep naming it (ServiceTitan facts, section 6).
    Unit(1112, "Tucson HVAC", "HVAC", "Residential", "TUC-HVAC", "4100", 0, 0, active=False),
)
UNIT_WITHOUT_DIMENSION = "East Valley Solar"

ACCOUNTS = (
    Account(2101, "1000", "Operating Checking", "Asset", "Bank", "10100", "CheckingAccount"),
    Account(2102, "1050", "Undeposited Funds", "Asset", "CurrentAsset", "10500", "UndepositedFunds"),
    Account(2103, "1060", "Card Clearing", "Asset", "CurrentAsset", "10600"),
    Account(2104, "1065", "ACH Clearing", "Asset", "CurrentAsset", "10650"),
    Account(2105, "1070", "Due from Finance Companies", "Asset", "CurrentAsset", "12500"),
    Account(2106, "1200", "Accounts Receivable", "Asset", "AccountsReceivable", "12100", "AccountsReceivable"),
    Account(2107, "1300", "Inventory", "Asset", "CurrentAsset", "14100", "Inventory"),
    Account(2201, "2200", "Sales Tax Payable", "Liability", "CurrentLiability", "22000", "SalesTaxPayable"),
    Account(2202, "2300", "Customer Deposits", "Liability", "CurrentLiability", "22500", "CustomerDeposits"),
    Account(2203, "2400", "Deferred Memberships", "Liability", "CurrentLiability", "22600", "MembershipAgreements"),
    Account(2301, "4100", "HVAC Service Revenue", "Income", "Income", "40100", "Revenue"),
    Account(2302, "4110", "HVAC Install Revenue", "Income", "Income", "40110"),
    Account(2303, "4120", "HVAC Maintenance Revenue", "Income", "Income", "40120"),
    Account(2304, "4200", "Plumbing Revenue", "Income", "Income", "40200"),
    Account(2305, "4210", "Drain & Sewer Revenue", "Income", "Income", "40210"),
    Account(2306, "4300", "Electrical Revenue", "Income", "Income", "40300"),
    Account(2307, "4400", "Commercial Revenue", "Income", "Income", "40400"),
    Account(2308, "4500", "Membership Revenue", "Income", "Income", "40500", "MembershipRevenue"),
    Account(2309, "4600", "Generator Rental", "Income", "Income", "40600"),
    # These two have the same number in both systems and need no line in the configuration.
    Account(2310, "4700", "Permit Income", "Income", "Income", "4700"),
    Account(2311, "4710", "Trip Charges", "Income", "Income", "4710"),
    # The books want a trade on every entry of it, by a rule that their API does not show.
    Account(2314, "4720", "Warranty Reimbursements", "Income", "Income", "40720"),
    Account(2312, "4800", "Discounts Given", "Income", "Income", "40800"),
    Account(2313, "4810", "Service Fees", "Income", "Income", "40810", "ProcessingFees"),
    Account(2401, "5100", "Cost of Materials", "Cost of Goods Sold", "CostOfGoodsSold", "50100"),
    Account(2402, "5200", "Cost of Equipment", "Cost of Goods Sold", "CostOfGoodsSold", "50200"),
    Account(2501, "6900", "Bad Debt", "Expense", "Expense", "66000"),
)
ACCOUNT_WITHOUT_MAPPING = "4600"

PAYMENT_TYPES = (
    PaymentType(31, "Cash", "1050", "ST-CASH"),
    PaymentType(32, "Check", "1050", "ST-CHECK"),
    PaymentType(33, "Credit Card", "1060", "ST-CARD"),
    PaymentType(34, "ACH", "1065", "ST-ACH"),
    PaymentType(35, "Desert Home Financing", "1070", "ST-FIN"),
    PaymentType(36, "Refund", "1000", "ST-REFUND"),
    PaymentType(37, "Write Off", "6900", "ST-WRITEOF"),
    PaymentType(38, "Returned Check", "1000", "ST-NSF"),
    PaymentType(39, "Payment App", "1060", "ST-CARD"),
)
PAYMENT_TYPE_WITHOUT_MAPPING = "Payment App"

TERMS = (
    Term(51, "Due Upon Receipt", 0, "DUR", "0D"),
    Term(52, "Net 15", 15, "NET15", "15D"),
    Term(53, "Net 30", 30, "NET30", "30D"),
    Term(54, "10th of Following Month", 10, "10TH", "CM+10D", following=True),
)

ZONES = (
    Zone(701, "Phoenix", "Phoenix", "85016", _combined("0.0860"), "22010", "AZ-PHX"),
    Zone(702, "Scottsdale", "Scottsdale", "85251", _combined("0.0805"), "22020", "AZ-SCO"),
    Zone(703, "Mesa", "Mesa", "85204", _combined("0.0830"), "22030", "AZ-MES"),
    Zone(704, "Chandler", "Chandler", "85224", _combined("0.0780"), "22040", "AZ-CHA"),
    Zone(705, "Tempe", "Tempe", "85281", _combined("0.0810"), "22050", "AZ-TEM"),
    Zone(
        706,
        "Glendale",
        "Glendale",
        "85301",
        (
            ("Arizona", Decimal("0.0560")),
            ("Maricopa County", Decimal("0.0070")),
            ("City of Glendale", Decimal("0.0290")),
        ),
        "22060",
        "AZ-GLE",
    ),
    # The books still have last year's rate (`books.py`).
    Zone(708, "Gilbert", "Gilbert", "85234", _combined("0.0800"), "22070", "AZ-GIL"),
    Zone(707, "Resale and Exempt", "Phoenix", "85003", _combined("0.0000"), "22090", "AZ-EXEMPT"),
)

UNIT = {unit.name: unit for unit in UNITS}
ACCOUNT = {account.number: account for account in ACCOUNTS}
PAYMENT_TYPE = {payment_type.name: payment_type for payment_type in PAYMENT_TYPES}
TERM = {term.name: term for term in TERMS}
ZONE = {zone.name: zone for zone in ZONES}
ZONE_BY_ID = {zone.id: zone for zone in ZONES}
