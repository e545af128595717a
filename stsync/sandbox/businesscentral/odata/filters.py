"""`$filter`: a parser that knows what Business Central can and cannot filter (BC facts section 9).

`or` works over one field only; lambdas are ignored, which returns all rows; `in` and nested functions need
`$schemaversion=2.1`. Not modelled: arithmetic, date functions, filters over expanded entities.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.errors import bad_request
from stsync.sandbox.businesscentral.odata.lexer import Token, syntax_error, tokens
from stsync.sandbox.businesscentral.odata.literals import literal_value
from stsync.sandbox.businesscentral.odata.schema import EntitySet, Property

Test = Callable[[Company, Any], bool]
Read = Callable[[Company, Any], Any]

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": str.__contains__,
}
TEXT_CHANGES: dict[str, Callable[[str], str]] = {"tolower": str.lower, "toupper": str.upper, "trim": str.strip}


@dataclass(frozen=True)
class Filter:
    """A parsed filter: the test, the fields it reads, and the values that an index may look up.

    `pinned` maps a row attribute or property to the values it must have one of for the test to hold.
    """

    test: Test
    fields: frozenset[str] = frozenset()
    pinned: dict[str, tuple[Any, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Operand:
    """The left side of a comparison: a property, perhaps through a text function."""

    prop: Property
    read: Read
    plain: bool


def parse_filter(expression: str, entity_set: EntitySet, *, schema_21: bool = False) -> Filter:
    """Parse a filter over a set. Raises 400 errors as the service words them."""
    parser = _Parser(expression, entity_set, schema_21=schema_21)
    result = parser.disjunction()
    parser.end()
    return result


class _Parser:
    def __init__(self, expression: str, entity_set: EntitySet, *, schema_21: bool) -> None:
        self._expression = expression
        self._set = entity_set
        self._schema_21 = schema_21
        self._tokens = tokens(expression)
        self._at = 0

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise self._error()

    def disjunction(self) -> Filter:
        parts = [self._conjunction()]
        while self._take_word("or"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else _any_of(parts)

    def _conjunction(self) -> Filter:
        parts = [self._negation()]
        while self._take_word("and"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else _all_of(parts)

    def _negation(self) -> Filter:
        if self._take_word("not"):
            inner = self._negation()
            return Filter(lambda company, row: not inner.test(company, row), inner.fields)
        if self._take("("):
            inner = self.disjunction()
            self._expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Filter:
        token = self._next("name")
        if token.text.endswith(("/any", "/all")):
            return self._skip_lambda()
        if token.text in TEXT_TESTS:
            return self._text_test(token.text)
        operand = self._operand(token)
        if self._take_word("in"):
            return self._membership(operand)
        word = self._next("name").text
        if word not in COMPARISONS:
            raise self._error()
        value = literal_value(self._advance(), operand.prop)
        return _compared(operand, word, value)

    def _operand(self, token: Token) -> _Operand:
        if token.text in TEXT_CHANGES:
            self._expect("(")
            inner = self._operand(self._next("name"))
            self._expect(")")
            if not inner.plain and not self._schema_21:
                raise bad_request("Nested functions need $schemaversion=2.1.")
            change, read = TEXT_CHANGES[token.text], inner.read
            return _Operand(inner.prop, lambda company, row: change(read(company, row)), plain=False)
        prop = self._property(token)
        return _Operand(prop, prop.get, plain=True)

    def _property(self, token: Token) -> Property:
        prop = self._set.by_name.get(token.text)
        if prop is None:
            raise bad_request(
                f"Could not find a property named '{token.text}' on type 'Microsoft.NAV.{self._set.name}'."
            )
        if not prop.filterable:
            raise bad_request(f"The property '{token.text}' cannot be used in the $filter query option.")
        return prop

    def _text_test(self, name: str) -> Filter:
        self._expect("(")
        operand = self._operand(self._next("name"))
        if not operand.plain and not self._schema_21:
            raise bad_request("Nested functions need $schemaversion=2.1.")
        self._expect(",")
        value = literal_value(self._advance(), operand.prop, partial=True)
        self._expect(")")
        for word in ("eq", "ne"):
            if self._take_word(word):
                wanted = (self._next("name").text == "true") is (word == "eq")
                return _text_tested(operand, name, value, wanted=wanted)
        return _text_tested(operand, name, value, wanted=True)

    def _membership(self, operand: _Operand) -> Filter:
        if not self._schema_21:
            raise bad_request("The 'in' operator needs $schemaversion=2.1.")
        self._expect("(")
        values = [literal_value(self._advance(), operand.prop)]
        while self._take(","):
            values.append(literal_value(self._advance(), operand.prop))
        self._expect(")")
        return _any_of([_compared(operand, "eq", value) for value in values])

    def _skip_lambda(self) -> Filter:
        """Lambda expressions are ignored silently: every row passes (facts trap 26)."""
        self._expect("(")
        depth = 1
        while depth:
            token = self._advance()
            depth += {"(": 1, ")": -1}.get(token.text if token.kind == "mark" else "", 0)
        return Filter(lambda _company, _row: True)

    def _advance(self) -> Token:
        if self._at >= len(self._tokens):
            raise self._error()
        self._at += 1
        return self._tokens[self._at - 1]

    def _next(self, kind: str) -> Token:
        token = self._advance()
        if token.kind != kind:
            self._at -= 1
            raise self._error()
        return token

    def _take(self, text: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at].text == text:
            self._at += 1
            return True
        return False

    def _take_word(self, word: str) -> bool:
        here = self._tokens[self._at] if self._at < len(self._tokens) else None
        return here is not None and here.kind == "name" and self._take(word)

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self._error()

    def _error(self) -> Exception:
        position = self._tokens[self._at].start if self._at < len(self._tokens) else len(self._expression)
        return syntax_error(self._expression, position)


def _compared(operand: _Operand, word: str, value: Any) -> Filter:
    compare, read = COMPARISONS[word], operand.read
    ordered = word not in {"eq", "ne"}

    def test(company: Company, row: Any) -> bool:
        held = read(company, row)
        if ordered and (held is None or value is None):
            return word in {"lt", "le"} and held is None and value is not None
        return compare(held, value)

    pinned = {operand.prop.name: (value,)} if word == "eq" and operand.plain else {}
    return Filter(test, frozenset({operand.prop.name}), pinned)


def _text_tested(operand: _Operand, name: str, value: str, *, wanted: bool) -> Filter:
    probe, read = TEXT_TESTS[name], operand.read
    return Filter(lambda company, row: probe(read(company, row), value) is wanted, frozenset({operand.prop.name}))


def _all_of(parts: list[Filter]) -> Filter:
    tests = [part.test for part in parts]
    fields = frozenset().union(*(part.fields for part in parts))
    pinned = {name: values for part in parts for name, values in part.pinned.items()}
    return Filter(lambda company, row: all(test(company, row) for test in tests), fields, pinned)


def _any_of(parts: list[Filter]) -> Filter:
    fields = frozenset().union(*(part.fields for part in parts))
    if len(fields) > 1:
        raise bad_request("The 'OR' operator is not supported on distinct fields on an OData filter.")
    tests = [part.test for part in parts]
    pinned: dict[str, tuple[Any, ...]] = {}
    for name in fields:
        if all(set(part.pinned) == {name} for part in parts):
            pinned[name] = tuple(dict.fromkeys(v for part in parts for v in part.pinned[name]))
    return Filter(lambda company, row: any(test(company, row) for test in tests), fields, pinned)
