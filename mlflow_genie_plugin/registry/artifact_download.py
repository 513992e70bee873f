"""One artifact from wherever the store keeps it: the path of a file, or what stands there instead of one."""

from __future__ import annotations

import stat
from pathlib import Path, PurePosixPath

from mlflow_genie_plugin.errors import GenieError, UsageError
from mlflow_genie_plugin.registry.connection import client, tracking_place, translate_errors

_LINK, _FOLDER = "a symbolic link", "a folder"
# What a tracking server says of a link and of a folder among its artifacts; it has no error code for either.
_SAID = {
    "resolved path is outside the artifact directory": _LINK,
    "Artifact path refers to a directory": _FOLDER,
}
# In the middle of a text when MLflow reports a download that failed: its own code is then that of an internal error.
_GONE = "RESOURCE_DOES_NOT_EXIST"


def download_artifact(
    location: str,
    name: str,
    what: str,
    *,
    missing: type[GenieError],
    replaced: type[GenieError],
    again: str,
    folder: str | None = None,
) -> Path:
    """Return the path of the artifact ``name`` under the artifact address ``location``.

    A link is not followed and a folder is not read, whatever they hold: MLflow writes neither.

    Args:
        location: Artifact address of a model or a run.
        name: Relative path of the artifact.
        what: What to call it in messages.
        missing: Raised when there is no such artifact.
        replaced: Raised when something else than a file stands in its place.
        again: How to make it anew, for the next step of that message.
        folder: Where to put a copy; None hands out the store's own file where that is on this machine.

    Raises:
        TrackingUnavailableError: MLflow or its store of artifacts cannot be reached.
        UsageError: ``name`` is no path inside the artifacts.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise UsageError(f"{name!r} is not a path inside the artifacts")

    def refuse(instead: str) -> GenieError:
        return replaced(
            f"{what} was replaced: {instead} stands in its place",
            next_step=f"do not use it; find out who can write to the artifacts, then {again}",
        )

    with translate_errors(missing, what):
        client()
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException
        from mlflow.utils.file_utils import local_file_uri_to_path
        from mlflow.utils.uri import is_local_uri
        from requests.exceptions import HTTPError

        if is_local_uri(location):  # type: ignore[no-untyped-call]
            root = Path(local_file_uri_to_path(location))  # type: ignore[no-untyped-call]
            if instead := _instead_of_a_file(root, path):
                raise refuse(instead)
        try:
            found = Path(download_artifacts(artifact_uri=f"{location.rstrip('/')}/{name}", dst_path=folder))
        except (MlflowException, HTTPError) as error:
            text = str(error)
            for said, instead in _SAID.items():
                if said in text:
                    raise refuse(instead) from error
            if _GONE in text:
                where = f"check the id; the tracking server is {tracking_place()}"
                raise missing(f"{what} does not exist", next_step=where) from error
            raise
        if found.is_dir():
            raise refuse(_FOLDER)
        return found


def _instead_of_a_file(root: Path, path: PurePosixPath) -> str | None:
    """Return what stands where a file of this machine should be; None for a file, and for nothing at all."""
    for parts in range(1, len(path.parts) + 1):
        try:
            mode = root.joinpath(*path.parts[:parts]).lstat().st_mode
        except OSError:
            return None
        if stat.S_ISLNK(mode):
            return _LINK
    if stat.S_ISDIR(mode):
        return _FOLDER
    # Reading a named pipe would wait for ever.
    return None if stat.S_ISREG(mode) else "something that is no file"
