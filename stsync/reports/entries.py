"""Rows of the audit as sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from stsync.reports.words import DONE, ENTITIES, outcome_words
from stsync.state import AuditRow

Detail = Mapping[str, Any]
# What is created in these is a draft until it is posted.
_DRAFTED = frozenset({"salesInvoices", "salesCreditMemos"})
Sentence = tuple[str, tuple[str, ...]]


def sentence(row: AuditRow) -> Sentence:
    """What happened, in one line, and the lines that belong under it."""
    speak = _SPEAK.get(row.event)
    return speak(row.detail) if speak else (row.event, tuple(f"{name}: {value}" for name, value in row.detail.items()))


def _decided(detail: Detail) -> Sentence:
    standing, reason = str(detail.get("standing", "")), str(detail.get("reason", ""))
    said = {
        "act": "Decided: it goes into the books.",
        "settle": f"Decided: {outcome_words(detail.get('outcome'))}.",
        "wait": f"Waits. {reason}",
        "hold": f"Held. {reason}",
    }.get(standing, f"Decided: {standing}. {reason}")
    rules = [f"by rule: {rule}" for rule in detail.get("rules", ())]
    return said.strip(), (*rules, *(f"note: {note}" for note in detail.get("notes", ())))


def _thing(detail: Detail) -> str:
    entity, name = str(detail.get("entity", "")), str(detail.get("natural_key", ""))
    if entity == "journals" and name.startswith("ST-P"):
        return f"payment {name}"  # one payment's part in the posting of its whole journal
    return f"{ENTITIES.get(entity, entity)} {name}".strip()


def _intended(detail: Detail) -> Sentence:
    amount = detail.get("amount")
    money = f" for {Decimal(str(amount)):,.2f}" if amount is not None else ""
    again = ("instead of an earlier version of it, which surely is not there",) if detail.get("instead_of") else ()
    verb = "take on" if detail.get("verb") == "adopt" else detail.get("verb")
    return f"About to {verb} the {_thing(detail)}{money}.", (*again, f"operation {detail.get('key')}")


def _done(detail: Detail) -> Sentence:
    verb = str(detail.get("verb", ""))
    number, identity = detail.get("target_number"), detail.get("target_id")
    place = "ServiceTitan" if detail.get("entity") in {"service", "material", "equipment"} else "Business Central"
    known = f", number {number}" if number else ""
    lines = [f"id in {place}: {identity}"] if identity else []
    lines += [f"why: {detail['why']}"] if detail.get("why") else []
    draft = "draft of the " if verb == "create" and detail.get("entity") in _DRAFTED else ""
    said = DONE.get(verb, verb).capitalize()
    return f"{said} in {place}: {draft}{_thing(detail)}{known}.", (*lines, *_requests(detail))


def _refused(detail: Detail) -> Sentence:
    reason: Detail = detail.get("reason") or {}
    lines = [f"They said: {reason['note']}"] if reason.get("note") else []
    lines += [f"What to do: {reason['hint']}"] if reason.get("hint") else []
    said = f"Refused ({detail.get('verb')} the {_thing(detail)}): {reason.get('message', '')}"
    return said, (*lines, *_requests(detail))


def _forgotten(detail: Detail) -> Sentence:
    return (
        f"Not carried out: {detail.get('verb')} the {_thing(detail)}. "
        "The system was not available; nothing happened there.",
        (),
    )


def _sent(detail: Detail) -> Sentence:
    status = detail.get("status")
    answer = f"answered {status}" if status else "no answer came"
    attempt = f", attempt {detail['attempt']}" if (detail.get("attempt") or 1) != 1 else ""
    place = str(detail.get("url", "")).split("/v2.0/")[-1]
    place = place.split("companies(")[-1].split(")/", 1)[-1] if "companies(" in place else place
    together = f", {detail['writes']} writes together" if detail.get("writes") else ""
    said = f"Sent to {detail.get('system')}: {detail.get('method')} {place}{together}; {answer}"
    by_place = ("known by its place in the audit only: no answer came that could name it",)
    return (
        f"{said} in {detail.get('milliseconds')} ms{attempt}.",
        (*_requests(detail), *(by_place if detail.get("by_place") else ())),
    )


def _requests(detail: Detail) -> tuple[str, ...]:
    ids = (("request id", detail.get("request_id")), ("correlation id", detail.get("correlation_id")))
    text = ", ".join(f"{name} {value}" for name, value in ids if value)
    return (text,) if text else ()


def _dimension_set(detail: Detail) -> Sentence:
    where = f"Line {detail['line']} of the draft" if detail.get("line") else "The draft itself"
    return f"{where}: {detail.get('code')} set to {detail.get('value')}.", ()


def _replayed(detail: Detail) -> Sentence:
    before = f" It was {detail['state']}: {detail['reason']}" if detail.get("reason") else ""
    return f"Put back in the queue by {detail.get('operator')}.{before}", ()


def _ignored(detail: Detail) -> Sentence:
    before = (f"it was {detail.get('state')}: {detail['cause']}",) if detail.get("cause") else ()
    return f"Dealt with by hand, says {detail.get('operator')}: {detail.get('reason')}", before


def _ignored_undone(detail: Detail) -> Sentence:
    why = f": {detail['reason']}" if detail.get("reason") else "."
    return f"No longer dealt with by hand; put back in the queue by {detail.get('operator')}{why}", ()


def _rewritten(detail: Detail) -> Sentence:
    return "Business Central changed the card itself; nothing is sent for that.", tuple(detail.get("told", ()))


def _linked(detail: Detail) -> Sentence:
    lines = [f"because: {detail['reasons']}"] if detail.get("reasons") else []
    lines += [f"file: {detail['file']}"] if detail.get("file") else []
    return f"Linked to {detail.get('number')} by {detail.get('operator')}. Nothing was sent.", tuple(lines)


def _said_new(detail: Detail) -> Sentence:
    return f"No card in Business Central is this one, says {detail.get('operator')}: a new one may be made.", ()


def _applied(detail: Detail) -> Sentence:
    before = (f"it was to be applied: {detail['was']}",) if detail.get("was") else ()
    why = f": {detail['reason']}" if detail.get("reason") else "."
    return f"Applied in Business Central, says {detail.get('operator')}{why}", before


def _applied_undone(detail: Detail) -> Sentence:
    why = f": {detail['reason']}" if detail.get("reason") else "."
    return f"Not applied in Business Central after all, says {detail.get('operator')}{why}", ()


def _configuration(detail: Detail) -> Sentence:
    return "The configuration or mapping is another than at the run before.", (f"digest {detail.get('digest')}",)


def _rebuilt(detail: Detail) -> Sentence:
    who = f"{detail.get('operator')} (stsync state rebuild)"
    said = f"Its link was rebuilt from the two systems by {who}: {detail.get('number')}."
    earlier = "what happened before is not in this state file; the file that was put aside may have it"
    return said, (f"why: {detail.get('why')}", earlier)


def _correction(detail: Detail) -> Sentence:
    number = detail.get("number") or "what is not in the books any more"
    ordered = tuple(f"ordered: {one}" for one in detail.get("operations", ()))
    return f"{detail.get('operator', 'Somebody')} ordered the correction of {number}.", ordered


_SPEAK: Mapping[str, Callable[[Detail], Sentence]] = {
    "decided": _decided,
    "intended": _intended,
    "done": _done,
    "refused": _refused,
    "forgotten": _forgotten,
    "sent": _sent,
    "dimension-set": _dimension_set,
    "replayed": _replayed,
    "ignored": _ignored,
    "ignored-undone": _ignored_undone,
    "rewritten": _rewritten,
    "linked": _linked,
    "said-new": _said_new,
    "applied": _applied,
    "applied-undone": _applied_undone,
    "configuration": _configuration,
    "correction": _correction,
    "rebuilt": _rebuilt,
}
