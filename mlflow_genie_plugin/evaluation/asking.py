"""Asks the planned questions with several in flight, so that the quota is the limit and not the latency."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from mlflow_genie_plugin.clock import Clock
from mlflow_genie_plugin.errors import GenieError, SqlFailedError, UnsafeSqlError, UsageError
from mlflow_genie_plugin.evaluation.journal import Intent, Journal, Turn
from mlflow_genie_plugin.evaluation.progress import Progress
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, stored_result
from mlflow_genie_plugin.settings import Settings
from mlflow_genie_plugin.workspace.answer import Answer, AnswerStatus, Message, MessageRef, QueryResult
from mlflow_genie_plugin.workspace.ask import ask
from mlflow_genie_plugin.workspace.data_port import SqlPort
from mlflow_genie_plugin.workspace.port import Asker, Workspace
from mlflow_genie_plugin.workspace.throttle import OnWait, Throttle

if TYPE_CHECKING:
    from types import TracebackType

_MOST_IN_FLIGHT = 64
_IN_FLIGHT_WITHOUT_QUOTA = 8
_LOOK_EVERY_SECONDS = 0.2
_GRACE_SECONDS = 2.0
_CLOCK_SKEW_SECONDS = 300.0  # between this machine and the workspace


_Work = queue.SimpleQueue["tuple[Benchmark, Turn] | None"]


class StoppedError(Exception):
    """Raised in a worker when the evaluation is being stopped."""


def in_flight_for(settings: Settings) -> int:
    """Return how many questions may be open at once: as many as the quota lets in while the slowest is answered."""
    if settings.questions_per_minute == 0:
        return _IN_FLIGHT_WITHOUT_QUOTA
    slowest = settings.questions_per_minute / 60 * settings.answer_timeout_seconds
    return min(_MOST_IN_FLIGHT, max(2, math.ceil(slowest) + 1))


class Questioner:
    """Asks questions of one space and journals each step; questions already started are followed, not asked again."""

    def __init__(
        self,
        workspace: Workspace,
        space_id: str,
        warehouse_id: str | None,
        *,
        throttle: Throttle,
        clock: Clock,
        settings: Settings,
        journal: Journal,
        progress: Progress,
        in_flight: int | None = None,
    ) -> None:
        self._workspace = workspace
        self._space_id = space_id
        self._warehouse_id = warehouse_id
        self._stop = threading.Event()
        self._clock = _StoppableClock(clock, self._stop)
        self._turns = _Turns(throttle, self._stop)
        self._settings = settings
        self._journal = journal
        self._progress = progress
        self._in_flight = in_flight or in_flight_for(settings)
        self._looking = threading.Lock()

    def ask_all(self, benchmarks: Sequence[Benchmark], times: int = 1) -> None:
        """Ask every question ``times`` times, as far as the journal has no answer, and return when all have one.

        The repeats come after every question was asked once: an evaluation that stops early has the most to show, and
        the askings of one question are as far apart as they can be.

        Raises:
            GenieError: What stopped it: the workspace is unreachable, the sign-in expired, the journal cannot be
                written. Every answer that came is in the journal.
            KeyboardInterrupt: Ctrl-C; likewise.
        """
        state = self._journal.state
        turns = [(item, Turn(item.id, number)) for number in range(times) for item in benchmarks]
        open_turns = [(item, turn) for item, turn in turns if turn not in state.answers]
        # What is already being answered comes first: it costs no quota.
        open_turns.sort(key=lambda asked: asked[1] not in state.started)
        work: _Work = queue.SimpleQueue()
        outcomes: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        for asked in open_turns:
            work.put(asked)
        with _Workers(self._stop) as workers:
            for _ in range(min(self._in_flight, len(open_turns))):
                work.put(None)
                workers.start(lambda: self._work(work, outcomes))
            left = len(open_turns)
            while left:
                try:
                    # A wait without end could not be interrupted by Ctrl-C on every platform.
                    failure = outcomes.get(timeout=_LOOK_EVERY_SECONDS)
                except queue.Empty:
                    continue
                if failure is not None:
                    raise failure
                left -= 1

    def _work(self, work: _Work, outcomes: queue.SimpleQueue[BaseException | None]) -> None:
        try:
            while (asked := work.get()) is not None and not self._stop.is_set():
                self._ask_one(*asked)
                outcomes.put(None)
        except StoppedError:
            return
        except BaseException as error:  # noqa: BLE001 - handed to the main thread, which raises it
            outcomes.put(error)

    def _ask_one(self, item: Benchmark, turn: Turn) -> None:
        saved = self._asked_before(item, turn)
        asker = _JournallingAsker(self._workspace.asker, self._journal, turn, saved, self._intent)
        answer = ask(
            asker,
            self._space_id,
            item.question,
            clock=self._clock,
            settings=self._settings,
            throttle=self._turns if saved is None else _SkipFirst(self._turns),
            on_wait=self._progress.waiting,
        )
        if answer.status is AnswerStatus.TIMED_OUT and asker.trouble is not None:
            # Not the question took too long: we could not look. It stays open and is followed on the next start.
            raise asker.trouble
        record = answer_record(answer, self._workspace.sql, self._warehouse_id)
        self._journal.add_answer(turn, record)
        self._progress.answered(record.status)

    def _asked_before(self, item: Benchmark, turn: Turn) -> MessageRef | None:
        """Return the message of a turn that an earlier process asked, also when it died before it could say so."""
        state = self._journal.state
        if turn in state.started or turn not in state.intents:
            return state.started.get(turn)
        intent = state.intents[turn]
        with self._looking:
            found = self._workspace.asker.find(
                self._space_id,
                item.question,
                after_seconds=max(intent.after_seconds, intent.at_seconds - _CLOCK_SKEW_SECONDS),
                known={ref.conversation_id for ref in state.started.values()},
            )
            if found is not None:
                self._journal.add_started(turn, found)
        return found

    def _intent(self) -> Intent:
        with self._looking:
            return Intent(self._clock.now().timestamp(), self._newest_before)

    @cached_property
    def _newest_before(self) -> float:
        return self._workspace.asker.newest(self._space_id)


def answer_record(answer: Answer, sql: SqlPort, warehouse_id: str | None) -> AnswerRecord:
    """Return an answer as it is recorded; SQL that came without rows is explained, to know whether it compiles.

    Raises:
        GenieError: The warehouse cannot be reached.
    """
    stored = stored_result(answer.result, answer.error)
    record = AnswerRecord(
        columns=stored.columns,
        rows=stored.rows,
        row_count=stored.row_count,
        truncated=stored.truncated,
        result_sha256=stored.result_sha256,
        error=stored.error,
        status=answer.status.value,
        sql=answer.sql,
        text=answer.text,
        is_clarification=answer.is_clarification,
        latency_seconds=round(answer.latency_seconds, 3),
        conversation_id=answer.conversation_id,
        message_id=answer.message_id,
        error_type=answer.error_type,
        parameters=dict(answer.parameters),
    )
    if not answer.sql or (answer.status is not AnswerStatus.COMPLETED and not record.query_failed):
        return record
    if answer.result is not None:
        return replace(record, compiles=True)
    try:
        message = sql.explain(answer.sql, warehouse_id=warehouse_id)
    except (UnsafeSqlError, SqlFailedError, UsageError):
        return record  # whether it compiles stays unknown, which no judge takes for yes
    return replace(record, compiles=message is None, compile_error=message)


class _JournallingAsker:
    """An asker that journals a question before and after it is asked, and hands out one that was asked before."""

    def __init__(
        self, inner: Asker, journal: Journal, turn: Turn, saved: MessageRef | None, intent: Callable[[], Intent]
    ) -> None:
        self._inner = inner
        self._journal = journal
        self._turn = turn
        self._saved = saved
        self._intent = intent
        self.trouble: GenieError | None = None

    def start(self, space_id: str, question: str) -> MessageRef:
        if self._saved is not None:
            ref, self._saved = self._saved, None
            return ref
        self._journal.add_intent(self._turn, self._intent())
        ref = self._inner.start(space_id, question)
        self._journal.add_started(self._turn, ref)
        return ref

    def newest(self, space_id: str) -> float:
        return self._inner.newest(space_id)

    def find(self, space_id: str, question: str, *, after_seconds: float, known: Collection[str]) -> MessageRef | None:
        return self._inner.find(space_id, question, after_seconds=after_seconds, known=known)

    def poll(self, ref: MessageRef) -> Message:
        try:
            message = self._inner.poll(ref)
        except GenieError as error:
            self.trouble = error
            raise
        self.trouble = None
        return message

    def read_result(self, message: Message) -> QueryResult:
        return self._inner.read_result(message)


class _Turns(Throttle):
    """The quota, one waiter at a time: a hundred threads looking at the shared file would only wake each other."""

    def __init__(self, inner: Throttle, stop: threading.Event) -> None:
        self._inner = inner
        self._stop = stop
        self._turn = threading.Lock()

    def acquire(self, on_wait: OnWait | None = None) -> float:
        def waiting(seconds: float) -> None:
            self._check()
            if on_wait is not None:
                on_wait(seconds)

        with self._turn:
            self._check()
            waited = self._inner.acquire(waiting)
        self._check()
        return waited

    def penalise(self, seconds: float) -> None:
        self._inner.penalise(seconds)

    def _check(self) -> None:
        if self._stop.is_set():
            raise StoppedError


class _SkipFirst(Throttle):
    """The quota for a question that was asked before: only asking it once more needs a turn."""

    def __init__(self, inner: Throttle) -> None:
        self._inner = inner
        self._first = True

    def acquire(self, on_wait: OnWait | None = None) -> float:
        if self._first:
            self._first = False
            return 0.0
        return self._inner.acquire(on_wait)

    def penalise(self, seconds: float) -> None:
        self._inner.penalise(seconds)


class _StoppableClock:
    """A clock whose sleep ends with StoppedError soon after the evaluation is stopped."""

    def __init__(self, inner: Clock, stop: threading.Event) -> None:
        self._inner = inner
        self._stop = stop
        self.monotonic = inner.monotonic
        self.now = inner.now

    def sleep(self, seconds: float) -> None:
        end = self._inner.monotonic() + seconds
        while not self._stop.is_set():
            left = end - self._inner.monotonic()
            if left <= 0:
                return
            self._inner.sleep(min(left, _LOOK_EVERY_SECONDS))
        raise StoppedError


class _Workers:
    """Daemon threads: one that hangs in a request must not keep the process from ending."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._threads: list[threading.Thread] = []

    def start(self, target: object) -> None:
        thread = threading.Thread(target=target, daemon=True, name="genie-question")  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def __enter__(self) -> _Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=_GRACE_SECONDS / max(1, len(self._threads)))
