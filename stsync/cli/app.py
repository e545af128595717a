"""All commands, put together. A person can read this list instead of the manual."""

from __future__ import annotations

from typing import Annotated

import typer

from stsync import __version__
from stsync.cli import (
    applied,
    auth,
    baseline,
    bills,
    config,
    correct,
    demo,
    doctor,
    drift,
    ignore,
    init,
    link,
    listen,
    look,
    mapping,
    notifications,
    reconcile,
    replay,
    sandbox,
    selftest,
    state,
    support,
    sync,
    trace,
)

app = typer.Typer(
    name="stsync",
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


app.command("sync", short_help="Everything below, in order.", epilog=sync.EPILOG)(sync.sync)
app.command("sync-customers", short_help="New and changed customers into Business Central.")(sync.sync_customers)
app.command("sync-invoices", short_help="Posted invoices, with the customers they need.")(sync.sync_invoices)
app.command("sync-payments", short_help="Payments, applied to their invoices.")(sync.sync_payments)
app.command("push-pricebook", short_help="Business Central items into the pricebook.")(sync.push_pricebook)
app.command("bills", short_help="Inventory bills, listed and exported.", epilog=bills.EPILOG)(bills.bills)
app.command("reconcile", short_help="Prove the month against the general ledger.", epilog=reconcile.EPILOG)(
    reconcile.reconcile
)
app.command("drift", short_help="What changed on either side after it was posted.", epilog=drift.EPILOG)(drift.drift)
app.command("correct", short_help="Take back a posted invoice and make it anew.", epilog=correct.EPILOG)(
    correct.correct
)
app.command("status", short_help="The last runs, and where every record stands.")(look.status)
app.command("held", short_help="What needs a person, by cause, and what to do.")(look.held)
app.command("replay", short_help="Put failed records back in the queue.")(replay.replay)
app.command("ignore", short_help="Say that a record was dealt with by hand.", epilog=ignore.EPILOG)(ignore.ignore)
app.command("applied", short_help="Say that you applied entries in the books.", epilog=applied.EPILOG)(applied.applied)
app.command("trace", short_help="The life of one record.")(trace.trace)
app.command("audit", short_help="Every decision and every write.")(trace.audit)
app.command("init", short_help="Write the configuration by asking and looking.", epilog=init.EPILOG)(init.init)
app.command("doctor", short_help="Check everything that a run needs.", epilog=doctor.EPILOG)(doctor.doctor)
app.add_typer(auth.app, short_help="Store, look at, try and remove the secrets.")
app.add_typer(config.app, short_help="Check, show and explain the configuration.")
app.add_typer(link.app, short_help="Customers that Business Central has already.")
app.add_typer(baseline.app, short_help="What lies before go-live, and its open invoices.")
app.add_typer(mapping.app, short_help="Names and numbers: ServiceTitan's and the books'.")
app.command("listen", short_help="Take webhook deliveries as hints (optional).", epilog=listen.LISTEN_EPILOG)(
    listen.listen
)
app.command("trigger", short_help="Send your own listener a signed trial.", epilog=listen.TRIGGER_EPILOG)(
    listen.trigger
)
app.add_typer(notifications.app, short_help="Be told of changed items (optional).")
app.add_typer(state.app, short_help="Back up, put back and check the state file.")
app.command("support-bundle", short_help="What a helper needs to find a fault.", epilog=support.EPILOG)(
    support.support_bundle
)
app.command("selftest", short_help="Break runs on this machine, and compare the books.", epilog=selftest.EPILOG)(
    selftest.selftest
)
app.command("demo", short_help="Watch a demo month go into the books.")(demo.demo)
app.add_typer(sandbox.app, short_help="Both systems on this machine, to try things.")
