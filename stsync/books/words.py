"""A tie-out in a bookkeeper's words: titles, row names, and one sentence for each finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stsync.books.expected import UNMAPPED
from stsync.books.result import Difference, Finding, Row, TieOut, What
from stsync.books.values import Section, Why
from stsync.core.money import ZERO

if TYPE_CHECKING:
    from stsync.books.reading import Reconciliation

TITLES = {
    Section.REVENUE: "Invoice lines by business unit",
    Section.ACCOUNTS: "Invoice lines by G/L account",
    Section.DIMENSIONS: "Invoice lines by other dimensions",
    Section.SALES_TAX: "Sales tax by zone",
    Section.RECEIVABLES: "Invoices and credit memos (receivables)",
    Section.CUSTOMERS: "Receivables by customer",
    Section.PAYMENTS: "Payments by balancing account",
    Section.PAYMENT_TYPES: "Payments by type",
}
# What a row is called in ServiceTitan, and its code in Business Central; `result.dimension` takes the place of the latter
# for business units.
HEADS = {
    Section.REVENUE: ("Business unit", "Dimension"),
    Section.ACCOUNTS: ("Name", "G/L account"),
    Section.DIMENSIONS: ("Dimension and value", ""),
    Section.SALES_TAX: ("Tax zone", "Account"),
    Section.RECEIVABLES: ("", ""),
    Section.CUSTOMERS: ("Customer", "Card"),
    Section.PAYMENTS: ("Payment type", "Account"),
    Section.PAYMENT_TYPES: ("Payment type", ""),
}
# A line stands in this section once for each dimension that it carries, so its total is no revenue.
_TOTALS = {Section.DIMENSIONS: "Total, each line once for each dimension"}
# The same documents stand behind these as behind the section that they add up in another way.
AGAIN = frozenset({Section.ACCOUNTS, Section.DIMENSIONS, Section.PAYMENT_TYPES})
SHORT = {
    Section.REVENUE: "lines",
    Section.SALES_TAX: "sales tax",
    Section.ACCOUNTS: "lines",
    Section.DIMENSIONS: "lines",
    Section.RECEIVABLES: "total",
    Section.CUSTOMERS: "balance",
    Section.PAYMENTS: "payment",
    Section.PAYMENT_TYPES: "payment",
}

WHAT = {
    What.MISSING: "stands as posted, but Business Central's general ledger does not show it",
    What.TWICE: "stands in Business Central twice",
    What.AMOUNT: "has other amounts in Business Central",
    What.DIMENSION: "has lines under another dimension value in Business Central",
    What.ACCOUNT: "stands on another account in Business Central",
    What.CUSTOMER: "stands on another customer's card in Business Central",
    What.UNDONE: "was cancelled or credited in Business Central, but stands in ServiceTitan",
    What.NUMBER: "no longer carries its ServiceTitan number in Business Central",
    What.UNKNOWN: "carries a ServiceTitan number that stsync does not know",
    What.BALANCE: "has another balance in Business Central",
}
_TO_DO = {
    What.MISSING: "Look for it on the Posted Sales Invoices or Customer Ledger Entries page; if it was reversed or "
    "deleted there, enter it again in Business Central.",
    What.TWICE: "Compare both on the Customer Ledger Entries page and credit or reverse the one too many.",
    What.AMOUNT: "Compare the document with ServiceTitan and correct it in Business Central with a credit memo or "
    "a journal entry.",
    What.DIMENSION: "Correct the dimension with Correct Dimensions on the General Ledger Entries page.",
    What.ACCOUNT: "Move the amount to the right account with a general journal entry, or correct the mapping.",
    What.CUSTOMER: "Credit it on the page Posted Sales Invoices and enter it again for the right customer, or correct the "
    "customer in ServiceTitan.",
    What.UNDONE: "If it should stand, enter it again in Business Central; if not, void or credit it in ServiceTitan.",
    What.NUMBER: "Find out who changed the number: by it, the document is recognised, and without it, it could be carried "
    "over a second time.",
    What.BALANCE: "Open the customer's ledger entries in Business Central and compare them with the account in "
    "ServiceTitan; look first at the documents named here.",
    What.UNKNOWN: "Run stsync sync to read ServiceTitan again; if it stays unknown, find out who made the document.",
}


def total_of(section: Section) -> str:
    """What the last row of a section is called."""
    return _TOTALS.get(section, "Total")


def heads(result: TieOut, section: Section) -> tuple[str, str]:
    """The headings over the first two columns of a section."""
    name, code = HEADS[section]
    return name, result.dimension if section == Section.REVENUE and result.dimension else code


def name(row: Row) -> str:
    """What ServiceTitan calls the row, as far as it has documents for it."""
    if row.key.section == Section.RECEIVABLES:
        return "All invoices and credit memos"
    if row.key.section == Section.PAYMENT_TYPES:
        return row.key.row or "(not from ServiceTitan)"
    if row.key.section == Section.ACCOUNTS and not row.key.row:
        return "Posted as items, on accounts of Business Central's choice"
    if row.key.section == Section.DIMENSIONS:
        return row.key.row.removeprefix(UNMAPPED)
    names = ", ".join(row.names)
    if names:
        return names
    if row.key.row.startswith(UNMAPPED):
        return row.key.row.removeprefix(UNMAPPED)
    return row.book_name or ("(none)" if not row.key.row else "")


def code(row: Row) -> str:
    """What Business Central calls the row."""
    key = row.key.row
    if row.key.section == Section.DIMENSIONS and not key.startswith(UNMAPPED):
        return ""
    if key.startswith(UNMAPPED):
        return UNMAPPED.rstrip(": ")
    if row.key.section in {Section.SALES_TAX, Section.PAYMENTS} and row.book_name:
        return f"{key} {row.book_name}"
    if row.key.section == Section.ACCOUNTS and row.category not in {"", "Income"}:
        return f"{key} ({row.category.lower()})"
    if row.key.section == Section.PAYMENT_TYPES:
        return ""
    return key


def sentence(finding: Finding) -> str:
    """What is wrong with a document."""
    record = finding.record
    who = f"{record.noun.capitalize()} {record.number}, {record.name}" if record else "A document"
    where = f" ({finding.document})" if record is None or finding.document != record.number else ""
    return f"{who}{where} {WHAT[finding.what]}." + (f" {finding.note}" if finding.note else "")


def to_do(finding: Finding) -> str:
    """What a person should do about it."""
    return _TO_DO[finding.what]


def place(one: Difference, result: TieOut) -> str:
    """Where a difference stands: the section, the dimension value, the account."""
    section, row, account = one.cell
    found = [SHORT[section]]
    if section == Section.CUSTOMERS:
        return f"{SHORT[section]}, customer {row}"
    if section == Section.REVENUE and result.dimension:
        found.append(f"{result.dimension} {row or '(none)'}")
    if section == Section.DIMENSIONS:
        found.append(row)
    if account or section in {Section.SALES_TAX, Section.PAYMENTS}:
        found.append(f"account {account or row}" if account or row else "")
    return ", ".join(part for part in found if part)


def difference(one: Difference, result: TieOut) -> str:
    """One cell in which the books are otherwise."""
    return f"{place(one, result)}: {one.found:,.2f} in Business Central, {one.expected:,.2f} in ServiceTitan"


def before_go_live(result: Reconciliation) -> list[str]:
    """What is to be known of a period that begins before go-live."""
    first, go_live = result.tie_out.period.first, result.go_live
    if go_live is None or first >= go_live:
        return []
    return [f"The period begins before go-live ({go_live}): of the days before it, ServiceTitan was read only in part."]


def customers_as_of(result: TieOut) -> list[str]:
    """What the receivables by customer are as of, on both sides, in sentences."""
    as_of = result.customers
    if as_of is None and result.balances_refused:
        return ["Receivables by customer are not compared: Business Central refused to show the balances."]
    if as_of is None:
        return ["Receivables by customer are not compared: the period lies before go-live."]
    if as_of.last is not None:
        return [f"Receivables by customer: {as_of.first} to {as_of.last} on both sides ({as_of.way})."]
    lines = [
        f"Receivables by customer: ServiceTitan's documents from {as_of.first} to the last run; in Business Central "
        f"{as_of.way} ({as_of.read:%Y-%m-%d %H:%M %Z})."
    ]
    return [*lines, *taken_as_given(result)]


def taken_as_given(result: TieOut) -> list[str]:
    """What no comparison proves: balances from before go-live that no linked document names."""
    explained = (one for one in result.explanations(Section.CUSTOMERS) if one.why is Why.BEFORE_STSYNC)
    rests = [share.amount for one in explained for share in one.shares if share.record.kind == "customers"]
    if not rests:
        return []
    return [
        f"Not proved: {-sum(rests, ZERO):,.2f} on {len(rests)} of these cards, which were in Business Central before stsync. "
        "What they owed then cannot be read, so the rest of their balances is taken as that. Compare it with the opening "
        "balances; it has to be the same every month."
    ]
