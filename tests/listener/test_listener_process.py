"""The listener as a program of its own: what it acknowledged survives kill -9; slow clients starve nobody."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from signed_deliveries import HEADER, SECRET, Listener, cloud_event, hexadecimal, send_many
from typer.testing import CliRunner

from stsync.cli.app import app
from stsync.errors import UsageError
from stsync.listener import trial
from stsync.listener.serving import reached_at, server
from stsync.listener.signature import Scheme
from stsync.state.hints import Hints

CONFIG = """
servicetitan: {tenant_id: 985798691, environment: integration}
business_central:
  tenant_id: 11111111-2222-3333-4444-555555555555
  environment: Sandbox
  company_id: 7c9e6679-7425-40de-944b-e07fc1f90ae7
go_live: 2026-06-01
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return path


def kept(config):
    with Hints.open(config.parent / "stsync.db.hints") as hints:
        return {f"load-{one.source_id}" for one in hints.waiting()}


def test_everything_acknowledged_before_a_kill_is_in_the_file(config):
    listener = Listener(config)
    acknowledged: list[str] = []
    failed: list[str] = []
    stop, lanes = threading.Event(), []
    for lane in range(4):
        ids = range(1 + lane * 1000, 1000 + lane * 1000)
        lanes.append(threading.Thread(target=send_many, args=(listener.port, ids, acknowledged, failed, stop)))
    for one in lanes:
        one.start()
    while len(acknowledged) < 400 and any(one.is_alive() for one in lanes):
        lanes[0].join(0.01)
    listener.kill()
    stop.set()
    for one in lanes:
        one.join(20)
    assert len(acknowledged) >= 400
    assert failed == []
    assert set(acknowledged) <= kept(config)


def test_clients_that_say_half_a_request_keep_nobody_out(config):
    listener = Listener(config)
    halves = []
    for _ in range(150):
        half = socket.create_connection(("127.0.0.1", listener.port))
        half.sendall(b"POST /servicetitan HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{")
        halves.append(half)
    body = cloud_event(77)
    connection = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=5)
    connection.request("POST", "/servicetitan", body, {HEADER: hexadecimal(body)})
    assert connection.getresponse().status == 200
    connection.close()
    for half in halves:
        half.close()
    assert listener.stop() == 0
    assert "1 hints kept" in "".join(listener.said)


@pytest.mark.parametrize("length", ["99999999999", "-1", "abc"])
def test_a_lying_length_is_answered_at_once(config, length):
    listener = Listener(config)
    with socket.create_connection(("127.0.0.1", listener.port), timeout=5) as client:
        client.sendall(f"POST /servicetitan HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        assert client.recv(100).split()[1] in {b"413", b"400"}
    assert listener.stop() == 0


def test_trigger_sends_what_the_listener_takes(config):
    listener = Listener(config)
    url = f"http://127.0.0.1:{listener.port}/servicetitan"
    command = [sys.executable, "-m", "stsync", "trigger", "payment.created", "--id", "9", "--url", url, "--json"]
    environment = {**os.environ, "STSYNC_WEBHOOK_SECRET": SECRET, "STSYNC_CONFIG": str(config)}
    said = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (said.returncode, json.loads(said.stdout)["taken"]) == (0, True)
    listener.stop()
    with Hints.open(config.parent / "stsync.db.hints") as hints:
        assert [(one.kind, one.source_id) for one in hints.waiting()] == [("payments", "9")]


def test_nobody_listens_without_a_secret(config):
    command = [sys.executable, "-m", "stsync", "listen", "--config", str(config)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 77
    assert "stsync auth set webhook-secret" in said.stderr


@pytest.mark.parametrize(
    ("name", "short", "words"),
    [
        ("STSYNC_WEBHOOK_SECRET_PREVIOUS", "webhook-secret-short", "stsync auth remove webhook-secret-previous"),
        ("STSYNC_BC_CLIENT_STATE", "client-state-short", "stsync auth set bc-client-state"),
    ],
)
def test_nothing_that_could_be_guessed_lets_a_delivery_in(config, monkeypatch, name, short, words):
    monkeypatch.setenv("STSYNC_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv(name, "abc")
    told = CliRunner().invoke(app, ["listen", "--config", str(config)])
    assert told.exit_code == 2
    assert short in told.output
    assert words in " ".join(told.output.split())


def test_a_name_that_stands_for_two_addresses_is_served_on_both(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", two_addresses)
    serving = server(nobody, "localhost", 0)
    serving.close()
    assert [one.rsplit(":", 1)[0] for one in reached_at(serving)] == ["http://127.0.0.1", "http://127.0.0.2"]


def nobody(_environ, _start_response):
    return []


def two_addresses(_host, port, *_more):
    tcp = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    return [(*tcp, ("127.0.0.1", int(port))), (*tcp, ("127.0.0.2", int(port)))]


def test_a_host_that_means_nothing_is_refused_in_words():
    with pytest.raises(UsageError) as refused:
        server(nobody, "no such host", 8787)
    assert refused.value.reference == "listener-address-taken"


def test_a_trial_delivery_to_this_machine_takes_no_way_round_and_no_password_along(config, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    (tmp_path / "netrc").write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    heard = []

    def answer(environ, start_response):
        heard.append(dict(environ))
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    with served_once(answer) as port:
        url = f"http://127.0.0.1:{port}/servicetitan"
        status = trial.send(url, "invoice.created", 5, tenant=1, secret=SECRET, scheme=Scheme())
    assert status == 200
    assert "HTTP_AUTHORIZATION" not in heard[0]


def test_each_trial_of_the_older_kind_is_an_occurrence_of_its_own():
    assert trial.delivery("invoice.created", 5, tenant=1) != trial.delivery("invoice.created", 5, tenant=1)


@contextmanager
def served_once(answer):
    server_of_one = make_server("127.0.0.1", 0, answer, handler_class=SilentHandler)
    thread = threading.Thread(target=server_of_one.handle_request)
    thread.start()
    yield server_of_one.server_port
    thread.join(5)
    server_of_one.server_close()


class SilentHandler(WSGIRequestHandler):
    def log_message(self, *_words):
        pass
