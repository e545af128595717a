"""The main job, proven from the books of the simulators and the rows of ServiceTitan, never from our own ledger."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from office import DEPARTMENT, Office, mapping_of, money

from stsync.core.operations import shown
from stsync.engine.run import Result
from stsync.sandbox.requestlog import Entry


@pytest.fixture(scope="module")
def preview(month: Office) -> Result:
    """The dry run before anything was carried."""
    month.world.sandbox.log.clear()
    result = month.run(dry_run=True)
    assert month.writes() == []
    assert not month.state_file.exists()
    return result


@pytest.fixture(scope="module")
def carried(month: Office, preview: Result) -> list[Entry]:
    """The first sync; what the servers saw being written."""
    month.world.sandbox.log.clear()
    month.run()
    return month.writes()


@pytest.mark.usefixtures("carried")
class TestTheBooksAfterTheMonth:
    def test_every_posted_invoice_is_in_the_books_once_with_its_total_or_is_held(self, month: Office) -> None:
        carried = held = 0
        for row in _ready(month):
            invoice = month.invoice(row["id"])
            if invoice is None or not invoice.posted:
                assert month.standing("invoices", row["id"])[0] == "held", f"invoice {row['id']} is missing silently"
                held += 1
                continue
            receivable = [one for one in month.world.company.customer_ledger if one.document_id == invoice.id]
            assert [one.amount for one in receivable] == [money(row["total"])]
            carried += 1
        assert carried > 200
        assert held < 20

    def test_every_line_is_on_its_account_and_carries_its_business_units_dimension(self, month: Office) -> None:
        tables = mapping_of(month.config)
        for row in _ready(month):
            invoice = month.invoice(row["id"])
            if invoice is None or not invoice.posted:
                continue
            assert _income_in_the_books(month, invoice) == _income_in_servicetitan(row, tables), row["id"]

    def test_the_sales_tax_stands_on_the_liability_account_of_its_zone(self, month: Office) -> None:
        zones = mapping_of(month.config)["tax_zones"]
        seen = 0
        for row in _ready(month):
            invoice = month.invoice(row["id"])
            if invoice is None or not invoice.posted or money(row["salesTax"]) == 0:
                continue
            zone = row["salesTaxCode"]["name"]
            booked = sum(
                -entry.amount for entry in month.gl(invoice.number, "Invoice") if entry.account_number == zones[zone]
            )
            assert booked == money(row["salesTax"]), row["id"]
            seen += 1
        assert seen > 50

    def test_every_payment_is_applied_to_its_invoices_or_is_listed(self, month: Office) -> None:
        carried = 0
        for row in month.world.tenant.payments.values():
            if not row["active"] or row["syncStatus"] != "Posted" or money(row["total"]) <= 0:
                continue
            entries = [one for one in month.world.company.customer_ledger if one.document_number == f"ST-P{row['id']}"]
            if not entries:
                state, why = month.standing("payments", row["id"])
                assert state in {"held", "waiting"} or why in {"before_go_live", "exported_elsewhere"}, row["id"]
                continue
            assert -sum(one.amount for one in entries) == money(row["total"])
            applied, wanted = _applied_in_the_books(month, entries), _applied_in_servicetitan(month, row)
            if month.standing("payments", row["id"]) == ("settled", "to_apply"):
                assert applied != wanted, f"payment {row['id']} is listed for a person, who has nothing to apply"
            else:
                assert applied == {key: wanted[key] for key in wanted if _can_be_paid(month, key)}, row["id"]
            carried += 1
        assert carried > 120

    def test_nothing_is_in_the_books_that_servicetitan_does_not_have(self, month: Office) -> None:
        ours = {f"ST-{row['id']}" for row in month.world.tenant.invoices.values()}
        assert {one.external_document_number for one in month.world.company.invoices} <= ours
        numbers = {f"ST-P{row['id']}" for row in month.world.tenant.payments.values()}
        payments = {
            one.document_number for one in month.world.company.customer_ledger if one.document_type == "Payment"
        }
        assert payments <= numbers

    def test_the_books_balance(self, month: Office) -> None:
        totals: Counter[str] = Counter()
        for entry in month.world.company.gl_entries:
            totals[entry.document_number] += entry.amount
        assert set(totals.values()) == {Decimal(0)}

    def test_no_journal_line_and_no_unexplained_draft_is_left(self, month: Office) -> None:
        assert list(month.world.company.journal_lines) == [] or all(
            not line.account_number for line in month.world.company.journal_lines
        )
        for invoice in month.world.company.invoices:
            if not invoice.posted:
                source_id = invoice.external_document_number.removeprefix("ST-")
                assert month.standing("invoices", source_id)[0] == "held"

    def test_a_merged_customers_documents_go_to_the_survivor(self, month: Office) -> None:
        losers = [row for row in month.world.tenant.customers.values() if row["mergedToId"]]
        assert losers
        cards = {one.number for one in month.world.company.customers}
        assert not cards & {f"ST{row['id']}" for row in losers}


def test_the_next_run_writes_nothing_and_asks_little(month: Office, carried: list[Entry]) -> None:
    assert carried
    before = month.state_file.read_bytes()
    month.world.sandbox.log.clear()
    result = month.run()
    assert month.writes() == []
    assert month.requests() <= 8
    assert result.requests == month.requests()
    month.world.sandbox.log.clear()
    month.run(dry_run=True)
    assert month.writes() == []
    assert before != b""


def test_a_dry_run_leaves_the_state_file_byte_for_byte(month: Office, carried: list[Entry]) -> None:
    assert carried
    before = month.state_file.read_bytes()
    month.run(dry_run=True)
    assert month.state_file.read_bytes() == before


def test_what_was_sent_is_what_the_preview_showed(month: Office, preview: Result, carried: list[Entry]) -> None:
    operations = [one for one in preview.plan.operations() if one.verb != "adopt"]
    promised = Counter(_promised(one) for one in operations)
    sent = Counter(_sent(month, one) for one in carried)
    assert promised - sent == Counter(), "shown, but not sent"
    assert sent - promised == Counter(), "sent, but not shown"


def _ready(month: Office) -> list[dict[str, Any]]:
    """Active, Posted, dated since go-live, and positive: what issue 2 promises to carry."""
    return [
        row
        for row in month.world.tenant.invoices.values()
        if row["active"]
        and row["syncStatus"] == "Posted"
        and money(row["total"]) > 0
        and (row["invoiceDate"] is None or row["invoiceDate"] >= "2026-05-01")
    ]


def _income_in_servicetitan(row: dict[str, Any], tables: dict[str, dict[str, str]]) -> Counter[tuple[str, str]]:
    """Charged amounts by account and department, from ServiceTitan's own rows and the accountant's tables."""
    amounts: Counter[tuple[str, str]] = Counter()
    for item in row["items"]:
        if not item["isChargeable"]:
            continue
        number = item["generalLedgerAccount"]["number"]
        unit = (item["businessUnit"] or row["businessUnit"])["name"]
        amounts[tables["accounts"].get(number, number), tables["business_units"][unit]] += money(item["total"])
    tax = money(row["salesTax"])
    if tax:
        unit = (row["businessUnit"] or row["items"][0]["businessUnit"])["name"]
        amounts[tables["tax_zones"][row["salesTaxCode"]["name"]], tables["business_units"][unit]] += tax
    return Counter({key: amount for key, amount in amounts.items() if amount})


def _income_in_the_books(month: Office, invoice: Any) -> Counter[tuple[str, str]]:
    receivables = set(month.world.company.receivables_accounts.values())
    amounts: Counter[tuple[str, str]] = Counter()
    for entry in month.gl(invoice.number, "Invoice"):
        if entry.account_number not in receivables:
            amounts[entry.account_number, entry.dimensions.get(DEPARTMENT, "")] -= entry.amount
    return Counter({key: amount for key, amount in amounts.items() if amount})


def _applied_in_the_books(month: Office, entries: list[Any]) -> dict[str, Decimal]:
    """What a payment's entries are applied to: external document numbers and amounts."""
    by_entry = {one.entry_number: one for one in month.world.company.customer_ledger}
    applied: Counter[str] = Counter()
    for entry in entries:
        for application in entry.applications:
            applied[by_entry[application.with_entry].external_document_number] += abs(application.amount)
    return dict(applied)


def _applied_in_servicetitan(month: Office, row: dict[str, Any]) -> dict[str, Decimal]:
    applied: Counter[str] = Counter()
    for one in row["appliedTo"] or ():
        applied[f"ST-{one['appliedTo']}"] += money(one["appliedAmount"])
    return {key: amount for key, amount in applied.items() if amount}


def _can_be_paid(month: Office, key: str) -> bool:
    """Whether an invoice has anything on it: the empty one of an estimate visit has no counterpart in the books."""
    row = month.world.tenant.invoices[int(key.removeprefix("ST-"))]
    return money(row["total"]) != 0


def _promised(operation: Any) -> tuple[str, ...]:
    """An operation of the preview, as something that a request can be compared with."""
    body = dict(shown(operation.body))
    for field in ("appliesToInvoiceId", "invoiceId"):
        if str(body.get(field, "")).startswith("<id from "):
            body[field] = "ST-" + re.sub(r"\D", "", body[field].split(":")[1])
    key = operation.natural_key if operation.verb in {"update", "post", "delete"} else ""
    return operation.verb.value, operation.entity, key, json.dumps(_normal(body), sort_keys=True)


def _sent(month: Office, entry: Entry) -> tuple[str, ...]:
    """A request that the servers saw, in the same terms."""
    path = entry.target.split("?")[0]
    body = _normal(json.loads(entry.body, parse_float=Decimal)) if entry.body else {}
    if entry.system == "servicetitan_api":
        return _sent_to_servicetitan(month, entry.method, path, body)
    company = month.world.company
    if path.endswith("/Microsoft.NAV.post"):
        found = re.search(r"/(salesInvoices|salesCreditMemos|journals)\(([0-9a-f-]+)\)/", path)
        assert found
        holders: Any = {"salesInvoices": company.invoices, "salesCreditMemos": company.credit_memos}
        holder = next(one for one in holders.get(found.group(1), company.journals) if one.id == found.group(2))
        key = holder.code if found.group(1) == "journals" else holder.external_document_number
        return "post", found.group(1), key, "{}"
    entity = re.sub(r"\(.*?\)", "", path.rsplit("/", 1)[1])
    for field in {"appliesToInvoiceId", "invoiceId"} & body.keys():
        invoice = next(one for one in company.invoices if one.id == body[field])
        body[field] = invoice.external_document_number
    verb = {"POST": "create", "PATCH": "update", "DELETE": "delete"}[entry.method]
    return verb, entity, "", json.dumps(body, sort_keys=True)


def _sent_to_servicetitan(month: Office, method: str, path: str, body: Any) -> tuple[str, ...]:
    kind = {"services": "service", "materials": "material", "equipment": "equipment"}
    parts = path.rsplit("/", 2)
    if method == "POST":
        return "create", kind[parts[2]], "", json.dumps(body, sort_keys=True)
    code = month.world.tenant.tables[parts[1]].get(int(parts[2]))["code"]
    return "update", kind[parts[1]], code, json.dumps(body, sort_keys=True)


def _normal(value: Any) -> Any:
    """Amounts in one spelling; everything else as it is."""
    if isinstance(value, dict):
        return {name: _normal(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_normal(part) for part in value]
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return format(Decimal(value).normalize(), "f")
    return value
