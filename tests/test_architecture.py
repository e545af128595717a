"""The rules of the house that no single test would notice being broken."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "stsync"
PURE = ("core", "stages")
HEAVY = {"cryptography", "keyring", "msal", "requests", "sqlite_utils", "tenacity", "trustme", "yaml"}


def sources(*folders: str) -> list[Path]:
    return sorted(file for folder in folders or (".",) for file in (PACKAGE / folder).rglob("*.py"))


def broken(files: list[Path], rule: Callable[[ast.AST], bool]) -> list[str]:
    """Where a rule finds something, as file and line."""
    return [
        f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if rule(node)
    ]


def called(node: ast.AST) -> str:
    """The name of what is called, with its dots; empty for anything else."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_imports_point_inwards() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    found = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_decisions_use_nothing_but_the_standard_library_and_the_core() -> None:
    foreign = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in sources(*PURE)
        for name in imported(file)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith(("stsync.core", "stsync.stages"))
    }
    assert not foreign


def test_decisions_touch_no_clock_network_disk_or_log() -> None:
    outside = {"logging", "os", "pathlib", "random", "secrets", "shutil", "socket", "sqlite3", "subprocess", "time"}
    assert not [
        f"{file.relative_to(ROOT)}: {name}" for file in sources(*PURE) for name in imported(file) if name in outside
    ]
    asked = {"open", "datetime.now", "datetime.today", "date.today"}
    assert not broken(sources(*PURE), lambda node: called(node) in asked)


def test_money_is_never_a_binary_fraction() -> None:
    def binary(node: ast.AST) -> bool:
        literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        return literal or called(node) == "float"

    assert not broken(sources(*PURE), binary)


def test_only_the_console_prints() -> None:
    console = PACKAGE / "cli" / "console.py"
    prints = {"print", "pprint", "sys.stdout.write", "sys.stdout.writelines"}
    everything = [file for file in sources() if file != console]
    assert not broken(everything, lambda node: called(node) in prints)
    beyond_commands = [file for file in everything if not file.is_relative_to(PACKAGE / "cli")]
    assert not broken(beyond_commands, lambda node: called(node) in {"typer.echo", "sys.stderr.write"})


def test_every_time_knows_its_zone() -> None:
    def naive(node: ast.AST) -> bool:
        if called(node).endswith(("datetime.utcnow", "datetime.utcfromtimestamp", "datetime.today", "date.today")):
            return True
        bare = isinstance(node, ast.Call) and not node.args and not node.keywords
        return bare and called(node).endswith("datetime.now")

    assert not broken(sources(), naive)


def test_the_commands_start_without_the_heavy_libraries() -> None:
    every = "from stsync.cli.app import COMMANDS; [one.command for one in COMMANDS]"
    script = f"import json, sys; {every}; print(json.dumps(sorted({HEAVY!r} & set(sys.modules))))"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(loaded.stdout) == []


def test_files_have_one_purpose_and_functions_fit_on_a_page() -> None:
    """The aim is 400 lines and 25; beyond these bounds something has to be taken apart."""
    lengths = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in sources()}
    assert not {str(file.relative_to(ROOT)): count for file, count in lengths.items() if count > 500}
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)

    def too_long(node: ast.AST) -> bool:
        # From the first statement on: a command's options are a table, not code.
        return isinstance(node, kinds) and (node.end_lineno or 0) - node.body[0].lineno >= 50

    assert not broken(sources(), too_long)
