"""What the command line of `init` already answered; each field is an option of the same name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stsync.core.mapping import folded
from stsync.errors import UsageError


@dataclass(frozen=True)
class Given:
    """None, or nothing in a table, means that it is to be asked or looked up."""

    servicetitan_environment: str | None = None
    servicetitan_tenant: str | None = None
    servicetitan_api_url: str | None = None
    servicetitan_auth_url: str | None = None
    bc_tenant: str | None = None
    bc_environment: str | None = None
    bc_environment_type: str | None = None
    bc_company: str | None = None
    bc_api_url: str | None = None
    bc_authority: str | None = None
    bc_certificate: str | None = None
    allow_mixed_environments: bool = False
    go_live: str | None = None
    dimension: str | None = None
    tax_method: str | None = None
    exempt_code: str | None = None
    taxable_code: str | None = None
    business_units: Mapping[str, str] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)
    payment_types: Mapping[str, str] = field(default_factory=dict)
    journals: Mapping[str, str] = field(default_factory=dict)
    write_back: bool | None = None
    tax_zones: Mapping[str, str] = field(default_factory=dict)


def pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` options as a table; the last equals sign parts them. Raises UsageError."""
    table: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.rpartition("=")
        if not (sign and name.strip() and value.strip()):
            raise UsageError("option-invalid", f"{option} takes NAME=VALUE, not '{text}'.")
        table[name.strip()] = value.strip()
    return table


def lookup(table: Mapping[str, str], *names: str) -> str | None:
    """The value under any of these names, in any capitals."""
    wanted = {folded(name) for name in names if name}
    return next((value for key, value in table.items() if folded(key) in wanted), None)
