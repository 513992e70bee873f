"""Unity Catalog metadata as a version stored it: read back, proven, and made comparable with a new capture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.errors import ModelNotFoundError, TamperedModelError
from mlflow_genie_plugin.snapshot import describe
from mlflow_genie_plugin.space.catalog import Capture, UcMetadata, uc_sha256

if TYPE_CHECKING:
    from mlflow_genie_plugin.flavor.load import Snapshot


def read_metadata(snapshot: Snapshot) -> UcMetadata:
    """Return the Unity Catalog metadata of a version, proven; not requested when the version has none.

    Raises:
        TamperedModelError: It is not what was recorded.
    """
    recorded = snapshot.model.params.get("uc_sha256")
    if recorded is None:
        return UcMetadata()
    found = {}
    for kind in ("columns", "tags", "routines"):
        name = f"model_state/uc_{kind}.json"
        try:
            document = _parsed(registry.download_model_file(snapshot.model, name))
            found[kind] = Capture(document["status"], tuple(document["rows"]), document["error"])
        except (ModelNotFoundError, ValueError, KeyError, TypeError) as error:
            raise TamperedModelError(
                f"{name} of model {snapshot.model_id} is gone or not what was stored",
                next_step="snapshot the space again",
            ) from error
    metadata = UcMetadata(**found)
    if uc_sha256(metadata) != recorded:
        raise TamperedModelError(
            f"the Unity Catalog metadata of model {snapshot.model_id} is not what was recorded (uc_sha256)",
            next_step="snapshot the space again",
        )
    return metadata


def comparable_metadata(parent: Snapshot, uc_schema: str | None) -> UcMetadata:
    """Return the parent's metadata; of another schema it is none, or everything would look removed or added."""
    metadata = read_metadata(parent)
    limit = parent.model.params.get("uc_schema", describe.NONE)
    if limit == (uc_schema or describe.NONE):
        return metadata
    other = Capture("not_requested", (), f"the parent's metadata is limited to schema {limit}, this one's is not")
    if uc_schema is not None:
        other = Capture("not_requested", (), f"this metadata is limited to schema {uc_schema}, the parent's to {limit}")
    return UcMetadata(other, other, other)


def _parsed(data: bytes) -> dict[str, Any]:
    document = json.loads(data)
    if not isinstance(document, dict):
        raise TypeError("not an object")
    return document
