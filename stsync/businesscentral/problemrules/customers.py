"""Customers and dimensions (BC facts 2.2, 2.5, 2.13 and 7.2)."""

from __future__ import annotations

from stsync.businesscentral.problemrules.rule import Rule

_ON_THE_CARD = "Clear Blocked on the customer card, or settle with whoever blocked the customer; then run again."
# Facts 2.14: default dimensions of G/L accounts exist but are not visible to programs.
_OF_AN_ACCOUNT = (
    "On the page Default Dimensions of {owner}, change the value or its Value Posting rule, or give documents such a value "
    "(dimensions and mapping in stsync's configuration). Rules of G/L accounts are not shown to programs, so this one "
    "was not known before posting."
)

RULES = (
    Rule(
        "customer-blocked",
        r"You cannot (?:create|post|ship) this type of document when (?P<customer>Customer .+?) is blocked with type "
        r"(?P<type>\w+)",
        "{customer} is blocked ({type}), so nothing can be booked for it.",
        _ON_THE_CARD,
    ),
    Rule(
        "customer-privacy-blocked",
        r"when (?P<customer>Customer .+?) is blocked for privacy",
        "{customer} is blocked for privacy, so nothing can be booked for it.",
        "Clear Privacy Blocked on the customer card, if the customer's data may still be used.",
    ),
    Rule(
        "customer-blocked",
        r"Blocked must be equal to .* in Customer",
        "The customer is blocked.",
        _ON_THE_CARD,
    ),
    Rule(
        "dimension-missing",
        r"Select a Dimension Value Code for the Dimension Code (?P<dimension>.+?) for (?P<owner>G/L Account \S+?)\.?\s*$",
        "{owner} demands a value of the dimension {dimension}, and a line of this document has none.",
        _OF_AN_ACCOUNT,
    ),
    Rule(
        "dimension-missing",
        r"Select a Dimension Value Code for the Dimension Code (?P<dimension>.+?) for (?P<owner>.+?)\.?\s*$",
        "{owner} demands a value of the dimension {dimension}, and this document has none.",
        "Let documents carry {dimension} (dimensions in stsync's configuration), or change the rule on the page Default "
        "Dimensions of {owner}.",
    ),
    Rule(
        "dimension-wrong-value",
        r"The Dimension Value Code must be (?P<value>.+?) for (?:the )?Dimension Code (?P<dimension>.+?) for "
        r"(?P<owner>G/L Account [^.\s]+)",
        "{owner} accepts only {value} in the dimension {dimension}.",
        _OF_AN_ACCOUNT,
    ),
    Rule(
        "dimension-wrong-value",
        r"The Dimension Value Code must be (?P<value>.+?) for (?:the )?Dimension Code (?P<dimension>.+?) for "
        r"(?P<owner>[^.]+)",
        "{owner} accepts only {value} in the dimension {dimension}.",
        "On the page Default Dimensions of {owner}, change the value or its Value Posting rule (Same Code), or map "
        "to {value} in stsync.",
    ),
    Rule(
        "dimension-missing",
        r"The (?P<dimension>.+?) dimension is the default dimension, and it must have a value",
        "The dimension {dimension} must have a value on this kind of account.",
        "Let documents carry {dimension} (dimensions in stsync's configuration), or set the value on the page Default "
        "Dimensions.",
    ),
    Rule(
        "dimension-blocked",
        r"(?P<what>Dimension Value [^.]+?|Dimension [^.]+?) is blocked",
        "{what} is blocked.",
        "Clear Blocked on the page Dimensions or Dimension Values, or map to another value in stsync.",
    ),
    Rule(
        "dimension-forbidden",
        r"Dimension Code (?P<dimension>.+?) must not be used with (?P<owner>[^.]+)",
        "{owner} accepts no value of the dimension {dimension}.",
        "On the page Default Dimensions of {owner}, change Value Posting (No Code), or take {dimension} out of dimensions "
        "in stsync's configuration.",
    ),
    Rule(
        "dimension-value-not-for-posting",
        r"Dimension Value Type for Dimension Value (?P<what>.+?) must not be (?P<type>[\w-]+)",
        "The dimension value {what} is of type {type}, and nothing can be posted to it.",
        "Map to a value of type Standard; the page Dimension Values shows the types.",
    ),
    Rule(
        "dimension-combination-blocked",
        r"Dimension(?:s| combinations) (?P<first>.+?) and (?P<second>.+?) can't be used concurrently",
        "The dimensions {first} and {second} may not stand together on one entry.",
        "Look at the page Dimension Combinations.",
    ),
    Rule(
        "dimension-already-set",
        r"The dimension set line already exists",
        "The document has a value of this dimension already, from the defaults of the customer, item or account.",
        "Look at the page Default Dimensions of the customer, item or account.",
    ),
    Rule(
        "dimension-value-unknown",
        r"\"value(?:Code|Id)\" does not match to a Dimension Value|dimension field values do not match"
        r"|\"(?:id|code|dimensionId)\" does not match to a Dimension\b",
        "The dimension, or its value, does not exist in Business Central.",
        "Compare the mapping in stsync with the pages Dimensions and Dimension Values.",
    ),
    Rule(
        "dimension-incomplete",
        r"\"(?:id|valueId)\" or \"(?:code|valueCode)\" field must be filled in"
        r"|\"id\" and \"code\" fields cannot be modified|get to the parent first to (?:get to|create)",
        "A dimension was sent incomplete, or to the wrong place.",
        "This is a mistake in stsync. Please report it with the vendor's words.",
    ),
    Rule(
        "dimension-rejected",
        r"The dimensions used in .+ are invalid|A dimension used in .+ has caused an error",
        "Business Central rejects the dimensions of this record.",
        "Look at the page Default Dimensions of the customer, item and account, and at Dimension Combinations.",
    ),
    Rule(
        "customer-unknown",
        r"(?:sell-to|bill-to) customer cannot be found|\"customer(?:Id|Number)\" does not match to a Customer",
        "The customer does not exist in Business Central.",
        "Run stsync sync-customers. If somebody deleted or renumbered the customer, restore the card and its number.",
    ),
    Rule(
        "customer-contradiction",
        r"customer values do not match to a (?:specific )?Customer",
        "Customer number and customer id speak of two different customers.",
        "Somebody may have renumbered the customer in Business Central. Give the card its former number again; "
        "then run: stsync sync",
    ),
    Rule(
        "customer-not-named",
        r"\"customerNumber\" or a \"customerId\" must be provided",
        "The document names no customer.",
        "This is a mistake in stsync. Please report it with the vendor's words.",
    ),
    Rule(
        "name-missing",
        r"A \"displayName\" must be provided|blank \"displayName\" is not allowed",
        "The record has no name, and Business Central demands one.",
        "Fill in the name in ServiceTitan.",
    ),
    Rule(
        "phone-has-letters",
        r"Phone No\. must not contain letters",
        "The telephone number contains letters, which Business Central does not take.",
        "Correct the telephone number in ServiceTitan (an extension belongs into the memo).",
    ),
    Rule(
        "email-invalid",
        r"email address .*is not valid|not a valid email",
        "Business Central does not take the e-mail address.",
        "Correct the e-mail address in ServiceTitan.",
    ),
    Rule(
        "currency-contradiction",
        r"currency values do not match to a specific Currency",
        "The currency does not exist in Business Central.",
        "Look at the page Currencies. The local currency belongs on General Ledger Setup (LCY Code), not there.",
    ),
    Rule(
        "reference-unknown",
        r"The \"(?P<field>\w+)\" does not match to an? (?P<what>[\w /.]+)",
        "Business Central has no such {what}.",
        "Somebody may have deleted it. Compare the mapping in stsync with Business Central's list.",
    ),
    Rule(
        "customer-has-entries",
        r"You cannot delete Customer",
        "The customer has entries or documents, so it stays.",
        "Nothing to do: stsync deletes no customers. Block the customer on its card if it is no longer used.",
    ),
)
