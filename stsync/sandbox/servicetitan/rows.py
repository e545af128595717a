"""Blank rows of every kind, with all the keys that ServiceTitan sends: unset ones are null, not missing.

Each builder takes the wire's own names. Conveniences: a Decimal becomes decimal text where the wire has text
(trap 1), a datetime becomes a timestamp, a date becomes a midnight. Not modelled: fields newer than the facts.
"""

from __future__ import annotations

import copy
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from stsync.sandbox.servicetitan.table import Row
from stsync.sandbox.servicetitan.values import midnight, money_text, timestamp

_EPOCH = "2020-01-01T00:00:00Z"
"""When a row was made that does not say."""


def _nulls(names: str) -> Row:
    return dict.fromkeys(names.split())


def named(row_id: int, name: str | None) -> Row:
    """A reference as documents carry it."""
    return {"id": row_id, "name": name}


def gl_reference(account: Row) -> Row:
    """A G/L account as items and payments carry it."""
    kept = {key: account[key] for key in ("id", "name", "number", "type")}
    return {**kept, "detailType": account["subtype"]}


_BLANKS: dict[str, Row] = {
    "invoices": {
        **_nulls(
            "id syncStatus budgetCodeId referenceNumber invoiceDate dueDate subTotal salesTax salesTaxCode "
            "taxZoneId total balance invoiceType customer customerAddress location locationAddress businessUnit "
            "termName createdBy batch depositedOn createdOn modifiedOn adjustmentToId job projectId royalty "
            "employeeInfo commissionEligibilityDate sentStatus reviewStatus assignedTo summary items customFields "
            "active discountTotal importId exportId materialSkuId membershipId paidOn invoiceConfiguration"
        ),
        "syncStatus": "Pending",
        "subTotal": "0.00",
        "salesTax": "0.00",
        "total": "0.00",
        "balance": "0.00",
        "discountTotal": "0.00",
        "sentStatus": "NotSent",
        "reviewStatus": "NeedsReview",
        "invoiceConfiguration": "JobInvoice",
        "active": True,
        "items": [],
        "customFields": [],
    },
    "items": {
        **_nulls(
            "id description quantity cost totalCost budgetCodeId inventoryLocationId inventoryLocation price type "
            "skuName skuId total inventory taxable isChargeable generalLedgerAccount costOfSaleAccount "
            "assetAccount membershipTypeId itemGroup displayName soldHours createdOn modifiedOn serviceDate order "
            "businessUnit createdById displayInAmount importId exportId inventoryStatus addOn memberPrice "
            "technicianId installedEquipmentId estimateItemId"
        ),
        "quantity": "1",
        "cost": "0.00",
        "totalCost": "0.00",
        "price": "0.00",
        "total": "0.00",
        "type": "Service",
        "skuId": 0,
        "membershipTypeId": 0,
        "order": 1,
        "inventory": False,
        "taxable": False,
        "isChargeable": True,
        "displayInAmount": True,
        "addOn": False,
    },
    "payments": {
        **_nulls(
            "id syncStatus referenceNumber date type typeId total unappliedAmount memo customer businessUnit "
            "deposit batch createdBy generalLedgerAccount appliedTo customFields authCode checkNumber createdOn "
            "modifiedOn refundedPaymentId active"
        ),
        "syncStatus": "Pending",
        "total": "0.00",
        "unappliedAmount": "0.00",
        "appliedTo": [],
        "customFields": [],
        "active": True,
    },
    "customers": {
        **_nulls(
            "id active name type address customFields balance taxExempt tagTypeIds doNotMail doNotService "
            "nationalAccount createdOn createdById modifiedOn mergedToId paymentTermId creditLimit "
            "creditLimitBalance externalData"
        ),
        "active": True,
        "type": "Residential",
        "customFields": [],
        "balance": Decimal("0.00"),
        "taxExempt": False,
        "tagTypeIds": [],
        "doNotMail": False,
        "doNotService": False,
        "nationalAccount": False,
        "createdById": 1,
        "externalData": [],
    },
    "contacts": {
        **_nulls("id type value memo modifiedOn createdOn phoneSettings preferences active"),
        "active": True,
    },
    "locations": {
        **_nulls(
            "id customerId active name address customFields createdOn createdById modifiedOn mergedToId zoneId "
            "taxExempt tagTypeIds externalData taxZoneId"
        ),
        "active": True,
        "customFields": [],
        "createdById": 1,
        "taxExempt": False,
        "tagTypeIds": [],
        "externalData": [],
    },
    "business_units": {
        **_nulls(
            "id active name officialName email currency phoneNumber invoiceHeader invoiceMessage defaultTaxRate "
            "authorizationParagraph acknowledgementParagraph address materialSku quickbooksClass accountCode "
            "franchiseId conceptCode corporateContractNumber trade division tagTypeIds tenant createdOn "
            "modifiedOn externalData"
        ),
        "active": True,
        "tagTypeIds": [],
        "externalData": [],
    },
    # `active` is the server's own knowledge: the wire has no such field on payment types (facts 3.6).
    "payment_types": {**_nulls("id name modifiedOn createdOn"), "active": True},
    "payment_terms": {
        **_nulls("id name dueDayType dueDay isCustomerDefault isVendorDefault active inUse modifiedOn createdOn"),
        "dueDayType": "NumberOfDays",
        "dueDay": 30,
        "isCustomerDefault": False,
        "isVendorDefault": False,
        "active": True,
        "inUse": True,
        "paymentTermDiscountModel": _nulls("id discountApplyTo discount discountType account applyBy applyByValue"),
        "interestSettings": {
            **_nulls("id flatRateValue percentageRateValue chargeMethod gracePeriod"),
            "rateType": "Flat",
            "frequency": "Once",
            "targetInvoices": [],
            "taskId": 0,
            "taskDisplayName": "",
        },
    },
    "tax_zones": {
        **_nulls("id name color createdOn modifiedOn"),
        "isTaxRateSeparated": False,
        "isMultipleTaxZone": False,
        "rates": [],
        "active": True,
    },
    "gl_accounts": {
        **_nulls("id name number description type subtype defaultAccountType createdOn modifiedOn"),
        "active": True,
        "isIntacctGroup": False,
        "isIntacctBankAccount": False,
        "source": "ManuallyCreated",
    },
    "gl_account_types": {**_nulls("id parentTypeId name createdOn modifiedOn"), "active": True},
    "inventory_bills": {
        **_nulls(
            "id purchaseOrderId syncStatus referenceNumber vendorNumber summary billDate billAmount taxAmount "
            "shippingAmount createdBy createdOn modifiedOn termName dueDate shipToDescription postDate batch "
            "businessUnit taxZone vendor shipTo budgetCodeId items customFields jobId jobNumber active"
        ),
        "syncStatus": "Pending",
        "billAmount": "0.00",
        "taxAmount": "0.00",
        "shippingAmount": "0.00",
        "items": [],
        "customFields": [],
        "active": True,
    },
    "bill_items": {
        **_nulls(
            "order name description quantity cost inventoryLocation serialNumber generalLedgerAccount "
            "costOfSaleAccount assetAccount id skuId receiptItemId skuType skuCode budgetCodeId"
        ),
        "order": 1,
        "quantity": "1",
        "cost": "0.00",
        "skuType": "Material",
    },
    "credit_memos": {
        **_nulls(
            "id date referenceNumber subTotal salesTax salesTaxCode total balance appliedTo customer "
            "customerAddress location locationAddress businessUnit syncStatus batch customFields createdOn "
            "createdBy modifiedOn modifiedBy description active importId exportId"
        ),
        "subTotal": Decimal("0.00"),
        "salesTax": Decimal("0.00"),
        "total": Decimal("0.00"),
        "balance": Decimal("0.00"),
        "appliedTo": [],
        "customFields": [],
        "syncStatus": "Pending",
        "active": True,
    },
    "credit_memo_items": {
        **_nulls(
            "id active description quantity cost price type skuName skuId total taxable "
            "revenueGeneralLedgerAccount expensesGeneralLedgerAccount createdOn createdBy businessUnit "
            "creditMemoId"
        ),
        "active": True,
        "quantity": Decimal(1),
        "cost": Decimal("0.00"),
        "price": Decimal("0.00"),
        "skuId": 0,
        "total": Decimal("0.00"),
        "taxable": False,
    },
}


def blank(kind: str, fields: dict[str, Any]) -> Row:
    """A row of a kind with these fields set. Raises TypeError for a name that the wire does not have."""
    pattern = _BLANKS[kind]
    unknown = set(fields) - set(pattern)
    if unknown:
        raise TypeError(f"{kind} have no {', '.join(sorted(unknown))}")
    row = copy.deepcopy(pattern)
    created = fields.get("createdOn") or _EPOCH
    row.update({name: created for name in ("createdOn", "modifiedOn") if name in pattern})
    row.update(fields)
    return {name: _wire(value, pattern[name]) for name, value in row.items()}


def _wire(value: object, pattern: object) -> object:
    if isinstance(value, Decimal) and isinstance(pattern, str):
        return money_text(value)
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, date):
        return midnight(value)
    return value
