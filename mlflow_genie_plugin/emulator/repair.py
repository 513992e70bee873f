"""Making a space config importable: only what the server would refuse is changed, and every change is said."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from mlflow_genie_plugin.emulator.export_proto import MESSAGES
from mlflow_genie_plugin.emulator.export_rules import WITH_ID, items_at
from mlflow_genie_plugin.emulator.generating.templates import fill_placeholders
from mlflow_genie_plugin.errors import TemplateSpaceError
from mlflow_genie_plugin.space.normalise import normalise_for_write
from mlflow_genie_plugin.space.shape import V2_FLAGS
from mlflow_genie_plugin.space.validate import errors_of

_ID: Final = re.compile(r"[0-9a-f]{32}")
_MARKER: Final = "--rt=FROM_RELATIONSHIP_TYPE_MANY_TO_ONE--"


def repair_document(
    document: dict[str, Any], values: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Return a copy that the server is more likely to accept, and one line for every kind of change made.

    ``values`` are for placeholders; one without a value is filled with its own name. Not everything can be repaired:
    validate the result.
    """
    changes: dict[str, int] = {}
    repaired = _filled(copy.deepcopy(document), values or {}, changes)
    version = repaired.get("version")
    if type(version) is not int or version not in {1, 2}:
        repaired["version"] = 2
        _count(changes, "set the version to 2")
    if repaired["version"] == 2:
        _rename_flags(repaired, changes)
    repaired = _shaped(repaired, "space", "$", changes)
    _mark_joins(repaired, changes)
    _give_ids(repaired, changes)
    # Only when the server insists: it reorders benchmark questions itself, which is nothing to tell anybody.
    ordered = normalise_for_write(repaired) if errors_of(repaired) else repaired
    if ordered != repaired:
        _count(changes, "put lists into the server's order")
    return ordered, [text if number == 1 else f"{text} ({number} times)" for text, number in changes.items()]


def _count(changes: dict[str, int], text: str) -> None:
    changes[text] = changes.get(text, 0) + 1


def _filled(document: dict[str, Any], values: Mapping[str, str], changes: dict[str, int]) -> dict[str, Any]:
    try:
        return fill_placeholders(document, values)
    except TemplateSpaceError as error:
        missing: list[str] = error.details["placeholders"]
    own_names = {}
    for token in missing:
        own_names[token] = re.sub(r"[^A-Za-z0-9_]+", "_", token.strip("${}<> ")).strip("_") or "value"
        _count(changes, f"filled the placeholder {token} with '{own_names[token]}'")
    return fill_placeholders(document, {**values, **own_names})


def _rename_flags(document: dict[str, Any], changes: dict[str, int]) -> None:
    for kind in ("tables", "metric_views"):
        for table in _dicts(document, f"data_sources.{kind}"):
            for column in table.get("column_configs") or []:
                if isinstance(column, dict) and set(column) & set(V2_FLAGS):
                    renamed = {V2_FLAGS.get(key, key): item for key, item in column.items()}
                    column.clear()
                    column.update(renamed)
                    _count(changes, "renamed version 1 column flags to version 2's")


def _shaped(value: Any, message: str, path: str, changes: dict[str, int]) -> Any:
    """Return a message without unknown fields, with texts as arrays."""
    if not isinstance(value, dict):
        return value
    fields = MESSAGES[message]
    if "identifier" in fields and not value.get("identifier") and isinstance(value.get("full_name"), str):
        value["identifier"] = value["full_name"]
        _count(changes, f"took {path}.full_name for the identifier")
    shaped = {}
    for name, item in value.items():
        if name not in fields:
            _count(changes, f"left out the unknown field {path}.{name}")
        else:
            shaped[name] = _shaped_field(item, fields[name], f"{path}.{name}", changes)
    return shaped


def _shaped_field(value: Any, kind: str, path: str, changes: dict[str, int]) -> Any:
    if kind == "text" and isinstance(value, str):
        _count(changes, f"made {path} an array of strings")
        return [value]
    if kind.startswith("[") and isinstance(value, list):
        if kind == "[text_instruction]" and len(value) > 1:
            value = _one_instruction(value, changes)
        return [_shaped(_from_text(item, kind, path, changes), kind[1:-1], f"{path}[]", changes) for item in value]
    if kind in MESSAGES:
        return _shaped(value, kind, path, changes)
    return value


def _from_text(item: Any, kind: str, path: str, changes: dict[str, int]) -> Any:
    field = {"[text_instruction]": "content", "[sample_question]": "question"}.get(kind)
    if isinstance(item, str) and field:
        _count(changes, f"made each string of {path} an item")
        return {field: [item]}
    return item


def _one_instruction(items: list[Any], changes: dict[str, int]) -> list[Any]:
    texts = []
    for item in items:
        content = item.get("content") if isinstance(item, dict) else item
        texts.append("".join(content) if isinstance(content, list) else str(content or ""))
    _count(changes, f"joined {len(items)} text instructions into one")
    first = items[0] if isinstance(items[0], dict) else {}
    return [{**first, "content": [text if text.endswith("\n") else f"{text}\n" for text in texts]}]


def _mark_joins(document: dict[str, Any], changes: dict[str, int]) -> None:
    for join in _dicts(document, "instructions.join_specs"):
        sql = join.get("sql")
        if isinstance(sql, list) and len(sql) == 1 and "--rt=" not in str(sql[0]):
            join["sql"] = [sql[0], _MARKER]
            _count(changes, "marked a join without a relationship as many to one")


def _give_ids(document: dict[str, Any], changes: dict[str, int]) -> None:
    seen: set[str] = set()
    for path, name in WITH_ID:
        for index, item in enumerate(_dicts(document, path)):
            found = item.get("id")
            if isinstance(found, str) and _ID.fullmatch(found) and found not in seen:
                seen.add(found)
                continue
            # From the content, so that the same file always gets the same ids.
            digest = hashlib.sha256(f"{path}/{index}/{item}".encode()).hexdigest()[:32]
            item["id"] = digest
            seen.add(digest)
            why = "missing" if not found else "invalid or used twice"
            _count(changes, f"gave a new id to a {name.replace('_', ' ')} whose id is {why}")


def _dicts(document: dict[str, Any], path: str) -> list[dict[str, Any]]:
    try:
        return [item for item in items_at(document, path) if isinstance(item, dict)]
    except AttributeError:
        # A section that is no object stays for the validator to name.
        return []
