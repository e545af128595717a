"""The 40 traps of the ServiceTitan facts (section 9), by number: shown on the simulator, or not the server's affair."""

from __future__ import annotations

import inspect
import re
import sys
from decimal import Decimal

import pytest

from stsync.sandbox.servicetitan import Line
from stsync.sandbox.wsgi import BadJson

D = Decimal

NOT_ABOUT_THE_SERVER = {
    5: "creating adjustments through the API is not served; the office books them",
    6: "PATCH payments is not served; the office changes payments",
    33: "webhooks are not served",
    34: "webhooks are not served",
    35: "webhooks are not served",
    39: "about clients built on an old specification; the contract test holds us to the new one",
    40: "about fixtures; the contract test holds ours to the official specification",
}


def test_all_40_traps_are_shown_or_explained():
    shown = {int(m[1]) for name in dir(sys.modules[__name__]) if (m := re.match(r"test_trap_(\d+)_", name))}
    assert not shown & set(NOT_ABOUT_THE_SERVER)
    assert shown | set(NOT_ABOUT_THE_SERVER) == set(range(1, 41))
    assert all(inspect.isfunction(f) for n, f in globals().items() if n.startswith("test_trap_"))


def test_trap_01_money_is_text_on_documents_and_a_number_elsewhere(bench):
    invoice = bench.get("accounting/invoices")["data"][0]
    assert (invoice["total"], invoice["items"][0]["price"]) == ("97.00", "100.00")
    assert bench.get("accounting/payments")["data"][0]["appliedTo"][0]["appliedAmount"] == "40.00"
    assert bench.get("accounting/inventory-bills")[0]["billAmount"] == "81.50"
    assert bench.get(f"crm/customers/{bench.ids['customer']}")["balance"] == D("42.00")
    assert bench.get("accounting/credit-memos")["data"][0]["total"] == D("5.00")
    raw = bench.call("GET", f"pricebook/services/{bench.ids['services']}").encoded()
    assert b'"price":10.10' in raw
    wrong = bench.call("PATCH", f"pricebook/services/{bench.ids['services']}", json={"price": "10.10"})
    assert (wrong.status, list(wrong.json()["errors"])) == (400, ["price"])


@pytest.mark.parametrize("kind", ["invoices", "payments", "inventory-bills"])
def test_trap_02_documents_have_no_get_by_id(bench, kind):
    row_id = bench.ids[{"invoices": "invoice", "payments": "payment"}.get(kind, "bill")]
    response = bench.call("GET", f"accounting/{kind}/{row_id}")
    assert response.status == 404
    with pytest.raises(BadJson):
        response.json()
    listed = bench.get(f"accounting/{kind}?ids={row_id}")
    assert [row["id"] for row in (listed if isinstance(listed, list) else listed["data"])] == [row_id]


def test_trap_02_fifty_ids_are_the_most_except_on_invoices(bench):
    many = ",".join(map(str, range(1, 52)))
    assert list(bench.refusal(f"accounting/payments?ids={many}")) == ["ids"]
    assert bench.get(f"accounting/invoices?ids={many}")["data"] == []
    bench.tenant.switches.invoice_ids_ceiling = 50
    assert list(bench.refusal(f"accounting/invoices?ids={many}")) == ["ids"]


def test_trap_03_payments_status_answers_nothing_and_markasexported_hides_failures_in_200(bench):
    payment = bench.ids["payment"]
    answer = bench.call("POST", "accounting/payments/status", json={"paymentIds": [payment], "status": "Exported"})
    assert (answer.status, answer.encoded()) == (200, b"")
    assert bench.tenant.payments[payment]["syncStatus"] == "Exported"
    assert bench.call("PATCH", "accounting/payments/status", json={}).status == 404
    marked = bench.call(
        "POST",
        "accounting/invoices/markasexported",
        json=[{"invoiceId": bench.ids["invoice"], "externalId": "BC-7"}, {"invoiceId": 5}],
    )
    assert marked.status == 200
    assert [row["success"] for row in marked.json()] == [True, False]
    assert bench.get("accounting/invoices")["data"][0]["exportId"] == "BC-7"


def test_trap_04_some_bodies_are_bare_arrays(bench):
    path = "accounting/invoices/markasexported"
    assert bench.call("POST", path, json={"invoices": []}).status == 400
    assert isinstance(bench.get("accounting/inventory-bills"), list)
    assert bench.get("accounting/inventory-bills/paginated")["hasMore"] is False


def test_trap_07_a_change_reaches_the_feed_after_fifteen_minutes(bench):
    assert bench.get("accounting/export/invoices")["data"] == []
    bench.wait(minutes=14, seconds=59)
    assert bench.get("accounting/export/invoices")["data"] == []
    bench.wait(seconds=1)
    assert len(bench.get("accounting/export/invoices")["data"]) == 1


def test_trap_08_recent_changes_come_at_once_and_again(bench):
    path = "accounting/export/payments?includeRecentChanges=true"
    first = bench.get(path)
    again = bench.get(f"{path}&from={first['continueFrom']}")
    assert [row["id"] for row in first["data"]] == [row["id"] for row in again["data"]] == [bench.ids["payment"]]
    bench.wait(minutes=15)
    last = bench.get(f"{path}&from={again['continueFrom']}")
    assert bench.get(f"{path}&from={last['continueFrom']}")["data"] == []


def test_trap_09_a_token_is_good_for_its_own_feed_only_and_can_be_used_again(bench):
    bench.wait(minutes=20)
    token = bench.get("accounting/export/invoices")["continueFrom"]
    assert list(bench.refusal(f"accounting/export/payments?from={token}")) == ["from"]
    bench.tenant.renumber_invoice(bench.ids["invoice"], "R-1")
    bench.wait(minutes=20)
    replayed = [bench.get(f"accounting/export/invoices?from={token}")["data"] for _ in range(2)]
    assert replayed[0] == replayed[1]
    assert replayed[0][0]["referenceNumber"] == "R-1"


def test_trap_10_an_empty_page_need_not_be_the_last(bench):
    bench.tenant.switches.export_empty_page_every = 1
    bench.wait(minutes=20)
    pages = list(bench.feed("accounting/export/invoices"))
    assert [len(page) for page in pages] == [0, 1]


def test_trap_11_a_plus_that_is_not_encoded_is_no_sort(bench):
    assert list(bench.refusal("accounting/invoices?sort=+ModifiedOn")) == ["sort"]
    assert bench.get("accounting/invoices?sort=%2BModifiedOn")["data"]


def test_trap_12_lists_hide_what_is_inactive_and_exports_show_it(bench):
    tenant, ids = bench.tenant, bench.ids
    tenant.void_payment(ids["payment"])
    tenant.void_invoice(ids["invoice"])
    tenant.deactivate("customers", ids["customer"])
    bench.wait(minutes=20)
    for path in ("accounting/payments", "accounting/invoices", "crm/customers"):
        assert bench.get(path)["data"] == []
        module, _, rest = path.partition("/")
        assert [row["active"] for row in bench.get(f"{module}/export/{rest}")["data"]] == [False]
    assert len(bench.get("accounting/payments?activeState=All")["data"]) == 1
    assert len(bench.get("accounting/invoices?activeState=InactiveOnly")["data"]) == 1
    assert len(bench.get("crm/customers?active=Any")["data"]) == 1


@pytest.mark.parametrize(
    "path",
    [
        "crm/customers?active=true",
        "crm/customers?active=ActiveOnly",
        "crm/customers?activeState=All",
        "accounting/payments?active=Any",
        "accounting/payments?activeState=all",
        "accounting/payment-terms?active=True",
    ],
)
def test_trap_13_the_activity_filter_has_three_dialects(bench, path):
    assert bench.refusal(path)


def test_trap_14_a_batched_invoice_is_still_pending(bench):
    bench.tenant.batch([bench.ids["invoice"]])
    row = bench.get("accounting/invoices?statuses=Pending&statuses=Exported")["data"][0]
    assert (row["syncStatus"], row["batch"]["name"][:5]) == ("Pending", "Batch")


def test_trap_15_exported_does_not_mean_booked(bench):
    bench.tenant.bypass([bench.ids["invoice"]])
    row = bench.get("accounting/invoices?statuses=Exported")["data"][0]
    assert row["exportId"] is None


def test_trap_16_posted_and_exported_rows_still_change(bench):
    tenant, invoice = bench.tenant, bench.ids["invoice"]
    tenant.post_batch([invoice])
    bench.wait(days=1)
    tenant.unpost([invoice])
    tenant.edit_invoice(invoice, lines=[Line("Repair", D("80.00"))], tax=D("0.00"))
    row = bench.get("accounting/invoices")["data"][0]
    assert (row["syncStatus"], row["total"], row["modifiedOn"]) == ("Pending", "80.00", "2026-11-03T12:00:00Z")


def test_trap_17_a_zero_invoice_can_carry_revenue(bench):
    tenant, ids = bench.tenant, bench.ids
    liability = tenant.add_gl_account("2400", "Deferred Revenue", "Liability")
    lines = [
        Line("Visit", D("99.00"), gl_account_id=ids["account"]),
        Line("Deferred", D("-99.00"), gl_account_id=liability),
    ]
    made = tenant.book_invoice(ids["customer"], lines, business_unit_id=ids["unit"])
    row = bench.get(f"accounting/invoices?ids={made}")["data"][0]
    assert (row["total"], [item["total"] for item in row["items"]]) == ("0.00", ["99.00", "-99.00"])


def test_trap_18_lines_have_their_own_business_unit(bench):
    row = bench.get("accounting/invoices")["data"][0]
    assert row["businessUnit"]["name"] == "HVAC"
    assert [item["businessUnit"]["name"] for item in row["items"]] == ["HVAC", "Plumbing"]


def test_trap_19_an_account_can_be_a_liability_or_missing(bench):
    items = bench.get("accounting/invoices")["data"][0]["items"]
    assert items[0]["generalLedgerAccount"]["number"] == "4000"
    assert items[1]["generalLedgerAccount"] is None


def test_trap_20_tax_can_be_typed_in_by_hand(bench):
    bench.tenant.edit_invoice(bench.ids["invoice"], tax=D("3.33"))
    row = bench.get("accounting/invoices")["data"][0]
    assert (row["subTotal"], row["salesTax"], row["total"]) == ("90.00", "3.33", "93.33")


def test_trap_21_numbers_change_and_repeat(bench):
    tenant, ids = bench.tenant, bench.ids
    twin = tenant.book_invoice(ids["customer"], [Line("X", D("1.00"))], business_unit_id=ids["unit"], number="R-1")
    tenant.renumber_invoice(ids["invoice"], "R-1")
    assert {row["id"] for row in bench.get("accounting/invoices?number=R-1")["data"]} == {ids["invoice"], twin}


def test_trap_22_dates_are_midnights_in_utc(bench):
    assert bench.get("accounting/invoices")["data"][0]["invoiceDate"] == "2026-11-02T00:00:00Z"


def test_trap_23_merged_customers_point_on_and_their_locations_move(bench):
    tenant, ids = bench.tenant, bench.ids
    survivor = tenant.add_customer("Bob Ames")
    last = tenant.add_customer("Family Ames")
    tenant.merge_customers(ids["customer"], survivor)
    tenant.merge_customers(survivor, last)
    loser = bench.get(f"crm/customers/{ids['customer']}")
    assert (loser["active"], loser["mergedToId"], loser["balance"]) == (False, survivor, D("0.00"))
    assert bench.get(f"crm/customers/{last}")["balance"] == D("42.00")
    assert bench.get(f"crm/locations/{ids['location']}")["customerId"] == last
    assert bench.get("accounting/invoices")["data"][0]["customer"]["id"] == ids["customer"]


def test_trap_23_a_merge_can_rewrite_historic_documents(bench):
    bench.tenant.switches.merge_moves_documents = True
    survivor = bench.tenant.add_customer("Bob Ames")
    bench.tenant.merge_customers(bench.ids["customer"], survivor)
    assert bench.get("accounting/invoices")["data"][0]["customer"] == {"id": survivor, "name": "Bob Ames"}


def test_trap_24_a_balance_moves_the_customer_and_a_contact_does_not(bench):
    tenant, ids = bench.tenant, bench.ids
    path = f"crm/customers/{ids['customer']}"
    bench.wait(hours=1)
    tenant.edit_contact(ids["contact"], value="new@example.org")
    assert bench.get(path)["modifiedOn"] == "2026-11-02T12:00:00Z"
    tenant.apply_payment(ids["payment"], ids["invoice"], D("10.00"))
    assert bench.get(path)["modifiedOn"] == "2026-11-02T12:00:00Z", "applying does not change what is owed"
    tenant.take_payment(ids["customer"], D("1.00"), type_id=ids["type"])
    assert bench.get(path)["modifiedOn"] == "2026-11-02T13:00:00Z"
    since = "modifiedOnOrAfter=2026-11-02T12:30:00Z"
    assert len(bench.get(f"crm/customers?{since}")["data"]) == 1
    exclude = "excludeAccountingChangesFromModifiedDateRange=true"
    assert bench.get(f"crm/customers?{since}&{exclude}")["data"] == []


def test_trap_25_re_application_keeps_the_payment_and_changes_the_application(bench):
    tenant, ids = bench.tenant, bench.ids
    before = bench.get("accounting/payments")["data"][0]
    tenant.unapply_payment(ids["payment"], ids["invoice"])
    tenant.apply_payment(ids["payment"], ids["invoice"], D("40.00"))
    after = bench.get("accounting/payments")["data"][0]
    assert before["id"] == after["id"]
    assert before["appliedTo"][0]["appliedTo"] == after["appliedTo"][0]["appliedTo"]
    assert before["appliedTo"][0]["appliedId"] != after["appliedTo"][0]["appliedId"]


def test_trap_26_a_refund_is_a_negative_payment(bench):
    made = bench.tenant.refund_payment(bench.ids["payment"], D("10.00"), type_id=bench.ids["type"])
    row = bench.get(f"accounting/payments?ids={made}")["data"][0]
    assert (row["total"], row["refundedPaymentId"]) == ("-10.00", bench.ids["payment"])


def test_trap_27_ids_are_text_in_places_and_large(bench):
    tenant, ids = bench.tenant, bench.ids
    tenant.post_batch((), [ids["payment"]])
    row = bench.get("accounting/payments")["data"][0]
    assert row["typeId"] == str(ids["type"])
    assert isinstance(row["batch"]["number"], str)
    large = tenant.book_invoice(ids["customer"], (), business_unit_id=ids["unit"], id=2**53 + 1)
    assert bench.get(f"accounting/invoices?ids={large}")["data"][0]["id"] == 9007199254740993


def test_trap_28_terms_are_named_on_invoices_and_numbered_on_customers(bench):
    bench.tenant.edit_invoice(bench.ids["invoice"], termName="Net 30")
    bench.tenant.edit_customer(bench.ids["customer"], paymentTermId=bench.ids["term"])
    assert bench.get("accounting/invoices")["data"][0]["termName"] == "Net 30"
    assert bench.get("crm/customers")["data"][0]["paymentTermId"] == bench.ids["term"]


def test_trap_29_pricebook_reads_and_writes_differ_and_bulk_wants_whole_rows(bench):
    ids = bench.ids
    service = bench.get(f"pricebook/services/{ids['services']}")
    assert service["categories"] == [{"id": ids["category"], "name": "Repairs", "active": True}]
    assert bench.get(f"pricebook/materials/{ids['materials']}")["categories"] == [ids["category"]]
    partial = {"materials": [{"id": ids["materials"], "code": "X-1", "cost": D("2.50")}]}
    refused = bench.call("PATCH", "pricebook/pricebook", json=partial)
    assert refused.status == 400
    assert "materials[0].description" in refused.json()["errors"]
    path = f"pricebook/services/{ids['services']}"
    bench.call("PATCH", path, json={"account": "Service Income"})
    assert bench.get(path)["account"] == "Service Income"
    assert bench.call("PATCH", path, json={"account": None}).status == 400


def test_trap_30_external_data_is_private_and_replaced_by_default(bench):
    guid, other = "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "7f9619ff-8b86-d011-b42d-00cf4fc964ff"
    path = f"pricebook/services/{bench.ids['services']}"

    def write(mode, **pairs):
        data = [{"key": key, "value": value} for key, value in pairs.items()]
        body = {"applicationGuid": guid, "externalData": data, **({"patchMode": mode} if mode else {})}
        assert bench.call("PATCH", path, json={"externalData": body}).status == 200

    def seen(query=f"?externalDataApplicationGuid={guid}"):
        return {one["key"]: one["value"] for one in bench.get(path + query)["externalData"]}

    write(None, bc="S-1", note="a")
    write("Merge", note=None, colour="red")
    assert seen() == {"bc": "S-1", "colour": "red"}
    write(None, colour="blue")
    assert seen() == {"colour": "blue"}
    assert seen("") == seen(f"?externalDataApplicationGuid={other}") == {}


def test_trap_31_the_wait_after_too_many_calls_is_a_second(bench):
    bench.tenant.switches.calls_per_second = 3
    answers = [bench.call("GET", "accounting/tax-zones") for _ in range(3)]
    bench.seconds[0] -= 0.2
    throttled = bench.call("GET", "accounting/tax-zones")
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert throttled.status == 429
    assert throttled.json()["title"].split()[-2] == throttled.header("retry-after") == "1"
    bench.tenant.switches.retry_after_header = False
    assert bench.call("GET", "accounting/tax-zones").header("retry-after") == ""
    bench.seconds[0] += 1
    assert bench.call("GET", "accounting/tax-zones").status == 200


def test_trap_32_a_missing_app_key_is_a_401_although_the_token_is_good(bench):
    answer = bench.call("GET", "accounting/invoices", headers={"Authorization": "Bearer token"})
    assert answer.status == 401
    assert answer.json()["title"] == "Application key not present, check ST-App-Key header value."
    dead = bench.call("GET", "accounting/invoices", headers={"Authorization": "Bearer x", "ST-App-Key": "ak1.test"})
    assert (dead.status, dead.json()["title"]) == (401, "Unauthorized")


def test_trap_36_what_is_not_charged_adds_nothing(bench):
    lines = [Line("Visit", D("50.00")), Line("Screws", D("4.00"), chargeable=False, type="Material")]
    made = bench.tenant.book_invoice(bench.ids["customer"], lines, business_unit_id=bench.ids["unit"])
    row = bench.get(f"accounting/invoices?ids={made}")["data"][0]
    assert (row["subTotal"], [item["total"] for item in row["items"]]) == ("50.00", ["50.00", "4.00"])


def test_trap_37_a_payment_can_be_seen_before_its_invoice(bench):
    bench.wait(minutes=20)
    bench.tenant.renumber_invoice(bench.ids["invoice"], "R-2")
    assert bench.get("accounting/export/invoices")["data"] == []
    payment = bench.get("accounting/export/payments")["data"][0]
    assert payment["appliedTo"][0]["appliedTo"] == bench.ids["invoice"]


def test_trap_38_by_id_terms_and_types_are_found_and_inactive_accounts_are_not(bench):
    tenant, ids = bench.tenant, bench.ids
    for table, key in (("payment_types", "type"), ("payment_terms", "term"), ("gl_accounts", "account")):
        tenant.deactivate(table, ids[key])
    assert bench.call("GET", f"accounting/payment-types/{ids['type']}").status == 200
    assert bench.call("GET", f"accounting/payment-terms/{ids['term']}").status == 200
    assert bench.call("GET", f"accounting/gl-accounts/{ids['account']}").status == 404
    assert bench.get("accounting/payment-types")["data"] == []
    assert len(bench.get("accounting/gl-accounts?active=Any")["data"]) == 1
