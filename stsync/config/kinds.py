"""The kinds of value that the configuration knows, and how a refusal is worded."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

from stsync.config.addresses import web_address


def refusal(sentence: str, at: str = "") -> PydanticCustomError:
    """A problem in our own words; `at` names the key inside the section that has to change."""
    return PydanticCustomError("stsync", "{sentence}", {"sentence": sentence, "at": at})


def empty_table_for_nothing(value: object) -> object:
    """`business_units:` with every line under it commented out is an empty table, not a mistake."""
    return {} if value is None else value


def empty_list_for_nothing(value: object) -> object:
    return [] if value is None else value


def _calendar_day(value: object) -> object:
    # Left alone, pydantic reads 1767225600 as seconds since 1970 and calls it a date.
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
        raise refusal("is not a date like 2026-07-01")
    return value


def digits_only(value: object) -> object:
    # Left alone, pydantic reads 9_8 as 98: a wrong tenant instead of a typing mistake.
    if isinstance(value, str) and not re.fullmatch(r"\d+", value.strip(), re.ASCII):
        raise refusal("is not a whole number")
    return value


# Business Central keeps every Code field in capitals (BC facts, section 2), so ours are too.
Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20, to_upper=True)]
JournalCode = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10, to_upper=True)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
WebAddress = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(web_address)]
CompanyId = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"),
]
NumberTemplate = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Z0-9 _./-]*\{id\}[A-Z0-9 _./-]*$")
]
CalendarDay = Annotated[date, BeforeValidator(_calendar_day)]
Trigger = Literal["Posted", "Pending", "Exported"]

CodeTable = Annotated[dict[Text, Code], BeforeValidator(empty_table_for_nothing)]
JournalTable = Annotated[dict[Text, JournalCode], BeforeValidator(empty_table_for_nothing)]
