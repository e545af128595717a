from __future__ import annotations

import pytest
from config_files import LEAST, TENANT, swap

INTEGRATION = swap("  environment: production", "  environment: integration")
OTHER = "1f8fad5b-d9cb-469f-a165-70867728950e"


def with_titan(line: str, text: str = LEAST) -> str:
    return text.replace("business_central:\n", f"  {line}\nbusiness_central:\n", 1)


def with_books(line: str, text: str = LEAST) -> str:
    return text.replace("go_live:", f"  {line}\ngo_live:", 1)


def test_practice_data_does_not_go_into_the_real_books(problem):
    found = problem(text=INTEGRATION)
    assert (found.path, found.line) == ("business_central.environment", 6)
    assert "practice and real data must not mix" in found.message


@pytest.mark.parametrize("name", ["Sandbox", "SANDBOX-UAT", "Copy_sandbox"])
def test_real_data_does_not_go_into_practice_books(problem, name):
    assert "must not mix" in problem(text=swap("Production", name)).message


def test_mixing_has_to_be_said_by_name(loaded):
    assert loaded("allow_mixed_environments: yes\n", text=INTEGRATION).allow_mixed_environments


def test_an_environment_whose_name_tells_nothing_needs_its_type(problem, loaded):
    text = swap("Production", "UAT")
    assert "add environment_type" in problem(text=text).message
    assert loaded(text=with_books("environment_type: production", text)).business_central.environment == "UAT"
    assert "must not mix" in problem(text=with_books("environment_type: sandbox", text)).message


def test_mixed_environments_are_found_although_the_rest_of_the_file_is_wrong(problems):
    found = problems("limits: {attempts: x}\n", text=INTEGRATION)
    assert [p.path for p in found] == ["business_central.environment", "limits.attempts"]


@pytest.mark.parametrize(
    "line",
    [
        "api_url: https://api-integration.servicetitan.io",
        "auth_url: https://AUTH-integration.servicetitan.io/connect/token",
    ],
)
def test_an_address_of_the_other_servicetitan_is_refused(problem, line):
    found = problem(text=with_titan(line))
    assert "integration address, but environment says production" in found.message
    assert found.line == 4


@pytest.mark.parametrize("key", ["api_url", "auth_url"])
def test_plain_http_to_servicetitan_is_for_this_machine_only(problem, loaded, key):
    assert "only on this machine" in problem(text=with_titan(f"{key}: http://proxy.example")).message
    assert loaded(text=with_titan(f"{key}: http://127.0.0.1:8080/")).servicetitan.environment == "production"


@pytest.mark.parametrize("key", ["api_url", "authority"])
def test_plain_http_to_business_central_is_for_this_machine_only(problem, loaded, key):
    assert "only on this machine" in problem(text=with_books(f"{key}: http://localhost.evil.example")).message
    assert loaded(text=with_books(f"{key}: http://[::1]:8080")).business_central.environment == "Production"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("api.servicetitan.io", "begin with https://"),
        ("ftp://api.servicetitan.io", "begin with https://"),
        ("https://", "begin with https://"),
        ("https://host:port", "is not a web address"),
        ("https://[::1", "is not a web address"),
        ("https://a b", "a space"),
        ("'https://host\\evil'", "no web address has"),
        ("https://host?x=1", "after ? or #"),
    ],
)
def test_what_is_no_address_is_refused(problem, url, sentence):
    assert sentence in problem(text=with_titan(f"api_url: {url}")).message


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (f"authority: https://login.microsoftonline.com/{OTHER}", "signs in to tenant"),
        ("authority: https://login.microsoftonline.com/common", "signs in to tenant common"),
        (f"api_url: https://proxy/v2.0/{OTHER}/Production/api/v2.0", "names tenant"),
        (f"api_url: https://proxy/v2.0/{TENANT}/Copy/api/v2.0", "names environment Copy"),
        (f"api_url: https://proxy/v2.0/{TENANT}/Production/api/v2.0/companies", "goes on after /api/v2.0"),
        (f"api_url: https://proxy/v2.0/{TENANT}/Production", "stops half-way"),
    ],
)
def test_an_address_that_names_other_books_is_refused(problem, line, sentence):
    assert sentence in problem(text=with_books(line)).message


def test_a_domain_may_stand_for_the_tenant_that_the_sign_in_names_by_id(loaded):
    text = with_books(f"authority: https://login.microsoftonline.com/{OTHER}", swap(TENANT, "contoso.onmicrosoft.com"))
    assert loaded(text=text).business_central.tenant_id == "contoso.onmicrosoft.com"


def test_a_tenant_that_everybody_shares_is_refused(problem):
    assert "not a tenant of yours" in problem(text=swap(TENANT, "common")).message


def test_tax_computed_for_customers_that_are_not_liable_is_a_contradiction(problem):
    found = problem("customers: {tax_liable: no}\ninvoices: {tax: {method: business_central, taxable_code: T}}\n")
    assert found.path == "customers.tax_liable"


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ("payments: {journals: {CHK: , chk: {name: other}}}", "payments.journals.chk"),
        ("mapping: {business_units: {Drain: A, ' DRAIN ': B}}", 'mapping.business_units." DRAIN "'),
    ],
)
def test_keys_that_compare_equal_never_hide_one_another(problem, more, path):
    found = problem(more + "\n")
    assert found.path == path
    assert "is the same as" in found.message


@pytest.mark.parametrize(
    "more",
    [
        "{dimension: channel, source: constant, value: A}, {dimension: CHANNEL, source: trade}",
        "{dimension: A, source: job_type}, {dimension: B, source: job_type}",
        "{dimension: DEPARTMENT, source: location}",
    ],
)
def test_a_dimension_has_one_source_and_a_table_one_dimension(problem, more):
    found = problem(f"dimensions: {{business_unit: DEPARTMENT, more: [{more}]}}\n")
    assert found.path == "dimensions.more"
    assert "stands twice" in found.message


def test_two_constants_are_two_dimensions(loaded):
    more = "{dimension: A, source: constant, value: X}, {dimension: B, source: constant, value: X}"
    assert loaded(f"dimensions: {{more: [{more}]}}\n").dimensions.codes() == ["A", "B"]
