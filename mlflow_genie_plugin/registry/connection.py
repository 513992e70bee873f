"""Reaching MLflow: the client, bounded waiting, and the translation of every failure into one of our errors."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mlflow_genie_plugin.errors import (
    GenieError,
    ModelNotFoundError,
    TrackingRefusedError,
    TrackingUnavailableError,
    UsageError,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

# MLflow's own defaults wait about four minutes on a refused connection and longer on a silent one. These hold only
# inside our calls and only where the user has not set the variable.
_BOUNDS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_DATABRICKS_ENDPOINT_HTTP_RETRY_TIMEOUT": "60",
    # With a server, MLflow prints where to look whenever a run ends: on stdout, in the middle of our --json.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
# Both log what we are about to say ourselves, one of them with a traceback.
_NOISY_LOGGERS = ("mlflow.store.db.utils", "urllib3.connectionpool")
_PROBE_SECONDS = 10.0

_lock = threading.Lock()
_depth = 0
_added: list[str] = []
_levels: dict[str, int] = {}
_reached: set[str] = set()

_MISSING = frozenset({"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"})
_REFUSED = frozenset({"PERMISSION_DENIED", "CUSTOMER_UNAUTHORIZED", "UNAUTHENTICATED"})
# A proxy's 403 has no error code of MLflow's; a database file that is read-only says so in words.
_REFUSED_SIGNS = ("failed with error code 403", "attempt to write a readonly database")
_BAD_REQUEST = frozenset({"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS"})


def client() -> MlflowClient:
    """Return a client of the current tracking and registry URIs, after making sure that something answers there.

    Raises:
        TrackingUnavailableError: Nothing answers at the tracking or the registry URI.
    """
    import mlflow

    _probe(mlflow.get_tracking_uri(), "tracking", "MLFLOW_TRACKING_URI")
    _probe(mlflow.get_registry_uri(), "registry", "MLFLOW_REGISTRY_URI")
    return mlflow.MlflowClient()


def current_experiment_id() -> str:
    """Return the experiment that new runs and models go to (``MLFLOW_EXPERIMENT_NAME``/``_ID``, else the default)."""
    with translate_errors():
        client()
        from mlflow.tracking.fluent import _get_experiment_id

        return str(_get_experiment_id())


@contextmanager
def translate_errors(missing: type[GenieError] = ModelNotFoundError, what: str = "") -> Iterator[None]:
    """Run MLflow calls with bounded waiting; anything they raise comes out as a :class:`GenieError`.

    Args:
        missing: Raised when MLflow says that the thing does not exist.
        what: Names that thing in the message, for example ``model m-…``; empty uses MLflow's text.

    Raises:
        TrackingUnavailableError: The server or database cannot be reached, is locked, refused us or failed.
        UsageError: MLflow rejects the request itself.
    """
    _enter()
    try:
        yield
    except GenieError:
        raise
    except Exception as error:
        translated = _translate(error, missing, what)
        if translated is None:
            raise
        raise translated from error
    finally:
        _leave()


def tracking_place() -> str:
    """Return the tracking URI, and the registry's where it differs, without any password, for messages."""
    import mlflow

    tracking, registry = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    # The failure may be the registry's: a left-over MLFLOW_REGISTRY_URI is hard to find otherwise.
    return without_secrets(tracking if registry == tracking else f"{tracking} (registry {registry})")


def without_secrets(text: str) -> str:
    """Return ``text`` with the user part of every address in it replaced by ``***``."""
    return re.sub(r"://[^/@\s]+@", "://***@", text)


def _translate(error: BaseException, missing: type[GenieError], what: str) -> GenieError | None:
    if str(error).startswith("Failed to get logged model") and error.__cause__ is not None:
        # MLflow's tag functions call every failure of theirs a bad parameter, also an outage.
        return _translate(error.__cause__, missing, what)
    module = type(error).__module__.partition(".")[0]
    code = getattr(error, "error_code", None)
    text = without_secrets(str(getattr(error, "message", None) or error)).strip()
    lines = text.splitlines() or [type(error).__name__]
    # MLflow's report on artifacts that did not arrive ends its first line in a colon; the cause is the last one.
    first_line = f"{lines[0]} {lines[-1].strip()}" if lines[0].endswith(":") and len(lines) > 1 else lines[0]
    if module == "mlflow":
        if code in _MISSING:
            return missing(
                f"{what} does not exist" if what else first_line,
                next_step=f"check the id; the tracking server is {tracking_place()}",
            )
        if code in _REFUSED or any(sign in text for sign in _REFUSED_SIGNS):
            return TrackingRefusedError(
                f"the tracking server {tracking_place()} refused: {first_line}",
                next_step="sign in, or ask for access to the experiment",
            )
        if "MLFLOW_ALLOW_FILE_STORE" in text:
            return UsageError(
                f"the tracking URI {tracking_place()} is a folder, which MLflow no longer supports",
                next_step="set MLFLOW_TRACKING_URI, for example to sqlite:///mlflow.db",
            )
        if code in _BAD_REQUEST and "sqlalche.me" not in text:
            return UsageError(f"MLflow rejects this: {first_line}")
        return _unavailable(first_line)
    if module in {"sqlalchemy", "sqlite3", "requests", "urllib3", "botocore", "google", "azure", "databricks"}:
        return _unavailable(first_line)
    if isinstance(error, FileNotFoundError):
        return missing(f"{what or first_line} does not exist", next_step="check the name")
    if isinstance(error, (OSError, TimeoutError)):
        return _unavailable(first_line)
    return None


def _unavailable(reason: str) -> TrackingUnavailableError:
    if "database is locked" in reason:
        return TrackingUnavailableError(
            f"the tracking database {tracking_place()} is locked by another process",
            next_step="wait until the other process has finished, then run the same command again",
        )
    if "Max retries exceeded" in reason:
        reason = "it does not answer any more" if "timed out" not in reason else "it did not answer in time"
    return TrackingUnavailableError(
        f"the tracking server {tracking_place()} failed: {reason}",
        next_step="check MLFLOW_TRACKING_URI and that the server is running",
    )


def _probe(uri: str, what: str, variable: str) -> None:
    # A refused or silent address is found out here in seconds. MLflow itself would retry a database address for many
    # minutes when its engine is first made.
    if uri in _reached:
        return
    parts = urlsplit(uri)
    try:
        if parts.scheme in {"http", "https"}:
            import requests

            requests.get(f"{uri.rstrip('/')}/health", timeout=_PROBE_SECONDS)
        elif parts.scheme.partition("+")[0] == "sqlite":
            _probe_sqlite(uri)
        elif parts.hostname and parts.port:
            import socket

            socket.create_connection((parts.hostname, parts.port), timeout=_PROBE_SECONDS).close()
    except (OSError, ValueError) as error:
        raise TrackingUnavailableError(
            f"nothing answers at the {what} URI {without_secrets(uri)} ({type(error).__name__})",
            next_step=f"check {variable} and that the server is running",
        ) from error
    _reached.add(uri)


def _probe_sqlite(uri: str) -> None:
    path = uri.partition(":///")[2].partition("?")[0]
    if path and path != ":memory:" and not Path(path).absolute().parent.is_dir():
        raise TrackingUnavailableError(
            f"the tracking database {path} cannot be opened: its folder does not exist",
            next_step="create the folder, or correct MLFLOW_TRACKING_URI",
        )


def _enter() -> None:
    global _depth
    with _lock:
        _depth += 1
        if _depth > 1:
            return
        for name, value in _BOUNDS.items():
            if name not in os.environ:
                os.environ[name] = value
                _added.append(name)
        for name in _NOISY_LOGGERS:
            logger = logging.getLogger(name)
            _levels[name] = logger.level
            logger.setLevel(logging.CRITICAL)


def _leave() -> None:
    global _depth
    with _lock:
        _depth -= 1
        if _depth:
            return
        for name in _added:
            os.environ.pop(name, None)
        _added.clear()
        for name, level in _levels.items():
            logging.getLogger(name).setLevel(level)
        _levels.clear()
