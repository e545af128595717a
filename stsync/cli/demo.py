"""`stsync demo`: a contractor's month goes from ServiceTitan into the books, on this machine, and is proven there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stsync.cli.console import OUTPUT, Column, emit_json, insist, money, say, table
from stsync.cli.options import JsonOption, QuietOption, answering
from stsync.errors import ExitCode

if TYPE_CHECKING:
    from stsync.cli.demo_run import Promise
    from stsync.cli.sandbox_folder import SandboxFolder
    from stsync.sandbox.tieout import TieOut
    from stsync.sandbox.world import World

Invoices = Annotated[int, typer.Option("--invoices", min=1, metavar="N", help="How many invoices the month has.")]
Seed = Annotated[int, typer.Option("--seed", help="Another number makes another month; the same one the same month.")]
Folder = Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where everything is left for you to go on.")]
Port = Annotated[int, typer.Option("--port", min=1024, max=65000, help="The first of five ports in a row.")]
Keep = Annotated[bool, typer.Option("--keep", help="Keep both systems running at the end, until Ctrl-C.")]


@answering
def demo(
    invoices: Invoices = 1500,
    seed: Seed = 1,
    folder: Folder = Path("stsync-demo"),
    port: Port = 8750,
    keep: Keep = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> ExitCode:
    """Watch a month go from ServiceTitan into the books, and see that they agree. Needs no account.

    It starts both systems on this machine with a demo company in them, then types the commands that you would: a
    preview, the transfer, what is held, the transfer again. At the end it counts both systems itself. Exit code 0
    means that every promise was kept. An earlier demo in the same folder is replaced.
    """
    from stsync.cli.demo_run import DemoRun
    from stsync.cli.sandbox_folder import Keeper, SandboxFolder

    place = SandboxFolder(folder)
    place.refuse_if_served()
    world = place.new_world(invoices, seed, port)
    place.start_over()
    keeper = Keeper(place, world, world.sandbox.port_base)
    with world:
        place.write_for_people(world)
        keeper.start()
        try:
            _introduce(place, world)
            run = DemoRun(place, world)
            run.type_the_commands()
            _conclude(place, run.promises(), run.tie_out())
            if keep:
                _wait_for_the_end(place)
        finally:
            keeper.finish()
    if OUTPUT.json:
        emit_json(_document(place, run.promises(), run.tie_out()))
    elif not keep:
        _how_to_go_on(place)
    return ExitCode.OK if all(promise.kept for promise in run.promises()) else ExitCode.BUG


def _introduce(place: SandboxFolder, world: World) -> None:
    made = world.demo
    say(
        f"{made.books.company_name}, a contractor with {len(made.technicians)} technicians, and its {made.month[0]:%B %Y}:"
    )
    counts = f"{len(made.invoices):,} invoices, {len(made.payments):,} payments, {len(made.customers):,} customers"
    say(f"  in ServiceTitan  {counts}")
    say(
        f"  in the books     accounts, departments and items; {len(made.books.customers)} customers and their opening "
        "balances from before"
    )
    say(f"Both systems run on this machine only. Everything is in the folder {place.root}.")


def _conclude(place: SandboxFolder, promises: list[Promise], tied: TieOut) -> None:
    columns = [
        Column("business unit"),
        *(Column(name, right=True) for name in ("ServiceTitan", "held or waiting", "Business Central", "difference")),
    ]
    shown = [*tied.revenue, tied.total, tied.payments, tied.refunds, tied.owed]
    rows = [[tie.name, *map(money, (tie.servicetitan, tie.outside, tie.books, tie.difference))] for tie in shown]
    table("Tie-out: counted in both systems themselves, not in what stsync remembers", columns, rows, needed=True)
    for promise in promises:
        insist(f"  {'kept  ' if promise.kept else 'BROKEN'}  {promise.sentence}")


def _document(place: SandboxFolder, promises: list[Promise], tied: TieOut) -> dict[str, object]:
    return {
        "folder": str(place.root.resolve()),
        "promises": [vars(promise) for promise in promises],
        "tie_out": [
            {
                "name": tie.name,
                "servicetitan": tie.servicetitan,
                "not_in_the_books": tie.outside,
                "business_central": tie.books,
                "difference": tie.difference,
            }
            for tie in (*tied.revenue, tied.total, tied.payments, tied.refunds, tied.owed)
        ],
    }


def _wait_for_the_end(place: SandboxFolder) -> None:
    import signal
    import threading

    from stsync.cli.sandbox_folder import program

    say()
    say("Both systems keep running until you press Ctrl-C here. In another terminal:")
    for line in (f". {place.variables}", *(f"{program()} {words}" for words in NEXT)):
        say(f"  {line}")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()


NEXT = ("status", "held", "trace invoice 55000001", "replay")


def _how_to_go_on(place: SandboxFolder) -> None:
    from stsync.cli.sandbox_folder import program

    say()
    say(f"Configuration, state and both systems are in {place.root}. To go on with them:")
    say(f"  {program()} sandbox serve --folder {place.root}     (leave it running)")
    say("and in another terminal:")
    for line in (f". {place.variables}", *(f"{program()} {words}" for words in NEXT)):
        say(f"  {line}")
