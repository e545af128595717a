"""A configuration for the demo company, as a person would have written it after a first look.

Two lines are missing on purpose, so that `stsync held` has something to show: the account of generator rentals and
the journal of the payment app. `fix()` is what the person adds. A third gap is not a matter of configuration: the
books have no dimension value for East Valley Solar (`books.MISSING_DIMENSION_VALUE`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from stsync.sandbox.company.books import DIMENSION, NONTAXABLE
from stsync.sandbox.company.chart import (
    ACCOUNT_WITHOUT_MAPPING,
    ACCOUNTS,
    COMPANY_NAME,
    PAYMENT_TYPE_WITHOUT_MAPPING,
    PAYMENT_TYPES,
    TERMS,
    UNITS,
    ZONES,
)
from stsync.sandbox.company.demo import GO_LIVE, TENANT_ID

# Journal code: (balancing G/L account, name people see).
JOURNALS = {
    "ST-CASH": ("10500", "ServiceTitan cash"),
    "ST-CHECK": ("10500", "ServiceTitan checks"),
    "ST-CARD": ("10600", "ServiceTitan cards"),
    "ST-ACH": ("10650", "ServiceTitan bank transfers"),
    "ST-FIN": ("12500", "ServiceTitan financing"),
    "ST-REFUND": ("10100", "ServiceTitan refunds"),
    "ST-NSF": ("10100", "ServiceTitan returned checks"),
    "ST-WRITEOF": ("66000", "ServiceTitan write-offs"),
}
_MORE_DIMENSIONS = (
    "  more:",
    "    - { dimension: TRADE, source: trade }",
    "    - { dimension: JOBTYPE, source: job_type }",
    "    - { dimension: CHANNEL, source: constant, value: FIELD }",
)
_WRITE_BACK = ("write_back:", "  invoices: yes", "  credit_memos: yes", "  payments: yes", "")
_OTHER_WORK = ("Membership", "Adjustment", "Counter Sale", "Project", "Estimate", "(none)")
MORE_TABLES: Mapping[str, Mapping[str, str]] = {
    "refunds": {"Refund": "10100", "Returned Check": "10500"},
    "trades": {"HVAC": "HVAC", "Plumbing": "PLUMB", "Electrical": "ELEC"},
    "job_types": {
        "Service": "SERVICE",
        "Install": "INSTALL",
        "Maintenance": "MAINT",
        **dict.fromkeys(_OTHER_WORK, "OTHER"),
    },
}
_FIXES = {
    "accounts": {ACCOUNT_WITHOUT_MAPPING: "40600"},
    "payment_types": {PAYMENT_TYPE_WITHOUT_MAPPING: "ST-CARD"},
}


def demo_config(
    urls: Mapping[str, str],
    folder: Path | str,
    *,
    company_id: str,
    tenant_id: str,
    environment: str = "sandbox",
    complete: bool = False,
    extended: bool = False,
    write_back: bool = False,
) -> str:
    """The YAML text. `urls` are the sandbox's addresses by system; the state file will lie in `folder`.

    `company_id`, `tenant_id` and `environment` are Business Central's. `complete` adds the lines of `fix()`;
    `extended` adds what books with a history want: more dimensions, and the accounts that refunds leave. `write_back`
    has ServiceTitan told what is in the books.
    """
    tables = _tables(complete)
    if extended:
        tables |= {name: dict(table) for name, table in MORE_TABLES.items()}
    return "\n".join(
        [
            f"# {COMPANY_NAME}: the demo company of stsync. Every key is explained in config.example.yaml.",
            *_systems(urls, company_id, tenant_id, environment),
            f"go_live: {GO_LIVE}",
            f"state: {_text(str(Path(folder) / 'stsync.db'))}",
            "",
            "invoices:",
            "  tax:",
            "    method: line",
            f"    exempt_code: {NONTAXABLE}",
            "",
            *_journals(),
            *_pricebook(),
            "dimensions:",
            f"  business_unit: {DIMENSION}",
            *(_MORE_DIMENSIONS if extended else ()),
            "",
            *(_WRITE_BACK if write_back else ()),
            "mapping:",
            *[line for name, table in tables.items() for line in _table(name, table)],
            "",
        ]
    )


def fix() -> str:
    """The lines a person adds to `mapping:`, as YAML."""
    return "\n".join(["mapping:", *[line for name, table in _FIXES.items() for line in _table(name, table)], ""])


def _text(value: str) -> str:
    # A JSON string is a YAML string, whatever is in it.
    return json.dumps(value)


def _systems(urls: Mapping[str, str], company_id: str, tenant_id: str, environment: str) -> list[str]:
    return [
        "servicetitan:",
        "  environment: integration",
        f"  tenant_id: {TENANT_ID}",
        f"  api_url: {_text(urls['servicetitan_api'])}",
        f"  auth_url: {_text(urls['servicetitan_auth'])}",
        "",
        "business_central:",
        f"  tenant_id: {_text(tenant_id)}",
        f"  environment: {_text(environment)}",
        "  environment_type: sandbox",
        f"  company_id: {_text(company_id)}",
        f"  company_name: {_text(COMPANY_NAME)}",
        f"  api_url: {_text(urls['business_central'])}",
        f"  authority: {_text(urls['entra'])}",
        "",
    ]


def _journals() -> list[str]:
    lines = ["payments:", "  journals:"]
    for code, (account, name) in JOURNALS.items():
        lines.append(f"    {code}: {{ balancing_account: {_text(account)}, name: {_text(name)} }}")
    return [*lines, ""]


def _pricebook() -> list[str]:
    return [
        "pricebook:",
        "  rules:",
        "    - { kind: service, item_type: Service, pricebook_category: 9001 }",
        "    - { kind: equipment, category: EQUIP, pricebook_category: 9002 }",
        "    - { kind: material, item_type: Inventory, pricebook_category: 9002 }",
        "",
    ]


def _tables(complete: bool) -> dict[str, dict[str, str]]:
    accounts = {account.number: account.books_number for account in ACCOUNTS if account.type in ("Income", "Liability")}
    journals = {entry.name: entry.journal for entry in PAYMENT_TYPES}
    tables = {
        "business_units": {unit.name: unit.code for unit in UNITS},
        "accounts": {number: books for number, books in accounts.items() if number != books},
        "payment_types": journals,
        "tax_zones": {zone.name: zone.books_account for zone in ZONES},
        "terms": {term.name: term.code for term in TERMS},
    }
    if not complete:
        for name, fixes in _FIXES.items():
            tables[name] = {key: code for key, code in tables[name].items() if key not in fixes}
    return tables


def _table(name: str, table: Mapping[str, str]) -> list[str]:
    return [f"  {name}:", *[f"    {_text(key)}: {_text(code)}" for key, code in table.items()]]
