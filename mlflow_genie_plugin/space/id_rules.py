"""Rules on the ids of items, and on the names of tables, views and functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.space.limits import Limits
from mlflow_genie_plugin.space.placeholders import has_placeholder
from mlflow_genie_plugin.space.shape import DATA_SOURCES, FUNCTION, JOIN, KINDS_WITH_ID, dicts_of, dotted

_ID = re.compile(r"[0-9a-f]{32}")
_NO_ID = "0" * 32
# The parts of a Unity Catalog name hold no dot, space, slash or control character; in backticks anything else.
_IDENTIFIER = re.compile(r"(?:[^\s./`\x00-\x1f]+|`[^`]+`)(?:\.(?:[^\s./`\x00-\x1f]+|`[^`]+`)){2}")


def id_violations(document: dict[str, Any], _: Limits) -> Iterator[Violation]:
    """Ids are 32 lower-case hex digits, not all zero, and unique in the whole document."""
    first: dict[str, str] = {}
    for kind in KINDS_WITH_ID:
        for index, item in dicts_of(document, kind.path):
            value = item.get("id")
            if not isinstance(value, str) or has_placeholder(value):
                continue
            path = f"{dotted(kind)}[{index}].id"
            if not _ID.fullmatch(value) or value == _NO_ID:
                why = "all zeros" if value == _NO_ID else "not 32 lower-case hex digits"
                yield Violation(path, "id-format", f"invalid id {value!r}: {why}", fix=_id_fix(value))
            if value in first:
                yield Violation(
                    path, "id-unique", f"the id {value!r} stands twice, first at {first[value]}", fix="give it a new id"
                )
            else:
                first[value] = path


def identifier_violations(document: dict[str, Any], _: Limits) -> Iterator[Violation]:
    """Tables, metric views and functions have three-part names; each is listed once."""
    for kinds, rule in ((DATA_SOURCES, "identifier-unique"), ((FUNCTION,), "function-unique")):
        first: dict[str, str] = {}
        for kind in kinds:
            for index, item in dicts_of(document, kind.path):
                path = f"{dotted(kind)}[{index}].identifier"
                value = item.get("identifier")
                if not isinstance(value, str):
                    continue
                yield from _identifier(value, path)
                name = value.lower()
                if name in first:
                    yield Violation(path, rule, f"{value!r} is listed twice, first at {first[name]}", fix="remove one")
                else:
                    first[name] = path
    for index, join in dicts_of(document, JOIN.path):
        for side in ("left", "right"):
            part = join.get(side)
            if isinstance(part, dict) and isinstance(part.get("identifier"), str):
                yield from _identifier(part["identifier"], f"{dotted(JOIN)}[{index}].{side}.identifier")


def _id_fix(value: str) -> str:
    plain = value.replace("-", "").lower()
    if plain != value and _ID.fullmatch(plain) and plain != _NO_ID:
        return f"write {plain!r}"
    return "use a UUID without hyphens, in lower case"


def _identifier(value: str, path: str) -> Iterator[Violation]:
    if not _IDENTIFIER.fullmatch(value) and not has_placeholder(value):
        message = f"{value!r} is not a three-part name"
        yield Violation(path, "identifier-format", message, fix="write catalog.schema.name")
