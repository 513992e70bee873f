"""Sends requests through the SDK, each the right number of times, and puts every failure in our words."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from mlflow_genie_plugin.clock import Clock
from mlflow_genie_plugin.errors import (
    ConflictError,
    GenieError,
    NotSignedInError,
    PermissionDeniedError,
    RateLimitedError,
    UnconfirmedRequestError,
    WorkspaceRefusedError,
    WorkspaceUnavailableError,
)
from mlflow_genie_plugin.workspace.retry_notice import say_retrying
from mlflow_genie_plugin.workspace.scrub import Scrubber

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

T = TypeVar("T")
Json = dict[str, Any]

PATIENCE_SECONDS = 60.0  # how long a request that may be repeated is repeated
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0
_REJECTED_TOKEN = (
    "invalid access token",
    "token is expired",
    "token expired",
    "expired token",
    "credential was not sent",
)


@dataclass(frozen=True, slots=True)
class Doing:
    """What a request is for, so that its errors can say so.

    Attributes:
        text: Fits after "cannot", for example ``read space 01ef``.
        missing: The error when the workspace says there is no such thing, and what to do then.
        denied: What to do when the identity may not.
    """

    text: str
    missing: type[GenieError] = WorkspaceRefusedError
    missing_step: str = "check the id"
    denied_step: str = "ask an administrator of the workspace for access"
    space_id: str | None = None


class Calls:
    """The one place where requests leave. The SDK itself repeats nothing here (see auth.py); this class decides.

    Args:
        reading: The client for GETs.
        writing: The client for everything else; it waits longer for an answer.
        scrubber: Takes private data out of messages.
        clock: Time for pauses.
        sign_in_step: What to do when the workspace rejects the credentials.
    """

    def __init__(
        self, reading: WorkspaceClient, writing: WorkspaceClient, scrubber: Scrubber, clock: Clock, sign_in_step: str
    ) -> None:
        self._reading = reading
        self._writing = writing
        self._scrubber = scrubber
        self._clock = clock
        self._sign_in_step = sign_in_step

    def read(
        self, doing: Doing, path: str, query: Mapping[str, Any] | None = None, patience: float = PATIENCE_SECONDS
    ) -> Json:
        """GET, repeated with growing pauses for up to ``patience`` seconds while the failure looks passing."""
        return self.repeat(lambda: self._send(doing, "GET", path, query=query), patience)

    def read_once(self, doing: Doing, path: str, query: Mapping[str, Any] | None = None) -> Json:
        """GET, sent once."""
        return self._send(doing, "GET", path, query=query)

    def write_once(self, doing: Doing, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """Send a request that must not be carried out twice.

        Raises:
            UnconfirmedRequestError: It may or may not have been carried out.
            GenieError: Any other error means that it was not carried out.
        """
        return self._send(doing, method, path, body=body, unrepeatable=True)

    def write(self, doing: Doing, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """Like :meth:`write_once`, but waits and sends again when the request provably was not carried out."""
        return self.repeat(lambda: self.write_once(doing, method, path, body))

    def harmless(self, doing: Doing, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """Send a request that may be carried out twice without harm; repeated like :meth:`read`."""
        return self.repeat(lambda: self._send(doing, method, path, body=body))

    def repeat(self, send: Callable[[], T], patience: float = PATIENCE_SECONDS) -> T:
        """Call ``send`` until it works, fails for good, or ``patience`` seconds have passed."""
        deadline = self._clock.monotonic() + patience
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return send()
            except UnconfirmedRequestError:
                raise
            except (RateLimitedError, WorkspaceUnavailableError) as error:
                asked = pause_asked_for(error)
                # The jitter keeps processes that were turned away together from coming back together.
                wait = max(asked, pause) * (1 + random.random() / 10)  # noqa: S311 - not for secrets
                now = self._clock.monotonic()
                if now + wait > deadline:
                    raise
                say_retrying(error.what, wait, deadline - now, now)
                self._clock.sleep(wait)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _send(
        self,
        doing: Doing,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        unrepeatable: bool = False,
    ) -> Json:
        # Not the SDK's typed methods: they turn a status, error or type name that is newer than the SDK into None.
        client = self._reading if method == "GET" else self._writing
        headers = {"Accept": "application/json"}
        if client.config.workspace_id:
            headers["X-Databricks-Workspace-Id"] = client.config.workspace_id
        try:
            answer = client.api_client.do(
                method,
                path,
                query=dict(query) if query else None,
                body=dict(body) if body is not None else None,
                headers=headers,
            )
        except Exception as error:
            translated = self._translate(error, doing, unrepeatable=unrepeatable)
            if translated is None:
                raise
            raise translated from self._scrubber.cause(error)
        if not isinstance(answer, dict):
            raise WorkspaceUnavailableError(
                f"cannot {doing.text}: the workspace answered with {type(answer).__name__}, not with an object",
                next_step="check that the profile's address is a workspace's",
            )
        return answer

    def _translate(self, error: Exception, doing: Doing, *, unrepeatable: bool) -> GenieError | None:
        """Return our error for one of the SDK's or of HTTP; None for a defect, which must stay visible."""
        import requests
        from databricks.sdk import errors as sdk
        from databricks.sdk.errors.base import DatabricksError

        said = self._scrubber.text(str(error)).strip().rstrip(".") or type(error).__name__
        what = f"cannot {doing.text}: {said}"
        facts = {"space_id": doing.space_id, "error_code": getattr(error, "error_code", None)}
        details: Json = {name: value for name, value in facts.items() if value}
        match error:
            case sdk.Unauthenticated():
                return NotSignedInError(
                    f"cannot {doing.text}: the workspace rejects the credentials ({said})", next_step=self._sign_in_step
                )
            case sdk.PermissionDenied():
                # An invalid personal access token is answered with 403, not 401.
                if any(words in said.lower() for words in _REJECTED_TOKEN):
                    return NotSignedInError(
                        f"cannot {doing.text}: the workspace rejects the credentials ({said})",
                        next_step=self._sign_in_step,
                    )
                return PermissionDeniedError(what, next_step=doing.denied_step, **details)
            case sdk.NotFound() if error.error_code in ("ENDPOINT_NOT_FOUND", "FEATURE_DISABLED"):
                return WorkspaceRefusedError(
                    what, next_step="ask an administrator of the workspace to enable Genie for the API"
                )
            case sdk.NotFound():
                return doing.missing(what, next_step=doing.missing_step, **details)
            case sdk.ResourceConflict():
                return ConflictError(what, next_step="read it again and repeat the command", **details)
            case sdk.TooManyRequests():
                return RateLimitedError(
                    what,
                    retry_after_seconds=_seconds(error.retry_after_secs),
                    next_step="wait a few minutes, then run the same command again",
                )
            case sdk.BadRequest() | sdk.NotImplemented():
                return WorkspaceRefusedError(what, next_step="correct what the message names", **details)
            case DatabricksError() | requests.RequestException() | TimeoutError() | OSError():
                return self._unavailable(error, doing, said, unrepeatable=unrepeatable)
            case ValueError():
                # The credential providers of the SDK raise plain ValueErrors when a token cannot be had or refreshed.
                return NotSignedInError(f"cannot {doing.text}: no valid token ({said})", next_step=self._sign_in_step)
        return None

    def _unavailable(self, error: Exception, doing: Doing, said: str, *, unrepeatable: bool) -> GenieError:
        import requests

        reason = "it took too long" if isinstance(error, requests.Timeout) else said
        if isinstance(error, requests.exceptions.JSONDecodeError):
            reason = "the answer is not JSON (a sign-in page of a proxy?)"
        elif isinstance(error, requests.ConnectionError) and not isinstance(error, requests.Timeout):
            reason = "no connection" if was_not_sent(error) else "the connection broke"
        if unrepeatable and not was_not_sent(error):
            return UnconfirmedRequestError(
                f"no answer to the request to {doing.text} ({reason}); it may have been carried out",
                next_step="look at the space before you repeat the command",
            )
        return WorkspaceUnavailableError(
            f"cannot {doing.text}: the workspace does not answer as it should ({reason})",
            next_step="check the network and the address (DATABRICKS_HOST or the profile's), then repeat the command",
            retry_after_seconds=_seconds(getattr(error, "retry_after_secs", None)),
        )


def pause_asked_for(error: GenieError) -> float:
    """Return how many seconds the workspace asked us to wait (its Retry-After); 0 when it did not say."""
    if isinstance(error, RateLimitedError):
        return error.retry_after_seconds or 0.0
    return float(error.details.get("retry_after_seconds") or 0.0)


def was_not_sent(error: BaseException) -> bool:
    """Tell whether a failed request provably never reached the workspace: no connection was made."""
    import requests
    from urllib3 import exceptions as urllib3

    if isinstance(error, requests.ConnectTimeout):
        return True
    if not isinstance(error, requests.ConnectionError):
        return False
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, urllib3.NewConnectionError | urllib3.ConnectTimeoutError | urllib3.NameResolutionError)


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and value >= 0 else None
