"""What a space says about its data, as plain values: tables with columns, joins, snippets, examples, functions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from mlflow_genie_plugin.emulator.answering.sql_text import parts_of
from mlflow_genie_plugin.emulator.answering.steering import Steering
from mlflow_genie_plugin.emulator.catalog_view import Routine

_NUMERIC = re.compile(
    r"^(tinyint|smallint|int|integer|bigint|long|short|byte|float|double|real|decimal|numeric)\b", re.IGNORECASE
)
_BOOKKEEPING = re.compile(r"(record|row|etl|_?dw)_|ingest|(^|_)(load|insert|updat|modifi)(ed)?_", re.IGNORECASE)
_TEMPORAL = re.compile(r"^(date|timestamp)", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """A visible column of a table, or a dimension or measure of a metric view."""

    table: str
    name: str
    type_text: str
    description: str = ""
    synonyms: tuple[str, ...] = ()
    matches_values: bool = False
    is_measure: bool = False

    @property
    def is_numeric(self) -> bool:
        return bool(_NUMERIC.match(self.type_text))

    @property
    def is_temporal(self) -> bool:
        return bool(_TEMPORAL.match(self.type_text))

    @property
    def is_boolean(self) -> bool:
        return self.type_text.lower().startswith("boolean")


@dataclass(frozen=True)
class Table:
    """A table or metric view of the space; ``columns`` leaves out what the space hides."""

    identifier: str
    description: str
    columns: dict[str, Column]
    is_metric_view: bool = False

    @property
    def name(self) -> str:
        return parts_of(self.identifier)[-1]


@dataclass(frozen=True)
class Join:
    """One join the space allows; ``to_one``: a left row meets at most one right row, ``from_one``: the reverse."""

    left: str
    right: str
    left_alias: str
    right_alias: str
    condition: str
    to_one: bool
    from_one: bool


@dataclass(frozen=True)
class Snippet:
    """A measure, filter or expression that the space defines."""

    kind: str
    name: str
    sql: str
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parameter:
    """A parameter of a trusted example."""

    name: str
    type_hint: str
    description: str
    default: str | None


@dataclass(frozen=True)
class Example:
    """A trusted example: a question with its verified SQL."""

    question: str
    sql: str
    parameters: tuple[Parameter, ...]
    guidance: str


@dataclass(frozen=True)
class Function:
    """A table function attached to the space that the catalog knows."""

    identifier: str
    routine: Routine


@dataclass(frozen=True)
class SpaceKnowledge:
    """All a space says. Tables are keyed by identifier in lower case."""

    tables: dict[str, Table] = field(default_factory=dict)
    joins: tuple[Join, ...] = ()
    snippets: tuple[Snippet, ...] = ()
    examples: tuple[Example, ...] = ()
    functions: tuple[Function, ...] = ()
    steering: Steering = field(default_factory=Steering)

    def table_named(self, name: str) -> Table | None:
        """Return the table of an identifier or of the last part of one, when that is unambiguous."""
        wanted = ".".join(parts_of(name)).lower()
        if wanted in self.tables:
            return self.tables[wanted]
        found = [table for key, table in self.tables.items() if key.endswith("." + wanted)]
        return found[0] if len(found) == 1 else None

    def columns_named(self, name: str) -> list[Column]:
        """Return the visible columns of that name in all tables (metric views aside)."""
        wanted = name.lower()
        return [t.columns[wanted] for t in self.tables.values() if not t.is_metric_view and wanted in t.columns]


def dates_among(columns: Iterable[Column]) -> list[Column]:
    """Return the date columns that say when something happened, not when its row was written, if there are any."""
    dates = [column for column in columns if column.is_temporal]
    return [column for column in dates if not _BOOKKEEPING.search(column.name)] or dates
