"""Asking a chat endpoint over HTTP: bounded in time, size, tries and number, and silent about its key."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from mlflow_genie_plugin.clock import SYSTEM_CLOCK, Clock
from mlflow_genie_plugin.evaluation.llm.completion import MOST_TOKENS, NoAnswerError, text_of
from mlflow_genie_plugin.workspace.scrub import Scrubber

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

Headers = Mapping[str, str]

_TRIES = 3
_CONNECT_SECONDS = 10.0
_LARGEST_BODY = 256 * 1024
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504, 529})


class _PassingError(Exception):
    """Raised when a try failed in a way that may pass."""

    def __init__(self, problem: str, text: str, wait: float = 0.0) -> None:
        self.problem, self.wait = problem, wait
        super().__init__(text)


@dataclass(frozen=True)
class ChatEndpoint:
    """A chat endpoint that speaks OpenAI's format.

    Attributes:
        model: Kind and name as it is recorded; never an address.
        url: Where requests go.
        headers: Gives the headers that sign a request in, anew for each try: tokens expire.
        body: What every request holds besides the messages, for example the model's name.
        timeout_seconds: How long one try may take.
        deadline_seconds: How long all tries of one request may take, pauses included.
        concurrency: How many requests of this process may be open at once, to whatever endpoints.
        pause_seconds: The first pause between tries; it doubles.
    """

    model: str
    url: str = field(repr=False)
    headers: Callable[[], Headers] = field(repr=False)
    body: Mapping[str, Any] = field(default_factory=dict)
    timeout_seconds: float = 60.0
    deadline_seconds: float = 180.0
    concurrency: int = 4
    pause_seconds: float = 1.0
    scrubber: Scrubber = field(default_factory=Scrubber, repr=False)
    clock: Clock = field(default=SYSTEM_CLOCK, repr=False)

    def complete(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Return the model's answer to the messages, at temperature 0.

        Raises:
            NoAnswerError: There is none: refused, cut off, empty, timeout, unavailable, rejected, garbage.
        """
        with _slot(self.concurrency):
            deadline = self.clock.monotonic() + self.deadline_seconds
            pause = self.pause_seconds
            for tried in range(1, _TRIES + 1):
                try:
                    return text_of(self._send(messages, deadline))
                except _PassingError as error:
                    wait = max(error.wait, pause) * (1 + random.random() / 10)  # noqa: S311 - not for secrets
                    if tried == _TRIES or self.clock.monotonic() + wait >= deadline:
                        tries = f"{tried} tries" if tried > 1 else "one try"
                        raise NoAnswerError(error.problem, f"{error} ({tries})") from None
                self.clock.sleep(wait)
                pause *= 2
        raise AssertionError("unreachable: the last try returns or raises")

    def _send(self, messages: Sequence[Mapping[str, str]], deadline: float) -> Any:
        import requests

        end = min(deadline, self.clock.monotonic() + self.timeout_seconds)
        left = max(0.1, end - self.clock.monotonic())
        body = {**self.body, "messages": list(messages), "temperature": 0, "max_tokens": MOST_TOKENS}
        try:
            response = requests.post(
                self.url,
                data=orjson.dumps(body),
                auth=_Signed(self._signature()),
                timeout=(min(_CONNECT_SECONDS, left), left),
                # A redirect would take the key, or the data, to an address that nobody configured.
                allow_redirects=False,
                stream=True,
            )
            with response:
                raw = self._read(response, end)
        except requests.Timeout:
            raise _PassingError("timeout", f"it did not answer within {left:.0f} s") from None
        except requests.ConnectionError:
            raise _PassingError("unavailable", "its endpoint could not be reached") from None
        except (requests.RequestException, ValueError) as error:
            raise NoAnswerError("rejected", f"it could not be asked ({type(error).__name__})") from None
        return self._parsed(response, raw)

    def _signature(self) -> Headers:
        try:
            return self.headers()
        except Exception as error:  # noqa: BLE001 - the SDK's credential providers raise whatever their sign-in raises
            raise NoAnswerError("rejected", f"there is no valid token for it ({type(error).__name__})") from None

    def _read(self, response: Response, end: float) -> bytes:
        # requests' own limit starts anew with every byte, and it knows none for the size. Larger chunks would be waited
        # for until they are full.
        read = bytearray()
        for chunk in response.iter_content(1):
            read += chunk
            if len(read) > _LARGEST_BODY:
                raise NoAnswerError("too_long", f"its answer was larger than {_LARGEST_BODY // 1024} KiB")
            if self.clock.monotonic() > end:
                raise _PassingError("timeout", "its answer came too slowly")
        return bytes(read)

    def _parsed(self, response: Response, raw: bytes) -> Any:
        status = response.status_code
        if status in _BUSY:
            problem = f"its endpoint answered with HTTP {status}"
            raise _PassingError("unavailable", problem, _retry_after(response.headers.get("Retry-After")))
        if status != 200:
            said = self._said(raw)
            raise NoAnswerError("rejected", f"its endpoint answered with HTTP {status}{f': {said}' if said else ''}")
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise NoAnswerError("garbage", "its endpoint did not answer with JSON") from None

    def _said(self, raw: bytes) -> str:
        """Return the endpoint's own error message, one short line without private data."""
        try:
            document = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return ""
        error = document.get("error", document) if isinstance(document, dict) else None
        message = error.get("message") if isinstance(error, dict) else error
        return " ".join(self.scrubber.text(message).split())[:200] if isinstance(message, str) else ""


class _Signed:
    """Puts the headers on a request. As an auth object, because requests prefers ~/.netrc to a plain header."""

    def __init__(self, headers: Headers) -> None:
        self._headers = headers

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers.update({"Content-Type": "application/json", "Accept": "application/json", **self._headers})
        return request


def chat_url(base: str) -> str:
    """Return the address of chat completions below an OpenAI-compatible base address, its query kept."""
    parts = urlsplit(base)
    path = parts.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        path += "/chat/completions"
    return parts._replace(path=path, fragment="").geturl()


def _retry_after(value: str | None) -> float:
    """Return the seconds that a Retry-After header asks for, in either of its forms; 0 when it says nothing usable."""
    if value is None:
        return 0.0
    if value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())


_free = threading.Condition()
_open = 0


@contextmanager
def _slot(limit: int) -> Iterator[None]:
    """Wait until fewer than ``limit`` requests of this process are open."""
    global _open
    with _free:
        _free.wait_for(lambda: _open < limit)
        _open += 1
    try:
        yield
    finally:
        with _free:
            _open -= 1
            _free.notify_all()
