"""Why a record is not in the books (yet), in words a bookkeeper can act on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """`reference` is a stable kebab-case name, `message` what happened, `hint` what to do, `note` the vendor's own words."""

    reference: str
    message: str
    hint: str = ""
    note: str = ""
