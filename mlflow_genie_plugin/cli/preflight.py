"""What has to be in order before a command may write, and whether the installation is."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from mlflow_genie_plugin.cli.check import FAIL, OK, Check, failed
from mlflow_genie_plugin.cli.store_checks import check_artifacts, check_tracking, check_tracking_suits, nearest_folder
from mlflow_genie_plugin.errors import GenieError, TrackingUnavailableError

if TYPE_CHECKING:
    from mlflow_genie_plugin.workspace.auth import DatabricksWorkspace

_PACKAGES = ("mlflow", "databricks-sdk", "mlflow-genie-plugin")
_ENTRY_POINTS = (("pytest11", "mlflow_genie"), ("mlflow.deployments", "genie"))


def require_ready(workspace: DatabricksWorkspace, experiment_id: str | None = None) -> None:
    """Return when a command that writes may start: tracking answers and suits the workspace.

    Call it before the first write, so that nothing is half done when the results cannot be kept.

    Args:
        workspace: Where the space is.
        experiment_id: Where the command writes; default: the current experiment.

    Raises:
        TrackingUnavailableError: Tracking does not answer, or is a local file while the workspace is not.
    """
    for check in (check_tracking_suits(workspace), check_tracking(), check_artifacts(experiment_id)):
        if check.status == FAIL:
            raise check.error or TrackingUnavailableError(check.message, next_step=check.next_step)


def check_versions() -> Check:
    """Python and the packages whose versions decide what works."""
    from importlib.metadata import version

    installed = [f"{name} {version(name)}" for name in _PACKAGES]
    python = ".".join(map(str, sys.version_info[:3]))
    return Check("versions", OK, f"python {python}, {', '.join(installed)}")


def check_entry_points() -> Check:
    """Whether pytest and MLflow find the plugins."""
    from importlib.metadata import entry_points

    missing = [f"{group}: {name}" for group, name in _ENTRY_POINTS if not entry_points(group=group, name=name)]
    if missing:
        return Check(
            "plugins",
            FAIL,
            f"not registered: {', '.join(missing)}",
            "pip install --force-reinstall mlflow-genie-plugin",
        )
    return Check("plugins", OK, "pytest and mlflow deployments find this package")


def check_settings() -> Check:
    """Whether every GENIE_ variable can be used, and the state folder be written."""
    from mlflow_genie_plugin.settings import resolve_settings

    try:
        settings = resolve_settings()
    except GenieError as error:
        return failed("settings", error)
    quota = settings.questions_per_minute
    pace = f"{quota:g} questions a minute" if quota else "no quota"
    place = nearest_folder(settings.state_dir)
    if not os.access(place, os.W_OK | os.X_OK):
        return Check(
            "settings",
            FAIL,
            f"the state folder {settings.state_dir} cannot be written",
            "set GENIE_STATE_DIR to one that can",
        )
    return Check("settings", OK, f"{pace}, answers within {settings.answer_timeout_seconds:g} s")
