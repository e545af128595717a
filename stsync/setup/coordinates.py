"""The first part of `init`: which two systems are meant, and from which day on."""

from __future__ import annotations

from datetime import date
from typing import Any

from stsync.config.model import BusinessCentral, Config, ServiceTitan
from stsync.errors import UsageError
from stsync.setup.given import Given
from stsync.setup.questions import (
    Person,
    address,
    agreed,
    answered,
    calendar_day,
    entra_tenant,
    filled,
    missing,
    one_of,
    whole_number,
)

NO_COMPANY = "00000000-0000-0000-0000-000000000000"
Sections = dict[str, dict[str, Any]]


def coordinates(given: Given, person: Person) -> Sections:
    """The sections `servicetitan` and `business_central`, without the company. Raises UsageError."""
    _refuse_gaps(given, person)
    titan = _servicetitan(given, person)
    books = _business_central(given, person)
    sections: Sections = {"servicetitan": titan, "business_central": books}
    _same_kind(sections, given, person)
    return sections


def _refuse_gaps(given: Given, person: Person) -> None:
    """Without anybody to ask, name everything that is missing at once."""
    needed = {
        "--servicetitan-environment": given.servicetitan_environment,
        "--servicetitan-tenant": given.servicetitan_tenant,
        "--bc-tenant": given.bc_tenant,
        "--bc-environment": given.bc_environment,
        "--go-live": given.go_live,
    }
    lacking = [option for option, value in needed.items() if value is None]
    if lacking and not person.present:
        raise missing(lacking)


def _servicetitan(given: Given, person: Person) -> dict[str, Any]:
    person.tell("ServiceTitan")
    section: dict[str, Any] = {
        "environment": answered(
            person,
            "  Which one: production, or their practice system (integration)",
            "--servicetitan-environment",
            given.servicetitan_environment,
            one_of("production", "integration"),
            default="production",
        ),
        "tenant_id": int(
            answered(
                person,
                "  Tenant number (Settings > Integrations > API Application Access)",
                "--servicetitan-tenant",
                given.servicetitan_tenant,
                whole_number,
            )
        ),
    }
    for key, option, value in (
        ("api_url", "--servicetitan-api-url", given.servicetitan_api_url),
        ("auth_url", "--servicetitan-auth-url", given.servicetitan_auth_url),
    ):
        if value is not None:
            section[key] = answered(person, key, option, value, address)
    return section


def _business_central(given: Given, person: Person) -> dict[str, Any]:
    person.tell("Business Central")
    name = "  Environment's name in the Business Central admin center"
    section: dict[str, Any] = {
        "tenant_id": answered(
            person, "  Microsoft Entra tenant (its id or its domain)", "--bc-tenant", given.bc_tenant, entra_tenant
        ),
        "environment": answered(person, name, "--bc-environment", given.bc_environment, filled, default="Production"),
    }
    for key, option, value in (
        ("api_url", "--bc-api-url", given.bc_api_url),
        ("authority", "--bc-authority", given.bc_authority),
    ):
        if value is not None:
            section[key] = answered(person, key, option, value, address)
    if given.bc_certificate is not None:
        section["certificate_file"] = given.bc_certificate
    kind = _kind(section, given, person)
    if kind is not None:
        section["environment_type"] = kind
    return section


def _kind(section: dict[str, Any], given: Given, person: Person) -> str | None:
    """Real books or practice: asked only when the environment's name does not say."""
    from stsync.config.endpoints import environment_type

    named = environment_type(BusinessCentral(**{**section, "company_id": NO_COMPANY}))
    if named is not None and given.bc_environment_type is None:
        return None
    question = "  Does that environment hold the real books (production) or is it for practice (sandbox)"
    return answered(
        person, question, "--bc-environment-type", given.bc_environment_type, one_of("production", "sandbox")
    )


def _same_kind(sections: Sections, given: Given, person: Person) -> None:
    """Practice data must not reach the real books, nor the other way round (design promise 6)."""
    from stsync.config.endpoints import environment_type

    titan = ServiceTitan(**sections["servicetitan"])
    kind = environment_type(BusinessCentral(**{**sections["business_central"], "company_id": NO_COMPANY}))
    if given.allow_mixed_environments or (titan.environment == "production") == (kind == "production"):
        return
    told = f"ServiceTitan {titan.environment} and a {kind} environment of Business Central"
    if person.present and agreed(person, f"  That mixes {told}. Is that meant", default=False):
        return
    raise UsageError(
        "environments-mixed",
        f"That would mix practice and real data: {told}. Nothing was written.",
        hint="Choose environments of the same kind, or add --allow-mixed-environments for a rehearsal.",
    )


def mixed(sections: Sections) -> bool:
    """Whether practice and real data are mixed, on purpose by now."""
    from stsync.config.endpoints import environment_type

    titan = ServiceTitan(**sections["servicetitan"])
    kind = environment_type(BusinessCentral(**{**sections["business_central"], "company_id": NO_COMPANY}))
    return (titan.environment == "production") != (kind == "production")


def draft(sections: Sections, go_live: str, company_id: str | None) -> Config:
    """A configuration to connect with; the company may still be open."""
    books = {**sections["business_central"], "company_id": company_id or NO_COMPANY}
    return Config.model_validate({**sections, "business_central": books, "go_live": go_live})


def first_day(given: Given, person: Person, today: date) -> str:
    """The first day whose documents are carried over."""
    person.tell("First day")
    question = "  Carry over invoices and payments dated from this day on"
    return answered(
        person, question, "--go-live", given.go_live, calendar_day, default=today.replace(day=1).isoformat()
    )
