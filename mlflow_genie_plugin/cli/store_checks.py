"""Whether MLflow's stores answer and suit the workspace: tracking, registry, artifacts. Looking makes none of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mlflow_genie_plugin.cli.check import FAIL, OK, SKIP, Check, failed
from mlflow_genie_plugin.errors import GenieError

if TYPE_CHECKING:
    from mlflow_genie_plugin.workspace.auth import DatabricksWorkspace


_LOCAL_STORES = ("sqlite", "file", "")


def check_tracking() -> Check:
    """Whether the tracking store answers. A local database that is not there yet is not made by looking."""
    from mlflow_genie_plugin.registry.connection import client, tracking_place, translate_errors

    uri = _tracking_uri()
    if (database := _sqlite_file(uri)) is not None and not database.exists():
        place = nearest_folder(database.parent)
        if not os.access(place, os.W_OK | os.X_OK):
            return Check("tracking", FAIL, f"{tracking_place()} cannot be written", "set MLFLOW_TRACKING_URI")
        return Check("tracking", OK, f"{tracking_place()} (made at the first use)")
    try:
        with translate_errors():
            client().search_experiments(max_results=1)
    except GenieError as error:
        return failed("tracking", error)
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
        return failed("registry", error)
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
        return failed("artifacts", error)
    return check_artifact_root(str(experiment.artifact_location), env)


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


def check_artifact_root(root: str, env: Mapping[str, str]) -> Check:
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


def nearest_folder(path: Path) -> Path:
    return next((place for place in (path, *path.absolute().parents) if place.exists()), Path())
