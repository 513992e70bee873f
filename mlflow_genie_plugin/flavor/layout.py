"""What a saved space looks like on disk: file names, flavor keys, and the file ``genie_space.json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import UnreadableFileError
from mlflow_genie_plugin.schemas import require_format_version, violations_of
from mlflow_genie_plugin.space.config import Envelope, SpaceConfig
from mlflow_genie_plugin.space.strict_json import decode, load_strictly

FLAVOR_NAME = "genie-space"
MODEL_TYPE = "genie-space"
LOADER_MODULE = "mlflow_genie_plugin"
FORMAT_VERSION = 1

MLMODEL = "MLmodel"
SPACE_FILE = "genie_space.json"
CONDA_FILE = "conda.yaml"
PYTHON_ENV_FILE = "python_env.yaml"
REQUIREMENTS_FILE = "requirements.txt"
CONSTRAINTS_FILE = "constraints.txt"

# Write-once params that prove what a model holds; a model without them was not logged by this package.
PROOF_PARAMS = ("format_version", "space_id", "config_sha256", "config_hash", "behaviour_sha256", "snapshot_sha256")

# What mlflow.pyfunc.load_model(model_config={…}) may override; all others are refused.
DEFAULT_MODEL_CONFIG: dict[str, Any] = {
    "space_id": "",
    "warehouse_id": None,
    "profile": None,
    "timeout_seconds": None,
    "allow_drift": False,
    "verify": "tracking",
}


@dataclass(frozen=True)
class SpaceFile:
    """The content of ``genie_space.json``.

    Attributes:
        config: Space config with the envelope; its ``space_id`` is set.
        captured_at: When it was read, ISO 8601 UTC.
        permissions: Who may do what with the space, as recorded; empty when it was not captured.
        permissions_error: Why permissions could not be read; None when they were.
        data: The bytes of the file.
    """

    config: SpaceConfig
    captured_at: str
    data: bytes = field(repr=False)
    permissions: tuple[dict[str, Any], ...] = ()
    permissions_error: str | None = None

    @property
    def space_id(self) -> str:
        return self.config.space_id or ""

    @property
    def sha256(self) -> str:
        return sha256_of_bytes(self.data)

    def proof(self) -> dict[str, str]:
        """Return the write-once params that prove this content."""
        return {
            "format_version": str(FORMAT_VERSION),
            "space_id": self.space_id,
            "config_sha256": self.config.content_sha256,
            "config_hash": self.config.content_sha256[:12],
            "behaviour_sha256": self.config.behaviour_sha256,
            "snapshot_sha256": self.sha256,
        }


def make_space_file(
    config: SpaceConfig,
    space_id: str,
    captured_at: str,
    permissions: Sequence[dict[str, Any]] = (),
    permissions_error: str | None = None,
) -> SpaceFile:
    """Return the file for this config; unknown keys of the document are kept as they are."""
    envelope = config.envelope
    document: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "space_id": space_id,
        "captured_at": captured_at,
        "etag": config.etag,
        "envelope": {
            "title": envelope.title,
            "description": envelope.description,
            "warehouse_id": envelope.warehouse_id,
            "parent_path": envelope.parent_path,
        },
        "permissions": list(permissions),
        "serialized_space": config.document,
    }
    if permissions_error is not None:
        document["permissions_error"] = permissions_error
    owned = SpaceConfig(config.document, envelope, space_id, config.etag)
    return SpaceFile(owned, captured_at, json_bytes(document), tuple(permissions), permissions_error)


def parse_space_file(data: bytes, what: str = SPACE_FILE) -> SpaceFile:
    """Read the bytes of a ``genie_space.json``.

    Raises:
        UnreadableFileError: It is not that file.
        UnsupportedFormatError: Its ``format_version`` is another one.
    """
    document = load_strictly(decode(data, what), what)
    require_format_version(document, FORMAT_VERSION, what)
    if violations := violations_of(document, "genie_space"):
        raise UnreadableFileError(
            f"{what} is not a saved space: {violations[0]}", next_step="create the model version again"
        )
    envelope = Envelope(**document["envelope"])
    return SpaceFile(
        SpaceConfig(document["serialized_space"], envelope, document["space_id"], document["etag"]),
        document["captured_at"],
        data,
        tuple(document["permissions"]),
        document.get("permissions_error"),
    )


def json_bytes(value: Any) -> bytes:
    """Return ``value`` as indented UTF-8 JSON with a final newline, keys in the order given."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        # Integers beyond 64 bits.
        return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
