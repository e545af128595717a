"""The accounting module: what is read there, and the few things an integration may write.

Not modelled: creating adjustments and payments, editing invoices and payments, custom fields' definitions,
deposits, journal entries, AP bills, credits and payments.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from stsync.sandbox.servicetitan import bodies, rows, views
from stsync.sandbox.servicetitan.errors import Invalid, Refusal, not_found
from stsync.sandbox.servicetitan.listing import Listing
from stsync.sandbox.servicetitan.parameters import (
    Parameter,
    accepted,
    before,
    contains,
    equals,
    not_above,
    not_below,
    on_or_after,
    one_of,
    read_boolean,
    read_choice,
    read_choices,
    read_day,
    read_decimal,
    read_ids,
    read_integer,
    read_list,
    reference,
    references,
    unmodelled,
)
from stsync.sandbox.servicetitan.routes import (
    Endpoint,
    feed_endpoint,
    json_body,
    list_endpoint,
    row_endpoint,
)
from stsync.sandbox.servicetitan.table import Row
from stsync.sandbox.servicetitan.tenant import Tenant
from stsync.sandbox.wsgi import Request, Response

_STATUSES = ("Pending", "Posted", "Exported")
_REVIEWS = ["NeedsReview", "OnHold", "Reviewed", "PendingApproval", "Rejected", "ReadyForBilling", "Invoiced"]
_KINDS = [
    "JobInvoice",
    "ProjectInvoice",
    "CounterSales",
    "MembershipInvoice",
    "InterestChargeInvoice",
    "ARImportInvoice",
]
_BATCH = (reference("batchId", "batch", "id"), equals("batchNumber", "batch", "number"))
_COMPARERS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "Equals": lambda amount, bound: amount == bound,
    "NotEquals": lambda amount, bound: amount != bound,
    "Greater": lambda amount, bound: amount > bound,
    "Less": lambda amount, bound: amount < bound,
}


def _applied_to_any(row: Row, wanted: list[int]) -> bool:
    return any(one["appliedTo"] in wanted for one in row["appliedTo"] or ())


def _applied_to_number(row: Row, wanted: str) -> bool:
    return any(one["appliedToReferenceNumber"] == wanted for one in row["appliedTo"] or ())


_INVOICES = Listing(
    "invoices",
    (
        Parameter("statuses", read_choices(*_STATUSES), lambda row, wanted: row["syncStatus"] in wanted),
        *_BATCH,
        reference("jobId", "job", "id"),
        equals("jobNumber", "job", "number"),
        reference("businessUnitId", "businessUnit", "id"),
        reference("customerId", "customer", "id"),
        on_or_after("invoicedOnOrAfter", "invoiceDate"),
        before("invoicedOnBefore", "invoiceDate"),
        reference("adjustmentToId", "adjustmentToId"),
        equals("number", "referenceNumber"),
        not_below("totalGreater", "total"),
        not_above("totalLess", "total"),
        on_or_after("dueDateOnOrAfter", "dueDate"),
        before("dueDateBefore", "dueDate"),
        one_of("reviewStatuses", "reviewStatus", read_choices(*_REVIEWS)),
        one_of("invoiceConfigurations", "invoiceConfiguration", read_choices(*_KINDS)),
        Parameter(
            "assignedToIds",
            lambda values: [read_integer([one]) for one in values],
            lambda row, wanted: (row["assignedTo"] or {}).get("id") in wanted,
        ),
    ),
    sorts=("Id", "ModifiedOn", "CreatedOn", "InvoiceDate"),
    active="state",
    custom=True,
    render=views.invoice,
    extra=frozenset({"orderBy", "orderByDirection", "balanceFilter.Balance", "balanceFilter.Comparer"}),
)

_PAYMENTS = Listing(
    "payments",
    (
        Parameter("appliedToInvoiceIds", read_ids, _applied_to_any),
        Parameter("appliedToReferenceNumber", lambda values: values[-1], _applied_to_number),
        *_BATCH,
        references("businessUnitIds", "businessUnit", "id"),
        reference("customerId", "customer", "id"),
        references("depositIds", "deposit", "id"),
        on_or_after("paidOnAfter", "date"),
        before("paidOnBefore", "date"),
        one_of("statuses", "syncStatus", read_choices(*_STATUSES, comma=True)),
        not_below("totalGreater", "total"),
        not_above("totalLess", "total"),
        accepted("transactionType", read_choice("Undefined", "JournalEntry", "ReceivePayment")),
    ),
    sorts=("Id", "ModifiedOn", "CreatedOn"),
    active="state",
    custom=True,
    render=views.money,
)

_BILL_FILTERS = (
    *_BATCH,
    equals("billNumber", "referenceNumber"),
    references("businessUnitIds", "businessUnit", "id"),
    on_or_after("dateFrom", "billDate"),
    Parameter("dateTo", read_day, lambda row, last: str(row["billDate"])[:10] <= last.isoformat()),
    equals("jobNumber", "jobNumber"),
    one_of("syncStatuses", "syncStatus", read_choices(*_STATUSES, "PostedAndExported")),
    not_below("minCost", "billAmount"),
    not_above("maxCost", "billAmount"),
    accepted("billType", read_choice("NotSet", "Procurement", "ApBill", "RecurringBill")),
    *unmodelled(
        "purchaseOrderNumber",
        "purchaseOrderTypes",
        "dateReconciledBefore",
        "dateReconciledOnOrAfter",
        "threeWayMatchDiscrepancy",
    ),
)

_ACCOUNTS = Listing(
    "gl_accounts",
    (
        *(one_of(f"{key}s", key, read_list) for key in ("name", "number", "type", "subtype")),
        contains("description", "description"),
        one_of("source", "source", read_choices("Undefined", "AccountingSystem", "ManuallyCreated", "PublicApi")),
        Parameter("isIntacctGroup", read_boolean, lambda row, wanted: row["isIntacctGroup"] == wanted),
        Parameter("isIntacctBankAccount", read_boolean, lambda row, wanted: row["isIntacctBankAccount"] == wanted),
    ),
    sorts=("Id", "Name", "Number", "CreatedOn", "ModifiedOn"),
)

_CREDIT_MEMOS = Listing(
    "credit_memos",
    (
        references("businessUnitIds", "businessUnit", "id"),
        Parameter("appliedToInvoiceIds", read_ids, _applied_to_any),
        Parameter("appliedToReferenceNumber", lambda values: values[-1], _applied_to_number),
        Parameter("dateOnOrAfter", read_day, lambda row, day: row["date"] >= day.isoformat()),
        Parameter("dateBefore", read_day, lambda row, day: row["date"] < day.isoformat()),
        *_BATCH,
        *unmodelled("appliedBefore", "appliedOnOrAfter", "totalFilter.Amount", "totalFilter.Comparer"),
        *unmodelled("balanceFilter.Amount", "balanceFilter.Comparer"),
    ),
    sorts=("Id", "ModifiedOn", "CreatedOn"),
    custom=True,
    render=views.money,
)

_CREDIT_ITEM_FILTERS = (references("businessUnitIds", "businessUnit", "id"),)
_ITEM_SORTS = ("Id", "CreatedOn")


def _invoice_list(tenant: Tenant, request: Request, _names: dict[str, str]) -> Response:
    return _INVOICES.answer(tenant, request, only=_balance_filter(request))


def _balance_filter(request: Request) -> Any:
    given = {key: request.query_all.get(f"balanceFilter.{key}") for key in ("Balance", "Comparer")}
    if given["Balance"] is None:
        return None
    try:
        bound = read_decimal(given["Balance"])
        compare = _COMPARERS[read_choice(*_COMPARERS)(given["Comparer"] or ["Equals"])]
    except ValueError as error:
        raise Invalid({"balanceFilter": [str(error)]}) from None
    return lambda row: compare(Decimal(row["balance"]), bound)


def _credit_memo_items(tenant: Tenant, request: Request, names: dict[str, str]) -> Response:
    if int(names["id"]) not in tenant.credit_memos:
        raise not_found()
    listing = Listing(
        "credit_memo_items",
        _CREDIT_ITEM_FILTERS,
        _ITEM_SORTS,
        ids=False,
        modified=False,
        render=views.without_credit_memo,
    )
    return listing.answer(tenant, request, only=lambda row: row["creditMemoId"] == int(names["id"]))


_EXPORTED = {"externalId": bodies.nullable(bodies.text), "externalMessage": bodies.nullable(bodies.text)}


def _mark_exported(table: str, key: str) -> Any:
    def answer(tenant: Tenant, request: Request, _names: dict[str, str]) -> Response:
        fields = {key: bodies.integer, **_EXPORTED}
        given = bodies.checked_rows(json_body(request), fields, (key,))
        _check_ceiling(tenant, given)
        return Response(200, [_mark_one(tenant, table, key, one) for one in given])

    return answer


def _check_ceiling(tenant: Tenant, given: list[Any]) -> None:
    ceiling = tenant.switches.mark_exported_ceiling
    if ceiling is not None and len(given) > ceiling:
        raise Invalid({"": [f"No more than {ceiling} rows are allowed."]})


def _mark_one(tenant: Tenant, table: str, key: str, given: dict[str, Any]) -> Row:
    # Trap 3: the call answers 200 whatever happens; each row says how it went.
    row = tenant.tables[table].get(given[key])
    problem = None
    if row is None:
        problem = f"{key[:-2].capitalize()} {given[key]} was not found."
    elif tenant.switches.mark_exported_needs_posted and row["syncStatus"] == "Pending":
        problem = "The transaction must be posted before it is exported."
    problem = problem or tenant.switches.mark_exported_failures.get(given[key])
    if row is None or problem:
        return {key: given[key], "success": False, "errorMessage": problem}
    row["syncStatus"] = "Exported"
    if "exportId" in row and given.get("externalId") is not None:
        row["exportId"] = given["externalId"]
    tenant.touch(table, row["id"])
    return {key: row["id"], "success": True, "errorMessage": None}


def _mark_bills_exported(tenant: Tenant, request: Request, _names: dict[str, str]) -> Response:
    fields = {"inventoryBillIds": bodies.array(bodies.integer)}
    given = bodies.checked(json_body(request), fields, ("inventoryBillIds",))
    ids = given["inventoryBillIds"]
    _check_ceiling(tenant, ids)
    marked = [_mark_one(tenant, "inventory_bills", "inventoryBillId", {"inventoryBillId": one}) for one in ids]
    return Response(200, marked)


def _payments_status(tenant: Tenant, request: Request, _names: dict[str, str]) -> Response:
    fields = {"paymentIds": bodies.array(bodies.integer), "status": bodies.one_of(*_STATUSES)}
    given = bodies.checked(json_body(request), fields, ("paymentIds", "status"))
    missing = [one for one in given["paymentIds"] if one not in tenant.payments]
    if missing:
        # No per-row result exists (trap 3), so one unknown id can only refuse the whole call.
        raise Invalid({"paymentIds": [f"Payment {one} was not found." for one in missing]})
    for payment_id in given["paymentIds"]:
        tenant.payments[payment_id]["syncStatus"] = given["status"]
        tenant.touch("payments", payment_id)
    return Response.empty(200)


_ACCOUNT_FIELDS = dict.fromkeys(("name", "number", "description", "type", "subtype"), bodies.nullable(bodies.text))


def _create_account(tenant: Tenant, request: Request, _names: dict[str, str]) -> Response:
    given = bodies.checked(json_body(request), _ACCOUNT_FIELDS, ("name",))
    if any(row["name"] == given["name"] for row in tenant.gl_accounts.values()):
        raise Refusal(409, "An account with this name exists.")
    made = tenant.add("gl_accounts", rows.blank("gl_accounts", {**given, "source": "PublicApi"}))
    return Response(201, made)


def endpoints() -> list[Endpoint]:
    """All endpoints of the module."""
    return [*_invoices(), *_payments(), *_reference_lists(), *_bills(), *_credit_memos()]


def _invoices() -> list[Endpoint]:
    scope = "tn.acc.invoices"
    mark = _mark_exported("invoices", "invoiceId")
    return [
        Endpoint("GET", "accounting", "invoices", f"{scope}:r", _invoice_list, _INVOICES.parameters),
        Endpoint("POST", "accounting", "invoices/markasexported", f"{scope}:w", mark),
        feed_endpoint("accounting", "export/invoices", scope, "invoices", views.invoice),
        feed_endpoint("accounting", "export/invoice-items", "tn.acc.invoiceitems", "invoice_items", views.invoice_item),
    ]


def _payments() -> list[Endpoint]:
    scope = "tn.acc.payments"
    return [
        list_endpoint("accounting", "payments", scope, _PAYMENTS),
        Endpoint("POST", "accounting", "payments/status", f"{scope}:w", _payments_status),
        feed_endpoint("accounting", "export/payments", scope, "payments", views.money),
    ]


def _reference_lists() -> list[Endpoint]:
    kinds, terms, zones = "tn.acc.paymenttypes", "tn.acc.paymentterms", "tn.acc.taxzones"
    accounts = "tn.acc.glaccounts"
    types = Listing("payment_types", modified=False, render=views.without_activity)
    by_name = ("Id", "Name", "CreatedOn")
    account_types = Listing("gl_account_types", (one_of("names", "name", read_list),), by_name)
    return [
        list_endpoint("accounting", "payment-types", kinds, types),
        row_endpoint("accounting", "payment-types/{id}", kinds, "payment_types", views.without_activity),
        list_endpoint("accounting", "payment-terms", terms, Listing("payment_terms", sorts=by_name, active=None)),
        row_endpoint("accounting", "payment-terms/{id}", terms, "payment_terms"),
        list_endpoint("accounting", "tax-zones", zones, Listing("tax_zones", sorts=by_name)),
        list_endpoint("accounting", "gl-accounts", accounts, _ACCOUNTS),
        list_endpoint("accounting", "gl-accounts/types", accounts, account_types),
        # Facts 1.3 and trap 38: by id, only active accounts are found.
        row_endpoint(
            "accounting", "gl-accounts/{id}", accounts, "gl_accounts", visible=lambda row: bool(row["active"])
        ),
        Endpoint("POST", "accounting", "gl-accounts", f"{accounts}:w", _create_account),
    ]


def _bills() -> list[Endpoint]:
    scope = "tn.acc.inventorybills"
    # Trap 4: the older form answers a bare array although it takes pages.
    bare = Listing("inventory_bills", _BILL_FILTERS, active=None, custom=True, bare=True, render=views.without_activity)
    paged = Listing("inventory_bills", _BILL_FILTERS, active=None, custom=True, render=views.without_activity)
    return [
        list_endpoint("accounting", "inventory-bills", scope, bare),
        list_endpoint("accounting", "inventory-bills/paginated", scope, paged),
        Endpoint("POST", "accounting", "inventory-bills/markasexported", f"{scope}:w", _mark_bills_exported),
        feed_endpoint("accounting", "export/inventory-bills", scope, "inventory_bills"),
    ]


def _credit_memos() -> list[Endpoint]:
    scope = "tn.acc.creditmemos"
    parents = Parameter("creditMemoIds", read_ids, lambda row, wanted: row["creditMemoId"] in wanted)
    all_items = Listing("credit_memo_items", (*_CREDIT_ITEM_FILTERS, parents), _ITEM_SORTS, ids=False, modified=False)
    item_names = all_items.parameters - {"creditMemoIds"}
    mark = _mark_exported("credit_memos", "creditMemoId")
    return [
        list_endpoint("accounting", "credit-memos", scope, _CREDIT_MEMOS),
        list_endpoint("accounting", "credit-memos/credit-memo-items", scope, all_items),
        Endpoint("GET", "accounting", "credit-memos/{id}/items", f"{scope}:r", _credit_memo_items, item_names),
        Endpoint("POST", "accounting", "credit-memos/markasexported", f"{scope}:w", mark),
    ]
