"""The guide is true: commands, options, settings, messages, exit codes and links, held against the program."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic.fields import FieldInfo

from stsync.cli.app import COMMANDS, app
from stsync.config.model import Config
from stsync.config.section import Section
from stsync.config.shape import entry_section, field_section
from stsync.credentials.keyring_store import Trouble
from stsync.errors import ExitCode
from stsync.sandbox.company.later import LATER
from stsync.sandbox.company.scenarios import SCENARIOS

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS]
KEBAB = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
# Whatever makes a message with a name; `Rule` and `_rule` translate a vendor's refusals, `_unreachable` makes errors.
NAMING = {
    "Reason",
    "Rule",
    "_rule",
    "_unreachable",
    "StsyncError",
    "UsageError",
    "GuardError",
    "SystemUnavailable",
    "LockHeld",
    "CredentialsError",
    "StateError",
}


def text(page: str) -> str:
    """A page of the guide."""
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


def whole_guide() -> str:
    """All pages of the guide, one after the other."""
    return "\n".join(page.read_text(encoding="utf-8") for page in DOCS)


def table_names(page: str) -> set[str]:
    """The names in the first column of the tables of a page."""
    cells = [line.split("|")[1] for line in text(page).splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


# --- messages ---------------------------------------------------------------------------------------------------


@cache
def references() -> frozenset[str]:
    """Every name of a message that stands literally in the source, apart from the sandbox."""
    found: set[str] = set()
    for file in sorted((ROOT / "stsync").rglob("*.py")):
        if "sandbox" in file.relative_to(ROOT / "stsync").parts[:-1]:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            found |= set(_named_by(node))
    return frozenset(found)


def _named_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and node.args and _called(node) in NAMING:
        yield from _literals(node.args[0])
    # Tables of (name, what happened, what to do), as for Entra's numbers, and errors that name themselves.
    if isinstance(node, ast.Tuple) and len(node.elts) == 3 and all(_is_text(one) for one in node.elts):
        name = node.elts[0]
        if isinstance(name, ast.Constant) and "-" in name.value and KEBAB.fullmatch(name.value):
            yield name.value
    if isinstance(node, ast.ClassDef) and node.name in {"ConfigError"}:
        calls = [one for one in ast.walk(node) if isinstance(one, ast.Call) and _called(one) == "__init__"]
        yield from (name for call in calls for name in _literals(call.args[0]))


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and KEBAB.fullmatch(node.value):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_literals(node.body), *_literals(node.orelse))
    elif isinstance(node, ast.JoinedStr) and ast.unparse(node) == "f'keyring-{trouble.trouble}'":
        yield from (f"keyring-{trouble}" for trouble in Trouble)


def test_every_message_of_the_program_is_explained() -> None:
    assert references() - table_names("messages.md") == set()


def test_no_message_is_explained_that_the_program_does_not_have() -> None:
    assert table_names("messages.md") - references() == set()


def test_the_search_for_messages_finds_every_way_of_naming_one() -> None:
    ways = {"mapping-missing", "config-invalid", "bc-secret-expired", "bc-login-refused", "invoice-before-go-live"}
    ways |= {
        "keyring-locked",
        "unreadable-answer",
        "servicetitan-login-throttled",
        "code-taken",
        "customer-blocked",
        "bug",
    }
    assert ways <= references()


@pytest.mark.parametrize("page", ["what-becomes-what.md", "credentials.md"])
def test_a_message_stands_in_a_table_of_the_guide_only_if_it_exists(page: str) -> None:
    rows = [line.split("|")[1:3] for line in text(page).splitlines() if line.startswith("|")]
    named = {name for row in rows for cell in row for name in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", cell)}
    assert {name for name in named if name not in references() and not _is_secret(name)} == set()


def _is_secret(name: str) -> bool:
    from stsync.credentials.names import SECRETS

    return name in {secret.name for secret in SECRETS}


# --- commands ---------------------------------------------------------------------------------------------------


@cache
def commands() -> dict[str, frozenset[str]]:
    """Every command as it is typed, with its options."""
    whole = {one.name: one.command for one in COMMANDS}
    return {
        **dict(_commands(typer.main.get_command(app), "stsync")),
        **dict(found for name, command in whole.items() for found in _commands(command, f"stsync {name}")),
    }


def _commands(command: Any, typed: str) -> Iterator[tuple[str, frozenset[str]]]:
    options = {name for one in command.params for name in one.opts if name.startswith("--")}
    yield typed, frozenset(options | {"--help"})
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, f"{typed} {name}")


GROUPS = {
    "stsync",
    "stsync auth",
    "stsync baseline",
    "stsync config",
    "stsync link",
    "stsync map",
    "stsync sandbox",
    "stsync state",
}


def test_every_command_stands_in_the_guide() -> None:
    guide = whole_guide()
    assert {one for one in commands() if one not in GROUPS and one not in guide} == set()


def test_every_option_stands_in_the_guide() -> None:
    guide = whole_guide()
    options = {option for known in commands().values() for option in known}
    assert {option for option in options if not re.search(rf"{option}(?![a-z-])", guide)} == set()


def test_every_command_in_the_guide_exists_with_its_options() -> None:
    wrong = {line: fault for line in _typed() if (fault := _fault(line))}
    assert wrong == {}


def _typed() -> set[str]:
    """What the guide tells people to type: indented lines and inline code that begin with stsync."""
    lines = re.findall(r"^ {4,}(?:\$ )?(stsync [a-z-].*)$", whole_guide(), re.MULTILINE)
    inline = re.findall(r"`(stsync [a-z-][^`]*)`", whole_guide())
    return {re.split(r" {2,}| < |; ", line)[0] for line in [*lines, *inline]} - {"stsync.exe"}


def _fault(line: str) -> str:
    words = shlex.split(line)
    depth = 3 if " ".join(words[:2]) in GROUPS and len(words) > 2 else 2
    command = " ".join(words[:depth]) if len(words) > 1 and not words[1].startswith("-") else "stsync"
    if command not in commands():
        return f"no command {command}"
    unknown = [word for word in words if word.startswith("--") and word not in commands()[command]]
    return f"{command} has no {', '.join(unknown)}" if unknown else ""


ADVICE = re.compile(
    r"(?:\b[Rr]un:?|\b[Tt]hen:?|\b[Ss]ee:?|\b[Ww]ith:|\bis:|\bsync:) stsync ([a-z]+(?:-[a-z]+)*(?: [a-z]+)?)"
)


def test_every_command_that_the_program_advises_exists() -> None:
    assert {advice for advice in _advised() if not _is_command(advice)} == set()


def _advised() -> set[str]:
    """What the program's own texts tell people to run, messages and hints included."""
    files = [file for file in (ROOT / "stsync").rglob("*.py") if "sandbox" not in file.parts]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return {found for each in texts for found in ADVICE.findall(each)}


def _is_command(advice: str) -> bool:
    first = f"stsync {advice.split(maxsplit=1)[0]}"
    typed = f"stsync {advice}" if first in GROUPS else first
    return typed in commands() and typed not in GROUPS


def test_the_search_for_advice_finds_it() -> None:
    assert {"sync-customers", "held", "doctor"} <= {advice.split(maxsplit=1)[0] for advice in _advised()}
    assert not _is_command("close to")
    assert not _is_command("map")


# --- settings ---------------------------------------------------------------------------------------------------


def _settings(section: type[Section], path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, known in section.model_fields.items():
        below = field_section(known) or entry_section(known)
        if field_section(known) is None:
            yield f"{path}{name}", known
        if below is not None:
            yield from _settings(below, f"{path}{name}.")


def _writer() -> Any:
    spec = importlib.util.spec_from_file_location("write_configuration", ROOT / "docs" / "write_configuration.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_of_settings_are_as_the_model_has_them_now() -> None:
    page = text("configuration.md")
    assert _writer().page(page) == page, "run: python docs/write_configuration.py"


def test_every_setting_is_explained_in_the_guide() -> None:
    explained = {name.replace(".<CODE>.", ".").replace(".-.", ".") for name in table_names("configuration.md")}
    assert {path for path, _ in _settings(Config)} - explained == set()


def test_every_setting_stands_in_the_example() -> None:
    example = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    missing = {
        path
        for path, _ in _settings(Config)
        if not re.search(rf"^ *#?(?:- )?{path.rsplit('.', 1)[-1]}:", example, re.M)
    }
    assert missing == set()


# --- exit codes, commands of the project, links --------------------------------------------------------------------


def test_every_exit_code_stands_in_a_table_of_the_guide() -> None:
    rows = set(re.findall(r"^\| (\d+) \|", text("exit-codes.md"), re.MULTILINE))
    assert rows == {str(int(code)) for code in ExitCode}


def test_windows_shows_each_exit_code_as_the_guide_says() -> None:
    shown = dict(re.findall(r"^\| (\d+) \|.*\| 0x([0-9A-F]+) \|$", text("exit-codes.md"), re.MULTILINE))
    assert shown == {str(int(code)): f"{int(code):X}" for code in ExitCode}


def test_every_exit_code_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {int(code) for code in ExitCode if not re.search(rf"(?<![\d.]){int(code)}(?![\d.])", readme)} == set()


def test_the_readme_begins_with_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in readme
    assert "make test" in readme


@pytest.mark.parametrize("page", [page.relative_to(ROOT).as_posix() for page in PAGES])
def test_every_link_leads_somewhere(page: str) -> None:
    source = ROOT / page
    links = re.findall(r"\]\(([^)\s]+)\)", source.read_text(encoding="utf-8"))
    dead = [link for link in links if not re.match(r"[a-z]+:", link) and not _leads_somewhere(source, link)]
    assert dead == []


def _leads_somewhere(source: Path, link: str) -> bool:
    file, _, anchor = link.partition("#")
    target = (source.parent / file).resolve() if file else source
    if not target.exists():
        return False
    return not anchor or anchor in _anchors(target)


def _anchors(page: Path) -> set[str]:
    """The headings as GitHub turns them into anchors."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_of_the_guide_names_every_page() -> None:
    index = text("README.md")
    assert {
        page.name
        for page in DOCS
        if page.name != "README.md" and f"({page.name})" not in index and f"({page.name}#" not in index
    } == set()


# --- the documents that break books -------------------------------------------------------------------------------


def _document_rows() -> list[list[str]]:
    rows = [line.strip("|").split(" | ") for line in text("documents.md").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows if row[0].strip() != "Scenario"]


def test_every_scenario_of_the_demo_company_stands_in_the_table() -> None:
    named = {name for row in _document_rows() for name in re.findall(r"`(\w+)`", row[0])}
    assert {*SCENARIOS, *LATER} - named == set()


def test_every_scenario_of_the_guide_names_a_test_that_there_is() -> None:
    rows = _document_rows()
    assert len(rows) > 20
    for row in rows:
        assert len(row) == 5, row
        named = re.findall(r"`(?:tests/scenarios/)?(test_\w+\.py)::(test_\w+)`", row[-1])
        assert named, row
        for file, name in named:
            source = (ROOT / "tests" / "scenarios" / file).read_text(encoding="utf-8")
            assert f"def {name}(" in source, row


def test_every_defence_of_the_guide_names_a_test_that_there_is() -> None:
    named = re.findall(r"`(tests/\S+\.py)::(test_\w+)`", text("security.md"))
    assert len(named) > 10
    for file, name in named:
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{name}"
