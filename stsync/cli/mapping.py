"""`stsync map`: what ServiceTitan's names are called in Business Central; show, suggest, export and import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stsync.cli.console import OUTPUT, Column, emit_json, insist, money, say, table
from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.errors import UsageError

if TYPE_CHECKING:
    from stsync.config.mapping_file import Contents, Entry
    from stsync.reports.bookcodes import Codes
    from stsync.reports.mapping_import import Import
    from stsync.reports.suggest import Suggestion
    from stsync.reports.usage import Used
    from stsync.wiring import Wiring

app = typer.Typer(
    name="map",
    help="What ServiceTitan's names are called in Business Central: show, suggest, export, import.",
    no_args_is_help=True,
)


def _used(wiring: Wiring) -> list[Used]:
    from stsync.reports.usage import usage
    from stsync.state import State

    with State.open_reading(wiring.state_path) as state:
        state.check_pin(wiring.pin)
        return usage(state, wiring.config, wiring.choices)


def _codes(wiring: Wiring) -> Codes:
    from stsync.reports.bookcodes import read_codes

    return read_codes(wiring.systems(read_only=True).books, wiring.config)


@app.command()
@answering
def show(
    check: Annotated[
        bool, typer.Option("--check", help="Ask Business Central whether it has each code (reads only).")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Show every mapping entry: what it becomes, how many documents use it, and how much money follows it."""
    from stsync.reports.suggest import unmapped
    from stsync.wiring import wire

    wiring = wire(config)
    used = _used(wiring)
    codes = _codes(wiring) if check else {}
    rows = _entries(wiring, used, codes, check=check)
    gaps = unmapped(used, wiring.choices, codes, checked=check)
    if OUTPUT.json:
        emit_json({"entries": rows, "without_entry": [_used_document(one) for one in gaps]})
    else:
        _show_entries(rows, gaps, check=check)


def _entries(wiring: Wiring, used: list[Used], codes: Codes, *, check: bool) -> list[dict[str, Any]]:
    from decimal import Decimal

    from stsync.core.mapping import folded

    rows = []
    for name, entries in wiring.config.mapping.tables().items():
        hits = [(one, one.entry(wiring.choices)) for one in used if one.table == name]
        for key, value in entries.items():
            own = [one for one, entry in hits if entry == folded(key)]
            rows.append(
                {
                    "table": name,
                    "servicetitan": key,
                    "business_central": value,
                    "in_business_central": _in_books(value, codes.get(name)) if check else None,
                    "documents": sum(one.documents for one in own),
                    "amount": sum((one.amount for one in own), Decimal(0)),
                }
            )
    return rows


def _in_books(value: str, codes: Any) -> bool | None:
    """Whether documents can use the code; None where it cannot be told."""
    if codes is None:
        return None
    return any(one.code.upper() == value.upper() and one.usable for one in codes)


def _used_document(one: Used) -> dict[str, Any]:
    return {"table": one.table, "servicetitan": one.key, "documents": one.documents, "amount": one.amount}


def _shown_key(one: Used) -> str:
    return f"{one.key} ({one.called})" if one.called else one.key


_THERE = {True: "yes", False: "NO", None: "not checked"}


def _show_entries(rows: list[dict[str, Any]], gaps: list[Used], *, check: bool) -> None:
    columns = [Column("table"), Column("in ServiceTitan"), Column("in Business Central")]
    columns += [Column("usable there")] if check else []
    columns += [Column("documents", right=True), Column("amount", right=True)]
    cells = []
    for row in rows:
        cell = [row["table"], row["servicetitan"], row["business_central"]]
        cell += [_THERE[row["in_business_central"]]] if check else []
        cells.append([*cell, f"{row['documents']:,}", money(row["amount"])])
    if cells:
        table("Mapping", columns, cells)
    else:
        say("The mapping has no entries.")
    for row in rows:
        if row["in_business_central"] is False:
            insist(
                f"Business Central has no usable '{row['business_central']}': correct mapping.{row['table']} "
                f"for '{row['servicetitan']}', or set it up there."
            )
    if gaps:
        lines = [(one.table, _shown_key(one), f"{one.documents:,}", money(one.amount)) for one in gaps]
        used = [Column("documents", right=True), Column("amount", right=True)]
        table(
            "Used by documents, without an entry",
            [Column("table"), Column("in ServiceTitan"), *used],
            lines,
            needed=check,
        )
        if not check:
            say("Where Business Central has an equal number or code, none is needed; --check tells.")
        say("For proposals, run: stsync map suggest")


@app.command()
@answering
def suggest(
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not ask Business Central; propose only codes the configuration names.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Propose an entry for everything that documents use and that is not mapped; nothing is applied.

    Prints lines to paste into the configuration. A line with one clear proposal is ready; where several are alike, or
    none is, the line is commented out for you to complete. Business Central is asked, ServiceTitan is not.
    """
    from stsync.reports.bookcodes import offline_codes
    from stsync.reports.suggest import suggestions, unmapped, yaml_lines
    from stsync.wiring import wire

    wiring = wire(config)
    codes = offline_codes(wiring.config) if offline else _codes(wiring)
    gaps = unmapped(_used(wiring), wiring.choices, codes, checked=not offline)
    found = suggestions(gaps, codes, dimensions=wiring.config.dimensions.by_table())
    if OUTPUT.json:
        emit_json({"offline": offline, "suggestions": [_suggestion_document(one) for one in found]})
        return
    if not found:
        say("Everything that the documents read so far use is mapped.")
        return
    say("# Check each line, then paste what is right into the configuration; nothing was changed.")
    if offline:
        say("# Business Central was not asked: equal account numbers and codes may need no line.")
    for line in yaml_lines(found):
        insist(line)


def _suggestion_document(one: Suggestion) -> dict[str, Any]:
    proposals = [
        {"code": best.code, "name": best.name, "reason": best.reason, "score": str(best.score)}
        for best in one.proposals
    ]
    return {
        **_used_document(one.used),
        "wanted": one.wanted,
        "proposals": proposals,
        "clear": one.clear.code if one.clear else None,
    }


@app.command("export")
@answering
def export_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write the whole mapping to a CSV file for a spreadsheet; what is not mapped yet stands in it with an empty code.

    Fill in the empty ones, then run: stsync map import FILE
    """
    from stsync.config.mapping_file import Entry, entries_of, write_entries
    from stsync.reports.bookcodes import offline_codes
    from stsync.reports.suggest import unmapped, use_words
    from stsync.wiring import wire

    if file.exists() and not force:
        raise UsageError("file-exists", f"{file} exists already.", hint="Name another file, or write over it: --force")
    wiring = wire(config)
    comments = {(one.table, one.servicetitan): one.comment for one in _present(wiring).entries}
    mapped = [
        Entry(one.table, one.servicetitan, one.business_central, comments.get((one.table, one.servicetitan), ""))
        for one in entries_of(wiring.config.mapping.tables())
    ]
    missing = unmapped(_used(wiring), wiring.choices, offline_codes(wiring.config), checked=False)
    gaps = [Entry(one.table, one.key, "", f"not mapped: {use_words(one)}") for one in missing]
    try:
        write_entries(file, [*mapped, *gaps])
    except OSError as error:
        raise UsageError("file-not-written", f"{file} cannot be written: {error.strerror or error}.") from error
    if OUTPUT.json:
        emit_json({"file": str(file), "mapped": len(mapped), "not_mapped": len(gaps)})
        return
    say(f"{file}: {len(mapped):,} mapped, {len(gaps):,} still without a code. Then: stsync map import {file}")


def _present(wiring: Wiring) -> Contents:
    """What the mapping file in use holds; nothing when none is configured."""
    from stsync.config.mapping_file import Contents, read_entries

    used = wiring.config.mapping.file
    return read_entries(Path(used)) if used else Contents((), ())


@app.command("import")
@answering
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV or Excel file with the mapping.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Names that FILE does not have leave the mapping file.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show before and after; write nothing.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Check a mapping file, show before and after, and take it over into the file that mapping.file names.

    The configuration file itself is never touched. Columns: table, servicetitan, business_central, comment.
    """
    from stsync.config.mapping_file import write_entries
    from stsync.reports.mapping_import import compare
    from stsync.wiring import wire

    wiring = wire(config)
    incoming = _checked(file)
    result = compare(incoming, _present(wiring).entries, wiring.config.mapping.tables(), replace=replace)
    if result.faults:
        raise _unusable(file, result.faults)
    target = wiring.config.mapping.file
    if target is None:
        _tell_import(result, file, None, dry_run=dry_run)
        raise _no_mapping_file(file, config)
    if result.changes and not dry_run:
        try:
            write_entries(Path(target), result.entries)
        except (OSError, ValueError) as error:
            raise UsageError("file-not-written", f"{target} cannot be written: {error}.") from error
    _tell_import(result, file, target, dry_run=dry_run)


def _checked(file: Path) -> tuple[Entry, ...]:
    from stsync.config.mapping_file import read_entries

    contents = read_entries(file)
    faults: dict[str, str] = {}
    for fault in contents.faults:
        place = f"line {fault.line}" if fault.line else "file"
        faults[place] = "; ".join(part for part in (faults.get(place), fault.sentence) if part)
    if faults:
        raise _unusable(file, faults)
    return contents.entries


def _unusable(file: Path, faults: Any) -> UsageError:
    return UsageError(
        "mapping-file-invalid",
        f"{file} cannot be taken over as it is; nothing was changed.",
        hint="Correct the lines above and import the file again.",
        context=faults,
    )


def _no_mapping_file(file: Path, config: Path | None) -> UsageError:
    """The mapping lives in the YAML file alone, which is the accountant's; the way in is one line there."""
    import os

    from stsync.config.load import find

    path = find(config).resolve()
    named = os.path.relpath(file.resolve(), path.parent)
    return UsageError(
        "mapping-file-not-named",
        f"The configuration names no mapping file, so there is nothing to import into; {file} itself is in order.",
        hint=f"Let {path.name} use it from now on, by adding this line under 'mapping:':\n    file: {named}",
    )


_WHAT = {
    "new": "new",
    "changed": "changed",
    "removed": "removed",
    "same": "as before",
    "kept": "stays (not in the file)",
    "in-configuration": "in the configuration file already",
}


def _tell_import(result: Import, file: Path, target: str | None, *, dry_run: bool) -> None:
    written = bool(result.changes) and not dry_run and target is not None
    if OUTPUT.json:
        if target is not None:
            steps = [vars(step) for step in result.steps]
            emit_json({"file": str(file), "into": target, "written": written, "steps": steps})
        return
    columns = [Column("table"), Column("in ServiceTitan"), Column("before"), Column("after"), Column("")]
    rows = [(one.table, one.servicetitan, one.before, one.after, _WHAT[one.what]) for one in result.changes]
    if rows:
        table("Before and after", columns, rows)
    unchanged = len(result.steps) - len(result.changes)
    say(f"{len(result.changes):,} changed, {unchanged:,} as before.")
    if dry_run:
        say("This was a dry run: nothing was written.")
    elif written:
        say(f"Written to {target}. The next sync decides about the held records anew: stsync sync --dry-run")
    elif target is not None:
        say(f"{target} stays as it is.")
