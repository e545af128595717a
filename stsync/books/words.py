"""A tie-out in a bookkeeper's words: titles, row names, and one sentence for each finding."""

from __future__ import annotations

from stsync.books.expected import UNMAPPED
from stsync.books.result import Difference, Finding, Row, TieOut, What
from stsync.books.values import Section

TITLES = {
    Section.REVENUE: "Invoice lines by business unit",
    Section.SALES_TAX: "Sales tax by liability account",
    Section.RECEIVABLES: "Invoices (receivables)",
    Section.PAYMENTS: "Payments by balancing account",
}
SHORT = {
    Section.REVENUE: "lines",
    Section.SALES_TAX: "sales tax",
    Section.RECEIVABLES: "invoice total",
    Section.PAYMENTS: "payment",
}

_WHAT = {
    What.MISSING: "stands as posted, but Business Central's general ledger does not show it",
    What.TWICE: "stands in Business Central twice",
    What.AMOUNT: "has other amounts in Business Central",
    What.DIMENSION: "has lines under another dimension value in Business Central",
    What.ACCOUNT: "stands on another account in Business Central",
    What.UNKNOWN: "carries a ServiceTitan number that stsync does not know",
}
_TO_DO = {
    What.MISSING: "Look for it on the Posted Sales Invoices or Customer Ledger Entries page; if it was reversed or "
    "deleted there, enter it again in Business Central.",
    What.TWICE: "Compare both on the Customer Ledger Entries page and credit or reverse the one too many.",
    What.AMOUNT: "Compare the document with ServiceTitan and correct it in Business Central with a credit memo or "
    "a journal entry.",
    What.DIMENSION: "Correct the dimension with Correct Dimensions on the General Ledger Entries page.",
    What.ACCOUNT: "Move the amount to the right account with a general journal entry, or correct the mapping.",
    What.UNKNOWN: "Run stsync sync to read ServiceTitan again; if it stays unknown, find out who made the document.",
}


def name(row: Row) -> str:
    """What ServiceTitan calls the row, as far as it has documents for it."""
    if row.key.section == Section.RECEIVABLES:
        return "All invoices"
    names = ", ".join(row.names)
    if names:
        return names
    if row.key.row.startswith(UNMAPPED):
        return row.key.row.removeprefix(UNMAPPED)
    return row.book_name or ("(none)" if not row.key.row else "")


def code(row: Row) -> str:
    """What Business Central calls the row."""
    key = row.key.row
    if key.startswith(UNMAPPED):
        return UNMAPPED.rstrip(": ")
    if row.key.section in {Section.SALES_TAX, Section.PAYMENTS} and row.book_name:
        return f"{key} {row.book_name}"
    return key


def sentence(finding: Finding) -> str:
    """What is wrong with a document."""
    record = finding.record
    who = f"{record.noun.capitalize()} {record.number}, {record.name}" if record else "A document"
    where = f" ({finding.document})" if record is None or finding.document != record.number else ""
    return f"{who}{where} {_WHAT[finding.what]}."


def to_do(finding: Finding) -> str:
    """What a person should do about it."""
    return _TO_DO[finding.what]


def difference(one: Difference, result: TieOut) -> str:
    """One cell in which the books are otherwise."""
    section, row, account = one.cell
    place = [SHORT[section]]
    if section == Section.REVENUE and result.dimension:
        place.append(f"{result.dimension} {row or '(none)'}")
    if account or section in {Section.SALES_TAX, Section.PAYMENTS}:
        place.append(f"account {account or row}" if account or row else "")
    shown = ", ".join(part for part in place if part)
    return f"{shown}: {one.found:,.2f} in Business Central, {one.expected:,.2f} in ServiceTitan"
