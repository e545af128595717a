"""`stsync sandbox`: ServiceTitan and Business Central on this machine, with a demo company in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stsync.cli.console import OUTPUT, emit_json, insist, say
from stsync.cli.options import JsonOption, QuietOption, answering
from stsync.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from stsync.cli.sandbox_folder import SandboxFolder
    from stsync.sandbox.latency import Latency
    from stsync.sandbox.serve import Sandbox
    from stsync.sandbox.world import World

app = typer.Typer(
    name="sandbox",
    help="ServiceTitan and Business Central on this machine, with a demo company in them, for trying things out.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where the rehearsal keeps its files.")]
Invoices = Annotated[
    int | None,
    typer.Option("--invoices", min=1, metavar="N", help="How many invoices the month has; 2000 in a new folder."),
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="Another number makes another month; the same one the same month.")
]
Port = Annotated[
    int | None,
    typer.Option("--port", min=1024, max=65000, help="The first of five ports in a row; the next free ones are taken."),
]
KeepState = Annotated[
    bool, typer.Option("--keep-state", help="Leave what stsync itself remembers, as if the books had been restored.")
]
LatencyScale = Annotated[
    float | None,
    typer.Option(
        "--latency",
        min=0.001,
        max=10,
        metavar="SCALE",
        help="Answer as slowly as the real systems might; 0.1 is ten times as fast. Left out, answers come at once.",
    ),
]
LatencySeed = Annotated[
    int, typer.Option("--latency-seed", help="Another number makes the delays vary otherwise; only with --latency.")
]
DEFAULT_FOLDER = Path("stsync-sandbox")
INVOICES, SEED = 2000, 1


@app.command(epilog="Example: stsync sandbox serve --folder rehearsal --invoices 200")
@answering
def serve(
    folder: Folder = DEFAULT_FOLDER,
    invoices: Invoices = None,
    seed: Seed = None,
    port: Port = None,
    latency: LatencyScale = None,
    latency_seed: LatencySeed = 1,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> ExitCode:
    """Serve both systems until Ctrl-C, and say how to work with them from another terminal.

    For a bookkeeper or partner who wants to rehearse without an account. The folder keeps both systems between two
    runs, so that one can stop and go on later.
    """
    from stsync.cli.sandbox_folder import USUAL_PORT, Keeper, SandboxFolder

    place = SandboxFolder(folder)
    place.refuse_if_served()
    slowness = _slowness(latency, latency_seed)
    if place.used:
        _refuse_other_company(place, invoices, seed)
        world = place.kept_world(port, slowness)
    else:
        world = place.new_world(invoices or INVOICES, SEED if seed is None else seed, port or USUAL_PORT, slowness)
    keeper = Keeper(place, world, world.sandbox.port_base)

    def ready(_: Sandbox) -> None:
        place.write_for_people(world)
        keeper.start()
        _tell(place, world)

    world.sandbox.serve_until_stopped(ready)
    keeper.finish()
    place.addresses.unlink(missing_ok=True)
    say(f"Stopped. Both systems are kept in {place.root}; the same command goes on with them.")
    return ExitCode.OK


@app.command(epilog="Example: stsync sandbox reset --folder rehearsal")
@answering
def reset(
    folder: Folder = DEFAULT_FOLDER,
    keep_state: KeepState = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> ExitCode:
    """Start the rehearsal over: both systems as at first, and nothing remembered. The configuration stays."""
    from stsync.cli.sandbox_folder import SandboxFolder

    place = SandboxFolder(folder)
    if not place.inner.is_dir():
        raise UsageError("no-sandbox-here", f"{folder} is not the folder of a sandbox; nothing was changed.")
    running = _reset_running(place)
    place.forget(systems=not running, state=not keep_state)
    kept = "kept" if keep_state else "gone"
    say(f"Both systems are as at first; what stsync remembered is {kept}. The configuration was left as it is.")
    if OUTPUT.json:
        emit_json({"folder": str(folder), "running": running, "state_kept": keep_state})
    return ExitCode.OK


def _slowness(scale: float | None, seed: int) -> Latency | None:
    from stsync.sandbox.latency import Latency

    return None if scale is None else Latency(scale, seed)


def _refuse_other_company(place: SandboxFolder, invoices: int | None, seed: int | None) -> None:
    content = place.content()
    for option, given, known in (("--invoices", invoices, content.invoices), ("--seed", seed, content.seed)):
        if given not in (None, known):
            raise UsageError(
                "sandbox-folder-has-another-company",
                f"{place.root} holds a rehearsal that was made with {option} {known}, not {given}.",
                hint="Leave the option out to go on with it, or choose another folder with --folder.",
            )


def _tell(place: SandboxFolder, world: World) -> None:
    from stsync.cli.sandbox_folder import program

    variables = place.environment(world)
    if OUTPUT.json:
        emit_json(
            {
                "config": str(place.config.resolve()),
                "environment": variables,
                "urls": world.sandbox.urls,
                "admin_url": world.sandbox.admin_url,
            }
        )
        return
    say(
        f"{world.demo.books.company_name}: {len(world.demo.invoices):,} invoices, {len(world.demo.payments):,} payments."
    )
    say("Both systems answer on this machine only, until you press Ctrl-C here.")
    say()
    insist(f"Configuration: {place.config}")
    insist("In another terminal, set these variables (demo values, they open nothing but this sandbox):")
    for name, value in variables.items():
        insist(f"  export {name}={value}")
    say(f"or all of them at once:  . {place.variables}")
    say()
    say("Then try:")
    for words in ("doctor", "sync --dry-run", "sync", "held"):
        say(f"  {program()} {words}")


def _reset_running(place: SandboxFolder) -> bool:
    """Reset the sandbox that serves this folder now, if one does."""
    import requests

    address = place.admin_url()
    if address is None:
        return False
    with requests.Session() as session:
        session.trust_env = False
        session.post(f"{address}/reset", timeout=60).raise_for_status()
    return True
