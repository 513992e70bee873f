"""Where the workspace keeps what must survive a restart: one SQLite file, one transaction a change.

SQLite's write-ahead log makes each change whole or absent after ``kill -9``; rewriting one JSON file instead would cost
time in proportion to everything ever asked.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import orjson

from mlflow_genie_plugin.errors import UnreadableFileError, UnwritableFileError

_FORMAT = 1


class Store(Protocol):
    """Keeps records by kind and id."""

    def put(self, kind: str, records: Mapping[str, Any]) -> None:
        """Write the records (JSON values or dataclasses) in one transaction; None deletes."""

    def all(self, kind: str) -> Iterator[dict[str, Any]]:
        """Yield the records of a kind in the order they were first written."""

    def clear(self) -> None:
        """Forget everything."""

    def close(self) -> None:
        """Release the file."""


class MemoryStore:
    """Keeps nothing: the world itself is the state."""

    def put(self, kind: str, records: Mapping[str, Any]) -> None:
        """Forget the records."""

    def all(self, kind: str) -> Iterator[dict[str, Any]]:  # noqa: ARG002
        """Yield nothing: a workspace without a folder starts empty."""
        yield from ()

    def clear(self) -> None:
        """Nothing to forget."""

    def close(self) -> None:
        """Nothing to release."""


class SqliteStore:
    """Keeps records in ``workspace.sqlite`` of a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS records (kind TEXT, id TEXT, body BLOB, PRIMARY KEY (kind, id))"
            )
            found = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
        except sqlite3.Error as error:
            raise UnreadableFileError(
                f"cannot open the local workspace's state {path}: {error}",
                next_step="choose another --dir, or move the file away to start afresh",
            ) from error
        if found not in {0, _FORMAT}:
            raise UnreadableFileError(
                f"{path} was written by another version of mlflow-genie (format {found}, this one reads {_FORMAT})",
                next_step="choose another --dir",
            )
        self._connection.execute(f"PRAGMA user_version={_FORMAT}")

    def put(self, kind: str, records: Mapping[str, Any]) -> None:
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                for key, value in records.items():
                    if value is None:
                        self._connection.execute("DELETE FROM records WHERE kind=? AND id=?", (kind, key))
                    else:
                        self._connection.execute(
                            "INSERT INTO records VALUES (?,?,?) ON CONFLICT DO UPDATE SET body=excluded.body",
                            (kind, key, orjson.dumps(value)),
                        )
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise UnwritableFileError(
                    f"cannot write the local workspace's state {self._path}: {error}",
                    next_step="free some space and try again; the state on disk is the one before this change",
                ) from error

    def all(self, kind: str) -> Iterator[dict[str, Any]]:
        with self._lock:
            rows = self._connection.execute("SELECT body FROM records WHERE kind=? ORDER BY rowid", (kind,)).fetchall()
        for (body,) in rows:
            yield orjson.loads(body)

    def clear(self) -> None:
        with self._lock:
            self._connection.execute("DELETE FROM records")

    def close(self) -> None:
        with self._lock:
            self._connection.close()
