"""The whole workbook as bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from xlsxwriter import Workbook

from stsync.books import words
from stsync.books.doubts import doubts
from stsync.books.reading import Reconciliation
from stsync.books.values import Section
from stsync.books.workbook import summary as first
from stsync.books.workbook.paper import Paper
from stsync.books.workbook.records import Records, findings
from stsync.books.workbook.sections import section

# Text stays text: a name that looks like a formula or an address must not become one.
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


@dataclass(frozen=True)
class Heading:
    """Whose books these are, and what they were compared with."""

    company: str
    servicetitan: str
    made_by: str


def workbook(result: Reconciliation, heading: Heading) -> bytes:
    """The tie-out as a workbook."""
    file = BytesIO()
    book = Workbook(file, _OPTIONS)
    tie_out = result.tie_out
    book.set_properties(
        {
            "title": f"Tie-out {tie_out.period}",
            "company": heading.company,
            "comments": heading.made_by,
            "created": result.books_read.replace(tzinfo=None),
        }
    )
    paper = Paper(book, f"{heading.company}: ServiceTitan and Business Central, {tie_out.period}")
    sheet = first.page(paper, "Tie-out of ServiceTitan with Business Central")
    records = Records(tie_out)
    totals = {
        one: section(paper, tie_out, one, records, words.customers_as_of(tie_out) if one == Section.CUSTOMERS else ())
        for one in Section
    }
    records.write(paper)
    findings(paper, tie_out)
    wrong = len(tie_out.findings) + len(tie_out.unreadable)
    verdict = "NOT PROVED" if doubts(result) else ("EXACT" if tie_out.exact else "NOT EXACT")
    first.summary(
        sheet, _facts(result, heading), first.Bridge(sheet, tie_out, records, totals), wrong=wrong, verdict=verdict
    )
    book.close()
    return file.getvalue()


def _facts(result: Reconciliation, heading: Heading) -> list[tuple[str, str]]:
    read = ", ".join(f"{kind.replace('_', ' ')} {_moment(at)}" for kind, at in result.servicetitan_read.items())
    return [
        ("Company in Business Central", heading.company),
        ("ServiceTitan", heading.servicetitan),
        ("Period", f"{result.tie_out.period}, both days included"),
        ("ServiceTitan as it was read", read),
        ("Business Central as it was read", _moment(result.books_read)),
        *(("Go-live", line) for line in words.before_go_live(result)),
        *(("Receivables by customer" if not at else "", line) for at, line in _numbered(result)),
        *(("Not proved", line) for line in doubts(result)),
        ("Made by", heading.made_by),
    ]


def _numbered(result: Reconciliation) -> list[tuple[int, str]]:
    lines = words.customers_as_of(result.tie_out)
    return [(at, line.removeprefix("Receivables by customer: ")) for at, line in enumerate(lines)]


def _moment(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S %Z").strip() if at is not None else "never"
