"""Pages, filters, gate: what a list endpoint does with what it is asked."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stsync.sandbox.servicetitan import Line

D = Decimal


def _more_invoices(bench, count):
    return [
        bench.tenant.book_invoice(bench.ids["customer"], [Line("X", D(n))], business_unit_id=bench.ids["unit"])
        for n in range(1, count + 1)
    ]


def test_pages_join_to_the_whole_list_and_has_more_ends_them(bench):
    _more_invoices(bench, 4)
    pages = [bench.get(f"accounting/invoices?page={n}&pageSize=2&includeTotal=true") for n in (1, 2, 3, 4)]
    assert [len(page["data"]) for page in pages] == [2, 2, 1, 0]
    assert [page["hasMore"] for page in pages] == [True, True, False, False]
    assert {page["totalCount"] for page in pages} == {5}
    assert bench.get("accounting/invoices")["totalCount"] is None


@pytest.mark.parametrize("query", ["page=0", "pageSize=0", "pageSize=5001", "pageSize=ten", "includeTotal=maybe"])
def test_impossible_pages_are_refused(bench, query):
    assert list(bench.refusal(f"accounting/invoices?{query}")) == [query.split("=")[0]]


def test_everything_wrong_with_a_query_is_named_together(bench):
    wrong = "statuses=posted&modifiedon=1&customerId=x"
    assert set(bench.refusal(f"accounting/invoices?{wrong}")) >= {"modifiedon"}
    bench.tenant.switches.refuse_unknown = False
    assert set(bench.refusal(f"accounting/invoices?{wrong}")) == {"statuses", "customerId"}


def test_modified_bounds_include_the_start_and_exclude_the_end(bench):
    noon = "2026-11-02T12:00:00Z"
    assert len(bench.get(f"accounting/invoices?modifiedOnOrAfter={noon}")["data"]) == 1
    assert bench.get(f"accounting/invoices?modifiedBefore={noon}")["data"] == []
    assert bench.get("accounting/invoices?createdOnOrAfter=2026-11-03")["data"] == []
    named = f"accounting/invoices?ids={bench.ids['invoice']},{bench.ids['invoice'] + 999}"
    assert len(bench.get(f"{named}&modifiedOnOrAfter={noon}")["data"]) == 1
    assert bench.get(f"{named}&modifiedBefore={noon}")["data"] == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("totalGreater=97.00", 1),
        ("totalLess=96.99", 0),
        ("invoicedOnOrAfter=2026-11-02&invoicedOnBefore=2026-11-03", 1),
        ("dueDateBefore=2026-12-02", 0),
        ("balanceFilter.Balance=52.00&balanceFilter.Comparer=Equals", 1),
        ("balanceFilter.Balance=52.00&balanceFilter.Comparer=Greater", 0),
        ("reviewStatuses=Reviewed", 0),
        ("invoiceConfigurations=JobInvoice", 1),
        ("customField.Fields[Route]=North", 0),
        ("orderBy=Id&orderByDirection=desc", 1),
    ],
)
def test_invoice_filters(bench, query, found):
    assert len(bench.get(f"accounting/invoices?{query}")["data"]) == found


def test_payments_are_found_by_the_invoice_they_pay(bench):
    invoice = bench.ids["invoice"]
    assert len(bench.get(f"accounting/payments?appliedToInvoiceIds={invoice}")["data"]) == 1
    assert bench.get("accounting/payments?appliedToInvoiceIds=1")["data"] == []
    assert bench.get("accounting/payments?statuses=Posted,Exported")["data"] == []


def test_a_filter_that_is_not_modelled_says_so_instead_of_being_ignored(bench):
    assert bench.call("GET", "accounting/inventory-bills?purchaseOrderNumber=1").status == 501


def test_bulk_contacts_need_owners_or_a_modified_bound(bench):
    assert list(bench.refusal("crm/customers/contacts")) == ["customerIds"]
    assert bench.get("crm/customers/contacts?modifiedOnOrAfter=2026-01-01")["data"][0]["value"] == "ann@example.org"


def test_sort_by_modification_follows_the_changes(bench):
    first, second = _more_invoices(bench, 2)
    bench.wait(minutes=1)
    bench.tenant.renumber_invoice(first, "R-9")
    order = [row["id"] for row in bench.get("accounting/invoices?sort=-ModifiedOn")["data"]]
    assert order[0] == first
    assert set(order) == {bench.ids["invoice"], first, second}


def test_documents_show_the_names_of_today(bench):
    bench.tenant.edit_customer(bench.ids["customer"], name="Ann Bell")
    bench.tenant.edit("business_units", bench.ids["unit"], name="Heating")
    row = bench.get("accounting/invoices")["data"][0]
    assert (row["customer"]["name"], row["items"][0]["businessUnit"]["name"]) == ("Ann Bell", "Heating")


def test_another_tenant_and_a_missing_scope_are_forbidden(bench):
    from stsync.sandbox.wsgi import Request

    headers = {"Authorization": "Bearer token", "ST-App-Key": "ak1.test"}
    assert bench.api(Request.build("GET", "/accounting/v2/tenant/8/invoices", headers=headers)).status == 403
    bench.tenant.connect("cid.test", "ak1.test", ["tn.acc.invoices:r"])
    assert bench.call("GET", "accounting/invoices").status == 200
    assert bench.call("GET", "accounting/export/invoice-items").status == 403
    assert bench.call("POST", "accounting/invoices/markasexported", json=[]).status == 403


def test_the_app_key_is_also_taken_from_the_query(bench):
    only_token = {"Authorization": "Bearer token"}
    path = "accounting/tax-zones?servicetitanapplicationkey=ak1.test"
    assert bench.call("GET", path, headers=only_token).status == 200


def test_a_taken_code_or_name_is_refused(bench):
    assert bench.call("POST", "pricebook/materials", json={"code": "X-1", "description": "d"}).status == 400
    assert bench.call("POST", "accounting/gl-accounts", json={"name": "Service Income"}).status == 409


def test_a_bulk_call_is_all_or_nothing(bench):
    rows = {"services": [{"code": "N-1", "description": "d"}], "materials": [{"code": "X-1", "description": "d"}]}
    assert bench.call("POST", "pricebook/pricebook", json=rows).status == 400
    assert len(bench.tenant.tables["services"]) == 1


def test_unknown_fields_of_a_body_are_refused(bench):
    answer = bench.call("POST", "pricebook/services", json={"code": "N", "description": "d", "prize": 1})
    assert (answer.status, list(answer.json()["errors"])) == (400, ["prize"])


def test_times_sort_as_times_whatever_their_digits(bench):
    first = bench.ids["invoice"]
    bench.wait(microseconds=500_000)
    (second,) = _more_invoices(bench, 1)
    rows = bench.get("accounting/invoices?sort=%2BCreatedOn")["data"]
    assert [(row["id"], row["createdOn"]) for row in rows] == [
        (first, "2026-11-02T12:00:00Z"),
        (second, "2026-11-02T12:00:00.5000000Z"),
    ]
