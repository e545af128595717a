"""`stsync init` as a person at a terminal and as a script meet it, against the demo company behind real servers."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import setup_world
import typer
from setup_world import World
from typer.testing import CliRunner, Result

from stsync.cli import console
from stsync.cli.doctor import doctor
from stsync.cli.init import init
from stsync.config.load import load
from stsync.sandbox.businesscentral import CASH_RECEIPT_TEMPLATE

APP = typer.Typer(pretty_exceptions_enable=False)
APP.command()(init)
APP.command()(doctor)
Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without secrets and without a keyring."""
    for name in list(os.environ):
        if name.startswith("STSYNC_") or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)
    for name in setup_world.ISOLATED:
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with setup_world.world(tmp_path / "sandbox") as running:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(running.sandbox.ca_file))
        yield running


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `stsync init` without a terminal, with good secrets in the environment."""

    def call(*words: str, environ: dict[str, str] | None = None) -> Result:
        console.OUTPUT.json = console.OUTPUT.quiet = False
        secrets = setup_world.SECRETS if environ is None else environ
        done = CliRunner().invoke(APP, ["init", "--config", str(tmp_path / "made.yaml"), *words], env=secrets)
        console.OUTPUT.json = console.OUTPUT.quiet = False
        return done

    return call


def systems(world: World) -> list[str]:
    """The options that name the two systems."""
    urls = world.sandbox.urls
    return [
        *("--servicetitan-environment", "integration", "--servicetitan-tenant", str(world.tenant.tenant_id)),
        *("--servicetitan-api-url", urls["servicetitan_api"], "--servicetitan-auth-url", urls["servicetitan_auth"]),
        *("--bc-tenant", world.environment.tenant_id, "--bc-environment", "sandbox"),
        *("--bc-api-url", urls["business_central"], "--bc-authority", urls["entra"]),
    ]


CHOICES = ["--go-live", "2026-06-01", "--dimension", "department"]


def test_every_question_can_be_an_option_and_the_file_is_valid(run: Run, world: World, tmp_path: Path) -> None:
    done = run(*systems(world), *CHOICES, "--journal", "st-cash=10500", "--payment-type", "cash=ST-CASH")
    assert done.exit_code == 0, done.output
    config = load(tmp_path / "made.yaml")
    assert config.business_central.company_name == "Copper Mesa Home Services"
    assert config.dimensions.business_unit == "DEPARTMENT"
    assert config.invoices.tax.exempt_code == "NONTAXABLE"
    assert config.mapping.business_units["Phoenix HVAC Install"] == "PHX-HVAC-I"
    assert config.mapping.accounts["4100"] == "40100"
    assert config.mapping.tax_zones["Mesa"] == "22030"
    assert config.mapping.payment_types == {"Cash": "ST-CASH"}
    assert config.payments.journals["ST-CASH"].balancing_account == "10500"
    assert not world.sandbox.log.writes("business_central")
    assert not world.sandbox.log.writes("servicetitan_api")


def test_where_business_central_computes_the_tax_no_tax_zone_is_asked_for(
    run: Run, world: World, tmp_path: Path
) -> None:
    done = run(*systems(world), *CHOICES, "--tax-method", "business_central", "--tax-taxable-code", "TAXABLE")
    assert done.exit_code == 0, done.output
    assert load(tmp_path / "made.yaml").mapping.tax_zones == {}
    assert "mapping.tax_zones" not in done.output
    text = " ".join((tmp_path / "made.yaml").read_text().replace("#", "").split())
    assert "This file has invoices.tax.method: business_central, so no line is needed here." in text
    assert "tax area code" not in text


def test_equal_account_numbers_get_no_line(run: Run, world: World, tmp_path: Path) -> None:
    run(*systems(world), *CHOICES)
    text = (tmp_path / "made.yaml").read_text()
    assert '"4700"' not in text
    assert "# 2 accounts have the same number in both systems and need no line." in text


def test_what_nobody_decided_stands_switched_off_and_is_listed(run: Run, world: World, tmp_path: Path) -> None:
    done = run(*systems(world), *CHOICES)
    text = (tmp_path / "made.yaml").read_text()
    assert '    #"East Valley Solar": <DEPARTMENT value>' in text
    assert '    #"Check": <payment journal code>' in text
    assert "mapping.business_units: East Valley Solar" in done.output
    assert load(tmp_path / "made.yaml").mapping.payment_types == {}


def test_a_similar_name_is_only_a_suggestion(run: Run, world: World, tmp_path: Path) -> None:
    world.company.add_dimension_value("DEPARTMENT", "EVSOL", "East Valley Solars")
    run(*systems(world), *CHOICES)
    text = (tmp_path / "made.yaml").read_text()
    assert '#"East Valley Solar": "EVSOL"  # only similar, please check: East Valley Solars' in text


def test_an_existing_journal_is_not_taken_for_ours_without_a_person(run: Run, world: World, tmp_path: Path) -> None:
    world.company.add_journal("ST-CHECK", template=CASH_RECEIPT_TEMPLATE, balancing_account="10500")
    run(*systems(world), *CHOICES)
    assert '#"Check": "ST-CHECK"' in (tmp_path / "made.yaml").read_text()


def test_only_its_owner_can_read_the_file(run: Run, world: World, tmp_path: Path) -> None:
    run(*systems(world), *CHOICES)
    assert stat.S_IMODE((tmp_path / "made.yaml").stat().st_mode) == 0o600
    assert not (tmp_path / ".made.yaml.new").exists()


def test_no_secret_is_in_the_file_or_on_the_screen(run: Run, world: World, tmp_path: Path) -> None:
    done = run(*systems(world), *CHOICES)
    shown = done.output + (tmp_path / "made.yaml").read_text()
    assert not any(value in shown for value in setup_world.SECRETS.values())


def test_an_existing_file_is_left_alone_before_anything_is_asked(run: Run, world: World, tmp_path: Path) -> None:
    (tmp_path / "made.yaml").write_text("mine\n")
    done = run(*systems(world), *CHOICES)
    assert done.exit_code == 2
    assert "config-exists" in done.output
    assert (tmp_path / "made.yaml").read_text() == "mine\n"
    assert world.sandbox.log.entries() == []


def test_force_replaces_the_file_and_keeps_the_old_one(run: Run, world: World, tmp_path: Path) -> None:
    (tmp_path / "made.yaml").write_text("mine\n")
    done = run(*systems(world), *CHOICES, "--force")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "made.yaml.old").read_text() == "mine\n"
    assert load(tmp_path / "made.yaml").go_live.isoformat() == "2026-06-01"


def test_without_a_terminal_all_missing_options_are_named_together(run: Run) -> None:
    done = run("--bc-tenant", "contoso.onmicrosoft.com")
    assert done.exit_code == 2
    for option in ("--servicetitan-environment", "--servicetitan-tenant", "--bc-environment", "--go-live"):
        assert option in done.output
    assert "--bc-tenant" not in done.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--go-live", "2026-06-01"], "--dimension"),
        ([*CHOICES, "--bc-company", "Nobody Ltd."], "--bc-company: 'Nobody Ltd.' is not in the list"),
        ([*CHOICES, "--account", "4100=99999"], "--account '4100=99999': 99999 is not in the list"),
        ([*CHOICES, "--account", "4100=40000"], "is not in the list"),
        ([*CHOICES, "--journal", "ST-CASH=40000"], "cannot be posted to"),
        ([*CHOICES, "--journal", "FAR-TOO-LONG-CODE=10500"], "ten characters"),
        ([*CHOICES, "--payment-type", "Cash=ST-CASH"], "Add --journal ST-CASH="),
        ([*CHOICES, "--business-unit", "Phoenix"], "takes NAME=VALUE"),
        (["--dimension", "none", "--go-live", "1 June"], "is not a date like 2026-07-01"),
    ],
)
def test_a_wrong_or_missing_answer_writes_nothing(
    run: Run, world: World, tmp_path: Path, words: list[str], told: str
) -> None:
    done = run(*systems(world), *words)
    assert done.exit_code == 2, done.output
    assert told in done.output
    assert not (tmp_path / "made.yaml").exists()


def test_several_companies_are_listed_and_one_can_be_named(run: Run, world: World, tmp_path: Path) -> None:
    world.environment.create_company("Another Firm")
    done = run(*systems(world), *CHOICES)
    assert done.exit_code == 2
    assert "--bc-company" in done.output
    assert "Another Firm" in done.output
    done = run(*systems(world), *CHOICES, "--bc-company", "copper mesa home services")
    assert done.exit_code == 0, done.output
    assert load(tmp_path / "made.yaml").business_central.company_id == world.company.id


def test_practice_and_real_are_not_mixed_by_accident(run: Run, world: World, tmp_path: Path) -> None:
    words = systems(world)
    words[1] = "production"
    done = run(*words, *CHOICES)
    assert done.exit_code == 2
    assert "environments-mixed" in done.output
    done = run(*words, *CHOICES, "--allow-mixed-environments")
    assert done.exit_code == 0, done.output
    assert load(tmp_path / "made.yaml").allow_mixed_environments


def test_missing_secrets_are_all_named_with_their_variables(run: Run, world: World) -> None:
    done = run(*systems(world), *CHOICES, environ={"STSYNC_BC_CLIENT_ID": "x"})
    assert done.exit_code == 77
    assert "ServiceTitan client id, ServiceTitan client secret, ServiceTitan app key" in done.output


def test_a_refused_login_ends_it_with_the_right_secret_named(run: Run, world: World, tmp_path: Path) -> None:
    wrong = {**setup_world.SECRETS, "STSYNC_BC_CLIENT_SECRET": "wrong-secret-value"}
    done = run(*systems(world), *CHOICES, environ=wrong)
    assert done.exit_code == 77
    assert "bc-secret-refused" in done.output
    assert not (tmp_path / "made.yaml").exists()


def test_lists_that_servicetitan_does_not_permit_leave_given_lines_in_place(
    run: Run, world: World, tmp_path: Path
) -> None:
    world.tenant.connect(setup_world.CLIENT_ID, setup_world.APP_KEY, scopes=["tn.stt.businessunits:r"])
    done = run(*systems(world), *CHOICES, "--account", "4100=40100", "--tax-zone", "Mesa=22030")
    assert done.exit_code == 0, done.output
    config = load(tmp_path / "made.yaml")
    assert config.mapping.accounts == {"4100": "40100"}
    assert config.mapping.tax_zones == {"Mesa": "22030"}


def test_the_answer_for_programs_names_the_open_lines_and_the_next_commands(run: Run, world: World) -> None:
    document = json.loads(run(*systems(world), *CHOICES, "--json").stdout)
    assert {"table": "business_units", "servicetitan": "East Valley Solar", "perhaps": None} in document["open"]
    assert [command.split(" --config")[0] for command in document["next"]] == [
        "stsync doctor",
        "stsync sync --dry-run",
        "stsync sync",
    ]


ON_A_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
import typer
from stsync.cli.init import init
app = typer.Typer(pretty_exceptions_enable=False)
app.command()(init)
app(sys.argv[1:])
"""


def converse(words: list[str], answers: dict[str, str | list[str]]) -> tuple[int, str]:
    """Run on a real terminal and answer each prompt by the pattern it ends with; a list is used up in order."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", ON_A_TERMINAL, *words]
    child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown, mark = b"", 0
    try:
        while (more := _more(ours)) is not None:
            shown += more
            prompt = shown[mark:].decode(errors="replace").rpartition("\n")[2]
            answer = _answer(prompt, answers)
            if answer is not None:
                mark = len(shown)
                os.write(ours, answer.encode() + b"\n")
        return child.wait(timeout=30), shown.decode(errors="replace")
    finally:
        os.close(ours)
        child.kill()
        child.wait()


def _more(terminal: int) -> bytes | None:
    ready, _, _ = select.select([terminal], [], [], 60)
    assert ready, "nothing more came"
    try:
        return os.read(terminal, 4096) or None
    except OSError:
        return None


def _answer(prompt: str, answers: dict[str, str | list[str]]) -> str | None:
    if not prompt.endswith(": "):
        return None
    for pattern, answer in answers.items():
        if re.search(pattern, prompt):
            return answer.pop(0) if isinstance(answer, list) else answer
    raise AssertionError(f"an unexpected question: {prompt!r}")


def answers(world: World) -> dict[str, str | list[str]]:
    """What a person answers who takes every proposal and leaves the rest for later."""
    return {
        r"practice system \(integration\)": "integration",
        r"Tenant number": str(world.tenant.tenant_id),
        r"Microsoft Entra tenant": world.environment.tenant_id,
        r"Environment's name": "sandbox",
        r"dated from this day on": "2026-06-01",
        r"ServiceTitan client id": setup_world.CLIENT_ID,
        r"ServiceTitan client secret": setup_world.CLIENT_SECRET,
        r"ServiceTitan app key": setup_world.APP_KEY,
        r"Business Central client id": setup_world.BC_CLIENT,
        r"Business Central client secret": setup_world.BC_SECRET,
        r"Which one says which business unit": "department",
        r"Which method": "",
        r"Tax group of untaxed": "",
        r"Take these": "y",
        r"value of DEPARTMENT for 'East Valley Solar'": "",
        r"Journal for 'Cash'": "",
        r"Journal for 'Check'": "st-cash",
        r"Journal for '": "-",
        r"G/L account that balances ST-CASH": "10500",
        r"Mark documents as exported": "y",
        r"It ends on": "2099-01-31",
    }


def addresses(world: World) -> list[str]:
    """The options that nobody is asked for."""
    return systems(world)[4:8] + systems(world)[12:]


def test_a_person_answers_corrects_a_typing_mistake_and_the_secrets_are_stored(world: World, tmp_path: Path) -> None:
    path = tmp_path / "made.yaml"
    code, shown = converse(
        ["--config", str(path), "--store", "file", *addresses(world)],
        {
            **answers(world),
            r"practice system \(integration\)": ["no idea", "integration"],
            r"Tenant number": ["12x", str(world.tenant.tenant_id)],
            r"ServiceTitan client secret": ["cs1.mistyped-value", setup_world.CLIENT_SECRET],
            r"value of DEPARTMENT for 'East Valley Solar'": ["?", "nonsense", ""],
            r"G/L account that balances ST-CASH": ["40000", "10500"],
        },
    )
    assert code == 0, shown
    config = load(path)
    assert config.mapping.payment_types == {"Cash": "ST-CASH", "Check": "ST-CASH"}
    assert config.payments.journals["ST-CASH"].balancing_account == "10500"
    assert "ServiceTitan refused the client id and client secret" in shown
    assert "'12x' is not a whole number" in shown
    assert "cannot be posted to" in shown
    assert "    PHX-DRAIN  Phoenix Drain & Sewer" in shown
    assert "stored in the encrypted file" in shown
    assert not any(value in shown for value in setup_world.SECRETS.values())
    look = CliRunner().invoke(APP, ["doctor", "--config", str(path), "--json"])
    checks = {check["name"]: check for check in json.loads(look.stdout)["checks"] if check["group"] == "secrets"}
    assert "encrypted file" in checks["ServiceTitan app key"]["found"]
    assert checks["end of the Business Central login"]["status"] == "ok"


def test_without_a_keyring_the_encrypted_file_is_used_only_when_the_person_agrees(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    words = ["--config", str(tmp_path / "made.yaml"), *addresses(world)]
    code, shown = converse(words, {**answers(world), r"encrypted file on this machine instead": "n"})
    assert code == 77, shown
    assert not list(tmp_path.rglob("secrets/*"))
    code, shown = converse([*words, "--force"], {**answers(world), r"encrypted file on this machine instead": "y"})
    assert code == 0, shown
    assert len(re.findall("stored in the encrypted file", shown)) == 5


def test_a_person_who_goes_away_leaves_nothing_behind(world: World, tmp_path: Path) -> None:
    path = tmp_path / "made.yaml"
    code, shown = converse(["--config", str(path), *addresses(world)], {**answers(world), r"Take these": "\x04"})
    assert code == 2, shown
    assert "nothing was written" in shown
    assert not path.exists()
