"""The listener as a program of its own: what it acknowledged survives kill -9; slow clients starve nobody."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading

import pytest
from signed_deliveries import HEADER, SECRET, Listener, cloud_event, hexadecimal, send_many

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
