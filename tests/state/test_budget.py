"""Runs of one application share what Business Central allows it: 5 at once, and so many in five minutes."""

from __future__ import annotations

import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from stsync.errors import UsageError
from stsync.state.budget import AT_ONCE, SharedBudget, budget_of
from stsync.wiring import wire

CONFIG = """\
servicetitan: {environment: integration, tenant_id: 985798691}
business_central:
  tenant_id: 0f8fad5b-d9cb-469f-a165-70867728950e
  environment: sandbox
  company_id: 7c9e6679-7425-40de-944b-e07fc1f90ae7
go_live: 2026-11-01
"""

# A run as far as the budget sees it: four threads, each sending its requests one after the other.
RUN = """
import sys, threading, time
from pathlib import Path
from stsync.state.budget import SharedBudget
folder, requests, seconds, each = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
budget, seen = SharedBudget(folder, requests=requests, seconds=seconds), []
def lane():
    for _ in range(each):
        with budget.slot():
            began = time.monotonic()
            time.sleep(0.004)
            seen.append((began, time.monotonic()))
lanes = [threading.Thread(target=lane) for _ in range(4)]
[lane.start() for lane in lanes]
[lane.join() for lane in lanes]
print("\\n".join(f"{began!r} {ended!r}" for began, ended in seen))
"""
# Takes every slot and says so; then it hangs, as a process does that is stuck in a request.
HOLDER = """
import sys, time
from contextlib import ExitStack
from pathlib import Path
from stsync.state.budget import AT_ONCE, SharedBudget
budget = SharedBudget(Path(sys.argv[1]), requests=1000)
with ExitStack() as held:
    for _ in range(AT_ONCE):
        held.enter_context(budget.slot())
    print("all", flush=True)
    time.sleep(60)
"""


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 5_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "all\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_three_processes_never_pass_the_limits_together(tmp_path: Path) -> None:
    requests, seconds, each = 40, 0.4, 10
    command = [sys.executable, "-c", RUN, tmp_path, str(requests), str(seconds), str(each)]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    printed = "".join(run.communicate(timeout=60)[0] for run in runs)
    seen = sorted(tuple(map(float, line.split())) for line in printed.splitlines())
    assert len(seen) == 3 * 4 * each
    under_way = [sum(began <= moment < ended for began, ended in seen) for moment, _ in seen]
    assert 2 <= max(under_way) <= AT_ONCE
    # Nothing left earlier than it was noted; what was noted keeps the window exactly.
    noted = sorted(stamp for stamp in struct.unpack_from("<200d", (tmp_path / "departures").read_bytes(), 24) if stamp)
    assert len(noted) == len(seen)
    assert all(began >= stamp for (began, _), stamp in zip(seen, noted, strict=True))
    assert all(later - earlier >= seconds for earlier, later in zip(noted, noted[requests:], strict=False))


def test_a_killed_process_gives_its_slots_back_at_once(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    entered = threading.Event()

    def send() -> None:
        with SharedBudget(tmp_path, requests=1000).slot():
            entered.set()

    waiting = threading.Thread(target=send)
    waiting.start()
    assert not entered.wait(0.2), "all five slots are taken, and a sixth request left"
    holder.kill()
    assert entered.wait(5)
    waiting.join()


def test_what_a_killed_process_sent_stays_counted(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    clock = Clock()
    clock.now = time.monotonic()
    budget = SharedBudget(tmp_path, requests=AT_ONCE, sleep=clock.sleep, clock=clock)
    began = clock.now
    with budget.slot():
        assert clock.now - began > 200


def departures(budget: SharedBudget, clock: Clock, count: int, weight: int = 1) -> list[float]:
    times = []
    for _ in range(count):
        with budget.slot(weight):
            times.append(clock.now)
    return times


def test_two_runs_one_after_the_other_share_the_window(tmp_path: Path) -> None:
    clock = Clock()
    one, other = (SharedBudget(tmp_path, requests=30, sleep=clock.sleep, clock=clock) for _ in range(2))
    times = departures(one, clock, 20) + departures(other, clock, 70)
    assert times[29] == times[0]
    assert all(later - earlier >= 300 for earlier, later in zip(times, times[30:], strict=False))
    assert times[-1] - times[0] < 601


def test_a_batch_takes_as_much_of_the_window_as_it_weighs(tmp_path: Path) -> None:
    clock = Clock()
    budget = SharedBudget(tmp_path, requests=100, sleep=clock.sleep, clock=clock)
    times = departures(budget, clock, 5, weight=40)
    assert [round(moment - times[0]) for moment in times] == [0, 0, 300, 300, 600]


def test_what_weighs_more_than_the_whole_window_still_leaves(tmp_path: Path) -> None:
    clock = Clock()
    budget = SharedBudget(tmp_path, requests=100, sleep=clock.sleep, clock=clock)
    assert len(departures(budget, clock, 2, weight=500)) == 2


def test_a_429_of_one_run_holds_the_others_back(tmp_path: Path) -> None:
    clock = Clock()
    one, other = (SharedBudget(tmp_path, requests=1000, sleep=clock.sleep, clock=clock) for _ in range(2))
    one.penalise(7)
    assert departures(other, clock, 2) == [5_007, 5_007]


def test_after_a_restart_the_old_departures_keep_nobody_waiting_for_hours(tmp_path: Path) -> None:
    """A machine's clock for waiting starts again with the machine: what was noted before may lie in the future."""
    before, after = Clock(), Clock()
    departures(SharedBudget(tmp_path, requests=3, sleep=before.sleep, clock=before), before, 9)
    after.now = 20.0
    times = departures(SharedBudget(tmp_path, requests=3, sleep=after.sleep, clock=after), after, 3)
    assert times == [20, 20, 20]


def test_a_file_of_another_shape_is_begun_anew(tmp_path: Path) -> None:
    clock = Clock()
    (tmp_path / "departures").write_bytes(b"\xff" * 1000)
    assert len(departures(SharedBudget(tmp_path, requests=3, sleep=clock.sleep, clock=clock), clock, 3)) == 3


def test_threads_of_one_process_do_not_take_the_same_slot(tmp_path: Path) -> None:
    budget, sixth = SharedBudget(tmp_path, requests=1000), threading.Event()

    def send() -> None:
        with budget.slot():
            sixth.set()

    with ExitStack() as held:
        for _ in range(AT_ONCE):
            held.enter_context(budget.slot())
        late = threading.Thread(target=send)
        late.start()
        assert not sixth.wait(0.1)
    assert sixth.wait(5)
    late.join()


def test_applications_do_not_share(tmp_path: Path) -> None:
    one = budget_of("https://login/one|app", tmp_path, requests=1000, named=True)
    other = budget_of("https://login/two|app", tmp_path, requests=1000, named=True)
    assert one is not None
    assert other is not None
    with ExitStack() as held:
        for _ in range(AT_ONCE):
            held.enter_context(one.slot())
            held.enter_context(other.slot())
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_was_named_and_cannot_be_used_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as told:
        budget_of("app", tmp_path / "file", requests=1000, named=True)
    assert told.value.reference == "budget-folder-unusable"


def test_a_service_without_a_home_keeps_the_limits_for_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert budget_of("app", tmp_path / "file", requests=1000, named=False) is None


@pytest.mark.parametrize(
    ("api_url", "folder", "shares"),
    [
        ("", "", True),
        # A sandbox on this machine has limits of its own, and must not wait for the runs of the real books.
        ("  api_url: http://127.0.0.1:8750\n", "", False),
        ("  api_url: http://127.0.0.1:8750\n", "  budget_folder: here\n", True),
    ],
)
def test_runs_share_unless_they_talk_to_a_simulator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api_url: str, folder: str, shares: bool
) -> None:
    monkeypatch.setattr("platformdirs.user_state_path", lambda *_, **__: tmp_path / "usual")
    for name in ("SERVICETITAN_CLIENT_ID", "SERVICETITAN_CLIENT_SECRET", "SERVICETITAN_APP_KEY"):
        monkeypatch.setenv(f"STSYNC_{name}", "x")
    for name in ("BC_CLIENT_ID", "BC_CLIENT_SECRET"):
        monkeypatch.setenv(f"STSYNC_{name}", "x")
    text = CONFIG.replace("  environment: sandbox\n", f"  environment: sandbox\n{api_url}{folder}")
    (tmp_path / "config.yaml").write_text(text)
    wire(tmp_path / "config.yaml").systems()
    kept = [place for place in (tmp_path / "usual", tmp_path / "here") if place.exists()]
    assert len(kept) == shares
