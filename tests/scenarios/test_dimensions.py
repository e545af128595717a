"""More than one dimension on documents: what the general ledger and the receivables show, entry by entry."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import other_readings as other
import pytest
from office import Office, money

from stsync.engine.lanes import parts
from stsync.sandbox.company.chart import UNITS
from stsync.sandbox.requestlog import Entry
from stsync.sandbox.wsgi import Request, Response
from stsync.setup.examination import examine
from stsync.state import State

MORE = """
    - { dimension: JOBTYPE, source: job_type }
    - { dimension: SITE, source: location }
    - { dimension: TRADE, source: trade }
    - { dimension: CHANNEL, source: constant, value: FIELD }
"""


def _several_units(office: Office) -> dict[str, Any]:
    """The demo's invoice with lines of three business units."""
    ref = office.world.demo.scenarios["several_business_units"][0]
    row: dict[str, Any] = office.world.tenant.invoices[ref[1]]
    return row


def _with_more(office: Office, more: str = MORE, mapping: str = "") -> None:
    office.edit_config("  business_unit: DEPARTMENT\n", f"  business_unit: DEPARTMENT\n  more:{more}")
    if mapping:
        office.edit_config("mapping:\n", f"mapping:\n{mapping}")


def _dimensions_in_books(office: Office) -> None:
    """What an accountant sets up beforehand."""
    company = office.world.company
    for code, values in {
        "JOBTYPE": ("SERVICE", "OFFICE"),
        "SITE": ("HOME", "SHOP"),
        "TRADE": ("HVAC", "PLUMBING", "ELECTRICAL"),
        "CHANNEL": ("FIELD", "WEB"),
    }.items():
        company.add_dimension(code)
        for value in values:
            company.add_dimension_value(code, value)


def _mapping(row: dict[str, Any]) -> str:
    return f'  job_types:\n    "{row["job"]["type"]}": SERVICE\n  locations:\n    "{row["location"]["id"]}": HOME\n'


def _carry(office: Office, row: dict[str, Any]) -> None:
    office.run("invoices", only=str(row["id"]))


def _card(office: Office, row: dict[str, Any]) -> Any:
    """The customer's card, made by an ordinary run before the invoice comes."""
    office.run("customers")
    card = office.world.company.customers.first("number", f"ST{row['customer']['id']}")
    assert card is not None
    return card


def _receivable(office: Office, row: dict[str, Any]) -> Any:
    document = office.invoice(row["id"])
    return next(one for one in office.world.company.customer_ledger if one.document_id == document.id)


def _entries(office: Office, row: dict[str, Any]) -> list[Any]:
    return office.gl(office.invoice(row["id"]).number, "Invoice")


def test_every_entry_of_an_invoice_of_several_units_carries_its_own_values(office: Office) -> None:
    row = _several_units(office)
    _dimensions_in_books(office)
    _with_more(office, mapping=_mapping(row))
    _carry(office, row)
    assert office.standing("invoices", row["id"]) == ("settled", "posted")
    always = {"JOBTYPE": "SERVICE", "SITE": "HOME", "CHANNEL": "FIELD"}
    header = {"DEPARTMENT": "PHX-HVAC-S", "TRADE": "HVAC", **always}
    revenue = {one.account_number: one.dimensions for one in _entries(office, row) if one.amount < 0}
    by_trade = {one["TRADE"]: one for one in revenue.values() if one != header}
    assert by_trade["PLUMBING"] == {"DEPARTMENT": "PHX-PLMB-S", "TRADE": "PLUMBING", **always}
    assert by_trade["ELECTRICAL"] == {"DEPARTMENT": "PHX-ELEC", "TRADE": "ELECTRICAL", **always}
    assert header in revenue.values()
    assert [one.dimensions for one in _entries(office, row) if one.amount > 0] == [header]
    assert _receivable(office, row).dimensions == header


def test_a_missing_job_type_holds_with_the_line_to_add_and_equal_codes_need_none(office: Office) -> None:
    row = _several_units(office)
    _dimensions_in_books(office)
    _with_more(office)
    _carry(office, row)
    assert office.standing("invoices", row["id"]) == ("held", "mapping-missing")
    assert office.invoice(row["id"]) is None
    reason = _reason(office, row)
    # Many locations are called alike, so the line names this one by its number.
    assert f'"{row["location"]["id"]}": <SITE value>  # {row["location"]["name"]}' in reason.hint
    # The job type and the trades are called in the books as ServiceTitan calls them.
    assert "job_types:" not in reason.hint
    assert "trades:" not in reason.hint
    office.world.company.dimension_values.delete(_value(office, "JOBTYPE", "SERVICE"))
    _carry(office, row)
    assert f'"{row["job"]["type"]}": <JOBTYPE value>' in _reason(office, row).hint


def _value(office: Office, dimension: str, code: str) -> Any:
    values = office.world.company.dimension_values.where("code", code)
    return next(one for one in values if one.dimension_code == dimension)


def _reason(office: Office, row: dict[str, Any]) -> Any:
    from stsync.state import State

    with State.open_scratch(office.state_file) as state:
        found = state.inbox.find("invoices", str(row["id"]))
        assert found is not None
        assert found.reason is not None
        return found.reason


def test_an_invoice_without_a_job_needs_a_line_of_its_own(office: Office) -> None:
    row = _several_units(office)
    _dimensions_in_books(office)
    row["job"] = None
    _with_more(office, "\n    - { dimension: JOBTYPE, source: job_type }\n")
    _carry(office, row)
    assert office.standing("invoices", row["id"]) == ("held", "mapping-missing")
    assert '"(none)": <JOBTYPE value>' in _reason(office, row).hint
    office.edit_config("mapping:\n", 'mapping:\n  job_types:\n    "(none)": OFFICE\n')
    _carry(office, row)
    assert {one.dimensions["JOBTYPE"] for one in _entries(office, row)} == {"OFFICE"}


def test_a_value_that_business_central_lacks_is_said_before_anything_is_sent(office: Office) -> None:
    row = _several_units(office)
    office.world.company.add_dimension("CHANNEL")
    _with_more(office, "\n    - { dimension: CHANNEL, source: constant, value: PHONE }\n")
    office.world.sandbox.log.clear()
    _carry(office, row)
    assert office.standing("invoices", row["id"]) == ("held", "dimension-value-missing")
    assert [one for one in office.writes() if "salesInvoices" in one.path] == []


def test_trades_that_may_not_be_read_hold_with_the_scope_to_grant(office: Office) -> None:
    row = _several_units(office)
    _dimensions_in_books(office)
    _with_more(office, "\n    - { dimension: TRADE, source: trade }\n")
    forbidden = Response(403, {"title": "Forbidden: the scope tn.stt.businessunits:r is not granted."})
    unit_lists = other.answering(lambda request: "business-units" in request.path, lambda: forbidden)
    other.exchange(office.world, titan=(unit_lists,))
    _carry(office, row)
    assert office.standing("invoices", row["id"]) == ("held", "trade-unknown")
    assert "tn.stt.businessunits:r" in _reason(office, row).hint


def test_units_are_read_once_and_again_when_a_new_one_appears(office: Office) -> None:
    row = _several_units(office)
    _dimensions_in_books(office)
    _with_more(office, "\n    - { dimension: TRADE, source: trade }\n")
    _carry(office, row)
    assert _unit_lists(office) == 1
    tenant = office.world.tenant
    later = next(one for one in tenant.invoices.values() if one["syncStatus"] == "Posted" and one["id"] != row["id"])
    _carry(office, later)
    assert _unit_lists(office) == 1
    unit = {"id": tenant.add_business_unit(name="Boise HVAC", trade={"id": 1, "name": "HVAC"}), "name": "Boise HVAC"}
    office.world.company.add_dimension_value("DEPARTMENT", "BOISE HVAC")
    last = next(
        one
        for one in tenant.invoices.values()
        if one["syncStatus"] == "Posted" and one["id"] not in {row["id"], later["id"]}
    )
    last["businessUnit"] = unit
    for item in last["items"]:
        item["businessUnit"] = unit
    tenant.touch("invoices", last["id"])
    office.world.clock.advance(timedelta(hours=1))
    _carry(office, last)
    assert _unit_lists(office) == 2
    assert _receivable(office, last).dimensions == {"DEPARTMENT": "BOISE HVAC", "TRADE": "HVAC"}


def _unit_lists(office: Office) -> int:
    return sum("business-units" in one.target for one in office.world.sandbox.log.entries())


@pytest.mark.parametrize(
    ("rule", "value", "words"),
    [
        ("Code Mandatory", "", "demands a value of the dimension PROJECT"),
        ("Same Code", "PHX-PLMB-S", "accepts only PHX-PLMB-S in the dimension DEPARTMENT"),
        ("No Code", "", "accepts no value of the dimension DEPARTMENT"),
    ],
)
def test_a_rule_of_the_customer_is_explained_before_posting(office: Office, rule: str, value: str, words: str) -> None:
    row = _several_units(office)
    card = _card(office, row)
    dimension = "PROJECT" if rule == "Code Mandatory" else "DEPARTMENT"
    rules = office.world.company.add_default_dimension(card, dimension, value, rule)
    _carry(office, row)
    assert office.standing("invoices", row["id"]) == ("held", "dimension-rule-broken")
    reason = _reason(office, row)
    assert card.number in reason.message
    assert words in reason.message
    assert "Default Dimensions" in reason.hint
    assert not office.invoice(row["id"]).posted
    # The accountant lifts the rule, and the draft that stands there is posted.
    office.world.company.default_dimensions.delete(rules)
    _carry(office, row)
    assert office.standing("invoices", row["id"]) == ("settled", "posted")


def test_a_default_of_the_customer_stays_where_we_do_not_speak_of_it_and_gives_way_where_we_do(office: Office) -> None:
    row = _several_units(office)
    card = _card(office, row)
    company = office.world.company
    company.add_dimension_value("PROJECT", "P-7")
    company.add_default_dimension(card, "PROJECT", "P-7")
    company.add_default_dimension(card, "DEPARTMENT", "TUC-HVAC")
    _carry(office, row)
    entries = _entries(office, row)
    assert {one.dimensions["PROJECT"] for one in entries} == {"P-7"}
    assert "TUC-HVAC" not in {one.dimensions["DEPARTMENT"] for one in entries}
    assert _receivable(office, row).dimensions == {"DEPARTMENT": "PHX-HVAC-S", "PROJECT": "P-7"}


def test_a_mandatory_dimension_that_the_document_carries_is_posted(office: Office) -> None:
    row = _several_units(office)
    card = _card(office, row)
    office.world.company.add_default_dimension(card, "DEPARTMENT", "", "Code Mandatory")
    _carry(office, row)
    assert office.standing("invoices", row["id"]) == ("settled", "posted")


def test_a_rule_of_an_account_that_no_program_can_see_is_told_when_posting_is_refused(office: Office) -> None:
    row = _several_units(office)
    company = office.world.company
    for account in company.accounts:
        if account.number.startswith("4"):
            company.add_default_dimension(account, "PROJECT", "", "Code Mandatory")
    _carry(office, row)
    assert office.standing("invoices", row["id"]) == ("held", "dimension-missing")
    assert "G/L Account" in _reason(office, row).message
    assert not office.invoice(row["id"]).posted


def test_a_renamed_and_retired_unit_keeps_its_value_by_its_number(office: Office) -> None:
    row = _several_units(office)
    unit = office.world.tenant.tables["business_units"][row["businessUnit"]["id"]]
    office.edit_config('"Phoenix HVAC Service":', f'"{unit["id"]}":')
    unit.update(name="Valley Comfort Team", active=False)
    _carry(office, row)
    assert office.standing("invoices", row["id"]) == ("settled", "posted")
    assert _receivable(office, row).dimensions == {"DEPARTMENT": "PHX-HVAC-S"}


def test_a_job_type_changed_after_posting_is_not_passed_over(office: Office) -> None:
    row = _several_units(office)
    _carry(office, row)
    row["job"] = {**row["job"], "type": "Install"}
    office.world.tenant.touch("invoices", row["id"])
    office.world.clock.advance(timedelta(hours=1))
    _carry(office, row)
    assert office.standing("invoices", row["id"]) == ("held", "changed-after-posting")


def test_rules_cost_at_most_one_request_for_25_documents_and_none_without_dimensions(office: Office) -> None:
    office.run("customers", "invoices")
    company = office.world.company
    # Three sittings, because credits are made when the invoices that they reduce are posted: invoices, adjustments below
    # zero, credit memos. Each reads the rules of as many documents at once as it reads documents.
    invoices = [one for one in company.invoices if one.posted]
    memos = [one for one in company.credit_memos if one.posted]
    issued = [one for one in memos if one.external_document_number.startswith("ST-C")]
    sittings = (len(invoices), len(memos) - len(issued), len(issued))
    assert min(sittings) >= 1
    assert len(invoices) > 75
    assert 1 <= _default_reads(office) <= sum(len(list(parts(range(count), 25))) for count in sittings)
    asked = [number for one in office.world.sandbox.log.entries() for number in _customers_asked_for(one)]
    assert {one.customer_number for one in (*invoices, *memos)} <= set(asked)
    assert len(asked) == len(set(asked)), "a customer's rules were asked for twice"


def _customers_asked_for(entry: Entry) -> list[str]:
    target = unquote(entry.target)
    return re.findall(r"number eq '([^']+)'", target) if "defaultDimensions" in target else []


def test_without_dimensions_no_rule_is_asked_for(office: Office) -> None:
    office.edit_config("  business_unit: DEPARTMENT\n", "  business_unit:\n")
    office.run("customers", "invoices", limit=10)
    assert sum(one.posted for one in office.world.company.invoices) == 10
    assert _default_reads(office) == 0


def _default_reads(office: Office) -> int:
    log = office.world.sandbox.log.entries()
    return sum("defaultDimensions" in unquote(one.target) + one.body for one in log)


def _first(body: dict[str, Any]) -> dict[str, Any]:
    """The document's own values before its lines, as a server may take them whatever their place."""
    own = {"dimensionSetLines": body["dimensionSetLines"]} if "dimensionSetLines" in body else {}
    head = {name: value for name, value in body.items() if name not in {"dimensionSetLines", "salesInvoiceLines"}}
    lines = {"salesInvoiceLines": body["salesInvoiceLines"]} if "salesInvoiceLines" in body else {}
    return {**head, **own, **lines}


def _ignored(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "dimensionSetLines"}


def _nested_refused(request: Request) -> bool:
    is_new = request.method == "POST" and request.path.endswith("/salesInvoices")
    return is_new and b"dimensionSetLines" in request.body


@pytest.mark.parametrize(
    "reading",
    [
        other.sending(_first),
        other.sending(_ignored),
        other.answering(_nested_refused, lambda: other.refusal(400, "BadRequest", "Invalid Request Body")),
    ],
    ids=["set before the lines", "ignored on the document", "refused"],
)
def test_however_nested_dimensions_are_taken_the_books_are_the_same(office: Office, reading: other.Reading) -> None:
    row = _several_units(office)
    other.exchange(office.world, books=(reading,))
    _carry(office, row)
    assert office.standing("invoices", row["id"]) == ("settled", "posted")
    held = {one.dimensions["DEPARTMENT"] for one in _entries(office, row) if one.amount < 0}
    assert held == {"PHX-HVAC-S", "PHX-PLMB-S", "PHX-ELEC"}
    assert _receivable(office, row).dimensions == {"DEPARTMENT": "PHX-HVAC-S"}
    creates = [one for one in office.writes() if one.target.split("?")[0].endswith("/salesInvoices")]
    assert [one.status for one in creates][-1] == 201


def test_a_server_that_sets_the_document_first_is_asked_so_only_once(office: Office) -> None:
    other.exchange(office.world, books=(other.sending(_first),))
    office.run("customers", "invoices", limit=12)
    assert sum(one.posted for one in office.world.company.invoices) == 12
    refused = [one for one in office.writes() if one.target.endswith("/salesInvoices") and one.status == 400]
    assert len(refused) == 1


@pytest.mark.parametrize(("what", "reference"), [("value", "dimension-blocked"), ("dimension", "dimension-blocked")])
def test_a_blocked_dimension_is_named_with_its_page(office: Office, what: str, reference: str) -> None:
    row = _several_units(office)
    if what == "value":
        _value(office, "DEPARTMENT", "PHX-ELEC").blocked = True
    else:
        dimension = office.world.company.dimensions.first("code", "DEPARTMENT")
        assert dimension is not None
        dimension.blocked = True
    _carry(office, row)
    assert office.standing("invoices", row["id"]) == ("held", reference)
    assert office.invoice(row["id"]) is None


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("PATCH", lambda: other.refusal(400, "Application_DialogException", "Dimension DEPARTMENT is blocked.")),
        # Somebody took the value out after the draft was read.
        ("GET", lambda: Response(200, {"value": []})),
    ],
)
def test_a_value_that_could_not_be_set_holds_the_invoice_and_is_not_told_as_set(
    office: Office, method: str, answer: Any
) -> None:
    row = _several_units(office)
    office.world.company.add_default_dimension(_card(office, row), "DEPARTMENT", "TUC-HVAC")

    def of_a_draft(request: Request) -> bool:
        return request.method == method and "/dimensionSetLines" in request.path and "expand" not in request.raw_query

    other.exchange(office.world, books=(other.answering(of_a_draft, answer),))
    _carry(office, row)
    assert office.standing("invoices", row["id"]) == ("held", "draft-differs")
    assert "DEPARTMENT could not be set" in _reason(office, row).message
    with State.open_scratch(office.state_file) as state:
        assert list(state.audit.rows(event="dimension-set")) == []


def test_doctor_names_every_value_that_is_missing_before_the_first_run(office: Office) -> None:
    _dimensions_in_books(office)
    more = """
    - { dimension: JOBTYPE, source: job_type }
    - { dimension: TRADE, source: trade }
    - { dimension: CHANNEL, source: constant, value: PHONE }
    - { dimension: REGION, source: location }
"""
    _with_more(office, more, '  job_types:\n    "Service": SERVICE\n    "Install": BUILD\n')
    office.world.company.dimension_values.delete(_value(office, "TRADE", "PLUMBING"))
    found = {one.name: one for one in examine(office.config)}
    assert found["dimension JOBTYPE"].status == "ok"
    assert "BUILD (job type 'Install')" in found["mapping.job_types"].found
    assert found["dimensions.more"].found == "CHANNEL has no value PHONE"
    assert found["dimension REGION"].status == "fail"
    assert "'Plumbing'" in found["mapping.trades"].found


def test_doctor_counts_the_documents_that_a_missing_value_keeps_back(office: Office) -> None:
    _dimensions_in_books(office)
    _with_more(office, "\n    - { dimension: JOBTYPE, source: job_type }\n")
    office.run("invoices", only="none")
    told = " ".join(one.found for one in examine(office.config) if one.name == "mapping.job_types")
    counted = re.findall(r"'([^']+)' is not mapped: (\d+) documents?,", told)
    types = Counter(
        row["job"]["type"] if row["job"] else "(none)"
        for row in office.world.tenant.invoices.values()
        if row["active"] and row["items"] and (row["invoiceDate"] or "") >= "2026-05-01"
    )
    # Values that bear the job type's own name need no line in the mapping.
    assert dict(counted) == {name: str(count) for name, count in types.items() if name not in {"Service", "Install"}}
    assert sum(int(count) for _, count in counted) > 8


def _payment(office: Office, scenario: str) -> dict[str, Any]:
    ref = next(one for one in office.world.demo.scenarios[scenario] if one[0] == "payments")
    row: dict[str, Any] = office.world.tenant.payments[ref[1]]
    return row


def _money(office: Office, row: dict[str, Any]) -> list[dict[str, str]]:
    number = f"ST-P{row['id']}"
    found = [one.dimensions for one in office.world.company.gl_entries if one.document_number == number]
    return [*found, *(o.dimensions for o in office.world.company.customer_ledger if o.document_number == number)]


@pytest.mark.parametrize("scenario", ["deposit_unapplied", "refund_of_unapplied_credit"])
def test_payments_and_refunds_carry_their_own_unit_where_that_is_chosen(office: Office, scenario: str) -> None:
    row = _payment(office, scenario)
    unit = next(one.code for one in UNITS if one.id == row["businessUnit"]["id"])
    office.edit_config("  business_unit: DEPARTMENT\n", "  business_unit: DEPARTMENT\n  on_payments: yes\n")
    office.run("payments", only=str(row["id"]))
    assert office.standing("payments", row["id"])[0] == "settled"
    assert _money(office, row)
    assert all(one == {"DEPARTMENT": unit} for one in _money(office, row))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_payments_unit_takes_the_place_of_the_customers_default(office: Office, sign: int) -> None:
    office.edit_config("  business_unit: DEPARTMENT\n", "  business_unit: DEPARTMENT\n  on_payments: yes\n")
    office.run("customers")
    cards = {one.number: one for one in office.world.company.customers}
    row = next(
        one
        for one in office.world.tenant.payments.values()
        if one["active"] and one["syncStatus"] == "Posted" and not one["appliedTo"]
        if money(one["total"]) * sign > 0 and f"ST{one['customer']['id']}" in cards
    )
    unit = next(one.code for one in UNITS if one.id == row["businessUnit"]["id"])
    # A second value of the same dimension would be refused (trap 18), so the default's is changed.
    office.world.company.add_default_dimension(cards[f"ST{row['customer']['id']}"], "DEPARTMENT", "TUC-HVAC")
    office.run("payments", only=str(row["id"]))
    assert _money(office, row)
    assert all(one == {"DEPARTMENT": unit} for one in _money(office, row))


def test_payments_carry_no_unit_where_that_is_not_chosen(office: Office) -> None:
    row = _payment(office, "deposit_unapplied")
    office.run("payments", only=str(row["id"]))
    assert _money(office, row)
    assert all(one == {} for one in _money(office, row))


def test_a_payment_whose_value_is_refused_leaves_no_line_behind(office: Office) -> None:
    row = _payment(office, "deposit_unapplied")
    office.edit_config("  business_unit: DEPARTMENT\n", "  business_unit: DEPARTMENT\n  on_payments: yes\n")
    unit = next(one.code for one in UNITS if one.id == row["businessUnit"]["id"])
    _value(office, "DEPARTMENT", unit).blocked = True
    office.run("payments", only=str(row["id"]))
    assert office.standing("payments", row["id"]) == ("held", "payment-dimension-refused")
    assert _money(office, row) == []
    assert list(office.world.company.journal_lines) == []
    _value(office, "DEPARTMENT", unit).blocked = False
    office.run("payments", only=str(row["id"]))
    assert _money(office, row)
    assert all(one == {"DEPARTMENT": unit} for one in _money(office, row))
