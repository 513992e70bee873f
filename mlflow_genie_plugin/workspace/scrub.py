"""Keeps host, token and account data out of everything this package says: errors, their causes, log records."""

from __future__ import annotations

import configparser
import logging
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from mlflow_genie_plugin.errors import UnreadableFileError

HIDDEN = "***"
_SHORTEST = 6  # replacing every "x" by stars would hide the message, not the secret

# Settings of the SDK's configuration whose values identify a workspace, an account or a person, or open a door.
_PRIVATE_SETTINGS = (
    "host", "account_id", "workspace_id", "token", "username", "password", "client_id", "client_secret",
    "azure_client_id", "azure_client_secret", "azure_tenant_id", "azure_workspace_resource_id", "google_credentials",
    "google_service_account", "metadata_service_url", "discovery_url",
)  # fmt: skip
_PRIVATE_VARIABLES = (
    "DATABRICKS_HOST", "DATABRICKS_ACCOUNT_ID", "DATABRICKS_WORKSPACE_ID", "DATABRICKS_TOKEN", "DATABRICKS_USERNAME",
    "DATABRICKS_PASSWORD", "DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET", "DATABRICKS_AZURE_RESOURCE_ID",
    "DATABRICKS_OIDC_TOKEN", "ARM_CLIENT_ID", "ARM_CLIENT_SECRET", "ARM_TENANT_ID", "GOOGLE_CREDENTIALS",
    "DATABRICKS_GOOGLE_SERVICE_ACCOUNT", "DATABRICKS_METADATA_SERVICE_URL",
)  # fmt: skip

_PATTERNS = (
    # The SDK appends its configuration to the messages of 401 and 403.
    (re.compile(r"\s*\.?\s*Config: \w+=.*\Z", re.DOTALL), ""),
    (re.compile(r"\s*\.?\s*Env: [A-Z_]+(?:, [A-Z_]+)*\s*\Z"), ""),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{4,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"\bdapi[0-9a-f]{16,}(?:-\d+)?\b"), HIDDEN),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"), HIDDEN),
    (
        re.compile(r"\b(?:https?://)?[\w-]+(?:\.[\w-]+)*\.(?:cloud\.databricks|azuredatabricks|gcp\.databricks)\.\w+"),
        HIDDEN,
    ),
    # How urllib3 names the other end.
    (re.compile(r"host='[^']*'"), f"host='{HIDDEN}'"),
    (re.compile(r"resolve '[^']*'"), f"resolve '{HIDDEN}'"),
)


class Scrubber:
    """Replaces private data in text by stars: what it has learned, and what looks like a token or a workspace host."""

    def __init__(self, values: Iterable[str | None] = ()) -> None:
        self._values: set[str] = set()
        self.learn(values)

    def learn(self, values: Iterable[str | None]) -> None:
        """Add values that must never be shown; of an address also its host name."""
        for value in values:
            text = str(value or "").strip()
            address = urlsplit(text) if "://" in text else None
            for part in (
                text,
                text.rstrip("/"),
                address.netloc if address else "",
                (address and address.hostname) or "",
            ):
                if len(part) >= _SHORTEST:
                    self._values.add(part)

    def text(self, text: str) -> str:
        """Return ``text`` without private data."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, HIDDEN)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def cause(self, error: BaseException) -> BaseException:
        """Make ``error`` fit to be the ``from`` of ours: scrubbed text, no frames, no earlier errors.

        Tracebacks of the HTTP stack show addresses as arguments (pytest prints them), and its errors carry the host in
        their own causes, so neither is kept; the type and the words are.
        """
        shown = self.text(str(error))
        if isinstance(error, OSError) and error.errno is not None:
            return OSError(shown)  # the text of one with an errno cannot be replaced in place
        error.args = (shown,)
        error.__traceback__ = error.__cause__ = error.__context__ = None
        return error


class LogScrubber(logging.Filter):
    """A filter for the loggers of the SDK and of HTTP: their records may name the host."""

    # Reported by the proof of access, in our words; as a warning of its own it would only repeat the host.
    _NOISE = "Failed to automatically resolve config from host metadata"

    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__()
        self._scrubber = scrubber

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if message.startswith(self._NOISE):
            return False
        shown = self._scrubber.text(message)
        if shown != message:
            record.msg, record.args = shown, ()
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            record.msg = f"{record.getMessage()} ({type(error).__name__}: {self._scrubber.text(str(error))})"
            record.args, record.exc_info, record.exc_text = (), None, None
        return True


def scrub_logs(scrubber: Scrubber) -> None:
    """Let no record of the SDK's or urllib3's loggers pass unscrubbed; repeated calls replace the earlier filter."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in ("databricks", "urllib3")]
    # Filters of a parent do not see the records of its children, so every existing logger gets one.
    for name in {*names, "databricks.sdk", "urllib3.connectionpool"}:
        logger = logging.getLogger(name)
        for old in [item for item in logger.filters if isinstance(item, LogScrubber)]:
            logger.removeFilter(old)
        logger.addFilter(LogScrubber(scrubber))


_PROCESS = Scrubber()


def process_scrubber(environ: Mapping[str, str] | None = None) -> Scrubber:
    """Return the scrubber of this process, knowing what the environment and the configuration file hold by now."""
    env = os.environ if environ is None else environ
    _PROCESS.learn(env.get(name) for name in _PRIVATE_VARIABLES)
    for section in _known_profiles(env).values():
        _PROCESS.learn(section.get(name) for name in _PRIVATE_SETTINGS)
    return _PROCESS


def private_values(config: Mapping[str, object]) -> list[str]:
    """Return the private values of an SDK configuration given as a mapping."""
    return [str(config[name]) for name in _PRIVATE_SETTINGS if config.get(name)]


def config_file(environ: Mapping[str, str]) -> Path:
    """Return where the SDK's configuration file is (it need not exist)."""
    return Path(environ.get("DATABRICKS_CONFIG_FILE") or "~/.databrickscfg").expanduser()


def read_config_file(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the profiles of the SDK's configuration file; none when there is no such file.

    Raises:
        UnreadableFileError: It is not the INI file it should be.
    """
    # The SDK does not let DEFAULT lend its values to other profiles, so it is a section like any other.
    parser = configparser.ConfigParser(interpolation=None, default_section="__none__")
    path = config_file(environ)
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError, OSError) as error:
        # The parser's own text quotes the line, which may hold a token.
        raise UnreadableFileError(
            f"cannot read the Databricks configuration file {path.name}: {type(error).__name__}",
            next_step="correct it, or sign in again: databricks auth login",
        ) from None
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _known_profiles(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    try:
        return read_config_file(environ)
    except UnreadableFileError:
        return {}  # signing in reads the file too and reports it; here it only means nothing more to hide
