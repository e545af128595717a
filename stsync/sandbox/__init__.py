"""Simulators of ServiceTitan, Business Central and their token servers, for the demo, tests and rehearsals.

Built to the fact sheets, served over https by `Sandbox` with a certificate authority of its own, so that the
real clients run against them unchanged. This package stands apart: it imports nothing from the rest of
`stsync`, and nothing of the client imports it except the command that starts it.

Not modelled: everything outside accounting (dispatch, payroll, reporting, marketing), webhooks deliveries,
vendors' user interfaces, more than one ServiceTitan tenant per server. Each module opens with the
list of what its own system does and this one does not. Answers come at once unless `World(latency=...)` asks for the
systems' own slowness: see `latency` for what it assumes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stsync.sandbox.serve import Sandbox as Sandbox

__all__ = ["Sandbox"]


def __getattr__(name: str) -> Any:
    # Lazy: trustme and cryptography cost start-up time that `stsync --help` must not pay.
    if name == "Sandbox":
        from stsync.sandbox.serve import Sandbox

        return Sandbox
    raise AttributeError(name)
