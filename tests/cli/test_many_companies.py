"""Several companies with one command: each in a process of its own, one summary, one exit code."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from filled_books import CONFIG
from typer.testing import CliRunner

from stsync.cli.app import app
from stsync.cli.console import OUTPUT
from stsync.cli.many.report import GRAVEST_FIRST, gravest
from stsync.cli.many.which import companies, secrets_for_all
from stsync.errors import ExitCode, UsageError
from stsync.sandbox.company import load_business_central
from stsync.sandbox.latency import Latency
from stsync.sandbox.world import World
from stsync.state import State

# Stands in for a company's run; the name of its configuration says what befalls it.
STAND_IN = r"""
import json, os, signal, sys, time
from pathlib import Path
order = json.load(sys.stdin)
config, summary = Path(order["config"]), Path(order["summary"])
name = config.stem
(config.parent / (name + ".pid")).write_text(f"{os.getpid()} {time.monotonic()}")
sys.stderr.write("\x1ereading invoices: 3 records\n")
sys.stderr.flush()
if name.startswith("killed"):
    os.kill(os.getpid(), signal.SIGKILL)
if name.startswith("hangs"):
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        sys.stderr.write("stopped as asked\n")
        sys.exit(130)
if name.startswith("down"):
    summary.write_text(json.dumps({"error": {"reference": "x", "message": "Down.", "hint": "Run again later."}}))
    print(json.dumps({"error": "down"}) if order["as_json"] else "nothing came")
    sys.exit(69)
time.sleep(0.3 * name.startswith("slow"))
code = 3 if name.startswith("held") else 0
if not order["quiet"] or code:
    print(json.dumps({"run_id": name}) if order["as_json"] else f"the report of {name}")
summary.write_text(json.dumps({"carried": [["invoices", 2, "30.50"]], "held": 4 if code else 0}))
(config.parent / (name + ".end")).write_text(str(time.monotonic()))
sys.exit(code)
"""
# Reads in five threads, as fast as it may.
READER = """
import sys, threading
from pathlib import Path
from stsync.wiring import wire
books = wire(Path(sys.argv[1])).systems(read_only=True).books
def lane():
    for _ in range(8):
        books.companies()
lanes = [threading.Thread(target=lane) for _ in range(5)]
[lane.start() for lane in lanes]
[lane.join() for lane in lanes]
"""
PARENT = """
import sys
from stsync.cli.many import processes
processes.COMMAND = (sys.executable, sys.argv.pop(1))
from stsync.cli import main
main()
"""


@pytest.fixture(autouse=True)
def _speaks_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """How a command speaks is set once for a process; here one process types several."""
    for name in ("json", "quiet"):
        monkeypatch.setattr(OUTPUT, name, False)


def command_line(folder: Path, names: list[str], *options: str) -> list[str]:
    """`stsync sync` for companies of these names, with a stand-in for each company's run."""
    (folder / "stand_in.py").write_text(STAND_IN)
    (folder / "parent.py").write_text(PARENT)
    for number, name in enumerate(names):
        (folder / f"{name}.yaml").write_text(config(number))
    named = [word for name in names for word in ("--config", str(folder / f"{name}.yaml"))]
    return [sys.executable, str(folder / "parent.py"), str(folder / "stand_in.py"), "sync", *named, *options]


def start(folder: Path, names: list[str], *options: str) -> subprocess.Popen[str]:
    command = command_line(folder, names, *options)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(folder: Path, names: list[str], *options: str) -> tuple[int, str, str]:
    process = start(folder, names, *options)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def config(number: int) -> str:
    """The configuration of another company each time, with a state file of its own."""
    text = CONFIG.replace("CRONUS USA, Inc.", f"Brand {number}").replace(
        "tenant_id: 985798691", f"tenant_id: 9{number}"
    )
    return f"{text}state: company-{number}.db\n"


def test_one_that_crashes_or_finds_a_system_down_keeps_no_other_from_running(tmp_path: Path) -> None:
    names = ["killed", "down", "held", "fine"]
    code, out, err = ended(tmp_path, names)
    text = " ".join(out.split())
    assert code == ExitCode.BUG
    assert (tmp_path / "fine.end").exists()
    assert "the report of held" in text
    assert "killed (signal 9)" in text
    assert "a system is unavailable Run again later." in text
    assert "invoices: 2, 30.50" in text
    assert (
        f"stsync held --config {tmp_path / 'held.yaml'}" in out.replace("\n", "").replace(" ", "")
        or "stsync held" in text
    )
    assert "Brand 3: reading invoices: 3 records" in err


def test_the_json_is_one_document_with_each_companys_own(tmp_path: Path) -> None:
    code, out, err = ended(tmp_path, ["held", "killed", "down", "fine"], "--json", "--parallel", "4")
    document = json.loads(out)
    assert document["exit_code"] == code == ExitCode.BUG
    told = [(one["company"], one["exit_code"], one["document"]) for one in document["companies"]]
    assert told == [
        ("Brand 0", 3, {"run_id": "held"}),
        ("Brand 1", 1, None),
        ("Brand 2", 69, {"error": "down"}),
        ("Brand 3", 0, {"run_id": "fine"}),
    ]
    assert document["companies"][0]["carried"] == {"invoices": {"count": 2, "amount": "30.50"}}
    assert document["companies"][1]["signal"] == 9
    assert err == ""


def test_quiet_prints_only_the_companies_that_need_a_person(tmp_path: Path) -> None:
    code, out, err = ended(tmp_path, ["fine", "held", "finetoo"], "--quiet")
    assert code == ExitCode.HELD
    assert "Brand 1" in out
    assert "Brand 0" not in out + err
    assert "Brand 2" not in out + err


def test_quiet_says_nothing_when_nobody_is_needed(tmp_path: Path) -> None:
    assert ended(tmp_path, ["fine", "finetoo"], "--quiet") == (0, "", "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
def test_a_terminal_shows_one_line_for_each_company_and_the_reports_afterwards(tmp_path: Path) -> None:
    import pty

    master, terminal = pty.openpty()
    command = command_line(tmp_path, ["slow", "held", "down"], "--parallel", "2", "--dry-run")
    process = subprocess.Popen(command, stdout=terminal, stderr=terminal, env={**os.environ, "TERM": "xterm"})
    os.close(terminal)
    shown = everything(master)
    process.wait()
    for name in ("Brand 0", "Brand 1", "Brand 2"):
        assert f"{name} waits for its turn" in shown
    assert "Brand 0 reading invoices: 3 records" in shown
    assert (
        shown.rindex("reading invoices") < shown.index("the report of held") < shown.index("the exit code of the whole")
    )
    assert "would carry" in shown
    assert process.returncode == ExitCode.UNAVAILABLE


def everything(master: int) -> str:
    """What appears on a terminal until nobody writes on it any more."""
    shown = b""
    with suppress(OSError):
        while part := os.read(master, 4096):
            shown += part
    os.close(master)
    return shown.decode()


@pytest.mark.parametrize(("parallel", "together"), [(1, 1), (2, 2)])
def test_so_many_run_at_a_time_and_no_more(tmp_path: Path, parallel: int, together: int) -> None:
    names = ["slow1", "slow2", "slow3", "slow4"]
    assert ended(tmp_path, names, "--parallel", str(parallel))[0] == 0
    began = [float((tmp_path / f"{name}.pid").read_text().split()[1]) for name in names]
    stopped = [float((tmp_path / f"{name}.end").read_text()) for name in names]
    spans = list(zip(began, stopped, strict=True))
    assert max(sum(a <= moment < b for a, b in spans) for moment in began) == together


@pytest.mark.parametrize("stopping", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_every_company_and_starts_no_other(tmp_path: Path, stopping: signal.Signals) -> None:
    names = ["hangs1", "hangs2", "never"]
    process = start(tmp_path, names, "--parallel", "2")
    pids = [wait_for(tmp_path / f"{name}.pid") for name in names[:2]]
    process.send_signal(stopping)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "not started" in out
    assert "Brand 0: stopped as asked" in err
    assert not (tmp_path / "never.pid").exists()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_company_that_is_stopped_alone_stops_no_other(tmp_path: Path) -> None:
    process = start(tmp_path, ["hangs", "slow"], "--parallel", "2")
    os.kill(wait_for(tmp_path / "hangs.pid"), signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert (tmp_path / "slow.end").exists()


def wait_for(file: Path) -> int:
    """The process id that a stand-in leaves."""
    for _ in range(400):
        if file.exists() and len(words := file.read_text().split()) == 2:
            # It has to have come as far as its sleep.
            time.sleep(0.2)
            return int(words[0])
        time.sleep(0.02)
    raise AssertionError(f"{file.name} was never written")


# --- which companies ------------------------------------------------------------------------------------------------


def test_a_folder_and_a_pattern_mean_the_files_in_them(tmp_path: Path) -> None:
    for number, name in enumerate(["b.yaml", "a.yml", "notes.txt"]):
        (tmp_path / name).write_text(config(number))
    assert [one.path.name for one in companies([tmp_path])] == ["a.yml", "b.yaml"]
    assert [one.path.name for one in companies([tmp_path / "*.y*ml"])] == ["a.yml", "b.yaml"]
    assert [one.name for one in companies([tmp_path])] == ["Brand 1", "Brand 0"]


def test_a_file_with_a_bracket_in_its_name_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "[west].yaml").write_text(config(1))
    assert [one.name for one in companies([tmp_path / "[west].yaml"])] == ["Brand 1"]


def test_a_pattern_that_matches_nothing_is_a_mistake(tmp_path: Path) -> None:
    for given in (tmp_path, tmp_path / "*.yaml"):
        with pytest.raises(UsageError) as told:
            companies([given])
        assert told.value.reference == "config-not-found"


def test_the_usual_configuration_is_meant_where_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.yaml").write_text(config(3))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STSYNC_CONFIG", raising=False)
    assert [one.name for one in companies([])] == ["Brand 3"]


def test_a_servicetitan_client_in_the_environment_is_told_to_fit_one_tenant_at_most(tmp_path: Path) -> None:
    for number in (0, 1):
        (tmp_path / f"{number}.yaml").write_text(config(number))
    both = companies([tmp_path])
    shared = {"STSYNC_BC_CLIENT_SECRET": "x", "STSYNC_SERVICETITAN_APP_KEY": "x"}
    wrong = {**shared, "STSYNC_SERVICETITAN_CLIENT_SECRET_FILE": "/x"}
    assert secrets_for_all(both, shared) == ""
    assert secrets_for_all(both[:1], wrong) == ""
    assert secrets_for_all(both, wrong).startswith(
        "the environment gives every company here STSYNC_SERVICETITAN_CLIENT_SECRET_FILE, and these are 2 "
    )


def test_a_broken_file_is_a_company_too(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("servicetitan: 1\n")
    named = companies([tmp_path / "broken.yaml", tmp_path / "missing.yaml"])
    assert [one.name for one in named] == [str(tmp_path / "broken.yaml"), str(tmp_path / "missing.yaml")]


def test_companies_of_the_same_name_are_told_apart_by_their_files(tmp_path: Path) -> None:
    for number in (0, 1):
        (tmp_path / f"{number}.yaml").write_text(config(number).replace(f"Brand {number}", "CRONUS"))
    assert [one.name for one in companies([tmp_path])] == [
        f"CRONUS ({tmp_path / name})" for name in ("0.yaml", "1.yaml")
    ]


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (config(0), "Business Central company"),
        (config(1).replace("company-1.db", "./company-0.db"), "state file"),
    ],
)
def test_the_same_company_twice_is_refused_before_anything_starts(tmp_path: Path, second: str, said: str) -> None:
    (tmp_path / "a.yaml").write_text(config(0))
    (tmp_path / "b.yaml").write_text(second.replace("company-0.db\n", "company-9.db\n") if said[0] == "B" else second)
    with pytest.raises(UsageError) as told:
        companies([tmp_path / "a.yaml", tmp_path / "b.yaml"])
    assert told.value.reference == "company-twice"
    assert said in told.value.message


def test_the_same_file_twice_is_refused_even_if_it_is_broken(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("servicetitan: 1\n")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "a.yaml")
    with pytest.raises(UsageError) as told:
        companies([tmp_path / "*.yaml"])
    assert told.value.reference == "company-twice"


# --- the command line -----------------------------------------------------------------------------------------------


def test_what_a_shell_makes_of_a_pattern_is_understood(tmp_path: Path) -> None:
    for number in (0, 1):
        (tmp_path / f"{number}.yaml").write_text(config(0))
    told = CliRunner().invoke(app, ["sync", "--config", str(tmp_path / "0.yaml"), str(tmp_path / "1.yaml")])
    assert told.exit_code == 2
    assert "company-twice" in told.stderr


@pytest.mark.parametrize(
    ("words", "reference"),
    [
        (("sync", "invoices"), "words-not-understood"),
        (("sync", "--config", "a.yaml", "--config", "b.yaml", "--only", "5"), "only-for-one-company"),
        (("held", "--config", "a.yaml", "--config=b.yaml"), "one-company-at-a-time"),
        (("sync-invoices", "--config", "a.yaml", "--config", "b.yaml"), "one-company-at-a-time"),
        (("state", "backup", "--config", "a.yaml", "--config", "b.yaml"), "one-company-at-a-time"),
    ],
)
def test_what_is_not_possible_is_refused_in_plain_words(words: tuple[str, ...], reference: str) -> None:
    told = CliRunner().invoke(app, [*words, "--json"])
    assert told.exit_code == 2
    assert json.loads(told.stdout)["error"]["reference"] == reference


def test_the_gravest_exit_code_counts() -> None:
    assert set(GRAVEST_FIRST) == {int(code) for code in ExitCode} | {130}
    assert gravest([0, 0]) == 0
    assert gravest([0, 75, 3]) == 3
    # A scheduler that repeats on 69 has to hear of it, although another company's records are held.
    assert gravest([3, 69, 0]) == 69
    assert gravest([69, 77, 3]) == 77


# --- the systems' own count of what is under way ----------------------------------------------------------------------


def test_three_processes_of_one_application_never_have_more_than_five_requests_under_way(tmp_path: Path) -> None:
    with World(invoices=12, folder=tmp_path, plain=True, latency=Latency(scale=0.5)) as world:
        shared = f"business_central:\n  budget_folder: {tmp_path / 'budget'}\n  concurrent_requests: 5\n"
        text = world.config_text(tmp_path).replace("business_central:\n", shared, 1)
        (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
        command = [sys.executable, "-c", READER, tmp_path / "config.yaml"]
        environment = {**os.environ, **world.environment_variables()}
        readers = [subprocess.Popen(command, env=environment) for _ in range(3)]
        assert [reader.wait(60) for reader in readers] == [0, 0, 0]
        # Running and waiting in the server, for the one application that logged in.
        (most,) = world.books_service.limits.peak.values()
    assert 1 < most <= 5


# --- two companies of one environment, end to end -------------------------------------------------------------------


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Any, Path]]:
    """Two companies in one Business Central environment, which one application reaches; only the last test writes."""
    tmp_path = tmp_path_factory.mktemp("two")
    with World(invoices=12, folder=tmp_path, plain=True) as world, pytest.MonkeyPatch.context() as monkeypatch:
        other = world.environment.create_company("Copper Mesa East")
        load_business_central(world.demo, other)
        folder = tmp_path / "books"
        (folder / "state").mkdir(parents=True)
        for name, company in (("west", world.company), ("east", other)):
            text = world.config_text(folder / name).replace(world.company.id, company.id)
            text = text.replace(world.company.name, company.name)
            shared = f"business_central:\n  budget_folder: {tmp_path / 'budget'}\n  concurrent_requests: 5\n"
            (folder / f"{name}.yaml").write_text(text.replace("business_central:\n", shared, 1), encoding="utf-8")
        for name, value in world.environment_variables().items():
            monkeypatch.setenv(name, value)
        yield world, other, folder


def typed(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "stsync", *words], capture_output=True, text=True, check=False)


def test_a_preview_of_both_writes_nothing_and_counts_what_it_shows(two: tuple[World, Any, Path]) -> None:
    world, _, folder = two
    told = typed("sync", "--config", str(folder / "*.yaml"), "--dry-run", "--limit", "2", "--json")
    assert told.returncode == 0, told.stderr
    companies = json.loads(told.stdout)["companies"]
    assert [Path(one["config"]).name for one in companies] == ["east.yaml", "west.yaml"]
    for one in companies:
        records = one["document"]["plan"]["records"]
        acting = Counter(record["stage"] for record in records if record["standing"] == "act")
        assert {kind: part["count"] for kind, part in one["carried"].items()} == acting != {}
        assert one["held"] == sum(record["standing"] == "hold" for record in records) > 0
    assert world.sandbox.log.writes() == []
    assert not (folder / "east" / "stsync.db").exists()


def test_both_companies_are_carried_and_the_broken_one_says_so(two: tuple[World, Any, Path]) -> None:
    world, other, folder = two
    (folder / "broken.yaml").write_text("servicetitan: 1\n")
    told = typed("sync", "--config", str(folder), "--parallel", "3", "--json", "--limit", "4")
    document = json.loads(told.stdout)
    assert told.returncode == 2, told.stderr
    codes = {one["company"]: one["exit_code"] for one in document["companies"]}
    assert codes == {str(folder / "broken.yaml"): 2, world.company.name: 3, other.name: 3}
    by_name = {one["company"]: one for one in document["companies"]}
    for company in (world.company, other):
        posted = [one for one in company.invoices if one.external_document_number.startswith("ST-")]
        assert len(posted) == by_name[company.name]["carried"]["invoices"]["count"] > 1
        assert by_name[company.name]["document"]["carried"] == by_name[company.name]["carried"]
    # One application: its limits were kept for both together, and every request was counted.
    assert max(world.books_service.limits.peak.values()) <= 5
    (counted,) = (folder.parent / "budget").glob("*/departures")
    asked = [one for one in world.sandbox.log.entries() if one.system == "business_central"]
    assert struct.unpack_from("<Q", counted.read_bytes(), 8)[0] >= len(asked) > 20
    for name in ("east", "west"):
        with State.open_scratch(folder / name / "stsync.db") as state:
            assert "--parallel 3" in state.runs.last(1)[0].command
