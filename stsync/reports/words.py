"""The names that people see: stages, outcomes, exit codes, writes, moments."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import MappingProxyType

KINDS = ("customers", "invoices", "credit_memos", "payments", "pricebook", "write_backs")
ONE = MappingProxyType(
    {
        "customers": "customer",
        "invoices": "invoice",
        "credit_memos": "credit-memo",
        "payments": "payment",
        "pricebook": "item",
        "write_backs": "write-back",
    }
)
# What a sentence calls one of each, where ONE is the word that people type.
NOUNS = MappingProxyType({**ONE, "credit_memos": "credit memo"})

OUTCOMES = MappingProxyType(
    {
        "posted": "posted in Business Central",
        "to_apply": "in the books, to be applied by a person",
        "draft": "left for a person to post",
        "by_hand": "dealt with by hand",
        "created": "created",
        "updated": "updated",
        "told": "told ServiceTitan",
        "unchanged": "in step, nothing to send",
        "carried": "carried over",
        "merged": "merged into another customer",
        "removed": "cancelled in ServiceTitan, our draft removed",
        "reversed": "cancelled in both systems",
        "nothing_to_post": "nothing on it to post",
        "not_ready": "waiting for ServiceTitan to post it",
        "exported_elsewhere": "exported from ServiceTitan by other means",
        "before_go_live": "dated before go-live",
        "known": "read only because a document names it",
        "part_of_customer": "part of its customer",
        "ignored": "left out by the configuration",
    }
)
_ENDINGS = MappingProxyType(
    {
        0: "all well",
        1: "a bug in stsync",
        2: "configuration or state not usable",
        3: "finished; records need a person",
        4: "stopped by a brake, nothing written",
        69: "a system was unavailable",
        75: "another run was at work",
        77: "login missing, refused or expired",
    }
)
ENTITIES = MappingProxyType(
    {
        "customers": "customer card",
        "salesInvoices": "sales invoice",
        "salesCreditMemos": "sales credit memo",
        "customerPayments": "payment journal line",
        "customerPaymentJournals": "payment journal",
        "journalLines": "general journal line",
        "customerLedgerEntries": "customer ledger entry",
        "journals": "payment journal",
        "invoices": "ServiceTitan invoice",
        "credit-memos": "ServiceTitan credit memo",
        "payments": "ServiceTitan payment",
        "service": "pricebook service",
        "material": "pricebook material",
        "equipment": "pricebook equipment",
    }
)
# Stages that people know by other words than ours.
STAGES = MappingProxyType({"credit_memos": "credit memos", "write_backs": "told ServiceTitan"})
DONE = MappingProxyType(
    {
        "create": "made",
        "update": "updated",
        "adopt": "taken on as it is",
        "delete": "deleted",
        "post": "posted",
        "cancel": "cancelled",
        "confirm": "applied by hand, as a person says,",
        "mark": "told ServiceTitan",
    }
)


def kind_named(word: str) -> str | None:
    """The stage that a person means by `invoice`, `Invoices`, `item` or `pricebook`; None for another word."""
    said = word.strip().casefold().replace(" ", "-")
    return next((kind for kind, one in ONE.items() if said in {kind, one, f"{one}s"}), None)


def outcome_words(outcome: str | None) -> str:
    """How a record settled, in words; an outcome of a newer version shows by its own name."""
    return OUTCOMES.get(outcome or "", (outcome or "settled").replace("_", " "))


def ending(exit_code: int) -> str:
    """An exit code as words (README, exit codes)."""
    return _ENDINGS.get(exit_code, f"ended with exit code {exit_code}")


def local(moment: datetime | None) -> str:
    """A moment on this computer's clock, to the minute; posting dates never pass through here."""
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M")


def ago(moment: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit that says enough."""
    if moment is None:
        return "never"
    age = now - moment
    if age < timedelta(minutes=1):
        return "just now"
    for unit, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        count = age // length
        if count:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"
