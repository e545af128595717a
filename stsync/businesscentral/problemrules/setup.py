"""Periods, number series, posting groups and accounts: what the accountant sets up once (BC facts 6 and 7.2)."""

from __future__ import annotations

from stsync.businesscentral.problemrules.rule import Rule

# The API shows no posting groups and takes none (facts section 2.2): only a person can fill them in.
_ON_THE_CUSTOMER_CARD = (
    "Open the customer card {{customer}} in Business Central, section Invoicing, and fill in {group}; the next sync takes "
    "the document. For customers to come, add it to the configuration template that the page API Setup names."
)

RULES = (
    Rule(
        "posting-date-closed",
        r"Posting Date is not within your range of allowed posting dates",
        "The posting date lies outside the dates that Business Central lets us post in.",
        "Widen Allow Posting From and Allow Posting To on the page General Ledger Setup; if the page User Setup has "
        "a line for the sync's user, its dates come first.",
    ),
    Rule(
        "number-series-manual",
        r"You may not enter numbers manually",
        "The number series lets nobody bring a number along, and stsync names its records after ServiceTitan's.",
        "Open the page No. Series and switch on Manual Nos. for the series that the message names.",
    ),
    Rule(
        "number-series-automatic",
        r"It is not possible to assign numbers automatically",
        "The number series gives out no numbers by itself.",
        "Open the page No. Series and switch on Default Nos. for the series that the message names.",
    ),
    Rule(
        "number-series-used-up",
        r"You cannot assign new numbers from the number series (?P<series>\S+?)(?: on .*)?\.?\s*$",
        "The number series {series} has no number left for this document and date.",
        "On the page No. Series, open the lines of {series}: check Starting Date, Ending No. and Last Date Used.",
    ),
    Rule(
        "posted-number-taken",
        r"Cannot post the (?P<document>[\w ]+?) because its ID, (?P<number>.+?), is already assigned to a record",
        "The next number of the posted series, {number}, is in use already.",
        "On the page No. Series, move Last No. Used of the posted series past {number}.",
    ),
    Rule(
        "customer-posting-group-missing",
        r"Customer Posting Group must have a value in Customer: No\.=(?P<customer>[^.,]+)",
        "Customer {customer} has no customer posting group, so Business Central does not know its receivables account.",
        _ON_THE_CUSTOMER_CARD.format(group="Customer Posting Group"),
    ),
    Rule(
        "business-posting-group-missing",
        r"(?P<group>(?:Gen\.|VAT) Bus\. Posting Group) must have a value in Customer: No\.=(?P<customer>[^.,]+)",
        "Customer {customer} has no {group}, so Business Central does not know which accounts its sales go to.",
        _ON_THE_CUSTOMER_CARD.format(group="{group}"),
    ),
    Rule(
        "customer-posting-group-missing",
        r"Customer Posting Group must have a value",
        "The customer has no customer posting group, so Business Central does not know its receivables account.",
        "Fill in Customer Posting Group on the customer card (section Invoicing). For customers to come, add it to "
        "the configuration template that the page API Setup names.",
    ),
    Rule(
        "business-posting-group-missing",
        r"(?P<group>(?:Gen\.|VAT) Bus\. Posting Group) must have a value",
        "The customer has no {group}.",
        "Fill in {group} on the customer card (section Invoicing). For customers to come, add it to the "
        "configuration template that the page API Setup names.",
    ),
    Rule(
        "product-posting-group-missing",
        r"(?P<group>(?:Gen\.|VAT) Prod\. Posting Group|Inventory Posting Group|Tax Group Code) must have a value",
        "The account or item on a line has no {group}.",
        "Fill in {group} on the G/L account card, or on the item card, that the line uses.",
    ),
    Rule(
        "general-posting-setup-missing",
        r"The General Posting Setup does not exist",
        "Nobody has set up where this kind of customer and this kind of sale are posted together.",
        "On the page General Posting Setup, add a line for the two posting groups that the message names.",
    ),
    Rule(
        "tax-posting-setup-missing",
        r"The (?:VAT Posting Setup|Tax Posting Setup) does not exist",
        "Nobody has set up the tax for this kind of customer and this kind of sale together.",
        "On the page VAT Posting Setup, add a line for the two posting groups that the message names.",
    ),
    Rule(
        "posting-setup-account-missing",
        r"(?P<account>[\w ./]+? Account) (?:is missing in|must have a value in) (?P<setup>General Posting Setup"
        r"|VAT Posting Setup|Customer Posting Group)",
        "{account} is not filled in on the page {setup}.",
        "Open the page {setup} and fill in {account} on the line that the message names.",
    ),
    Rule(
        "direct-posting-off",
        r"Direct Posting must be equal to 'Yes' in G/L Account: No\.=(?P<account>[^.\s]+)",
        "G/L account {account} does not accept direct posting.",
        "Switch on Direct Posting on the G/L account card of {account}, or map to another account.",
    ),
    Rule(
        "account-blocked",
        r"Blocked must be equal to 'No' in G/L Account(?:: No\.=(?P<account>[^.\s]+))?",
        "The G/L account {account} is blocked.",
        "Clear Blocked on the G/L account card, or map to another account.",
    ),
    Rule(
        "account-not-for-posting",
        r"Account Type must be equal to 'Posting' in G/L Account: No\.=(?P<account>[^.\s]+)",
        "G/L account {account} is a heading or a total, and nothing can be posted to it.",
        "Map to an account whose Account Type on the G/L account card is Posting.",
    ),
    Rule(
        "account-blocked",
        r"You cannot use G/L Account (?P<account>\S+)|G/L Account (?P<other>\S+) is blocked",
        "A G/L account on this document cannot be used.",
        "Look at Blocked and Direct Posting on the G/L account card that the message names.",
    ),
    Rule(
        "sync-user-not-permitted",
        r"current permissions prevented the action",
        "Business Central does not permit the sync to touch one of the tables that this needs.",
        "On the page Microsoft Entra Applications, give the sync's app a permission set with the table and right "
        "that the message names.",
    ),
    Rule(
        "force-posting-report",
        r"Force Posting Report must be equal to",
        "The journal's template wants a printed report with every posting, which no program can give it.",
        "On the page General Journal Templates, clear Force Posting Report for the journal's template.",
    ),
)
