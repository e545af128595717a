"""The YAML file as typed values; every problem in it is reported at once, with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stsync.core import canonical

if TYPE_CHECKING:
    from stsync.config.model import Config


def digest(config: Config) -> str:
    """SHA-256 over everything in the configuration that decides what reaches the books, for the audit."""
    # Where the files lie differs between machines, and how fast things go, decides nothing that reaches the books.
    pace = {"use_batch", "batch_operations", "batch_seconds", "concurrent_requests", "requests_per_five_minutes"}
    settings = config.model_dump(
        mode="json",
        exclude={
            "state": True,
            "mapping": {"file": True},
            "business_central": {"certificate_file", "budget_folder", *pace},
            "servicetitan": {"calls_per_second"},
        },
    )
    return canonical.digest(settings)
