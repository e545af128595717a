"""The codes of Business Central that a mapping can name, with what people call them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, any_of, enum_text
from stsync.businesscentral.problems import reason_for
from stsync.config.model import Config
from stsync.errors import UsageError
from stsync.http.outcomes import Refused


@dataclass(frozen=True)
class Code:
    """A code and its name; `usable` is false for one that documents cannot be posted to."""

    code: str
    name: str
    usable: bool = True


# Which codes a table may name, by table; a table that is not in it cannot be checked.
Codes = Mapping[str, tuple[Code, ...]]


def read_codes(books: BusinessCentral, config: Config) -> Codes:
    """Ask Business Central for all of them, in one batch where that is possible.

    Raises UsageError when it refuses to show them, SystemUnavailable and CredentialsError as always.
    """
    dimensions = [one.upper() for one in config.dimensions.by_table().values()]
    reads = {
        "accounts": Read("accounts", select=("number", "displayName", "accountType", "blocked", "directPosting")),
        "payment_types": Read("customerPaymentJournals", select=("code", "displayName")),
        "terms": Read("paymentTerms", select=("code", "displayName")),
        "items": Read("items", select=("number", "displayName", "blocked")),
    }
    if dimensions:
        reads["dimensions"] = Read("dimensions", filter=any_of("code", dimensions), expand="dimensionValues")
    try:
        rows = dict(zip(reads, books.read_many(list(reads.values())), strict=True))
    except Refused as error:
        reason = reason_for(error)
        raise UsageError(reason.reference, reason.message, hint=reason.hint, note=reason.note) from error
    return _codes(rows, config)


def _codes(rows: Mapping[str, list[dict[str, Any]]], config: Config) -> dict[str, tuple[Code, ...]]:
    values = {str(row["code"]): row.get("dimensionValues") or () for row in rows.get("dimensions", ())}
    accounts = tuple(
        Code(str(row["number"]), str(row.get("displayName") or ""), _is_open(row)) for row in rows["accounts"]
    )
    journals = [Code(str(row["code"]).upper(), str(row.get("displayName") or "")) for row in rows["payment_types"]]
    there = {one.code for one in journals}
    journals += [one for one in configured_journals(config) if one.code not in there]
    codes = {
        "accounts": accounts,
        "refunds": accounts,
        "payment_types": tuple(journals),
        "terms": tuple(Code(str(row["code"]), str(row.get("displayName") or "")) for row in rows["terms"]),
        "items": tuple(
            Code(str(row["number"]), str(row.get("displayName") or ""), not row.get("blocked", False))
            for row in rows["items"]
        ),
    }
    if config.invoices.tax.method == "line":
        codes["tax_zones"] = accounts
    for table, dimension in config.dimensions.by_table().items():
        own = values.get(dimension.upper(), ())
        codes[table] = tuple(Code(str(one["code"]), str(one.get("displayName") or "")) for one in own)
    return codes


def configured_journals(config: Config) -> list[Code]:
    """The payment journals that stsync makes itself when Business Central does not have them yet."""
    return [Code(code, journal.name or "") for code, journal in config.payments.journals.items()]


def _is_open(row: Mapping[str, Any]) -> bool:
    posting = enum_text(str(row.get("accountType", "Posting"))) == "Posting"
    return posting and not row.get("blocked", False) and bool(row.get("directPosting", True))


def offline_codes(config: Config) -> Codes:
    """What the configuration itself knows: the codes that its mapping names already, and its journals."""
    codes: dict[str, tuple[Code, ...]] = {
        table: tuple(Code(code, "") for code in sorted(set(entries.values())))
        for table, entries in config.mapping.tables().items()
    }
    journals = configured_journals(config)
    known = {one.code for one in journals}
    more = [one for one in codes["payment_types"] if one.code not in known]
    return {**codes, "payment_types": (*journals, *more)}
