"""The servers: https with their own authority, the log, the admin port, the separate process."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from stsync.sandbox import Sandbox
from stsync.sandbox.wsgi import Request, Response


def echo(request: Request) -> Response:
    return Response(200, {"path": request.path, "base": request.base_url, "body": request.body.decode()})


@pytest.fixture
def sandbox(tmp_path):
    apps = dict.fromkeys(("servicetitan_api", "servicetitan_auth", "business_central", "entra"), echo)
    with Sandbox(apps, tmp_path) as running:
        yield running


@pytest.fixture
def session(sandbox):
    with requests.Session() as one:
        one.verify = str(sandbox.ca_file)
        yield one


def test_each_system_has_an_https_address_of_its_own(sandbox, session):
    assert len(set(sandbox.urls.values())) == 4
    for url in sandbox.urls.values():
        assert url.startswith("https://127.0.0.1:")
        answer = session.get(f"{url}/a%20b?x=1").json()
        assert answer == {"path": "/a b", "base": url, "body": ""}


def test_a_client_that_does_not_trust_the_authority_is_not_served(sandbox):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(sandbox.urls["entra"], timeout=5)


def test_one_connection_carries_many_requests_quickly(sandbox, session):
    url = sandbox.urls["servicetitan_api"]
    session.get(url)
    began = time.perf_counter()
    for number in range(100):
        assert session.post(url, data=str(number)).json()["body"] == str(number)
    # 40 ms per request is what Nagle's algorithm costs a naive server (ecosystem section 6).
    assert time.perf_counter() - began < 2


def test_the_authority_survives_a_restart_in_the_same_folder(tmp_path):
    with Sandbox({"entra": echo}, tmp_path) as first:
        trusted = first.ca_file.read_bytes()
    with Sandbox({"entra": echo}, tmp_path) as second:
        assert second.ca_file.read_bytes() == trusted
        assert requests.get(second.urls["entra"], verify=str(second.ca_file), timeout=5).ok
    if os.name == "posix":
        assert (tmp_path / "ca-key.pem").stat().st_mode & 0o077 == 0


def test_the_log_knows_writes_and_keeps_secrets_out(sandbox, session):
    st, bc = sandbox.urls["servicetitan_api"], sandbox.urls["business_central"]
    headers = {"Authorization": "Bearer secret-token", "ST-App-Key": "ak1.secret"}
    session.get(f"{st}/list?servicetitanapplicationkey=ak1.secret&page=1", headers=headers)
    session.post(f"{st}/items", json={"a": 1}, headers=headers)
    session.post(f"{sandbox.urls['entra']}/token", data={"client_secret": "very-secret"})
    session.post(f"{bc}/v2.0/$batch", json={"requests": [{"method": "GET", "url": "x"}]})
    session.post(f"{bc}/v2.0/$batch", json={"requests": [{"method": "GET"}, {"method": "POST"}]})
    entries = sandbox.log.entries()
    assert [entry.sequence for entry in entries] == [1, 2, 3, 4, 5]
    assert entries[0].target == "/list?page=1"
    assert [(e.system, e.sequence) for e in sandbox.log.writes()] == [
        ("servicetitan_api", 2),
        ("business_central", 5),
    ]
    assert sandbox.log.writes("servicetitan_api")[0].body == '{"a": 1}'
    assert "secret" not in json.dumps([entry.as_json() for entry in entries])
    sandbox.log.clear()
    assert sandbox.log.entries() == []


def test_the_admin_port_shows_breaks_and_resets(tmp_path):
    made = []

    def fresh():
        made.append(1)
        return {"entra": lambda _request: Response(200, {"generation": len(made)})}

    with Sandbox({"entra": echo}, tmp_path, reset=fresh) as sandbox, requests.Session() as session:
        session.verify = str(sandbox.ca_file)
        url, admin = sandbox.urls["entra"], sandbox.admin_url
        assert session.get(f"{admin}/health").json()["urls"] == sandbox.urls
        rules = [{"action": {"kind": "answer", "status": 503, "body": {}}, "system": "entra", "count": 1}]
        assert session.post(f"{admin}/faults", json=rules).status_code == 201
        assert session.post(f"{admin}/faults", json=[{"action": {"kind": "answer"}, "nth_": 1}]).status_code == 400
        assert [session.get(url).status_code for _ in range(2)] == [503, 200]
        assert [row["status"] for row in session.get(f"{admin}/log?system=entra").json()] == [503, 200]
        assert session.post(f"{admin}/reset").status_code == 204
        assert session.get(url).json() == {"generation": 1}
        assert len(session.get(f"{admin}/log").json()) == 1
        assert session.get(f"{admin}/nothing").status_code == 404


def test_an_unknown_system_is_a_mistake_of_the_caller(tmp_path):
    with pytest.raises(ValueError, match="no such system: sap"):
        Sandbox({"sap": echo}, tmp_path)


def test_a_taken_port_is_reported_and_nothing_stays_open(tmp_path):
    with Sandbox({"entra": echo}, tmp_path) as first:
        port = int(first.urls["entra"].rpartition(":")[2])
        second = Sandbox({"business_central": echo, "entra": echo}, tmp_path, port_base=port - 3)
        with pytest.raises(OSError, match="in use"):
            second.start()


def test_it_runs_as_a_process_of_its_own_until_it_is_told_to_stop(tmp_path):
    program = (
        "from stsync.sandbox import Sandbox\n"
        "from stsync.sandbox.wsgi import Response\n"
        f"Sandbox({{'entra': lambda r: Response(200, 'here')}}, {str(tmp_path)!r}).serve_until_stopped()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    try:
        addresses = _addresses(tmp_path / "sandbox.json")
        answer = requests.get(addresses["urls"]["entra"], verify=addresses["ca_file"], timeout=5)
        assert answer.json() == "here"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()


def _addresses(file: Path) -> dict:
    deadline = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < deadline, "the process never got ready"
        time.sleep(0.005)
    return json.loads(file.read_text(encoding="utf-8"))


def test_a_stopped_sandbox_hangs_up_on_connections_that_were_kept(tmp_path):
    with requests.Session() as session:
        with Sandbox({"entra": echo}, tmp_path) as sandbox:
            url, session.verify = sandbox.urls["entra"], str(sandbox.ca_file)
            assert session.get(url).ok
        with pytest.raises(requests.exceptions.ConnectionError):
            session.get(url, timeout=5)


def test_many_clients_at_once_are_all_answered_and_logged(sandbox):
    url = sandbox.urls["business_central"]

    def twenty(number: int) -> list[str]:
        with requests.Session() as session:
            session.verify = str(sandbox.ca_file)
            return [session.post(url, data=f"{number}-{n}").json()["body"] for n in range(20)]

    with ThreadPoolExecutor(8) as pool:
        answers = [body for bodies in pool.map(twenty, range(8)) for body in bodies]
    assert answers == [f"{number}-{n}" for number in range(8) for n in range(20)]
    assert sorted(entry.sequence for entry in sandbox.log.entries()) == list(range(1, 161))


def test_a_mistake_in_an_app_is_a_500_that_says_so(tmp_path, capsys):
    def broken(_request: Request) -> Response:
        raise KeyError("oops")

    with Sandbox({"entra": broken}, tmp_path) as sandbox:
        answer = requests.get(sandbox.urls["entra"], verify=str(sandbox.ca_file), timeout=5)
    assert (answer.status_code, "oops" in answer.text) == (500, True)
    assert "KeyError" in capsys.readouterr().err


def test_the_context_is_a_server_context_with_modern_tls(tmp_path):
    from stsync.sandbox.tls import server_context

    context = server_context(tmp_path, "127.0.0.1")
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
