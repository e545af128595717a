"""YAML text as plain values with the place of each; nothing is guessed, and nothing clever is allowed.

Every scalar stays the text that was written: 01200 is an account number and NO is not false
(ecosystem facts, section 0, fact 2). Tags, anchors and aliases are refused: this file is read by people.
The tree is built from parser events, because composing would resolve anchors before we see them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from stsync.errors import ConfigProblem

Path = tuple[str | int, ...]
Tree = dict[str, "Value"]
Value = dict[str, "Value"] | list["Value"] | str | None
DEEPEST = 12
# How far a part that is too deep is followed to its end. Further down the parser takes longer for every bracket (the
# whole of a file of 100,000 takes it a quarter of a minute), and nobody has typed such a file.
_FOLLOWED = 1000
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

# The parser's words, and ours. The first that fits counts.
PLAIN_WORDS = (
    ("tab", "there is a tab here; YAML wants spaces at the start of a line"),
    (
        "mapping values are not allowed",
        "a second ': ' stands here, or the line before lacks its colon or is indented differently; "
        "text that contains ': ' needs quotes around it",
    ),
    ("unexpected end of stream", "a quote was opened and never closed"),
    ("could not find expected ':'", "a line like 'key: value' lacks its colon"),
    ("cannot start any token", "this sign cannot begin a value; put the text in quotes"),
    ("',' or ']'", "a list that begins with [ is not closed with ]"),
    ("',' or '}'", "a table that begins with { is not closed with }"),
    ("did not find expected", "the indentation does not fit the lines above"),
)


@dataclass(frozen=True)
class Mark:
    """A place in the file; both count from 1."""

    line: int
    column: int


@dataclass
class Marked:
    """The file's values, where each stands, and what is already known to be wrong."""

    value: Value = None
    marks: dict[Path, Mark] = field(default_factory=dict)
    problems: list[ConfigProblem] = field(default_factory=list)
    spoiled: set[Path] = field(default_factory=set)
    origins: dict[Path, str] = field(default_factory=dict)
    """Values that another file brought in, and where it has them: "mapping.csv line 7"."""

    def mark(self, path: Path) -> Mark:
        """Where this path stands, or the nearest thing around it that does."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, Mark(1, 1))

    def is_spoiled(self, path: Path) -> bool:
        """Whether something at or above this path was refused already, so that more would only repeat it."""
        return any(path[:length] in self.spoiled for length in range(len(path) + 1))

    def refuse(self, mark: Mark, path: Path, sentence: str, found: str = "") -> None:
        """Note a problem at a place."""
        self.problems.append(self.problem(path, sentence, found, mark=mark))

    def problem(
        self, path: Path, sentence: str, found: str = "", suggestion: str = "", *, mark: Mark | None = None
    ) -> ConfigProblem:
        """A problem at this path; a value from another file is told with its place there."""
        at = mark or self.mark(path)
        origin = self.origins.get(path)
        told = f"{origin}: {sentence}" if origin else sentence
        return ConfigProblem(at.line, at.column, dotted(path), found, told, suggestion)


def dotted(path: Path) -> str:
    """A path as people write it: mapping.accounts."01 200", pricebook.rules #2.kind (the second rule)."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f" #{part + 1}"
            continue
        plain = part and all(character.isalnum() or character in "_-{}" for character in part)
        text += ("." if text else "") + (part if plain else f'"{part}"')
    return text


def read_marked(text: str) -> Marked:
    """The values in a YAML text with their places; problems are noted, never raised."""
    marked = Marked()
    reader = _Reader(marked)
    try:
        reader.read(yaml.parse(text, Loader=LOADER))
    except yaml.MarkedYAMLError as error:
        marked.problems.append(_syntax_problem(error, text))
        marked.spoiled.add(())
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        sentence = "there is an invisible control character here; type the line again"
        marked.problems.append(ConfigProblem(line, 1, "", f"U+{_code(error):04X}", sentence))
        marked.spoiled.add(())
    except _Bottomless:
        marked.spoiled.add(())
    return marked


def _code(error: yaml.reader.ReaderError) -> int:
    return error.character if isinstance(error.character, int) else ord(error.character)


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> ConfigProblem:
    place = error.problem_mark or error.context_mark
    mark = Mark(place.line + 1, place.column + 1) if place else Mark(1, 1)
    words = error.problem or ""
    if re.match(r" *\t", _line(text, mark.line)):
        words = f"tab, {words}"  # the C parser itself speaks of a character that cannot start any token
    ours = next((sentence for sign, sentence in PLAIN_WORDS if sign in words), "this line is not YAML")
    return ConfigProblem(mark.line, mark.column, "", words, f"{ours}; the rest of the file was not read")


def _at(event: yaml.Event) -> Mark:
    place = event.start_mark
    return Mark(place.line + 1, place.column + 1) if place else Mark(1, 1)


def _line(text: str, number: int) -> str:
    lines = re.split(r"\r\n|[\r\n\x85\u2028\u2029]", text)  # what YAML counts as the end of a line
    return lines[number - 1] if number <= len(lines) else ""


class _Bottomless(Exception):
    """The file is nested so deeply that reading it to its end is not worth the time."""


class _Reader:
    """Turns parser events into values, one method for each kind of node."""

    def __init__(self, marked: Marked) -> None:
        self.marked = marked
        self.events: Iterator[yaml.Event] = iter(())

    def read(self, events: Iterator[yaml.Event]) -> None:
        self.events = events
        documents = 0
        for event in events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            documents += 1
            if documents == 2:
                sentence = "a second document begins here with ---; the file may hold only one"
                self.marked.refuse(_at(event), (), sentence)
            value = self._node(next(events), () if documents == 1 else ("---",))
            if documents == 1:
                self.marked.value = value

    def _node(self, event: yaml.Event, path: Path) -> Value:
        self.marked.marks.setdefault(path, _at(event))
        self._refuse_cleverness(event, path)
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent) and len(path) >= DEEPEST:
            return self._too_deep(event, path)
        if isinstance(event, yaml.MappingStartEvent):
            return self._table(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        return None

    def _table(self, path: Path) -> Value:
        table: dict[str, Value] = {}
        first: dict[str, int] = {}
        for event in self._until(yaml.MappingEndEvent):
            key = self._key(event, path)
            mark = _at(event)
            if key is None:
                self._node(next(self.events), (*path, "?"))
                continue
            inside = (*path, key)
            if key in table:
                sentence = f"'{key}' stands here a second time; the first is in line {first[key]}"
                self.marked.refuse(mark, inside, sentence, key)
                self._node(next(self.events), inside)
                continue
            self.marked.marks[inside] = mark
            first[key] = mark.line
            table[key] = self._node(next(self.events), inside)
        return table

    def _key(self, event: yaml.Event, path: Path) -> str | None:
        if isinstance(event, yaml.ScalarEvent):
            self._refuse_cleverness(event, (*path, event.value))
            return event.value
        self.marked.refuse(_at(event), path, "a name has to stand here, before the colon")
        self._node(event, (*path, "?"))
        return None

    def _list(self, path: Path) -> Value:
        return [
            self._node(event, (*path, position)) for position, event in enumerate(self._until(yaml.SequenceEndEvent))
        ]

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        for event in self.events:
            if isinstance(event, end):
                return
            yield event

    def _refuse_cleverness(self, event: yaml.Event, path: Path) -> None:
        mark = _at(event)
        if isinstance(event, yaml.AliasEvent):
            sentence = f"'*{event.anchor}' repeats another part of the file; write it out here instead"
            self._spoil(mark, path, sentence, f"*{event.anchor}")
            return
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor is not None:
            sentence = f"'&{anchor}' marks this part for repetition, which this file does not allow; take it out"
            self._spoil(mark, path, sentence, f"&{anchor}")
        if tag is not None:
            sentence = "the type mark with '!' is not allowed here; take it out and write the value alone"
            self._spoil(mark, path, sentence, str(tag))

    def _spoil(self, mark: Mark, path: Path, sentence: str, found: str) -> None:
        self.marked.refuse(mark, path, sentence, found)
        self.marked.spoiled.add(path)

    def _too_deep(self, event: yaml.Event, path: Path) -> Value:
        self._spoil(_at(event), path[:3], "is nested deeper than anything in this file can be", "")
        open_nodes = 1
        while open_nodes:
            if open_nodes > _FOLLOWED:
                raise _Bottomless
            inner = next(self.events)
            open_nodes += isinstance(inner, yaml.MappingStartEvent | yaml.SequenceStartEvent)
            open_nodes -= isinstance(inner, yaml.MappingEndEvent | yaml.SequenceEndEvent)
        return None


def _scalar(event: yaml.ScalarEvent) -> str | None:
    plain = event.style in {None, ""}  # the C parser says "", the Python one None
    return None if plain and event.value in {"", "~", "null"} else event.value
