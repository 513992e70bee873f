"""The engine's catalog as the answerer may see it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mlflow_genie_plugin.emulator.catalog_view import CatalogColumn, MetricView, Routine, RoutineParameter
from mlflow_genie_plugin.errors import SqlFailedError
from mlflow_genie_plugin.sql_dialect.parse import normalise_name, split_name

if TYPE_CHECKING:
    from mlflow_genie_plugin.sql_engine.engine import SqlEngine

_SECONDS = 20.0


class EngineCatalog:
    """A :class:`CatalogView` of a SQL engine; example values are looked up once and kept."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._columns: dict[str, tuple[CatalogColumn, ...]] = {}
        self._values: dict[tuple[str, str, int], tuple[str, ...]] = {}

    def forget(self) -> None:
        """Look everything up again: tables were added or changed."""
        with self._lock:
            self._columns.clear()
            self._values.clear()

    def columns(self, identifier: str) -> tuple[CatalogColumn, ...]:
        """Return the columns of a table (or the dimensions and measures of a metric view)."""
        name = normalise_name(identifier)
        with self._lock:
            known = self._columns.get(name)
        if known is None:
            known = tuple(
                CatalogColumn(column.name, column.type_text, column.comment) for column in self._engine.columns(name)
            )
            with self._lock:
                self._columns[name] = known
        return known

    def routine(self, identifier: str) -> Routine | None:
        """Return a table function."""
        name = normalise_name(identifier)
        for routine in self._engine.routines():
            if normalise_name(routine.name) == name:
                parameters = tuple(
                    RoutineParameter(item.name, item.type_text, item.comment, item.default is not None)
                    for item in routine.parameters
                )
                return Routine(parameters, routine.comment)
        return None

    def metric_view(self, identifier: str) -> MetricView | None:
        """Return a metric view."""
        view = self._engine.metric_view(identifier)
        if view is None:
            return None
        typed = {column.name: column for column in self.columns(identifier)}
        return MetricView(
            tuple(typed[item.name] for item in view.dimensions), tuple(typed[item.name] for item in view.measures)
        )

    def distinct_values(self, identifier: str, column: str, limit: int) -> tuple[str, ...]:
        """Return up to ``limit`` different values of a column, in order."""
        key = (normalise_name(identifier), column.lower(), limit)
        with self._lock:
            known = self._values.get(key)
        if known is None:
            known = self._look_up(identifier, column, limit)
            with self._lock:
                self._values[key] = known
        return known

    def _look_up(self, identifier: str, column: str, limit: int) -> tuple[str, ...]:
        if column.lower() not in {item.name.lower() for item in self.columns(identifier)}:
            return ()
        name, table = _quoted(column), ".".join(_quoted(part) for part in split_name(identifier))
        sql = f"SELECT {name} AS v FROM {table} GROUP BY {name} ORDER BY 1"  # noqa: S608 - names are quoted
        try:
            found = self._engine.execute(sql, row_limit=limit + 1, timeout_seconds=_SECONDS)
        except SqlFailedError:
            # A measure, or a type without an order: such a column has no values to show.
            return ()
        return tuple(str(value) for (value,) in found.rows if value is not None)[:limit]


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
