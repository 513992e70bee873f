"""Connecting: a signed-in workspace with its ports. The only place that makes a client of the Databricks SDK."""

from __future__ import annotations

import hashlib
import os
from urllib.parse import urlsplit

from mlflow_genie_plugin.clock import SYSTEM_CLOCK, Clock
from mlflow_genie_plugin.settings import Settings, resolve_settings
from mlflow_genie_plugin.workspace.calls import PATIENCE_SECONDS, Calls, Doing
from mlflow_genie_plugin.workspace.conversations import GenieAsker
from mlflow_genie_plugin.workspace.evaluation_runs import GenieEvaluationRuns
from mlflow_genie_plugin.workspace.genie import GenieSpaces
from mlflow_genie_plugin.workspace.metadata import UnityCatalog
from mlflow_genie_plugin.workspace.sign_in import sign_in, sign_in_step
from mlflow_genie_plugin.workspace.statements import Statements

_READ_TIMEOUT_SECONDS = 60.0
_LOCAL_PATIENCE_SECONDS = 5.0


class DatabricksWorkspace:
    """A signed-in workspace: its ports, who we are, and where the sign-in came from.

    Attributes:
        profile: The profile chosen, or None when the SDK took the environment or the DEFAULT profile.
        origin: Where that was decided, in words.
        is_local: Whether the workspace runs on this machine.
        spaces: Reads and changes spaces.
        asker: Asks questions.
        evaluation_runs: Genie's own evaluation runs.
        sql: Runs read-only statements.
        catalog: Reads Unity Catalog metadata.
    """

    def __init__(
        self, calls: Calls, *, host: str, profile: str | None, origin: str, warehouse_id: str | None,
        clock: Clock, settings: Settings,
    ) -> None:  # fmt: skip
        self._calls = calls
        self._user_name: str | None = None
        self.profile = profile
        self.origin = origin
        self.host_digest = hashlib.sha256(host.rstrip("/").lower().encode()).hexdigest()[:12]
        self.is_local = (urlsplit(host).hostname or "") in ("localhost", "127.0.0.1", "::1")
        self.spaces = GenieSpaces(calls, clock)
        self.asker = GenieAsker(calls, clock, settings)
        self.evaluation_runs = GenieEvaluationRuns(calls, clock)
        self.sql = Statements(calls, clock, warehouse_id=warehouse_id)
        self.catalog = UnityCatalog(self.sql)

    @property
    def user_name(self) -> str:
        """The identity we act as; asked for once."""
        if self._user_name is None:
            me = self._calls.read(Doing("read who we are"), "/api/2.0/preview/scim/v2/Me")
            self._user_name = str(me.get("userName") or me.get("displayName") or "unknown")
        return self._user_name

    def prove_access(self) -> None:
        """Make one cheap request that needs the Genie API.

        Raises:
            NotSignedInError: The workspace rejects the credentials.
            PermissionDeniedError: They are good, but may not use Genie.
            WorkspaceUnavailableError: Nothing answers there.
        """
        self._calls.read(
            Doing("list spaces", denied_step="ask an administrator of the workspace for access to Genie"),
            "/api/2.0/genie/spaces",
            {"page_size": 1},
            # On this machine it runs or it does not; a minute of silence would only hide that it was not started.
            patience=_LOCAL_PATIENCE_SECONDS if self.is_local else PATIENCE_SECONDS,
        )

    def __repr__(self) -> str:
        return (
            f"DatabricksWorkspace(profile={self.profile!r}, origin={self.origin!r}, host_digest={self.host_digest!r})"
        )


def connect(
    profile: str | None = None,
    target: str | None = None,
    settings: Settings | None = None,
    *,
    project_root: str | os.PathLike[str] = ".",
    clock: Clock = SYSTEM_CLOCK,
    prove: bool = True,
) -> DatabricksWorkspace:
    """Sign in with the SDK's unified authentication and prove that Genie answers.

    Args:
        profile: Name of a profile; default: ``databricks.yml``, then the environment or the DEFAULT profile.
        target: Target of ``databricks.yml`` whose profile is used.
        settings: Default: from the environment.
        project_root: Where to look for ``databricks.yml`` (and in the folders above).
        clock: Time for retries and polling.
        prove: Whether to make the request that proves access.

    Raises:
        NotSignedInError: No credentials, an unknown profile, or the workspace rejects them.
        PermissionDeniedError: The identity may not use Genie.
        UnreadableFileError: databricks.yml or the configuration file is malformed.
        UsageError: The target is unknown, or the environment contradicts the chosen profile.
        WorkspaceUnavailableError: The workspace does not answer.
    """
    settings = settings or resolve_settings()
    config, chosen, origin, scrubber = sign_in(profile, target, project_root)
    from databricks.sdk import WorkspaceClient

    # A client keeps the limit it was made with. Reads are repeated and so need no long one; a write must not be given
    # up while the workspace still works on it.
    config.http_timeout_seconds = min(_READ_TIMEOUT_SECONDS, settings.request_timeout_seconds)
    reading = WorkspaceClient(config=config)
    config.http_timeout_seconds = settings.request_timeout_seconds
    calls = Calls(reading, WorkspaceClient(config=config), scrubber, clock, sign_in_step(chosen))
    workspace = DatabricksWorkspace(
        calls,
        host=str(config.host),
        profile=chosen,
        origin=origin,
        warehouse_id=config.warehouse_id,
        clock=clock,
        settings=settings,
    )
    if prove:
        workspace.prove_access()
    return workspace
