"""Signing in by the SDK's unified authentication: which profile it is, what contradicts it, and what to do about it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import NotSignedInError, UsageError
from mlflow_genie_plugin.workspace.profile import resolve_profile
from mlflow_genie_plugin.workspace.scrub import Scrubber, private_values, process_scrubber, read_config_file, scrub_logs

if TYPE_CHECKING:
    from databricks.sdk.core import Config

_DISCOVERY_TIMEOUT_SECONDS = 10.0

_CREDENTIAL_VARIABLES = (
    "DATABRICKS_TOKEN", "DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET", "DATABRICKS_USERNAME",
    "DATABRICKS_PASSWORD", "ARM_CLIENT_ID", "ARM_CLIENT_SECRET", "GOOGLE_CREDENTIALS",
    "DATABRICKS_GOOGLE_SERVICE_ACCOUNT",
)  # fmt: skip


class _RefusingClock:
    """The clock given to the SDK: it never lets it send a request again.

    The SDK repeats requests of every kind, also those that create a space or ask a question, after a time-out, a 429 or
    a 503, and sleeps on its clock before it does. Raising the failure again at that point ends the request with the
    very error it met; how often to send is decided in calls.py, by kind of request. A budget of zero does not do:
    the SDK reads 0 as "the default of 300 seconds".
    """

    def time(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        error = sys.exc_info()[1]
        if error is not None:
            raise error
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs requests to the workspace for who sends them without the SDK.

    Attributes:
        host: Address of the workspace, without a slash at its end.
        headers: Gives the headers of a signed request; call it for each, because tokens expire.
        scrubber: Knows what must not be shown.
    """

    host: str = field(repr=False)
    headers: Callable[[], dict[str, str]] = field(repr=False)
    scrubber: Scrubber = field(repr=False)


def signer(
    profile: str | None = None, target: str | None = None, *, project_root: str | os.PathLike[str] = "."
) -> Signer:
    """Sign in like :func:`connect`, for requests to addresses of the workspace that no port of ours covers.

    Raises:
        NotSignedInError, UnreadableFileError, UsageError: As for :func:`connect`.
    """
    config, _, _, scrubber = sign_in(profile, target, project_root)
    return Signer(str(config.host).rstrip("/"), config.authenticate, scrubber)


def sign_in(
    profile: str | None, target: str | None, project_root: str | os.PathLike[str]
) -> tuple[Config, str | None, str, Scrubber]:
    """Return the SDK's configuration, the profile chosen, where that was decided, and what keeps its secrets out.

    Raises:
        NotSignedInError: No credentials, an unknown profile, or a configuration that the SDK refuses.
        UnreadableFileError: databricks.yml or the configuration file is malformed.
        UsageError: The target is unknown, or the environment contradicts the chosen profile.
    """
    chosen, origin = resolve_profile(project_root, profile, target)
    scrubber = process_scrubber()
    profiles = read_config_file(os.environ)
    if chosen is not None:
        _require_profile(chosen, origin, profiles)
    config = _configure(chosen, origin, scrubber)
    scrubber.learn(private_values(config.as_dict()))
    scrub_logs(scrubber)
    return config, chosen, origin, scrubber


def _configure(profile: str | None, origin: str, scrubber: Scrubber) -> Config:
    from importlib.metadata import version

    from databricks.sdk.core import Config

    # From here on: importing the SDK has made its loggers, and the constructor already talks to the host.
    scrub_logs(scrubber)
    options: dict[str, Any] = {
        "profile": profile,
        "clock": _RefusingClock(),
        "product": "mlflow-genie-plugin",
        "product_version": version("mlflow-genie-plugin"),
        # For the constructor's own look at the host, which has a client and a clock of its own.
        "http_timeout_seconds": _DISCOVERY_TIMEOUT_SECONDS,
        "retry_timeout_seconds": 1,
        "max_connection_pools": 32,
        "max_connections_per_pool": 32,
    }
    try:
        config = Config(**options)
    except ValueError as error:
        raise _sign_in_error(error, profile, origin, scrubber) from scrubber.cause(error)
    if not config.host:
        raise NotSignedInError("no Databricks workspace is configured", next_step=sign_in_step(profile))
    return config


def _sign_in_error(error: ValueError, profile: str | None, origin: str, scrubber: Scrubber) -> NotSignedInError:
    said = scrubber.text(str(error)).strip().rstrip(".")
    named = profile or os.environ.get("DATABRICKS_CONFIG_PROFILE", "").strip()
    if named and "profile configured" in said:
        return _unknown_profile(named, origin, read_config_file(os.environ))
    if "more than one authorization method" in said:
        methods = said.rpartition(":")[2].strip()
        return NotSignedInError(
            f"the environment and the profile configure more than one way to sign in: {methods}",
            next_step="unset the variables of one of them, or set DATABRICKS_AUTH_TYPE",
        )
    if "cannot configure default credentials" in said:
        return NotSignedInError(
            "no Databricks credentials found" + (f" in profile {named!r} ({origin})" if named else f" ({origin})"),
            next_step=f"{sign_in_step(profile)}, or start one here: mlflow-genie local serve",
        )
    return NotSignedInError(f"cannot sign in to Databricks ({origin}): {said}", next_step=sign_in_step(profile))


def _require_profile(profile: str, origin: str, profiles: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse a chosen profile that does not decide alone.

    Without a configuration file the SDK ignores the profile and takes the environment; with one, it lets variables of
    the environment win over it. Both without a word, and a write would go to another workspace than the one named.
    """
    if profile not in profiles:
        raise _unknown_profile(profile, origin, profiles)
    host = os.environ.get("DATABRICKS_HOST", "").strip()
    credentials = [name for name in _CREDENTIAL_VARIABLES if os.environ.get(name, "").strip()]
    if not (host or credentials) or _same_host(host, profiles[profile].get("host", "")):
        return
    variables = ", ".join((["DATABRICKS_HOST"] if host else []) + credentials)
    raise UsageError(
        f"profile {profile!r} ({origin}) and {variables} of the environment may mean different workspaces",
        next_step="unset the variables, or use the environment alone (outside a folder with databricks.yml)",
    )


def _unknown_profile(profile: str, origin: str, profiles: Mapping[str, Mapping[str, str]]) -> NotSignedInError:
    return NotSignedInError(
        f"profile {profile!r} ({origin}) is not in the Databricks configuration file "
        f"(profiles there: {', '.join(sorted(profiles)) or 'none'})",
        next_step=f"databricks auth login --profile {profile}, or choose another with --profile",
    )


def _same_host(one: str, other: str) -> bool:
    def bare(host: str) -> str:
        return host.partition("://")[2].rstrip("/").lower() if "://" in host else host.rstrip("/").lower()

    return bool(one) and bare(one) == bare(other)


def sign_in_step(profile: str | None) -> str:
    """Return what to do when the workspace does not accept who we are."""
    named = profile or os.environ.get("DATABRICKS_CONFIG_PROFILE", "").strip()
    if named:
        return f"databricks auth login --profile {named}"
    if given := [name for name in _CREDENTIAL_VARIABLES if os.environ.get(name, "").strip()]:
        return f"databricks auth login, and unset or correct {', '.join(given)} of the environment, which comes first"
    return "databricks auth login"
