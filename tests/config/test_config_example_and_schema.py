from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from stsync.config.example import example
from stsync.config.load import load
from stsync.config.model import Config
from stsync.config.schema import json_schema
from stsync.config.section import Section
from stsync.config.shape import choices, entry_section, field_section, places_of, section_at
from stsync.config.tree import read_marked
from stsync.core.mapping import TABLES

ROOT = Path(__file__).parents[2]


def everything_on() -> str:
    return re.sub(r"^( *)#(?! |$)", r"\1", example(), flags=re.MULTILINE)


def keys(section: type[Section], above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every path that the model has, with the first sample entry of each table or list of sections."""
    for name, known in section.model_fields.items():
        path = (*above, name)
        yield path
        inner, entry = field_section(known), entry_section(known)
        if inner:
            yield from keys(inner, path)
        if entry:
            samples = known.examples[0]
            yield from keys(entry, (*path, 0 if isinstance(samples, list) else next(iter(samples))))


def test_the_example_in_the_repository_is_the_one_the_model_writes():
    assert (ROOT / "config.example.yaml").read_text(encoding="utf-8") == example()


def test_the_example_loads_as_it_stands_and_maps_nothing_by_accident(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(example())
    config = load(path)
    assert not any(config.mapping.tables().values())
    assert config.payments.journals == {}
    assert config.pricebook.rules == ()


def test_the_example_loads_with_everything_switched_on(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(everything_on())
    (tmp_path / "mapping.csv").write_text("table,servicetitan,business_central\n")
    config = load(path)
    assert config.mapping.business_units == {"Drain - West": "DRAIN-W"}
    assert config.payments.journals["STCARD"].balancing_account == "10120"
    assert config.pricebook.rules[0].kind == "material"


def test_every_key_of_the_model_is_in_the_example():
    marks = read_marked(everything_on()).marks
    missing = [path for path in keys(Config) if path not in marks]
    assert missing == []


def test_every_key_of_the_example_stands_under_a_comment():
    text = everything_on().splitlines()
    marks = read_marked("\n".join(text)).marks
    bare = [
        path
        for path in keys(Config)
        if not text[marks[path].line - 2].lstrip().startswith("# ")
    ]  # fmt: skip
    assert bare == []


def test_every_key_has_words_for_a_bookkeeper():
    def silent(section: type[Section]) -> Iterator[str]:
        for name, known in section.model_fields.items():
            if not (known.description or "").endswith("."):
                yield f"{section.__name__}.{name}"
            for inner in filter(None, (field_section(known), entry_section(known))):
                yield from silent(inner)

    assert list(silent(Config)) == []


def test_the_schema_is_a_schema_and_is_json():
    schema = json.loads(json.dumps(json_schema()))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "practice system" in json.dumps(schema)


def as_an_editor_reads(text: str) -> object:
    """YAML 1.2 as editors read it, near enough: numbers and true/false are told apart from text."""

    def convert(value: object) -> object:
        if isinstance(value, dict):
            return {key: convert(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [convert(inner) for inner in value]
        if isinstance(value, str) and value.isdigit():
            return int(value)
        return {"yes": True, "no": False}.get(value, value) if isinstance(value, str) else value

    return convert(read_marked(text).value)


@pytest.mark.parametrize("text", [example(), everything_on()])
def test_an_editor_finds_nothing_wrong_with_the_example(text):
    jsonschema.validate(as_an_editor_reads(text), json_schema())


def test_an_editor_finds_a_misspelt_key_and_a_value_that_does_not_exist():
    for wrong in (example().replace("go_live:", "golive:"), example().replace("method: line", "method: lines")):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(as_an_editor_reads(wrong), json_schema())


def test_the_tables_of_the_model_are_the_tables_of_the_mapping():
    assert tuple(name for name in section_at(("mapping",)).model_fields if name != "file") == TABLES


def test_the_shape_of_the_model_can_be_asked_by_path():
    assert section_at(("payments", "journals", "CHK")).__name__ == "Journal"
    assert section_at(("pricebook", "rules", 3)).__name__ == "PricebookRule"
    assert section_at(("mapping", "accounts", "4000")) is None
    assert section_at(("nowhere", "at", "all")) is None
    assert choices(("pricebook", "fields", 0)) == ("description", "cost", "price", "active")
    assert places_of("environment") == ["servicetitan.environment", "business_central.environment"]
