"""Asking one question so that it is never asked twice: every step is journalled, an open one is followed."""

from __future__ import annotations

from collections.abc import Callable, Collection

from mlflow_genie_plugin.errors import GenieError
from mlflow_genie_plugin.evaluation.asking.journal import Journal
from mlflow_genie_plugin.evaluation.asking.journal_state import Intent, Turn
from mlflow_genie_plugin.workspace.answer import Message, MessageRef, QueryResult
from mlflow_genie_plugin.workspace.port import Asker
from mlflow_genie_plugin.workspace.throttle import OnWait, Throttle


class JournallingAsker:
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


class SkipFirst(Throttle):
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
