"""The document as the server wants it written: its order, version 2, a join's condition and marker apart."""

from __future__ import annotations

import copy
import re
from typing import Any

from mlflow_genie_plugin.space.canonical_form import migrates
from mlflow_genie_plugin.space.shape import COLUMN, DATA_SOURCES, JOIN, KINDS, V2_FLAGS, dicts_of, items_of

JOIN_MARKER = re.compile(r"--rt=FROM_RELATIONSHIP_TYPE_[A-Z_]+--\s*\Z")


def normalise_for_write(document: dict[str, Any]) -> dict[str, Any]:
    """Return a copy in the server's write order and version; both hashes stay the same, and twice is as once.

    What the server would reject for another reason (unknown keys, duplicates, flags of the wrong version) stays as it
    is: it is for the validator to name, not for this function to drop.
    """
    out = copy.deepcopy(document)
    if migrates(out):
        out["version"] = 2
        for source in _data_sources(out):
            for _, column in dicts_of(source, ("column_configs",)):
                renamed = {V2_FLAGS.get(key, key): value for key, value in column.items()}
                column.clear()
                column.update(renamed)
    for source in _data_sources(out):
        _sort(items_of(source, ("column_configs",)), COLUMN.key)
    for kind in KINDS:
        _sort(items_of(out, kind.path), kind.key)
    for _, join in dicts_of(out, JOIN.path):
        _part_join(join)
    return out


def _data_sources(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [source for kind in DATA_SOURCES for _, source in dicts_of(document, kind.path)]


def _sort(items: list[Any], key: str) -> None:
    # An item without a usable key has no place in the server's order; then the list stays as the author wrote it.
    if all(isinstance(item, dict) and isinstance(item.get(key), str) for item in items):
        items.sort(key=lambda item: (item[key], str(item.get("identifier", ""))))


def _part_join(join: dict[str, Any]) -> None:
    sql = join.get("sql")
    if not isinstance(sql, list) or len(sql) == 2 or not all(isinstance(part, str) for part in sql):
        return
    text = "".join(sql)
    marker = JOIN_MARKER.search(text)
    if marker:
        join["sql"] = [text[: marker.start()], text[marker.start() :]]
