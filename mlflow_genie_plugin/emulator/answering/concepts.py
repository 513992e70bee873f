"""What words of a question can mean: one thing of the space, and where a question mentions it."""

from __future__ import annotations

from dataclasses import dataclass

from mlflow_genie_plugin.emulator.answering.knowledge import Column


@dataclass(frozen=True)
class Concept:
    """One thing a phrase can name.

    ``kind``: measure, filter, expression (all with ``sql``), column, dimension, metric (a metric view's measure),
    table, value.
    ``weight`` orders the readings of one phrase: a synonym somebody wrote is stronger than a description's first words.
    """

    kind: str
    name: str
    weight: float
    sql: str = ""
    column: Column | None = None
    table: str = ""
    value: str = ""


@dataclass(frozen=True)
class Mention:
    """A phrase of the question with its readings, strongest first; tokens ``start`` to ``end`` (exclusive)."""

    start: int
    end: int
    concepts: tuple[Concept, ...]

    def of(self, *kinds: str) -> Concept | None:
        """Return the strongest reading of one of these kinds."""
        return next((concept for concept in self.concepts if concept.kind in kinds), None)


def same_reading(one: Concept, other: Concept) -> bool:
    """Return whether two readings mean the same thing, whatever their weight."""
    return (one.kind, one.name, one.table, one.sql, one.value) == (
        other.kind,
        other.name,
        other.table,
        other.sql,
        other.value,
    )
