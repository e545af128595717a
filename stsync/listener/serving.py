"""Serving the application with waitress, and stopping it without losing what was acknowledged."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import Any

from stsync.errors import UsageError
from stsync.listener.app import MAX_BODY, Application


def server(application: Application, host: str, port: int) -> Any:
    """A server that is bound and not yet running. Raises UsageError when waitress is missing or the port is taken.

    Sizes and time-outs were tried against slow, half-open and lying clients (ecosystem facts section 6): waitress's
    own limit of 100 connections lets 300 slow ones starve the good ones, 1,000 with poll does not.
    """
    try:
        from waitress.server import create_server
    except ImportError:
        raise UsageError(
            "listener-not-installed",
            "The listener needs one more package.",
            hint="Install it: pip install 'stsync[listener]'",
        ) from None
    try:
        return create_server(
            application,
            host=host,
            port=port,
            threads=4,
            max_request_body_size=MAX_BODY,
            max_request_header_size=16_384,
            channel_timeout=10,
            cleanup_interval=5,
            connection_limit=1000,
            asyncore_use_poll=True,
            ident=None,
            expose_tracebacks=False,
        )
    except (OSError, ValueError) as error:  # waitress makes a ValueError of a host name that means nothing
        raise UsageError(
            "listener-address-taken",
            f"The listener cannot use {host}, port {port}.",
            hint="Another program may be using it, or the address is not this computer's. Choose another with --port "
            "or --host.",
            note=str(error),
        ) from error


def reached_at(serving: Any) -> list[str]:
    """The addresses on which it listens; a name such as localhost may stand for two, of which waitress makes a server each."""
    pairs = getattr(serving, "effective_listen", None) or [(serving.effective_host, serving.effective_port)]
    return [f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}" for host, port in pairs]


def serve(serving: Any, stopped: Callable[[], None]) -> None:
    """Serve until somebody stops the process (Ctrl+C, SIGTERM): open requests are answered, then it ends."""

    def stop(_number: int, _frame: object) -> None:
        raise SystemExit(0)

    if sys.platform != "win32":
        signal.signal(signal.SIGTERM, stop)
    try:
        serving.run()
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        serving.close()
        serving.task_dispatcher.shutdown(timeout=5)
        stopped()
