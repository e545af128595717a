"""`stsync notifications`: have Business Central tell the listener when items change. Optional, and never needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stsync.cli.console import OUTPUT, emit_json, say
from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.errors import CredentialsError, UsageError

if TYPE_CHECKING:
    from stsync.businesscentral.subscriptions import Subscription, Subscriptions
    from stsync.wiring import Wiring

app = typer.Typer(
    name="notifications",
    help="Have Business Central tell stsync listen when items change (optional).",
    no_args_is_help=True,
)

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be sent; send nothing.")]


@app.command("renew", epilog="Once a day keeps it alive; stsync listen --subscribe does that by itself.")
@answering
def renew(
    dry_run: DryRunOption = False, config: ConfigOption = None, as_json: JsonOption = False, quiet: QuietOption = False
) -> None:
    """Subscribe the listener at listener.address to changed items, or renew that for three more days.

    stsync listen has to be running: Business Central asks it first. It sends no content, only that something changed;
    push-pricebook reads the items themselves.
    """
    wiring, subscriptions = _opened(config, read_only=dry_run)
    address, state = _address(wiring), _client_state(wiring)
    present = next((one for one in subscriptions.ours() if one.address == address), None)
    if dry_run:
        _tell(wiring, [present] if present else [], "would be renewed" if present else "would be subscribed")
        return
    now = subscriptions.renew(present, state) if present else subscriptions.make(address, state)
    _tell(wiring, [now], "renewed" if present else "subscribed")


@app.command("show")
@answering
def show(config: ConfigOption = None, as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """Which addresses are told of this company's changed items, and until when."""
    wiring, subscriptions = _opened(config, read_only=True)
    _tell(wiring, subscriptions.ours(), "subscribed")


@app.command("end")
@answering
def end(
    dry_run: DryRunOption = False, config: ConfigOption = None, as_json: JsonOption = False, quiet: QuietOption = False
) -> None:
    """End the subscription of listener.address. Polling goes on as ever."""
    wiring, subscriptions = _opened(config, read_only=dry_run)
    address = _address(wiring)
    ended = [one for one in subscriptions.ours() if one.address == address]
    for one in () if dry_run else ended:
        subscriptions.end(one)
    _tell(wiring, ended, "would be ended" if dry_run else "ended")


def _opened(config: Path | None, *, read_only: bool) -> tuple[Wiring, Subscriptions]:
    """The configuration, and its company's subscriptions; never those of another company than the state file's."""
    from stsync.businesscentral.subscriptions import Subscriptions
    from stsync.config import endpoints
    from stsync.state import State
    from stsync.wiring import wire

    wiring = wire(config)
    if wiring.state_path.exists():
        with State.open_reading(wiring.state_path) as state:
            state.check_pin(wiring.pin)
    session = wiring.systems(read_only=read_only).books.session
    root = endpoints.business_central_base(wiring.config)
    return wiring, Subscriptions(session, root, wiring.config.business_central.company_id)


def _address(wiring: Wiring) -> str:
    from stsync.listener.app import BUSINESS_CENTRAL

    address = wiring.config.listener.address
    if address is None:
        raise UsageError(
            "listener-address-unset",
            "The configuration does not say where the listener can be reached from outside.",
            hint="Add it under listener, for example:  address: https://books.example.com",
        )
    return f"{address}{BUSINESS_CENTRAL}"


def _client_state(wiring: Wiring) -> str:
    from stsync.cli.listen import client_state

    state = client_state(wiring)
    if not state:
        raise CredentialsError(
            "client-state-missing",
            "There is no client state, so nobody could tell a notification of Business Central from a forged one.",
            hint="Make up 32 or more characters and keep them: stsync auth set bc-client-state",
        )
    return state


def _tell(wiring: Wiring, chosen: Sequence[Subscription], what: str) -> None:
    if OUTPUT.json:
        told = [{"address": one.address, "ends": one.ends} for one in chosen]
        emit_json({"systems": wiring.banner(), "outcome": what, "subscriptions": told})
        return
    say(wiring.banner())
    if not chosen:
        say(f"Nothing {what}." if what != "would be subscribed" else f"{_address(wiring)}: would be subscribed.")
    for one in chosen:
        until = f", until {one.ends:%Y-%m-%d %H:%M} UTC" if one.ends and not what.endswith("ended") else ""
        say(f"{one.address}: {what}{until}.")
