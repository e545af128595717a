"""A tie-out on the terminal: a table for each comparison, the records behind the explanations, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from stsync.cli.console import OUTPUT, Column, emit_json, insist, money, say, table
from stsync.cli.console import counted as counted_words

if TYPE_CHECKING:
    from pathlib import Path

    from stsync.books.reading import Reconciliation
    from stsync.books.result import Row, TieOut
    from stsync.books.values import Section

_SHOWN = 12


def report(result: Reconciliation, banner: str, *, everything: bool, workbook: Path | None = None) -> None:
    """Print the result for a person, or as JSON; `workbook` is the file that it was also written to."""
    if OUTPUT.json:
        from stsync.books.document import document

        file = str(workbook) if workbook is not None else None
        emit_json({"systems": banner, **document(result), "workbook": file})
        return
    from stsync.books import words
    from stsync.books.doubts import proved
    from stsync.books.values import Section, Why

    tie_out = result.tie_out
    # Under --quiet, whatever is wrong still has to say of which company and which days it speaks.
    tell = say if proved(result) else insist
    tell(banner)
    tell(f"Tie-out of {tie_out.period}")
    say(f"ServiceTitan as it was read: {_read_at(result)}")
    say(f"Business Central as it is now: {_moment(result.books_read)}")
    for line in words.before_go_live(result):
        say(line)
    say()
    for section in Section:
        _section(tie_out, section, everything=everything)
    _customers_as_of(tie_out)
    for section in (one for one in Section if one not in words.AGAIN):
        _explanations(tie_out, section, everything=everything)
        _foreign(tie_out, section, everything=everything)
    if any(one.why is Why.HELD for section in Section for one in tie_out.explanations(section)):
        say("Why each of them is held, and what to do about it: stsync held")
    _uncounted(tie_out)
    _findings(tie_out)
    _verdict(result)
    if workbook is not None:
        say(f"The workbook is in {workbook}.")


def _read_at(result: Reconciliation) -> str:
    moments = result.servicetitan_read.items()
    return ", ".join(f"{kind.replace('_', ' ')} {_moment(at) if at else 'never'}" for kind, at in moments)


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S %Z").strip()


def _section(tie_out: TieOut, section: Section, *, everything: bool) -> None:
    from stsync.books import words
    from stsync.books.sheet import COUNTED
    from stsync.books.values import Section as Sections

    rows = tie_out.of(section)
    counted = section in COUNTED
    columns = [
        *(Column(head) for head in words.heads(tie_out, section)),
        *([Column("Count", right=True)] if counted else []),
        Column("ServiceTitan", right=True),
        Column("Not in books", right=True),
        Column("Expected", right=True),
        *([Column("Count", right=True)] if counted else []),
        Column("In the books", right=True),
        Column("Only there", right=True),
        Column("Unexplained", right=True),
    ]
    shown = rows if everything or section != Sections.CUSTOMERS else [row for row in rows if _differs(row)]
    lines = [_line(row, counted=counted) for row in shown]
    if len(shown) < len(rows):
        agree = counted_words(len(rows) - len(shown), "customer that agrees", "customers that agree")
        rest = [row for row in rows if not _differs(row)]
        lines.append(_total(rest, f"{agree}: --all", counted=counted))
    if len(rows) > 1:
        lines.append(_total(rows, words.total_of(section), counted=counted))
    if lines:
        table(words.TITLES[section], columns, lines)


def _differs(row: Row) -> bool:
    """Whether a person wants to see a customer who is one of thousands."""
    return bool(row.unexplained or row.explanations or row.only_in_books)


def _customers_as_of(tie_out: TieOut) -> None:
    from stsync.books import words

    for line in words.customers_as_of(tie_out):
        say(line)


def _line(row: Row, *, counted: bool) -> list[str]:
    from stsync.books import words

    return [
        words.name(row),
        words.code(row),
        *([str(row.servicetitan_documents)] if counted else []),
        money(row.servicetitan),
        money(row.explained),
        money(row.expected),
        *([str(row.books_documents)] if counted else []),
        money(row.books),
        money(row.only_in_books_amount),
        money(row.unexplained),
    ]


def _total(rows: Sequence[Row], name: str, *, counted: bool) -> list[str]:
    def total(figure: Callable[[Row], Decimal]) -> str:
        return money(sum((figure(row) for row in rows), Decimal("0.00")))

    return [
        name,
        "",
        *([str(sum(row.servicetitan_documents for row in rows))] if counted else []),
        total(lambda row: row.servicetitan),
        total(lambda row: row.explained),
        total(lambda row: row.expected),
        *([str(sum(row.books_documents for row in rows))] if counted else []),
        total(lambda row: row.books),
        total(lambda row: row.only_in_books_amount),
        total(lambda row: row.unexplained),
    ]


def _explanations(tie_out: TieOut, section: Section, *, everything: bool) -> None:
    from stsync.books import words
    from stsync.books.values import WORDS

    lines = []
    for one in tie_out.explanations(section):
        numbers = [f"{share.record.number} ({money(share.amount)})" for share in one.shares]
        lines.append([WORDS[one.why], str(len(one.shares)), money(one.amount), _listed(numbers, everything)])
    if lines:
        columns = [Column("Why"), Column("Documents", right=True), Column("Amount", right=True), Column("Which")]
        table(f"{words.TITLES[section]}: in ServiceTitan, not so in the books", columns, lines)


def _foreign(tie_out: TieOut, section: Section, *, everything: bool) -> None:
    from stsync.books import words

    found = tie_out.foreign(section)
    shown = found if everything else found[:_SHOWN]
    lines = [[str(one.on), one.document_type, one.number, one.description, money(one.amount)] for one in shown]
    if len(shown) < len(found):
        lines.append(["", "", f"and {len(found) - len(shown)} more: --all", "", ""])
    if lines:
        heads = ("Date", "Type", "Number", "Text")
        columns = [*(Column(head) for head in heads), Column("Amount", right=True)]
        table(f"{words.TITLES[section]}: only in Business Central", columns, lines)


def _listed(numbers: Sequence[str], everything: bool) -> str:
    shown = numbers if everything else numbers[:_SHOWN]
    more = f" and {len(numbers) - len(shown)} more: --all" if len(shown) < len(numbers) else ""
    return ", ".join(shown) + more


def _uncounted(tie_out: TieOut) -> None:
    for one in tie_out.undated:
        say(f"In no period: {one.noun} {one.number}, because {one.why}.")
    for one in tie_out.unreadable:
        insist(f"NOT COUNTED: {one.noun} {one.number} cannot be read: {one.why}. See: stsync held")


def _findings(tie_out: TieOut) -> None:
    from stsync.books import words

    for one in tie_out.findings:
        insist(words.sentence(one))
        for each in one.differences:
            insist(f"    {words.difference(each, tie_out)}")
        insist(f"    What to do: {words.to_do(one)}")


def _verdict(result: Reconciliation) -> None:
    from stsync.books import words
    from stsync.books.doubts import doubts
    from stsync.books.values import Section

    tie_out = result.tie_out
    say()
    doubtful = doubts(result)
    for doubt in doubtful:
        insist(f"NOT PROVED: {doubt}")
    if tie_out.exact and doubtful:
        return
    if tie_out.exact:
        if not any(tie_out.of(section) for section in Section):
            say("Neither system has anything in this period. Is it the month that you mean?")
        say("EXACT: unexplained difference 0.00 in every row. ServiceTitan and Business Central agree.")
        if words.taken_as_given(tie_out):
            say("It says nothing about balances from before go-live: see above, Receivables by customer.")
        return
    rests = ", ".join(
        f"{words.TITLES[section]} {money(tie_out.unexplained(section))}"
        for section in Section
        if section not in words.AGAIN
    )
    wrong, unread = len(tie_out.findings), len(tie_out.unreadable)
    counts = [f"{wrong} in Business Central not as in ServiceTitan"] if wrong else []
    counts += [f"{unread} that cannot be read"] if unread else []
    insist(f"NOT EXACT. Documents named above: {', '.join(counts)}. Unexplained: {rests}.")
    insist("Correct them, then run reconcile again; to read ServiceTitan anew, run stsync sync first.")
