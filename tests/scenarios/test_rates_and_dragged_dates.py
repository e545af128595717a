"""Doctor's comparison of tax rates by zone, and a server that reads the facts about dates the other way."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from office import Office

from stsync.config.load import load
from stsync.core.mapping import Mapping
from stsync.credentials import Credentials, Identity
from stsync.sandbox.businesscentral.accounting import sales_headers
from stsync.sandbox.company import chart
from stsync.setup import connections
from stsync.setup.checks import Check
from stsync.setup.tax_checks import rate_checks
from stsync.wiring import Wiring


def scenario(office: Office, name: str) -> dict[str, Any]:
    kind, source_id = office.world.demo.scenarios[name][-1]
    assert kind == "invoices"
    row: dict[str, Any] = office.world.tenant.invoices[source_id]
    return row


def _rates(office: Office) -> list[Check]:
    config = load(office.config)
    wiring = Wiring(config, Mapping.of(config.mapping.tables()), Credentials(Identity.of(config)))
    zones = connections.servicetitan(config, wiring.credentials).tax_zones()
    return list(rate_checks(config, wiring.credentials, zones, wiring.state_path))


def test_doctor_compares_the_rates_of_each_zone_with_the_latest_invoice(office: Office) -> None:
    row = scenario(office, "tax_zone_id_missing")
    zone = chart.ZONE[row["salesTaxCode"]["name"]]
    office.world.tenant.touch("customers", row["customer"]["id"])
    office.run("customers")
    office.edit_config("method: line", "method: business_central\n    taxable_code: TAXABLE")
    card = next(one for one in office.world.company.customers if one.number == f"ST{row['customer']['id']}")
    area = next(one for one in office.world.company.tax_areas if one.code == zone.area)
    card.tax_area_id, card.tax_liable = area.id, True
    office.run("invoices", only=str(row["id"]))
    assert office.invoice(row["id"]).posted
    rates = {one.name: one for one in _rates(office)}
    assert "the same on the latest invoice of 1 zone" in rates["tax rates"].found
    assert "not known yet" in rates["tax rates not seen"].found
    for rate in office.world.tenant.tables["tax_zones"][zone.id]["rates"]:
        rate["taxRate"] += Decimal("0.001")
    differing = next(one for one in _rates(office) if one.name == f"tax rate of {zone.name}")
    assert f"Business Central used {(zone.rate * 100).normalize():f}" in differing.found


def test_a_server_that_drags_the_document_date_along_is_put_right_before_posting(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Facts section 16: a posting date drags the document date, unless that is sent after it."""
    row = scenario(office, "closed_period")
    text = office.config.read_text(encoding="utf-8")
    office.config.write_text(f"{text}\nposting_dates:\n  closed: first_open_day\n", encoding="utf-8")
    write = sales_headers.write_field

    def dragging(company: Any, document: Any, name: str, value: Any) -> None:
        write(company, document, name, value)
        if name == "postingDate" and not document.number:
            document.document_date = value

    monkeypatch.setattr(sales_headers, "write_field", dragging)
    office.run("invoices")
    document = office.invoice(row["id"])
    assert document.posted
    assert (document.document_date, document.posting_date) == (date(2026, 5, 28), date(2026, 6, 1))
    assert document.due_date == date.fromisoformat(row["dueDate"][:10])
