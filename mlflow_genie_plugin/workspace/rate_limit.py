"""How long "slow down" may keep one question waiting, and what a message says about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlflow_genie_plugin.errors import RateLimitedError
from mlflow_genie_plugin.workspace.calls import pause_asked_for
from mlflow_genie_plugin.workspace.throttle import Throttle

_LONGEST_RATE_LIMIT_PAUSE_SECONDS = 60.0
_SAID_WAIT = re.compile(r"(\d+(?:\.\d+)?)\s*(second|minute|sec\b|min\b|s\b|m\b)", re.IGNORECASE)


@dataclass(slots=True)
class RateLimit:
    """How long one question has been kept waiting by "slow down", and how long it may be."""

    budget: float
    spent: float = 0.0
    times: int = 0

    def pause(self, asked: float) -> float:
        """Return the next pause: what was asked for, or 1, 2, 4, … 60 seconds when nothing or less was."""
        return max(asked, min(2.0**self.times, _LONGEST_RATE_LIMIT_PAUSE_SECONDS))

    def wait(self, error: RateLimitedError, throttle: Throttle) -> None:
        """Make all processes pause, or give up with ``error`` when the budget does not allow it."""
        seconds = self.pause(pause_asked_for(error))
        if self.spent + seconds > self.budget:
            raise error
        self.spent += seconds
        self.times += 1
        throttle.penalise(seconds)


def wait_in(text: str) -> float | None:
    """Return the seconds that a rate-limit message asks for ("wait 30 seconds"), if it says so."""
    found = _SAID_WAIT.search(text)
    if found is None:
        return None
    return float(found[1]) * (60.0 if found[2].lower().startswith("m") else 1.0)
