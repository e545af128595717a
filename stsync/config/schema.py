"""The JSON Schema of the configuration file, for editors that complete and check while one types."""

from __future__ import annotations

from typing import Any

from stsync.config.model import Config

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema, allowing what the loader allows: an empty section, and a code written without quotes."""
    schema = Config.model_json_schema()
    _as_the_loader_reads(schema)
    return {"$schema": DIALECT, **schema, "title": "stsync configuration"}


def _as_the_loader_reads(part: Any) -> None:
    """An editor takes 40100 for a number where we read text, and `items:` with nothing under it for null."""
    if isinstance(part, list):
        for inner in part:
            _as_the_loader_reads(inner)
    if not isinstance(part, dict):
        return
    for inner in part.values():
        _as_the_loader_reads(inner)
    kind = part.get("type")
    if kind == "string" and "enum" not in part and "const" not in part:
        part["type"] = ["string", "number"]
    elif kind in {"object", "array"}:
        part["type"] = [kind, "null"]
