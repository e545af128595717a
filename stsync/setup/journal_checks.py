"""Doctor: the payment journals - there, ours alone, and balanced by an account. Pure: a snapshot in, lines out."""

from __future__ import annotations

from collections.abc import Iterator

from stsync.config.model import Config, Journal
from stsync.core.snapshot import BookJournal, Snapshot
from stsync.setup.checks import Check, fail, ok, unknown, warn

# The document numbers that stsync gives begin so (stages/payment_journals.natural_key).
_OURS = "ST-P"


def journal_checks(config: Config, snapshot: Snapshot) -> Iterator[Check]:
    """One line for each journal that a payment type is mapped to or that the configuration describes."""
    wanted = {code.upper() for code in (*config.payments.journals, *config.mapping.payment_types.values())}
    if not wanted:
        yield warn(
            "journals",
            "payment journals",
            "none named; every payment will be held",
            "Name a journal for each payment type under mapping.payment_types.",
        )
    described = {code.upper(): journal for code, journal in config.payments.journals.items()}
    for code in sorted(wanted):
        standing = snapshot.journals.get(code)
        if standing is None:
            yield _to_be_made(code, described.get(code), snapshot)
        else:
            yield _standing(standing, described.get(code), snapshot)
    if any(code in snapshot.journals for code in wanted):
        yield unknown(
            "journals",
            "lines that are not shown",
            "lines without 'Applies-to Doc. Type' Invoice are not shown to programs, but would be posted too",
            "Open the journals on the Cash Receipt Journals page once, and keep them for stsync alone.",
        )


def refund_checks(config: Config, snapshot: Snapshot) -> Iterator[Check]:
    """The general journal for money paid back: ours alone, or to be made when there is money to pay back."""
    code = config.refunds.journal.upper()
    name = f"general journal {code}"
    standing = snapshot.general_journals.get(code)
    if standing is None:
        yield ok("journals", name, "is not there yet; the first refund makes it")
        return
    foreign = _foreign(name, standing)
    if foreign is not None:
        yield foreign
        return
    lines = f"; lines of ours that wait in it: {len(standing.lines)}" if standing.lines else ""
    yield ok("journals", name, f"ours alone; each line is balanced by its own account{lines}")


def _foreign(name: str, standing: BookJournal) -> Check | None:
    foreign = [line for line in standing.lines if not line.document_number.startswith(_OURS)]
    if not foreign:
        return None
    numbers = ", ".join(sorted({line.document_number or "blank" for line in foreign})[:5])
    found = f"holds lines that stsync did not make: {len(foreign)} (document number {numbers})"
    todo = "Post, move or delete those lines; posting a journal posts every line in it."
    return fail("journals", name, found, todo)


def _to_be_made(code: str, journal: Journal | None, snapshot: Snapshot) -> Check:
    name = f"journal {code}"
    number = journal.balancing_account if journal else None
    if number is None:
        todo = (
            f"Create the batch {code} on the Cash Receipt Journals page, or add payments.journals:  "
            f'{code}: {{balancing_account: "<G/L account number>"}}'
        )
        return fail("journals", name, "is not there, and no balancing account is named to make it with", todo)
    account = snapshot.accounts.get(number)
    if snapshot.accounts and (account is None or not account.usable):
        found = f"is not there, and cannot be made: account {number} cannot be posted to"
        return fail("journals", name, found, f"Correct payments.journals.{code}.balancing_account.")
    return ok("journals", name, f"is not there yet; the first payment makes it, balanced by account {number}")


def _standing(standing: BookJournal, journal: Journal | None, snapshot: Snapshot) -> Check:
    name = f"journal {standing.code}"
    foreign = _foreign(name, standing)
    if foreign is not None:
        return foreign
    lines = f"; lines of ours that wait in it: {len(standing.lines)}" if standing.lines else ""
    return _balanced(name, standing, journal.balancing_account if journal else None, snapshot, lines)


def _balanced(name: str, standing: BookJournal, wanted: str | None, snapshot: Snapshot, lines: str) -> Check:
    """The number is shown for banks too, but not whether it is one (facts 2.8): no G/L account means a bank."""
    number, code = standing.balancing_account, standing.code
    if not number:
        todo = f"Give the batch {code} its balancing account on the Cash Receipt Journals page (Edit Journal Batches)."
        return fail("journals", name, f"has no balancing account, so its lines cannot be posted{lines}", todo)
    if number not in snapshot.accounts:
        found = f"is balanced by {number}, which is no G/L account, so most likely a bank account{lines}"
        return unknown("journals", name, found, f"Check that batch {code} is balanced by the right bank account.")
    if wanted and wanted != number:
        found = f"is balanced by account {number}, but the configuration says {wanted}{lines}"
        todo = f"Correct the batch {code} in Business Central, or payments.journals.{code}."
        return fail("journals", name, found, todo)
    return ok("journals", name, f"ours alone, balanced by account {number}{lines}")
