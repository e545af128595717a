"""What the model refuses, said so that a bookkeeper can correct it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from stsync.config.shape import choices, places_of, section_at
from stsync.config.tree import Marked, Path, Value, dotted
from stsync.errors import ConfigProblem

SECRET_KEY = re.compile(r"secret|passw|app_?key|client_?id|token|api_?key|private_?key|credential", re.IGNORECASE)
# ServiceTitan's app keys and secrets (facts, section 1.2), and the mark that Entra puts into its secrets.
SECRET_VALUE = re.compile(r"^(ak|cs)\d+\.|^cid\.|\dQ~|^eyJ|PRIVATE KEY")
KEY_ITSELF = "[key]"


def model_problems(error: ValidationError, marked: Marked) -> list[ConfigProblem]:
    """Every refusal of the model at its place in the file, without those that only repeat another."""
    details = error.errors(include_url=False)
    unknown = {d["loc"] for d in details if d["type"] == "extra_forbidden"}
    meant = {(*loc[:-1], _meant(loc)) for loc in unknown}
    problems = []
    for detail in details:
        path = _path(detail["loc"])
        if marked.is_spoiled(path) or (detail["type"] == "missing" and detail["loc"] in meant):
            continue
        problems.append(_problem(detail, path, marked))
    return problems


def _path(location: Path) -> Path:
    return location[:-1] if location and location[-1] == KEY_ITSELF else location


def _problem(detail: ErrorDetails, path: Path, marked: Marked) -> ConfigProblem:
    context = detail.get("ctx", {})
    if context.get("at"):
        path = (*path, *str(context["at"]).split("."))
    sentence, suggestion = _words(detail, path, value_at(marked.value, path))
    found = "" if detail["type"] in {"missing", "extra_forbidden"} else shown(value_at(marked.value, path))
    if detail["type"] == "extra_forbidden":
        found = str(path[-1])
    return marked.problem(path, sentence, found, suggestion)


def _words(detail: ErrorDetails, path: Path, value: Value) -> tuple[str, str]:
    """The sentence, and what was probably meant."""
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown_key(path)
    if kind == "missing":
        return _missing(path), ""
    if detail["loc"] and detail["loc"][-1] == KEY_ITSELF:
        return f"the name '{path[-1]}' {_complaint(detail)}", ""
    if value is None and kind not in {"stsync", "value_error"}:
        return f"is empty ({_purpose(path)})", ""
    if kind == "literal_error":
        return _not_a_choice(path, value)
    return f"{_quoted(value)} {_complaint(detail)}", ""


def _unknown_key(path: Path) -> tuple[str, str]:
    key = str(path[-1])
    if SECRET_KEY.search(key):
        return f"'{key}' looks like a secret, and secrets do not belong in this file; use: stsync auth set", ""
    where = dotted(path[:-1]) or "the top level of the file"
    sentence = f"'{key}' is not a setting of {where}"
    close = _meant(path)
    if close:
        return sentence, close
    elsewhere = [place if "." in place else f"{place} at the top level" for place in places_of(key)]
    return sentence + (f"; there is {' and '.join(elsewhere)}" if elsewhere else ""), ""


def _meant(path: Path) -> str:
    section = section_at(tuple(path[:-1]))
    return closest(str(path[-1]), tuple(section.model_fields)) if section else ""


def closest(text: str, known: Iterable[str]) -> str:
    """The known word that the text was probably meant to be, or nothing."""
    folded = {word.casefold(): word for word in known}
    found = get_close_matches(text.casefold().replace("-", "_"), folded, n=1, cutoff=0.7)
    return folded[found[0]] if found else ""


def _missing(path: Path) -> str:
    section = section_at(path)
    if section is None:
        return f"is missing ({_purpose(path)})"
    needed = [name for name, known in section.model_fields.items() if known.is_required()]
    return f"this section is missing; it needs {_listed(needed, 'and')}"


def _purpose(path: Path) -> str:
    """What a key is for, from the model's own description."""
    section = section_at(tuple(path[:-1]))
    known = section.model_fields.get(str(path[-1])) if section else None
    if known is None or not known.description:
        return "write the value after the colon"
    return known.description.split(". ")[0].rstrip(".")


def _not_a_choice(path: Path, value: Value) -> tuple[str, str]:
    known = choices(path)
    return f"{_quoted(value)} is not one of {_listed(known, 'or')}", closest(str(value), known)


def _listed(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _complaint(detail: ErrorDetails) -> str:
    """What is wrong with a value, as the end of a sentence that begins with it."""
    context: dict[str, Any] = detail.get("ctx", {})
    kind = detail["type"]
    if kind == "stsync":
        return str(context["sentence"])
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(str(detail["loc"][-1]), "does not have the right form")
    said = COMPLAINTS.get(kind)
    return said(context) if said else f"cannot be used here ({detail['msg']})"


PATTERNS = {
    "company_id": "is not a company id like 7c9e6679-7425-40de-944b-e07fc1f90ae7; stsync init lists your companies",
    "number": "is not a customer number: it needs {id} once, and around it only capital letters, digits and - . / _",
}
NOT_A_TABLE = "stands where a section with lines of 'key: value' belongs"
WHOLE = "is not a whole number"
AMOUNT = "is not a number such as 250000 or 12.5 (no thousands separators)"
DAY = "is not a date like 2026-07-01"
COMPLAINTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "int_parsing": lambda _: WHOLE,
    "int_type": lambda _: WHOLE,
    "int_from_float": lambda _: WHOLE,
    "int_parsing_size": lambda _: "is too long for a number",
    "decimal_parsing": lambda _: AMOUNT,
    "decimal_type": lambda _: AMOUNT,
    "finite_number": lambda _: AMOUNT,
    "bool_parsing": lambda _: "is neither yes nor no",
    "bool_type": lambda _: "is neither yes nor no",
    "date_from_datetime_parsing": lambda _: DAY,
    "date_from_datetime_inexact": lambda _: DAY,
    "date_parsing": lambda _: DAY,
    "date_type": lambda _: DAY,
    "string_type": lambda _: "stands where a single value belongs",
    "string_too_long": lambda c: f"is longer than the {c['max_length']} characters that Business Central allows",
    "string_too_short": lambda _: "is empty",
    "greater_than": lambda c: f"has to be more than {c['gt']}",
    "greater_than_equal": lambda c: f"has to be {c['ge']} or more",
    "less_than_equal": lambda c: f"may be {c['le']} at most",
    "model_type": lambda _: NOT_A_TABLE,
    "dict_type": lambda _: NOT_A_TABLE,
    "tuple_type": lambda _: "stands where a list belongs; put each entry on its own line after '- '",
}


def value_at(value: Value, path: Path) -> Value:
    """The value that the file has at a path; None if it has none."""
    for part in path:
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def shown(value: Value) -> str:
    """The value found, short enough for a line, without anything that looks like a secret."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, list):
        return "a list"
    if SECRET_VALUE.search(value):
        return "(hidden: looks like a secret)"
    safe = " ".join(re.sub(r"//[^/@]*@", "//***@", value).split())
    return safe if len(safe) <= 60 else f"{safe[:59]}…"


def _quoted(value: Value) -> str:
    text = shown(value)
    return f"'{text}'" if isinstance(value, str) and not text.startswith("(") else text or "nothing"
