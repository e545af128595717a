"""`stsync baseline`: what lies before go-live, and which opening document stands for which invoice. Nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from stsync.cli.console import OUTPUT, Column, counted, emit_json, money, say, table
from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.cli.reviewed import DryRun, Force, Out, Reviewed, refused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from stsync.setup.baseline_accept import Checked
    from stsync.setup.baseline_proposals import Proposal
    from stsync.setup.baseline_reading import OpenInvoice
    from stsync.wiring import Wiring

app = typer.Typer(
    name="baseline",
    help="What lies before go-live, and which opening document in Business Central stands for which invoice.",
    invoke_without_command=True,
)


@app.callback()
def baseline(
    context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False, quiet: QuietOption = False
) -> None:
    """Say what lies before go-live: how many invoices, for how much, how many were open then, how many are linked.

    Invoices from before go_live are not carried over. Those that were open then are in Business Central's opening
    balances. Once they are linked to those, later payments on them are applied like any other:
    stsync baseline propose --out FILE, look it through, stsync baseline accept FILE.
    """
    if context.invoked_subcommand is None:
        _show(config=config, as_json=as_json, quiet=quiet)


@answering
def _show(config: Path | None, *, as_json: bool, quiet: bool) -> None:
    from stsync.setup.baseline_accept import linked
    from stsync.setup.baseline_reading import history, open_invoices
    from stsync.setup.sitting import sitting
    from stsync.wiring import wire

    wiring = wire(config)
    go_live = wiring.config.go_live
    with sitting(wiring, "stsync baseline", keeps=False) as at:
        before = history(at.systems.servicetitan, go_live)
        found = open_invoices(at.systems.servicetitan, go_live)
        links = linked(at.state)
    done = [one for one in found if one.invoice.id in links]
    missing = [one for one in found if one.invoice.id not in links]
    figures = {
        "before": (before.invoices, before.total),
        "open": (len(found), _open(found)),
        "linked": (len(done), _open(done)),
        "not_linked": (len(missing), _open(missing)),
    }
    if OUTPUT.json:
        shown = {name: {"invoices": count, "amount": amount} for name, (count, amount) in figures.items()}
        emit_json({"systems": wiring.banner(), "go_live": go_live, **shown})
        return
    say(wiring.banner())
    columns = [Column(f"before {go_live}"), Column("invoices", right=True), Column("amount", right=True)]
    rows = [(_FIGURES[name], f"{count:,}", money(amount)) for name, (count, amount) in figures.items()]
    table("Before go-live", columns, rows, needed=True)
    if missing:
        say(
            "Payments on those that are not linked are held. To propose pairs: stsync baseline propose --out baseline.csv"
        )


_FIGURES = {
    "before": "invoices in ServiceTitan, not carried over",
    "open": "of these, open on that day (open amount)",
    "linked": "of these, linked to an opening document",
    "not_linked": "not linked",
}


def _open(found: Sequence[OpenInvoice]) -> Decimal:
    from decimal import Decimal

    return sum((one.open_at_go_live for one in found), Decimal("0.00"))


@app.command()
@answering
def propose(
    out: Out = Path("baseline.csv"),
    force: Force = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write the invoices that were open at go-live, with the documents that may stand for them, to a file for review.

    Nothing is written in either system. In the file, the column decision says what is to happen: link, or later
    (or empty). It is filled in only where number and amount agree. Then: stsync baseline accept FILE
    """
    from stsync.setup.baseline_accept import cards, linked
    from stsync.setup.baseline_proposals import COLUMNS, lines, proposals
    from stsync.setup.baseline_reading import open_invoices, opening_documents
    from stsync.setup.review_file import check_place, write_review
    from stsync.setup.sitting import sitting
    from stsync.wiring import wire

    check_place(out, force=force)
    wiring = wire(config)
    go_live = wiring.config.go_live
    with sitting(wiring, "stsync baseline propose", keeps=False) as at:
        found = open_invoices(at.systems.servicetitan, go_live)
        documents = opening_documents(at.systems.books, go_live, found)
        links = linked(at.state)
        taken = {one.number for one in links.values()}
        free = [one for one in documents.values() if one.number not in taken]
        proposed = proposals([one for one in found if one.invoice.id not in links], free, cards(at))
    write_review(out, COLUMNS, lines(proposed), force=force)
    _tell_proposals(wiring, out, proposed, documents=len(documents), linked=len(found) - len(proposed))


def _tell_proposals(wiring: Wiring, out: Path, found: list[Proposal], *, documents: int, linked: int) -> None:
    from stsync.setup.link_proposals import BUCKETS

    counts = {bucket: [one for one in found if one.bucket == bucket] for bucket in BUCKETS}
    if OUTPUT.json:
        buckets = {bucket: len(each) for bucket, each in counts.items()}
        emit_json(
            {
                "systems": wiring.banner(),
                "file": str(out),
                "documents": documents,
                "linked_already": linked,
                "buckets": buckets,
            }
        )
        return
    say(wiring.banner())
    columns = [Column("bucket"), Column("invoices", right=True), Column("open at go-live", right=True)]
    rows = [(name, f"{len(each):,}", money(_open([one.open for one in each]))) for name, each in counts.items()]
    table("Open at go-live and not linked yet", columns, rows)
    say(f"{counted(documents, 'open document')} in Business Central; {counted(linked, 'invoice')} linked already.")
    say(f"{out} is written; nothing else was. Look it through, then: stsync baseline accept {out}")


@app.command()
@answering
def accept(
    file: Reviewed,
    dry_run: DryRun = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Take over the decisions of a reviewed file: every line is checked first, then all are kept, or none.

    From then on a payment on a linked invoice is applied to its opening document. Nothing is sent to either system.
    """
    from stsync.setup.baseline_accept import check, keep
    from stsync.setup.baseline_proposals import read_decisions
    from stsync.setup.baseline_reading import open_invoices
    from stsync.setup.sitting import sitting
    from stsync.state.lock import user_name
    from stsync.wiring import wire

    decided, problems = read_decisions(file)
    wiring = wire(config)
    with sitting(wiring, "stsync baseline accept", keeps=not dry_run) as at:
        found = open_invoices(at.systems.servicetitan, wiring.config.go_live)
        checked = check(at, decided, found)
        wrong = {**problems, **checked.problems}
        if wrong:
            raise refused(wrong)
        if not dry_run:
            keep(at, checked.choices, operator=user_name(), file=str(file))
    _tell(wiring, checked, kept=not dry_run)


def _tell(wiring: Wiring, checked: Checked, *, kept: bool) -> None:
    amount = _open([one.open for one in checked.choices])
    if OUTPUT.json:
        pairs = [{"servicetitan_id": one.open.invoice.id, "number": one.document.number} for one in checked.choices]
        emit_json({"systems": wiring.banner(), "linked": pairs, "already": checked.already, "written": kept})
        return
    say(wiring.banner())
    say(f"{counted(len(checked.choices), 'invoice')} linked, {money(amount)}; {checked.already:,} as before.")
    if kept:
        say("Nothing was sent to either system. The payments on them follow: stsync sync --dry-run")
    else:
        say("This was a dry run: every line is in order, and nothing was written down.")
