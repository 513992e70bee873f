"""What init wrote into a repository, kept beside the gates, so that a later version knows what nobody has changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from mlflow_genie_plugin.atomic_files import write_json_atomically
from mlflow_genie_plugin.errors import UnreadableFileError
from mlflow_genie_plugin.schemas import require_format_version, violations_of

RECORD = "gates/.mlflow-genie.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Record:
    """The choices of the last init, and the digest of every file as it was written."""

    plugin_version: str = ""
    ci: str | None = None
    branch: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "format_version": FORMAT_VERSION,
            "plugin_version": self.plugin_version,
            "ci": self.ci,
            "branch": self.branch,
            "files": dict(sorted(self.files.items())),
        }


def read_record(directory: Path) -> Record:
    """Return the record of a repository, an empty one where init never ran.

    Raises:
        UnreadableFileError: It is there and is not what init writes.
        UnsupportedFormatError: Another version of its format.
    """
    path = directory / RECORD
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return Record()
    except OSError as error:
        raise UnreadableFileError(f"cannot read {path}: {error.strerror or error}") from error
    advice = "restore it from git, or delete it: then every file that differs is taken as yours"
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UnreadableFileError(f"{path} is not JSON: {error}", next_step=advice) from error
    require_format_version(document, FORMAT_VERSION, str(path))
    if wrong := violations_of(document, "init_record"):
        raise UnreadableFileError(f"{path} is not a record of init: {wrong[0]}", next_step=advice)
    return Record(document["plugin_version"], document["ci"], document["branch"], document["files"])


def write_record(directory: Path, record: Record) -> None:
    """Write the record.

    Raises:
        UnwritableFileError: It cannot be written.
    """
    write_json_atomically(directory / RECORD, record.to_json())
