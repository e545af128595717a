"""Drift for people: each document with its changes and the way out; then what is only worth knowing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stsync.cli.console import OUTPUT, Column, counted, emit_json, insist, money, one_line, say, table
from stsync.reports.words import NOUNS, local

if TYPE_CHECKING:
    from stsync.books.drift import Drift, Drifted, Merged

_SIDES = {"servicetitan": "ServiceTitan", "business_central": "Business Central"}


def report(answer: Drift, banner: str) -> None:
    """Print the answer; under --quiet only what somebody has to deal with."""
    if OUTPUT.json:
        from stsync.books.drift_document import document

        emit_json({"systems": banner, **document(answer)})
        return
    if answer.serious or answer.unreadable:
        insist(banner)
    else:
        say(banner)
    for one in answer.serious:
        _show(one)
    _show_information(answer.for_information)
    _show_merged(answer.merged)
    _close(answer)


def _show(one: Drifted) -> None:
    known = (one.name, f"dated {one.on}" if one.on else "", f"posted as {one.book_number}" if one.book_number else "")
    about = ", ".join(one_line(part) for part in known if part)
    title = f"{NOUNS[one.kind].capitalize()} {one_line(one.number)}: {about}"
    columns = [
        Column("changed in"),
        Column("what"),
        Column("as posted"),
        Column("now"),
        Column("books off by", right=True),
    ]
    rows = [
        [_SIDES[change.side], change.field, change.before, change.after, money(change.effect) if change.effect else ""]
        for change in one.changes
    ]
    if sum(change.effect != 0 for change in one.changes) > 1:
        rows.append(["", "", "", "together", money(one.effect)])
    table(title, columns, rows, needed=True)
    insist(f"  What to do: {one.remedy.text}")
    if one.remedy.command:
        insist(f"      {one.remedy.command}")
    insist("")


def _show_information(documents: Iterable[Drifted]) -> None:
    rows = [
        [NOUNS[one.kind], one.number, one.book_number, change.field, change.before, change.after, _settled(one)]
        for one in documents
        for change in one.changes
    ]
    if rows:
        names = ("record", "number", "in the books", "what", "as posted", "now", "to do")
        table("Changed, without a difference in the books", [Column(name) for name in names], rows)


def _settled(one: Drifted) -> str:
    return f"{one.remedy.text} {one.remedy.command}".strip()


def _show_merged(merged: Iterable[Merged]) -> None:
    rows = [[one.name, one.card, f"{one.survivor_name} ({one.survivor})", f"{one.documents:,}"] for one in merged]
    if not rows:
        return
    columns = [Column("customer"), Column("card"), Column("merged into"), Column("invoices there", right=True)]
    table("Merged in ServiceTitan; no amount moves", columns, rows)
    say("  Posted documents stay on the old card, and payments for them are booked there. New ones go to the survivor.")


def _close(answer: Drift) -> None:
    looked = counted(answer.looked_at, "posted document was", "posted documents were")
    scope = "compared" if answer.complete else "compared: those that changed since the last look, and those found then"
    say(f"{looked} {scope}. ServiceTitan as of {local(answer.servicetitan_read)}, Business Central as of "
        f"{local(answer.books_read)}.")  # fmt: skip
    if answer.by_hand:
        say(f"{counted(answer.by_hand, 'document')} that somebody dealt with by hand (stsync ignore) left out.")
    for line in answer.unreadable:
        insist(f"Not compared, because it does not look as ServiceTitan documents it: {line}")
    if answer.serious:
        insist(f"DRIFTED: {counted(len(answer.serious), 'document')}. Nothing was changed in either system.")
    elif not answer.unreadable:
        say("NO DRIFT: everything that was compared stands in the books as it stands in ServiceTitan.")
