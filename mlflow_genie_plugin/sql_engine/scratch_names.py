"""What names mean to a query over scratch tables, and the query translated for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.sql_dialect.parse import split_name
from mlflow_genie_plugin.sql_engine.errors import unsupported
from mlflow_genie_plugin.sql_engine.metric_view_yaml import MetricView
from mlflow_genie_plugin.sql_engine.routines import Routine
from mlflow_genie_plugin.sql_engine.translate import translate
from mlflow_genie_plugin.sql_engine.types import spark_type

# For names written without a catalog or a schema.
_DEFAULT_CATALOG = "scratch"
_DEFAULT_SCHEMA = "public"


@dataclass(frozen=True, slots=True)
class ScratchTable:
    """A table: its dotted name as queries write it, and its columns with DuckDB types."""

    name: str
    columns: tuple[tuple[str, str], ...]

    @property
    def place(self) -> tuple[str, str, str]:
        """Return catalog, schema and table, with defaults for the parts that the name does not have."""
        parts = split_name(self.name)
        return (*(_DEFAULT_CATALOG, _DEFAULT_SCHEMA)[: max(3 - len(parts), 0)], *parts)[-3:]  # type: ignore[return-value]


@dataclass
class ScratchNames:
    """What names mean to a query: tables, metric views and table functions by lower-case dotted name."""

    tables: Mapping[str, ScratchTable] = field(default_factory=dict)
    views: Mapping[str, MetricView] = field(default_factory=dict)
    routines: Mapping[str, Routine] = field(default_factory=dict)

    def resolve(self, parts: tuple[str, ...]) -> tuple[str, str, str] | None:
        """Return the place of a table, or a metric view's own three parts."""
        name = _known(parts, self.tables)
        if name is not None:
            return self.tables[name].place
        view = _known(parts, self.views)
        return None if view is None else ("", "", view)

    def columns_of(self, name: str) -> tuple[str, ...]:
        """Return the column names of a table by its dotted name; empty when unknown."""
        return tuple(column for column, _ in self._columns(name))

    def types_of(self, name: str) -> dict[str, str]:
        """Return the columns of a table, in lower case and in order, with their types; empty when unknown."""
        return {column.lower(): spark_type(kind)[1] for column, kind in self._columns(name)}

    def _columns(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return the columns of a table by its name, or by the place that :meth:`resolve` gave."""
        parts = split_name(name)
        found = _known(parts, self.tables)
        if found is None:
            found = next((full for full, table in self.tables.items() if table.place == parts), None)
        return () if found is None else self.tables[found].columns

    def metric_view(self, name: str) -> MetricView | None:
        """Return the metric view that :meth:`resolve` found."""
        return self.views.get(name.removeprefix(".."))

    def routine(self, parts: tuple[str, ...]) -> Routine | None:
        """Return the table function a name means, or None."""
        found = _known(parts, self.routines)
        return None if found is None else self.routines[found]

    def virtual_table(self, parts: tuple[str, ...]) -> exp.Query | None:
        """Refuse the information schema: it describes a catalog, and here there is none.

        Raises:
            SqlFailedError: The name is one of its views.
        """
        if len(parts) > 1 and parts[-2].lower() == "information_schema":
            raise unsupported("the information schema over generated tables")
        return None


def _known(parts: Sequence[str], names: Mapping[str, Any]) -> str | None:
    """Return the full name of ``parts``; a name written in part counts where only one full name can be meant."""
    wanted = ".".join(parts).lower()
    if wanted in names:
        return wanted
    fitting = [name for name in names if name.endswith("." + wanted)]
    return fitting[0] if len(fitting) == 1 else None


def translate_scratch(sql: str, names: ScratchNames, parameters: Mapping[str, Any] | None = None) -> str:
    """Return DuckDB SQL for a Databricks query over scratch tables.

    Raises:
        SqlFailedError: The query does not parse, names something unknown, or needs what the engine has not.
    """
    return translate(sql, names, parameters)
