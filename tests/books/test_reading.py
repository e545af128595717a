"""Both sides as they are really read: the state file, and the Business Central simulator through its API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from ledger_world import JUNE, check_sums, row, told
from requests.auth import AuthBase

from stsync.books.doubts import doubts, proved
from stsync.books.reading import Reconciliation, reconcile
from stsync.books.result import What
from stsync.books.values import Section
from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import entity, service_root
from stsync.config.model import Config, CreditMemos
from stsync.core.mapping import Mapping
from stsync.core.reasons import Reason
from stsync.core.source.invoice import Invoice
from stsync.core.source.payment import Payment
from stsync.errors import StateError
from stsync.http.session import Session
from stsync.sandbox.businesscentral import Company, Environment, app
from stsync.sandbox.faults import Faults, answer
from stsync.sandbox.inprocess import InProcess
from stsync.stages import invoices, payments
from stsync.state import Done, Incoming, Intent, State

NOW = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
HOST = "http://127.0.0.1:1"
UNITS = {"West": "W", "East": "E"}


class Token(AuthBase):
    def __call__(self, request):
        request.headers["Authorization"] = "Bearer token"
        return request


class Office:
    """A company in the simulator, a state file, and the hand of whoever posts in both."""

    def __init__(self, folder, dimension: str | None = "AREA") -> None:
        self.environment = Environment(clock=lambda: NOW)
        self.company = self.environment.create_company("CRONUS")
        _set_up(self.company)
        self.session = Session("Business Central", auth=Token(), per_second=1000, concurrent=4)
        self.faults = Faults()
        served = self.faults.wrap("business_central", app(self.environment, lambda _: "person"))
        self.session.mount(HOST, InProcess(served))
        root = service_root(HOST, self.environment.tenant_id, self.environment.name)
        self.books = BusinessCentral(self.session, root, self.company.id)
        self.state = State.open(folder / "stsync.db")
        self.config = _config(self.company.id, self.environment.tenant_id, dimension)
        self.choices = Mapping.of(self.config.mapping.tables())

    def seen(self, kind: str, raw: dict, state: str = "settled", outcome: str = "posted") -> None:
        source_id = str(raw["id"])
        incoming = Incoming(source_id, None, raw)
        self.state.inbox.store(kind, [incoming], feed=kind, token="t", seen_at=NOW)
        if state == "settled":
            on = str(raw.get("invoiceDate") or raw.get("date"))[:10]
            self.state.inbox.describe(kind, source_id, number="", amount=None, name="", on=on)
            self.state.inbox.settle(kind, source_id, outcome, run_id="r")
        elif state == "held":
            self.state.inbox.hold(kind, source_id, Reason("mapping-missing", "Not mapped yet."), "r")

    def remember(self, kind: str, raw: dict, number: str) -> None:
        """What the ledger keeps of a posting."""
        record = (Invoice.parse if kind == "invoices" else Payment.parse)(raw)
        print_of = invoices.fingerprint if kind == "invoices" else payments.fingerprint
        facts = {"fingerprint": print_of(record)}
        for verb in ("create", "post"):
            key = f"{kind}:{record.id}:{verb}"
            self.state.ledger.intend([Intent(key, kind, record.id, verb, kind, "", verb, "{}", record.total)], "r")
            self.state.ledger.done(Done(key, f"id-{record.id}", number, facts), run_id="r")

    def post_invoice(self, raw: dict, *, external: str = "", post: bool = True) -> str:
        """The invoice in Business Central; returns its number."""
        on = raw["invoiceDate"][:10]
        body = {
            "customerNumber": "ST5", "invoiceDate": on, "postingDate": on,
            "externalDocumentNumber": external or f"ST-{raw['id']}",
            "salesInvoiceLines": [
                _line("4100", Decimal(one["total"]), UNITS[one["businessUnit"]["name"]]) for one in raw["items"]
            ],
        }  # fmt: skip
        if Decimal(raw["salesTax"]):
            body["salesInvoiceLines"].append(_line("2210", Decimal(raw["salesTax"]), "W"))
        made = self.books.create("salesInvoices", body).body
        if post:
            self.books.action(entity("salesInvoices", made["id"]), "post")
        found = self.books.one(entity("salesInvoices", made["id"]))
        assert found is not None
        return str(found["number"])

    def post_payment(self, number: str, amount: str, on: str = "2026-06-20") -> None:
        batch = next(one for one in self.company.journals if one.code == "STCARD")
        lines = f"{entity('customerPaymentJournals', batch.id)}/customerPayments"
        body = {"customerNumber": "ST5", "postingDate": on, "documentNumber": number, "amount": -Decimal(amount)}
        self.books.create(lines, body)
        self.books.action(entity("journals", batch.id), "post")

    def transferred(self, raw: dict) -> str:
        number = self.post_invoice(raw)
        self.seen("invoices", raw)
        self.remember("invoices", raw, number)
        return number

    def paid(self, raw: dict) -> None:
        self.post_payment(f"ST-P{raw['id']}", raw["total"], raw["date"][:10])
        self.seen("payments", raw)
        self.remember("payments", raw, f"ST-P{raw['id']}")

    def reconciled(self, now: datetime = NOW) -> Reconciliation:
        result = reconcile(
            JUNE, state=self.state, books=self.books, config=self.config, choices=self.choices, now=lambda: now
        )
        check_sums(result.tie_out)
        return result


def _set_up(company: Company) -> None:
    company.add_account("4100", "Labor", category="Income")
    company.add_account("2210", "Tax Phoenix", category="Liabilities")
    company.add_account("1050", "Cards", category="Assets")
    company.add_account("6000", "Rent", category="Expense")
    company.add_dimension("AREA")
    for code in UNITS.values():
        company.add_dimension_value("AREA", code, f"Area {code}")
    company.add_customer("ST5", "Ann")
    company.add_journal("STCARD", balancing_account="1050")


def _config(company_id: str, tenant_id: str, dimension: str | None) -> Config:
    return Config.model_validate(
        {
            "servicetitan": {"environment": "integration", "tenant_id": 1},
            "business_central": {"tenant_id": tenant_id, "environment": "sandbox", "company_id": company_id},
            "go_live": date(2026, 5, 1),
            "dimensions": {"business_unit": dimension} if dimension else {},
            "mapping": {
                "business_units": UNITS,
                "tax_zones": {"Phoenix": "2210"},
                "payment_types": {"Card": "STCARD"},
            },
        }
    )


def _line(account: str, price: Decimal, area: str) -> dict:
    return {
        "lineType": "Account", "lineObjectNumber": account, "quantity": 1, "unitPrice": price,
        "dimensionSetLines": [{"code": "AREA", "valueCode": area}],
    }  # fmt: skip


def bill(number: int, *lines: tuple[str, str], tax: str = "0.00", on: str = "2026-06-15", **more) -> dict:
    total = sum((Decimal(amount) for amount, _ in lines), Decimal(0))
    items = [
        {
            "id": position, "quantity": "1", "price": amount, "total": amount, "isChargeable": True,
            "businessUnit": {"id": len(unit), "name": unit},
            "generalLedgerAccount": {"id": 7, "number": "4100", "name": "Labor"},
        }
        for position, (amount, unit) in enumerate(lines, start=1)
    ]  # fmt: skip
    return {
        "id": number, "referenceNumber": f"N{number}", "syncStatus": "Posted", "active": True,
        "invoiceDate": f"{on}T00:00:00Z", "subTotal": str(total), "salesTax": tax, "total": str(total + Decimal(tax)),
        "salesTaxCode": {"id": 9, "name": "Phoenix"}, "customer": {"id": 5, "name": "Ann"}, "items": items, **more,
    }  # fmt: skip


def receipt(number: int, total: str, on: str = "2026-06-20", **more) -> dict:
    return {
        "id": number, "referenceNumber": f"R{number}", "syncStatus": "Posted", "active": True, "total": total,
        "date": f"{on}T00:00:00Z", "type": "Card", "typeId": "33", "customer": {"id": 5, "name": "Ann"}, **more,
    }  # fmt: skip


@pytest.fixture
def office(tmp_path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.state.close()
    office.session.close()


def test_a_posted_month_is_exact_and_both_moments_are_known(office):
    office.transferred(bill(1, ("100.00", "West"), ("40.00", "East"), tax="8.60"))
    office.paid(receipt(7, "148.60"))
    office.state.cursors.set("credit_memos", None, NOW)
    result = office.reconciled()
    assert result.tie_out.exact
    assert result.servicetitan_read == {"invoices": NOW, "credit_memos": NOW, "payments": NOW}
    assert row(result.tie_out, "revenue", "E").books == Decimal(40)
    assert row(result.tie_out, "revenue", "E").book_name == "Area E"
    assert row(result.tie_out, "sales_tax", "2210").names == ("Phoenix",)
    assert row(result.tie_out, "payments", "1050").books == Decimal("148.60")


def test_nothing_is_written(office):
    office.transferred(bill(1, ("100.00", "West")))
    office.session.read_only = True
    sent = office.session.counts.get("POST", 0)
    assert office.reconciled().tie_out.exact
    assert office.session.counts.get("POST", 0) == sent


def test_only_the_days_of_the_period_count(office):
    office.transferred(bill(1, ("100.00", "West"), on="2026-05-31"))
    office.transferred(bill(2, ("70.00", "West"), on="2026-06-30"))
    office.transferred(bill(3, ("50.00", "West"), on="2026-07-01"))
    result = office.reconciled().tie_out
    assert result.exact
    assert row(result, "receivables").servicetitan == row(result, "receivables").books == Decimal(70)


def test_drafts_and_held_documents_are_explained(office):
    office.transferred(bill(1, ("100.00", "West")))
    office.post_invoice(bill(2, ("60.00", "East")), post=False)
    office.seen("invoices", bill(2, ("60.00", "East")), outcome="draft")
    office.seen("invoices", bill(3, ("20.00", "East")), state="held")
    office.seen("payments", receipt(7, "5.00"), outcome="before_go_live")
    result = office.reconciled().tie_out
    assert result.exact
    assert told(result, Section.RECEIVABLES) == {"held": ["N3"], "draft": ["N2"]}
    assert told(result, Section.PAYMENTS) == {"before_go_live": ["R7"]}


def test_what_a_person_dealt_with_by_hand_is_explained_by_what_was_said(office):
    office.seen("invoices", bill(3, ("20.00", "East")), outcome="by_hand")
    detail = {"operator": "lynn", "reason": "memo SCM-1 entered"}
    office.state.audit.append("ignored", run_id="", stage="invoices", source_id="3", detail=detail)
    result = office.reconciled().tie_out
    assert result.exact
    assert told(result, Section.RECEIVABLES) == {"by_hand": ["N3"]}
    (explanation,) = result.explanations(Section.RECEIVABLES)
    assert explanation.shares[0].note.startswith("memo SCM-1 entered (lynn, ")


def test_a_lost_state_file_changes_nothing_because_the_books_know_the_numbers(office):
    raw = bill(1, ("100.00", "West"))
    office.post_invoice(raw)
    office.seen("invoices", raw, state="pending")
    office.post_payment("ST-P7", "30.00")
    office.seen("payments", receipt(7, "30.00"), state="pending")
    assert office.reconciled().tie_out.exact


def test_a_change_after_posting_is_measured_against_what_was_posted(office):
    before = bill(1, ("100.00", "West"))
    office.transferred(before)
    office.seen("invoices", bill(1, ("100.00", "West"), ("65.00", "East")), state="held")
    result = office.reconciled().tie_out
    assert result.exact
    assert told(result, Section.RECEIVABLES) == {"changed_after_posting": ["N1"]}
    assert row(result, "revenue", "E").explained == Decimal(65)


def test_a_second_posting_of_the_same_invoice_is_found_by_its_external_number(office):
    raw = bill(1, ("100.00", "West"))
    office.transferred(raw)
    second = office.post_invoice(raw)
    (found,) = office.reconciled().tie_out.findings
    assert (found.what, found.document, found.amount) == (What.TWICE, second, Decimal(100))


def test_a_payment_posted_twice_is_found(office):
    office.transferred(bill(1, ("100.00", "West")))
    office.paid(receipt(7, "40.00"))
    office.post_payment("ST-P7", "40.00")
    (found,) = office.reconciled().tie_out.findings
    assert (found.what, found.record.number, found.amount) == (What.TWICE, "R7", Decimal(40))


def test_another_amount_and_another_dimension_are_found(office):
    office.transferred(bill(1, ("100.00", "West")))
    number = office.post_invoice(bill(2, ("90.00", "West")))
    office.seen("invoices", bill(2, ("91.00", "West")))
    office.remember("invoices", bill(2, ("91.00", "West")), number)
    office.post_invoice(bill(3, ("10.00", "East")))
    office.seen("invoices", bill(3, ("10.00", "West")))
    found = office.reconciled().tie_out.findings
    assert [(one.what, one.record.number) for one in found] == [(What.AMOUNT, "N2"), (What.DIMENSION, "N3")]


def test_a_posting_that_the_ledger_does_not_show_is_missing(office):
    raw = bill(1, ("100.00", "West"))
    office.seen("invoices", raw)
    office.remember("invoices", raw, "PS-404")
    office.transferred(bill(2, ("5.00", "West")))
    (found,) = office.reconciled().tie_out.findings
    assert (found.what, found.record.number, found.document) == (What.MISSING, "N1", "PS-404")


def test_a_posting_under_another_date_is_explained_and_not_missing(office):
    raw = bill(1, ("100.00", "West"))
    number = office.post_invoice({**raw, "invoiceDate": "2026-07-02T00:00:00Z"})
    office.seen("invoices", raw)
    office.remember("invoices", raw, number)
    result = office.reconciled().tie_out
    assert result.exact
    (explained,) = result.explanations(Section.RECEIVABLES)
    assert explained.shares[0].note == "posted on 2026-07-02"


def test_an_invoice_typed_in_business_central_is_named_as_only_there(office):
    office.transferred(bill(1, ("100.00", "West")))
    number = office.post_invoice(bill(9, ("33.00", "East")), external="PHONE ORDER")
    result = office.reconciled().tie_out
    assert result.exact
    (foreign,) = result.foreign(Section.RECEIVABLES)
    assert (foreign.number, foreign.amount) == (number, Decimal(33))


def test_a_record_of_an_unknown_shape_is_not_counted_and_the_result_is_not_exact(office):
    office.seen("invoices", {**bill(1, ("1.00", "West")), "total": None}, state="held")
    office.seen("invoices", {**bill(2, ("1.00", "West"), on="2026-05-02"), "total": None}, state="held")
    result = office.reconciled().tie_out
    assert [one.number for one in result.unreadable] == ["N1"]
    assert not result.exact


def test_without_a_dimension_no_dimension_is_read(tmp_path):
    office = Office(tmp_path, dimension=None)
    office.transferred(bill(1, ("100.00", "West"), ("40.00", "East")))
    assert office.reconciled().tie_out.exact
    office.state.close()
    office.session.close()


def test_many_entries_come_page_by_page(office, monkeypatch):
    monkeypatch.setattr("stsync.businesscentral.client._PAGED", {"Prefer": "odata.maxpagesize=3"})
    for number in range(1, 6):
        office.transferred(bill(number, ("10.00", "West")))
    result = office.reconciled().tie_out
    assert result.exact
    assert row(result, "receivables").books_documents == 5


def test_a_tax_zone_that_servicetitan_gives_by_number_alone_counts_under_its_name(office):
    """taxZoneId is the newer of two fields; a run has asked for the names, because the mapping has nothing else."""
    raw = bill(1, ("100.00", "West"), tax="8.60")
    number = office.post_invoice(raw)
    office.seen("invoices", {**raw, "salesTaxCode": None, "taxZoneId": 9})
    office.remember("invoices", raw, number)
    office.state.notes.note("tax zone names", '{"9": "Phoenix"}')
    result = office.reconciled().tie_out
    assert result.exact
    assert row(result, "sales_tax", "2210").names == ("Phoenix",)


# What was not looked at proves nothing, however well the rest agrees.


def test_a_servicetitan_that_was_read_before_the_month_was_over_proves_nothing(office):
    office.transferred(bill(1, ("100.00", "West")))
    office.paid(receipt(7, "100.00"))
    office.state.cursors.set("credit_memos", None, NOW)
    assert proved(office.reconciled())
    office.state.cursors.set("payments", "t", datetime(2026, 6, 10, 12, tzinfo=UTC))
    result = office.reconciled()
    assert result.tie_out.exact
    assert not proved(result)
    (said,) = doubts(result)
    assert "payments were last read on 2026-06-10, before the period was over" in said
    assert "Run stsync sync" in said


def test_a_month_that_is_not_over_is_proved_as_of_the_day_it_was_read(office):
    office.transferred(bill(1, ("100.00", "West")))
    for kind in ("invoices", "credit_memos", "payments"):
        office.state.cursors.set(kind, "t", datetime(2026, 6, 16, 12, tzinfo=UTC))
    assert proved(office.reconciled(now=datetime(2026, 6, 16, 18, tzinfo=UTC)))


def test_a_reading_that_was_broken_off_proves_nothing_until_it_comes_to_its_end(office):
    office.transferred(bill(1, ("100.00", "West")))
    office.paid(receipt(7, "100.00"))
    office.state.cursors.set("credit_memos", None, NOW)
    office.state.cursors.reading("invoices", ended=False)
    result = office.reconciled()
    assert not proved(result)
    assert "invoices was broken off before the end" in doubts(result)[0]
    office.state.cursors.reading("invoices", ended=True)
    assert proved(office.reconciled())


def test_credit_memos_that_the_office_leaves_out_are_not_waited_for(office):
    office.transferred(bill(1, ("100.00", "West")))
    office.paid(receipt(7, "100.00"))
    assert "credit memos were never read" in doubts(office.reconciled())[0]
    office.config = office.config.model_copy(update={"credit_memos": CreditMemos(transfer=False)})
    result = office.reconciled()
    assert set(result.servicetitan_read) == {"invoices", "payments"}
    assert proved(result)


FORBIDDEN = (
    "Sorry, the current permissions prevented the action. (TableData 21 Cust. Ledger Entry Read: Base Application)"
)


def test_balances_that_business_central_does_not_show_are_no_proof_that_they_agree(office):
    office.transferred(bill(1, ("100.00", "West")))
    office.paid(receipt(7, "100.00"))
    office.state.cursors.set("credit_memos", None, NOW)
    error = {"error": {"code": "Internal_ServerError", "message": FORBIDDEN}}
    office.faults.add(answer(403, error), path="customerFinancialDetails", count=None)
    result = office.reconciled()
    assert result.tie_out.customers is None
    assert not proved(result)
    (said,) = doubts(result)
    assert "refused to show what customers owe" in said
    assert "Microsoft Entra Applications" in said


def test_sales_documents_that_business_central_hides_without_a_word_are_missed(office):
    """Without the permission to read posted invoices, their rows vanish from the list, with no error (facts 2.5)."""
    number = office.transferred(bill(1, ("100.00", "West")))
    office.paid(receipt(7, "100.00"))
    office.state.cursors.set("credit_memos", None, NOW)
    office.faults.add(answer(200, {"value": []}), path="salesInvoices", count=None)
    result = office.reconciled()
    assert not proved(result)
    (said,) = doubts(result)
    assert f"entries of {number}, but Business Central lists no such sales documents" in said


def test_before_the_first_read_there_is_nothing_to_compare(office):
    with pytest.raises(StateError) as caught:
        office.reconciled()
    assert caught.value.reference == "servicetitan-never-read"
