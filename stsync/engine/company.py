"""Never the wrong books: the company behind the id must be the one that the configuration names."""

from __future__ import annotations

from stsync.businesscentral.client import BusinessCentral
from stsync.config.model import BusinessCentral as Settings
from stsync.errors import UsageError
from stsync.state import State


def check_company(state: State, books: BusinessCentral, settings: Settings) -> None:
    """Compare id and name once for each pair; later runs remember. Raises UsageError 'company-differs'."""
    named = f"{settings.company_id.lower()} {settings.company_name or ''}"
    if state.notes.note("company") == named:
        return
    found = {str(row["id"]).lower(): row for row in books.companies()}
    row = found.get(settings.company_id.lower())
    if row is None:
        raise UsageError(
            "company-not-found",
            f"Business Central shows no company with the id {settings.company_id} to this login.",
            hint="Compare business_central.company_id with the list that stsync doctor shows.",
        )
    names = {str(row.get("name") or ""), str(row.get("displayName") or "")}
    if settings.company_name is not None and settings.company_name not in names:
        raise UsageError(
            "company-differs",
            f"The company with this id is called '{row.get('name')}' in Business Central, not '{settings.company_name}'.",
            hint="Nothing was written. Correct business_central.company_id or company_name in the configuration.",
        )
    state.notes.note("company", named)
