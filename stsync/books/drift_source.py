"""ServiceTitan's side of drift: a document as it was posted against the same document now. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import zip_longest

from stsync.books.drift import Change, Side, What
from stsync.core.money import ZERO
from stsync.core.source.fields import Named
from stsync.core.source.invoice import Invoice, Item
from stsync.core.source.payment import Application, Payment

NOTHING = "(nothing)"
APPLIED_TO = "applied to"


def invoice_changes(before: Invoice, now: Invoice) -> list[Change]:
    """Every field of an invoice that is another; what it means for the books stands at total or cancellation alone."""
    if before.active and not now.active:
        return [_change("status", "live", "cancelled", what=What.VOIDED, effect=before.total)]
    return [
        *_fields(
            ("invoice date", _day(before.invoiced_on), _day(now.invoiced_on)),
            ("due date", _day(before.due_on), _day(now.due_on)),
            ("customer", *_both(before.customer, now.customer)),
            ("business unit", *_both(before.business_unit, now.business_unit)),
            ("location", *_both(before.location, now.location)),
            ("job type", before.job_type, now.job_type),
            ("tax zone", *_both(before.tax_zone, now.tax_zone)),
            ("sales tax", _money(before.sales_tax), _money(now.sales_tax)),
        ),
        *_line_changes(before.items, now.items),
        *_amount("total", before.total, now.total),
        *_renamed("number", before.number, now.number),
    ]


def payment_changes(before: Payment, now: Payment) -> list[Change]:
    """Every field of a payment that is another; applications are compared as sets, since their ids change (trap 25)."""
    if before.active and not now.active:
        return [_change("status", "live", "voided", what=What.VOIDED, effect=before.total)]
    return [
        *_fields(
            ("date", _day(before.paid_on), _day(now.paid_on)),
            ("type", *_both(_type(before), _type(now))),
            ("customer", *_both(before.customer, now.customer)),
            ("business unit", *_both(before.business_unit, now.business_unit)),
        ),
        *_application_changes(before, now),
        *_amount("amount", before.total, now.total),
        *_renamed("number", before.number, now.number),
    ]


def unknown_before(total: Decimal | None, now: Invoice | Payment) -> list[Change]:
    """What can be said when the content that was posted is not known any more, as after a lost state file."""
    posted = total if total is not None else now.total
    if not now.active:
        return [_change("status", "live", "cancelled", what=What.VOIDED, effect=posted)]
    return _amount("total", posted, now.total) or [_change("content", "as posted (not kept)", "changed since")]


def moved_credit(applied: Mapping[str, Decimal], now: Sequence[Application]) -> list[Change]:
    """A credit that ServiceTitan took off an invoice to which it is applied in the books (`applied`, by invoice id)."""
    kept = {one.invoice_id: one.amount for one in now}
    if all(kept.get(invoice_id, ZERO) >= amount for invoice_id, amount in applied.items()):
        return []
    before = ", ".join(f"{invoice_id} ({_money(amount)})" for invoice_id, amount in sorted(applied.items()))
    return [_change(APPLIED_TO, before, _named_applications(now))]


def _type(payment: Payment) -> Named:
    return Named(payment.type_id or payment.type_name, payment.type_name)


def _application_changes(before: Payment, now: Payment) -> Iterator[Change]:
    old = {one.invoice_id: one for one in before.applications}
    new = {one.invoice_id: one for one in now.applications}
    if {key: one.amount for key, one in old.items()} == {key: one.amount for key, one in new.items()}:
        return
    kept = all(key in new and new[key].amount >= one.amount for key, one in old.items())
    # A deposit that is applied later only adds to what was posted on account; moving an application undoes something.
    what = What.APPLIED if kept and now.applied <= before.total == now.total else What.FIELD
    yield _change(APPLIED_TO, _applied(before), _applied(now), what=what)


def _applied(payment: Payment) -> str:
    rest = f"on account ({_money(payment.unapplied)})" if payment.unapplied else ""
    return ", ".join(one for one in (_named_applications(payment.applications), rest) if one) or NOTHING


def _named_applications(applications: Sequence[Application]) -> str:
    return ", ".join(f"{one.invoice_number or one.invoice_id} ({_money(one.amount)})" for one in applications)


def _line_changes(before: Sequence[Item], now: Sequence[Item]) -> Iterator[Change]:
    """Lines by their id where ServiceTitan kept it, else by their place on the invoice."""
    new = {item.id: item for item in now}
    if not {item.id for item in before} & set(new):
        pairs = list(zip_longest(before, now))
    else:
        old = {item.id for item in before}
        pairs = [(item, new.get(item.id)) for item in before]
        pairs += [(None, item) for item in now if item.id not in old]
    for position, (one, other) in enumerate(pairs, start=1):
        yield from _line(f"line {position}", one, other)


def _line(where: str, before: Item | None, now: Item | None) -> Iterator[Change]:
    if before is None or now is None:
        yield _change(where, _whole_line(before), _whole_line(now))
        return
    named = f"{where} ({now.description or before.description})"
    yield from _fields(
        (f"{where}, text", before.description, now.description),
        (f"{named}, quantity", _number(before.quantity), _number(now.quantity)),
        (f"{named}, price", _money(before.price), _money(now.price)),
        (f"{named}, total", _money(before.total), _money(now.total)),
        (f"{named}, item", before.sku, now.sku),
        (f"{named}, account", _account(before), _account(now)),
        (f"{named}, business unit", *_both(before.business_unit, now.business_unit)),
        (f"{named}, charged", _yes(before.chargeable), _yes(now.chargeable)),
        (f"{named}, taxable", _yes(before.taxable), _yes(now.taxable)),
    )


def _whole_line(item: Item | None) -> str:
    return NOTHING if item is None else f"{item.description} {_money(item.total)}"


def _fields(*fields: tuple[str, str, str]) -> list[Change]:
    return [_change(name, before, after) for name, before, after in fields if before != after]


def _amount(name: str, before: Decimal, now: Decimal) -> list[Change]:
    return [_change(name, _money(before), _money(now), effect=before - now)] if before != now else []


def _renamed(name: str, before: str, now: str) -> list[Change]:
    return [_change(name, before, now, what=What.NAME)] if before != now else []


def _change(name: str, before: str, after: str, *, what: What = What.FIELD, effect: Decimal = ZERO) -> Change:
    return Change(Side.SERVICETITAN, what, name, before or NOTHING, after or NOTHING, effect)


def _both(before: Named | None, now: Named | None) -> tuple[str, str]:
    """Both by name; what only got another name is the same thing."""
    same = before is not None and now is not None and before.id == now.id
    return ("", "") if same else (_named(before), _named(now))


def _named(thing: Named | None) -> str:
    """A name, with the id that tells two of the same name apart."""
    return "" if thing is None else f"{thing.name} ({thing.id})" if thing.name else thing.id


def _account(item: Item) -> str:
    return "" if item.account is None else f"{item.account.number} {item.account.name}".strip()


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _number(quantity: Decimal) -> str:
    return format(quantity.normalize(), "f")


def _yes(value: bool) -> str:
    return "yes" if value else "no"
