"""A support bundle: enough to find a fault, nothing that says whose books these are.

Only what is named here goes in (no copy of a file and then a hunt for what must come out): versions, settings that are
choices, counts, states, references of reasons, sizes and times. Names, numbers, amounts and addresses stay at home.
Records appear under marks that are the same within one bundle and mean nothing outside it. What a vendor said goes in
with every number, quotation and known name taken out.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import platform
import re
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from stsync import __version__
from stsync.http.redact import redact

if TYPE_CHECKING:
    from stsync.config.model import Config
    from stsync.state import InboxRow, State

_LIBRARIES = (
    "typer",
    "requests",
    "urllib3",
    "msal",
    "sqlite-utils",
    "keyring",
    "rich",
    "tenacity",
    "pyyaml",
    "pydantic",
)
_OPEN = ("pending", "waiting", "held", "dead")
_RUNS, _EVENTS, _RECORDS = 50, 2_000, 2_000
# What a vendor quotes, and every number: customer names, document numbers, amounts, dates and ids are among them.
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”")
_NUMBER = re.compile(r"[0-9][0-9a-fA-F.,:/-]*")
_MAIL = re.compile(r"\S+@\S+")


@dataclass(frozen=True)
class Part:
    """One file of the bundle."""

    name: str
    text: str


class Marks:
    """Marks in place of ids: equal ids have equal marks within one bundle, by a key that is thrown away with it."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, kind: str, source_id: str) -> str:
        """The mark of a record."""
        digest = hmac.new(self._key, f"{kind}\0{source_id}".encode(), hashlib.sha256).hexdigest()
        return f"{kind}-{digest[:10]}"


def parts(state: State, config: Config, *, mark: Marks) -> list[Part]:
    """Everything that goes into the bundle, as text a person can read before it is written."""
    names = _known_names(state)
    return [
        Part("about.json", _json(_about(state))),
        Part("configuration.json", _json(_configuration(config))),
        Part("standing.json", _json(_standing(state))),
        Part("runs.json", _json([_run(row) for row in state.runs.last(_RUNS)])),
        Part("open-records.json", _json(_open_records(state, mark, names))),
        Part("open-writes.json", _json(_open_writes(state, mark))),
        Part("events.json", _json(_events(state))),
    ]


def masked(text: str, names: Iterable[str] = ()) -> str:
    """A vendor's words without numbers, quotations, addresses and names that we know."""
    for name in names:
        # Business Central may say a name in capitals.
        if name.casefold() in text.casefold():
            text = re.sub(re.escape(name), "<name>", text, flags=re.IGNORECASE)
    text = _MAIL.sub("<mail>", _QUOTED.sub("'...'", redact(text)))
    return _NUMBER.sub("#", text)


def _json(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n"


def _about(state: State) -> dict[str, Any]:
    size = state.path.stat().st_size if state.path is not None and state.path.exists() else None
    return {
        "stsync": __version__,
        "python": sys.version.split()[0],
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "sqlite": sqlite3.sqlite_version,
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "state_file_bytes": size,
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _configuration(config: Config) -> dict[str, Any]:
    """The choices, not the names: of the mapping only how long its tables are."""
    return {
        "servicetitan.environment": config.servicetitan.environment,
        "servicetitan.calls_per_second": config.servicetitan.calls_per_second,
        "business_central.environment_type": config.business_central.environment_type,
        "business_central.use_batch": config.business_central.use_batch,
        "business_central.batch_operations": config.business_central.batch_operations,
        "business_central.batch_seconds": config.business_central.batch_seconds,
        "business_central.concurrent_requests": config.business_central.concurrent_requests,
        "signs_in_with_certificate": config.business_central.certificate_file is not None,
        "own_addresses": bool(config.servicetitan.api_url or config.servicetitan.auth_url),
        "customers.transfer": config.customers.transfer,
        "invoices.post": config.invoices.post,
        "invoices.status": config.invoices.status,
        "invoices.tax.method": config.invoices.tax.method,
        "payments.post": config.payments.post,
        "payments.status": config.payments.status,
        "payments.payments_per_posting": config.payments.payments_per_posting,
        "posting_dates.closed": config.posting_dates.closed,
        "payment_journals": len(config.payments.journals),
        "pricebook.rules": len(config.pricebook.rules),
        "pricebook.fields": list(config.pricebook.fields),
        "dimensions": (config.dimensions.business_unit is not None) + len(config.dimensions.more),
        "mapping_entries": {name: len(table) for name, table in config.mapping.tables().items()},
        "limits.attempts": config.limits.attempts,
    }


def _standing(state: State) -> list[dict[str, Any]]:
    counts = state.inbox.counts()
    return [
        {"kind": kind, "state": where, "outcome": outcome, "records": total.records}
        for (kind, where, outcome), total in sorted(counts.items(), key=str)
    ]


def _run(row: Any) -> dict[str, Any]:
    """The command's words are left out: a person may have typed a name or a secret into it."""
    return {
        "run": row.run_id,
        "stages": row.stages,
        "dry_run": row.dry_run,
        "started": row.started_at,
        "finished": row.finished_at,
        "exit_code": row.exit_code,
        "error": row.summary.get("error"),
        "requests": row.summary.get("requests"),
        "seconds": row.summary.get("seconds"),
    }


def _known_names(state: State) -> list[str]:
    """Customer names of open records, the longest first, so that no half of a name stays behind."""
    names = {row.customer_name or "" for kind in _kinds(state) for row in _few(state, kind)}
    return sorted((name for name in names if len(name) > 2), key=len, reverse=True)


def _kinds(state: State) -> list[str]:
    return sorted({kind for kind, _, _ in state.inbox.counts()})


def _few(state: State, kind: str) -> Iterable[InboxRow]:
    for position, row in enumerate(state.inbox.rows(kind, _OPEN)):
        if position >= _RECORDS:
            return
        yield row


def _open_records(state: State, mark: Callable[[str, str], str], names: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "record": mark(row.kind, row.source_id),
            "state": row.state,
            "reference": row.reason.reference if row.reason else "",
            "vendor_said": masked(row.reason.note, names) if row.reason and row.reason.note else "",
            "attempts": row.attempts,
            "since": row.changed_at,
            "fields": _shape(row.content),
        }
        for kind in _kinds(state)
        for row in _few(state, kind)
    ]


def _shape(content: Mapping[str, Any]) -> dict[str, str]:
    """Which fields a record has, and of which type; no value."""
    return {name[:60]: type(value).__name__ for name, value in content.items()}


def _open_writes(state: State, mark: Callable[[str, str], str]) -> list[dict[str, Any]]:
    return [
        {
            "record": mark(row.stage, row.source_id),
            "verb": row.verb,
            "entity": row.entity,
            "run": row.run_id,
            "intended": row.intended_at,
        }
        for row in state.ledger.intended()
    ]


def _events(state: State) -> dict[str, Any]:
    """How often each thing happened, and the last requests with the ids that the vendors' support asks for."""
    counts: Counter[str] = Counter()
    sent: list[dict[str, Any]] = []
    for row in state.audit.rows():
        counts[row.event] += 1
        if row.event == "sent":
            sent.append(_request(row.detail, row.run_id, row.at))
            del sent[:-_EVENTS]
    return {"counts": dict(counts), "requests": sent}


def _request(detail: Mapping[str, Any], run_id: str, at: object) -> dict[str, Any]:
    address = str(detail.get("url") or "").split("?")[0]
    return {
        "run": run_id,
        "at": at,
        "system": detail.get("system"),
        "method": detail.get("method"),
        # The last words of the address say what was asked; hosts, tenants, companies and ids are taken out.
        "what": "/".join(re.sub(r"\(.*\)|[0-9a-fA-F-]{16,}|[0-9]+", "#", part) for part in address.split("/")[-2:]),
        "status": detail.get("status"),
        "milliseconds": detail.get("milliseconds"),
        "attempt": detail.get("attempt"),
        "request_id": detail.get("request_id"),
        "correlation_id": detail.get("correlation_id"),
    }
