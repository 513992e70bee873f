"""How a running evaluation looks on a terminal: a bar that explains its waits, or plain lines."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.cli.output import say

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.progress import Progress

_LINE_EVERY_SECONDS = 15.0


def make_progress(announcement: str) -> Progress:
    """Return a bar when stderr is a terminal, else lines; ``announcement`` is said when asking begins."""
    return Bar(announcement) if sys.stderr.isatty() else Lines(announcement)


class Lines:
    """One line at a time, at most one in 15 seconds, for logs."""

    def __init__(self, announcement: str) -> None:
        self._announcement = announcement
        self._lock = threading.Lock()
        self._planned = self._done = self._failed = 0
        self._last = time.monotonic()
        self._waiting = 0.0

    def note(self, text: str) -> None:
        say(f"note: {text}")

    def checking(self, questions: int) -> None:
        say(checking_text(questions))

    def asking(self, planned: int, answered: int) -> None:
        self._planned, self._done = planned, answered
        say(self._announcement)
        if answered:
            say(f"continuing: {answered} of {planned} answers are saved")

    def answered(self, status: str) -> None:
        with self._lock:
            self._done += 1
            self._failed += status != "COMPLETED"
            self._waiting = 0.0
            if self._done == self._planned or time.monotonic() - self._last >= _LINE_EVERY_SECONDS:
                self._line()

    def waiting(self, seconds: float) -> None:
        with self._lock:
            self._waiting = seconds
            if time.monotonic() - self._last >= _LINE_EVERY_SECONDS:
                self._line()

    def storing(self) -> None:
        say("judged; storing the result in MLflow")

    def done(self) -> None:
        return

    def _line(self) -> None:
        self._last = time.monotonic()
        say(status_text(self._planned, self._done, self._failed, self._waiting))


class Bar:
    """A rich progress bar on stderr."""

    def __init__(self, announcement: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        # Its own handle on stderr: MLflow's output is kept away from the one that Python prints to.
        self._progress: Any = Progress(
            MofNCompleteColumn(),
            BarColumn(bar_width=30),
            TextColumn("{task.description}"),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr),
            transient=True,
        )
        self._announcement = announcement
        self._task: Any = None
        self._failed = 0
        self._lock = threading.Lock()

    def note(self, text: str) -> None:
        self._print(f"note: {text}")

    def _print(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)

    def checking(self, questions: int) -> None:
        self._print(checking_text(questions))

    def asking(self, planned: int, answered: int) -> None:
        self._print(self._announcement)
        if answered:
            self.note(f"continuing: {answered} of {planned} answers are saved")
        self._progress.start()
        self._task = self._progress.add_task("asking", total=planned, completed=answered)

    def answered(self, status: str) -> None:
        with self._lock:
            self._failed += status != "COMPLETED"
            self._progress.update(self._task, advance=1, description=f"answered, failed {self._failed}")

    def waiting(self, seconds: float) -> None:
        if self._task is not None:
            text = f"waiting {seconds:.0f} s for the quota, failed {self._failed}"
            self._progress.update(self._task, description=text)

    def storing(self) -> None:
        self.done()
        say("judged; storing the result in MLflow")

    def done(self) -> None:
        if self._task is not None:
            self._progress.stop()
            self._task = None


def checking_text(questions: int) -> str:
    """Return what is said before the first statement, which can take minutes on a warehouse that has to start."""
    if not questions:
        return "the schema was read and the expected SQL was run before"
    noun = "question" if questions == 1 else "questions"
    return f"reading the schema and running the expected SQL of {questions} {noun} first"


def status_text(planned: int, done: int, failed: int, waiting_seconds: float) -> str:
    """Return ``34/61  56 %  failed 0, waiting 8 s for the quota``."""
    share = 100 * done / planned if planned else 100.0
    text = f"{done}/{planned}  {share:.0f} %  failed {failed}"
    return f"{text}, waiting {waiting_seconds:.0f} s for the quota" if waiting_seconds >= 1 else text
