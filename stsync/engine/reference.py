"""What a run has to know of the books once: reference data for all portions, and for each what stands half done there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from stsync.businesscentral.odata import Read
from stsync.config.model import Config
from stsync.core.links import Link
from stsync.core.operations import Verb
from stsync.core.snapshot import Snapshot
from stsync.engine.items import changed_items, store_items
from stsync.engine.records import Records
from stsync.engine.scope import Scope
from stsync.engine.settings import Settings
from stsync.engine.survey import Lookup, Needs, Wanted, read_all, reference_reads, snapshot
from stsync.stages import paper, payment_journals
from stsync.state import State
from stsync.wiring import Systems

_CHANGED = "changed items"
# What each read of reference data says in a snapshot.
_SAYS = {
    "accounts": ("accounts",),
    "setup": ("posting_from", "posting_to"),
    "dimensions": ("dimensions",),
    "terms": ("payment_terms",),
    "items": ("items",),
    "journals": ("journals",),
    "general journals": ("general_journals",),
}


@dataclass
class Reference:
    """Reference data, read once: a portion that needs more than those before it asks for the rest.

    `known` is what the books said so far, without any counterpart of a record.
    """

    config: Config
    settings: Settings
    state: State
    systems: Systems
    pricebook: bool
    now: Callable[[], datetime]
    known: Snapshot = field(default_factory=Snapshot)
    _read: dict[str, Read] = field(default_factory=dict)
    _dimensions: tuple[str, ...] = ()

    def with_half_done(self, records: Records) -> Snapshot:
        """With the counterparts of what stands half done there; nothing is asked when nothing is open."""
        # Asked for with the rest: a run with nothing new then costs one request.
        lookup = Lookup(_half_done(records), lines=True)
        rows = self._asked(self._needs(records), lookup.reads())
        return lookup.added(self.systems.books, self.known, rows)

    def for_all(self, scope: Scope) -> Snapshot:
        """Everything at once, before a backlog is cut into portions: what stands in the journals belongs together."""
        documents, payments = "invoices" in scope.stages, "payments" in scope.stages
        dimensions = self.settings.invoices.lines.dimensions if documents else ()
        self._asked(self._needs_of(documents=documents, payments=payments, dimensions=dimensions), {})
        return self.known

    def _asked(self, needs: Needs, more: dict[str, Read]) -> dict[str, list[dict[str, Any]]]:
        wanted = reference_reads(needs)
        if self.pricebook:
            # Where the last run stopped; what this one stores moves the place, so it is asked for once.
            wanted[_CHANGED] = self._read.get(_CHANGED) or changed_items(self.state.cursors.token("items"))
        missing = {name: read for name, read in wanted.items() if self._read.get(name) != read}
        reads = {**missing, **more}
        rows = read_all(self.systems.books, reads) if reads else {}
        self._read |= missing
        if _CHANGED in missing:
            store_items(self.state, rows.pop(_CHANGED), self.now())
        said = snapshot({name: rows[name] for name in missing if name in rows})
        fields = {one: getattr(said, one) for name in missing for one in _said_by(name)}
        if missing:
            self.known = replace(self.known, journals_made=_journals_made(self.state, self.settings), **fields)
        return {name: rows[name] for name in more}

    def _needs(self, records: Records) -> Needs:
        return self._needs_of(
            documents=bool(records.invoices or records.credit_memos),
            payments=bool(records.payments),
            dimensions=_dimensions(self.settings, records),
        )

    def _needs_of(self, *, documents: bool, payments: bool, dimensions: tuple[str, ...]) -> Needs:
        # Never fewer than were read before: what is read takes the place of what is known.
        self._dimensions = tuple(dict.fromkeys((*self._dimensions, *dimensions)))
        return Needs(
            documents=documents,
            payments=payments,
            dimensions=self._dimensions if dimensions else (),
            refund_journal=self.settings.payments.refunds.code,
            terms=bool(self.config.mapping.terms),
            items=frozenset(self.config.mapping.items.values()),
        )


def _dimensions(settings: Settings, records: Records) -> tuple[str, ...]:
    """The dimensions whose values decide about the open records."""
    if records.invoices or records.credit_memos:
        return settings.invoices.lines.dimensions
    unit = settings.payments.unit_dimension
    return (unit,) if records.payments and unit is not None else ()


def _journals_made(state: State, settings: Settings) -> dict[str, int]:
    """How often our ledger says that a journal was made, by code; the general journal's is marked as such."""
    codes = {*settings.payments.journals, settings.payments.refunds.code}
    made: dict[str, int] = {}
    for code, rows in state.ledger.by_sources(payment_journals.STAGE, codes).items():
        for form in (payment_journals.RECEIPTS, payment_journals.REFUNDS):
            own = [row for row in rows if (row.verb, row.state, row.entity) == (Verb.CREATE, "done", form.journals)]
            made[f"{form.mark}{code}"] = len(own)
    return made


def _half_done(records: Records) -> Wanted:
    """Drafts and journal lines of ours that are not posted, as far as the ledger knows, and the invoices that posted
    payments and credits have yet to be applied to."""
    drafts = [paper.natural_key(one.id) for one in records.invoices if _unposted(records.link("invoices", one.id))]
    memos = [
        paper.credit_key(one.id) for one in records.credit_memos if _unposted(records.link("credit_memos", one.id))
    ]
    links = [(one.id, records.link("payments", one.id)) for one in records.payments]
    lines = [
        payment_journals.natural_key(one, payment_journals.next_issue(link.ended))
        for one, link in links
        if _unposted(link)
    ]
    targets = {one: records.link("invoices", one) for one in _to_be_applied_to(records)}
    posted = {one: link for one, link in targets.items() if link.posted and not link.is_baseline}
    credited = _to_be_credited(records)
    return Wanted(
        invoices=frozenset([*drafts, *memos, *(paper.natural_key(one) for one in posted), *credited]),
        payments=frozenset(lines),
        proven=frozenset(link.id for link in [*posted.values(), *credited.values()] if link.posted),
    )


def _to_be_credited(records: Records) -> dict[str, Link]:
    """The keys of posted credits that a person may have to apply, and of what they reduce, with what the ledger knows."""
    credits_ = [
        (paper.natural_key(one.id), records.link("invoices", one.id), [one.adjustment_to])
        for one in records.invoices
        if one.adjustment_to is not None and one.total < 0
    ]
    credits_ += [
        (paper.credit_key(one.id), records.link("credit_memos", one.id), [each.invoice_id for each in one.applications])
        for one in records.credit_memos
        if one.applications
    ]
    found: dict[str, Link] = {}
    for key, own, reduced in credits_:
        if own.posted:
            found[key] = own
            links = {one: records.link("invoices", one) for one in reduced}
            found |= {paper.natural_key(one): link for one, link in links.items() if not link.is_baseline}
    return found


def _to_be_applied_to(records: Records) -> set[str]:
    """The invoices that posted payments are applied to in ServiceTitan, and not through their journal."""
    found: set[str] = set()
    for payment in records.payments:
        link = records.link("payments", payment.id)
        if link.posted and link.carried:
            found |= {one.invoice_id for one in payment.applications} - set(link.carried.get("applied", ()))
    return found


def _unposted(link: Link) -> bool:
    """Ours and not posted, or sent without a trustworthy answer."""
    return not link.posted and (link.exists or not link.settled)


def _said_by(name: str) -> tuple[str, ...]:
    """The fields of a snapshot that a read fills; items are read in parts, each with a number behind its name."""
    return _SAYS.get(name) or _SAYS.get(name.rpartition(" ")[0], ())
