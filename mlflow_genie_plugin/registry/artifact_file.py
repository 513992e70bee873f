"""Artifacts too large to be held in memory, as files."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from mlflow_genie_plugin.errors import GenieError, ModelNotFoundError
from mlflow_genie_plugin.registry.runs import get_run, run_artifact_path


@dataclass(frozen=True)
class ArtifactFile:
    """An artifact as a file on this machine; what was downloaded is removed when nobody holds this any more."""

    path: Path
    _download: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False, compare=False)


def run_artifact_file(run_id: str, path: str, missing: type[GenieError] = ModelNotFoundError) -> ArtifactFile:
    """Return an artifact of the run as a file; where artifacts are files of this machine, the artifact itself.

    Raises:
        missing: There is no such run or artifact, or a link or a folder stands in the artifact's place.
        TrackingUnavailableError: MLflow or its store of artifacts cannot be reached.
    """
    run = get_run(run_id, missing)
    from mlflow.utils.uri import is_local_uri

    if is_local_uri(run.artifact_uri):  # type: ignore[no-untyped-call]
        return ArtifactFile(run_artifact_path(run, path, missing, None))
    folder = tempfile.TemporaryDirectory(prefix="genie-", ignore_cleanup_errors=True)
    return ArtifactFile(run_artifact_path(run, path, missing, folder.name), folder)
