"""Space configs from wherever a location points to; workspace and MLflow are loaded only when it points there."""

from __future__ import annotations

from pathlib import Path

from mlflow_genie_plugin.errors import UnreadableFileError
from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.space.location import FileLocation, ModelLocation, parse_location
from mlflow_genie_plugin.space.parse import read_space_file

LOCATION_HELP = "a JSON file, a model (m-…, models:/…, runs:/…), genie:/<space id> or the space's address"


def load_config(location: str, profile: str | None = None, target: str | None = None) -> SpaceConfig:
    """Return the space config at ``location``.

    Args:
        location: A JSON file, a model URI, ``genie:/<space id>``, a space id or a pasted address.
        profile: Databricks profile, for a space.
        target: Target of databricks.yml whose profile is used, for a space.

    Raises:
        UsageError: The location cannot be understood.
        UnreadableFileError: The file is missing or not JSON.
        InvalidSpaceError: The file holds no space config.
        ModelNotFoundError: The model does not exist; the other MG3xx errors say why it may not be used.
        SpaceNotFoundError: The space does not exist; the other MG1xx errors say why it cannot be read.
    """
    where = parse_location(location)
    if isinstance(where, FileLocation):
        return read_space_file(where.path)
    if isinstance(where, ModelLocation):
        from mlflow_genie_plugin.flavor.load import read_snapshot

        return read_snapshot(where.uri).config
    from mlflow_genie_plugin.snapshot.capture import config_of
    from mlflow_genie_plugin.workspace.auth import connect

    return config_of(connect(profile, target).spaces.get_space(where.space_id))


def read_file(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        UnreadableFileError: It is missing, a folder, or not readable.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(
            f"cannot read {path}: {error.strerror or error}", next_step="check the path and its permissions"
        ) from error
