"""Number series: the next number, whether manual numbers are allowed, and the vendor's refusals.

Not modelled: several lines per series, relationships between series, gaps allowed or not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from stsync.sandbox.businesscentral.core.undo import UndoLog
from stsync.sandbox.businesscentral.errors import dialog


def incremented(number: str, by: int = 1) -> str:
    """The number with its last run of digits counted up (`PS-INV099` gives `PS-INV100`); blank without digits."""
    match = re.fullmatch(r"(.*?)(\d+)(\D*)", number)
    if match is None:
        return ""
    digits = str(int(match[2]) + by).rjust(len(match[2]), "0")
    return f"{match[1]}{digits}{match[3]}"


@dataclass
class NumberSeries:
    """A series of numbers. `next_number` is the one that comes next; `ending` exhausts the series."""

    code: str
    next_number: str
    undo: UndoLog = field(repr=False)
    manual: bool = False
    default: bool = True
    starting_date: date | None = None
    ending_number: str = ""
    _exhausted: bool = False

    @property
    def exhausted(self) -> bool:
        """Whether no number is left."""
        return self._exhausted

    def draw(self, on: date | None = None) -> str:
        """Take the next number. Raises the dialog errors of an unusable series."""
        if not self.default:
            raise dialog(
                "It is not possible to assign numbers automatically. If you want the program to assign numbers "
                f"automatically, please activate Default Nos. in No. Series Code='{self.code}'."
            )
        if self._exhausted:
            raise dialog(f"You cannot assign new numbers from the number series {self.code}.")
        if self.starting_date and on and on < self.starting_date:
            raise dialog(f"You cannot assign new numbers from the number series {self.code} on {on}.")
        number = self.next_number
        self._advance(number)
        return number

    def _advance(self, number: str) -> None:
        if self.undo.active:
            self.undo.record(partial(self._restore, number))
        self._exhausted = bool(self.ending_number) and number == self.ending_number
        self.next_number = incremented(number)

    def _restore(self, number: str) -> None:
        self.next_number = number
        self._exhausted = False

    def test_manual(self) -> None:
        """Refuse a number of the caller's own unless the series allows it."""
        if not self.manual:
            raise dialog(
                "You may not enter numbers manually. If you want to enter numbers manually, please activate "
                f"Manual Nos. in No. Series Code='{self.code}'."
            )
