"""Asks the planned questions with several in flight, so that the quota is the limit and not the latency."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Sequence
from functools import cached_property

from mlflow_genie_plugin.clock import Clock
from mlflow_genie_plugin.evaluation.asking.answer_record import answer_record
from mlflow_genie_plugin.evaluation.asking.journal import Journal
from mlflow_genie_plugin.evaluation.asking.journal_state import Intent, Turn
from mlflow_genie_plugin.evaluation.asking.journalling_asker import JournallingAsker, SkipFirst
from mlflow_genie_plugin.evaluation.asking.stopping import (
    LOOK_EVERY_SECONDS,
    OneAtATime,
    StoppableClock,
    StoppedError,
    Workers,
)
from mlflow_genie_plugin.evaluation.progress import Progress
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.settings import Settings
from mlflow_genie_plugin.workspace.answer import AnswerStatus, MessageRef
from mlflow_genie_plugin.workspace.ask import ask
from mlflow_genie_plugin.workspace.port import Workspace
from mlflow_genie_plugin.workspace.throttle import Throttle

_MOST_IN_FLIGHT = 64
_IN_FLIGHT_WITHOUT_QUOTA = 8
_CLOCK_SKEW_SECONDS = 300.0  # between this machine and the workspace

_Work = queue.SimpleQueue["tuple[Benchmark, Turn] | None"]


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
        self._clock = StoppableClock(clock, self._stop)
        self._turns = OneAtATime(throttle, self._stop)
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
        with Workers(self._stop) as workers:
            for _ in range(min(self._in_flight, len(open_turns))):
                work.put(None)
                workers.start(lambda: self._work(work, outcomes))
            left = len(open_turns)
            while left:
                try:
                    # A wait without end could not be interrupted by Ctrl-C on every platform.
                    failure = outcomes.get(timeout=LOOK_EVERY_SECONDS)
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
        asker = JournallingAsker(self._workspace.asker, self._journal, turn, saved, self._intent)
        answer = ask(
            asker,
            self._space_id,
            item.question,
            clock=self._clock,
            settings=self._settings,
            throttle=self._turns if saved is None else SkipFirst(self._turns),
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
