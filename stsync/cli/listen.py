"""`stsync listen` and `stsync trigger`: hints from ServiceTitan and Business Central, and a delivery to try them with."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from stsync.cli.console import OUTPUT, emit_json, insist, say
from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.errors import CredentialsError, ExitCode, UsageError

if TYPE_CHECKING:
    from stsync.listener.signature import Scheme
    from stsync.listener.starting import Daily, Starter
    from stsync.wiring import Wiring

PORT = 8787
SHORTEST = 16  # characters; ServiceTitan takes 32 to 64, and what is shorter than this was not made by a machine
LISTEN_EPILOG = "Example: stsync listen --sync, behind a reverse proxy that speaks https. The guide: docs/listener.md"
TRIGGER_EPILOG = "Example: stsync trigger tn.acc.invoice-posted --id 82000012"


@answering
def listen(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The port to listen on; 0 takes a free one.")
    ] = PORT,
    start_sync: Annotated[
        bool, typer.Option("--sync", help="Start stsync sync soon after a hint, one at a time.")
    ] = False,
    subscribe: Annotated[
        bool, typer.Option("--subscribe", help="Have Business Central tell of changed items; renewed once a day.")
    ] = False,
    config: ConfigOption = None,
    quiet: QuietOption = False,
) -> ExitCode:
    """Take ServiceTitan's webhook deliveries as hints: verify, keep, answer. The next sync reads the records themselves.

    Optional: without it, every scheduled sync finds everything by itself. A delivery counts only when it is signed with
    the webhook secret (stsync auth set webhook-secret). Stop it with Ctrl+C.
    """
    from stsync.config.addresses import is_loopback
    from stsync.listener.app import BUSINESS_CENTRAL, HEALTH, SERVICETITAN, Application, Settings
    from stsync.listener.serving import reached_at, serve, server
    from stsync.listener.starting import Daily, Starter
    from stsync.state.hints import Hints, hints_path
    from stsync.wiring import wire

    wiring = wire(config)
    settings = Settings(
        secrets=_secrets(wiring),
        tenant=str(wiring.config.servicetitan.tenant_id),
        scheme=_scheme(wiring),
        client_state=client_state(wiring),
    )
    path = hints_path(wiring.state_path)
    starter = Starter(_sync_command(wiring), tell=lambda text: say(f"sync: {text}")) if start_sync else None
    renewing = Daily(_renew_command(wiring), tell=lambda text: say(f"notifications: {text}")) if subscribe else None
    with Hints.open(path) as hints:
        application = Application(hints, settings, kept=starter.hint if starter else lambda: None)
        serving = server(application, host, port)
        if starter is not None:
            starter.start()
            if hints.count():
                starter.hint()
        say(wiring.banner())
        for base in reached_at(serving):
            say(f"Listening for ServiceTitan on {base}{SERVICETITAN}")
            if settings.client_state:
                say(f"Listening for Business Central on {base}{BUSINESS_CENTRAL}")
            say(f"Health: {base}{HEALTH}")
        say(f"Hints are kept in {path}")
        if not is_loopback(host):
            insist("This address can be reached from other computers over plain http: put a proxy with https in front.")
        if renewing is not None:
            renewing.start()
        serve(serving, lambda: _stop(starter, renewing))
        counts = application.counts
    say(f"Stopped. {counts.kept} hints kept, {counts.repeated} repeated, {counts.refused} refused.")
    return ExitCode.OK


@answering
def trigger(
    event: Annotated[str, typer.Argument(help="The event, such as tn.acc.invoice-posted or payment.created.")],
    record: Annotated[int, typer.Option("--id", min=1, help="The record's id in ServiceTitan.")],
    url: Annotated[
        str, typer.Option("--url", help="Where your own listener is.")
    ] = f"http://127.0.0.1:{PORT}/servicetitan",
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> ExitCode:
    """Send a correctly signed delivery to your own listener, to see whether address, proxy and secret are right.

    Nothing is written in ServiceTitan or Business Central; the next sync reads the record that it names.
    """
    from stsync.listener.trial import send
    from stsync.wiring import wire

    wiring = wire(config)
    secret = _secrets(wiring)[0]
    status = send(
        url, event, record, tenant=wiring.config.servicetitan.tenant_id, secret=secret, scheme=_scheme(wiring)
    )
    taken = status == 200
    if OUTPUT.json:
        emit_json({"url": url, "event": event, "id": record, "status": status, "taken": taken})
    elif taken:
        say(f"The listener took the hint about {event} {record}. The next sync reads it.")
    else:
        insist(f"The listener answered {status}. {_MEANING.get(status, 'Look at what stands between you and it.')}")
    return ExitCode.OK if taken else ExitCode.UNAVAILABLE


_MEANING = {
    401: "It does not know this signature: compare webhook-secret and the listener section of the configuration there.",
    404: "There is no listener of stsync at this address; its path is /servicetitan.",
    413: "Something in between limits the size of deliveries.",
    503: "It could not keep the hint: look at the disk of the computer it runs on.",
}


def _secrets(wiring: Wiring) -> tuple[str, ...]:
    present = wiring.credentials.optional("webhook-secret")
    former = wiring.credentials.optional("webhook-secret-previous")
    if not present:
        raise CredentialsError(
            "webhook-secret-missing",
            "There is no webhook secret, so nobody could tell a delivery of ServiceTitan from a forged one.",
            hint="Set the same 32 to 64 characters in ServiceTitan's developer portal and here: "
            "stsync auth set webhook-secret",
        )
    if len(present) < SHORTEST:
        raise UsageError(
            "webhook-secret-short",
            f"The webhook secret has only {len(present)} characters; it could be guessed.",
            hint="ServiceTitan takes 32 to 64 characters. Set a new one there and here: stsync auth set webhook-secret",
        )
    if former and len(former) < SHORTEST:
        raise UsageError(
            "webhook-secret-short",
            f"The former webhook secret has only {len(former)} characters; it could be guessed, and still counts.",
            hint="Remove it: stsync auth remove webhook-secret-previous",
        )
    return (present, former) if former else (present,)


def client_state(wiring: Wiring) -> str:
    """What Business Central repeats to us, or nothing. Raises UsageError for one that could be guessed."""
    state = wiring.credentials.optional("bc-client-state") or ""
    if state and len(state) < SHORTEST:
        raise UsageError(
            "client-state-short",
            f"The client state has only {len(state)} characters; it could be guessed.",
            hint="Make up 32 or more characters and keep them: stsync auth set bc-client-state",
        )
    return state


def _scheme(wiring: Wiring) -> Scheme:
    from stsync.listener.signature import Scheme

    chosen = wiring.config.listener
    return Scheme(chosen.headers, chosen.encoding, chosen.prefix)


def _stop(*beside: Starter | Daily | None) -> None:
    for one in beside:
        if one is not None:
            one.stop()


def _renew_command(wiring: Wiring) -> list[str]:
    return [sys.executable, "-m", "stsync", "notifications", "renew", "--quiet", "--config", str(wiring.config_path)]


def _sync_command(wiring: Wiring) -> list[str]:
    return [sys.executable, "-m", "stsync", "sync", "--quiet", "--config", str(wiring.config_path)]
