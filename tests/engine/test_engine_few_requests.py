"""How little a run asks: which requests leave when nothing is new, and how many for the documents of an hour."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, timedelta
from urllib.parse import unquote

import pytest
from kept_month import book_one_more
from office import Office, money

from stsync.engine import credit_memos
from stsync.sandbox.requestlog import Entry
from stsync.sandbox.servicetitan.office import Line

EVERYTHING_ON = {"extended": True, "write_back": True}
LOGINS = ["servicetitan_auth POST token", "entra POST token"]
FEEDS = [f"servicetitan_api GET {name}" for name in ("customers", "contacts", "invoices", "payments", "credit-memos")]


@pytest.fixture
def settled(posted: Office) -> Office:
    """A month that is in the books and told to ServiceTitan, with every stage on, and looked at once more since."""
    posted.config.write_text(posted.world.config_text(posted.config.parent, **EVERYTHING_ON), encoding="utf-8")
    posted.monkeypatch.setattr(credit_memos, "EVERY", timedelta(0))
    posted.run()
    posted.run()
    posted.world.sandbox.log.clear()
    return posted


def asked(office: Office) -> list[str]:
    """What was asked since the log was cleared, in short."""
    return [_short(entry) for entry in office.world.sandbox.log.entries()]


def _short(entry: Entry) -> str:
    return f"{entry.system} {entry.method} {entry.target.split('?')[0].rsplit('/', 1)[-1].split('(')[0]}"


def reads_together(office: Office) -> Counter[str]:
    """What the reads inside the batches asked for."""
    return Counter(url.partition(")/")[2].partition("?")[0].partition("(")[0] for url in _inner(office))


def _inner(office: Office) -> list[str]:
    batches = [one for one in office.world.sandbox.log.entries() if one.target.endswith("$batch")]
    inner = [each for one in batches for each in json.loads(one.body)["requests"]]
    return [str(each["url"]) for each in inner if each["method"] == "GET"]


def test_a_run_with_nothing_new_asks_eight_questions_with_every_stage_on(settled: Office) -> None:
    result = settled.run()
    assert sorted(asked(settled)) == sorted([*LOGINS, *FEEDS, "business_central POST $batch"])
    assert result.requests == settled.requests() == 8
    assert settled.writes() == []
    # Held records are decided about anew in every run: what that takes, and the changed items, travels in the one batch.
    assert set(reads_together(settled).values()) == {1}


def test_business_central_is_not_even_logged_in_to_when_there_is_nothing_to_ask(settled: Office) -> None:
    settled.run("customers")
    assert sorted(asked(settled)) == sorted([LOGINS[0], *FEEDS[:2]])


def test_twenty_new_documents_cost_thirty_writes_and_eighteen_other_requests_at_most(settled: Office) -> None:
    booked = [book_one_more(settled) for _ in range(10)]
    settled.run()
    found = Counter(asked(settled))
    assert all(settled.standing("invoices", invoice) == ("settled", "posted") for invoice, _ in booked)
    assert all(settled.standing("payments", paid) == ("settled", "posted") for _, paid in booked)
    assert all(found[name] == 1 for name in [*LOGINS, *FEEDS])
    assert sum(found.values()) <= 48
    assert len(settled.writes()) <= 33
    assert sum(count for name, count in found.items() if name.startswith("business_central GET")) <= 5


def test_of_the_items_only_those_of_the_mapping_are_read(settled: Office) -> None:
    tenant, item = settled.world.tenant, next(iter(settled.world.company.items))
    like = next(row for row in tenant.invoices.values() if settled.invoice(row["id"]) is not None and row["items"])
    account = like["items"][0]["generalLedgerAccount"]["id"]
    line = Line("Visit", money("95.00"), sku_id=4711, sku_name="VISIT", gl_account_id=account)
    unit = like["businessUnit"]["id"]
    invoice = tenant.book_invoice(like["customer"]["id"], [line], business_unit_id=unit, on=date(2026, 6, 20))
    tenant.edit_invoice(invoice, syncStatus="Posted")
    settled.edit_config("  accounts:\n", f'  items:\n    "VISIT": "{item.number}"\n  accounts:\n')
    settled.run()
    carried = settled.invoice(invoice)
    assert carried.posted
    lines = settled.world.company.lines_of(carried)
    assert [(one.line_type, one.object_number) for one in lines] == [("Item", item.number)]
    mapped = [url for url in _inner(settled) if "/items?" in url and "lastModifiedDateTime" not in unquote(url)]
    assert mapped
    assert all(f"number eq '{item.number}'" in unquote(url) for url in mapped)
