"""What names mean in a session: those of one or two parts get the session's catalog and schema in front."""

from __future__ import annotations

from sqlglot import exp

from mlflow_genie_plugin.sql_engine.catalog import Catalog
from mlflow_genie_plugin.sql_engine.metric_view_yaml import MetricView
from mlflow_genie_plugin.sql_engine.routines import Routine


class SessionNames:
    """A catalog seen from a session: names of one or two parts are completed with the session's defaults."""

    def __init__(self, catalog: Catalog, default_catalog: str | None, default_schema: str | None) -> None:
        self._catalog = catalog
        self._defaults = (default_catalog, default_schema)

    def complete(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        """Return the name with the session's catalog and schema in front, as far as they are set."""
        missing = self._defaults[: max(3 - len(parts), 0)]
        known = tuple(part for part in missing if part)
        return (*known, *parts) if len(known) == len(missing) else parts

    def resolve(self, parts: tuple[str, ...]) -> tuple[str, str, str] | None:
        """Return the exact three-part name of a table, view or metric view, or None."""
        return self._catalog.resolve(self.complete(parts))

    def columns_of(self, name: str) -> tuple[str, ...]:
        """Return the column names of a table by its dotted name; empty when unknown."""
        return self._catalog.columns_of(name)

    def types_of(self, name: str) -> dict[str, str]:
        """Return the columns of a table, in lower case and in order, with their types; empty when unknown."""
        return self._catalog.types_of(name)

    def metric_view(self, name: str) -> MetricView | None:
        """Return the metric view of a three-part name, or None."""
        return self._catalog.metric_view(name)

    def routine(self, parts: tuple[str, ...]) -> Routine | None:
        """Return the table function a name means, or None."""
        return self._catalog.routine(self.complete(parts))

    def virtual_table(self, parts: tuple[str, ...]) -> exp.Query | None:
        """Return the query behind a view of ``information_schema``, or None."""
        return self._catalog.virtual_table(self.complete(parts))
