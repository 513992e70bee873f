"""Stopping while questions are in flight: nobody waits longer than a moment, for the quota or for the clock."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mlflow_genie_plugin.clock import Clock
from mlflow_genie_plugin.workspace.throttle import OnWait, Throttle

if TYPE_CHECKING:
    from types import TracebackType

LOOK_EVERY_SECONDS = 0.2
_GRACE_SECONDS = 2.0


class StoppedError(Exception):
    """Raised in a worker when the evaluation is being stopped."""


class OneAtATime(Throttle):
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


class StoppableClock:
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
            self._inner.sleep(min(left, LOOK_EVERY_SECONDS))
        raise StoppedError


class Workers:
    """Daemon threads: one that hangs in a request must not keep the process from ending."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._threads: list[threading.Thread] = []

    def start(self, target: object) -> None:
        thread = threading.Thread(target=target, daemon=True, name="genie-question")  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=_GRACE_SECONDS / max(1, len(self._threads)))
