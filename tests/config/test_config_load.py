from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from config_files import LEAST, TENANT, swap

from stsync import config as config_package
from stsync.config.load import find, load, usual_places
from stsync.errors import ConfigError, ExitCode, UsageError


def test_the_smallest_file_loads_with_every_default(loaded, tmp_path):
    config = loaded()
    assert config.servicetitan.tenant_id == 985798691
    assert config.go_live == date(2026, 7, 1)
    assert config.customers.number == "ST{id}"
    assert config.business_central.environment_type == "production"
    assert config.state == str(tmp_path.resolve() / "stsync.db")


def test_nothing_is_guessed_from_how_a_value_looks(loaded):
    config = loaded("mapping:\n  accounts:\n    01200: 0640\n    NO: NO\n    12:30: 1_000\n    4000.10: 40100\n")
    assert config.mapping.accounts == {"01200": "0640", "NO": "NO", "12:30": "1_000", "4000.10": "40100"}


def test_codes_are_in_capitals_as_business_central_keeps_them(loaded):
    config = loaded("dimensions:\n  business_unit: department\nmapping:\n  payment_types:\n    Check: stcheck\n")
    assert config.dimensions.business_unit == "DEPARTMENT"
    assert config.mapping.payment_types == {"Check": "STCHECK"}


def test_yes_and_no_mean_what_a_bookkeeper_means(loaded):
    config = loaded("invoices: {post: no}\npayments: {post: yes}\nlimits: {amount_per_run: 1250.50}\n")
    assert config.invoices.post is False
    assert config.payments.post is True
    assert config.limits.amount_per_run == Decimal("1250.50")


def test_a_section_left_empty_is_not_a_mistake(loaded):
    config = loaded(
        "invoices:\nmapping:\n  accounts:\n  items:\npayments:\n  journals:\n    CHK:\npricebook:\n  rules:\n"
    )
    assert config.mapping.accounts == {}
    assert list(config.payments.journals) == ["CHK"]
    assert config.pricebook.rules == ()


def test_paths_count_from_the_folder_of_the_file(loaded, tmp_path):
    text = swap("  environment: Production\n", "  environment: Production\n  certificate_file: keys/bc.pem\n")
    (tmp_path / "map.csv").write_text("table,servicetitan,business_central\n")
    config = loaded("state: data/books.db\nmapping: {file: map.csv}\n", text=text)
    folder = tmp_path.resolve()
    assert config.state == str(folder / "data" / "books.db")
    assert config.business_central.certificate_file == str(folder / "keys" / "bc.pem")
    assert config.mapping.file == str(folder / "map.csv")


def test_an_absolute_path_stays_and_a_tilde_is_the_home_folder(loaded, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    assert loaded(f"state: {tmp_path}/elsewhere.db\n").state == f"{tmp_path}/elsewhere.db"
    assert loaded("state: ~/books.db\n").state == str(tmp_path / "home" / "books.db")


def test_a_byte_order_mark_and_windows_line_ends_are_no_problem(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + LEAST.replace("\n", "\r\n").encode())
    assert load(path).servicetitan.environment == "production"


def test_a_payment_type_may_name_a_journal_that_only_business_central_knows(loaded):
    config = loaded("payments:\n  journals: {STCARD: }\nmapping:\n  payment_types: {Check: STCHECK}\n")
    assert config.mapping.payment_types["Check"] not in config.payments.journals


def test_the_named_file_wins_over_the_variable_and_the_variable_over_the_usual_places(tmp_path, monkeypatch):
    named, variable = tmp_path / "named.yaml", tmp_path / "variable.yaml"
    here = tmp_path / "config.yaml"
    for path in (named, variable, here):
        path.write_text(LEAST)
    monkeypatch.chdir(tmp_path)
    environ = {"STSYNC_CONFIG": str(variable)}
    assert find(named, environ=environ) == named
    assert find(environ=environ) == variable
    assert find(environ={}).resolve() == here.resolve()


def test_without_a_file_here_the_users_own_configuration_is_used(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "own" / "config.yaml"
    own.parent.mkdir()
    own.write_text(LEAST)
    monkeypatch.setattr("platformdirs.user_config_path", lambda *_, **__: own.parent)
    assert find(environ={}) == own


def test_the_users_own_place_is_the_platforms_configuration_folder():
    assert usual_places()[0] == Path("config.yaml")
    assert usual_places()[1].name == "config.yaml"
    assert "stsync" in usual_places()[1].parts


@pytest.mark.parametrize("environ", [{}, {"STSYNC_CONFIG": "/nowhere/c.yaml"}])
def test_a_missing_file_says_where_was_looked_and_what_to_do(tmp_path, monkeypatch, environ):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("platformdirs.user_config_path", lambda *_, **__: tmp_path / "none")
    with pytest.raises(UsageError) as caught:
        find(environ=environ)
    assert caught.value.exit_code == ExitCode.USAGE
    assert caught.value.reference == "config-not-found"
    assert ("/nowhere/c.yaml" if environ else str(tmp_path / "none")) in caught.value.message
    assert "stsync init" in caught.value.hint


def test_a_file_that_cannot_be_read_is_said_plainly(tmp_path):
    with pytest.raises(UsageError) as caught:
        load(tmp_path)
    assert caught.value.reference == "config-unreadable"


def test_a_file_that_is_far_too_large_is_not_read(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes(b"#" * 5_000_001)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert "5 MB" in caught.value.problems[0].message


def test_the_digest_changes_with_what_reaches_the_books_and_not_with_where_files_lie(loaded):
    plain = config_package.digest(loaded())
    assert config_package.digest(loaded("state: other.db\n")) == plain
    assert config_package.digest(loaded("mapping: {accounts: {4000: 40100}}\n")) != plain
    assert config_package.digest(loaded(text=swap(TENANT, TENANT.replace("0f", "1f")))) != plain
    assert len(plain) == 64
