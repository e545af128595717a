"""`stsync link`: which customer card in Business Central belongs to which ServiceTitan customer. Nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stsync.cli.console import OUTPUT, Column, counted, emit_json, say, table
from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.cli.reviewed import DryRun, Force, Out, Reviewed, refused
from stsync.errors import UsageError

if TYPE_CHECKING:
    from stsync.setup.link_accept import Checked
    from stsync.setup.link_proposals import Proposal
    from stsync.setup.review_file import Line
    from stsync.wiring import Wiring

app = typer.Typer(
    name="link",
    help="Which customer card in Business Central belongs to which ServiceTitan customer: propose, accept, decide, list.",
    no_args_is_help=True,
)


@app.command()
@answering
def propose(
    out: Out = Path("links.csv"),
    force: Force = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compare all customers of both systems and write the pairs that may be the same to a file for review.

    For the accountant, before the first sync into books that have customers already. Nothing is written in either
    system. In the file, the column decision says what is to happen: link (this customer is this card), new (none of
    these cards), later or empty (not now). It is filled in only where there is no doubt (bucket exact).
    Then: stsync link accept FILE
    """
    from stsync.engine.settings import settings
    from stsync.setup.link_file import COLUMNS, lines
    from stsync.setup.link_proposals import proposals
    from stsync.setup.link_reading import all_cards, all_customers
    from stsync.setup.review_file import check_place, write_review
    from stsync.setup.sitting import sitting
    from stsync.wiring import wire

    check_place(out, force=force)
    wiring = wire(config)
    with sitting(wiring, "stsync link propose", keeps=False) as at:
        cards = all_cards(at.systems.books)
        known = all_customers(at.systems.servicetitan)
        number = settings(wiring.config, wiring.choices).customers.number
        linked = {row.source_id: row.target_id for row in at.state.ledger.links("customers") if row.target_id}
        found = proposals(known, cards, number=number, linked=linked, owned=set(linked.values()))
    write_review(out, COLUMNS, lines(found), force=force)
    _tell_proposals(wiring, out, found, cards=len(cards), linked=len(known) - len(found))


def _tell_proposals(wiring: Wiring, out: Path, found: list[Proposal], *, cards: int, linked: int) -> None:
    from stsync.setup.link_proposals import BUCKETS

    counts = {bucket: sum(one.bucket == bucket for one in found) for bucket in BUCKETS}
    if OUTPUT.json:
        systems = wiring.banner()
        emit_json({"systems": systems, "file": str(out), "cards": cards, "linked_already": linked, "buckets": counts})
        return
    say(wiring.banner())
    rows = [(bucket, f"{counts[bucket]:,}", _BUCKET[bucket]) for bucket in BUCKETS]
    table("Customers that are not linked yet", [Column("bucket"), Column("customers", right=True), Column("")], rows)
    say(f"{counted(cards, 'card')} in Business Central; {counted(linked, 'customer')} linked already.")
    say(
        f"{out} is written; nothing else was. Look it through, fill in the column decision, then: stsync link accept {out}"
    )


_BUCKET = {
    "exact": "decision is filled in: link",
    "likely": "one card fits; you decide",
    "ambiguous": "several cards or several customers fit, or the name alone; you decide",
    "none": "no card is alike: the sync makes a new one",
}


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

    From then on a linked customer's documents go to that card, and no second card is made. Nothing is sent to either
    system: what is on the card stays as it is until it changes in ServiceTitan. The audit keeps who linked and why.
    """
    from stsync.setup.link_file import read_decisions
    from stsync.wiring import wire

    lines, problems = read_decisions(file)
    _decide(wire(config), lines, problems, file=str(file), keeps=not dry_run)


@app.command()
@answering
def customer(
    customer_id: Annotated[str, typer.Argument(metavar="ID", help="The customer's number in ServiceTitan.")],
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="NUMBER", help="The number of the card in Business Central that is this customer."
        ),
    ] = "",
    new: Annotated[bool, typer.Option("--new", help="No card is this customer: a new one may be made.")] = False,
    dry_run: DryRun = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Decide about one customer: linked to a card, or new."""
    from stsync.setup.review_file import Line
    from stsync.wiring import wire

    if bool(to) == new:
        raise UsageError(
            "link-undecided",
            f"Say which card customer {customer_id} is, or that it is none.",
            hint="Either --to NUMBER, the card's number in Business Central, or --new.",
        )
    cells = {"servicetitan_id": customer_id.strip(), "bc_number": to.strip(), "reasons": ""}
    line = Line(0, "new" if new else "link", cells)
    _decide(wire(config), [line], {}, file="", keeps=not dry_run)


def _decide(wiring: Wiring, lines: list[Line], problems: dict[str, str], *, file: str, keeps: bool) -> None:
    from stsync.setup.link_accept import check, keep
    from stsync.setup.sitting import sitting
    from stsync.state.lock import user_name

    with sitting(wiring, "stsync link", keeps=keeps) as at:
        checked = check(at, lines)
        wrong = {**problems, **checked.problems}
        if wrong:
            raise _refused(wrong, file)
        if keeps:
            keep(at, checked.choices, operator=user_name(), file=file)
    _tell(wiring, checked, kept=keeps)


def _refused(wrong: dict[str, str], file: str) -> UsageError:
    if not file:
        hint = "Correct it and run the command again. What is linked so far: stsync link list"
        return UsageError("links-refused", "This cannot be taken over, so nothing was.", hint=hint, context=wrong)
    return refused(wrong)


def _tell(wiring: Wiring, checked: Checked, *, kept: bool) -> None:
    linked = [one for one in checked.choices if one.card is not None]
    new = len(checked.choices) - len(linked)
    if OUTPUT.json:
        pairs = [{"servicetitan_id": one.known.customer.id, "number": one.card.number} for one in linked if one.card]
        document = {"linked": pairs, "new": new, "already": checked.already, "written": kept}
        emit_json({"systems": wiring.banner(), **document})
        return
    say(wiring.banner())
    for one in linked[:20]:
        say(f"{one.known.customer.name} ({one.known.customer.id})  ->  {one.card.number if one.card else ''}")
    say(f"{len(linked):,} linked, {new:,} said to be new, {checked.already:,} as before.")
    if kept:
        say("Nothing was sent to either system. The next sync takes them so: stsync sync --dry-run")
    else:
        say("This was a dry run: every line is in order, and nothing was written down.")


@app.command("list")
@answering
def list_(config: ConfigOption = None, as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """List the customers that people linked or called new, with who said so and why."""
    from stsync.reports.linked import linked
    from stsync.state import State
    from stsync.wiring import wire

    wiring = wire(config)
    with State.open_scratch(wiring.state_path) as state:
        state.check_pin(wiring.pin)
        rows = linked(state)
    if OUTPUT.json:
        emit_json({"links": [vars(one) for one in rows]})
        return
    if not rows:
        say("Nobody has linked a customer so far. To propose pairs: stsync link propose --out links.csv")
        return
    columns = ["ServiceTitan id", "customer", "card", "by", "on", "because"]
    cells: list[list[Any]] = [
        [one.servicetitan_id, one.name, one.number or "new", one.by, f"{one.at:%Y-%m-%d}", one.reasons] for one in rows
    ]
    table(counted(len(rows), "customer"), [Column(name) for name in columns], cells, needed=True)
