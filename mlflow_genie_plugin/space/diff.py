"""What is different between two space configs, item by item, and whether it can change an answer.

Two configs have no difference here exactly when their content hashes are equal, and ``changes_behaviour`` is true
exactly when their behaviour hashes differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlflow_genie_plugin.canonical_json import canonical_bytes
from mlflow_genie_plugin.space.canonical_form import canonical_item, canonical_list, migrates
from mlflow_genie_plugin.space.change import ABSENT, Action, Change, FieldChange, SpaceDiff
from mlflow_genie_plugin.space.config import Envelope, SpaceConfig
from mlflow_genie_plugin.space.shape import BENCHMARK, COLUMN, DATA_SOURCES, KINDS, METRIC_VIEW, TABLE, Kind, label_of

__all__ = ["ABSENT", "Change", "FieldChange", "SpaceDiff", "diff_spaces"]


def diff_spaces(before: SpaceConfig | dict[str, Any], after: SpaceConfig | dict[str, Any]) -> SpaceDiff:
    """Return what changed from ``before`` to ``after``; deployment fields are compared when both sides have them."""
    old, new = (side.document if isinstance(side, SpaceConfig) else side for side in (before, after))
    changes, unchanged = _Comparison(old, new).run()
    deployment = None
    if isinstance(before, SpaceConfig) and isinstance(after, SpaceConfig):
        deployment = _deployment(before.envelope, after.envelope)
    layout_only = not changes and old != new
    return SpaceDiff(tuple(changes), deployment, layout_only, unchanged)


class _Comparison:
    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.old, self.new = old, new
        self.renames = migrates(old), migrates(new)
        self.changes: list[Change] = []
        self.unchanged = 0

    def run(self) -> tuple[list[Change], int]:
        versions = [
            2 if rename else doc.get("version", ABSENT)
            for rename, doc in zip(self.renames, (self.old, self.new), strict=True)
        ]
        if not _same(*versions):
            self._add("changed", "field", "$.version", "version", True, (FieldChange("", *versions),))
        self._containers((), self.old, self.new)
        return self.changes, self.unchanged

    def _containers(self, path: tuple[str, ...], old: dict[str, Any], new: dict[str, Any]) -> None:
        """Walk the known objects; their keyed lists are compared by key, everything else by value."""
        here = [kind for kind in KINDS if kind.path[:-1] == path]
        if path == DATA_SOURCES[0].path[:-1]:
            self._data_sources(old, new)
        else:
            for kind in here:
                self._list(kind, old.get(kind.path[-1], []), new.get(kind.path[-1], []))
        listed = {kind.path[-1] for kind in here}
        deeper = {
            kind.path[len(path)] for kind in KINDS if len(kind.path) > len(path) + 1 and kind.path[: len(path)] == path
        }
        for key in dict.fromkeys([*old, *new]):
            if key in listed or (not path and key == "version"):
                continue
            left, right = old.get(key, ABSENT), new.get(key, ABSENT)
            if key in deeper:
                left, right = _object_or_value(left), _object_or_value(right)
                if isinstance(left, dict) and isinstance(right, dict):
                    self._containers((*path, key), left, right)
                    continue
            self._value((*path, key), left, right)

    def _data_sources(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        # Tables and metric views are one list for the hash, hence one here; see fingerprint.
        old, new = ({key: [] if value == {} else value for key, value in side.items()} for side in (old, new))
        sides = [[_items(side.get(kind.path[-1], [])) for kind in DATA_SOURCES] for side in (old, new)]
        if all(part is not None for side in sides for part in side):
            merged = [[item for part in side for item in part or []] for side in sides]
            keyed = [_by_key(items, "identifier") for items in merged]
            if keyed[0] is not None and keyed[1] is not None:
                views = {item.get("identifier") for side in sides for item in side[1] or []}
                self._keyed(TABLE, keyed[0], keyed[1], views)
                return
            self._whole(
                TABLE,
                canonical_list(merged[0], TABLE, rename=self.renames[0]),
                canonical_list(merged[1], TABLE, rename=self.renames[1]),
            )
            return
        for kind in DATA_SOURCES:
            name = kind.path[-1]
            forms = [
                canonical_list(side.get(name, []), kind, rename=rename)
                for side, rename in zip((old, new), self.renames, strict=True)
            ]
            self._whole(kind, *forms)

    def _list(self, kind: Kind, old: Any, new: Any) -> None:
        old, new = ([] if side == {} else side for side in (old, new))
        items = _items(old), _items(new)
        if items[0] is not None and items[1] is not None:
            keyed = _by_key(items[0], kind.key), _by_key(items[1], kind.key)
            if keyed[0] is not None and keyed[1] is not None:
                self._keyed(kind, keyed[0], keyed[1])
                return
        self._whole(kind, canonical_list(old, kind), canonical_list(new, kind))

    def _keyed(self, kind: Kind, old: dict[str, Any], new: dict[str, Any], views: Any = ()) -> None:
        trusted = self.renames[0] == self.renames[1]
        for key, item in new.items():
            shown = METRIC_VIEW if key in views else kind
            before = old.get(key)
            if before is None:
                self._item("added", shown, key, item)
            elif (
                trusted and (before is item or canonical_bytes(before) == canonical_bytes(item))
            ) or not self._changed(shown, key, before, item):
                self.unchanged += 1
        for key, item in old.items():
            if key not in new:
                self._item("removed", METRIC_VIEW if key in views else kind, key, item)

    def _changed(self, kind: Kind, key: str, before: dict[str, Any], after: dict[str, Any]) -> bool:
        """Add what differs between two versions of an item; return whether anything does."""
        old = canonical_item(before, kind.path, rename=self.renames[0])
        new = canonical_item(after, kind.path, rename=self.renames[1])
        found = len(self.changes)
        columns = _columns_of(old), _columns_of(new)
        if kind in DATA_SOURCES and columns[0] is not None and columns[1] is not None:
            old, new = ({name: side[name] for name in side if name != "column_configs"} for side in (old, new))
        else:
            columns = {}, {}
        fields = tuple(_fields("", old, new))
        if fields:
            self._add("changed", kind.name, key, _label(kind, after), kind.changes_behaviour, fields)
        self._columns(key, columns[0] or {}, columns[1] or {})
        return len(self.changes) > found

    def _columns(self, table: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        for name in dict.fromkeys([*new, *old]):
            before, after = old.get(name), new.get(name)
            full = f"{table}.{name}"
            if before is None or after is None:
                self._add("added" if before is None else "removed", COLUMN.name, full, full, True)
            elif fields := tuple(_fields("", before, after)):
                self._add("changed", COLUMN.name, full, full, True, fields)

    def _item(self, action: Action, kind: Kind, key: str, item: dict[str, Any]) -> None:
        label = _label(kind, item)
        columns = item.get("column_configs")
        if kind in DATA_SOURCES and isinstance(columns, list) and columns:
            label += f" ({len(columns)} column{'s' if len(columns) > 1 else ''} configured)"
        self._add(action, kind.name, key, label, kind.changes_behaviour)

    def _whole(self, kind: Kind, old: Any, new: Any) -> None:
        """Compare a list that cannot be keyed (duplicates, missing keys, no list of objects)."""
        if not _same(old, new):
            path = ".".join(kind.path)
            change = FieldChange("", ABSENT if old == [] else old, ABSENT if new == [] else new)
            self._add("changed", "list", f"$.{path}", path, kind.changes_behaviour, (change,))

    def _value(self, path: tuple[str, ...], old: Any, new: Any) -> None:
        if _same(old, new):
            return
        name = ".".join(path)
        # The behaviour hash leaves out everything under benchmarks, known or not.
        behaviour = path[0] != BENCHMARK.path[0]
        if old is ABSENT or new is ABSENT:
            self._add("added" if old is ABSENT else "removed", "field", f"$.{name}", name, behaviour)
        else:
            self._add("changed", "field", f"$.{name}", name, behaviour, tuple(_fields("", old, new)))

    def _add(
        self, action: Action, kind: str, key: str, label: str, behaviour: bool, fields: tuple[FieldChange, ...] = ()
    ) -> None:
        self.changes.append(Change(action, kind, key, label, behaviour, fields))


def _items(value: Any) -> list[dict[str, Any]] | None:
    return value if type(value) is list and all(type(item) is dict for item in value) else None


def _by_key(items: list[dict[str, Any]], key: str) -> dict[str, Any] | None:
    try:
        keyed = {item[key]: item for item in items}
    except (KeyError, TypeError):
        return None
    return keyed if len(keyed) == len(items) and all(type(name) is str for name in keyed) else None


def _columns_of(source: dict[str, Any]) -> dict[str, Any] | None:
    items = _items(source.get("column_configs", []))
    return None if items is None else _by_key(items, COLUMN.key)


def _object_or_value(value: Any) -> Any:
    # An empty container is as good as none; see fingerprint.
    return {} if value is ABSENT or value == [] else value


def _same(old: Any, new: Any) -> bool:
    if old is ABSENT or new is ABSENT:
        return old is new
    return canonical_bytes(old) == canonical_bytes(new)  # and not ==: true equals 1 in Python, but not for a server


def _fields(name: str, old: Any, new: Any) -> Iterator[FieldChange]:
    if _same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _fields(f"{name}.{key}" if name else key, old.get(key, ABSENT), new.get(key, ABSENT))
    elif _names_of(old) is not None and _names_of(old) == _names_of(new):
        for index, part in enumerate(_names_of(old) or []):
            yield from _fields(f"{name}.{part}" if part else name, old[index], new[index])
    else:
        yield FieldChange(name, old, new)


def _names_of(value: Any) -> list[str] | None:
    """Return the names of the objects of a list (parameters), or blanks for a single nameless one (an answer)."""
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        return None
    names = [item.get("name") for item in value]
    if len(value) == 1 and names == [None]:
        return [""]
    return [str(name) for name in names] if all(isinstance(name, str) for name in names) else None


def _label(kind: Kind, item: dict[str, Any]) -> str:
    label = label_of(kind, item)
    return label if "identifier" in kind.names or "left" in kind.names else f'"{label}"'


def _deployment(old: Envelope, new: Envelope) -> tuple[FieldChange, ...] | None:
    if Envelope() in (old, new):
        return None
    changes = []
    for name in ("title", "description", "warehouse_id", "parent_path"):
        before, after = getattr(old, name), getattr(new, name)
        if name in ("warehouse_id", "parent_path") and (before is None or after is None):
            continue  # a source that does not say where it is deployed says nothing about a move
        if name == "parent_path":
            before, after = (path.removeprefix("/Workspace").rstrip("/") for path in (before, after))
        if (before or "") != (after or ""):
            changes.append(FieldChange(name, before or ABSENT, after or ABSENT))
    return tuple(changes)
