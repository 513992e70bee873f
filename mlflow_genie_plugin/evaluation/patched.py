"""Which tables, metric views, functions and columns a change of a space config is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.space.change import Change
from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.space.diff import diff_spaces
from mlflow_genie_plugin.space.shape import (
    COLUMN,
    EXAMPLE,
    EXPRESSION,
    FILTER,
    FUNCTION,
    JOIN,
    MEASURE,
    METRIC_VIEW,
    TABLE,
    Kind,
    dicts_of,
    text_of,
)
from mlflow_genie_plugin.sql_dialect import SqlParseError, assets_in, parse_query

_NAMED_BY_KEY = {kind.name for kind in (TABLE, METRIC_VIEW, COLUMN)}
_ITEMS = {kind.name: kind for kind in (FUNCTION, JOIN, EXAMPLE, FILTER, EXPRESSION, MEASURE)}


def patched_objects(before: SpaceConfig, after: SpaceConfig) -> tuple[str, ...]:
    """Return the names of what changed between two versions, for the scope ``slice``.

    A changed join is about both its tables, an example query about the assets of its SQL, a snippet about the tables
    that its columns are qualified with. What cannot change an answer is left out.

    Raises:
        UsageError: Nothing changed, or a change cannot be pinned to objects (an instruction concerns every question).
    """
    names: dict[str, None] = {}
    everywhere: list[str] = []
    for change in diff_spaces(before.document, after.document).changes:
        if not change.changes_behaviour:
            continue
        found = list(_objects_of(change, before.document, after.document))
        names.update(dict.fromkeys(found))
        if not found:
            everywhere.append(f"{change.kind} {change.label}")
    if everywhere:
        raise UsageError(
            f"a slice does not fit this change, which may concern every question: {', '.join(everywhere[:3])}"
            + (f" and {len(everywhere) - 3} more" if len(everywhere) > 3 else ""),
            next_step="use --scope full, or name the objects with --patched",
        )
    if not names:
        raise UsageError(
            "nothing that can change an answer differs between the two versions",
            next_step="give the version before the change with --patched-from",
        )
    return tuple(names)


def _objects_of(change: Change, *documents: dict[str, Any]) -> Iterator[str]:
    if change.kind in _NAMED_BY_KEY:
        yield change.key
    kind = _ITEMS.get(change.kind)
    if kind is None:
        return
    for document in documents:
        for _, item in dicts_of(document, kind.path):
            if item.get(kind.key) == change.key:
                yield from _named_in(kind, item)


def _named_in(kind: Kind, item: dict[str, Any]) -> Iterator[str]:
    if kind is FUNCTION:
        yield str(item.get("identifier") or "")
    elif kind is JOIN:
        yield from (str((item.get(side) or {}).get("identifier") or "") for side in ("left", "right"))
    else:
        sql = text_of(item.get("sql"))
        try:
            if kind is EXAMPLE:
                yield from sorted(asset.name for asset in assets_in(sql))
            else:
                tree = parse_query(f"SELECT {sql}")
                yield from sorted({column.table for column in tree.find_all(exp.Column) if column.table})
        except SqlParseError:
            return
