"""What the control API can change: pace, limits, faults, scripted answers; and the log of what was asked."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from mlflow_genie_plugin.emulator.api_errors import invalid


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the workspace behaves now.

    Attributes:
        latency_seconds: How long an answer takes; the statuses on the way are spread over it.
        polls_until_done: When set, an answer is complete at the n-th poll instead of after a time.
        questions_per_minute: Quota over all spaces; 0 means none.
        quota_in_message: A question over quota is accepted and its message fails, instead of HTTP 429.
        retry_after_header: Whether a 429 carries Retry-After.
        statement_seconds: How long every SQL statement takes at least.
        statement_timeout_seconds: How long a SQL statement may take, also one of an answer; then it is interrupted.
        read_lag_seconds: How long reads show a space as it was before the last update.
        row_cap: Most rows that the query-result API returns.
        result_ttl_seconds: How long a query result can be read before it is expired; None keeps it.
        title_suffix_on_update: An update that includes the title stores it with `` (updated)``.
        missing_folder_as_not_found: A missing parent folder answers 404 instead of 400 "Tree node …".
        check_tables: Refuse a configuration whose tables or functions do not exist here.
        clock_offset_seconds: Added to the time of day.
    """

    latency_seconds: float = 0.0
    polls_until_done: int | None = None
    questions_per_minute: int = 0
    quota_in_message: bool = False
    retry_after_header: bool = True
    statement_seconds: float = 0.0
    statement_timeout_seconds: float = 120.0
    read_lag_seconds: float = 0.0
    row_cap: int = 5000
    result_ttl_seconds: float | None = None
    title_suffix_on_update: bool = False
    missing_folder_as_not_found: bool = False
    check_tables: bool = False
    clock_offset_seconds: float = 0.0

    def changed(self, values: dict[str, Any]) -> Behaviour:
        """Return a copy with ``values`` set; unknown names and wrong types are refused."""
        known = {item.name: getattr(Behaviour(), item.name) for item in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise invalid(f"unknown setting '{name}'; known are {', '.join(sorted(known))}")
            _require_type(name, value, known[name])
        return replace(self, **values)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _require_type(name: str, value: Any, default: Any) -> None:
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise invalid(f"'{name}' must be true or false, got {value!r}")
        return
    if value is None and default is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or value != value:
        if name == "clock_offset_seconds" and isinstance(value, int | float) and not isinstance(value, bool):
            return
        raise invalid(f"'{name}' must be a number from 0 up, got {value!r}")
    if name in {"polls_until_done", "questions_per_minute", "row_cap"} and not isinstance(value, int):
        raise invalid(f"'{name}' must be a whole number, got {value!r}")


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong on a route.

    Attributes:
        route: Route name (``genie.get_space``), or ``*`` for every route but the control API.
        status: HTTP status to answer; 0 leaves the answer as it is (for a mere delay or a drop).
        error_code: Platform error code of the answer.
        message: Text of the answer.
        times: How often it happens; 0 means until cleared.
        skip: How many requests pass untouched first.
        delay_seconds: Wait before anything else.
        drop: ``before`` closes the connection unprocessed, ``after`` processes the request and loses the answer.
        retry_after: Seconds for the Retry-After header.
    """

    route: str
    status: int = 0
    error_code: str = ""
    message: str = "injected fault"
    times: int = 1
    skip: int = 0
    delay_seconds: float = 0.0
    drop: str = ""
    retry_after: int | None = None
    seen: int = 0

    def matches(self, route: str) -> bool:
        return self.route in {"*", route}


@dataclass(slots=True)
class ScriptedAnswer:
    """What the next question gets instead of a generated answer.

    Attributes:
        status: Terminal status of the message (COMPLETED, FAILED, CANCELLED, QUERY_RESULT_EXPIRED).
        question: Only for this question; empty matches any.
        sql: Query of the answer.
        text: Text of the answer.
        is_clarification: The text asks back.
        error_type: ``MessageErrorType`` of a failed message.
        error: Error text of a failed message.
        times: How many questions it serves; 0 means until cleared.
    """

    status: str = "COMPLETED"
    question: str = ""
    sql: str | None = None
    text: str | None = None
    is_clarification: bool = False
    error_type: str | None = None
    error: str | None = None
    times: int = 1
    served: int = 0


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    method: str
    path: str
    route: str
    status: int
    user: str
    at: float
    body: bytes

    def to_json(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "path": self.path,
            "route": self.route,
            "status": self.status,
            "user": self.user,
            "at": self.at,
            "body": self.body.decode("utf-8", "replace"),
        }


@dataclass(slots=True)
class Controls:
    """Everything the control API holds; one object, so that a reset is a new one."""

    default: Behaviour = field(default_factory=Behaviour)
    behaviour: Behaviour = field(default_factory=Behaviour)
    faults: list[Fault] = field(default_factory=list)
    scripted: list[ScriptedAnswer] = field(default_factory=list)
    requests: deque[ReceivedRequest] = field(default_factory=lambda: deque(maxlen=20_000))
    asked_at: deque[float] = field(default_factory=deque)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def reset(self) -> None:
        """Go back to a workspace that behaves well and was asked nothing."""
        with self.lock:
            self.behaviour = self.default
            self.faults.clear()
            self.scripted.clear()
            self.requests.clear()
            self.asked_at.clear()

    def now(self) -> float:
        """Return seconds since the epoch on the workspace's clock."""
        return time.time() + self.behaviour.clock_offset_seconds

    def take_fault(self, route: str) -> Fault | None:
        """Return the first fault due on ``route`` and count it."""
        if not self.faults:
            return None
        with self.lock:
            for fault in self.faults:
                if not fault.matches(route):
                    continue
                fault.seen += 1
                if fault.seen <= fault.skip:
                    continue
                if fault.times and fault.seen - fault.skip > fault.times:
                    continue
                return fault
        return None

    def take_scripted(self, question: str) -> ScriptedAnswer | None:
        """Return the first scripted answer for ``question`` and count it."""
        with self.lock:
            for answer in self.scripted:
                if answer.question and answer.question != question:
                    continue
                if answer.times and answer.served >= answer.times:
                    continue
                answer.served += 1
                return answer
        return None

    def seconds_over_quota(self) -> float:
        """Count a question against the quota; return 0 when it fits, else the seconds until one would."""
        quota = self.behaviour.questions_per_minute
        with self.lock:
            now = self.now()
            while self.asked_at and self.asked_at[0] <= now - 60:
                self.asked_at.popleft()
            if not quota or len(self.asked_at) < quota:
                self.asked_at.append(now)
                return 0.0
            return max(self.asked_at[0] + 60 - now, 0.001)
