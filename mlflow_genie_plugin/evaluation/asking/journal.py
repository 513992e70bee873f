"""What a running evaluation has learned so far, on disk after every step, so that nothing is asked twice."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import orjson

from mlflow_genie_plugin.canonical_json import sha256_of_json
from mlflow_genie_plugin.errors import ConflictError, UnreadableFileError, UnwritableFileError
from mlflow_genie_plugin.evaluation.asking.journal_state import (
    FORMAT_VERSION,
    Intent,
    JournalState,
    Turn,
    replay,
    turn_json,
)
from mlflow_genie_plugin.evaluation.llm.opinion import Opinion
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, StoredResult, stored_json
from mlflow_genie_plugin.workspace.answer import MessageRef


class Journal:
    """An append-only file of JSON lines, one evaluation each; use it as a context manager, which locks it.

    Each event is on the disk before the call that adds it returns. A line that was cut off by a crash is dropped: what
    it would have said is found out again.

    Args:
        folder: Where journals live.
        key: What makes two evaluations the same one: model, benchmarks, questions, how often and by which runner they
            are asked, space, live config, workspace.
    """

    def __init__(self, folder: Path, key: Mapping[str, Any]) -> None:
        self.key = dict(key)
        self.path = folder / f"{sha256_of_json(self.key)[:32]}.jsonl"
        self._lock_path = Path(f"{self.path}.lock")
        self.state = JournalState()
        self._handle: BinaryIO | None = None
        self._writing = threading.Lock()

    def __enter__(self) -> Journal:
        """Lock, read and open the journal.

        Raises:
            ConflictError: Another process runs the same evaluation.
            UnreadableFileError: The journal is damaged beyond its last line.
            UnwritableFileError: It cannot be written.
        """
        from filelock import FileLock, Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self._lock_path, timeout=0)
            self._lock.acquire()
            while not self._lock_path.exists():
                # Its last holder finished and deleted the file between our opening and our locking it: a lock on a
                # file without a name keeps nobody out.
                self._lock.release()
                self._lock.acquire()
        except Timeout as error:
            raise ConflictError(
                "another process is running this evaluation",
                next_step="wait for it, or end it and run the command again",
            ) from error
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._writing:
            if self._handle is not None:
                self._handle.close()
                self._handle = None
        self._lock.release()

    def begin(self, facts: Mapping[str, Any]) -> None:
        """Record the start, or that an evaluation begun earlier is continued."""
        if self.state.begun:
            self._append({"event": "continued"})
            self.state.continued += 1
            return
        self._append({"event": "begun", "format_version": FORMAT_VERSION, **facts})
        self.state.begun = dict(facts)

    def add_run(self, run_id: str) -> None:
        self._append({"event": "run", "run_id": run_id})
        self.state.run_id = run_id

    def add_schema(self, schema: SpaceSchema) -> None:
        """Record the space's schema, so that an evaluation that is continued judges by the one it began with."""
        self._append({"event": "schema", "schema": schema.to_json()})
        self.state.schema = schema

    def add_expected(self, question_id: str, result: StoredResult) -> None:
        self._append({"event": "expected", "question_id": question_id, "result": stored_json(result)})
        self.state.expected[question_id] = result

    def add_intent(self, turn: Turn, intent: Intent) -> None:
        """Record that a question is about to be asked: if the process dies now, it may have been."""
        self._append({"event": "asking", **turn_json(turn), **intent._asdict()})
        self.state.intents[turn] = intent

    def add_started(self, turn: Turn, ref: MessageRef) -> None:
        self._append(
            {
                "event": "started",
                **turn_json(turn),
                "space_id": ref.space_id,
                "conversation_id": ref.conversation_id,
                "message_id": ref.message_id,
            }
        )
        self.state.started[turn] = ref

    def add_answer(self, turn: Turn, answer: AnswerRecord) -> None:
        self._append({"event": "answer", **turn_json(turn), "answer": stored_json(answer)})
        self.state.answers[turn] = answer

    def add_native_intent(self, number: int, known: Iterable[str]) -> None:
        """Record that a native run is about to be created in a space that had the runs ``known``."""
        held = frozenset(known)
        self._append({"event": "native_asking", "number": number, "known": sorted(held)})
        self.state.native_intents[number] = held

    def add_native_run(self, number: int, run_id: str) -> None:
        self._append({"event": "native_run", "number": number, "run_id": run_id})
        self.state.native_runs[number] = run_id

    def add_opinion(self, request_sha256: str, opinion: Opinion) -> None:
        """Record what a language model answered to a request."""
        self._append({"event": "opinion", "request_sha256": request_sha256, "opinion": opinion.to_json()})
        self.state.opinions[request_sha256] = opinion

    def add_finished(self, facts: Mapping[str, Any]) -> None:
        """Record what the end of asking fixed, so that storing the result again gives the same bytes."""
        self._append({"event": "finished", **facts})
        self.state.finished = dict(facts)

    def forget(self) -> None:
        """Drop everything that was recorded."""
        with self._writing:
            if self._handle is not None:
                self._handle.truncate(0)
                self._handle.seek(0)
        self.state = JournalState()

    def remove(self) -> None:
        """Delete the journal and its lock file: its evaluation is stored elsewhere now."""
        with self._writing:
            if self._handle is not None:
                self._handle.close()
                self._handle = None
            self.path.unlink(missing_ok=True)
            self._lock_path.unlink(missing_ok=True)

    def _open(self) -> None:
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)  # it holds result rows
            self._handle = os.fdopen(descriptor, "r+b", buffering=0)
            data = self._handle.read() or b""
            whole = data.rfind(b"\n") + 1
            for number, line in enumerate(data[:whole].splitlines(), 1):
                self._replay(line, number)
            self._handle.truncate(whole)
            self._handle.seek(whole)
        except OSError as error:
            raise self._unwritable(error) from error

    def _replay(self, line: bytes, number: int) -> None:
        try:
            event = orjson.loads(line)
            kind = event.pop("event")
        except (orjson.JSONDecodeError, KeyError, AttributeError, TypeError) as error:
            raise UnreadableFileError(
                f"line {number} of the journal {self.path} is damaged",
                next_step="delete the file; the evaluation then starts again",
            ) from error
        if not replay(self.state, kind, event, f"the journal {self.path}"):
            raise UnreadableFileError(
                f"line {number} of the journal {self.path} holds an unknown event {kind!r}",
                next_step="delete the file; the evaluation then starts again",
            )

    def _append(self, event: Mapping[str, Any]) -> None:
        line = orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)
        with self._writing:
            if self._handle is None:
                raise UnwritableFileError(f"the journal {self.path} is closed")
            position = self._handle.tell()
            try:
                view = memoryview(line)
                while view:
                    view = view[self._handle.write(view) :]
                os.fsync(self._handle.fileno())
            except OSError as error:
                # What was written of the line is taken back, so that a later event does not run into it.
                self._handle.truncate(position)
                self._handle.seek(position)
                raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> UnwritableFileError:
        return UnwritableFileError(
            f"cannot write the journal {self.path}: {error.strerror or error}",
            next_step="free some space or set GENIE_STATE_DIR to a writable folder, then run the same command again",
        )
