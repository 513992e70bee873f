"""What the answerer may know about a catalog: names, types, comments and example values, never the data itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class CatalogColumn(NamedTuple):
    """A column of a table: its name, its Databricks type (``DECIMAL(15,2)``) and its comment."""

    name: str
    type_text: str
    comment: str = ""


class RoutineParameter(NamedTuple):
    """A parameter of a table function; ``has_default`` says that a call may leave it out."""

    name: str
    type_text: str
    comment: str = ""
    has_default: bool = False


class Routine(NamedTuple):
    """A table function: its parameters in order and its comment."""

    parameters: tuple[RoutineParameter, ...]
    comment: str = ""


class MetricView(NamedTuple):
    """A metric view: its dimensions and its measures."""

    dimensions: tuple[CatalogColumn, ...]
    measures: tuple[CatalogColumn, ...]


class CatalogView(Protocol):
    """Read access to the catalog of a workspace.

    Identifiers are three-part names in any case, without backticks. An identifier that does not exist is no error:
    the space
    may name tables that the catalog lost, and an answerer has to say so in words.
    """

    def columns(self, identifier: str) -> tuple[CatalogColumn, ...]:
        """Return the columns of a table in table order; empty when there is no such table."""
        ...

    def routine(self, identifier: str) -> Routine | None:
        """Return a table function, or None when there is none of that name."""
        ...

    def metric_view(self, identifier: str) -> MetricView | None:
        """Return a metric view, or None when the name is a plain table or nothing."""
        ...

    def distinct_values(self, identifier: str, column: str, limit: int) -> tuple[str, ...]:
        """Return up to ``limit`` different non-null values of a column (or dimension), as text."""
        ...


@dataclass(frozen=True)
class StaticCatalog:
    """A catalog written down by hand: for tests, and for spaces whose tables nobody has loaded.

    All keys are identifiers in lower case; ``values`` is keyed by (identifier, column).
    """

    tables: Mapping[str, tuple[CatalogColumn, ...]] = field(default_factory=dict)
    routines: Mapping[str, Routine] = field(default_factory=dict)
    metric_views: Mapping[str, MetricView] = field(default_factory=dict)
    values: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def columns(self, identifier: str) -> tuple[CatalogColumn, ...]:
        """Return the columns of a table."""
        return self.tables.get(identifier.lower(), ())

    def routine(self, identifier: str) -> Routine | None:
        """Return a table function."""
        return self.routines.get(identifier.lower())

    def metric_view(self, identifier: str) -> MetricView | None:
        """Return a metric view."""
        return self.metric_views.get(identifier.lower())

    def distinct_values(self, identifier: str, column: str, limit: int) -> tuple[str, ...]:
        """Return up to ``limit`` values of a column."""
        return self.values.get((identifier.lower(), column.lower()), ())[:limit]
