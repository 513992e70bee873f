"""A SQL warehouse in this process: Databricks SQL in, rows with Databricks types out, DuckDB underneath."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import GenieError, SqlFailedError, UsageError
from mlflow_genie_plugin.sql_dialect.parse import split_name
from mlflow_genie_plugin.sql_dialect.read_only import require_read_only
from mlflow_genie_plugin.sql_engine.catalog import Catalog
from mlflow_genie_plugin.sql_engine.catalog_objects import ColumnInfo, TableInfo, database_of
from mlflow_genie_plugin.sql_engine.errors import translated_failures
from mlflow_genie_plugin.sql_engine.limits import Limits, fetch, lock, open_database, time_limit
from mlflow_genie_plugin.sql_engine.macros import MACROS
from mlflow_genie_plugin.sql_engine.metric_view_yaml import MetricView, parse_metric_view
from mlflow_genie_plugin.sql_engine.result import EngineColumn, EngineResult
from mlflow_genie_plugin.sql_engine.routines import Routine, RoutineColumn, RoutineParameter
from mlflow_genie_plugin.sql_engine.session_names import SessionNames
from mlflow_genie_plugin.sql_engine.translate import translate
from mlflow_genie_plugin.sql_engine.types import spark_type

if TYPE_CHECKING:
    import duckdb


class SqlEngine:
    """A small warehouse with catalogs, metric views and table functions; safe to use from several threads.

    Queries are single read-only statements, and reach no file, network or setting. Times are UTC.

    Args:
        path: A folder to keep the catalogs in, made when absent; None keeps everything in memory.
        limits: Bounds for memory, temporary space and time.

    Raises:
        MissingExtraError: DuckDB is not installed.
        UsageError: The folder is in use by another process, or ``path`` is a file.
    """

    def __init__(self, path: Path | None = None, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._directory = None if path is None else Path(path).resolve()
        self._temporary = Path(tempfile.mkdtemp(prefix="genie-sql-"))
        self._write_lock = threading.RLock()
        self._locked = False
        self._closed = False
        if self._directory is not None:
            if self._directory.exists() and not self._directory.is_dir():
                raise UsageError(f"{path} is a file", next_step="name a folder for the engine's databases")
            self._directory.mkdir(parents=True, exist_ok=True)
        database = ":memory:" if self._directory is None else str(self._directory / "engine.duckdb")
        try:
            self._connection = self._open(database)
        except BaseException:
            shutil.rmtree(self._temporary, ignore_errors=True)
            raise
        self._translated = lru_cache(maxsize=2048)(self._translate)

    def _open(self, database: str) -> duckdb.DuckDBPyConnection:
        connection = open_database(database, self._temporary, self._limits, self._directory)
        self._catalog = Catalog(connection)
        self._catalog.metric_columns = self._metric_columns
        for macro in MACROS:
            connection.execute(macro)
        for name, file in self._catalog.stored_catalogs():
            self._attach(connection, name, file)
            self._catalog.catalogs[name.lower()] = name
        self._catalog.refresh()
        return connection

    # --- making things (our own statements, never a user's)

    def attach_catalog(self, name: str) -> None:
        """Make an empty catalog, or nothing when it exists; on disk it is a file of its own."""
        with self._write_lock:
            self._require_open()
            if name.lower() in self._catalog.catalogs:
                return
            if not name.strip():
                raise UsageError("a catalog needs a name")
            file = (
                ""
                if self._directory is None
                else f"catalog-{hashlib.sha256(name.lower().encode()).hexdigest()[:16]}.duckdb"
            )
            self._attach(self._connection, name, file)
            self._catalog.add_catalog(name, file)

    def _attach(self, connection: duckdb.DuckDBPyConnection, name: str, file: str) -> None:
        target = str(self._directory / file) if self._directory is not None and file else ":memory:"
        quoted = target.replace("'", "''")
        with translated_failures():
            connection.cursor().execute(f"ATTACH '{quoted}' AS {_identifier(database_of(name))}")

    def run_script(self, sql: str) -> None:
        """Run DuckDB statements of our own: DDL, loading, comments. Files are reachable until the first query.

        A catalog is the database :func:`~mlflow_genie_plugin.sql_engine.catalog_objects.database_of` names.

        Never give it text that came from a user, a space or a model: nothing is checked.

        Raises:
            SqlFailedError: A statement failed; earlier ones stay done.
        """
        with self._write_lock:
            self._require_open()
            cursor = self._connection.cursor()
            try:
                with translated_failures():
                    cursor.execute(sql)
            finally:
                cursor.close()
                self._catalog.refresh()

    def register_metric_view(self, name: str, yaml_text: str) -> None:
        """Make or replace a metric view from its Databricks YAML.

        Raises:
            UnreadableFileError: The YAML is no metric view.
            UsageError: The name is not ``catalog.schema.name``, or a table has it.
        """
        with self._write_lock:
            self._require_open()
            self._catalog.add_metric_view(name, parse_metric_view(yaml_text))

    def register_table_function(
        self,
        name: str,
        parameters: Sequence[RoutineParameter],
        sql: str,
        *,
        returns: Sequence[RoutineColumn] = (),
        comment: str = "",
    ) -> None:
        """Make or replace a SQL table function whose body is one Databricks query.

        Raises:
            UsageError: The name is not ``catalog.schema.name``.
            UnsafeSqlError: The body is not one read-only query.
        """
        require_read_only(sql)
        with self._write_lock:
            self._require_open()
            self._catalog.add_routine(Routine(name, tuple(parameters), sql, tuple(returns), comment))

    def set_tags(self, name: str, tags: Mapping[str, str], *, column: str = "") -> None:
        """Replace the tags of a table, view or metric view, or of one of its columns.

        Raises:
            UsageError: There is no such table or column.
        """
        with self._write_lock:
            self._require_open()
            found = self.columns(name)
            if not found or (column and column.lower() not in {each.name.lower() for each in found}):
                raise UsageError(f"there is no {'column ' + column + ' in ' if column else 'table '}{name} to tag")
            self._catalog.set_tags(name, column, tags)

    def set_primary_key(self, name: str, columns: Sequence[str]) -> None:
        """Say which columns identify a row of a table; it is shown in the catalog and enforced nowhere.

        Raises:
            UsageError: There is no such table or column.
        """
        with self._write_lock:
            self._require_open()
            known = {each.name.lower() for each in self.columns(name)}
            if not known or not columns or any(column.lower() not in known for column in columns):
                raise UsageError(f"{name} has no columns {', '.join(columns)} that could be its primary key")
            self._catalog.set_primary_key(name, columns)

    # --- queries

    def execute(
        self,
        sql: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        row_limit: int | None = None,
        timeout_seconds: float | None = None,
        catalog: str | None = None,
        schema: str | None = None,
        stop: threading.Event | None = None,
    ) -> EngineResult:
        """Run one read-only Databricks query.

        Args:
            sql: The query.
            parameters: Values of its ``:name`` parameters.
            row_limit: Return at most this many rows; ``row_count`` still tells all.
            timeout_seconds: Interrupt the query after this time; the engine's limit when not given.
            catalog: Completes names without a catalog.
            schema: Completes names without a schema.
            stop: Setting it interrupts the query.

        Raises:
            UnsafeSqlError: It is anything but one read-only query; nothing was executed.
            SqlFailedError: It failed, with the warehouse's error condition, or ran out of time or memory.
        """
        if row_limit is not None and row_limit < 0:
            raise UsageError(f"row_limit is {row_limit}, which is not a number from 0 up")
        target = self._prepare(sql, parameters, catalog, schema)
        cursor = self._connection.cursor()
        seconds = self._limits.timeout_seconds if timeout_seconds is None else timeout_seconds
        try:
            with translated_failures(), time_limit(cursor, seconds, stop):
                cursor.execute(target)
                columns = tuple(EngineColumn(each[0], *spark_type(str(each[1]))) for each in cursor.description or ())
                if row_limit is None:
                    rows = fetch(cursor, None, self._limits)
                    return EngineResult(columns, tuple(rows), len(rows), truncated=False)
                rows = fetch(cursor, row_limit + 1, self._limits)
                if len(rows) <= row_limit:
                    return EngineResult(columns, tuple(rows), len(rows), truncated=False)
                # Counted by the engine: fetching the rest only to count it would cost the memory the limit saves.
                counted = cursor.execute(f"SELECT count(*) FROM ({target}) AS _counted").fetchall()  # noqa: S608 target is ours
                count = max(int(counted[0][0]), row_limit + 1)
                return EngineResult(columns, tuple(rows[:row_limit]), count, truncated=True)
        finally:
            cursor.close()

    def explain(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        catalog: str | None = None,
        schema: str | None = None,
    ) -> str | None:
        """Return None when the query would start to run, else why not; nothing is executed.

        Values are not looked at, so a failing cast or a division by zero only shows when the query runs.
        """
        try:
            target = self._prepare(sql, parameters, catalog, schema)
            cursor = self._connection.cursor()
            try:
                with translated_failures():
                    cursor.execute(f"EXPLAIN {target}")
            finally:
                cursor.close()
        except GenieError as exc:
            return exc.what
        return None

    def _prepare(self, sql: str, parameters: Mapping[str, Any] | None, catalog: str | None, schema: str | None) -> str:
        require_read_only(sql)
        with self._write_lock:
            self._require_open()
            if not self._locked:
                lock(self._connection)
                self._locked = True
        bound = tuple(sorted((parameters or {}).items()))
        try:
            return self._translated(sql, bound, catalog, schema, self._catalog.version)
        except TypeError:  # a parameter that cannot be a cache key
            return self._translate(sql, bound, catalog, schema, self._catalog.version)

    def _translate(
        self, sql: str, bound: tuple[tuple[str, Any], ...], catalog: str | None, schema: str | None, version: int
    ) -> str:
        del version  # part of the cache's key: what a name means changes with the catalog
        return translate(sql, SessionNames(self._catalog, catalog, schema), dict(bound))

    # --- metadata

    def catalogs(self) -> tuple[str, ...]:
        """Return the names of the catalogs, sorted."""
        return tuple(sorted(self._catalog.catalogs.values()))

    def tables(self) -> tuple[TableInfo, ...]:
        """Return all tables, views and metric views, sorted by name."""
        return self._catalog.tables()

    def columns(self, name: str) -> tuple[ColumnInfo, ...]:
        """Return the columns of a table, or dimensions and measures of a metric view; empty for an unknown name.

        Raises:
            SqlFailedError: The metric view's definition does not work, for example because its source is gone.
        """
        return self._catalog.columns(name)

    def metric_view(self, name: str) -> MetricView | None:
        """Return a metric view's definition, or None."""
        return self._catalog.metric_view(name)

    def routines(self) -> tuple[Routine, ...]:
        """Return all table functions, sorted by name."""
        return self._catalog.routines()

    def _metric_columns(self, name: str, view: MetricView) -> tuple[ColumnInfo, ...]:
        def quote(text: str) -> str:
            return "`" + text.replace("`", "``") + "`"

        wanted = [quote(each.name) for each in view.dimensions]
        wanted += [f"MEASURE({quote(each.name)}) AS {quote(each.name)}" for each in view.measures]
        full_name = ".".join(map(quote, self._catalog.resolve(split_name(name)) or ()))
        result = self.execute(f"SELECT {', '.join(wanted)} FROM {full_name} GROUP BY ALL LIMIT 0")  # noqa: S608 quoted
        roles = ["dimension"] * len(view.dimensions) + ["measure"] * len(view.measures)
        return tuple(
            ColumnInfo(column.name, column.type_name, column.type_text, defined.comment, nullable=True, role=role)
            for column, defined, role in zip(result.columns, (*view.dimensions, *view.measures), roles, strict=True)
        )

    def _require_open(self) -> None:
        if self._closed:
            raise UsageError("the SQL engine is closed", next_step="open a new one")

    def close(self) -> None:
        """Write everything to disk and let go of the files; a second call does nothing."""
        with self._write_lock:
            if not self._closed:
                self._closed = True
                self._connection.close()
                shutil.rmtree(self._temporary, ignore_errors=True)

    def __enter__(self) -> SqlEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


__all__ = ["EngineColumn", "EngineResult", "Limits", "RoutineColumn", "RoutineParameter", "SqlEngine", "SqlFailedError"]
