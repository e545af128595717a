"""Payments, refunds and their journals (BC facts 2.8 to 2.11, 3 and 5)."""

from __future__ import annotations

from stsync.businesscentral.problemrules.rule import Rule

_OURS = "This is a mistake in stsync. Please report it with the vendor's words."

RULES = (
    Rule(
        "applied-invoice-not-posted",
        r"\"appliesToInvoiceId\" should be the ID of an Open, Paid, Corrective, or Cancell?ed Invoice",
        "The payment belongs to an invoice that is not posted in Business Central.",
        "Post the draft (page Sales Invoices), or settle why it is held; the payment then follows by itself.",
    ),
    Rule(
        "applied-invoice-not-open",
        r"There is no Cust\. Ledger Entry within the filter",
        "The payment applies to an invoice that is not open for this customer: it is paid or cancelled already, "
        "or is another customer's.",
        "Look at the page Customer Ledger Entries for the invoice. If a payment was entered by hand, unapply it there "
        "or void ours in ServiceTitan.",
    ),
    Rule(
        "applied-invoice-contradiction",
        r"Applies To Invoice values do not match to the same Invoice",
        "The payment names one invoice by its id and another by its number.",
        _OURS,
    ),
    Rule(
        "payment-currency-differs",
        r"All entries in one application must be in the same currency",
        "Payment and invoice are in different currencies.",
        "Compare Currency Code on the customer card and on the bank account with the invoice's; Appln. between "
        "Currencies on the page Sales & Receivables Setup decides what is allowed.",
    ),
    Rule(
        "payment-before-invoice",
        r"not allowed to apply and post an entry to an entry with an earlier posting date",
        "The payment is dated before the invoice that it pays.",
        "Correct the date of the payment or of the invoice in ServiceTitan.",
    ),
    Rule(
        "payment-sign-wrong",
        r"Amount must be negative in Gen\. Journal Line",
        "A payment stands in the journal with the wrong sign.",
        "Look at the page Cash Receipt Journals: a receipt is negative there. If the line is stsync's, please report it.",
    ),
    Rule(
        "payment-sign-wrong",
        r"Amount must be positive in Gen\. Journal Line",
        "A refund stands in the journal with the wrong sign.",
        "Look at the journal's lines: a refund is positive there. If the line is stsync's, please report it.",
    ),
    Rule(
        "journal-number-missing",
        r"Document No\. must have a value in Gen\. Journal Line",
        "A line of the journal has no document number.",
        "Look at the page Cash Receipt Journals for lines that are not stsync's. Its journal must be its own.",
    ),
    Rule(
        "journal-out-of-balance",
        r"is out of balance by",
        "The journal does not balance, so nothing of it was posted.",
        "Set Bal. Account Type and Bal. Account No. for the batch (page Cash Receipt Journals, choose Batch Name, "
        "Edit List), and look for lines that are not stsync's.",
    ),
    Rule(
        "journal-empty",
        r"There is nothing to post\.?\s*$",
        "The journal is empty.",
        "Nothing to do, if somebody posted or deleted the lines; stsync looks for its payments in the ledger.",
    ),
    Rule(
        "journal-gone",
        r"General Journal Batch with ID .* cannot be found|The Gen\. Journal Batch does not exist"
        r"|field Journal Batch Name of table Gen\. Journal Line contains a value",
        "The journal is no longer in Business Central, or belongs to another template.",
        "Look at the batches of the page Cash Receipt Journals: was stsync's deleted or renamed? (Increment Batch Name "
        "on General Journal Templates renames a batch at every posting; switch it off.)",
    ),
    Rule(
        "journal-contradiction",
        r"Journal (?:Batch )?Id (?:cannot be changed|isn't editable)|Journal Batch Display Name cannot be changed"
        r"|Journal Id and Journal Display Name do not match|must specify a journal batch ID or a journal ID",
        "A journal line was sent in a way that Business Central does not take.",
        _OURS,
    ),
    Rule(
        "bank-account-blocked",
        r"Blocked must be equal to 'No' in Bank Account|Bank Account .* is blocked",
        "The bank account of the journal is blocked.",
        "Clear Blocked on the bank account card, or choose another balancing account for the journal.",
    ),
)
