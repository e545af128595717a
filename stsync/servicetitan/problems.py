"""ServiceTitan's refusals in a bookkeeper's words (facts 1.3). Pure; the vendor's own words stay in `note`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stsync.core.reasons import Reason
from stsync.http.outcomes import Refused


@dataclass(frozen=True)
class _Rule:
    reference: str
    statuses: frozenset[int]
    pattern: re.Pattern[str]
    message: str
    hint: str


def _rule(reference: str, statuses: set[int], pattern: str, message: str, hint: str) -> _Rule:
    return _Rule(reference, frozenset(statuses), re.compile(pattern, re.IGNORECASE | re.DOTALL), message, hint)


_RULES = (
    _rule(
        "code-taken",
        {400, 409},
        r"\bcode\b.*(?:already|unique|exist|duplicate|in use)|(?:duplicate|already).*\bcode\b",
        "The pricebook has an entry with this code already.",
        "Look the code up in ServiceTitan's pricebook, inactive entries included; give one of the two another code.",
    ),
    _rule(
        "period-closed",
        {400, 409},
        r"accounting period|period is closed|closed period",
        "The accounting period is closed in ServiceTitan, so the record can no longer be marked there.",
        "Reopen the period (Accounting > Accounting Periods) and run again, or mark the record by hand.",
    ),
    _rule(
        "not-posted-in-servicetitan",
        {400, 409},
        r"must be posted|not (?:been |yet )?posted|only posted",
        "ServiceTitan marks only posted transactions as exported, and this one is not posted.",
        "Look at its batch in ServiceTitan (Accounting > Batch/Export Transactions): was it unposted?",
    ),
    _rule(
        "account-unknown-in-servicetitan",
        {400, 404, 409},
        r"\b(?:gl |general ledger )?account\b.*(?:not found|unknown|does not exist|invalid|inactive)",
        "ServiceTitan has no active account of this name.",
        "Compare the account's name with ServiceTitan's list (Settings > General Ledger Accounts).",
    ),
    _rule(
        "category-unknown",
        {400, 404, 409},
        r"categor(?:y|ies)\b.*(?:not found|unknown|does not exist|invalid|inactive)",
        "ServiceTitan has no active pricebook category with this number.",
        "Correct pricebook_category in the configuration.",
    ),
    _rule(
        "in-conflict",
        {409},
        r".*",
        "ServiceTitan refuses this, because it clashes with a record that is there.",
        "The vendor's words name the record. Look it up in ServiceTitan; then run again.",
    ),
    _rule(
        "not-in-servicetitan",
        {404},
        r".*",
        "ServiceTitan does not have this record, or it is not active.",
        "Somebody may have deleted or deactivated it. Look it up in ServiceTitan, inactive records included.",
    ),
    _rule(
        "invalid-in-servicetitan",
        {400, 422},
        r".*",
        "ServiceTitan does not take what was sent for this record.",
        "The vendor's words name the field. Correct the value in Business Central; then run again.",
    ),
)


def reason(status: int, text: str, trace_id: str = "") -> Reason:
    """What this refusal means and what to do; `trace_id` is kept in the note for ServiceTitan's support."""
    words = " ".join(text.split())
    note = f"{words} (traceId {trace_id})" if trace_id else words
    for rule in _RULES:
        if status in rule.statuses and rule.pattern.search(words):
            return Reason(rule.reference, rule.message, rule.hint, note)
    return Reason(
        "servicetitan-refused",
        "ServiceTitan refused this record.",
        "The vendor's words say what is wrong. Correct it in ServiceTitan; then run again.",
        note,
    )


def reason_for(error: Refused) -> Reason:
    """The same, for a refusal as the session raised it."""
    return reason(error.status, error.text, error.correlation_id)


def row_reason(error_message: str) -> Reason:
    """The same, for a row that markasexported answered with success=false inside a 200 (trap 3)."""
    return reason(400, error_message or "ServiceTitan gave no reason.")
