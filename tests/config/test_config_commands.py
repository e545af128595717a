from __future__ import annotations

import json

import pytest
from config_files import LEAST
from typer.testing import CliRunner

from stsync.cli.config import app
from stsync.cli.console import OUTPUT
from stsync.config.example import example


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(OUTPUT, "json", False)
    monkeypatch.delenv("STSYNC_CONFIG", raising=False)

    def invoke(*arguments, **environ):
        monkeypatch.setattr(OUTPUT, "json", False)
        return CliRunner().invoke(app, [str(each) for each in arguments], env=environ)

    return invoke


def test_a_good_file_is_said_to_be_in_order_with_both_systems_named(run, written):
    result = run("check", "--config", written())
    assert result.exit_code == 0
    assert "ServiceTitan PRODUCTION tenant 985798691 → Business Central PRODUCTION Production" in result.stdout


def test_every_problem_is_listed_like_a_compiler_does_and_the_exit_code_is_two(run, written):
    path = written("extra: 1\n", text=LEAST.replace("  environment: production", "  enviroment: production"))
    result = run("check", STSYNC_CONFIG=str(path))
    assert result.exit_code == 2
    assert f"{path}:2:3: servicetitan.enviroment: " in result.stderr
    assert "did you mean 'environment'?" in result.stderr
    assert f"{path}:9:1: extra: " in result.stderr
    assert "What to do: Correct these lines, then run: stsync config check" in result.stderr


def test_problems_come_as_json_for_a_program(run, written):
    result = run("check", "--json", "--config", written("extra: 1\n"))
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["problems"][0]["path"] == "extra"
    assert json.loads(run("check", "--json", "--config", written()).stdout)["problems"] == []


def test_show_gives_the_addresses_and_the_company_that_will_be_used(run, written):
    result = run("show", "--json", "--config", written())
    shown = json.loads(result.stdout)
    assert shown["servicetitan_sign_in"] == "https://auth.servicetitan.io/connect/token"
    assert shown["business_central_api"].endswith("/Production/api/v2.0")
    assert shown["state_file"].endswith("stsync.db")
    assert "business central company" in run("show", "--config", written()).stdout


def test_the_example_and_the_schema_come_out_ready_to_use(run):
    assert run("example").stdout == example()
    assert json.loads(run("schema").stdout)["title"] == "stsync configuration"


def test_no_file_at_all_is_a_usage_mistake(run, tmp_path):
    result = run("check", "--config", tmp_path / "none.yaml")
    assert result.exit_code == 2
    assert "There is no configuration file" in result.stderr
