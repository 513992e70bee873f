"""What the package needs of a workspace's data, as protocols: statements on a warehouse, and Unity Catalog metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mlflow_genie_plugin.workspace.answer import QueryResult


class SqlPort(Protocol):
    """Runs single read-only statements on a warehouse."""

    def execute(
        self,
        sql: str,
        *,
        warehouse_id: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        row_limit: int = 5000,
        timeout_seconds: float = 120.0,
    ) -> QueryResult:
        """Run the statement as written and return at most ``row_limit`` rows.

        Raises:
            UnsafeSqlError: It is not one read-only statement; it was not sent.
            SqlFailedError: The warehouse could not run it, or it took longer than the timeout (it is cancelled).
        """

    def explain(self, sql: str, *, warehouse_id: str | None = None) -> str | None:
        """Return None when the statement compiles, else the engine's message."""

    def describe(self, identifier: str, *, warehouse_id: str | None = None) -> dict[str, Any]:
        """Return the JSON description of a table or view.

        Raises:
            SqlFailedError: There is no such object, or it cannot be described.
        """


class CatalogPort(Protocol):
    """Reads Unity Catalog metadata of assets, by three-part name; ``warehouse_id`` as in :class:`SqlPort`.

    A failed or incomplete read raises; it never comes back as fewer rows.
    """

    def columns(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[dict[str, Any]]:
        """Return a row a column.

        Keys: table_catalog, table_schema, table_name, column_name, ordinal_position, data_type, is_nullable, comment.
        """

    def tags(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[dict[str, Any]]:
        """Return a row a tag.

        Keys: catalog_name, schema_name, table_name, column_name (None for the table's own), tag_name, tag_value.
        """

    def routines(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[dict[str, Any]]:
        """Return a row a function.

        Keys: routine_catalog, routine_schema, routine_name, routine_definition, data_type, comment, parameters.
        """

    def table_types(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[dict[str, Any]]:
        """Return a row a table or view.

        Keys: table_catalog, table_schema, table_name, table_type (MANAGED, EXTERNAL, VIEW, METRIC_VIEW, …).
        """

    def unique_keys(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[dict[str, Any]]:
        """Return a row a primary key or unique constraint.

        Keys: table_catalog, table_schema, table_name, constraint_name, columns.
        """

    def signatures(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[dict[str, Any]]:
        """Return a row a function.

        Keys: routine_catalog, routine_schema, routine_name, routine_definition, data_type, parameters (each with name,
        data_type, default), columns (each with name, data_type).
        """

    def metric_view(self, identifier: str, *, warehouse_id: str | None = None) -> dict[str, Any]:
        """Return what a metric view offers.

        Keys: columns (each with name, data_type, is_measure), definition.
        """
