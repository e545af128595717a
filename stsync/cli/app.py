"""All commands, put together. A person can read this list instead of the manual."""

from __future__ import annotations

from typing import Annotated

import typer

from stsync import __version__
from stsync.cli import auth, config, demo, doctor, init, look, mapping, reconcile, replay, sandbox, sync, trace

app = typer.Typer(
    name="stsync",
    help="Carries ServiceTitan revenue into Business Central, and proves that the two agree.",
    epilog="Exit codes: 0 all well, 2 usage or configuration, 3 records are held, 4 refused by a brake, "
    "69 a system is down, 75 another run is at work, 77 credentials.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

DAILY = "Daily work"
AFTER = "After a run"
SETUP = "Setting up"
TRYING = "Trying it out"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stsync {__version__}")
        raise typer.Exit


@app.callback()
def stsync(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Carries ServiceTitan revenue into Business Central, and proves that the two agree."""


app.command("sync", rich_help_panel=DAILY, epilog=sync.EPILOG)(sync.sync)
app.command("sync-customers", rich_help_panel=DAILY)(sync.sync_customers)
app.command("sync-invoices", rich_help_panel=DAILY)(sync.sync_invoices)
app.command("sync-payments", rich_help_panel=DAILY)(sync.sync_payments)
app.command("push-pricebook", rich_help_panel=DAILY)(sync.push_pricebook)
app.command("reconcile", rich_help_panel=DAILY, epilog=reconcile.EPILOG)(reconcile.reconcile)
app.command("status", rich_help_panel=AFTER)(look.status)
app.command("held", rich_help_panel=AFTER)(look.held)
app.command("replay", rich_help_panel=AFTER)(replay.replay)
app.command("trace", rich_help_panel=AFTER)(trace.trace)
app.command("audit", rich_help_panel=AFTER)(trace.audit)
app.command("init", rich_help_panel=SETUP, epilog=init.EPILOG)(init.init)
app.command("doctor", rich_help_panel=SETUP, epilog=doctor.EPILOG)(doctor.doctor)
app.add_typer(auth.app, rich_help_panel=SETUP)
app.add_typer(config.app, rich_help_panel=SETUP)
app.add_typer(mapping.app, rich_help_panel=SETUP)
app.command("demo", rich_help_panel=TRYING)(demo.demo)
app.add_typer(sandbox.app, rich_help_panel=TRYING)
