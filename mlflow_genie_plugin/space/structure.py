"""Findings about the document's structure: what the JSON Schema says, in words about spaces."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.schemas import json_path, load_schema
from mlflow_genie_plugin.space.placeholders import has_placeholder
from mlflow_genie_plugin.space.strict_json import kind_of

_OUTSIDE = "it is set on the space, outside serialized_space"
# Keys that people and older tools write, and where the thing really belongs.
_KNOWN_MISTAKES = {
    "title": _OUTSIDE,
    "display_name": _OUTSIDE,
    "warehouse_id": _OUTSIDE,
    "parent_path": _OUTSIDE,
    "description": _OUTSIDE,
    "table_identifiers": "tables stand in data_sources.tables",
    "data_assets": "assets stand in data_sources.tables, data_sources.metric_views and instructions.sql_functions",
    "general_instructions": "they stand in instructions.text_instructions",
    "full_name": "the three-part name stands in identifier",
    "priority": "benchmark priorities are kept in the benchmark file, the space cannot hold them",
    "expected_asset": "expected assets are kept in the benchmark file, the space cannot hold them",
}


def structure_violations(document: Any) -> Iterator[Violation]:
    """Yield a violation for every place where the document has another structure than the schema.

    The sizes in the schema are left to the rules, which know the limits in force.
    """
    import jsonschema

    validator = jsonschema.Draft202012Validator(load_schema("space"))
    for error in validator.iter_errors(document):
        path = list(error.absolute_path)
        if error.validator == "additionalProperties":
            yield from _unknown(path, error.instance, list(error.schema["properties"]))
        elif error.validator == "required":
            yield from _missing(path, error.instance, error.validator_value)
        elif error.validator == "enum":
            yield _not_one_of(path, error.instance, error.validator_value)
        elif error.validator == "type":
            yield _wrong_type(path, error.instance, error.validator_value)
        elif error.validator not in ("maxLength", "maxItems"):
            raise AssertionError(f"the space schema uses {error.validator!r}, which has no message here")


def _unknown(path: list[str | int], item: dict[str, Any], known: list[str]) -> Iterator[Violation]:
    for key in item.keys() - set(known):
        close = difflib.get_close_matches(key, known, n=1, cutoff=0.7)
        if key in _KNOWN_MISTAKES and (_KNOWN_MISTAKES[key] is not _OUTSIDE or len(path) < 2):
            fix = _KNOWN_MISTAKES[key]
        elif close:
            fix = f"did you mean {close[0]!r}?"
        else:
            fix = f"remove it; known here: {', '.join(known)}"
        yield Violation(
            json_path([*path, key]), "unknown-field", f"unknown field {key!r}: the server rejects it", fix=fix
        )


def _missing(path: list[str | int], item: dict[str, Any], required: list[str]) -> Iterator[Violation]:
    for key in required:
        if key not in item:
            fix = "add 32 lower-case hex digits, for example a UUID without hyphens" if key == "id" else ""
            if not path and key == "version":
                fix = 'add "version": 2'
            yield Violation(json_path([*path, key]), "required-field", f"{key} is required but missing", fix=fix)


def _not_one_of(path: list[str | int], value: Any, allowed: list[Any]) -> Violation:
    if path == ["version"]:
        message = f"the export version is {json.dumps(value)}; the server reads 1 and 2"
        return Violation("$.version", "version", message, fix="set it to 2, or export the space again")
    message = f"the answer's format is {value!r}; only {' and '.join(allowed)} exists"
    return Violation(json_path(path), "answer-format", message)


def _wrong_type(path: list[str | int], value: Any, wanted: str) -> Violation:
    where = json_path(path)
    name = next((part for part in reversed(path) if isinstance(part, str)), "the document")
    if wanted == "array" and isinstance(value, str):
        message = f"{name} is a string; the server wants an array of strings"
        return Violation(where, "text-array", message, fix='write ["…"], one string a line, each ending in \\n')
    if wanted == "boolean" and isinstance(value, str) and has_placeholder(value):
        return Violation(where, "template", f"the placeholder {value} stands where true or false is needed")
    item = f"an item of {name}" if path and isinstance(path[-1], int) else name
    article = {"array": "an array", "object": "an object", "string": "a string", "boolean": "true or false"}[wanted]
    return Violation(where, "type", f"{item} is {kind_of(value)}; {article} is needed")
