"""The configuration file that `init` writes: the answers, each under the words that explain it to a bookkeeper.

A comment has a space after its #. A line that is switched off has none, so that taking the # away (and replacing
the placeholder) switches it on.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic.fields import FieldInfo

from stsync.config.dimensions import Dimensions
from stsync.config.model import BusinessCentral, Config, Invoices, MappingTables, Payments, Tax
from stsync.config.model import ServiceTitan as ServiceTitanSection
from stsync.config.section import Section
from stsync.config.write_back import WriteBack
from stsync.core.mapping import Gap, yaml_text
from stsync.setup.choices import Chosen
from stsync.setup.proposals import Line

WIDTH = 100
_OPENING = """\
# stsync: one ServiceTitan tenant into the books of one Business Central company.
# Written by `stsync init` on {today}. It is yours now: change it as you like, then run `stsync config check`.
#
# Lines that begin with a # and a space explain. A line that begins with a # alone is switched off: take the #
# away, and put the right code in place of the <...>. Indent with spaces, never with tabs.
# There are more settings than these; `stsync config example` shows every one with its explanation.
#
# No password or secret belongs in this file: `stsync auth set` keeps them safe.
"""
_WANTED = {"payment_types": "payment journal code", "tax_zones": "tax liability account"}


def config_text(
    sections: Mapping[str, Mapping[str, Any]], go_live: str, chosen: Chosen, *, today: str, mix: bool
) -> str:
    """The whole file. What nobody decided stands in it switched off, with a placeholder."""
    lines = [_OPENING.format(today=today)]
    lines += _heading("servicetitan")
    lines += _values(ServiceTitanSection, sections["servicetitan"])
    lines += ["", *_heading("business_central")]
    books = {**sections["business_central"], "company_id": chosen.company_id, "company_name": chosen.company_name}
    lines += _values(BusinessCentral, {name: books[name] for name in BusinessCentral.model_fields if name in books})
    lines += ["", *_comment(Config.model_fields["go_live"], ""), f"go_live: {go_live}"]
    if mix:
        lines += ["", *_comment(Config.model_fields["allow_mixed_environments"], ""), "allow_mixed_environments: yes"]
    lines += ["", *_heading("invoices"), *_comment(Invoices.model_fields["tax"], "  "), "  tax:"]
    lines += _values(Tax, chosen.tax, "    ")
    lines += ["", *_heading("payments"), *_journals(chosen)]
    lines += [
        "",
        *_heading("write_back"),
        *_values(WriteBack, dict.fromkeys(WriteBack.model_fields, chosen.write_back)),
    ]
    lines += ["", *_heading("dimensions"), *_dimension(chosen)]
    lines += ["", *_heading("mapping"), *_mapping(chosen)]
    return "\n".join(lines) + "\n"


def _heading(section: str) -> list[str]:
    return [*_comment(Config.model_fields[section], ""), f"{section}:"]


def _values(section: type[Section], values: Mapping[str, Any], indent: str = "  ") -> list[str]:
    lines: list[str] = []
    for name, value in values.items():
        lines += [*_comment(section.model_fields[name], indent), f"{indent}{name}: {_scalar(value)}"]
    return lines


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int) else yaml_text(str(value))


def _comment(known: FieldInfo, indent: str) -> list[str]:
    text = known.description or ""
    return textwrap.wrap(text, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")


def _journals(chosen: Chosen) -> list[str]:
    lines = [*_comment(Payments.model_fields["journals"], "  "), "  journals:"]
    for code, (account, name) in chosen.journals.items():
        entry = f"{{balancing_account: {yaml_text(account)}, name: {yaml_text(name)}}}"
        lines.append(f"    {yaml_text(code)}: {entry}")
    if not chosen.journals:
        lines.append('    #ST-CARD: {balancing_account: "<G/L account>", name: "ServiceTitan card payments"}')
    return lines


def _dimension(chosen: Chosen) -> list[str]:
    lines = _comment(Dimensions.model_fields["business_unit"], "  ")
    more = _comment(Dimensions.model_fields["more"], "  ")
    more += ["  #more:", "  #  - {dimension: <dimension code>, source: job_type}"]
    if chosen.dimension is None:
        return [*lines, "  #business_unit: <dimension code>", *more]
    return [*lines, f"  business_unit: {yaml_text(chosen.dimension)}", *more]


def _mapping(chosen: Chosen) -> Iterator[str]:
    for table in ("business_units", "accounts", "payment_types", "refunds", "tax_zones", "terms"):
        yield from _comment(MappingTables.model_fields[table], "  ")
        if table == "accounts" and chosen.equal_accounts:
            yield f"  # {chosen.equal_accounts} accounts have the same number in both systems and need no line."
        if table == "tax_zones" and chosen.tax.get("method") == "business_central":
            yield "  # This file has invoices.tax.method: business_central, so no line is needed here."
        if table == "terms":
            yield "  # Without any line here the terms stay out; each invoice's due date is carried over all the same."
        yield f"  {table}:"
        yield from _table(table, chosen.tables.get(table, ()), chosen)


def _table(table: str, lines: Sequence[Line], chosen: Chosen) -> Iterator[str]:
    wanted = _wanted(table, chosen)
    for line in lines:
        behind = _one_line(line.explanation)
        note = f"  # {behind}" if behind else ""
        if line.settled and line.value is not None:
            yield f"    {yaml_text(line.key)}: {yaml_text(line.value)}{note}"
        elif line.value is not None:
            yield f"    #{yaml_text(line.key)}: {yaml_text(line.value)}  # only similar, please check: {behind}"
        else:
            yield f"    #{Gap(table, line.key, wanted).entry}{note}"


def _wanted(table: str, chosen: Chosen) -> str:
    if table == "business_units" and chosen.dimension:
        return f"{chosen.dimension} value"
    return _WANTED.get(table, "")


def _one_line(text: str) -> str:
    """A vendor's text inside a comment: no line end may close the comment early."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
