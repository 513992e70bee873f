"""How commands speak: results on stdout (``--json`` for machines), talk on stderr, and one boundary for errors."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import rich_click as click
from click.exceptions import Abort, ClickException, Exit

from mlflow_genie_plugin.errors import ExitCode, GenieError, InvalidDocumentError, UnwritableFileError

UNEXPECTED = 70  # a defect of ours; none of the exit codes of ExitCode may mean that
_SHORTEST_SECRET = 6

Command = TypeVar("Command", bound=Callable[..., Any])


def say(text: str = "") -> None:
    """Print a line for the person at the terminal (stderr)."""
    # Whoever closed stderr does not listen; that must not stop a restore between its write and its proof.
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def emit(text: str) -> None:
    """Print a result for a person (stdout).

    Raises:
        UnwritableFileError: It does not fit where stdout goes.
    """
    try:
        click.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UnwritableFileError(
            f"the result could not be written to standard output: {error.strerror or error}",
            next_step="what the command did stands; see its messages above",
        ) from error


def emit_json(value: Any) -> None:
    """Print a result for a machine: one JSON document on stdout."""
    emit(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def command(function: Command) -> Command:
    """Give a click command the options every command has (``--json``, ``--debug``) and the error boundary.

    The function receives ``as_json``; it returns nothing or an :class:`ExitCode`.
    """

    @click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document on stdout.")
    @click.option("--debug", is_flag=True, hidden=True, help="Show the traceback of an error.")
    @functools.wraps(function)
    def run(*args: Any, as_json: bool, debug: bool, **kwargs: Any) -> None:
        try:
            with _own_log_said():
                code = function(*args, as_json=as_json, **kwargs)
        except GenieError as error:
            if debug:
                raise
            _report(error, as_json=as_json)
            code = error.exit_code
        except KeyboardInterrupt:
            say("interrupted")
            sys.exit(130)
        except BrokenPipeError:
            sys.exit(141)
        except (ClickException, Exit, Abort):
            raise
        except Exception as error:
            if debug:
                raise
            sys.exit(_report_unexpected(error))
        sys.exit(int(code or ExitCode.OK))

    return run  # type: ignore[return-value]


def workspace_options(function: Command) -> Command:
    """Add ``--profile`` and ``--target``: which workspace to sign in to."""
    profile = click.option(
        "-p", "--profile", default=None, help="Databricks profile; default: databricks.yml, then the environment."
    )
    target = click.option("-t", "--target", default=None, help="Target of databricks.yml whose profile is used.")
    decorated: Command = profile(target(function))
    return decorated


def confirm_write(question: str, *, assume_yes: bool) -> None:
    """Ask before a write; without a terminal and without ``--yes`` nothing is written (exit 2)."""
    from mlflow_genie_plugin.errors import UsageError

    if assume_yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            "this would change a space and there is no terminal to ask",
            next_step="add --yes, or --dry-run to see the plan",
        )
    if not click.confirm(question, err=True):
        raise UsageError("not confirmed; nothing was written")


def error_as_json(error: GenieError) -> dict[str, Any]:
    """Return the error for machines: code, message, next step, details and violations."""
    document: dict[str, Any] = {
        "code": error.code,
        "message": error.what,
        "next_step": error.next_step,
        "exit_code": int(error.exit_code),
        "details": error.details,
    }
    if isinstance(error, InvalidDocumentError):
        document["violations"] = [
            {"path": v.path, "rule": v.rule, "severity": v.severity, "message": v.message, "fix": v.fix}
            for v in error.violations
        ]
    return {"error": document}


class _Saying(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(self.format(record))


@contextlib.contextmanager
def _own_log_said() -> Iterator[None]:
    """Print what the package logs as a sentence: libraries that set up logging would put names of modules before it."""
    log, handler = logging.getLogger("mlflow_genie_plugin"), _Saying(logging.WARNING)
    if any(isinstance(other, _Saying) for other in log.handlers):  # a command that runs another one
        yield
        return
    propagated = log.propagate
    log.addHandler(handler)
    log.propagate = False
    try:
        yield
    finally:
        log.propagate = propagated
        log.removeHandler(handler)


def _report_unexpected(error: Exception) -> int:
    """Tell of a defect in one line; the traceback goes to a file, without secrets and without local variables."""
    import tempfile
    import traceback
    from pathlib import Path

    text = "".join(traceback.format_exception(error))
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST_SECRET and any(
            word in name.upper() for word in ("TOKEN", "SECRET", "PASSWORD", "KEY")
        ):
            text = text.replace(value, "***")
    with tempfile.NamedTemporaryFile("w", prefix="mlflow-genie-", suffix=".log", delete=False, encoding="utf-8") as log:
        log.write(text)
    say(
        f"error[MG000]: {type(error).__name__}: this is a defect of mlflow-genie — see {Path(log.name)}, or add --debug"
    )
    return UNEXPECTED


def _report(error: GenieError, *, as_json: bool) -> None:
    if as_json:
        emit_json(error_as_json(error))
    say(f"error[{error.code}]: {error}")
