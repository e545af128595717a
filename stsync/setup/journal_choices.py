"""The payment journals: which one each payment type goes into, and by which account a new one is balanced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from stsync.core.mapping import folded
from stsync.core.snapshot import Account, BookJournal
from stsync.errors import UsageError
from stsync.setup.given import Given, lookup
from stsync.setup.looking import Looked
from stsync.setup.mapping_checks import active
from stsync.setup.proposals import Candidate, Line, journal_code, propose
from stsync.setup.questions import Person

Described = dict[str, tuple[str, str]]
_LATER = "-"


@dataclass
class _Desk:
    """What is known while the payment types are gone through; `described` are the journals to be made."""

    person: Person
    accounts: Mapping[str, Account]
    standing: Mapping[str, BookJournal]
    private: list[Candidate]
    described: Described = field(default_factory=dict)


def payment_journals(given: Given, person: Person, looked: Looked) -> tuple[list[Line], Described]:
    """The lines of mapping.payment_types, and payments.journals as code -> (balancing account, name)."""
    standing = looked.books.journals
    desk = _Desk(person, looked.books.accounts, standing, _private(looked))
    for code, account in given.journals.items():
        desk.described[_code(code)] = (_account_option(desk, code, account), _name(code, given))
    lines = []
    names = [str(row.get("name") or row.get("id")) for row in active(looked.titan["payment-types"])]
    # ServiceTitan's list may be closed to us: what was given is kept all the same.
    names += [name for name in given.payment_types if folded(name) not in {folded(one) for one in names}]
    if names and person.present:
        person.tell(
            "Payment journals: stsync needs journals of its own, one for each bank or clearing account, because"
        )
        person.tell("  posting a journal posts every line in it. Several payment types may share one.")
        _show_standing(desk)
    for name in names:
        chosen = lookup(given.payment_types, name)
        lines.append(_from_option(desk, name, chosen) if chosen else _line(desk, name))
    return lines, desk.described


def _name(code: str, given: Given) -> str:
    """What people see as the journal's name: the payment types that go into it."""
    types = [name for name, journal in given.payment_types.items() if journal.strip().upper() == _code(code)]
    return f"ServiceTitan {', '.join(types) or _code(code)}"[:100]


def _private(looked: Looked) -> list[Candidate]:
    """Journals that look like ours: named after ServiceTitan or ST-, and empty."""
    names = {str(row["code"]).upper(): str(row.get("displayName") or "") for row in looked.rows["journals"]}
    return [
        Candidate(code, names.get(code, ""))
        for code, journal in looked.books.journals.items()
        if not journal.lines and (code.startswith("ST-") or "servicetitan" in names.get(code, "").casefold())
    ]


def _show_standing(desk: _Desk) -> None:
    for code, journal in desk.standing.items():
        lines = f"lines in it: {len(journal.lines)}" if journal.lines else "empty"
        account = f"balanced by {journal.balancing_account}" if journal.balancing_account else "no G/L account shown"
        desk.person.tell(f"  there is {code}: {lines}, {account}")


def _from_option(desk: _Desk, name: str, chosen: str) -> Line:
    code = _code(chosen)
    if code not in desk.standing and code not in desk.described:
        raise UsageError(
            "option-invalid",
            f"--payment-type '{name}={chosen}': Business Central has no payment journal {code}.",
            hint=f"Add --journal {code}=<balancing G/L account>, so that stsync can make it.",
        )
    return Line(name, code)


def _line(desk: _Desk, name: str) -> Line:
    proposed = _proposed(desk, name)
    if not desk.person.present:
        # An existing journal of the same name may be somebody's own: only a person may say that it is ours.
        return Line(name, proposed if proposed in desk.standing else None, sure=False)
    kind = "" if proposed in desk.standing or proposed in desk.described else ", new"
    while True:
        typed = (
            desk.person.ask(f"  Journal for '{name}' [{proposed}{kind}; {_LATER} leaves it for later]: ") or proposed
        )
        if typed == _LATER:
            return Line(name)
        try:
            code = _code(typed)
        except ValueError as error:
            desk.person.tell(f"  '{typed}' {error}.")
            continue
        if _ready(desk, code, name):
            return Line(name, code)
        return Line(name)


def _proposed(desk: _Desk, name: str) -> str:
    ours = [*desk.private, *(Candidate(code, shown) for code, (_, shown) in desk.described.items())]
    fitting = [Candidate(one.code, one.name.removeprefix("ServiceTitan").strip()) for one in ours]
    line = propose(name, [f"ST-{name}"], fitting)
    return line.value or journal_code(name, {*desk.standing, *desk.described})


def _ready(desk: _Desk, code: str, name: str) -> bool:
    """Whether the journal can be used: it stands, or it is described with its balancing account by now."""
    if code in desk.described:
        return True
    if code in desk.standing:
        if desk.standing[code].lines:
            desk.person.tell(f"  Careful: {code} has lines in it. It must belong to stsync alone.")
        return True
    while True:
        typed = desk.person.ask(
            f"  G/L account that balances {code}, the bank's or a clearing account's number (? lists them): "
        )
        if not typed:
            return False
        if typed == "?":
            for account in desk.accounts.values():
                if account.usable:
                    desk.person.tell(f"    {account.number}  {account.name}")
            continue
        try:
            desk.described[code] = (_usable(desk.accounts)(typed), f"ServiceTitan {name}"[:100])
        except ValueError as error:
            desk.person.tell(f"  '{typed}' {error}.")
            continue
        return True


def _usable(accounts: Mapping[str, Account]) -> Callable[[str], str]:
    def check(text: str) -> str:
        account = accounts.get(text.upper())
        if account is None:
            raise ValueError("is no G/L account of this company")
        if not account.usable:
            raise ValueError("cannot be posted to (a heading, blocked, or without direct posting)")
        return account.number

    return check


def _account_option(desk: _Desk, code: str, account: str) -> str:
    try:
        _code(code)
        return _usable(desk.accounts)(account)
    except ValueError as error:
        raise UsageError("option-invalid", f"--journal '{code}={account}': {account} {error}.") from None


def _code(text: str) -> str:
    """A journal's code: capitals, ten characters at most (BC facts 2.8)."""
    code = text.strip().upper()
    if not 0 < len(code) <= 10:
        raise ValueError("is not a journal code; it may have ten characters")
    return code
