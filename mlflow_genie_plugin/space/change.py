"""A difference between two space configs as a value: for a person, for a machine, for a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from mlflow_genie_plugin.space.diff_text import describe_change

Action = Literal["added", "removed", "changed"]
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


class _Absent:
    def __repr__(self) -> str:
        return "(absent)"


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of an item. ``before`` or ``after`` is :data:`ABSENT` when the field is not there on that side."""

    field: str
    before: Any
    after: Any

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {"field": self.field}
        out |= {} if self.before is ABSENT else {"before": self.before}
        return out | ({} if self.after is ABSENT else {"after": self.after})

    def lines(self) -> Iterator[str]:
        """Yield the change for a person: SQL line by line, prose word by word."""
        before, after = (None if side is ABSENT else side for side in (self.before, self.after))
        yield from describe_change(self.field, before, after)


@dataclass(frozen=True, slots=True)
class Change:
    """One item that was added, removed or changed.

    Attributes:
        action: What happened to it.
        kind: What it is, for example ``table``, ``column``, ``example SQL``, or ``field`` for an unknown key.
        key: Its id, identifier, ``identifier.column`` or path.
        label: What a person recognises it by.
        changes_behaviour: Whether it can change an answer.
        fields: Of a changed item, what changed in it; texts are joined.
    """

    action: Action
    kind: str
    key: str
    label: str
    changes_behaviour: bool
    fields: tuple[FieldChange, ...] = ()

    @property
    def sign(self) -> str:
        """``+`` added, ``-`` removed, ``~`` changed."""
        return _SIGNS[self.action]

    def to_json(self) -> dict[str, Any]:
        return {
            "action": self.action,
            "kind": self.kind,
            "key": self.key,
            "label": self.label,
            "changes_behaviour": self.changes_behaviour,
            "fields": [change.to_json() for change in self.fields],
        }


@dataclass(frozen=True)
class SpaceDiff:
    """The difference between two space configs.

    Attributes:
        changes: Items of the document that differ.
        deployment: Deployment fields that differ; None when one side has none (a bare file).
        layout_only: Nothing differs but the order of lists, the splitting of texts or the export version.
        unchanged: Number of items that are equal (columns are not counted apart from their table).
    """

    changes: tuple[Change, ...] = ()
    deployment: tuple[FieldChange, ...] | None = None
    layout_only: bool = False
    unchanged: int = 0

    @property
    def changes_behaviour(self) -> bool:
        return any(change.changes_behaviour for change in self.changes)

    def __bool__(self) -> bool:
        return bool(self.changes or self.deployment)

    def counts(self) -> dict[str, int]:
        """Return how many items were added, removed, changed and stayed."""
        actions = [change.action for change in self.changes]
        return {action: actions.count(action) for action in ("added", "removed", "changed")} | {
            "unchanged": self.unchanged
        }

    def to_json(self) -> dict[str, Any]:
        return {
            "different": bool(self),
            "changes_behaviour": self.changes_behaviour,
            "layout_only": self.layout_only,
            "counts": self.counts(),
            "changes": [change.to_json() for change in self.changes],
            "deployment": None if self.deployment is None else [change.to_json() for change in self.deployment],
        }

    def render(self) -> str:
        """Return the difference for a person, without colour, lines of at most 100 characters."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        counts = self.counts()
        if self.changes:
            yield ", ".join(f"{number} {action}" for action, number in counts.items())
        elif self.layout_only:
            yield "The same content; only the layout differs (order, line splitting or export version)."
        else:
            yield "The same content."
        for change in self.changes:
            yield f"{change.sign} {change.kind} {change.label}"
            for entry in change.fields:
                yield from entry.lines()
        if self.changes:
            kinds = list(dict.fromkeys(change.kind for change in self.changes if change.changes_behaviour))
            yield f"Can change answers: {'yes (' + ', '.join(kinds) + ')' if kinds else 'no'}."
        if self.deployment:
            yield "Deployment fields (in no hash):"
            for entry in self.deployment:
                yield f"~ {entry.field}"
                yield from FieldChange("", entry.before, entry.after).lines()

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.render())}</pre>"
