"""Business Central's refusals in a bookkeeper's words. Pure; the vendor's own words stay beside, in `note`."""

from __future__ import annotations

import re

from stsync.businesscentral.problemrules import customers, documents, payments, protocol, setup
from stsync.businesscentral.problemrules.rule import Rule
from stsync.core.reasons import Reason
from stsync.http.answers import without_correlation
from stsync.http.outcomes import Refused

# The specific before the general: a dimension's own rule before the sentence that only introduces it, and
# everything with a page of its own before the rules that go by code alone.
RULES = (*setup.RULES, *documents.RULES, *payments.RULES, *customers.RULES, *protocol.RULES)

_UNKNOWN_HINT = "The vendor's words say what is wrong. Correct it in Business Central or ServiceTitan; then run again."


def reason(code: str, text: str, correlation_id: str = "") -> Reason:
    """What this refusal means and what to do; an unknown one gets a plain sentence and the vendor's words.

    A correlation id inside the text is recognised; it never decides anything, and is kept in the note.
    """
    words, inside = without_correlation(text.strip())
    note = _note(words, correlation_id or inside)
    for rule in RULES:
        found = rule.pattern.search(words) if rule.code in {"", code} else None
        if found:
            return _translated(rule, found, note)
    return Reason("business-central-refused", "Business Central refused this record.", _UNKNOWN_HINT, note)


def reason_for(error: Refused) -> Reason:
    """The same, for a refusal as the session raised it."""
    return reason(error.code, error.text, error.correlation_id)


def comparable(note: str) -> str:
    """A note without its correlation id, to tell whether two refusals say the same."""
    return without_correlation(note)[0].strip()


def _translated(rule: Rule, found: re.Match[str], note: str) -> Reason:
    named = {name: _one_line(value) for name, value in found.groupdict().items()}
    message = _tidy(rule.message.format(**named))
    return Reason(rule.reference, message, _tidy(rule.hint.format(**named)), note)


def _one_line(value: str | None) -> str:
    return " ".join((value or "").split()).rstrip(".")


def _tidy(sentence: str) -> str:
    return re.sub(r"\s+([.,])", r"\1", " ".join(sentence.replace(" ()", "").split()))


def _note(words: str, correlation_id: str) -> str:
    return f"{words}  CorrelationId:  {correlation_id}." if correlation_id else words
