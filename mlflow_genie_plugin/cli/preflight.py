"""What has to be in order before a command may write, each as one check with what to do about it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mlflow_genie_plugin.errors import GenieError, TrackingUnavailableError

if TYPE_CHECKING:
    from mlflow_genie_plugin.workspace.auth import DatabricksWorkspace

OK, FAIL, SKIP = "ok", "fail", "skip"

_PACKAGES = ("mlflow", "databricks-sdk", "mlflow-genie-plugin")
_ENTRY_POINTS = (("pytest11", "mlflow_genie"), ("mlflow.deployments", "genie"))
_LOCAL_STORES = ("sqlite", "file", "")
_GONE = ("DELETED", "DELETING")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor: what was looked at, how it is, and what to do when it is not in order."""

    name: str
    status: str
    message: str
    next_step: str = ""
    error: GenieError | None = None

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "status": self.status, "message": self.message, "next_step": self.next_step}


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
        return _failed("settings", error)
    quota = settings.questions_per_minute
    pace = f"{quota:g} questions a minute" if quota else "no quota"
    place = _nearest_folder(settings.state_dir)
    if not os.access(place, os.W_OK | os.X_OK):
        return Check(
            "settings",
            FAIL,
            f"the state folder {settings.state_dir} cannot be written",
            "set GENIE_STATE_DIR to one that can",
        )
    return Check("settings", OK, f"{pace}, answers within {settings.answer_timeout_seconds:g} s")


def check_tracking() -> Check:
    """Whether the tracking store answers. A local database that is not there yet is not made by looking."""
    from mlflow_genie_plugin.registry.connection import client, tracking_place, translate_errors

    uri = _tracking_uri()
    if (database := _sqlite_file(uri)) is not None and not database.exists():
        place = _nearest_folder(database.parent)
        if not os.access(place, os.W_OK | os.X_OK):
            return Check("tracking", FAIL, f"{tracking_place()} cannot be written", "set MLFLOW_TRACKING_URI")
        return Check("tracking", OK, f"{tracking_place()} (made at the first use)")
    try:
        with translate_errors():
            client().search_experiments(max_results=1)
    except GenieError as error:
        return _failed("tracking", error)
    return Check("tracking", OK, f"{tracking_place()} answers")


def check_registry() -> Check:
    """Whether the model registry answers."""
    import mlflow

    from mlflow_genie_plugin.registry.connection import client, translate_errors, without_secrets

    place = without_secrets(mlflow.get_registry_uri())
    if _is_unmade(mlflow.get_registry_uri()):
        return Check("registry", SKIP, f"{place} is made at the first use")
    if _is_unmade(_tracking_uri()):  # MLflow's client would make it, whatever it is asked
        return Check("registry", SKIP, f"{place} is not looked at before the tracking database is there")
    try:
        with translate_errors():
            client().search_registered_models(max_results=1)
    except GenieError as error:
        return _failed("registry", error)
    return Check("registry", OK, f"{place} answers")


def check_artifacts(experiment_id: str | None = None, environ: Mapping[str, str] | None = None) -> Check:
    """Whether this process could write where the experiment keeps artifacts; asks nothing of the storage itself."""
    env = os.environ if environ is None else environ
    from mlflow_genie_plugin.registry.connection import client, translate_errors

    uri = _tracking_uri()
    if _is_unmade(uri):
        return Check("artifacts", SKIP, "no experiment yet")
    name, number = env.get("MLFLOW_EXPERIMENT_NAME", "").strip(), env.get("MLFLOW_EXPERIMENT_ID", "").strip()
    if experiment_id is not None:
        name, number = "", experiment_id
    try:
        with translate_errors():
            if name:
                experiment = client().get_experiment_by_name(name)
                if experiment is None:
                    return Check("artifacts", SKIP, f"experiment {name!r} is made at the first use")
            elif uri.startswith("databricks") and not number:
                return Check(
                    "artifacts", FAIL, "no experiment is chosen, and Databricks has no default one",
                    "set MLFLOW_EXPERIMENT_NAME, for example to /Shared/genie",
                )  # fmt: skip
            else:
                experiment = client().get_experiment(number or "0")
    except GenieError as error:
        return _failed("artifacts", error)
    return _check_artifact_root(str(experiment.artifact_location), env)


def check_tracking_suits(workspace: DatabricksWorkspace, environ: Mapping[str, str] | None = None) -> Check:
    """Whether results about this workspace go where others find them.

    A workspace on this machine suits any store. For a Databricks workspace the store must be shared (``databricks``, a
    server, a database server); a local file suits only when it was chosen, not when it is merely the default.
    """
    env = os.environ if environ is None else environ
    scheme = urlsplit(_tracking_uri()).scheme.partition("+")[0]
    if workspace.is_local:
        return Check("results", OK, "the workspace runs on this machine; any tracking store suits")
    if scheme not in _LOCAL_STORES or _tracking_uri().startswith("databricks"):
        return Check("results", OK, "the tracking store is shared")
    if env.get("MLFLOW_TRACKING_URI", "").strip():
        return Check("results", OK, "the tracking store is a local file by your choice; only this machine sees results")
    return Check(
        "results", FAIL, "the workspace is on Databricks, but results would go to a file of this machine",
        "set MLFLOW_TRACKING_URI=databricks (or your tracking server)",
    )  # fmt: skip


def check_workspace(profile: str | None, target: str | None) -> tuple[list[Check], DatabricksWorkspace | None]:
    """Profile, sign-in, and how many spaces there are; the workspace when it can be used."""
    from mlflow_genie_plugin.workspace.auth import connect
    from mlflow_genie_plugin.workspace.profile import resolve_profile

    try:
        chosen, origin = resolve_profile(".", profile, target)
    except GenieError as error:
        return [_failed("profile", error), *_skipped("no profile", "sign-in", "spaces")], None
    named = Check("profile", OK, f"{chosen} (from {origin})" if chosen else origin)
    try:
        workspace = connect(profile, target)
        signed_in = Check("sign-in", OK, f"user {workspace.user_name}")
    except GenieError as error:
        return [named, _failed("sign-in", error), *_skipped("not signed in", "spaces")], None
    return [named, signed_in, _guard("spaces", lambda: _count_spaces(workspace))], workspace


def check_space(
    workspace: DatabricksWorkspace | None, space_id: str | None, warehouse_id: str | None
) -> Iterator[Check]:
    """Whether the space can be edited, and its warehouse exists."""
    if workspace is None or space_id is None:
        reason = "not signed in" if workspace is None else "name one with --space"
        yield from _skipped(reason, "space")
    else:
        try:
            live = workspace.spaces.get_space(space_id)
        except GenieError as error:
            yield _failed("space", error)
        else:
            yield Check("space", OK, f"{live.title} ({space_id}) can be read and edited")
            warehouse_id = warehouse_id or live.warehouse_id
    if workspace is None or not warehouse_id:
        reason = "not signed in" if workspace is None else "no space and no DATABRICKS_WAREHOUSE_ID names one"
        yield from _skipped(reason, "warehouse")
        return
    yield _guard("warehouse", lambda: _check_warehouse(workspace, warehouse_id))


def _count_spaces(workspace: DatabricksWorkspace) -> Check:
    count = sum(1 for _ in workspace.spaces.list_spaces())
    if count == 0:
        return Check("spaces", FAIL, "no space is visible to this user", "ask an owner to share a space")
    return Check("spaces", OK, f"{count} visible" if count > 1 else "1 visible")


def _check_warehouse(workspace: DatabricksWorkspace, warehouse_id: str) -> Check:
    state = workspace.sql.warehouse_state(warehouse_id)
    if state in _GONE:
        return Check("warehouse", FAIL, f"{warehouse_id} is {state.lower()}", "choose another in the space's settings")
    starts = "" if state == "RUNNING" else " (starts when a statement comes)"
    return Check("warehouse", OK, f"{warehouse_id} is {state.lower()}{starts}")


def _check_artifact_root(root: str, env: Mapping[str, str]) -> Check:
    from importlib.util import find_spec

    scheme = urlsplit(root).scheme
    if scheme != "s3":
        return Check("artifacts", OK, f"kept in {scheme or 'file'} storage")
    if find_spec("boto3") is None:
        return Check("artifacts", FAIL, "artifacts are on S3, but boto3 is not installed", "pip install boto3")
    credentials = (
        (env.get("AWS_ACCESS_KEY_ID") and env.get("AWS_SECRET_ACCESS_KEY"))
        or env.get("AWS_PROFILE")
        or env.get("AWS_WEB_IDENTITY_TOKEN_FILE")
        or env.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        or Path(env.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials").expanduser().exists()
    )
    if not credentials:
        return Check(
            "artifacts", FAIL, "artifacts are on S3, but there are no credentials for it",
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (for MinIO its own pair)",
        )  # fmt: skip
    endpoint = env.get("MLFLOW_S3_ENDPOINT_URL", "").strip()
    if endpoint and urlsplit(endpoint).scheme not in ("http", "https"):
        return Check(
            "artifacts", FAIL, "MLFLOW_S3_ENDPOINT_URL is not an address", "set it to http(s)://HOST:PORT of MinIO"
        )
    return Check("artifacts", OK, "on S3 through MLFLOW_S3_ENDPOINT_URL" if endpoint else "on S3 of AWS")


def _tracking_uri() -> str:
    import mlflow

    return str(mlflow.get_tracking_uri())


def _sqlite_file(uri: str) -> Path | None:
    scheme, found, rest = uri.partition(":///")
    if not found or scheme.partition("+")[0] != "sqlite" or rest.startswith(":memory:"):
        return None
    return Path(rest.partition("?")[0])


def _is_unmade(uri: str) -> bool:
    """Tell whether ``uri`` is an SQLite database that is not there yet; looking would make it."""
    database = _sqlite_file(uri)
    return database is not None and not database.exists()


def _nearest_folder(path: Path) -> Path:
    return next((place for place in (path, *path.absolute().parents) if place.exists()), Path())


def _guard(name: str, run: Callable[[], Check]) -> Check:
    try:
        return run()
    except GenieError as error:
        return _failed(name, error)


def _failed(name: str, error: GenieError) -> Check:
    return Check(name, FAIL, f"{error.what} [{error.code}]", error.next_step, error)


def _skipped(reason: str, *names: str) -> list[Check]:
    return [Check(name, SKIP, reason) for name in names]


def as_document(checks: list[Check]) -> dict[str, Any]:
    """Return the checks for machines."""
    return {
        "format_version": 1,
        "checks": [check.to_json() for check in checks],
        "problems": sum(check.status == FAIL for check in checks),
    }
