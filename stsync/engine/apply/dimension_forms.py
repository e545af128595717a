"""How a new sales document is put together: with as many dimensions nested in it as the server takes.

Nested lines are documented (facts section 1, deep insert); that dimensions nest in them and in the document is only
inferred (facts 2.13). What was refused as a form of request once is not tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stsync.http.outcomes import Refused

Body = Mapping[str, Any]
_DIMENSIONS = "dimensionSetLines"


def whole(body: Body) -> dict[str, Any]:
    """The document as it is."""
    return dict(body)


def without_own_dimensions(body: Body) -> dict[str, Any]:
    """The same document, or line, without its own dimensions; those of a document's lines stay."""
    return {name: value for name, value in body.items() if name != _DIMENSIONS}


def without_dimensions(body: Body) -> dict[str, Any]:
    """The same document without any nested dimensions."""
    bare = without_own_dimensions(body)
    return {name: _bare(value) if _is_lines(name, value) else value for name, value in bare.items()}


def without_lines(body: Body) -> dict[str, Any]:
    """The document's head alone."""
    bare = without_own_dimensions(body)
    return {name: value for name, value in bare.items() if not _is_lines(name, value)}


def _is_lines(name: str, value: object) -> bool:
    return name.endswith("Lines") and isinstance(value, list)


def _bare(lines: list[Body]) -> list[Body]:
    return [without_own_dimensions(line) for line in lines]


_FORMS: tuple[Callable[[Body], dict[str, Any]], ...] = (
    whole,
    without_own_dimensions,
    without_dimensions,
    without_lines,
)
_WHOLE, _LINES_ALONE, _NONE = 0, 1, 2


class Forms:
    """What is known of a server's taste; one for a run and kind of document. `known`: a document was taken."""

    def __init__(self) -> None:
        self._first = _WHOLE
        self._took_whole = False
        self.known = False

    def attempt(self) -> Attempt:
        """Begin with the fullest form that was not refused as such."""
        return Attempt(self, self._first)

    def after_twice(self, position: int) -> int:
        """The form after one in which a dimension stood twice.

        The customer or an account brought it along by default (trap 18): then the document is made without, and put
        right when it is read back. Or the server sets the document's values first, whatever their place, and the lines
        inherit them; of a server that took a whole document before, that cannot be.
        """
        return _LINES_ALONE if position == _WHOLE and not self._took_whole else _NONE

    def took(self, position: int, *, has_own: bool, is_form: bool) -> None:
        """Remember a form that was taken, if the ones before it were refused for their form."""
        self.known = True
        self._took_whole = self._took_whole or (position == _WHOLE and has_own)
        if is_form or position == _LINES_ALONE:
            self._first = position


class Attempt:
    """One document on its way, from the fullest form to the barest."""

    def __init__(self, forms: Forms, position: int) -> None:
        self._forms = forms
        self._position = position
        self._form_refused = False

    def body(self, document: Body) -> dict[str, Any]:
        """The document in the present form."""
        return _FORMS[self._position](document)

    def another(self, error: Refused) -> bool:
        """Go on to a barer form, if the refusal may be about the form; False when it is about the document."""
        if about_form(error) and self._position < len(_FORMS) - 1:
            self._form_refused = True
            self._position += 1
            return True
        if _twice(error) and self._position < _NONE:
            self._position = self._forms.after_twice(self._position)
            return True
        return False

    def taken(self, document: Body) -> None:
        """The present form was taken."""
        self._forms.took(self._position, has_own=_DIMENSIONS in document, is_form=self._form_refused)


def about_form(error: Refused) -> bool:
    """Whether the server refused how the request was put together, not what it said (facts 7.1)."""
    return error.code.startswith("BadRequest") or error.status == 501


def _twice(error: Refused) -> bool:
    """Whether a dimension may stand there already; a blocked one is refused in every form (facts 7.2)."""
    text = error.text.lower()
    return "dimension" in text and "blocked" not in text
