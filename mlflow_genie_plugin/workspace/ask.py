"""Asks one question and follows it to its end: own poller, every terminal state, rate limits, a deadline."""

from __future__ import annotations

from mlflow_genie_plugin.clock import Clock
from mlflow_genie_plugin.errors import (
    GenieError,
    NotSignedInError,
    PermissionDeniedError,
    RateLimitedError,
    SpaceNotFoundError,
    UnconfirmedRequestError,
    WorkspaceUnavailableError,
)
from mlflow_genie_plugin.settings import Settings
from mlflow_genie_plugin.workspace.answer import Answer, AnswerStatus, Message, MessageRef, QueryResult
from mlflow_genie_plugin.workspace.calls import pause_asked_for
from mlflow_genie_plugin.workspace.port import Asker
from mlflow_genie_plugin.workspace.rate_limit import RateLimit, wait_in
from mlflow_genie_plugin.workspace.retry_notice import say_retrying
from mlflow_genie_plugin.workspace.throttle import OnWait, Throttle

_TERMINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED", "QUERY_RESULT_EXPIRED"})
_CONCERNS_ALL = (NotSignedInError, PermissionDeniedError, SpaceNotFoundError, RateLimitedError)

_FIRST_POLL_SECONDS = 0.25
_POLL_GROWTH = 1.3
_EARLY_POLL_SECONDS = 2.0  # the longest pause while an answer is likely to come any moment
_EARLY_SECONDS = 60.0
_SLOWEST_POLL_SECONDS = 60.0
_UNREACHABLE_SECONDS = 120.0  # how long a question is offered to a workspace that cannot be reached
_NOT_FOUND_GRACE_SECONDS = 15.0  # a message may not be readable right after it was made


def ask(
    asker: Asker,
    space_id: str,
    question: str,
    *,
    clock: Clock,
    settings: Settings,
    throttle: Throttle,
    on_wait: OnWait | None = None,
) -> Answer:
    """Ask ``question`` and return what became of it.

    The question waits for its turn in the shared quota, is asked once, and is polled until it ends or
    ``settings.answer_timeout_seconds`` have passed since it was asked. It is asked again only when the workspace did
    not take it (429, no connection) or failed it by a rate limit; ``Answer.tries`` counts. Failed polls are repeated
    until the deadline. An unknown status counts as still working. Latency runs from asking to the end of the last try.

    Args:
        asker: Asks and reads.
        space_id: Where to ask.
        question: What to ask.
        clock: Time and sleeping.
        settings: Deadline and how long to put up with "slow down".
        throttle: The quota.
        on_wait: Called while waiting for the quota with the seconds left.

    Raises:
        NotSignedInError: The credentials are rejected; no further question can work.
        PermissionDeniedError: The identity may not ask in this space.
        SpaceNotFoundError: The space is gone.
        RateLimitedError: The workspace kept saying "slow down" beyond ``settings.rate_limit_wait_seconds``.
        WorkspaceUnavailableError: The workspace could not be reached for two minutes; the question was not asked.
    """
    limit = RateLimit(settings.rate_limit_wait_seconds)
    tries = 0
    while True:
        try:
            ref = _start(asker, space_id, question, clock, throttle, limit, on_wait)
        except UnconfirmedRequestError as error:
            # Asking again could ask twice; the answer is lost, and says so.
            return _unanswered(question, AnswerStatus.FAILED, error.what, "UNCONFIRMED_REQUEST", tries=tries + 1)
        except (*_CONCERNS_ALL, WorkspaceUnavailableError):
            raise
        except GenieError as error:
            return _unanswered(question, AnswerStatus.FAILED, error.what, error.code, tries=tries + 1)
        tries += 1
        asked = clock.monotonic()
        answer = _follow(asker, ref, question, clock, settings, asked, tries)
        if not (answer.status is AnswerStatus.FAILED and (answer.error_type or "").startswith("RATE_LIMIT")):
            return answer
        said = answer.error or "rate limit"
        limit.wait(
            RateLimitedError(
                f"space {space_id} keeps failing the question by its rate limit: {said}",
                retry_after_seconds=wait_in(said),
                next_step="wait a few minutes, then run the same command again",
            ),
            throttle,
        )


def _start(
    asker: Asker,
    space_id: str,
    question: str,
    clock: Clock,
    throttle: Throttle,
    limit: RateLimit,
    on_wait: OnWait | None,
) -> MessageRef:
    unreachable_since: float | None = None
    pause = _FIRST_POLL_SECONDS
    while True:
        throttle.acquire(on_wait)
        try:
            return asker.start(space_id, question)
        except RateLimitedError as error:
            limit.wait(error, throttle)
        except UnconfirmedRequestError:
            raise
        except WorkspaceUnavailableError as error:
            now = clock.monotonic()
            unreachable_since = now if unreachable_since is None else unreachable_since
            if now + pause - unreachable_since > _UNREACHABLE_SECONDS:
                raise
            say_retrying(error.what, pause, unreachable_since + _UNREACHABLE_SECONDS - now, now)
            clock.sleep(pause)
            pause = min(pause * 2, 10.0)


def _follow(
    asker: Asker, ref: MessageRef, question: str, clock: Clock, settings: Settings, asked: float, tries: int
) -> Answer:
    deadline = asked + settings.answer_timeout_seconds
    pause = _FIRST_POLL_SECONDS
    trouble = ""
    while True:
        wait = pause
        try:
            message = asker.poll(ref)
            trouble = ""
            if message.status in _TERMINAL:
                return _answer(asker, message, question, clock.monotonic() - asked, tries)
        except (NotSignedInError, PermissionDeniedError):
            raise
        except (RateLimitedError, WorkspaceUnavailableError) as error:
            trouble = error.what
            wait = max(pause, pause_asked_for(error))
        except SpaceNotFoundError as error:
            # The space answered a moment ago, so it is the message that cannot be found (yet).
            trouble = error.what
            if clock.monotonic() - asked > _NOT_FOUND_GRACE_SECONDS:
                return _unanswered(
                    question, AnswerStatus.FAILED, error.what, "MESSAGE_NOT_FOUND",
                    ref=ref, latency=clock.monotonic() - asked, tries=tries,
                )  # fmt: skip
        except GenieError as error:
            return _unanswered(
                question, AnswerStatus.FAILED, error.what, error.code,
                ref=ref, latency=clock.monotonic() - asked, tries=tries,
            )  # fmt: skip
        now = clock.monotonic()
        if now >= deadline:
            seen = f"; the last look failed: {trouble}" if trouble else ""
            return _unanswered(
                question, AnswerStatus.TIMED_OUT, f"no answer within {settings.answer_timeout_seconds:g} s{seen}", None,
                ref=ref, latency=now - asked, tries=tries,
            )  # fmt: skip
        if trouble:
            say_retrying(trouble, wait, deadline - now, now)
        clock.sleep(min(wait, deadline - now))
        pause = next_pause(pause, now - asked)


def next_pause(pause: float, elapsed: float) -> float:
    """Return the pause after ``pause`` seconds, ``elapsed`` seconds after asking: up to 2 s at first, 60 s later."""
    longest = _EARLY_POLL_SECONDS if elapsed < _EARLY_SECONDS else _SLOWEST_POLL_SECONDS
    return min(pause * _POLL_GROWTH, longest)


def _answer(asker: Asker, message: Message, question: str, latency: float, tries: int) -> Answer:
    status = AnswerStatus(message.status)
    result: QueryResult | None = None
    error, error_type = message.error, message.error_type
    if status is AnswerStatus.COMPLETED:
        error = error_type = None
    if message.sql is not None and status in (AnswerStatus.COMPLETED, AnswerStatus.QUERY_RESULT_EXPIRED):
        try:
            result = asker.read_result(message)
            status, error, error_type = AnswerStatus.COMPLETED, None, None
        except NotSignedInError:
            raise
        except GenieError as failure:
            error, error_type = f"the result could not be read: {failure.what}", failure.code
    if status is not AnswerStatus.COMPLETED and not error:
        error = f"the question ended as {status.value} without a reason"
    return Answer(
        question=question,
        status=status,
        sql=message.sql,
        text=message.text,
        is_clarification=message.is_clarification,
        result=result,
        error=error,
        error_type=error_type,
        latency_seconds=latency,
        conversation_id=message.ref.conversation_id,
        message_id=message.ref.message_id,
        parameters=message.parameters,
        tries=tries,
    )


def _unanswered(
    question: str,
    status: AnswerStatus,
    error: str,
    error_type: str | None,
    *,
    ref: MessageRef | None = None,
    latency: float = 0.0,
    tries: int = 1,
) -> Answer:
    return Answer(
        question=question,
        status=status,
        error=error,
        error_type=error_type,
        latency_seconds=latency,
        conversation_id=ref.conversation_id if ref else None,
        message_id=ref.message_id if ref else None,
        tries=tries,
    )
