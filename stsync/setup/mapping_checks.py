"""Doctor: what of ServiceTitan has no counterpart named yet: by the documents we have, else by ServiceTitan's lists.

The same functions decide here that decide in a run, so that doctor and the run cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.config.model import Config
from stsync.core.dimensions import NONE
from stsync.core.mapping import Gap, identity
from stsync.core.mapping import Mapping as Choices
from stsync.core.snapshot import Snapshot
from stsync.core.source.fields import UnknownShape
from stsync.core.source.invoice import Invoice
from stsync.core.source.payment import Payment
from stsync.engine.settings import settings
from stsync.engine.trades import remembered_trades
from stsync.setup.checks import Check, ok, unknown, warn
from stsync.stages import refunds
from stsync.stages.findings import Findings
from stsync.stages.sales_lines import account_number, sales_lines
from stsync.state import State

Lists = Mapping[str, Sequence[Mapping[str, Any]]]
_STATES = ("pending", "waiting", "held", "dead", "settled")
_MOST_NAMED = 6
# Only such accounts stand on invoice lines; the others need no line in the mapping (ServiceTitan facts 3.6).
_NOT_ON_LINES = ("asset", "bank", "expense", "cost", "equity", "payable", "receivable")


@dataclass
class Weight:
    """How many documents a gap keeps back, and how much money."""

    documents: int = 0
    amount: Decimal = Decimal(0)


def coverage_by_documents(config: Config, choices: Choices, snapshot: Snapshot, state: State) -> Iterator[Check]:
    """Gaps on the invoices and payments in the inbox, with what each keeps back."""
    gaps: dict[Gap, Weight] = {}
    documents = 0
    lines = settings(config, choices).invoices.lines
    with_trades = remembered_trades(state)
    for row in _contents(state, "invoices"):
        invoice = _invoice(row, config.go_live)
        if invoice is not None:
            findings = Findings()
            sales_lines(with_trades(invoice), choices=choices, snapshot=snapshot, settings=lines, findings=findings)
            _add(gaps, findings.gaps, invoice.total)
            documents += 1
    for row in _contents(state, "payments"):
        documents += _weigh_payment(row, config, choices, snapshot, gaps)
    if not gaps:
        yield ok("mapping", "coverage", f"complete for the invoices and payments read so far: {documents:,}")
    for gap, weight in sorted(gaps.items(), key=lambda entry: -abs(entry[1].amount)):
        documents_told = f"{weight.documents} document{'' if weight.documents == 1 else 's'}"
        found = f"'{gap.servicetitan_key}' is not mapped: {documents_told}, {weight.amount:,.2f}"
        yield warn("mapping", f"mapping.{gap.table}", found, f"Add to the configuration: {gap.config_line}")


def _contents(state: State, kind: str) -> Iterator[Mapping[str, Any]]:
    for row in state.inbox.rows(kind, _STATES):
        yield row.content


def _invoice(row: Mapping[str, Any], go_live: date) -> Invoice | None:
    """The invoice, if it is one that a run would carry over."""
    try:
        invoice = Invoice.parse(row)
    except UnknownShape:
        return None
    ours = invoice.active and invoice.invoiced_on is not None and invoice.invoiced_on >= go_live
    return invoice if ours else None


def _weigh_payment(
    row: Mapping[str, Any], config: Config, choices: Choices, snapshot: Snapshot, gaps: dict[Gap, Weight]
) -> int:
    try:
        payment = Payment.parse(row)
    except UnknownShape:
        return 0
    if not payment.active or payment.paid_on is None or payment.paid_on < config.go_live or payment.total == 0:
        return 0
    if payment.total < 0:
        origin = refunds.source(payment, choices, snapshot, settings(config, choices).payments)
        missing = origin.reason is not None and origin.reason.reference == "mapping-missing"
        _add(gaps, [refunds.gap(payment)] if missing else (), -payment.total)
        return 1
    if choices.lookup("payment_types", payment.type_id, payment.type_name) is None:
        key = payment.type_name or payment.type_id
        _add(gaps, [Gap("payment_types", key, "payment journal code")], payment.total)
    return 1


def _add(gaps: dict[Gap, Weight], found: Iterable[Gap], amount: Decimal) -> None:
    for gap in dict.fromkeys(found):
        weight = gaps.setdefault(gap, Weight())
        weight.documents += 1
        weight.amount += amount


def coverage_by_lists(config: Config, choices: Choices, snapshot: Snapshot, lists: Lists) -> Iterator[Check]:
    """What ServiceTitan's lists have without a counterpart; not all of it need ever stand on a document."""
    found = {
        "business_units": _units(config, choices, snapshot, lists.get("business-units")),
        **_trades(config, choices, snapshot, lists.get("business-units")),
        "accounts": _accounts(choices, snapshot, lists.get("gl-accounts")),
        "payment_types": _named_gaps(choices, "payment_types", "payment journal code", lists.get("payment-types")),
        "tax_zones": _tax_zones(config, choices, lists.get("tax-zones")),
    }
    for table, gaps in found.items():
        if gaps is None:
            yield unknown("mapping", f"mapping.{table}", "ServiceTitan's list could not be read")
        elif gaps:
            yield _list_gap(table, gaps)
        else:
            yield ok("mapping", f"mapping.{table}", "everything in ServiceTitan's list has its counterpart")


def _list_gap(table: str, gaps: Sequence[Gap]) -> Check:
    names = ", ".join(f"'{gap.servicetitan_key}'" for gap in gaps[:_MOST_NAMED])
    more = f" and {len(gaps) - _MOST_NAMED} more" if len(gaps) > _MOST_NAMED else ""
    todo = f"Records with them are held until you add lines such as {gaps[0].config_line}"
    return warn("mapping", f"mapping.{table}", f"{len(gaps)} without a counterpart: {names}{more}", todo)


def _units(
    config: Config, choices: Choices, snapshot: Snapshot, rows: Sequence[Mapping[str, Any]] | None
) -> list[Gap] | None:
    dimension = config.dimensions.business_unit
    if dimension is None:
        return []
    if rows is None:
        return None
    values = snapshot.dimensions.get(dimension.upper(), frozenset())
    return [
        Gap("business_units", str(row.get("name") or row.get("id")), f"{dimension} value")
        for row in active(rows)
        if choices.lookup("business_units", row.get("id"), row.get("name")) is None
        and identity(values, str(row.get("name") or "")) is None
    ]


def _trades(
    config: Config, choices: Choices, snapshot: Snapshot, rows: Sequence[Mapping[str, Any]] | None
) -> dict[str, list[Gap] | None]:
    """The trades of the units in use, if a dimension is taken from them. Job types and locations show on documents."""
    dimension = config.dimensions.by_table().get("trades")
    if dimension is None:
        return {}
    if rows is None:
        return {"trades": None}
    values = snapshot.dimensions.get(dimension.upper(), frozenset())
    trades = dict.fromkeys(_trade(row) for row in active(rows))
    missing = [
        (trade_id, name)
        for trade_id, name in trades
        if choices.lookup("trades", trade_id, name) is None and identity(values, name) is None
    ]
    return {"trades": [Gap("trades", name or trade_id, f"{dimension} value") for trade_id, name in missing]}


def _trade(row: Mapping[str, Any]) -> tuple[str, str]:
    trade = row.get("trade")
    if not isinstance(trade, dict) or not trade.get("id"):
        return "", NONE
    return str(trade["id"]), str(trade.get("name") or "")


def _accounts(choices: Choices, snapshot: Snapshot, rows: Sequence[Mapping[str, Any]] | None) -> list[Gap] | None:
    if rows is None:
        return None
    gaps = []
    for row in active(rows):
        number, name = str(row.get("number") or ""), str(row.get("name") or "")
        missing = account_number(choices, snapshot, str(row.get("id") or ""), number, name) is None
        if missing and stands_on_lines(row):
            gaps.append(Gap("accounts", number or name))
    return gaps


def _tax_zones(config: Config, choices: Choices, rows: Sequence[Mapping[str, Any]] | None) -> list[Gap] | None:
    if config.invoices.tax.method != "line":
        return []
    return _named_gaps(choices, "tax_zones", "tax liability account", rows)


def _named_gaps(
    choices: Choices, table: str, wanted: str, rows: Sequence[Mapping[str, Any]] | None
) -> list[Gap] | None:
    if rows is None:
        return None
    return [
        Gap(table, str(row.get("name") or row.get("id")), wanted)
        for row in active(rows)
        if choices.lookup(table, row.get("id"), row.get("name")) is None
    ]


def active(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows in use; payment types do not say it (facts 3.6) and count as such."""
    return [row for row in rows if row.get("active") is not False]


def stands_on_lines(row: Mapping[str, Any]) -> bool:
    """Whether a ServiceTitan account is of a kind that invoice lines carry: income, or a liability for deposits."""
    kind = f"{row.get('type') or ''} {row.get('subtype') or ''}".lower()
    return row.get("defaultAccountType") != "SalesTaxPayable" and not any(word in kind for word in _NOT_ON_LINES)
