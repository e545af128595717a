"""The demo company over real sockets: reachable, trusted, resettable."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msal
import pytest
import requests
import yaml

from stsync.sandbox import faults
from stsync.sandbox.world import World


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(invoices=60, folder=tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture
def world(shared: World, monkeypatch: pytest.MonkeyPatch) -> World:
    # As a user does it: MSAL's own session takes the certificate from the environment.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", shared.environment_variables()["REQUESTS_CA_BUNDLE"])
    shared.reset()
    return shared


def servicetitan_headers(world: World) -> dict[str, str]:
    form = {
        "grant_type": "client_credentials",
        "client_id": world.secrets["STSYNC_SERVICETITAN_CLIENT_ID"],
        "client_secret": world.secrets["STSYNC_SERVICETITAN_CLIENT_SECRET"],
    }
    url = f"{world.sandbox.urls['servicetitan_auth']}/connect/token"
    token = requests.post(url, data=form, timeout=5).json()["access_token"]
    return {"Authorization": f"Bearer {token}", "ST-App-Key": world.secrets["STSYNC_SERVICETITAN_APP_KEY"]}


def servicetitan_get(world: World, path: str, **query: str) -> Any:
    url = f"{world.sandbox.urls['servicetitan_api']}/{path.format(tenant=world.tenant.tenant_id)}"
    return requests.get(url, query, headers=servicetitan_headers(world), timeout=5)


def exported_invoices(world: World) -> int:
    """How many invoices the feed shows now, following it to its end."""
    seen, token = 0, None
    headers = servicetitan_headers(world)
    url = f"{world.sandbox.urls['servicetitan_api']}/accounting/v2/tenant/{world.tenant.tenant_id}/export/invoices"
    while True:
        query = {"from": token} if token else {}
        page = requests.get(url, query, headers=headers, timeout=5).json()
        seen, token = seen + len(page["data"]), page["continueFrom"]
        if not page["hasMore"]:
            return seen


def books_token(world: World) -> str:
    application = msal.ConfidentialClientApplication(
        world.secrets["STSYNC_BC_CLIENT_ID"],
        client_credential=world.secrets["STSYNC_BC_CLIENT_SECRET"],
        authority=f"{world.sandbox.urls['entra']}/{world.environment.tenant_id}",
        instance_discovery=False,
    )
    answer = application.acquire_token_for_client(["https://api.businesscentral.dynamics.com/.default"])
    return str(answer["access_token"])


def books_call(world: World, path: str, token: str) -> requests.Response:
    base = (
        f"{world.sandbox.urls['business_central']}/v2.0/{world.environment.tenant_id}/{world.environment.name}/api/v2.0"
    )
    return requests.get(f"{base}/{path}", headers={"Authorization": f"Bearer {token}"}, timeout=5)


def test_the_whole_month_is_in_the_feed_from_the_first_call_on(world: World) -> None:
    assert exported_invoices(world) == len(world.demo.invoices) >= 60


def test_the_books_are_reached_through_msal_and_hold_the_demo_company_and_no_document(world: World) -> None:
    [company] = books_call(world, "companies", books_token(world)).json()["value"]
    assert (company["id"], company["name"]) == (world.company.id, world.demo.books.company_name)
    assert len(world.company.invoices) == len(world.company.customers) == 0


def test_a_change_in_the_office_reaches_the_feed_a_quarter_of_an_hour_later(world: World) -> None:
    before = exported_invoices(world)
    world.tenant.add("invoices", {**world.demo.invoices[0], "id": None, "items": []})
    assert exported_invoices(world) == before
    world.advance(timedelta(minutes=16))
    assert exported_invoices(world) == before + 1


def test_the_config_names_the_running_servers_and_keeps_working_after_a_reset(world: World, tmp_path: Path) -> None:
    written = world.write_config(tmp_path / "config.yaml")
    config = yaml.safe_load(written.read_text())
    assert config["servicetitan"]["api_url"] == world.sandbox.urls["servicetitan_api"]
    assert config["state"] == str(tmp_path / "stsync.db")
    world.reset()
    assert config["business_central"]["company_id"] == world.company.id
    assert world.write_config(tmp_path / "again.yaml").read_text() == written.read_text()


def test_the_variables_carry_every_secret_and_the_certificate(world: World) -> None:
    variables = world.environment_variables()
    assert Path(variables["REQUESTS_CA_BUNDLE"]) == world.ca_file.resolve()
    assert {name for name in variables if name.startswith("STSYNC_")} == {
        "STSYNC_SERVICETITAN_CLIENT_ID",
        "STSYNC_SERVICETITAN_CLIENT_SECRET",
        "STSYNC_SERVICETITAN_APP_KEY",
        "STSYNC_BC_CLIENT_ID",
        "STSYNC_BC_CLIENT_SECRET",
    }


def test_a_reset_undoes_what_was_done_to_both_systems(world: World) -> None:
    world.company.add_customer("ST1", "Somebody")
    world.tenant.void_invoice(world.demo.scenario_rows("changed_after_posting", "invoices")[3]["id"])
    world.faults.add(faults.HTML_500, count=None)
    world.reset()
    assert len(world.company.customers) == 0
    assert world.demo.scenario_rows("changed_after_posting", "invoices")[3]["active"] is True
    assert world.sandbox.log.entries() == []
    assert servicetitan_get(world, "settings/v2/tenant/{tenant}/business-units").status_code == 200


def test_an_expired_token_is_refused_by_the_system_that_was_told_to(world: World) -> None:
    token = books_token(world)
    assert books_call(world, "companies", token).status_code == 200
    world.faults.add(faults.EXPIRE_TOKEN, system="business_central")
    assert books_call(world, "companies", token).status_code == 401
    assert books_call(world, "companies", books_token(world)).status_code == 200


def test_a_clock_of_the_callers_own_is_used_and_stays_his_to_move(tmp_path: Path) -> None:
    at = datetime(2026, 8, 1, 9, tzinfo=UTC)
    world = World(invoices=1, folder=tmp_path, clock=lambda: at)
    assert world.tenant.clock() == world.environment.store.now() == at
    with pytest.raises(TypeError, match="given by the caller"):
        world.advance(timedelta(hours=1))
