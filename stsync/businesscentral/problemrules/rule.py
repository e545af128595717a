"""The shape of one translation."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """If BC's words match, this is what they mean. Named groups of the pattern may stand in the message and hint."""

    reference: str
    words: str
    message: str
    hint: str
    code: str = ""

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        """`words` as they are looked for: case does not count, and a typographic apostrophe may stand for a plain one.

        Made at the first refusal: all of them take 12 ms, and most runs meet none.
        """
        loose = self.words.replace("'", "['’‘]").replace(" ", r"\s+")
        return re.compile(loose, re.IGNORECASE | re.DOTALL)
