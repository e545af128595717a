"""Every error text of the facts becomes a reason that a bookkeeper can act on."""

from __future__ import annotations

import re

import pytest

from stsync.businesscentral.problems import RULES, comparable, reason, reason_for
from stsync.http.outcomes import Refused

JOURNAL_LINE = "Gen. Journal Line Journal Template Name='CASHRCPT',Journal Batch Name='STSYNC',Line No.='10000'."
DIALOG = "Application_DialogException"
FIELD = "Application_FieldValidationException"

CASES = [
    # Facts 7.2, in its order
    (DIALOG, "Posting Date is not within your range of allowed posting dates.", "posting-date-closed"),
    (
        DIALOG,
        f"Posting Date is not within your range of allowed posting dates in {JOURNAL_LINE}",
        "posting-date-closed",
    ),
    (DIALOG, "You cannot create this type of document when Customer ST1 is blocked with type All", "customer-blocked"),
    (
        DIALOG,
        "You cannot post this type of document when Customer ST1 is blocked with type Invoice",
        "customer-blocked",
    ),
    (
        DIALOG,
        "You cannot create this type of document when Customer ST1 is blocked for privacy.",
        "customer-privacy-blocked",
    ),
    (DIALOG, "Select a Dimension Value Code for the Dimension Code AREA for Customer ST1.", "dimension-missing"),
    (
        DIALOG,
        "The Dimension Value Code must be 30 for Dimension Code AREA for Customer ST1.  Currently it's 40.",
        "dimension-wrong-value",
    ),
    (
        DIALOG,
        "The AREA dimension is the default dimension, and it must have a value. You can set the value on the "
        "Default Dimensions page.",
        "dimension-missing",
    ),
    (DIALOG, "The dimensions used in Invoice 1001 are invalid (Error: x).", "dimension-rejected"),
    (
        DIALOG,
        "The dimensions used in Invoice 1001, line no. 10000 are invalid. Select a Dimension Value Code for the "
        "Dimension Code AREA for Customer ST1.",
        "dimension-missing",
    ),
    (
        DIALOG,
        "A dimension used in Gen. Journal Line CASHRCPT, STSYNC, 10000 has caused an error. Bad.",
        "dimension-rejected",
    ),
    (
        DIALOG,
        "A dimension used in Gen. Journal Line CASHRCPT, STSYNC, 10000 has caused an error. Dimension Value "
        "AREA - 30 is blocked.",
        "dimension-blocked",
    ),
    (DIALOG, "Dimension AREA is blocked.", "dimension-blocked"),
    (DIALOG, "Dimension Value AREA - 30 is blocked.", "dimension-blocked"),
    (DIALOG, "Dimensions AREA and DEPARTMENT can't be used concurrently.", "dimension-combination-blocked"),
    # Not in the facts in full: the third rule of default dimensions, headings, and combinations of values.
    (DIALOG, "The Dimension Code AREA must not be used with Customer ST1.", "dimension-forbidden"),
    (
        DIALOG,
        "Dimension Value Type for Dimension Value AREA - 30 must not be Heading.",
        "dimension-value-not-for-posting",
    ),
    (
        DIALOG,
        "Dimension combinations AREA - 30 and DEPARTMENT - ADM can't be used concurrently.",
        "dimension-combination-blocked",
    ),
    (
        FIELD,
        "Customer Posting Group must have a value in Customer: No.=ST1. It cannot be zero or empty.",
        "customer-posting-group-missing",
    ),
    (
        FIELD,
        "Gen. Bus. Posting Group must have a value in Customer: No.=ST1. It cannot be zero or empty.",
        "business-posting-group-missing",
    ),
    (
        FIELD,
        "VAT Bus. Posting Group must have a value in Customer: No.=ST1. It cannot be zero or empty.",
        "business-posting-group-missing",
    ),
    (DIALOG, "You cannot assign new numbers from the number series S-INV.", "number-series-used-up"),
    (DIALOG, "You cannot assign new numbers from the number series S-INV on 2026-05-01.", "number-series-used-up"),
    (
        DIALOG,
        "You cannot assign new numbers from the number series S-INV on a date before 2026-05-01.",
        "number-series-used-up",
    ),
    (
        DIALOG,
        "It is not possible to assign numbers automatically. If you want the program to assign numbers "
        "automatically, please activate Default Nos. in No. Series S-INV.",
        "number-series-automatic",
    ),
    (
        DIALOG,
        "You may not enter numbers manually. If you want to enter numbers manually, please activate Manual Nos. "
        "in No. Series CUST.",
        "number-series-manual",
    ),
    (
        DIALOG,
        "Cannot post the sales invoice because its ID, PS-1, is already assigned to a record. Update the number "
        "series and try again.",
        "posted-number-taken",
    ),
    (DIALOG, "Sales Invoice 1001 must be approved and released before you can perform this action.", "not-approved"),
    (DIALOG, "Please add at least one line item to the invoice.", "document-without-lines"),
    (DIALOG, "Please add at least one line item to the credit memo.", "document-without-lines"),
    (DIALOG, "There is nothing to post because the document does not contain a quantity or amount.", "nothing-to-post"),
    (DIALOG, "There is nothing to post.", "journal-empty"),
    (FIELD, "Blocked must be equal to 'No'  in G/L Account: No.=4000. Current value is 'Yes'.", "account-blocked"),
    (DIALOG, "Sales Invoice PS-1 already exists.", "document-number-taken"),
    # Facts 5
    (
        DIALOG,
        'The "appliesToInvoiceId" should be the ID of an Open, Paid, Corrective, or Canceled Invoice.',
        "applied-invoice-not-posted",
    ),
    (
        "Internal_DataNotFoundFilter",
        "There is no Cust. Ledger Entry within the filter. Filters: Document No.: X",
        "applied-invoice-not-open",
    ),
    (DIALOG, "The Applies To Invoice values do not match to the same Invoice.", "applied-invoice-contradiction"),
    (DIALOG, "All entries in one application must be in the same currency.", "payment-currency-differs"),
    (
        DIALOG,
        "You are not allowed to apply and post an entry to an entry with an earlier posting date.\n\nInstead…",
        "payment-before-invoice",
    ),
    (FIELD, f"Amount must be negative in {JOURNAL_LINE}", "payment-sign-wrong"),
    (
        FIELD,
        "Document No. must have a value in Gen. Journal Line: Journal Template Name=CASHRCPT. It cannot be zero or "
        "empty.",
        "journal-number-missing",
    ),
    (
        DIALOG,
        "The lines in Gen. Journal Line are out of balance: Document P1 is out of balance by 100. Please check "
        "that Posting Date, Document Type, Document No. and Amount are correct for each line.",
        "journal-out-of-balance",
    ),
    (
        FIELD,
        "External Document No. must have a value in Sales Header: Document Type=Invoice,No.=1. It cannot be zero "
        "or empty.",
        "external-number-required",
    ),
    (DIALOG, "The General Journal Batch with ID 1 cannot be found.", "journal-gone"),
    (
        "Internal_InvalidTableRelation",
        "The field Journal Batch Name of table Gen. Journal Line contains a value (X) "
        "that cannot be found in the related table (Gen. Journal Batch).",
        "journal-gone",
    ),
    (DIALOG, "The Journal Id and Journal Display Name do not match.", "journal-contradiction"),
    (DIALOG, "You must specify a journal batch ID or a journal ID to get a journal line.", "journal-contradiction"),
    (DIALOG, "The Journal Batch Id isn't editable.", "journal-contradiction"),
    (DIALOG, 'The "accountId" does not match to an Account.', "account-unknown"),
    # Facts 6
    (DIALOG, "You must specify an Id or a Document Id to get the lines.", "line-contradiction"),
    (DIALOG, 'The value for "documentId" cannot be modified.', "line-contradiction"),
    (DIALOG, 'The value for "sequence" cannot be modified. Delete and insert the line again.', "line-contradiction"),
    (DIALOG, "You cannot insert a line because a line already exists.", "line-contradiction"),
    (DIALOG, 'Both "itemId" and "accountId" are specified. Specify only one of them.', "line-contradiction"),
    (DIALOG, 'The value for "lineObjectNumber" cannot be modified.', "line-contradiction"),
    (DIALOG, "No document with the specified ID exists.", "document-gone"),
    (DIALOG, "Item does not exist.", "item-unknown"),
    (DIALOG, "Account does not exist.", "account-unknown"),
    (DIALOG, "Line discount percentage must be positive.", "line-discount-out-of-range"),
    (DIALOG, "Line discount percentage must be below 100.", "line-discount-out-of-range"),
    (
        FIELD,
        "Status must be equal to 'Open'  in Sales Header: Document Type=Invoice, No.=1001. Current value is "
        "'Released'.",
        "document-released",
    ),
    (DIALOG, "The invoice has been posted and can no longer be modified.", "already-posted"),
    (DIALOG, "The credit memo has been posted and can no longer be modified.", "already-posted"),
    (
        FIELD,
        "Direct Posting must be equal to 'Yes'  in G/L Account: No.=1200. Current value is 'No'.",
        "direct-posting-off",
    ),
    (
        FIELD,
        "Account Type must be equal to 'Posting'  in G/L Account: No.=1999. Current value is 'Total'.",
        "account-not-for-posting",
    ),
    (
        FIELD,
        "Gen. Prod. Posting Group must have a value in Sales Line: Document No.=1. It cannot be zero or empty.",
        "product-posting-group-missing",
    ),
    (
        FIELD,
        "Inventory Posting Group must have a value in Item: No.=A. It cannot be zero or empty.",
        "product-posting-group-missing",
    ),
    (
        "Internal_RecordNotFound",
        "The General Posting Setup does not exist. Identification fields and values: Gen. Bus. "
        "Posting Group='DOMESTIC',Gen. Prod. Posting Group='MISC'",
        "general-posting-setup-missing",
    ),
    (
        "Internal_RecordNotFound",
        "The VAT Posting Setup does not exist. Identification fields and values: x",
        "tax-posting-setup-missing",
    ),
    (
        DIALOG,
        "Sales Account is missing in General Posting Setup Gen. Bus. Posting Group: A",
        "posting-setup-account-missing",
    ),
    (
        DIALOG,
        "You cannot sell Item A because the Sales Blocked check box is selected on the Item card.",
        "item-blocked",
    ),
    (FIELD, "Blocked must be equal to 'No'  in Item: No.=A. Current value is 'Yes'.", "item-blocked"),
    (DIALOG, "You have insufficient quantity of Item A-1 on inventory.", "out-of-stock"),
    (DIALOG, "The total amount for the invoice must be 0 or greater.", "total-below-zero"),
    # Facts 2, 3 and 7.1
    (DIALOG, "The action can be applied to a draft invoice only.", "already-posted"),
    (DIALOG, "The action can be applied to a posted invoice only.", "not-posted-yet"),
    (DIALOG, "The invoice cannot be canceled because it has already been canceled.", "already-cancelled"),
    (
        DIALOG,
        "Canceling the invoice failed because of the following error: X A credit memo is posted.",
        "cancel-failed-halfway",
    ),
    (DIALOG, "You cannot cancel this posted sales invoice because it is fully or partially paid.", "cannot-cancel"),
    (
        DIALOG,
        "The send-to email is empty. Specify email either for the customer or for the invoice in email preview.",
        "send-to-email-empty",
    ),
    (
        DIALOG,
        "The date Allow Document Deletion Before must be set on the page Sales & Receivables Setup before deleting "
        "sales documents.",
        "document-deletion-not-allowed",
    ),
    (DIALOG, 'A "customerNumber" or a "customerId" must be provided.', "customer-not-named"),
    (DIALOG, "The sell-to customer cannot be found.", "customer-unknown"),
    (DIALOG, "The sell-to customer values do not match to a specific Customer.", "customer-contradiction"),
    (DIALOG, 'The "customerId" does not match to a Customer.', "customer-unknown"),
    (DIALOG, 'A "displayName" must be provided.', "name-missing"),
    (DIALOG, 'The blank "displayName" is not allowed.', "name-missing"),
    (DIALOG, "Phone No. must not contain letters in Customer No.=ST1.", "phone-has-letters"),
    (DIALOG, "The currency values do not match to a specific Currency.", "currency-contradiction"),
    (DIALOG, 'The "paymentTermsId" does not match to a Payment Terms.', "reference-unknown"),
    (
        DIALOG,
        "You cannot delete Customer ST1 because there are one or more open ledger entries.",
        "customer-has-entries",
    ),
    (
        DIALOG,
        "The dimension set line already exists. Check existing dimension set lines and the default dimension set "
        "lines on the parent.",
        "dimension-already-set",
    ),
    (DIALOG, 'The "valueCode" does not match to a Dimension Value.', "dimension-value-unknown"),
    (DIALOG, 'The "valueId" or "valueCode" field must be filled in.', "dimension-incomplete"),
    (
        FIELD,
        "Force Posting Report must be equal to 'No'  in Gen. Journal Template: Name=CASHRCPT. Current value is 'Yes'.",
        "force-posting-report",
    ),
    (
        "Internal_ServerError",
        "Sorry, the current permissions prevented the action. (TableData 36 Sales Header Read: X)",
        "sync-user-not-permitted",
    ),
    (
        "Application_StringExceededLength",
        "The length of the string is 57, but it must be less than or equal to 50 characters. Value: Long",
        "text-too-long",
    ),
    ("Application_StringExceededLength", "Andere Sprache", "text-too-long"),
    (
        "Internal_InvalidTableRelation",
        "The field Country/Region Code of table Customer contains a value (XX) that cannot "
        "be found in the related table (Country/Region).",
        "value-unknown",
    ),
    ("Request_EntityChanged", "Another user has already changed the record.", "changed-meanwhile"),
    (
        "Internal_EntityWithSameKeyExists",
        "The Customer already exists. Identification fields and values: No.='ST1'",
        "already-exists",
    ),
    (
        "Internal_RecordNotFound",
        "The Customer does not exist. Identification fields and values: No.='ST1'",
        "record-gone",
    ),
    (FIELD, "Name must have a value in Bank Account: No.=B1. It cannot be zero or empty.", "field-must-have-value"),
    (FIELD, "Blocked must be equal to 'x'  in Vendor: No.=1. Current value is 'y'.", "field-has-wrong-value"),
    ("BadRequest_InvalidOperation", "Control 'number' is read-only.", "field-read-only"),
    ("BadRequest_InvalidToken", "Could not validate the client concurrency token.", "etag-missing"),
    ("Unknown", "'X' is not an option. The existing options are: A,B,C", "option-unknown"),
    ("Application_CallbackNotAllowed", "Callback functions are not allowed.", "needs-a-person"),
    ("BadRequest_RequiredParamNotProvided", "Field 'x' must not be blank or empty.", "field-must-have-value"),
    (
        DIALOG,
        "The Item Unit of Measure does not exist. Identification fields and values: Item No.='A',Code='BOX'",
        "unit-of-measure-unknown",
    ),
    (DIALOG, 'The email address "x@" is not valid.', "email-invalid"),
    (FIELD, "Blocked must be equal to 'No'  in Bank Account: No.=B1. Current value is 'Yes'.", "bank-account-blocked"),
    (DIALOG, "The bishop may not move sideways.", "business-central-refused"),
]


@pytest.mark.parametrize(("code", "text", "reference"), CASES)
def test_each_text_of_the_facts_is_recognised(code, text, reference):
    found = reason(code, f"{text}  CorrelationId:  4f2a01-9.")
    assert found.reference == reference
    assert found.message
    assert found.hint
    assert "4f2a01-9" in found.note
    assert comparable(found.note) == text.strip()


def test_every_rule_is_well_formed_and_no_rule_is_dead():
    reached = {reason(code, text).reference for code, text, _ in CASES}
    assert {rule.reference for rule in RULES} <= reached
    for rule in RULES:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.reference)
        names = set(re.findall(r"\{(\w+)\}", rule.message + rule.hint))
        assert names <= set(rule.pattern.groupindex)


def test_no_message_keeps_an_unfilled_or_doubled_gap():
    for code, text, _ in CASES:
        found = reason(code, text)
        assert not re.search(r"[{}]|  | \.|\.\.", found.message + found.hint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Select a Dimension Value Code for the Dimension Code AREA for Customer ST1.",
            "Customer ST1 demands a value of the dimension AREA, and this document has none.",
        ),
        (
            "Direct Posting must be equal to 'Yes'  in G/L Account: No.=1200. Current value is 'No'.",
            "G/L account 1200 does not accept direct posting.",
        ),
        (
            "You cannot assign new numbers from the number series S-INV.",
            "The number series S-INV has no number left for this document and date.",
        ),
        (
            "The length of the string is 57, but it must be less than or equal to 50 characters. Value: Long",
            "A text has 57 characters, and Business Central has room for 50.",
        ),
    ],
)
def test_the_message_names_what_the_vendor_named(text, message):
    assert reason("Application_DialogException", text).message == message


def test_a_refusal_keeps_its_correlation_id_beside_the_vendors_words():
    found = reason_for(Refused(400, "Application_DialogException", "Strange.", "4f2a"))
    assert found.reference == "business-central-refused"
    assert found.note == "Strange.  CorrelationId:  4f2a."
    assert comparable(found.note) == comparable("Strange.  CorrelationId:  other.")


GOLDEN = [
    (
        "The dimensions used in Invoice 1001 are invalid. Select a Dimension Value Code for the Dimension Code AREA for "
        "Customer ST1.",
        "Customer ST1 demands a value of the dimension AREA, and this document has none.",
        "Default Dimensions of Customer ST1",
    ),
    (
        "The dimensions used in Invoice 1001, line no. 10000 are invalid. Select a Dimension Value Code for the Dimension "
        "Code AREA for G/L Account 40100.",
        "G/L Account 40100 demands a value of the dimension AREA, and a line of this document has none.",
        "not shown to programs",
    ),
    (
        "The Dimension Value Code must be 30 for Dimension Code AREA for Customer ST1.  Currently it's 40.",
        "Customer ST1 accepts only 30 in the dimension AREA.",
        "Default Dimensions of Customer ST1",
    ),
    (
        "The Dimension Value Code must be 30 for Dimension Code AREA for G/L Account 40100.  Currently it's 40.",
        "G/L Account 40100 accepts only 30 in the dimension AREA.",
        "Default Dimensions of G/L Account 40100",
    ),
    (
        "The AREA dimension is the default dimension, and it must have a value. You can set the value on the Default "
        "Dimensions page.",
        "The dimension AREA must have a value on this kind of account.",
        "Default Dimensions",
    ),
    (
        "The Dimension Code AREA must not be used with Customer ST1.",
        "Customer ST1 accepts no value of the dimension AREA.",
        "Value Posting (No Code)",
    ),
    ("Dimension AREA is blocked.", "Dimension AREA is blocked.", "page Dimensions"),
    ("Dimension Value AREA - 30 is blocked.", "Dimension Value AREA - 30 is blocked.", "Dimension Values"),
    (
        "Dimensions AREA and DEPARTMENT can't be used concurrently.",
        "The dimensions AREA and DEPARTMENT may not stand together on one entry.",
        "Dimension Combinations",
    ),
    (
        "The dimensions used in Invoice 1001 are invalid (Error: x).",
        "Business Central rejects the dimensions of this record.",
        "Default Dimensions",
    ),
]


@pytest.mark.parametrize(("words", "message", "page"), GOLDEN)
def test_every_refusal_for_a_dimension_names_the_value_and_the_page(words: str, message: str, page: str) -> None:
    found = reason(DIALOG, words)
    assert found.message == message
    assert page in found.hint
