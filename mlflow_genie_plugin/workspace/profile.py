"""Which profile to sign in with, and where that was decided."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow_genie_plugin.errors import UnreadableFileError, UsageError

BUNDLE_FILES = ("databricks.yml", "databricks.yaml")
_TARGET_VARIABLE = "DATABRICKS_BUNDLE_TARGET"


def resolve_profile(
    project_root: str | os.PathLike[str] = ".", profile: str | None = None, target: str | None = None
) -> tuple[str | None, str]:
    """Decide on the Databricks profile: the argument, then ``databricks.yml``, then the environment.

    Of ``databricks.yml`` (looked for in ``project_root`` and the folders above it) the profile of the target counts,
    then the one at top level. The target is the argument, DATABRICKS_BUNDLE_TARGET, the one with ``default: true``, or
    the only one.

    Returns:
        The profile, or None for "let the SDK take the environment or the DEFAULT profile", and the origin in words.

    Raises:
        UnreadableFileError: databricks.yml is not the YAML it should be.
        UsageError: The target is unknown, or the profile is a variable that only the Databricks CLI can resolve.
    """
    if profile:
        return profile, "--profile"
    path = _find_bundle(Path(project_root))
    if path is None:
        if target:
            raise UsageError(
                f"target {target!r} was given, but there is no databricks.yml here or above",
                next_step="run the command in the bundle's folder, or use --profile",
            )
        return _from_environment()
    bundle = _read(path)
    chosen = target or os.environ.get(_TARGET_VARIABLE, "").strip() or None
    name, settings = _target_of(bundle, chosen, path)
    if name is not None and (found := _profile_in(settings, f"targets.{name}", path)):
        return found, f"{path.name}, target {name}"
    if found := _profile_in(bundle, "", path):
        return found, path.name
    if target:
        raise UsageError(
            f"target {target!r} of {path.name} names no workspace.profile",
            next_step=f"add targets.{target}.workspace.profile to {path.name}, or use --profile",
        )
    return _from_environment()


def _from_environment() -> tuple[str | None, str]:
    # In the SDK's order: a host in the environment wins over the host of a profile named there.
    if os.environ.get("DATABRICKS_HOST", "").strip():
        return None, "environment (DATABRICKS_HOST)"
    if named := os.environ.get("DATABRICKS_CONFIG_PROFILE", "").strip():
        return None, f"profile {named} from DATABRICKS_CONFIG_PROFILE"
    return None, "environment or the DEFAULT profile"


def _find_bundle(folder: Path) -> Path | None:
    start = folder.resolve()
    for place in (start, *start.parents):
        for name in BUNDLE_FILES:
            if (place / name).is_file():
                return place / name
    return None


def _read(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path.name}:{mark.line + 1}:{mark.column + 1}" if mark else path.name
        reason = getattr(error, "problem", None) or getattr(error, "strerror", None) or "not UTF-8 text"
        raise UnreadableFileError(
            f"cannot read {place}: {reason}", next_step="correct the file, or use --profile", path=str(path)
        ) from error
    return _mapping({} if document is None else document, "the document", path)


def _target_of(bundle: Mapping[str, Any], wanted: str | None, path: Path) -> tuple[str | None, Mapping[str, Any]]:
    targets = _mapping(bundle.get("targets") or {}, "targets", path)
    if wanted:
        if wanted not in targets:
            known = ", ".join(map(str, targets)) or "none"
            raise UsageError(
                f"{path.name} has no target {wanted!r} (targets: {known})",
                next_step="correct --target, or use --profile",
            )
        name = wanted
    else:
        settings = {str(key): _mapping(value or {}, f"targets.{key}", path) for key, value in targets.items()}
        defaults = [key for key, value in settings.items() if value.get("default") is True]
        if len(defaults) > 1:
            raise UsageError(
                f"{path.name} marks more than one target as default: {', '.join(defaults)}",
                next_step="choose with --target",
            )
        if not defaults and len(settings) != 1:
            return None, {}
        name = (defaults or list(settings))[0]
    return name, _mapping(targets.get(name) or {}, f"targets.{name}", path)


def _profile_in(settings: Mapping[str, Any], place: str, path: Path) -> str | None:
    prefix = f"{place}.workspace" if place else "workspace"
    workspace = _mapping(settings.get("workspace") or {}, prefix, path)
    value = workspace.get("profile")
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise UnreadableFileError(
            f"{path.name}: {prefix}.profile is {value!r}, not the name of a profile",
            next_step="correct the file, or use --profile",
            path=str(path),
        )
    if "${" in value:
        raise UsageError(
            f"{path.name}: {prefix}.profile is {value!r}, a variable that only the Databricks CLI resolves",
            next_step="use --profile",
        )
    return value.strip()


def _mapping(value: Any, place: str, path: Path) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UnreadableFileError(
            f"{path.name}: {place} should be a mapping, but is {type(value).__name__}",
            next_step="correct the file, or use --profile",
            path=str(path),
        )
    return value
