"""The body of a draft, in the order that keeps every field (facts section 2.5, safe order)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from stsync.core.sales import SalesLine
from stsync.core.sales_form import SALES_CREDIT_MEMO
from stsync.core.source.invoice import Invoice
from stsync.core.text import fit


def sales_invoice(
    invoice: Invoice,
    natural_key: str,
    customer_number: str,
    lines: Sequence[SalesLine],
    *,
    posting_on: date | None,
    payment_terms_id: str | None = None,
) -> dict[str, Any]:
    """The body of a sales invoice; its document date stays ServiceTitan's when it is posted on another day."""
    body: dict[str, Any] = {
        "customerNumber": customer_number,
        "invoiceDate": invoice.invoiced_on,
        "postingDate": posting_on,
    }
    if payment_terms_id is not None:
        body["paymentTermsId"] = payment_terms_id
    if invoice.due_on is not None:
        body["dueDate"] = invoice.due_on
    body["externalDocumentNumber"] = natural_key
    if invoice.number:
        body["customerPurchaseOrderReference"] = fit(invoice.number, 35)
    body.update(_ship_to(invoice))
    body["salesInvoiceLines"] = [line.body() for line in lines]
    return body


def credit_memo(
    natural_key: str,
    customer_number: str,
    lines: Sequence[SalesLine],
    *,
    dated: date | None,
    posting_on: date | None,
    application: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The body of a sales credit memo: no ship-to address, no purchase order reference, no due date of its own (facts
    2.7). `lines` come to a positive total; `application` is what names the invoice it is applied to."""
    return {
        "customerNumber": customer_number,
        SALES_CREDIT_MEMO.dated: dated,
        "postingDate": posting_on,
        "externalDocumentNumber": natural_key,
        **(application or {}),
        SALES_CREDIT_MEMO.lines: [line.body() for line in lines],
    }


def _ship_to(invoice: Invoice) -> dict[str, str]:
    """Where the work was done. Lengths from facts section 2.5; the postal code comes before city and state (trap 15)."""
    place = invoice.location_address
    fields = {
        "shipToName": fit(invoice.location.name, 100) if invoice.location else "",
        "shipToAddressLine1": fit(place.street, 100),
        "shipToAddressLine2": fit(place.unit, 50),
        "shipToPostCode": fit(place.postal_code, 20),
        "shipToCity": fit(place.city, 30),
        "shipToState": fit(place.state, 30),
    }
    return {name: value for name, value in fields.items() if value}
