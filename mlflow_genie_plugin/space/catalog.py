"""Unity Catalog metadata of a space's assets as captured: what was read, what was not, and what changed between two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlflow_genie_plugin.canonical_json import canonical_bytes, sha256_of_json

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Capture:
    """The rows of one kind of metadata, or why there are none. A failed read is never an empty one."""

    status: Literal["ok", "failed", "not_requested"] = "not_requested"
    rows: tuple[dict[str, Any], ...] = ()
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {"status": self.status, "rows": [dict(row) for row in self.rows], "error": self.error}


@dataclass(frozen=True, slots=True)
class UcMetadata:
    columns: Capture = field(default_factory=Capture)
    tags: Capture = field(default_factory=Capture)
    routines: Capture = field(default_factory=Capture)

    def to_json(self) -> dict[str, Any]:
        return {kind: getattr(self, kind).to_json() for kind in _COMPARED}


def uc_sha256(metadata: UcMetadata) -> str:
    """Return the sha256 (64 hex digits) of the metadata; the order in which rows were read does not count."""
    return sha256_of_json(
        {
            kind: {"status": capture.status, "rows": sorted(capture.rows, key=canonical_bytes)}
            for kind in _COMPARED
            for capture in [getattr(metadata, kind)]
        }
    )


def diff_metadata(before: UcMetadata, after: UcMetadata) -> dict[str, Any]:
    """Return what changed: per kind ``added``, ``removed``, ``changed`` and their counts.

    A kind that was not read on either side is ``{"comparable": False, "reason": …}`` and has no counts: an unread
    catalog must not look like one from which everything was removed. ``changed`` on the top level is True, False, or
    None when something could not be compared and nothing else changed.
    """
    kinds = {kind: _diff(kind, getattr(before, kind), getattr(after, kind)) for kind in _COMPARED}
    compared = [entry for entry in kinds.values() if entry["comparable"]]
    any_change = any(entry["change_count"] for entry in compared)
    undecided = len(compared) < len(kinds)
    return {"changed": True if any_change else (None if undecided else False), **kinds}


def _asset(row: Row, catalog: str, schema: str) -> tuple[str, str]:
    return str(row.get(catalog) or "").lower(), str(row.get(schema) or "").lower()


def _column_key(row: Row) -> tuple[str, ...]:
    return (*_asset(row, "table_catalog", "table_schema"), str(row.get("table_name")), str(row.get("column_name")))


def _tag_key(row: Row) -> tuple[str, ...]:
    column = row.get("column_name")
    return (
        *_asset(row, "catalog_name", "schema_name"),
        str(row.get("table_name")),
        "" if column is None else str(column),
        str(row.get("tag_name")),
    )


def _routine_key(row: Row) -> tuple[str, ...]:
    return (*_asset(row, "routine_catalog", "routine_schema"), str(row.get("routine_name")))


_COMPARED: dict[str, tuple[Callable[[Row], tuple[str, ...]], tuple[str, ...]]] = {
    "columns": (_column_key, ("data_type", "comment")),
    "tags": (_tag_key, ("tag_value",)),
    "routines": (_routine_key, ("routine_definition", "data_type", "comment", "parameters")),
}


def _diff(kind: str, before: Capture, after: Capture) -> dict[str, Any]:
    for side, capture in (("before", before), ("after", after)):
        if capture.status != "ok":
            why = f": {capture.error}" if capture.error else ""
            state = "was not requested" if capture.status == "not_requested" else "could not be read"
            return {"comparable": False, "reason": f"{kind} {state} {side}{why}"}
    key, fields = _COMPARED[kind]
    old, new = _by_key(before.rows, key), _by_key(after.rows, key)
    added = [dict(new[name]) for name in sorted(new.keys() - old.keys())]
    removed = [dict(old[name]) for name in sorted(old.keys() - new.keys())]
    changed = []
    for name in sorted(old.keys() & new.keys()):
        differences = {
            field: {"before": old[name].get(field), "after": new[name].get(field)}
            for field in fields
            if old[name].get(field) != new[name].get(field)
        }
        if differences:
            changed.append({"key": ".".join(part for part in name if part), "changes": differences})
    return {
        "comparable": True,
        "change_count": len(added) + len(removed) + len(changed),
        "added": added,
        "removed": removed,
        "changed": changed,
    }


def _by_key(rows: tuple[dict[str, Any], ...], key: Callable[[Row], tuple[str, ...]]) -> dict[tuple[str, ...], Row]:
    return {key(row): row for row in rows}
