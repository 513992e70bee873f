"""One question quota for a workspace, shared by all processes of this machine."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlflow_genie_plugin.atomic_files import write_json_atomically
from mlflow_genie_plugin.clock import SYSTEM_CLOCK, Clock
from mlflow_genie_plugin.errors import UnwritableFileError
from mlflow_genie_plugin.settings import Settings

OnWait = Callable[[float], None]

WINDOW_SECONDS = 60.0
# A request granted early may arrive late and one granted later early; without this the server could count one too many.
MARGIN_SECONDS = 1.0
_REPORT_EVERY_SECONDS = 1.0
_LOCK_TIMEOUT_SECONDS = 60.0


@dataclass(slots=True)
class _State:
    """What the processes share: when questions were granted, and a pause the workspace asked for."""

    granted: list[float]
    blocked_at: float
    blocked_seconds: float
    corrected: bool = False  # the file said something impossible; what counts instead must be kept, or it never passes


class Throttle:
    """Grants at most ``settings.questions_per_minute`` questions in any minute; see docs/settings.md.

    The grants of the last minute are kept in a file under ``settings.state_dir``, guarded by a lock that the operating
    system releases when its holder dies. Times are those of the monotonic clock, which all processes share and which
    no change of date moves; a time in the future can only stem from before a restart and counts as now, so that the
    error is a wait of at most one window, never a burst.

    Args:
        host_digest: Names the workspace (``Workspace.host_digest``).
        settings: The quota (0: none; a pause the workspace asks for is still kept) and the folder.
        clock: Time and sleeping.
        window_seconds: Length of the window the quota is for.
    """

    def __init__(
        self,
        host_digest: str,
        settings: Settings,
        clock: Clock = SYSTEM_CLOCK,
        *,
        window_seconds: float = WINDOW_SECONDS,
    ) -> None:
        per_window = settings.questions_per_minute
        # 2.5 a minute is 2 in any minute, 0.5 is one in any two minutes: rounding up would break the quota.
        self._quota = max(int(per_window), 1) if per_window > 0 else 0
        self._window = window_seconds / per_window if 0 < per_window < 1 else window_seconds
        self._window += MARGIN_SECONDS * window_seconds / WINDOW_SECONDS
        self._clock = clock
        name = re.sub(r"[^0-9A-Za-z_-]", "_", host_digest)
        self._path = settings.state_dir / f"questions-{name}.json"
        self._lock_path = Path(f"{self._path}.lock")

    def acquire(self, on_wait: OnWait | None = None) -> float:
        """Wait until a question may be asked, and count it.

        Args:
            on_wait: Called about every second of waiting with the seconds left, for progress bars.

        Returns:
            Seconds waited.

        Raises:
            UnwritableFileError: The shared file cannot be used.
        """
        waited = 0.0
        while (wait := self._take()) > 0:
            waited += wait
            self._sleep(wait, on_wait)
        return waited

    def penalise(self, seconds: float) -> None:
        """Let no process ask for ``seconds`` from now: the workspace said so (Retry-After)."""
        with self._locked() as state:
            now = self._clock.monotonic()
            if state.blocked_at + state.blocked_seconds < now + seconds:
                state.blocked_at, state.blocked_seconds = now, max(seconds, 0.0)
            self._write(state)

    def _take(self) -> float:
        """Count a question and return 0, or return the seconds until it is worth trying again."""
        if self._quota == 0 and not self._path.exists():
            return 0.0
        with self._locked() as state:
            now = self._clock.monotonic()
            wait = max(state.blocked_at + state.blocked_seconds - now, 0.0)
            if self._quota and len(state.granted) >= self._quota:
                wait = max(wait, state.granted[-self._quota] + self._window - now)
            if wait <= 0 and self._quota:
                state.granted.append(now)
                self._write(state)
            elif state.corrected:
                self._write(state)
            return wait

    def _sleep(self, seconds: float, on_wait: OnWait | None) -> None:
        end = self._clock.monotonic() + seconds
        while (left := end - self._clock.monotonic()) > 0:
            if on_wait is not None:
                on_wait(left)
            self._clock.sleep(min(left, _REPORT_EVERY_SECONDS))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[_State]:
        from filelock import FileLock, Timeout

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._lock_path, timeout=_LOCK_TIMEOUT_SECONDS, poll_interval=0.01)
            lock.acquire()
        except Timeout as error:
            raise UnwritableFileError(
                f"another process has held {self._lock_path} for {_LOCK_TIMEOUT_SECONDS:g} s",
                next_step="end the process that hangs, or set GENIE_STATE_DIR to another folder",
            ) from error
        except OSError as error:
            raise UnwritableFileError(
                f"cannot use {self._lock_path}: {error.strerror or error}",
                next_step="set GENIE_STATE_DIR to a folder this user can write",
            ) from error
        try:
            yield self._read()
        finally:
            lock.release()

    def _read(self) -> _State:
        now = self._clock.monotonic()
        try:
            document = json.loads(self._path.read_bytes())
            granted = sorted(float(moment) for moment in document["granted"])
            blocked_at = float(document["blocked_at"])
            blocked_seconds = float(document["blocked_seconds"])
        except FileNotFoundError:
            return _State([], now, 0.0)
        except (ValueError, KeyError, TypeError):
            # Not ours or damaged: what was granted is unknown, so the whole quota counts as used just now.
            return _State([now] * self._quota, now, 0.0, corrected=True)
        if not all(map(math.isfinite, [*granted, blocked_at, blocked_seconds])):
            return _State([now] * self._quota, now, 0.0, corrected=True)
        return _State(
            [min(moment, now) for moment in granted if now - moment < self._window],
            min(blocked_at, now),
            blocked_seconds,
            corrected=blocked_at > now or any(moment > now for moment in granted),
        )

    def _write(self, state: _State) -> None:
        write_json_atomically(
            self._path,
            {
                "format_version": 1,
                "granted": state.granted,
                "blocked_at": state.blocked_at,
                "blocked_seconds": state.blocked_seconds,
            },
        )
