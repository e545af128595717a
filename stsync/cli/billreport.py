"""Inventory bills as a table, as JSON and as a CSV file."""

from __future__ import annotations

import csv as csv_format
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stsync.cli.console import OUTPUT, Column, counted, emit_json, insist, money, say, table
from stsync.core.mapping import spreadsheet_safe
from stsync.core.operations import shown
from stsync.errors import UsageError
from stsync.stages.bills import Listed, Sum, Unreadable, by_vendor, total, vendor_name

COLUMNS = (
    "bill", "id", "date", "due", "vendor", "vendor_document", "purchase_order", "business_unit", "job", "terms",
    "status", "active", "amount", "tax", "shipping", "lines", "replaced_by", "replaces", "summary", "problem",
)  # fmt: skip


def report(listed: Sequence[Listed], unreadable: Sequence[Unreadable], banner: str, *, csv: Path | None) -> None:
    """Print the list for a person, or everything for a program."""
    if OUTPUT.json:
        emit_json(document(listed, unreadable, banner))
        return
    say(banner)
    _table(listed)
    _totals(listed)
    for one in unreadable:
        insist(f"Bill {one.source_id} cannot be read: {one.what}. It is kept, but it stands in no list and no total.")
    if unreadable:
        insist("Open such a bill in ServiceTitan and complete it. If it looks right there, please report this message.")
    if csv is not None:
        say(f"Written to {csv}, for your eyes only: {counted(len(listed) + len(unreadable), 'row')}.")


def document(listed: Sequence[Listed], unreadable: Sequence[Unreadable], banner: str) -> dict[str, Any]:
    """The list as plain values; the names here are a promise to programs."""
    return {
        "systems": banner,
        "bills": [{**_row(one), "items": [_item(item) for item in one.bill.items]} for one in listed],
        "total": _sum(total(listed)),
        "vendors": {name: _sum(found) for name, found in by_vendor(listed).items()},
        "unreadable": [{"id": one.source_id, "problem": one.what} for one in unreadable],
    }


def write_csv(path: Path, listed: Sequence[Listed], unreadable: Sequence[Unreadable]) -> None:
    """Write one row for each bill, unreadable ones last; the file is the owner's alone. Raises UsageError."""
    from stsync.credentials.private_files import write_private

    text = io.StringIO()
    writer = csv_format.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in listed:
        row = _row(one)
        writer.writerow([_cell(name, row.get(name)) for name in COLUMNS])
    for broken in unreadable:
        row = {"id": broken.source_id, "problem": broken.what}
        writer.writerow([_cell(name, row.get(name)) for name in COLUMNS])
    try:
        # With the mark at its beginning Excel reads the file as UTF-8.
        write_private(path.expanduser().absolute(), text.getvalue().encode("utf-8-sig"))
    except OSError as error:
        message = f"{path} could not be written: {error.strerror or error}."
        raise UsageError("csv-not-written", message, hint="Name another place with --csv.") from error


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if name in {"amount", "tax", "shipping", "lines"}:
        return str(value)
    # A vendor's text may begin like a formula, and a spreadsheet would run it.
    return spreadsheet_safe("yes" if value is True else "no" if value is False else str(value))


def _table(listed: Sequence[Listed]) -> None:
    columns = [Column(name) for name in ("bill", "date", "vendor", "their number", "order", "status")]
    columns += [Column("amount", right=True), Column("tax", right=True), Column("")]
    rows = [
        (
            *(one.bill.number or one.bill.id, str(one.bill.billed_on or "no date"), vendor_name(one.bill)),
            *(one.bill.vendor_number, one.bill.purchase_order or "", one.bill.status),
            *(money(one.bill.amount), money(one.bill.tax), _remark(one)),
        )
        for one in listed
    ]
    table(counted(len(listed), "bill"), columns, rows)


def _remark(one: Listed) -> str:
    parts = []
    if one.replaced_by is not None:
        parts.append(f"replaced by {_named(one.replaced_by)}; does not count")
    elif not one.bill.active:
        parts.append("inactive; does not count")
    if one.replaces is not None:
        parts.append(f"replaces {_named(one.replaces)} ({money(one.replaces.amount)})")
    return ", ".join(parts)


def _named(bill: Any) -> str:
    return str(bill.number or bill.id)


def _totals(listed: Sequence[Listed]) -> None:
    vendors = by_vendor(listed)
    rows = [(name or "no vendor", *_total_cells(found)) for name, found in vendors.items()]
    rows.append(("= all active bills", *_total_cells(total(listed))))
    columns = [Column("vendor"), *(Column(name, right=True) for name in ("bills", "amount", "of it tax"))]
    table("Totals", columns, rows)


def _total_cells(found: Sum) -> tuple[str, str, str]:
    return f"{found.bills:,}", f"{found.amount:,.2f}", f"{found.tax:,.2f}"


def _sum(found: Sum) -> dict[str, Any]:
    return {"bills": found.bills, "amount": found.amount, "tax": found.tax}


def _row(one: Listed) -> dict[str, Any]:
    bill = one.bill
    return {
        "bill": bill.number,
        "id": bill.id,
        "date": bill.billed_on,
        "due": bill.due_on,
        "vendor": vendor_name(bill),
        "vendor_document": bill.vendor_number,
        "purchase_order": bill.purchase_order,
        "business_unit": bill.business_unit.name if bill.business_unit else None,
        "job": bill.job_number,
        "terms": bill.term,
        "status": bill.status,
        "active": bill.active,
        "amount": bill.amount,
        "tax": bill.tax,
        "shipping": bill.shipping,
        "lines": len(bill.items),
        "replaced_by": one.replaced_by.id if one.replaced_by else None,
        "replaces": one.replaces.id if one.replaces else None,
        "summary": bill.summary,
    }


def _item(item: Any) -> dict[str, Any]:
    return {
        "code": item.code,
        "name": item.name,
        "quantity": shown(item.quantity),
        "cost": shown(item.cost),
        "account": item.account.number if item.account else None,
        "cost_of_sale_account": item.cost_of_sale_account.number if item.cost_of_sale_account else None,
    }
