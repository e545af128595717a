"""The brakes that a person may release for one run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Allowed:
    """Each is named on the command line, never in the configuration."""

    over_limit: bool = False
    go_live_changed: bool = False
