"""The shape of one translation."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """If BC's words match, this is what they mean. Named groups of the pattern may stand in the message and hint."""

    reference: str
    pattern: re.Pattern[str]
    message: str
    hint: str
    code: str = ""


def rule(reference: str, pattern: str, message: str, hint: str, *, code: str = "") -> Rule:
    """A rule whose pattern ignores case and lets a typographic apostrophe stand for a plain one."""
    loose = pattern.replace("'", "['’‘]").replace(" ", r"\s+")
    return Rule(reference, re.compile(loose, re.IGNORECASE | re.DOTALL), message, hint, code)
