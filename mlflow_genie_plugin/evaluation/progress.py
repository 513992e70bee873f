"""What an evaluation tells while it runs; the command line draws it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives events, also from other threads; must not raise except to stop the evaluation."""

    def note(self, text: str) -> None:
        """Something a person should know, one line."""

    def checking(self, questions: int) -> None:
        """The schema is read and the expected SQL of so many questions run, before anything is asked."""

    def asking(self, planned: int, answered: int) -> None:
        """Asking begins; ``answered`` questions of ``planned`` have an answer from before."""

    def answered(self, status: str) -> None:
        """A question got its final answer (or error)."""

    def waiting(self, seconds: float) -> None:
        """No question can be asked for ``seconds`` because of the quota."""

    def storing(self) -> None:
        """All is judged; the result is being stored."""

    def done(self) -> None:
        """Nothing more comes."""


class Silent:
    """Tells nobody."""

    def note(self, text: str) -> None: ...

    def checking(self, questions: int) -> None: ...

    def asking(self, planned: int, answered: int) -> None: ...

    def answered(self, status: str) -> None: ...

    def waiting(self, seconds: float) -> None: ...

    def storing(self) -> None: ...

    def done(self) -> None: ...
