"""Says that a request is being tried again, so that waiting for a workspace that is down does not look like hanging."""

from __future__ import annotations

import logging
import threading

_log = logging.getLogger(__name__)
_AT_MOST_EVERY_SECONDS = 10.0
_QUIET_BELOW_SECONDS = 1.0  # what passes sooner nobody needs to know
_lock = threading.Lock()
_said_at = float("-inf")


def say_retrying(what: str, pause: float, left: float, now: float) -> None:
    """Log a warning, at most one in ten seconds over all threads; Python prints it on stderr unless it is configured.

    Args:
        what: What failed, without private data.
        pause: Seconds until the next try; short ones are not worth a word.
        left: Seconds for which it is tried.
        now: The monotonic clock.
    """
    global _said_at
    if pause < _QUIET_BELOW_SECONDS:
        return
    with _lock:
        if now - _said_at < _AT_MOST_EVERY_SECONDS and now >= _said_at:
            return
        _said_at = now
    _log.warning("%s; trying again for up to %.0f s", what, left)
