"""Deliveries as ServiceTitan would sign them, and a listener of one's own process to send them to."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import uuid
from contextlib import suppress
from pathlib import Path

SECRET = "whsec-demo-0123456789abcdef0123456789"
HEADER = "x-servicetitan-signature"
TENANT = 985798691


def cloud_event(invoice: int, occurrence: str | None = None, tenant: int = TENANT) -> bytes:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "type": "tn.acc.invoice-posted",
            "time": "2026-07-01T12:00:00Z",
            "source": "https://webhooks.servicetitan.io",
            "userassignedid": occurrence or str(uuid.uuid4()),
            "datacontenttype": "application/json",
            "data": {"invoice": {"id": invoice, "total": "150.00"}, "tenantId": tenant, "tenantName": "Demo"},
        }
    ).encode()


def hexadecimal(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Listener:
    """`stsync listen` as a process."""

    def __init__(self, config: Path, *options: str) -> None:
        environment = {**os.environ, "STSYNC_WEBHOOK_SECRET": SECRET, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stsync", "listen", "--port", "0", "--config", str(config), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        self.said: list[str] = []
        self.port = self._port()
        # Somebody has to read on, or the pipe fills up and the listener stands still.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _port(self) -> int:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if "Hints are kept in" in line:
                break
        found = re.search(r"http://127\.0\.0\.1:(\d+)/servicetitan", "".join(self.said))
        assert found, f"the listener did not start: {''.join(self.said)}"
        return int(found.group(1))

    def _read(self) -> None:
        assert self.process.stdout is not None
        with suppress(ValueError):
            self.said += list(self.process.stdout)

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self.process.kill()
        self._end()

    def stop(self) -> int:
        """SIGTERM, as a service manager does."""
        self.process.terminate()
        return self._end()

    def _end(self) -> int:
        code = self.process.wait(20)
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def send_many(port: int, ids: range, acknowledged: list[str], failed: list[str], stop: threading.Event) -> None:
    """Send one signed delivery after the other on one connection, and note which were acknowledged."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for number in ids:
        if stop.is_set():
            break
        occurrence = f"load-{number}"
        body = cloud_event(number, occurrence)
        try:
            connection.request("POST", "/servicetitan", body, {HEADER: hexadecimal(body)})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            break
        (acknowledged if answer.status == 200 else failed).append(occurrence)
    connection.close()
