"""stsync in time that runs faster: `python bench/scaled.py 0.1 sync --config config.yaml`.

With the latency model at a scale of 0.1, one modelled second lasts a tenth of one here. So what stsync's clients do by
the clock (pauses, windows of rate limits, time-outs, how many writes fit into a batch of five seconds) goes by a clock
that is ten times as quick. A scale of 0 is for a sandbox that answers at once and enforces nothing: the clock stays, and
the window of 6,000 requests in five minutes is left out, because it is the tool's own cost that is wanted then and not
how long it would have to wait. Nothing else of stsync is touched.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from stsync import wiring
from stsync.http import throttle


def main() -> None:
    """Run the command line after the scale."""
    from stsync.cli import main as command

    scale = float(sys.argv[1])
    if scale:
        _hasten(scale)
    else:
        throttle.Window = lambda _requests, _seconds: None  # type: ignore[assignment, misc, return-value]
    sys.argv = ["stsync", *sys.argv[2:]]
    command()


def _hasten(scale: float) -> None:
    as_ever = wiring.wire

    def wire(config_file: Path | None) -> wiring.Wiring:
        return replace(
            as_ever(config_file),
            sleep=lambda seconds: time.sleep(seconds * scale),
            clock=lambda: time.monotonic() / scale,
        )

    wiring.wire = wire


if __name__ == "__main__":
    main()
