"""A tie-out as one JSON document for programs; amounts stay exact, every figure has its records."""

from __future__ import annotations

from typing import Any

from stsync.books import words
from stsync.books.doubts import doubts, proved
from stsync.books.reading import Reconciliation
from stsync.books.result import Explanation, Finding, Foreign, Row, TieOut, Uncounted
from stsync.books.values import WORDS, Section


def document(result: Reconciliation) -> dict[str, Any]:
    """The whole result."""
    tie_out = result.tie_out
    return {
        "from": tie_out.period.first,
        "to": tie_out.period.last,
        "as_of": {"servicetitan": dict(result.servicetitan_read), "business_central": result.books_read},
        "go_live": result.go_live,
        "exact": proved(result),
        "not_proved": doubts(result),
        "dimension": tie_out.dimension,
        "receivables_by_customer_as_of": vars(tie_out.customers) if tie_out.customers else None,
        "sections": {str(section): _section(tie_out, section) for section in Section},
        "findings": [_finding(one, tie_out) for one in tie_out.findings],
        "unreadable": [_uncounted(one) for one in tie_out.unreadable],
        "undated": [_uncounted(one) for one in tie_out.undated],
    }


def _section(tie_out: TieOut, section: Section) -> dict[str, Any]:
    rows = tie_out.of(section)
    return {
        "title": words.TITLES[section],
        "unexplained": tie_out.unexplained(section),
        "rows": [_row(row) for row in rows],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "code": row.key.row,
        "names": row.names,
        "business_central_name": row.book_name,
        "category": row.category,
        "servicetitan": row.servicetitan,
        "servicetitan_documents": row.servicetitan_documents,
        "not_in_books": row.explained,
        "expected": row.expected,
        "business_central": row.books,
        "business_central_documents": row.books_documents,
        "only_in_business_central": row.only_in_books_amount,
        "unexplained": row.unexplained,
        "explanations": [_explanation(one) for one in row.explanations],
        "only_in_business_central_documents": [_foreign(one) for one in row.only_in_books],
    }


def _explanation(one: Explanation) -> dict[str, Any]:
    return {
        "reason": str(one.why),
        "words": WORDS[one.why],
        "amount": one.amount,
        "records": [
            {**vars(share.record), "share": share.amount, "note": share.note, "hint": share.hint}
            for share in one.shares
        ],
    }


def _foreign(one: Foreign) -> dict[str, Any]:
    return dict(vars(one))


def _uncounted(one: Uncounted) -> dict[str, Any]:
    return dict(vars(one))


def _finding(one: Finding, tie_out: TieOut) -> dict[str, Any]:
    return {
        "what": str(one.what),
        "message": words.sentence(one),
        "note": one.note,
        "hint": words.to_do(one),
        "record": dict(vars(one.record)) if one.record else None,
        "business_central_document": one.document,
        "difference": one.amount,
        "differences": [
            {
                "section": str(each.cell.section),
                "row": each.cell.row,
                "account": each.cell.account,
                "servicetitan": each.expected,
                "business_central": each.found,
                "difference": each.amount,
                "words": words.difference(each, tie_out),
            }
            for each in one.differences
        ],
    }
