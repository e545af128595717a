"""Proposals for what is not mapped yet. A proposal is never applied: a person copies the lines that are right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from stsync.core.mapping import TABLES, WANTED, Gap, yaml_text
from stsync.core.mapping import Mapping as Choices
from stsync.reports.bookcodes import Code, Codes
from stsync.reports.usage import Used

# Below this, names only look alike by chance; measured on contractors' typical unit and account names.
ALIKE = 0.6
# A proposal is written as a ready line only when it is this much better than the next one.
AHEAD = 0.1
_MOST = 3
# Where an equal number or code needs no line, because the stages let it stand for itself (design section 2).
_STANDS_FOR_ITSELF = ("accounts", "business_units", "terms", "job_types", "locations", "trades")


@dataclass(frozen=True)
class Proposal:
    """One code that may be meant, and why; `score` is 1 for the same name."""

    code: str
    name: str
    reason: str
    score: float


@dataclass(frozen=True)
class Suggestion:
    """A name without a mapping, and what it may be called in Business Central, the best first."""

    used: Used
    proposals: tuple[Proposal, ...]
    wanted: str

    @property
    def clear(self) -> Proposal | None:
        """The proposal that stands out, or None when a person has to choose."""
        if not self.proposals:
            return None
        best, *others = self.proposals
        return best if not others or best.score - others[0].score >= AHEAD else None


def unmapped(used: Iterable[Used], choices: Choices, codes: Codes, *, checked: bool) -> list[Used]:
    """The names without an entry. With `checked` codes, equal ones that stand for themselves are not among them."""
    return [
        one
        for one in used
        if one.table != "items"
        and one.entry(choices) is None
        and not (checked and one.table in _STANDS_FOR_ITSELF and _same_code(one.own_code, codes.get(one.table, ())))
    ]


def _same_code(own: str, codes: Iterable[Code]) -> bool:
    return bool(own) and any(one.code.upper() == own.strip().upper() for one in codes)


def suggestions(gaps: Iterable[Used], codes: Codes, *, dimensions: Mapping[str, str]) -> list[Suggestion]:
    """A suggestion for each gap; without anything alike it has no proposals. `dimensions` are the codes by table."""
    wanted = {**WANTED, **{table: f"{dimension} value" for table, dimension in dimensions.items()}}
    return [Suggestion(gap, _proposals(gap, codes.get(gap.table, ())), wanted[gap.table]) for gap in gaps]


def _proposals(gap: Used, codes: Sequence[Code]) -> tuple[Proposal, ...]:
    usable = [one for one in codes if one.usable]
    if gap.table == "tax_zones":
        usable = [one for one in usable if not one.name or "tax" in one.name.casefold()]
    found = [proposal for one in usable if (proposal := _compare(gap, one)) is not None]
    if not found and gap.table == "tax_zones":
        found = [
            Proposal(one.code, one.name, "its name speaks of sales tax", 0.5)
            for one in usable
            if "sales tax" in one.name.casefold()
        ]
    return tuple(sorted(found, key=lambda one: (-one.score, one.code))[:_MOST])


def _compare(gap: Used, code: Code) -> Proposal | None:
    if _same_code(gap.own_code or gap.key, (code,)):
        return Proposal(code.code, code.name, "the same number or code", 1.0)
    names = [plain(one) for one in gap.candidates if one and not one.isdigit()]
    theirs = [plain(one) for one in (code.name, code.code) if one and not one.isdigit()]
    score = max((_alike(one, other) for one in names for other in theirs), default=0.0)
    if score < ALIKE:
        return None
    if score == 1:
        return Proposal(code.code, code.name, "the same name, apart from spelling", 1.0)
    return Proposal(code.code, code.name, f"a similar name ({score:.0%} alike)", round(score, 2))


def plain(name: str) -> str:
    """A name without capitals and punctuation, for comparing."""
    return " ".join(re.findall(r"\w+", name.casefold().replace("_", " ")))


def _alike(one: str, other: str) -> float:
    """How much two names have in common; the order of their words does not matter."""
    in_order = SequenceMatcher(None, one, other).ratio()
    sorted_words = SequenceMatcher(None, " ".join(sorted(one.split())), " ".join(sorted(other.split()))).ratio()
    return max(in_order, sorted_words)


def yaml_lines(suggested: Sequence[Suggestion]) -> list[str]:
    """Lines ready to paste into the configuration; those that a person has to complete are commented out."""
    lines = ["mapping:"]
    for table in TABLES:
        own = [one for one in suggested if one.used.table == table]
        if own:
            lines.append(f"  {table}:")
            lines += [_yaml_line(one) for one in own]
    return lines if len(lines) > 1 else []


def _yaml_line(one: Suggestion) -> str:
    best = one.clear
    if best is not None:
        return f"    {yaml_text(one.used.key)}: {yaml_text(best.code)}  # {use_words(one.used)}; {_because(best)}"
    maybe = " or ".join(f"{proposal.code} ({_because(proposal)})" for proposal in one.proposals)
    gap = Gap(one.used.table, one.used.key, one.wanted)
    return f"    # {gap.entry}  # {use_words(one.used)}; {'perhaps ' + maybe if maybe else 'nothing alike found'}"


def _because(proposal: Proposal) -> str:
    name = f"'{proposal.name}': " if proposal.name else ""
    return " ".join(f"{name}{proposal.reason}".split())


def use_words(used: Used) -> str:
    """How many documents use a name and how much money follows it."""
    called = f"'{' '.join(used.called.split())}', " if used.called else ""
    return f"{called}{used.documents:,} document{'' if used.documents == 1 else 's'}, {used.amount:,.2f}"
