"""A ServiceTitan customer and how to reach them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stsync.core import text as words
from stsync.core.source import fields
from stsync.core.source.fields import Address, Row


@dataclass(frozen=True)
class Customer:
    """What the books need of a customer; phone and e-mail live on contacts, not here (facts section 3.4)."""

    id: str
    name: str
    active: bool
    commercial: bool
    address: Address
    tax_exempt: bool
    merged_to: str | None
    payment_term_id: str | None

    @classmethod
    def parse(cls, row: Row) -> Customer:
        """Read one row of the customers list or export. Raises UnknownShape."""
        return cls(
            id=fields.record_id(row),
            name=fields.text(row, "name"),
            active=fields.flag(row, "active", absent=True),
            commercial=fields.text(row, "type") == "Commercial",
            address=fields.address(row, "address"),
            tax_exempt=fields.flag(row, "taxExempt", absent=False),
            merged_to=fields.reference(row, "mergedToId"),
            payment_term_id=fields.reference(row, "paymentTermId"),
        )


@dataclass(frozen=True)
class Reach:
    """The phone number and e-mail address used for a customer; blank when ServiceTitan has none that is usable.

    `left_out` are those for which Business Central has no form, when no other took their place.
    """

    phone: str = ""
    email: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def blank(self) -> bool:
        """Whether neither is known."""
        return not (self.phone or self.email)


def reach(contacts: Iterable[Row]) -> Reach:
    """The first usable phone and e-mail among a customer's active contacts, oldest contact first."""
    phone, email = "", ""
    unusable: dict[str, str] = {}
    for row in sorted(contacts, key=_age):
        if row.get("active") is False:
            continue
        kind, value = row.get("type"), row.get("value")
        if not isinstance(value, str):
            continue
        if kind in ("Phone", "MobilePhone"):
            phone = phone or words.phone(value)
            unusable.setdefault("telephone", words.plain(value))
        elif kind == "Email":
            email = email or words.email(value)
            unusable.setdefault("e-mail", words.plain(value))
    missing = [name for name, found in (("telephone", phone), ("e-mail", email)) if not found]
    left_out = tuple(f"{name} '{unusable[name]}'" for name in missing if unusable.get(name))
    return Reach(phone=phone, email=email, left_out=left_out)


def _age(row: Row) -> tuple[str, str]:
    return str(row.get("createdOn") or ""), str(row.get("id") or "")
