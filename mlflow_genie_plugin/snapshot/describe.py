"""The names, params and summaries of a model version, as plain values."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.flavor.layout import SpaceFile, json_bytes
from mlflow_genie_plugin.space.catalog import UcMetadata, uc_sha256

NONE = "none"  # what a param says when there is nothing; MLflow has no empty params
_FORBIDDEN = re.compile(r"[^\w-]+", re.ASCII)
_KINDS = ("columns", "tags", "routines")
_PATCH_KEYS = {
    "type": ("type", "patch_type"),
    "lever": ("lever", "lever_id"),
    "risk_level": ("risk_level", "risk"),
    "target": ("target", "target_object", "table", "object_id"),
}


@dataclass(frozen=True, slots=True)
class PatchSet:
    """The patches that led from the parent to this version, with the bytes that are stored."""

    patches: tuple[dict[str, Any], ...] = ()
    data: bytes = b""

    @property
    def sha256(self) -> str:
        return sha256_of_bytes(self.data) if self.patches else NONE

    def values(self, name: str) -> list[str]:
        """Return ``type``, ``lever``, ``risk_level`` or ``target`` of each patch; "unknown" where it is absent."""
        return [
            str(next((patch[key] for key in _PATCH_KEYS[name] if patch.get(key) is not None), "unknown"))
            for patch in self.patches
        ]

    def summary(self) -> dict[str, Any]:
        """Return the counts by type, lever and risk, and the targets."""
        return {
            "format_version": 1,
            "patch_count": len(self.patches),
            "by_type": dict(sorted(Counter(self.values("type")).items())),
            "by_lever": dict(sorted(Counter(self.values("lever")).items())),
            "by_risk_level": dict(sorted(Counter(self.values("risk_level")).items())),
            "targets": list(dict.fromkeys(self.values("target"))),
        }


def as_patch_set(value: Any) -> PatchSet:
    """Return the patches of a list, or of an object with ``patches``; None is no patches.

    Raises:
        UsageError: It is something else.
    """
    if value is None:
        return PatchSet()
    patches = value.get("patches") if isinstance(value, Mapping) else value
    if not isinstance(patches, (list, tuple)) or not all(isinstance(patch, Mapping) for patch in patches):
        raise UsageError("the patch set is not a list of objects", next_step="give a JSON array of patches")
    try:
        return PatchSet(tuple(dict(patch) for patch in patches), json_bytes(value))
    except (TypeError, ValueError) as error:
        raise UsageError(f"the patch set cannot be stored as JSON: {error}") from error


def clean_domain(domain: str) -> str:
    """Return the domain as it stands in names: MLflow allows none of ``/ : . % " '`` there.

    Raises:
        UsageError: Nothing is left of it.
    """
    cleaned = _FORBIDDEN.sub("-", domain.strip()).strip("-")
    if not cleaned:
        raise UsageError(f"the domain {domain!r} has no letters or digits", next_step="give a word, for example sales")
    return cleaned[:80]


def model_name(domain: str, iteration: int, content_sha256: str) -> str:
    """Return ``genie-{domain}-iter{N}-{hash12}``."""
    return f"genie-{clean_domain(domain)}-iter{iteration}-{content_sha256[:12]}"


def run_name(iteration: int, content_sha256: str) -> str:
    """Return the name of the run that creates the version."""
    return f"create_model_iter{iteration}_{content_sha256[:12]}"


def params_of(
    file: SpaceFile,
    *,
    iteration: int,
    domain: str,
    parent_model_id: str | None,
    patches: PatchSet,
    prompt_versions: Mapping[str, Any] | None,
    metadata: UcMetadata,
    metadata_diff: Mapping[str, Any] | None,
    uc_schema: str | None,
    plugin_version: str,
) -> dict[str, str]:
    """Return all write-once params of a version, as strings."""
    config = file.config
    counts = config.counts()
    instructions = config.instruction_text()
    params = {
        **file.proof(),
        "iteration": str(iteration),
        "domain": domain,
        "parent_model_id": parent_model_id or NONE,
        "uc_sha256": uc_sha256(metadata),
        "uc_schema": uc_schema or NONE,
        "table_count": str(counts["tables"]),
        "mv_count": str(counts["metric_views"]),
        "tvf_count": str(counts["functions"]),
        "data_asset_count": str(counts["tables"] + counts["metric_views"] + counts["functions"]),
        "benchmark_count": str(counts["benchmarks"]),
        "instruction_char_count": str(len(instructions)),
        "instruction_preview": instructions[:200] or NONE,
        "patch_sha256": patches.sha256,
        "patch_count": str(len(patches.patches)),
        "patch_types": _listed(patches.values("type")),
        "patch_levers": _listed(patches.values("lever")),
        "patch_risk_levels": _listed(patches.values("risk_level")),
        # The whole list is in the artifact; three are enough to recognise a version.
        "patch_targets": _listed(patches.values("target")[:3]),
        "prompt_versions": json.dumps(dict(prompt_versions or {}), sort_keys=True, default=str),
        "plugin_version": plugin_version,
    }
    for kind in _KINDS:
        capture = getattr(metadata, kind)
        params[f"uc_{kind}_count"] = str(len(capture.rows)) if capture.status == "ok" else capture.status
        params[f"uc_{kind}_changed"] = _changed(metadata_diff, kind)
    return params


def metadata_files(metadata: UcMetadata, diff: Mapping[str, Any] | None) -> dict[str, bytes]:
    """Return the ``model_state/uc_*.json`` files."""
    files = {
        f"model_state/uc_{kind}.json": json_bytes({"format_version": 1, **getattr(metadata, kind).to_json()})
        for kind in _KINDS
    }
    if diff is not None:
        files["model_state/uc_metadata_diff.json"] = json_bytes({"format_version": 1, **diff})
    return files


def patch_files(patches: PatchSet) -> dict[str, bytes]:
    """Return the ``patches/*.json`` files; none without patches."""
    if not patches.patches:
        return {}
    return {"patches/patch_set.json": patches.data, "patches/patch_summary.json": json_bytes(patches.summary())}


def _changed(diff: Mapping[str, Any] | None, kind: str) -> str:
    if diff is None:
        return NONE
    entry = diff[kind]
    return str(entry["change_count"]) if entry["comparable"] else "not comparable"


def _listed(values: Sequence[str]) -> str:
    return ",".join(dict.fromkeys(values)) or NONE
