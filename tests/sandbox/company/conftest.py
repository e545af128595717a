"""One generated company for the tests that only look."""

from __future__ import annotations

import pytest

from stsync.sandbox.company import Demo, build


@pytest.fixture(scope="session")
def demo() -> Demo:
    """The demo company at a small scale: all scenarios and some hundred ordinary invoices."""
    return build(invoices=500, seed=1)
