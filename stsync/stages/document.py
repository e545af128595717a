"""The writes on one sales document, each after the one before: draft, comparison, posting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from stsync.core.operations import Operation, Ref, Verb
from stsync.core.sales import Expected
from stsync.core.sales_form import Form
from stsync.core.snapshot import BookInvoice


@dataclass(frozen=True)
class Document:
    """One source document as the books should hold it, in one of the two forms of sales documents.

    `amount` is ServiceTitan's total, below zero for a credit.
    `revision` numbers the attempt: a draft that is replaced is a new write with a new key. `ended` are former documents of
    the number that stand for nothing.
    """

    stage: str
    source_id: str
    form: Form
    natural_key: str
    label: str
    amount: Decimal
    body: Mapping[str, Any]
    expected: Expected
    comes_first: tuple[str, ...] = ()
    revision: int = 1
    ended: frozenset[str] = frozenset()

    def create_and_post(self, post: bool, after: tuple[str, ...] = ()) -> list[Operation]:
        """A new draft and, if wanted, its posting."""
        create = self._operation(
            Verb.CREATE,
            f"new, {len(self.expected.lines)} line{'' if len(self.expected.lines) == 1 else 's'}",
            body=self.body,
            after=(*self.comes_first, *after),
            facts={"expected": self.expected, "customer": self.expected.customer_number},
        )
        return [create, self._post(Ref(create.key), (create.key,))] if post else [create]

    def adopt(self, found: BookInvoice) -> Operation:
        """Take on a document that an earlier run made and that our state does not know; nothing is sent."""
        return self._operation(
            Verb.ADOPT,
            f"already in Business Central as {'posted' if found.posted else 'draft'} {found.number}; nothing is sent",
            target=found.id,
            entity=found.entity,
            facts={"number": found.number, "posted": found.posted, "customer": found.customer_number},
        )

    def post_draft(self, found: BookInvoice, after: tuple[str, ...] = ()) -> Operation:
        """Post a draft that stands in the books already."""
        return self._post(found.id, after)

    def replace_and_post(self, found: BookInvoice, post: bool) -> list[Operation]:
        """Delete our own outdated draft and make it anew; never done to anything posted.

        The draft may be of the other form, when the total has changed its sign: it goes before the new one comes.
        """
        delete = self.delete_draft(found, "outdated")
        return [delete, *self._next().create_and_post(post, after=(delete.key,))]

    def delete_draft(self, found: BookInvoice, why: str) -> Operation:
        """Delete our own draft (its source was cancelled or changed), if it still is as it was read: never once posted."""
        return self._operation(
            Verb.DELETE,
            f"our own draft {found.number}: {why}",
            target=found.id,
            entity=found.entity,
            etag=found.etag or "*",
        )

    def _next(self) -> Document:
        return replace(self, revision=self.revision + 1)

    def _post(self, target: str | Ref, after: tuple[str, ...]) -> Operation:
        return self._operation(
            Verb.POST,
            "once the draft equals ServiceTitan to the cent",
            target=target,
            after=after,
            facts={"expected": self.expected, "ended": self.ended},
        )

    def _operation(self, verb: Verb, why: str, *, entity: str = "", **more: Any) -> Operation:
        suffix = f":{self.revision}" if self.revision > 1 else ""
        return Operation(
            key=f"{self.stage}:{self.source_id}:{verb}{suffix}",
            stage=self.stage,
            source_id=self.source_id,
            verb=verb,
            entity=entity or self.form.entity,
            natural_key=self.natural_key,
            label=self.label,
            why=why,
            amount=self.amount,
            **more,
        )
