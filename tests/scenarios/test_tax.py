"""Sales tax by both methods: what the books show, and what holds an invoice whose tax Business Central computes otherwise."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from office import Office, mapping_of, money

from stsync.sandbox.company.chart import ZONE_BY_ID
from stsync.state import State

BY_LINE = "    method: line\n"
BY_BUSINESS_CENTRAL = "    method: business_central\n    taxable_code: TAXABLE\n"
TAXED = (
    "tax_on_exempt_customer",
    "tax_edited_by_hand",
    "several_tax_authorities",
    "tax_rounds_badly",
    "tax_zone_id_missing",
    "tax_without_taxable_line",
)


def invoice_of(office: Office, name: str) -> dict[str, Any]:
    """The invoice of a scenario of the demo company."""
    ref = next(one for one in office.world.demo.scenarios[name] if one[0] == "invoices")
    row: dict[str, Any] = office.world.tenant.invoices[ref[1]]
    return row


def receivable(office: Office, row: dict[str, Any]) -> list[Decimal]:
    """What the customer ledger shows for it; nothing unless it is posted."""
    document = office.invoice(row["id"])
    return [one.amount for one in office.world.company.customer_ledger if document and one.document_id == document.id]


def on_account(office: Office, row: dict[str, Any], number: str) -> Decimal:
    entries = office.gl(office.invoice(row["id"]).number, "Invoice")
    return sum((one.amount for one in entries if one.account_number == number), Decimal(0))


def said(office: Office, row: dict[str, Any]) -> str:
    """Why it is held, and what to do."""
    with State.open_scratch(office.state_file) as state:
        kept = state.inbox.find("invoices", str(row["id"]))
        assert kept is not None
        assert kept.reason is not None, f"{kept.state} {kept.outcome}"
        return f"{kept.reason.message} {kept.reason.hint}"


class Areas:
    """The tax areas that an accountant gives to customer cards, new ones by the template's rule."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.company = office.world.company
        self._chosen: dict[str, tuple[str, bool]] = {}
        for row in office.world.tenant.invoices.values():
            zone = ZONE_BY_ID.get(row["taxZoneId"] or 701)
            if zone is not None and row["customer"]:
                self._chosen[f"ST{row['customer']['id']}"] = (zone.area, True)
        insert = self.company.customers.insert

        def inserted(card: Any) -> Any:
            self._apply(card)
            return insert(card)

        office.monkeypatch.setattr(self.company.customers, "insert", inserted)

    def give(self, row: dict[str, Any], code: str, *, liable: bool = True) -> None:
        """Another area for the customer of an invoice."""
        number = f"ST{row['customer']['id']}"
        self._chosen[number] = (code, liable)
        card = self.company.customers.first("number", number)
        if card is not None:
            self._apply(card)

    def _apply(self, card: Any) -> None:
        code, liable = self._chosen.get(card.number, ("", False))
        area = self.company.tax_areas.first("code", code)
        if area is not None:
            card.tax_area_id, card.tax_liable = area.id, liable


def retaxed(row: dict[str, Any], tax: str) -> None:
    row["salesTax"] = money(tax)
    row["total"] = row["balance"] = money(row["subTotal"]) + money(tax)


def not_posted(office: Office, row: dict[str, Any]) -> None:
    document = office.invoice(row["id"])
    assert not document.posted
    assert receivable(office, row) == []
    assert not [one for one in office.world.company.gl_entries if one.document_number == document.number]
    assert office.standing("invoices", row["id"]) == ("held", "draft-differs")


@pytest.fixture
def areas(office: Office) -> Areas:
    """Every customer has the tax area of the zone that its invoices are in."""
    return Areas(office)


@pytest.fixture
def computed(office: Office, areas: Areas) -> Office:
    """Business Central computes the tax."""
    office.edit_config(BY_LINE, BY_BUSINESS_CENTRAL)
    return office


def test_the_tax_of_servicetitan_stands_on_its_zones_account_whatever_made_it(office: Office) -> None:
    by_id = invoice_of(office, "several_tax_authorities")
    by_id["salesTaxCode"] = None
    office.run("invoices")
    zones = mapping_of(office.config)["tax_zones"]
    for name in TAXED:
        row = invoice_of(office, name)
        zone = "Glendale" if row is by_id else row["salesTaxCode"]["name"]
        assert money(row["salesTax"]) > 0, name
        assert on_account(office, row, zones[zone]) == -money(row["salesTax"]), name
        assert receivable(office, row) == [money(row["total"])], name
        assert office.invoice(row["id"]).total_tax == 0, name
    church = invoice_of(office, "exempt_customer")
    assert on_account(office, church, zones["Tempe"]) == 0
    assert receivable(office, church) == [money("250.00")]
    nowhere = invoice_of(office, "tax_without_zone")
    assert office.standing("invoices", nowhere["id"]) == ("held", "tax-without-zone")
    assert office.invoice(nowhere["id"]) is None


def test_tax_that_business_central_adds_to_the_tax_line_is_named_with_line_and_rate(
    office: Office, areas: Areas
) -> None:
    row = invoice_of(office, "tax_edited_by_hand")
    areas.company.tax_areas.first("code", "AZ-PHX").rates["NONTAXABLE"] = Decimal("8.6")
    office.run("invoices", only=str(row["id"]))
    not_posted(office, row)
    account = mapping_of(office.config)["accounts"]["4100"]
    assert f"line 1 ({account}) at 8.6 percent" in said(office, row)
    assert "invoices.tax.exempt_code" in said(office, row)


def test_tax_that_both_compute_alike_is_posted_to_the_cent(computed: Office) -> None:
    alike = [invoice_of(computed, name) for name in ("tax_zone_id_missing", "tax_without_zone", "tax_rounds_badly")]
    by_id = invoice_of(computed, "three_hundred_lines")
    by_id["salesTaxCode"] = None
    computed.run("invoices")
    for row in alike:
        assert receivable(computed, row) == [money(row["total"])]
        assert computed.invoice(row["id"]).total_tax == money(row["salesTax"]) > 0
    posted = {one.external_document_number: one for one in computed.world.company.invoices if one.posted}
    carried = {key: row for key, row in computed.world.tenant.invoices.items() if f"ST-{key}" in posted}
    assert len(carried) > 60
    for key, row in carried.items():
        assert posted[f"ST-{key}"].total == money(row["total"])
        assert posted[f"ST-{key}"].total_tax == money(row["salesTax"])


def test_every_cause_of_another_tax_is_held_before_posting_and_named(computed: Office, areas: Areas) -> None:
    authorities = invoice_of(computed, "several_tax_authorities")
    by_line = invoice_of(computed, "tax_rounds_badly")
    retaxed(by_line, "0.24")
    old_rate = invoice_of(computed, "tax_zone_id_missing")
    computed.world.company.add_tax_area(
        "AZ-OLD", "Phoenix, last year", rates={"TAXABLE": Decimal("8.3")}, account="22010"
    )
    areas.give(old_rate, "AZ-OLD")
    by_hand = invoice_of(computed, "tax_edited_by_hand")
    school = invoice_of(computed, "tax_on_exempt_customer")
    areas.give(school, "AZ-PHX", liable=False)
    church = invoice_of(computed, "exempt_customer")
    no_line = invoice_of(computed, "tax_without_taxable_line")
    computed.run("invoices")
    words = {
        authorities["id"]: "several authorities each round their own part",
        by_line[
            "id"
        ]: "ServiceTitan's 0.24 is the tax rounded line by line; Business Central rounds once over the document",
        old_rate["id"]: "Business Central taxes at 8.3 percent; the rate of ServiceTitan's zone Phoenix is 8.6",
        by_hand[
            "id"
        ]: "8.6 percent of 120.00 is 10.32; ServiceTitan's 12.00 is 10.000 percent, so its tax was edited by hand",
        school["id"]: "is exempt there (Tax Liable off, or no Tax Area Code on the card)",
        church["id"]: "is exempt in ServiceTitan and Tax Liable in Business Central",
        no_line["id"]: "no line is marked taxable in ServiceTitan",
    }
    for row in (authorities, by_line, old_rate, by_hand, school, church, no_line):
        not_posted(computed, row)
        assert words[row["id"]] in said(computed, row)
        assert f"ServiceTitan's is {money(row['salesTax'])}" in said(computed, row)
    writes = len(computed.writes())
    computed.run("invoices")
    assert len(computed.writes()) == writes, "a draft that differs was touched again"
    for row in (authorities, by_line, old_rate, by_hand, school, church, no_line):
        not_posted(computed, row)
        assert words[row["id"]] in said(computed, row), "the second run forgot the cause"


def test_a_draft_that_differs_is_posted_once_either_side_is_corrected(computed: Office, areas: Areas) -> None:
    by_hand = invoice_of(computed, "tax_edited_by_hand")
    old_rate = invoice_of(computed, "tax_zone_id_missing")
    computed.world.company.add_tax_area(
        "AZ-OLD", "Phoenix, last year", rates={"TAXABLE": Decimal("8.3")}, account="22010"
    )
    areas.give(old_rate, "AZ-OLD")
    computed.run("invoices")
    draft = computed.invoice(old_rate["id"])
    assert f"delete draft {draft.number}" in said(computed, old_rate)
    retaxed(by_hand, "10.32")
    computed.world.tenant.touch("invoices", by_hand["id"])
    areas.give(old_rate, "AZ-PHX")
    computed.world.company.invoices.delete(draft)
    computed.run("invoices")
    for row in (by_hand, old_rate):
        assert receivable(computed, row) == [money(row["total"])]
        assert computed.standing("invoices", row["id"]) == ("settled", "posted")
