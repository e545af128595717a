"""The listener under load: signed deliveries a second on this machine, and none lost across a kill -9.

    python bench/listener_load.py            20,000 deliveries, then a kill in the middle of 20,000 more
    python bench/listener_load.py 100000     as many as you like

Sender and listener share the machine's cores, so what is printed is less than the listener alone could take.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "listener"))

from signed_deliveries import Listener, send_many

from stsync.state.hints import Hints

CONFIG = """
servicetitan: {tenant_id: 985798691, environment: integration}
business_central:
  tenant_id: 11111111-2222-3333-4444-555555555555
  environment: Sandbox
  company_id: 7c9e6679-7425-40de-944b-e07fc1f90ae7
go_live: 2026-06-01
"""
LANES = 4


def main(deliveries: int) -> int:
    """Print the figures; 1 when a delivery that was acknowledged is not in the file."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(CONFIG)
        listener = Listener(config)
        began = time.perf_counter()
        acknowledged, failed = _send(listener.port, 0, deliveries, threading.Event())
        seconds = time.perf_counter() - began
        rate = len(acknowledged) / seconds
        print(f"{len(acknowledged):,} signed deliveries acknowledged in {seconds:.1f} s: {rate:,.0f} a second")
        stop = threading.Event()
        threading.Timer(seconds / 3, lambda: (listener.kill(), stop.set())).start()
        more, failed_more = _send(listener.port, deliveries, deliveries, stop)
        time.sleep(0.5)
        acknowledged |= more
        with Hints.open(config.parent / "stsync.db.hints") as hints:
            kept = {f"load-{one.source_id}" for one in hints.waiting()}
    lost = acknowledged - kept
    print(
        f"{len(acknowledged):,} acknowledged until a kill -9; {len(lost)} of them lost; {failed + failed_more} refused"
    )
    return 1 if lost or failed or failed_more else 0


def _send(port: int, first: int, count: int, stop: threading.Event) -> tuple[set[str], int]:
    acknowledged: list[str] = []
    failed: list[str] = []
    share = count // LANES
    lanes = [
        threading.Thread(
            target=send_many,
            args=(port, range(first + 1 + lane * share, first + 1 + (lane + 1) * share), acknowledged, failed, stop),
        )
        for lane in range(LANES)
    ]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    return set(acknowledged), len(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000))
