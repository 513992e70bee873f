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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow_genie_plugin.sql_engine.catalog_objects import database_of
from mlflow_genie_plugin.sql_engine.errors import failed, translated_failures
from mlflow_genie_plugin.sql_engine.limits import Deadline, Limits, lock, open_database
from mlflow_genie_plugin.sql_engine.macros import MACROS
from mlflow_genie_plugin.sql_engine.scratch_names import ScratchTable

_MAX_CATALOGS = 64
# How often the limits are looked at.
_WATCH_SECONDS = 0.05

# Planning takes longer than running over a few rows. These keep joins from becoming products; the others only cost.
_OPTIMIZER_NAMES = """deliminator empty_result_pullup expression_rewriter filter_pullup filter_pushdown
    in_clause join_order regex_range unnest_rewriter unused_columns"""
_OPTIMIZERS = frozenset(_OPTIMIZER_NAMES.split())


@dataclass(frozen=True, slots=True)
class ScratchRows:
    """A result: column names and Python values; ``truncated`` when it had more rows than asked for."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    truncated: bool


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


def _placed(table: ScratchTable) -> str:
    catalog, schema, name = table.place
    return f"{_quoted(database_of(catalog))}.{_quoted(schema)}.{_quoted(name)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
