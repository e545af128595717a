"""Drift as one JSON document for programs; amounts stay exact."""

from __future__ import annotations

from typing import Any

from stsync.books.drift import Change, Drift, Drifted, Merged


def document(answer: Drift) -> dict[str, Any]:
    """The whole answer; the names here are a promise to programs."""
    return {
        "as_of": {"servicetitan": answer.servicetitan_read, "business_central": answer.books_read},
        "complete": answer.complete,
        "looked_at": answer.looked_at,
        "left_out_by_hand": answer.by_hand,
        "drifted": [_document(one) for one in answer.serious],
        "for_information": [_document(one) for one in answer.for_information],
        "merged_customers": [_merged(one) for one in answer.merged],
        "unreadable": list(answer.unreadable),
    }


def _document(one: Drifted) -> dict[str, Any]:
    return {
        "stage": one.kind,
        "source_id": one.source_id,
        "number": one.number,
        "customer": one.name,
        "date": one.on,
        "business_central_number": one.book_number,
        "books_less_servicetitan": one.effect,
        "agrees_again": one.agrees_again,
        "changes": [_change(change) for change in one.changes],
        "remedy": {"text": one.remedy.text, "command": one.remedy.command},
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "changed_in": str(change.side),
        "what": str(change.what),
        "field": change.field,
        "before": change.before,
        "after": change.after,
        "effect": change.effect,
    }


def _merged(one: Merged) -> dict[str, Any]:
    return {
        "source_id": one.source_id,
        "name": one.name,
        "card": one.card,
        "survivor": one.survivor,
        "survivor_name": one.survivor_name,
        "posted_invoices": one.documents,
    }
