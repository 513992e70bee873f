"""What the engine's catalogs hold: tables with columns and comments, metric views, table functions."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from sqlglot import exp

from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.sql_dialect.parse import split_name
from mlflow_genie_plugin.sql_engine import information_schema
from mlflow_genie_plugin.sql_engine.catalog_objects import ColumnInfo, TableInfo, database_of
from mlflow_genie_plugin.sql_engine.metric_view_yaml import MetricView, parse_metric_view
from mlflow_genie_plugin.sql_engine.routines import Routine
from mlflow_genie_plugin.sql_engine.types import spark_type

if TYPE_CHECKING:
    import duckdb

_STORE = """
CREATE TABLE IF NOT EXISTS main.genie_catalogs (name VARCHAR PRIMARY KEY, file VARCHAR);
CREATE TABLE IF NOT EXISTS main.genie_objects (
    kind VARCHAR, name VARCHAR, definition VARCHAR, PRIMARY KEY (kind, name)
);
"""


class Catalog:
    """The names of one engine. Reading is thread-safe; the engine writes while it holds its own lock."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._tables: dict[tuple[str, str, str], TableInfo] = {}
        self._columns: dict[tuple[str, str, str], tuple[ColumnInfo, ...]] = {}
        self._views: dict[tuple[str, str, str], MetricView] = {}
        self._routines: dict[tuple[str, str, str], Routine] = {}
        # Table → column (empty for the table itself) → tag → value.
        self._tags: dict[tuple[str, str, str], dict[str, dict[str, str]]] = {}
        self._primary_keys: dict[tuple[str, str, str], tuple[str, ...]] = {}
        self.catalogs: dict[str, str] = {}
        # Types of a metric view are known only by running it, which is the engine's business.
        self.metric_columns: Callable[[str, MetricView], tuple[ColumnInfo, ...]] | None = None
        self.version = 0
        connection.execute(_STORE)
        for kind, name, definition in connection.execute("SELECT * FROM main.genie_objects ORDER BY 1, 2").fetchall():
            if kind == "metric_view":
                self._views[key_of(name)] = parse_metric_view(definition)
            elif kind == "tags":
                self._tags[key_of(name)] = json.loads(definition)
            elif kind == "primary_key":
                self._primary_keys[key_of(name)] = tuple(json.loads(definition))
            else:
                self._routines[key_of(name)] = Routine.from_json(definition)

    def stored_catalogs(self) -> list[tuple[str, str]]:
        """Return (name, file) of the catalogs that a database on disk was left with."""
        cursor = self._connection.cursor()
        return cursor.execute("SELECT name, file FROM main.genie_catalogs ORDER BY name").fetchall()

    def refresh(self) -> None:
        """Read the tables and columns again after anything was created, dropped or commented."""
        cursor = self._connection.cursor()
        tables: dict[tuple[str, str, str], TableInfo] = {}
        columns: dict[tuple[str, str, str], list[ColumnInfo]] = {}
        catalog_of = {database_of(name).lower(): name for name in self.catalogs.values()}
        for catalog, schema, name, kind, comment in cursor.execute(
            """SELECT database_name, schema_name, table_name, 'TABLE', comment FROM duckdb_tables() WHERE NOT internal
            UNION ALL
            SELECT database_name, schema_name, view_name, 'VIEW', comment FROM duckdb_views() WHERE NOT internal"""
        ).fetchall():
            shown = catalog_of.get(catalog.lower())
            if shown is not None:
                info = TableInfo(shown, schema, name, kind, comment or "")
                tables[_key(shown, schema, name)] = info
                columns[_key(shown, schema, name)] = []
        for catalog, schema, table, name, type_text, nullable, comment in cursor.execute(
            """SELECT database_name, schema_name, table_name, column_name, data_type, is_nullable, comment
            FROM duckdb_columns() WHERE NOT internal ORDER BY database_name, schema_name, table_name, column_index"""
        ).fetchall():
            shown = catalog_of.get(catalog.lower())
            if shown is not None and (key := _key(shown, schema, table)) in columns:
                columns[key].append(ColumnInfo(name, *spark_type(type_text), comment or "", bool(nullable)))
        cursor.close()
        with self._lock:
            self._tables = tables
            self._columns = {key: tuple(value) for key, value in columns.items()}
            self.version += 1

    def add_catalog(self, name: str, file: str) -> None:
        """Remember an attached catalog."""
        self.catalogs[name.lower()] = name
        self._connection.cursor().execute("INSERT OR REPLACE INTO main.genie_catalogs VALUES (?, ?)", [name, file])

    def add_metric_view(self, name: str, view: MetricView) -> None:
        """Remember a metric view under its three-part name."""
        key = key_of(name)
        if key in self._tables:
            raise UsageError(f"cannot create the metric view {name}: a table of that name exists")
        self._store("metric_view", name, view.yaml_text)
        self._views[key] = view
        self.version += 1

    def add_routine(self, routine: Routine) -> None:
        """Remember a table function under its three-part name."""
        key = key_of(routine.name)
        self._store("routine", routine.name, routine.to_json())
        self._routines[key] = routine
        self.version += 1

    def set_tags(self, name: str, column: str, tags: Mapping[str, str]) -> None:
        """Remember the tags of a table, or of one of its columns; an empty column means the table itself."""
        key = key_of(name)
        known = {**self._tags.get(key, {}), column.lower(): dict(tags)}
        self._store("tags", name, json.dumps(known))
        self._tags[key] = known
        self.version += 1

    def set_primary_key(self, name: str, columns: Iterable[str]) -> None:
        """Remember the primary key of a table; as in Unity Catalog it informs, and nothing enforces it."""
        key, wanted = key_of(name), tuple(columns)
        self._store("primary_key", name, json.dumps(wanted))
        self._primary_keys[key] = wanted
        self.version += 1

    def _store(self, kind: str, name: str, definition: str) -> None:
        self._connection.cursor().execute(
            "INSERT OR REPLACE INTO main.genie_objects VALUES (?, ?, ?)", [kind, ".".join(split_name(name)), definition]
        )

    # --- what the translation asks

    def resolve(self, parts: tuple[str, ...]) -> tuple[str, str, str] | None:
        """Return the exact three-part name of a table, view or metric view, or None."""
        if len(parts) != 3:
            return None
        key = _key(*parts)
        if info := self._tables.get(key):
            return info.catalog, info.schema, info.name
        return key if key in self._views else None

    def columns_of(self, name: str) -> tuple[str, ...]:
        """Return the column names of a table by its dotted name; empty when unknown."""
        parts = split_name(name)
        return tuple(column.name for column in self._columns.get(_key(*parts), ())) if len(parts) == 3 else ()

    def types_of(self, name: str) -> dict[str, str]:
        """Return the columns of a table, in lower case and in order, with their types; empty when unknown."""
        parts = split_name(name)
        columns = self._columns.get(_key(*parts), ()) if len(parts) == 3 else ()
        return {column.name.lower(): column.type_text for column in columns}

    def metric_view(self, name: str) -> MetricView | None:
        """Return the metric view of a three-part name, or None."""
        parts = split_name(name)
        return self._views.get(_key(*parts)) if len(parts) == 3 else None

    def routine(self, parts: tuple[str, ...]) -> Routine | None:
        """Return the table function of a three-part name, or None."""
        return self._routines.get(_key(*parts)) if len(parts) == 3 else None

    def virtual_table(self, parts: tuple[str, ...]) -> exp.Query | None:
        """Return the query behind ``<catalog>.information_schema.<view>``, or None."""
        if len(parts) != 3 or parts[1].lower() != "information_schema":
            return None
        catalog = parts[0].lower()
        if catalog != "system" and catalog not in self.catalogs:
            return None
        wanted = None if catalog == "system" else catalog
        return information_schema.query(parts[2].lower(), self, wanted)

    # --- metadata

    def tables(self) -> tuple[TableInfo, ...]:
        """Return all tables, views and metric views, sorted by name."""
        views = [TableInfo(*key, "METRIC_VIEW", view.comment) for key, view in self._views.items()]
        return tuple(sorted([*self._tables.values(), *views], key=lambda info: info.full_name.lower()))

    def columns(self, name: str) -> tuple[ColumnInfo, ...]:
        """Return the columns of a table, or dimensions and measures of a metric view; empty for an unknown name.

        Raises:
            SqlFailedError: The metric view's definition does not work, for example because its source is gone.
        """
        parts = split_name(name)
        if len(parts) != 3:
            return ()
        view = self._views.get(_key(*parts))
        if view is not None and self.metric_columns is not None:
            return self.metric_columns(name, view)
        return self._columns.get(_key(*parts), ())

    def tags(self) -> list[tuple[TableInfo, str, str, str]]:
        """Return (table, column or empty text, tag, value) of every tag, sorted."""
        found = [
            (info, column, tag, value)
            for info in self.tables()
            for column, tags in self._tags.get(_key(info.catalog, info.schema, info.name), {}).items()
            for tag, value in tags.items()
        ]
        return sorted(found, key=lambda row: (row[0].full_name.lower(), *row[1:]))

    def primary_keys(self) -> list[tuple[TableInfo, tuple[str, ...]]]:
        """Return the tables that have a primary key, with its columns, sorted by name."""
        keyed = ((info, self._primary_keys.get(_key(info.catalog, info.schema, info.name))) for info in self.tables())
        return [(info, columns) for info, columns in keyed if columns]

    def routines(self) -> tuple[Routine, ...]:
        """Return all table functions, sorted by name."""
        return tuple(self._routines[key] for key in sorted(self._routines))


def key_of(name: str) -> tuple[str, str, str]:
    """Return the look-up key of a three-part name.

    Raises:
        UsageError: The name does not have three parts.
    """
    parts: Iterable[str] = split_name(name)
    parts = tuple(parts)
    if len(parts) != 3 or not all(parts):
        raise UsageError(f"{name!r} is not a full name", next_step="write catalog.schema.name")
    return _key(*parts)


def _key(catalog: str, schema: str, name: str) -> tuple[str, str, str]:
    return catalog.lower(), schema.lower(), name.lower()
