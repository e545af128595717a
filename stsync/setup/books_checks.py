"""Doctor: whether what the configuration names stands in the books and can be used. Pure: rows in, lines out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from stsync.config.model import Config
from stsync.core.snapshot import Account, Snapshot
from stsync.setup.checks import Check, Group, fail, ok, unknown, warn
from stsync.stages.findings import SOURCE_WORDS

GROUP: Group = "Business Central"
Rows = Mapping[str, Sequence[Mapping[str, Any]]]
_CARD = "On the account's card: Account Type Posting, Direct Posting on, Blocked off. Or name another account."


def books_checks(config: Config, rows: Rows, snapshot: Snapshot, today: date) -> Iterator[Check]:
    """Everything that was read is compared with everything that the configuration names."""
    if "generalLedgerSetup" in rows:
        yield from posting_dates(config.go_live, snapshot, today)
    if "dimensions" in rows:
        yield from dimension_checks(config, snapshot)
    if "accounts" in rows:
        yield from account_checks(config, snapshot)
    if "taxGroups" in rows:
        yield from _tax_groups(config, _codes(rows["taxGroups"], "code"))
    yield from tax_zone_checks(config)
    if "paymentTerms" in rows:
        yield _all_there("mapping.terms", config.mapping.terms.values(), _codes(rows["paymentTerms"], "code"))
    if "items" in rows and config.mapping.items:
        usable = [row for row in rows["items"] if not row.get("blocked")]
        yield _all_there("mapping.items", config.mapping.items.values(), _codes(usable, "number"))


def tax_zone_checks(config: Config) -> Iterator[Check]:
    """Lines for tax zones that nothing uses: where Business Central computes the tax, the customer's tax area decides."""
    zones = len(config.mapping.tax_zones)
    if config.invoices.tax.method != "business_central" or not zones:
        return
    found = f"{zones} {'line is' if zones == 1 else 'lines are'} not used: invoices.tax.method is business_central"
    todo = "The tax area on each customer card decides the tax. Take the lines out, or leave them for method line."
    yield warn(GROUP, "mapping.tax_zones", found, todo)


def posting_dates(go_live: date, snapshot: Snapshot, today: date) -> Iterator[Check]:
    """Which posting dates the books accept; a document outside of them is held."""
    name = "posting dates"
    first, last = snapshot.posting_from, snapshot.posting_to
    shown = f"accepts {first or 'any day'} to {last or 'any day'}" if first or last else "accepts any day"
    todo = "On the page General Ledger Setup, set Allow Posting From/To; until then such documents are held."
    closed = []
    if not snapshot.accepts(today):
        closed.append(f"not today ({today})")
    if not snapshot.accepts(go_live) and go_live <= today:
        closed.append(f"not the first day, go_live ({go_live})")
    yield warn(GROUP, name, f"{shown}; {', '.join(closed)}", todo) if closed else ok(GROUP, name, shown)
    yield unknown(
        GROUP,
        "posting dates of our own user",
        "User Setup can be narrower, and is not shown to programs",
        "Look at the page User Setup for the app's user.",
    )


def dimension_checks(config: Config, snapshot: Snapshot) -> Iterator[Check]:
    """Each dimension that documents carry, and each value that a name is mapped to."""
    for dimension in config.dimensions.codes():
        yield from _dimension(dimension.upper(), snapshot)
    for table, dimension in config.dimensions.by_table().items():
        values = snapshot.dimensions.get(dimension.upper())
        if values is not None:
            yield from _values(table, config.mapping.tables()[table], dimension.upper(), values)
    for one in config.dimensions.more:
        values = snapshot.dimensions.get(one.dimension.upper())
        if one.value is not None and values is not None and one.value.upper() not in values:
            todo = f"Create it on the Dimension Values page of {one.dimension}, or correct dimensions.more."
            yield fail(GROUP, "dimensions.more", f"{one.dimension} has no value {one.value}", todo)


def _dimension(dimension: str, snapshot: Snapshot) -> Iterator[Check]:
    values = snapshot.dimensions.get(dimension)
    if values is None:
        there = ", ".join(sorted(snapshot.dimensions)) or "none"
        todo = "Correct dimensions in the configuration, or create the dimension in Business Central."
        yield fail(GROUP, f"dimension {dimension}", f"is not there; there are {there}", todo)
        return
    yield ok(GROUP, f"dimension {dimension}", f"values there: {len(values)}")
    yield unknown(
        GROUP,
        f"blocked values of {dimension}",
        "whether a value is blocked, or is a heading, is not shown to programs",
        f"Look at the column Blocked on the Dimension Values page of {dimension}.",
    )


def _values(table: str, entries: Mapping[str, str], dimension: str, values: frozenset[str]) -> Iterator[Check]:
    word = SOURCE_WORDS[table]
    missing = [f"{value} ({word} '{name}')" for name, value in entries.items() if value.upper() not in values]
    if missing:
        todo = f"Create them on the Dimension Values page of {dimension}, or correct mapping.{table}."
        yield fail(GROUP, f"mapping.{table}", f"values that are not there: {_listed(missing)}", todo)
    elif entries:
        yield ok(GROUP, f"mapping.{table}", f"all {len(entries)} are there")


def account_checks(config: Config, snapshot: Snapshot) -> Iterator[Check]:
    """Every G/L account that the configuration names must take direct postings."""
    mapping = config.mapping
    yield from _accounts("mapping.accounts", mapping.accounts, snapshot.accounts)
    if config.invoices.tax.method == "line":
        yield from _accounts("mapping.tax_zones", mapping.tax_zones, snapshot.accounts)
    balancing = {
        code: journal.balancing_account
        for code, journal in config.payments.journals.items()
        if journal.balancing_account is not None
    }
    yield from _accounts("payments.journals", balancing, snapshot.accounts)
    yield from _accounts("mapping.refunds", mapping.refunds, snapshot.accounts)


def _accounts(where: str, table: Mapping[str, str], accounts: Mapping[str, Account]) -> Iterator[Check]:
    faults = [f"{number} ('{key}') {_fault(accounts.get(number))}" for key, number in table.items()]
    faults = [fault for fault in faults if not fault.endswith(" ")]
    if faults:
        yield fail(GROUP, f"accounts of {where}", _listed(faults), _CARD)
    elif table:
        yield ok(GROUP, f"accounts of {where}", f"all {len(set(table.values()))} can be posted to")


def _fault(account: Account | None) -> str:
    if account is None:
        return "is not there"
    if not account.posting:
        return "is a heading or a total"
    if account.blocked:
        return "is blocked"
    return "" if account.direct_posting else "takes no direct postings"


def _tax_groups(config: Config, groups: frozenset[str]) -> Iterator[Check]:
    tax = config.invoices.tax
    for key, code in (("exempt_code", tax.exempt_code), ("taxable_code", tax.taxable_code)):
        if code is None:
            continue
        if code.upper() in groups:
            yield ok(GROUP, f"invoices.tax.{key}", code)
            continue
        there = ", ".join(sorted(groups)) or "none"
        yield fail(GROUP, f"invoices.tax.{key}", f"{code} is not there; there are {there}", "Correct the code.")
    if tax.method == "line" and tax.exempt_code is None:
        yield warn(
            GROUP,
            "invoices.tax.exempt_code",
            "none given, so Business Central may add its own tax to ServiceTitan's",
            f"Name the tax group of untaxed lines; there are {', '.join(sorted(groups)) or 'none'}.",
        )


def _all_there(where: str, wanted: Iterable[str], there: frozenset[str]) -> Check:
    codes = {code.upper() for code in wanted}
    missing = sorted(codes - there)
    if missing:
        todo = f"Correct {where}, or create them in Business Central."
        return fail(GROUP, where, f"not there, or blocked: {_listed(missing)}", todo)
    return ok(GROUP, where, f"all {len(codes)} are there")


def _codes(rows: Sequence[Mapping[str, Any]], key: str) -> frozenset[str]:
    return frozenset(str(row.get(key) or "").upper() for row in rows)


def _listed(texts: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(texts[:most])
    return shown if len(texts) <= most else f"{shown} and {len(texts) - most} more"
