"""Fixtures: an environment with a small company."""

from __future__ import annotations

from decimal import Decimal

import pytest
from bc_client import Books


@pytest.fixture
def books() -> Books:
    books = Books()
    company = books.company
    company.add_payment_terms("30D", due="30D")
    company.add_dimension("AREA")
    for value in ("10", "20", "30"):
        company.add_dimension_value("AREA", value, f"Area {value}")
    company.add_tax_group("LABOR")
    company.add_tax_group("PARTS")
    company.add_tax_area("TX", rates={"PARTS": Decimal("8.25")})
    company.add_account("4100", "Installation", category="Income")
    company.add_account("4200", "Closed", blocked=True)
    company.add_account("4300", "Income", account_type="Heading")
    company.add_item("SVC", "Service call", unit_price=Decimal(95))
    company.add_customer("C1", "Ann")
    company.add_customer("C2", "Bob", tax_area="TX", tax_liable=True)
    return books
