"""stsync in time that runs faster: `python bench/scaled.py 0.1 sync --config config.yaml`.

Business Central's five minutes for 6,000 requests last as long as the latency model's clock says: at a scale of 0.1,
half a minute, on the server and here. At 0 (latency model off) the window is left out, because then it is the tool's
own cost that is measured and not how long it would have to wait. Nothing else of stsync is touched.
"""

from __future__ import annotations

import sys

from stsync.http import throttle


def main() -> None:
    """Run the command line after the scale."""
    from stsync.cli import main as command

    scale = float(sys.argv[1])
    window = throttle.Window
    throttle.Window = lambda requests, seconds: window(requests, seconds * scale)  # type: ignore[assignment, misc]
    sys.argv = ["stsync", *sys.argv[2:]]
    command()


if __name__ == "__main__":
    main()
