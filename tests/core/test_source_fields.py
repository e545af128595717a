"""ServiceTitan's fields in the spellings that its facts leave open, and the line to what is no longer readable."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stsync.core.source import fields
from stsync.core.source.fields import UnknownShape
from stsync.core.source.invoice import Invoice
from stsync.core.source.item import Sku
from stsync.core.source.payment import Payment


@pytest.mark.parametrize("written", [9007199254740993, "9007199254740993"])
def test_an_id_is_the_same_as_a_number_and_as_text(written):
    assert fields.record_id({"id": written}) == "9007199254740993"


@pytest.mark.parametrize("written", ["", "0", 0, -1, "-1", "1.0", "١", True, None, Decimal("1.5"), "9" * 20])
def test_what_is_no_id_is_never_taken_for_one(written):
    with pytest.raises(UnknownShape):
        fields.record_id({"id": written})


def test_a_payment_is_the_same_in_either_spelling():
    usual = {
        "id": 7,
        "typeId": "12",
        "total": "10.50",
        "appliedTo": [{"appliedTo": 5, "appliedAmount": "10.50"}],
        "date": "2026-06-03T00:00:00Z",
        "customer": {"id": 3, "name": "Ray"},
    }
    other = {
        "id": "7",
        "typeId": 12,
        "total": Decimal("10.50"),
        "appliedTo": [{"appliedTo": "5", "appliedAmount": Decimal("10.50")}],
        "date": "2026-06-03",
        "customer": {"id": "3", "name": "Ray"},
    }
    assert Payment.parse(usual) == Payment.parse(other)
    assert Payment.parse({**usual, "appliedTo": None}).unapplied == Decimal("10.50")


def test_a_tax_zone_may_be_given_by_its_number_alone():
    row = {"id": 1, "subTotal": "0", "total": "0", "taxZoneId": 701, "items": None}
    zone = Invoice.parse(row).tax_zone
    assert zone is not None
    assert (zone.id, zone.name) == ("701", "")


def test_an_unreadable_pricebook_entry_keeps_its_code_taken():
    sku = Sku.unreadable("service", {"id": {}, "code": "TUNE-UP"})
    assert (sku.kind, sku.code) == ("unreadable service", "TUNE-UP")
