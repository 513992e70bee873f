"""Artifacts too large to be held in memory, as files."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from mlflow_genie_plugin.errors import GenieError, ModelNotFoundError
from mlflow_genie_plugin.registry.connection import client, translate_errors
from mlflow_genie_plugin.registry.runs import get_run


@dataclass(frozen=True)
class ArtifactFile:
    """An artifact as a file on this machine; what was downloaded is removed when nobody holds this any more."""

    path: Path
    _download: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False, compare=False)


def run_artifact_file(run_id: str, path: str, missing: type[GenieError] = ModelNotFoundError) -> ArtifactFile:
    """Return an artifact of the run as a file; where artifacts are files of this machine, the artifact itself.

    Raises:
        missing: There is no such run or artifact.
        TrackingUnavailableError: MLflow or its store of artifacts cannot be reached.
    """
    run = get_run(run_id, missing)
    with translate_errors(missing, f"artifact {path} of run {run_id}"):
        client()
        from mlflow.artifacts import download_artifacts
        from mlflow.utils.uri import is_local_uri

        address = f"{run.artifact_uri.rstrip('/')}/{path}"
        if is_local_uri(run.artifact_uri):  # type: ignore[no-untyped-call]
            return ArtifactFile(Path(download_artifacts(artifact_uri=address)))
        folder = tempfile.TemporaryDirectory(prefix="genie-", ignore_cleanup_errors=True)
        return ArtifactFile(Path(download_artifacts(artifact_uri=address, dst_path=folder.name)), folder)
