"""The third part of `init`: the choices and the mapping, proposed from what was found, decided by a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stsync.core.mapping import folded, identity
from stsync.errors import UsageError
from stsync.setup.given import Given, lookup
from stsync.setup.looking import Looked, Row
from stsync.setup.mapping_checks import active, stands_on_lines
from stsync.setup.proposals import Candidate, Line, propose, propose_tax_account
from stsync.setup.questions import Person, agreed, answered, listed, missing, one_of

NONE = "none"
_EXEMPT_NAMES = ("nontax", "non-tax", "not tax", "no tax", "exempt", "zero")


@dataclass
class Chosen:
    """Everything that was decided, table by table; a table's lines may be open."""

    company_id: str = ""
    company_name: str = ""
    dimension: str | None = None
    tax: dict[str, str] = field(default_factory=dict)
    tables: dict[str, list[Line]] = field(default_factory=dict)
    journals: dict[str, tuple[str, str]] = field(default_factory=dict)
    equal_accounts: int = 0
    write_back: bool = False

    def open_lines(self) -> list[tuple[str, Line]]:
        """The lines that somebody still has to fill in, with their tables."""
        return [(table, line) for table, lines in self.tables.items() for line in lines if not line.settled]


def company(given: Given, person: Person, companies: Sequence[Row]) -> tuple[str, str]:
    """Id and name of the company whose books these are. Raises UsageError."""
    candidates = [Candidate(str(row["id"]), str(row.get("displayName") or row.get("name"))) for row in companies]
    if not candidates:
        raise UsageError(
            "no-company",
            "Business Central accepted the login, but shows no company.",
            hint="In Business Central, page Microsoft Entra Applications, give the app permission sets.",
        )
    names = {one.code.lower(): one.name for one in candidates}
    if given.bc_company is None and len(candidates) == 1:
        person.tell(f"Company: {candidates[0].name}, the only one.")
        return candidates[0].code, candidates[0].name
    _show(person, "Companies", candidates, codes=False)
    if given.bc_company is None and not person.present:
        raise missing(["--bc-company"], "There are: " + ", ".join(f"{one.name} ({one.code})" for one in candidates))
    code = answered(person, "  Number of the company", "--bc-company", given.bc_company, _named_or_listed(candidates))
    return code, names[code.lower()]


def _named_or_listed(candidates: Sequence[Candidate]) -> Callable[[str], str]:
    by_position = listed(candidates, numbered=True)

    def check(text: str) -> str:
        named = [one.code for one in candidates if one.name.casefold() == text.casefold()]
        return named[0] if len(named) == 1 else by_position(text)

    return check


def write_back(given: Given, person: Person) -> bool:
    """Whether ServiceTitan is told what is in the books; without an answer it is not."""
    if given.write_back is not None:
        return given.write_back
    question = "Mark documents as exported in ServiceTitan once they are posted, with their number in the books"
    return agreed(person, question, default=False)


def dimension(given: Given, person: Person, looked: Looked) -> str | None:
    """The dimension that says which business unit earned the money; None for none."""
    candidates = [Candidate(str(row["code"]), str(row.get("displayName") or "")) for row in looked.rows["dimensions"]]
    if given.dimension is not None and given.dimension.casefold() == NONE:
        return None
    if not candidates and given.dimension is None:
        person.tell("Business Central has no dimensions; lines will carry none.")
        return None
    if given.dimension is None and not person.present:
        there = ", ".join(one.code for one in candidates)
        raise missing(["--dimension"], f"Say which carries the business unit: {there}, or none.")
    _show(person, "Dimensions", candidates)
    check = listed(candidates, numbered=True)
    question = "  Which one says which business unit earned the money (number, code or none)"
    choice = answered(
        person, question, "--dimension", given.dimension, lambda text: NONE if text == NONE else check(text)
    )
    return None if choice == NONE else choice


def tax(given: Given, person: Person, looked: Looked) -> dict[str, str]:
    """The section invoices.tax. Raises UsageError when the chosen method lacks its tax group."""
    person.tell("Sales tax: 'line' books ServiceTitan's own tax on a liability account, so totals always agree;")
    person.tell("  'business_central' lets Business Central compute it, and holds invoices where the two differ.")
    default = given.tax_method or (None if person.present else "line")
    allowed = one_of("line", "business_central")
    section = {"method": answered(person, "  Which method", "--tax-method", default, allowed, default="line")}
    groups = [Candidate(str(row["code"]), str(row.get("displayName") or "")) for row in looked.rows["taxGroups"]]
    exempt = _tax_group(
        given.exempt_code, "--tax-exempt-code", "untaxed lines", groups, person=person, default=_exempt(groups)
    )
    if exempt:
        section["exempt_code"] = exempt
    if section["method"] == "line":
        return section
    taxable = _tax_group(given.taxable_code, "--tax-taxable-code", "taxed lines", groups, person=person, default="")
    if not taxable:
        raise missing(["--tax-taxable-code"])
    section["taxable_code"] = taxable
    return section


def _exempt(groups: Sequence[Candidate]) -> str:
    found = [one.code for one in groups if any(word in f"{one.code} {one.name}".casefold() for word in _EXEMPT_NAMES)]
    return found[0] if len(found) == 1 else ""


def _tax_group(
    given: str | None, option: str, what: str, groups: Sequence[Candidate], *, person: Person, default: str
) -> str:
    if not groups and given is None:
        return ""
    check = listed(groups)
    if given is None and not person.present:
        return default
    shown = ", ".join(one.code for one in groups)
    question = f"  Tax group of {what} ({shown}; - for none)"
    return answered(
        person, question, option, given, lambda text: "" if text == "-" else check(text), default=default or None
    )


def business_units(given: Given, person: Person, looked: Looked, dimension_code: str | None) -> list[Line]:
    """A line for each business unit; retired ones only where their value is certain."""
    if dimension_code is None:
        return []
    values = next(row for row in looked.rows["dimensions"] if row["code"] == dimension_code)
    candidates = [
        Candidate(str(value["code"]), str(value.get("displayName") or ""))
        for value in values.get("dimensionValues") or ()
    ]
    lines = []
    for row in looked.titan["business-units"]:
        line = propose(str(row.get("name") or ""), [row.get("accountCode"), row.get("quickbooksClass")], candidates)
        if row.get("active") is not False or line.settled:
            lines.append(line)
    table = _Table("business unit", f"value of {dimension_code}", "--business-unit", candidates)
    return _decided(table, lines, given.business_units, person)


def accounts(given: Given, person: Person, looked: Looked) -> tuple[list[Line], int]:
    """A line for each account that invoice lines carry, and how many need none because the number is the same."""
    usable = {number: one for number, one in looked.books.accounts.items() if one.usable}
    candidates = [Candidate(one.number, one.name) for one in usable.values()]
    equal, lines = 0, []
    for row in active(looked.titan["gl-accounts"]):
        number, name = str(row.get("number") or ""), str(row.get("name") or "")
        if not stands_on_lines(row) and lookup(given.accounts, number, name) is None:
            continue
        if identity(looked.books.accounts, number) and lookup(given.accounts, number, name) is None:
            equal += 1
            continue
        lines.append(replace(propose(name, [], candidates), key=number or name, alias=name))
    table = _Table("ServiceTitan account", "G/L account", "--account", candidates)
    return _decided(table, lines, given.accounts, person), equal


def tax_zones(given: Given, person: Person, looked: Looked, method: str) -> list[Line]:
    """A line for each tax zone: its liability account. None where Business Central computes the tax by the customer's
    tax area; lines that were given are kept, for a change of method.
    """
    zones = active(looked.titan["tax-zones"]) if method == "line" else ()
    usable = [one for one in looked.books.accounts.values() if one.usable]
    owed = {str(row["number"]) for row in looked.rows["accounts"] if row.get("category") == "Liabilities"}
    everything = [Candidate(one.number, one.name) for one in usable]
    liabilities = [one for one in everything if one.code in owed]
    lines = [propose_tax_account(str(row.get("name") or row.get("id")), liabilities) for row in zones]
    table = _Table("tax zone", "sales tax liability account", "--tax-zone", everything)
    return _decided(table, lines, given.tax_zones, person)


@dataclass(frozen=True)
class _Table:
    what: str
    wanted: str
    option: str
    candidates: Sequence[Candidate]

    def check(self, text: str) -> str:
        """The code, as the books spell it. Raises ValueError when it is not there."""
        return listed(self.candidates)(text)


def _decided(table: _Table, lines: Sequence[Line], given: Mapping[str, str], person: Person) -> list[Line]:
    """Options first, then what is certain (after a look), then the rest one by one."""
    lines = [_from_option(table, line, given) for line in lines]
    known = {folded(name) for line in lines for name in (line.key, line.alias)}
    # ServiceTitan's list may be closed to us, or the name may be an old one: what was given is kept all the same.
    lines += [_from_option(table, Line(key), given) for key in given if folded(key) not in known]
    certain = [line for line in lines if line.settled]
    if certain and person.present:
        person.tell(f"Found for each {table.what} by the same code or name:")
        for line in certain:
            behind = f"  ({line.explanation})" if line.explanation else ""
            person.tell(f"  {line.key} -> {line.value}{behind}")
        if not agreed(person, "  Take these", default=True):
            lines = [replace(line, sure=False) for line in lines]
    if not person.present:
        return list(lines)
    return [line if line.settled else _asked(table, line, person) for line in lines]


def _from_option(table: _Table, line: Line, given: Mapping[str, str]) -> Line:
    value = lookup(given, line.key, line.alias)
    if value is None:
        return line
    try:
        return replace(line, value=table.check(value), sure=True, note="")
    except ValueError as error:
        raise UsageError("option-invalid", f"{table.option} '{line.key}={value}': {value} {error}.") from None


def _asked(table: _Table, line: Line, person: Person) -> Line:
    named = f"'{line.key}'" + (f" ({line.alias})" if line.alias else "")
    hint = f"perhaps {line.value}, {line.note}; y takes it, " if line.value else ""
    while True:
        typed = person.ask(f"  {table.wanted} for {named} ({hint}? lists them, Enter leaves it for later): ")
        if not typed:
            return replace(line, sure=False)
        if typed == "?":
            for one in table.candidates:
                person.tell(f"    {one.code}  {one.name}")
            continue
        if line.value and typed.casefold() in {"y", "yes"}:
            return replace(line, sure=True)
        try:
            return replace(line, value=table.check(typed), sure=True)
        except ValueError as error:
            person.tell(f"  '{typed}' {error}.")


def _show(person: Person, title: str, candidates: Sequence[Candidate], *, codes: bool = True) -> None:
    person.tell(title)
    for position, one in enumerate(candidates, start=1):
        person.tell(f"  {position}  {one.code}  {one.name}" if codes else f"  {position}  {one.name}")
