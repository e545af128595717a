"""Sales invoices, credit memos and their lines (BC facts 2.5 to 2.7, 3, 4, 6 and 7.2)."""

from __future__ import annotations

from stsync.businesscentral.problemrules.rule import Rule

_OURS = "This is a mistake in stsync. Please report it with the vendor's words."

RULES = (
    Rule(
        "not-approved",
        r"must be approved and released before you can perform this action",
        "An approval workflow holds the document back.",
        "Let it be approved on the page Requests to Approve, or exclude the sync's documents on the page Workflows.",
    ),
    Rule(
        "document-without-lines",
        r"Please add at least one line item to the",
        "The document has no lines.",
        "Look at the draft in Business Central: were its lines deleted there? stsync writes them again.",
    ),
    Rule(
        "nothing-to-post",
        r"There is nothing to post because the document does not contain a quantity or amount",
        "No line of the document has a quantity and an amount.",
        "Look at the invoice in ServiceTitan. If it is meant to be empty, no counterpart is needed in the books.",
    ),
    Rule(
        "total-below-zero",
        r"The total amount for the (?:invoice|credit memo) must be 0 or greater",
        "The document adds up to less than zero.",
        "A negative invoice belongs into the books as a credit memo. Please report it, if stsync chose otherwise.",
    ),
    Rule(
        "already-posted",
        r"can be applied to a draft (?:invoice|credit memo) only|has been posted and can no longer be modified",
        "The document is posted in Business Central already, and posted is posted.",
        "Run stsync reconcile for its month: it says whether ServiceTitan and the books still agree on it.",
    ),
    Rule(
        "not-posted-yet",
        r"can be applied to a posted (?:invoice|credit memo) only",
        "The document is still a draft in Business Central.",
        "Look at the draft on the page Sales Invoices or Sales Credit Memos.",
    ),
    Rule(
        "already-cancelled",
        r"cannot be cancell?ed because it has already been cancell?ed",
        "Somebody has cancelled the document in Business Central already.",
        "Look at the page Posted Sales Credit Memos for the corrective credit memo.",
    ),
    Rule(
        "cancel-failed-halfway",
        r"Cancell?ing the invoice failed because of the following error.*credit memo is (?:posted|created)",
        "Cancelling failed halfway: a credit memo exists all the same.",
        "Look at the pages Sales Credit Memos and Posted Sales Credit Memos before anything is repeated.",
    ),
    Rule(
        "cannot-cancel",
        r"You cannot cancel this posted|Cancell?ing the invoice failed",
        "Business Central does not cancel this invoice.",
        "The vendor's words say why: unblock the customer, item or account on its card, allow the day on the page General "
        "Ledger Setup, or mend the dimension on the page Default Dimensions; then run stsync correct again.",
    ),
    Rule(
        "document-released",
        r"Status must be equal to 'Open' in Sales Header",
        "Somebody has released the draft, and a released draft cannot be changed.",
        "Open the draft on the page Sales Invoices and choose Reopen; then run again.",
    ),
    Rule(
        "document-deletion-not-allowed",
        r"Allow Document Deletion Before|You cannot delete posted sales documents",
        "Business Central keeps posted documents.",
        "Nothing to do: stsync deletes nothing that is posted.",
    ),
    Rule(
        "external-number-required",
        r"External Document No\. must have a value",
        "Business Central demands an external document number, and this document has none.",
        "Look at Ext. Doc. No. Mandatory on the page Sales & Receivables Setup. stsync sends a number with every "
        "document; if this one is stsync's, please report it.",
    ),
    Rule(
        "document-number-taken",
        r"(?P<document>(?:Sales|Purchase) (?:Invoice|Credit Memo) .+?) already exists",
        "{document} is in the books already under this number.",
        "Look it up on the page Posted Sales Invoices (or Credit Memos), and at the number series.",
    ),
    Rule(
        "item-unknown",
        r"Item does not exist",
        "The item on a line does not exist in Business Central.",
        "Compare the item mapping in stsync with the page Items.",
    ),
    Rule(
        "account-unknown",
        r"Account does not exist|\"accountId\" does not match to an Account|account values do not match",
        "The G/L account on a line does not exist in Business Central.",
        "Compare the account mapping in stsync with the page Chart of Accounts.",
    ),
    Rule(
        "item-blocked",
        r"You cannot sell Item (?P<item>.+?) because|(?:Sales )?Blocked must be equal to 'No' in Item",
        "The item on a line is blocked for sale.",
        "Clear Blocked and Sales Blocked on the item card, or map to another item or account.",
    ),
    Rule(
        "out-of-stock",
        r"insufficient quantity of Item (?P<item>.+?) on inventory",
        "Business Central has too little of item {item} in stock to post the sale.",
        "Receive or adjust the stock of {item} (page Item Journals), let Prevent Negative Inventory be No on the item "
        "card, or map to an item of type Non-Inventory or Service.",
    ),
    Rule(
        "unit-of-measure-unknown",
        r"Item Unit of Measure does not exist|\"unitOfMeasure\w*\" does not match",
        "The unit of measure is not one of this item's.",
        "Add it on the item card (Related, Units of Measure).",
    ),
    Rule(
        "line-discount-out-of-range",
        r"Line discount percentage must be (?:positive|below 100)",
        "The discount of a line lies outside 0 to 100 percent.",
        "Look at the line in ServiceTitan: is the price higher than the list price, or below zero?",
    ),
    Rule(
        "line-contradiction",
        r"Both \"itemId\" and \"accountId\" are specified"
        r"|value for \"(?:documentId|sequence|lineObjectNumber)\" cannot be modified"
        r"|You cannot insert a line because a line already exists|must specify an Id or a Document Id",
        "A line was sent in a way that Business Central does not take.",
        _OURS,
    ),
    Rule(
        "document-gone",
        r"No document with the specified ID exists|Sales (?:Header|Invoice Entity Aggregate) does not exist",
        "The document is no longer in Business Central.",
        "Somebody may have deleted the draft. Run again: stsync looks for it, and writes it anew if it is gone.",
    ),
    Rule(
        "send-to-email-empty",
        r"The send-to email is empty",
        "There is no e-mail address to send the document to.",
        "Fill in the e-mail address on the customer card.",
    ),
)
