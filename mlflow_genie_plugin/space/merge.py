"""Three-way merge of space configs: two people's edits of one base, joined where they do not touch the same thing.

Items are matched by id, identifier or column name, fields within them by name; texts are merged line by line. What both
sides changed differently is a conflict: it is listed, and the result keeps our side there.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlflow_genie_plugin.canonical_json import canonical_bytes
from mlflow_genie_plugin.errors import InvalidSpaceError, Violation
from mlflow_genie_plugin.space.change import ABSENT
from mlflow_genie_plugin.space.normalise import normalise_for_write
from mlflow_genie_plugin.space.shape import COLUMN, DATA_SOURCES, KINDS, Kind, dicts_of, items_of

_LISTS: dict[tuple[str, ...], Kind] = {kind.path: kind for kind in KINDS} | {
    (*kind.path, COLUMN.path[-1]): COLUMN for kind in DATA_SOURCES
}
_TEXTS = frozenset({"content", *(field for kind in KINDS for field in kind.text)})


@dataclass(frozen=True, slots=True)
class Conflict:
    """One place that both sides changed, differently. ``ABSENT`` stands for removed or not there."""

    path: str
    base: Any
    ours: Any
    theirs: Any

    def to_json(self) -> dict[str, Any]:
        sides = {"base": self.base, "ours": self.ours, "theirs": self.theirs}
        return {"path": self.path} | {name: value for name, value in sides.items() if value is not ABSENT}


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The merged document, in the server's write order; it keeps our side where there is a conflict."""

    document: dict[str, Any]
    conflicts: tuple[Conflict, ...] = ()


def merge_spaces(base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> MergeResult:
    """Merge what ``theirs`` changed since ``base`` into ``ours``.

    Raises:
        InvalidSpaceError: A list of one of the documents has items without a key, or two with the same key.
    """
    sides = _same_places([_in_lines(normalise_for_write(document)) for document in (base, ours, theirs)])
    for name, document in zip(("base", "ours", "theirs"), sides, strict=True):
        _require_keys(document, name)
    conflicts: list[Conflict] = []
    merged = _Merge(conflicts).value((), "$", *sides)
    return MergeResult(normalise_for_write(merged), tuple(conflicts))


class _Merge:
    def __init__(self, conflicts: list[Conflict]) -> None:
        self.conflicts = conflicts

    def value(self, path: tuple[str, ...], where: str, base: Any, ours: Any, theirs: Any) -> Any:
        """Return the merged value at ``path`` (without the keys of items), called ``where`` in conflicts."""
        if _same(ours, theirs) or _same(base, theirs):
            return ours
        if _same(base, ours):
            return theirs
        kind = _LISTS.get(path)
        if kind is not None and isinstance(ours, list) and isinstance(theirs, list):
            return self._items(kind, path, where, base if isinstance(base, list) else [], ours, theirs)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            old = base if isinstance(base, dict) else {}
            out = {}
            for key in dict.fromkeys([*ours, *theirs, *old]):
                part = (side.get(key, ABSENT) for side in (old, ours, theirs))
                value = self.value((*path, key), f"{where}.{key}", *part)
                if value is not ABSENT:
                    out[key] = value
            return out
        if path and path[-1] in _TEXTS and all(_is_text(side) for side in (base, ours, theirs)):
            lines = merge_lines(base, ours, theirs)
            if lines is not None:
                return lines
        self.conflicts.append(Conflict(where, base, ours, theirs))
        return ours

    def _items(self, kind: Kind, path: tuple[str, ...], where: str, base: Any, ours: Any, theirs: Any) -> list[Any]:
        keyed = [{item[kind.key]: item for item in side} for side in (base, ours, theirs)]
        out = []
        for key in dict.fromkeys([*keyed[1], *keyed[2], *keyed[0]]):
            merged = self.value(path, f"{where}[{key}]", *(side.get(key, ABSENT) for side in keyed))
            if merged is not ABSENT:
                out.append(merged)
        return out


def merge_lines(base: list[str], ours: list[str], theirs: list[str]) -> list[str] | None:
    """Return the lines with both sides' changes, or None where both changed the same or adjoining lines."""
    left, right = _edits(base, ours), _edits(base, theirs)
    out: list[str] = []
    position = 0
    while left or right:
        if left and right and left[0] == right[0]:
            start, end, lines = left.pop(0)
            right.pop(0)
        elif left and right and left[0][0] <= right[0][1] and right[0][0] <= left[0][1]:
            return None
        else:
            first = left if not right or (left and left[0][0] < right[0][0]) else right
            start, end, lines = first.pop(0)
        out += [*base[position:start], *lines]
        position = end
    return [*out, *base[position:]]


def _edits(base: list[str], side: list[str]) -> list[tuple[int, int, list[str]]]:
    codes = difflib.SequenceMatcher(None, base, side, autojunk=False).get_opcodes()
    return [(i1, i2, side[j1:j2]) for tag, i1, i2, j1, j2 in codes if tag != "equal"]


def _same(one: Any, other: Any) -> bool:
    if one is ABSENT or other is ABSENT:
        return one is other
    return one is other or canonical_bytes(one) == canonical_bytes(other)


def _in_lines(value: Any) -> Any:
    """Split every text at its line breaks, so that the same text is the same list on all sides."""
    if isinstance(value, list):
        return [_in_lines(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: "".join(inner).splitlines(keepends=True) if key in _TEXTS and _is_text(inner) else _in_lines(inner)
        for key, inner in value.items()
    }


def _is_text(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(line, str) for line in value)


def _same_places(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """List every data source where our side has it: the server may have moved a metric view to the tables."""
    place: dict[Any, str] = {}
    base, ours, theirs = documents
    for document in (base, theirs, ours):
        for kind in DATA_SOURCES:
            place |= {item["identifier"]: kind.path[-1] for _, item in _named(document, kind)}
    for document in documents:
        moved: dict[str, list[Any]] = {"tables": [], "metric_views": []}
        for kind in DATA_SOURCES:
            named = {index for index, _ in _named(document, kind)}
            for index, item in enumerate(items_of(document, kind.path)):
                moved[place[item["identifier"]] if index in named else kind.path[-1]].append(item)
        sources = document.get("data_sources")
        if isinstance(sources, dict) and all(isinstance(sources.get(name, []), list) for name in moved):
            for name, items in moved.items():
                if items or name in sources:
                    sources[name] = items
    return documents


def _named(document: dict[str, Any], kind: Kind) -> Iterator[tuple[int, dict[str, Any]]]:
    return ((index, item) for index, item in dicts_of(document, kind.path) if isinstance(item.get("identifier"), str))


def _require_keys(document: dict[str, Any], name: str) -> None:
    found = []
    lists = [(".".join(kind.path), items_of(document, kind.path), kind) for kind in KINDS]
    for kind in DATA_SOURCES:
        for index, source in dicts_of(document, kind.path):
            path = f"{'.'.join(kind.path)}[{index}].column_configs"
            lists.append((path, items_of(source, ("column_configs",)), COLUMN))
    for path, items, kind in lists:
        keys = [item.get(kind.key) if isinstance(item, dict) else None for item in items]
        if not all(isinstance(key, str) for key in keys) or len(set(keys)) != len(keys):
            message = f"an item has no {kind.key}, or two have the same"
            found.append(Violation(f"$.{path}", "merge-key", message, fix="correct it, then merge"))
    if found:
        raise InvalidSpaceError(f"{name} cannot be merged: its items cannot be told apart", found)
