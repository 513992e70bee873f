"""What a query on the local engine may use: memory, temporary space, time; no files, no network, no settings."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import MissingExtraError, UsageError
from mlflow_genie_plugin.sql_engine.errors import failed

if TYPE_CHECKING:
    import duckdb

_PORTION = 256
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one engine.

    Attributes:
        memory: Memory for all queries together, as DuckDB writes sizes.
        temporary: Disk space for what does not fit.
        timeout_seconds: For a statement that names no timeout of its own; None for no limit.
        result_bytes: Size of one result, as Python values.
    """

    memory: str = "1GB"
    temporary: str = "4GB"
    timeout_seconds: float | None = 120.0
    result_bytes: int = 256 * 2**20


def open_database(path: str, temporary: Path, limits: Limits, directory: Path | None) -> duckdb.DuckDBPyConnection:
    """Open the engine's own database with its bounds set; files stay reachable until :func:`lock`.

    Raises:
        MissingExtraError: DuckDB is not installed.
        UsageError: Another process has the database open, or its folder cannot be written.
    """
    try:
        import duckdb
    except ImportError as exc:
        raise MissingExtraError(
            "the local SQL engine needs DuckDB, which is not installed",
            next_step="run: pip install 'mlflow-genie-plugin[local]'",
        ) from exc
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": limits.memory,
        "temp_directory": str(temporary),
        "max_temp_directory_size": limits.temporary,
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
    }
    try:
        connection = duckdb.connect(path, config=config)
    except duckdb.IOException as exc:
        raise UsageError(
            f"the engine's databases in {directory} cannot be opened: {str(exc).splitlines()[0]}",
            next_step="stop the other process that uses this folder, or choose another folder",
        ) from exc
    if directory is not None:
        # The engine's own folder stays reachable after the lock, for catalogs that are attached later.
        folder = str(directory).replace("'", "''")
        connection.execute(f"SET allowed_directories = ['{folder}']")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection


def lock(connection: duckdb.DuckDBPyConnection) -> None:
    """Take files, network and settings away from every later statement; there is no way back."""
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


@contextmanager
def time_limit(
    cursor: duckdb.DuckDBPyConnection, seconds: float | None, stop: threading.Event | None = None
) -> Iterator[Deadline]:
    """Interrupt the cursor when the time is up or ``stop`` is set; leaving the block after that raises the error.

    Raises:
        SqlFailedError: The statement was interrupted because its time was up, or somebody wanted it stopped.
    """
    import duckdb

    deadline = Deadline(seconds)
    done = threading.Event()

    def watch() -> None:
        # Again and again: an interrupt between two statements of the block is forgotten by DuckDB.
        while not done.wait(deadline.left(_LOOK_SECONDS if stop is not None else None)):
            deadline.passed = deadline.is_over()
            if deadline.passed or (stop is not None and stop.is_set()):
                cursor.interrupt()

    watched = seconds is not None or stop is not None
    watcher = threading.Thread(target=watch, name="sql-time-limit", daemon=True) if watched else None
    if watcher:
        watcher.start()
    try:
        yield deadline
        deadline.check()
    except duckdb.InterruptException as exc:
        deadline.check()
        raise failed("OPERATION_CANCELED", "The statement was interrupted.", "HY008") from exc
    finally:
        done.set()
        if watcher:
            watcher.join()


def fetch(cursor: duckdb.DuckDBPyConnection, most_rows: int | None, limits: Limits) -> list[tuple[Any, ...]]:
    """Return the cursor's rows, at most ``most_rows``; in portions, so that the limit holds before memory is full.

    Raises:
        SqlFailedError: The result is larger than ``limits.result_bytes``.
    """
    rows: list[tuple[Any, ...]] = []
    size = 0
    while most_rows is None or len(rows) < most_rows:
        portion = cursor.fetchmany(_PORTION if most_rows is None else min(_PORTION, most_rows - len(rows)))
        if not portion:
            break
        rows += portion
        size += sum(sum(map(sys.getsizeof, row)) for row in portion)
        if size > limits.result_bytes:
            text = f"The result is larger than the limit of {limits.result_bytes // 2**20} MiB and was cut off."
            raise failed("RESULT_TOO_LARGE", text, "54000", "let the query return fewer or smaller rows")
    return rows


class Deadline:
    """A point in time after which a statement counts as timed out."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds
        self.passed = False

    def is_over(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end

    def left(self, at_most: float | None) -> float | None:
        """Return the seconds until it is worth looking again; None for never."""
        if self._end is None:
            return at_most
        left = max(self._end - time.monotonic(), _LOOK_SECONDS)
        return left if at_most is None else min(left, at_most)

    def check(self) -> None:
        """Raise when the time is up.

        Raises:
            SqlFailedError: It is.
        """
        if self.passed or self.is_over():
            text = f"The statement was cancelled because it ran longer than its limit of {self._seconds:g} seconds."
            raise failed("STATEMENT_TIMEOUT", text, "57KD0", "make the query do less, or allow it more time")
