"""All commands, put together. A person can read this list instead of the manual."""

from __future__ import annotations

import typer

from stsync.cli import auth, config, sync

app = typer.Typer(
    name="stsync",
    help="Carries ServiceTitan revenue into Business Central, and proves that the two agree.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

DAILY = "Daily work"
SETUP = "Setting up"

app.command("sync", rich_help_panel=DAILY)(sync.sync)
app.command("sync-customers", rich_help_panel=DAILY)(sync.sync_customers)
app.command("sync-invoices", rich_help_panel=DAILY)(sync.sync_invoices)
app.command("sync-payments", rich_help_panel=DAILY)(sync.sync_payments)
app.command("push-pricebook", rich_help_panel=DAILY)(sync.push_pricebook)
app.add_typer(config.app, rich_help_panel=SETUP)
app.add_typer(auth.app, rich_help_panel=SETUP)
