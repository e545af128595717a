"""All commands, put together. A person can read this list instead of the manual."""

from __future__ import annotations

from typing import Annotated

import typer

from stsync import __version__
from stsync.cli.later import Later, group_of

COMMANDS = (
    Later("sync", "Everything below, in order.", "sync.sync", "EPILOG"),
    Later("sync-customers", "New and changed customers into Business Central.", "sync.sync_customers"),
    Later("sync-invoices", "Posted invoices, with the customers they need.", "sync.sync_invoices"),
    Later("sync-payments", "Payments, applied to their invoices.", "sync.sync_payments"),
    Later("push-pricebook", "Business Central items into the pricebook.", "sync.push_pricebook"),
    Later("bills", "Inventory bills, listed and exported.", "bills.bills", "EPILOG"),
    Later("reconcile", "Prove the month against the general ledger.", "reconcile.reconcile", "EPILOG"),
    Later("drift", "What changed on either side after it was posted.", "drift.drift", "EPILOG"),
    Later("correct", "Take back a posted invoice and make it anew.", "correct.correct", "EPILOG"),
    Later("status", "The last runs, and where every record stands.", "look.status"),
    Later("held", "What needs a person, by cause, and what to do.", "look.held"),
    Later("replay", "Put failed records back in the queue.", "replay.replay"),
    Later("ignore", "Say that a record was dealt with by hand.", "ignore.ignore", "EPILOG"),
    Later("applied", "Say that you applied entries in the books.", "applied.applied", "EPILOG"),
    Later("trace", "The life of one record.", "trace.trace"),
    Later("audit", "Every decision and every write.", "trace.audit"),
    Later("init", "Write the configuration by asking and looking.", "init.init", "EPILOG"),
    Later("doctor", "Check everything that a run needs.", "doctor.doctor", "EPILOG"),
    Later("listen", "Take webhook deliveries as hints (optional).", "listen.listen", "LISTEN_EPILOG"),
    Later("trigger", "Send your own listener a signed trial.", "listen.trigger", "TRIGGER_EPILOG"),
    Later("support-bundle", "What a helper needs to find a fault.", "support.support_bundle", "EPILOG"),
    Later("selftest", "Break runs on this machine, and compare the books.", "selftest.selftest", "EPILOG"),
    Later("demo", "Watch a demo month go into the books.", "demo.demo"),
    Later("auth", "Store, look at, try and remove the secrets.", "auth.app"),
    Later("config", "Check, show and explain the configuration.", "config.app"),
    Later("link", "Customers that Business Central has already.", "link.app"),
    Later("baseline", "What lies before go-live, and its open invoices.", "baseline.app"),
    Later("map", "Names and numbers: ServiceTitan's and the books'.", "mapping.app"),
    Later("notifications", "Be told of changed items (optional).", "notifications.app"),
    Later("state", "Back up, put back and check the state file.", "state.app"),
    Later("sandbox", "Both systems on this machine, to try things.", "sandbox.app"),
)

app = typer.Typer(
    name="stsync",
    cls=group_of(COMMANDS),
    help="Carries ServiceTitan revenue into Business Central, and proves that the two agree.",
    epilog="Exit codes: 0 all well, 2 usage or configuration, 3 records are held, 4 refused by a brake, "
    "69 a system is down, 75 another run is at work, 77 credentials.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Plain help: rich would double the time in which `stsync --help` answers (from 0.16 to 0.40 s).
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
