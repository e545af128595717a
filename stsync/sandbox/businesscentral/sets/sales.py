"""salesInvoices and salesCreditMemos with their lines (BC facts 2.5 to 2.7, 3, 4, 6).

Not modelled: pdfDocument, attachments, send and e-mail, dispute status, return reasons.
"""

# ruff: noqa: ARG002 - entity sets and field writers share one signature each

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from stsync.sandbox.businesscentral.accounting import corrections, sales_documents, sales_posting, tax
from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.document_records import SalesDocument, SalesLine
from stsync.sandbox.businesscentral.core.table import ZERO_GUID, Table
from stsync.sandbox.businesscentral.errors import BcError, dialog
from stsync.sandbox.businesscentral.odata.schema import (
    Action,
    EntitySet,
    Parent,
    Payload,
    Property,
    boolean,
    code,
    day,
    decimal,
    guid,
    integer,
    key,
    modified,
    option,
    text,
)
from stsync.sandbox.businesscentral.sets.customers import currency_code, currency_id

INVOICE_STATUS = (" ", "Draft", "In Review", "Open", "Paid", "Canceled", "Corrective")
CREDIT_MEMO_STATUS = (" ", "Draft", "In Review", "Open", "Canceled", "Corrective", "Paid")
LINE_TYPES = ("Comment", "Item", "Account", "Resource", "Fixed Asset", "Charge", "Allocation Account")
_PARTS = (
    ("AddressLine1", 100),
    ("AddressLine2", 50),
    ("City", 30),
    ("Country", 10),
    ("State", 30),
    ("PostCode", 20),
)
NEEDS_DOCUMENT = "You must specify an Id or a Document Id to get the lines."


def _held(name: str) -> Callable[[Company, SalesDocument], str]:
    return lambda _company, row: row.addresses.get(name, "")


def _address(prefix: str, *, read_only: bool = False) -> tuple[Property, ...]:
    return tuple(
        (code if part in {"Country", "PostCode"} else text)(
            f"{prefix}{part}", _held(f"{prefix}{part}"), length, read_only=read_only
        )
        for part, length in _PARTS
    )


def _shortcut(index: int) -> Callable[[Company, SalesDocument], str]:
    def read(company: Company, row: SalesDocument) -> str:
        return row.dimensions.get(company.settings.global_dimensions[index], "")

    return read


def _applied_invoice_id(company: Company, row: SalesDocument) -> str:
    found = company.invoices.where("number", row.applies_to_number) if row.applies_to_number else []
    return next((invoice.id for invoice in found if invoice.posted), ZERO_GUID)


def _never(value: str) -> Callable[[Company, SalesDocument], str]:
    return lambda _company, _row: value


_CUSTOMER = (
    guid("customerId", "customer_id"),
    code("customerNumber", "customer_number"),
    text("customerName", "customer_name", 100, read_only=True),
    text("billToName", "bill_to_name", 100, read_only=True),
    guid("billToCustomerId", "bill_to_id"),
    code("billToCustomerNumber", "bill_to_number"),
)
_TERMS = (
    guid("currencyId", currency_id),
    code("currencyCode", currency_code, 10),
    guid("paymentTermsId", "payment_terms_id"),
    guid("shipmentMethodId", "shipment_method_id"),
    code("salesperson", "salesperson"),
    boolean("pricesIncludeTax", "prices_include_tax", read_only=True),
    code("shortcutDimension1Code", _shortcut(0)),
    code("shortcutDimension2Code", _shortcut(1)),
)
_TOTALS = (
    decimal("discountAmount", "discount_amount"),
    boolean(
        "discountAppliedBeforeTax",
        lambda company, row: not (tax.is_vat(company) and row.prices_include_tax),
        read_only=True,
    ),
    decimal("totalAmountExcludingTax", "total_excluding_tax", read_only=True),
    decimal("totalTaxAmount", "total_tax", read_only=True),
    decimal("totalAmountIncludingTax", "total", read_only=True),
)


class SalesDocuments(EntitySet):
    """What invoices and credit memos have in common."""

    kind: str
    verbs = frozenset({"GET", "POST", "PATCH", "DELETE"})
    order = "number"

    def table(self, company: Company) -> Table[Any]:
        return company.documents(self.kind)

    def rows(self, company: Company, parent: Parent | None) -> Iterable[SalesDocument]:
        table = company.documents(self.kind)
        if parent is None:
            return table
        found = table.by_id(parent.row.document_id)
        return [found] if found else []

    def before_read(self, company: Company, row: SalesDocument) -> None:
        if company.switches.draft_reads_write and not row.posted:
            sales_documents.refresh(company, row)

    def create(self, company: Company, payload: Payload, parent: Parent | None) -> SalesDocument:
        return sales_documents.create(company, self.kind, payload.values)

    def update(self, company: Company, row: SalesDocument, payload: Payload, parent: Parent | None) -> SalesDocument:
        sales_documents.change(company, row, payload.values)
        return row

    def delete(self, company: Company, row: SalesDocument, parent: Parent | None) -> None:
        sales_documents.delete(company, row)


class SalesInvoices(SalesDocuments):
    """Draft and posted sales invoices under one id each."""

    name = "salesInvoices"
    caption = "Sales Invoice Entity Aggregate"
    kind = "Invoice"
    navigations: ClassVar[dict[str, str]] = {
        "dimensionSetLines": "dimensionSetLines",
        "salesInvoiceLines": "salesInvoiceLines",
        "customer": "customers",
        "currency": "currencies",
        "paymentTerm": "paymentTerms",
    }
    single = frozenset({"customer", "currency", "paymentTerm"})
    properties = (
        key(),
        code("number", "number", read_only=True),
        code("externalDocumentNumber", "external_document_number", 35),
        day("invoiceDate", "document_date"),
        day("postingDate", "posting_date"),
        day("dueDate", "due_date"),
        day("promisedPayDate", "promised_pay_date"),
        text("customerPurchaseOrderReference", "customer_purchase_order_reference", 35),
        *_CUSTOMER,
        text("shipToName", _held("shipToName"), 100),
        text("shipToContact", _held("shipToContact"), 100),
        *_address("sellTo"),
        *_address("billTo", read_only=True),
        *_address("shipTo"),
        *_TERMS,
        guid("orderId", _never(ZERO_GUID), read_only=True),
        code("orderNumber", _never(""), read_only=True),
        guid("disputeStatusId", _never(ZERO_GUID)),
        code("disputeStatus", "dispute_status", 10),
        decimal("remainingAmount", sales_documents.remaining_amount, read_only=True, filterable=False),
        *_TOTALS,
        option("status", "status", INVOICE_STATUS, read_only=True),
        modified(),
        text("phoneNumber", "phone_number", 30),
        text("email", "email", 80),
    )

    @property
    def actions(self) -> dict[str, Action]:
        return {
            "post": sales_posting.post,
            "postAndSend": _post_and_send,
            "cancel": corrections.cancel,
            "cancelAndSend": corrections.cancel,
            "makeCorrectiveCreditMemo": _corrective,
        }


def _corrective(company: Company, row: SalesDocument) -> None:
    corrections.make_corrective_credit_memo(company, row)


def _post_and_send(company: Company, row: SalesDocument) -> None:
    if not row.email:
        raise dialog(
            "The send-to email is empty. Specify email either for the customer or for the invoice in email preview."
        )
    sales_posting.post(company, row)


class SalesCreditMemos(SalesDocuments):
    """Draft and posted sales credit memos; amounts are positive numbers."""

    name = "salesCreditMemos"
    caption = "Sales Cr. Memo Entity Buffer"
    kind = "Credit Memo"
    navigations: ClassVar[dict[str, str]] = {
        "dimensionSetLines": "dimensionSetLines",
        "salesCreditMemoLines": "salesCreditMemoLines",
        "customer": "customers",
        "currency": "currencies",
        "paymentTerm": "paymentTerms",
    }
    single = frozenset({"customer", "currency", "paymentTerm"})
    properties = (
        key(),
        code("number", "number", read_only=True),
        code("externalDocumentNumber", "external_document_number", 35),
        day("creditMemoDate", "document_date"),
        day("postingDate", "posting_date"),
        day("dueDate", "due_date"),
        *_CUSTOMER,
        *_address("sellTo"),
        *_address("billTo"),
        *_TERMS,
        *_TOTALS,
        option("status", "status", CREDIT_MEMO_STATUS, read_only=True),
        modified(),
        guid("invoiceId", _applied_invoice_id, filterable=False),
        code("invoiceNumber", "applies_to_number"),
        text("phoneNumber", "phone_number", 30),
        text("email", "email", 80),
        guid("customerReturnReasonId", "return_reason_id"),
    )

    @property
    def actions(self) -> dict[str, Action]:
        return {
            "post": sales_posting.post,
            "postAndSend": _post_and_send,
            "cancel": corrections.cancel_credit_memo,
            "cancelAndSend": corrections.cancel_credit_memo,
        }


def _item_id(_company: Company, row: SalesLine) -> str:
    return row.object_id if row.line_type == "Item" else ZERO_GUID


def _account_id(_company: Company, row: SalesLine) -> str:
    return row.object_id if row.line_type == "Account" else ZERO_GUID


class SalesLines(EntitySet):
    """What lines of invoices and of credit memos have in common."""

    kind: str
    documents: str
    verbs = frozenset({"GET", "POST", "PATCH", "DELETE"})
    order = "sequence"
    navigations: ClassVar[dict[str, str]] = {
        "dimensionSetLines": "dimensionSetLines",
        "item": "items",
        "account": "accounts",
    }
    single = frozenset({"item", "account"})
    properties = (
        key(),
        guid("documentId", "document_id"),
        integer("sequence", "sequence"),
        guid("itemId", _item_id),
        guid("accountId", _account_id),
        option("lineType", "line_type", LINE_TYPES),
        code("lineObjectNumber", "object_number"),
        text("description", "description", 100),
        text("description2", "description_2", 50),
        guid("unitOfMeasureId", "unit_of_measure_id"),
        code("unitOfMeasureCode", "unit_of_measure", 10),
        decimal("quantity", "quantity"),
        decimal("unitPrice", "unit_price"),
        decimal("discountAmount", "discount_amount"),
        decimal("discountPercent", "discount_percent"),
        boolean("discountAppliedBeforeTax", lambda _company, _row: True, read_only=True),
        decimal("amountExcludingTax", "amount_excluding_tax", read_only=True),
        text("taxCode", tax.code_read, 50),
        decimal("taxPercent", "tax_percent", read_only=True),
        decimal("totalTaxAmount", "tax_amount", read_only=True),
        decimal("amountIncludingTax", lambda _c, row: row.amount_excluding_tax + row.tax_amount, read_only=True),
        decimal("invoiceDiscountAllocation", "invoice_discount", read_only=True),
        decimal("netAmount", "net_amount", read_only=True),
        decimal("netTaxAmount", "net_tax_amount", read_only=True),
        decimal("netAmountIncludingTax", lambda _c, row: row.net_amount + row.net_tax_amount, read_only=True),
        day("shipmentDate", "shipment_date"),
        guid("itemVariantId", "variant_id"),
        guid("locationId", "location_id"),
    )

    def table(self, company: Company) -> Table[Any]:
        return company.document_lines(self.kind)

    def rows(self, company: Company, parent: Parent | None) -> Iterable[SalesLine]:
        if parent is None:
            return company.document_lines(self.kind)
        return company.lines_of(parent.row)

    def check_list(self, company: Company, parent: Parent | None, pinned: dict[str, Any]) -> None:
        if parent is None and not {"documentId", "id"} & set(pinned):
            raise dialog(NEEDS_DOCUMENT)

    def _document(self, company: Company, document_id: str) -> SalesDocument:
        document = company.documents(self.kind).by_id(document_id)
        if document is None:
            raise dialog("No document with the specified ID exists.")
        return document

    def create(self, company: Company, payload: Payload, parent: Parent | None) -> SalesLine:
        values = payload.values
        sent = values.get("documentId", ZERO_GUID)
        if parent is not None and sent not in {ZERO_GUID, parent.row.id}:
            raise dialog('The value for "documentId" cannot be modified.')
        if parent is None and sent == ZERO_GUID:
            message = "Field 'documentId' must not be blank or empty."
            raise BcError(400, "BadRequest_RequiredParamNotProvided", message)
        document = parent.row if parent is not None else self._document(company, sent)
        return sales_documents.add_line(company, document, values)

    def update(self, company: Company, row: SalesLine, payload: Payload, parent: Parent | None) -> SalesLine:
        document = self._document(company, row.document_id)
        sales_documents.change_line(company, document, row, payload.values)
        return row

    def delete(self, company: Company, row: SalesLine, parent: Parent | None) -> None:
        sales_documents.remove_line(company, self._document(company, row.document_id), row)


class SalesInvoiceLines(SalesLines):
    """Lines of sales invoices."""

    name = "salesInvoiceLines"
    caption = "Sales Invoice Line Aggregate"
    kind = "Invoice"


class SalesCreditMemoLines(SalesLines):
    """Lines of sales credit memos."""

    name = "salesCreditMemoLines"
    caption = "Sales Invoice Line Aggregate"
    kind = "Credit Memo"
