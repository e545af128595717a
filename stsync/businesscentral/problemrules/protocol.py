"""What remains: refusals recognised by their code, mostly about the request itself (BC facts 7.1 and 8)."""

from __future__ import annotations

from stsync.businesscentral.problemrules.rule import Rule

_OURS = "This is a mistake in stsync. Please report it with the vendor's words."

RULES = (
    Rule(
        "text-too-long",
        r"The length of the string is (?P<length>\d+), but it must be less than or equal to (?P<limit>\d+) characters",
        "A text has {length} characters, and Business Central has room for {limit}.",
        "Shorten it in ServiceTitan. stsync cuts no names without a word.",
    ),
    Rule(
        "text-too-long",
        r".*",
        "A text is longer than Business Central has room for.",
        "Shorten it in ServiceTitan. stsync cuts no names without a word.",
        code="Application_StringExceededLength",
    ),
    Rule(
        "value-unknown",
        r"The field (?P<field>.+?) of table (?P<table>.+?) contains a value \((?P<value>.*?)\) that cannot be found in "
        r"the related table \((?P<related>.+?)\)",
        "Business Central has no {related} called {value}, which the field {field} of {table} would need.",
        "Create {value} on the page of {related} in Business Central, or map to one that exists.",
    ),
    Rule(
        "changed-meanwhile",
        r"Another user has already changed the record",
        "Somebody changed the record in Business Central at the same moment.",
        "Nothing to do: the next run reads it again and decides anew.",
    ),
    Rule(
        "changed-meanwhile",
        r".*",
        "Somebody changed the record in Business Central at the same moment.",
        "Nothing to do: the next run reads it again and decides anew.",
        code="Request_EntityChanged",
    ),
    Rule(
        "already-exists",
        r"The (?P<what>[\w ./]+?) already exists\. Identification fields and values: (?P<which>.+)",
        "Business Central has a {what} with these values already: {which}",
        "If stsync made it, run stsync sync once more: it is found by its number and taken on. If somebody else made it, "
        "change its number in Business Central first.",
    ),
    Rule(
        "already-exists",
        r".*",
        "Business Central has a record with this number already.",
        "If stsync made it, run stsync sync once more: it is found by its number and taken on. If somebody else made it, "
        "change its number in Business Central first.",
        code="Internal_EntityWithSameKeyExists",
    ),
    Rule(
        "field-must-have-value",
        r"(?P<field>[^:]+?) must have a value in (?P<table>[^:]+?)(?:: (?P<which>.+?))?\. It cannot be zero or empty",
        "{field} is empty in {table} ({which}), and Business Central needs it.",
        "Open the page of {table} and fill in {field}.",
    ),
    Rule(
        "field-has-wrong-value",
        r"(?P<field>[^:]+?) must be equal to '(?P<value>.*?)' in (?P<table>[^:]+?)(?:: (?P<which>.+?))?\. Current value",
        "{field} must be {value} in {table} ({which}).",
        "Open the page of {table} and look at {field}.",
    ),
    Rule(
        "record-gone",
        r"The (?P<what>[\w ./]+?) does not exist\. Identification fields and values: (?P<which>.+)",
        "Business Central has no {what} with these values: {which}",
        "Somebody may have deleted it. Look at the page of {what}, and at the mapping in stsync.",
    ),
    Rule(
        "record-gone",
        r".*",
        "The record is not in Business Central.",
        "Somebody may have deleted it. Run again: stsync looks for it anew.",
        code="Internal_RecordNotFound",
    ),
    Rule(
        "record-gone",
        r"There is no (?P<what>.+?) within the filter",
        "Business Central finds no {what} that fits.",
        "The vendor's words name the filter. Look at the page of {what}.",
    ),
    Rule("field-read-only", r"is read-?only", "A field was sent that Business Central fills in itself.", _OURS),
    Rule(
        "option-unknown",
        r"'(?P<value>.*?)' is not an option\. The existing options are: (?P<options>.+)",
        "Business Central knows no option {value}.",
        _OURS,
    ),
    Rule(
        "etag-missing",
        r".*",
        "A change was sent without saying which version of the record it is for.",
        _OURS,
        code="BadRequest_InvalidToken",
    ),
    Rule(
        "needs-a-person",
        r"Callback functions are not allowed",
        "Business Central wanted to ask a question, and no person was there to answer.",
        "An extension or a setup opens a window at this step. Do it once by hand on the page, or ask your partner.",
    ),
    Rule(
        "field-must-have-value",
        r"Field '(?P<field>.+?)' must not be blank or empty",
        "Business Central needs a value in {field}.",
        _OURS,
    ),
)
