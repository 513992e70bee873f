"""Tables that are filled, queried and thrown away many times a second, in the engine's own dialect.

The engine proper reads its catalog again after every change, which costs more than a small query. Here the tables are
declared once, their rows replaced by one statement, and a query translated once runs over each filling.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.sql_dialect.parse import split_name
from mlflow_genie_plugin.sql_engine.catalog_objects import database_of
from mlflow_genie_plugin.sql_engine.engine import translated_failures
from mlflow_genie_plugin.sql_engine.errors import failed, unsupported
from mlflow_genie_plugin.sql_engine.limits import Deadline, Limits, lock, open_database
from mlflow_genie_plugin.sql_engine.macros import MACROS
from mlflow_genie_plugin.sql_engine.metric_view_yaml import MetricView
from mlflow_genie_plugin.sql_engine.routines import Routine
from mlflow_genie_plugin.sql_engine.translate import translate
from mlflow_genie_plugin.sql_engine.types import spark_type

# For names written without a catalog or a schema.
_DEFAULT_CATALOG = "scratch"
_DEFAULT_SCHEMA = "public"
_MAX_CATALOGS = 64
# How often the limits are looked at.
_WATCH_SECONDS = 0.05

# Planning takes longer than running over a few rows. These keep joins from becoming products; the others only cost.
_OPTIMIZER_NAMES = """deliminator empty_result_pullup expression_rewriter filter_pullup filter_pushdown
    in_clause join_order regex_range unnest_rewriter unused_columns"""
_OPTIMIZERS = frozenset(_OPTIMIZER_NAMES.split())


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


@dataclass(frozen=True, slots=True)
class ScratchRows:
    """A result: column names and Python values; ``truncated`` when it had more rows than asked for."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    truncated: bool


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


class ScratchDatabase:
    """One in-memory database with the engine's functions and bounds. One user at a time; see :func:`scratch`.

    Raises:
        MissingExtraError: DuckDB is not installed.
    """

    def __init__(self) -> None:
        temporary = Path(tempfile.mkdtemp(prefix="genie-scratch-"))
        self._finalizer = weakref.finalize(self, shutil.rmtree, temporary, ignore_errors=True)
        self._connection = open_database(":memory:", temporary, Limits(memory="512MB", temporary="0GB"), None)
        # One thread: the tables are tiny, and the order of rows that a query leaves open stays the same every time.
        self._connection.execute("SET threads = 1")
        known = [str(row[0]) for row in self._connection.execute("SELECT name FROM duckdb_optimizers()").fetchall()]
        unneeded = ",".join(name for name in known if name not in _OPTIMIZERS)
        self._connection.execute(f"SET disabled_optimizers = '{unneeded}'")
        for macro in MACROS:
            self._connection.execute(macro)
        self._catalogs: set[str] = set()
        self._schemas: set[tuple[str, str]] = set()
        self._locked = False
        self._end: float | None = None

    def declare(self, tables: Sequence[ScratchTable]) -> None:
        """Make the catalogs and schemas that the tables stand in."""
        for table in tables:
            catalog, schema, _ = (part.lower() for part in table.place)
            if catalog not in self._catalogs:
                with translated_failures():
                    self._connection.execute(f"ATTACH ':memory:' AS {_quoted(database_of(catalog))}")
                self._catalogs.add(catalog)
            if (catalog, schema) not in self._schemas:
                place = f"{_quoted(database_of(catalog))}.{_quoted(schema)}"
                self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {place}")
                self._schemas.add((catalog, schema))

    def fill(self, table: ScratchTable, rows: Sequence[Sequence[Any]]) -> None:
        """Replace a table by one with exactly these rows, in this order.

        Raises:
            SqlFailedError: A value does not fit its column's type.
        """
        columns = [list(values) for values in zip(*rows, strict=True)] if rows else [[] for _ in table.columns]
        selected = ", ".join(f"unnest(?::{kind}[]) AS {_quoted(name)}" for name, kind in table.columns)
        with translated_failures():
            self._connection.execute(f"CREATE OR REPLACE TABLE {_placed(table)} AS SELECT {selected}", columns)

    def drop(self, tables: Sequence[ScratchTable]) -> None:
        """Drop the tables; catalogs stay for the next user, up to a bound."""
        for table in tables:
            self._connection.execute(f"DROP TABLE IF EXISTS {_placed(table)}")
        if len(self._catalogs) > _MAX_CATALOGS:
            for catalog in self._catalogs:
                self._connection.execute(f"DETACH {_quoted(database_of(catalog))}")
            self._catalogs.clear()
            self._schemas.clear()

    def run(self, translated: str, *, row_limit: int) -> ScratchRows:
        """Run a query that ``translate`` made; never a user's text as it is.

        Raises:
            SqlFailedError: It failed.
        """
        if not self._locked:
            # Attaching further in-memory databases stays possible; files and settings do not.
            lock(self._connection)
            self._locked = True
        with translated_failures():
            self._connection.execute(translated)
            names = tuple(str(each[0]) for each in self._connection.description or ())
            rows = self._connection.fetchmany(row_limit + 1)
        return ScratchRows(names, rows[:row_limit], len(rows) > row_limit)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Bound the time of everything run inside the block.

        Raises:
            SqlFailedError: The time was up.
        """
        import duckdb

        before, deadline = self._end, Deadline(seconds)
        self._end = time.monotonic() + seconds
        try:
            yield
            deadline.check()
        except duckdb.InterruptException as exc:
            deadline.check()
            raise failed("OPERATION_CANCELED", "The statement was interrupted.", "HY008") from exc
        finally:
            self._end = before

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Let one thread enforce every :meth:`within` of the block; a thread for each costs more than a query."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(_WATCH_SECONDS):
                end = self._end
                if end is not None and time.monotonic() > end:
                    self._connection.interrupt()

        watcher = threading.Thread(target=watch, name="scratch-time-limit", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()


_idle: list[ScratchDatabase] = []
_guard = threading.Lock()


@contextmanager
def scratch(tables: Sequence[ScratchTable]) -> Iterator[ScratchDatabase]:
    """Borrow a database of this process with these tables declared; threads get one each, and give it back."""
    with _guard:
        database = _idle.pop() if _idle else None
    if database is None:
        database = ScratchDatabase()
    try:
        with database.watched():
            database.declare(tables)
            yield database
            database.drop(tables)
    except BaseException:
        # What an error or an interrupt left behind is thrown away with the database.
        database = None
        raise
    finally:
        if database is not None:
            with _guard:
                _idle.append(database)


def translate_scratch(sql: str, names: ScratchNames, parameters: Mapping[str, Any] | None = None) -> str:
    """Return DuckDB SQL for a Databricks query over scratch tables.

    Raises:
        SqlFailedError: The query does not parse, names something unknown, or needs what the engine has not.
    """
    return translate(sql, names, parameters)


def _placed(table: ScratchTable) -> str:
    catalog, schema, name = table.place
    return f"{_quoted(database_of(catalog))}.{_quoted(schema)}.{_quoted(name)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
