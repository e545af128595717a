"""Nothing of the machine's own certificate settings reaches these tests: they win over `verify` in requests."""

import pytest


@pytest.fixture(autouse=True)
def _no_foreign_certificates(monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
