from __future__ import annotations

import pytest
from config_files import LEAST, swap

from stsync.config.load import load
from stsync.errors import ConfigError, ExitCode


def test_all_problems_are_told_at_once_each_with_its_line_and_column(problems):
    found = problems(
        "invoices:\n  post: maybe\n  status: posted\nlimits:\n  attempts: 99\nextra: 1\n",
        text=swap("  environment: production", "  enviroment: production"),
    )
    assert [(p.line, p.column, p.path) for p in found] == [
        (2, 3, "servicetitan.enviroment"),
        (10, 3, "invoices.post"),
        (11, 3, "invoices.status"),
        (13, 3, "limits.attempts"),
        (14, 1, "extra"),
    ]


def test_a_misspelt_key_is_one_problem_with_what_was_meant(problem):
    found = problem(text=swap("  environment: production", "  enviroment: production"))
    assert found.found == "enviroment"
    assert found.suggestion == "environment"
    assert found.message == "'enviroment' is not a setting of servicetitan"


def test_a_key_in_the_wrong_section_says_where_it_is_at_home(problem):
    assert "payments.payments_per_posting" in problem("invoices: {payments_per_posting: 5}\n").message
    assert "go_live at the top level" in problem("invoices: {go_live: 2026-01-01}\n").message


@pytest.mark.parametrize(
    ("more", "path", "sentence", "suggestion"),
    [
        (
            "invoices: {status: posted}",
            "invoices.status",
            "'posted' is not one of Posted, Pending or Exported",
            "Posted",
        ),
        ("customers: {transfer: with-documents}", "customers.transfer", "is not one of all or", "with_documents"),
        ("invoices: {post: perhaps}", "invoices.post", "'perhaps' is neither yes nor no", ""),
        ("invoices: {post: }", "invoices.post", "is empty (Post the invoices", ""),
        ("invoices: [1]", "invoices", "a list stands where a section", ""),
        ("limits: {attempts: 2.5}", "limits.attempts", "'2.5' is not a whole number", ""),
        ("limits: {attempts: 99}", "limits.attempts", "'99' may be 20 at most", ""),
        ("limits: {documents_per_run: 0}", "limits.documents_per_run", "'0' has to be more than 0", ""),
        ("limits: {amount_per_run: '1,000'}", "limits.amount_per_run", "no thousands separators", ""),
        ("pricebook: {price_change_limit_percent: NaN}", "pricebook.price_change_limit_percent", "not a number", ""),
        ("pricebook: {fields: cost}", "pricebook.fields", "stands where a list belongs", ""),
        ("pricebook: {fields: [cost, prise]}", "pricebook.fields #2", "'prise' is not one of", "price"),
        ("pricebook: {rules: [{kind: materials}]}", "pricebook.rules #1.kind", "is not one of service", "material"),
        ("customers: {number: 'st{id}'}", "customers.number", "capital letters", ""),
        ("customers: {number: 'CUSTOMER-ST-{id}'}", "customers.number", "20 in all", ""),
        ("mapping: {accounts: {'4000': 123456789012345678901}}", "mapping.accounts.4000", "longer than the 20", ""),
        ("mapping: {accounts: {'4000': }}", "mapping.accounts.4000", "is empty", ""),
        ("mapping: {accounts: {'4000': <G/L account>}}", "mapping.accounts.4000", "still the placeholder", ""),
        ("mapping: {items: {a: {b: c}}}", "mapping.items.a", "stands where a single value belongs", ""),
        ("payments: {journals: {VERYLONGNAME: }}", "payments.journals.VERYLONGNAME", "longer than the 10", ""),
        ("invoices: {tax: {method: business_central}}", "invoices.tax.method", "taxable_code is needed", ""),
        (
            "pricebook: {rules: [{kind: none, pricebook_category: 5}]}",
            "pricebook.rules #1.pricebook_category",
            "kind none leaves the items out",
            "",
        ),
        (
            "pricebook: {rules: [{kind: none}, {kind: service}]}",
            "pricebook.rules",
            "rule 1 already fits every item",
            "",
        ),
    ],
)
def test_each_mistake_is_said_in_words_a_bookkeeper_can_act_on(problem, more, path, sentence, suggestion):
    found = problem(more + "\n")
    assert found.path == path
    assert sentence in found.message
    assert found.suggestion == suggestion
    assert found.line == 9


@pytest.mark.parametrize("day", ["20260701", "1782864000", "01/07/2026", "2026-02-30", "July 1", "2026-07-01T00:00:00"])
def test_only_a_calendar_day_is_a_go_live_date(problem, day):
    found = problem(text=swap("2026-07-01", day))
    assert (found.path, found.found) == ("go_live", day)
    assert "is not a date like 2026-07-01" in found.message


@pytest.mark.parametrize("number", ["98_57", "x", "-1", "1.0", "٣"])
def test_a_tenant_number_is_digits_and_nothing_else(problem, number):
    assert problem(text=swap("985798691", number)).path == "servicetitan.tenant_id"


def test_a_company_is_never_taken_by_its_name(problem):
    found = problem(text=swap("7c9e6679-7425-40de-944b-e07fc1f90ae7", "CRONUS USA"))
    assert "stsync init lists your companies" in found.message


def test_a_missing_section_says_what_it_needs(problems):
    found = problems(text="go_live: 2026-07-01\n")
    assert [p.path for p in found] == ["business_central", "servicetitan"]
    assert "it needs environment and tenant_id" in found[1].message


def test_an_empty_file_lists_all_that_is_missing(problems):
    assert [p.path for p in problems(text="")] == ["business_central", "go_live", "servicetitan"]


def test_a_missing_key_says_what_it_is_for(problem):
    found = problem(text=swap("  tenant_id: 985798691\n", ""))
    assert (found.line, found.path) == (1, "servicetitan.tenant_id")
    assert "Your tenant number" in found.message


def test_a_secret_in_the_file_is_refused_and_never_repeated(problems):
    secret = "cs1.3hf7dk29fkslal20"
    found = problems(
        text=swap(
            "  tenant_id: 985798691\n", f"  tenant_id: {secret}\n  client_secret: {secret}\n  app_key: ak1.{secret}\n"
        )
    )
    assert len(found) == 3
    assert "stsync auth set" in found[2].message
    assert secret not in repr(found)


def test_a_password_in_an_address_is_refused_and_never_repeated(problem):
    found = problem(text=swap("  tenant_id: 985798691\n", "  tenant_id: 1\n  api_url: https://me:hunter2@proxy\n"))
    assert "user name or password" in found.message
    assert "hunter2" not in repr(found)


def test_the_error_carries_the_exit_code_of_a_usage_mistake(written):
    with pytest.raises(ConfigError) as caught:
        load(written(text=LEAST + "x: 1\n"))
    assert caught.value.exit_code == ExitCode.USAGE
    assert caught.value.file.endswith("config.yaml")
