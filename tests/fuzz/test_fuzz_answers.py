"""What servers answer, twisted: errors of both systems, pages of feeds, batches, waits. Judged, never a crash."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import pytest
from fuzzing import fuzzed
from hypothesis import given
from hypothesis import strategies as st
from twisting import AWKWARD_TEXT, JSON, twisted

from stsync.businesscentral import batch, problems
from stsync.businesscentral.odata import checked_next_link, next_link
from stsync.core.reasons import Reason
from stsync.errors import StsyncError, UsageError
from stsync.http.answers import Answer, Unreadable, decoded, parsed
from stsync.http.retry import LONGEST_PAUSE, Transient, wanted_pause
from stsync.http.verdicts import System, judge_read, judge_write
from stsync.servicetitan import problems as titan_problems
from stsync.servicetitan.feeds import pages

# As both vendors write them (BC facts section 7; ServiceTitan facts 1.3).
REFUSALS = st.sampled_from(
    [
        {"error": {"code": "Application_DialogException", "message": "No.  CorrelationId:  9c2f1a6e-0000."}},
        {"error": {"code": "Internal_RecordNotFound", "message": "The Customer does not exist."}},
        {"type": "about:blank", "title": "Rate limit. Try again in 30 seconds.", "status": 429, "traceId": "00-a"},
        {
            "title": "One or more errors",
            "status": 400,
            "errors": {"Number": ["is taken"]},
            "traceId": "00-b",
            "data": {},
        },
    ]
)
STATUSES = st.integers(200, 599)
# Retry-After is there as often as not, in seconds or as a date; else the waits below would hardly ever be tried.
WAITS = st.one_of(
    st.integers(0, 10**10).map(str),
    st.decimals(0, 1000, places=2).map(str),
    st.datetimes().map(lambda at: f"{at:%a, %d %b} {at.year:04} {at:%H:%M:%S} GMT"),
    AWKWARD_TEXT,
)
OTHERS = st.dictionaries(
    st.sampled_from(["Location", "request-id", "Content-Type"]), AWKWARD_TEXT | st.text(), max_size=2
)
HEADERS = st.one_of(
    OTHERS,
    st.builds(lambda others, wait, now: {**others, "Retry-After": wait, "Date": now}, OTHERS, WAITS, WAITS),
)
WORDS = st.one_of(st.text(max_size=200), AWKWARD_TEXT, st.from_regex(r"The .{0,30} must have a value in .{0,30}\."))


def answer(data: st.DataObject) -> tuple[Answer, bool]:
    """An answer as the session makes it of bytes, and whether its body could be read."""
    body = data.draw(twisted(REFUSALS) | JSON)
    content = json.dumps(body, default=str).encode("utf-8", "surrogatepass")
    cut = data.draw(st.integers(0, len(content)))
    content = data.draw(st.sampled_from([content, content, content[:cut], b"<html>Bad gateway</html>", b"\xff\xfe"]))
    status, headers = data.draw(STATUSES), data.draw(HEADERS)
    try:
        text = decoded(content)
    except Unreadable:
        return Answer(status, None, headers), False
    try:
        return Answer(status, parsed(text) if text else None, headers, text=text), True
    except Unreadable:
        return Answer(status, None, headers, text=text), False


@pytest.mark.parametrize("system", ["ServiceTitan", "Business Central"])
@pytest.mark.parametrize("judge", [judge_read, judge_write])
@fuzzed
@given(data=st.data())
def test_every_answer_is_judged(judge: Any, system: System, seen: Counter[str], data: st.DataObject) -> None:
    given_, readable = answer(data)
    try:
        taken = judge(given_, system, readable=readable)
    except (StsyncError, Transient) as error:
        verdict: Exception | None = error
    else:
        verdict = None
    if verdict is not None:
        # Only a 429 surely was not processed: any other doubt about a write stays a doubt.
        assert judge is judge_read or not isinstance(verdict, Transient) or given_.status == 429
        seen[type(verdict).__name__] += 1
        return
    assert 200 <= taken.status < 300
    assert readable
    seen["taken"] += 1


@fuzzed
@given(data=st.data())
def test_a_wait_is_none_or_a_time_that_ends(seen: Counter[str], data: st.DataObject) -> None:
    given_, _readable = answer(data)
    pause = wanted_pause(given_)
    assert pause is None or (math.isfinite(pause) and 0 <= pause <= LONGEST_PAUSE)
    seen["none" if pause is None else "a wait"] += 1


@fuzzed
@given(code=WORDS, text=WORDS, trace=WORDS, status=STATUSES)
def test_every_refusal_gets_words_and_keeps_the_vendors(
    seen: Counter[str], code: str, text: str, trace: str, status: int
) -> None:
    for reason in (
        problems.reason(code, text),
        titan_problems.reason(status, text, trace),
        titan_problems.row_reason(text),
    ):
        assert isinstance(reason, Reason)
        assert reason.reference
        assert reason.message
        assert reason.hint
        seen[reason.reference] += 1


@fuzzed
@given(data=st.data())
def test_a_refusal_that_a_rule_knows_gets_the_rules_words(seen: Counter[str], data: st.DataObject) -> None:
    known = data.draw(st.sampled_from(problems.RULES))
    # Control characters are stripped from a vendor's text before it is read; of a text of nothing else little is left.
    printable = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))
    reason = problems.reason(known.code, data.draw(st.from_regex(known.pattern, alphabet=printable)))
    # Another rule before it may know the same words better; none at all would mean that they were lost on the way.
    assert reason.reference in {one.reference for one in problems.RULES}
    assert "{" not in known.message.format(**dict.fromkeys(known.pattern.groupindex, "x"))
    assert reason.hint
    seen["known"] += 1


@fuzzed
@given(data=st.data())
def test_a_feed_gives_pages_or_stops(seen: Counter[str], data: st.DataObject) -> None:
    sound = st.sampled_from(
        [{"data": [{"id": 1}], "continueFrom": "t2", "hasMore": True}, {"data": [], "hasMore": False}]
    )
    answers = [Answer(200, data.draw(twisted(sound) | sound)) for _ in range(4)]
    left = iter([*answers, Answer(200, {"data": [], "continueFrom": "end", "hasMore": False})])
    try:
        got = list(pages(lambda _params: next(left), None, start_from=None, recent=False))
    except StsyncError as error:
        seen[error.reference] += 1
        return
    assert not got[-1].has_more
    seen["read to its end"] += 1


@fuzzed
@given(data=st.data())
def test_a_batch_gives_whole_lists_or_nothing(seen: Counter[str], data: st.DataObject) -> None:
    rows = {"value": [{"id": "1"}], "@odata.nextLink": None}
    sound = {"responses": [{"id": str(one), "status": 200, "body": rows} for one in range(3)]}
    body = data.draw(twisted(st.just(sound)))
    try:
        found = batch.complete_rows(Answer(200, body), 3)
    except batch.NotBatched:
        seen["no batch"] += 1
        return
    assert len(found) == 3
    assert all(one is None or all(isinstance(row, dict) for row in one) for one in found)
    seen["whole" if all(found) else "in part"] += 1


@fuzzed
@given(link=st.one_of(st.text(), AWKWARD_TEXT, st.from_regex(r"https?://[a-z.@:/\\?#%]{1,40}")), page=JSON)
def test_a_next_link_never_leads_to_another_host(seen: Counter[str], link: str, page: Any) -> None:
    root = "https://api.businesscentral.dynamics.com/v2.0/x/Sandbox/api/v2.0"
    if isinstance(page, dict):
        next_link(page)
    try:
        checked = checked_next_link(link, f"{root}/companies", root)
    except (UsageError, StsyncError) as error:
        seen[error.reference] += 1
        return
    assert checked.startswith("https://api.businesscentral.dynamics.com/")
    seen["followed"] += 1
