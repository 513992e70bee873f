"""Registered models: versions, aliases, and the logged model behind a version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import ModelNotFoundError
from mlflow_genie_plugin.registry.connection import client, translate_errors

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One version of a registered model; ``model_id`` is None when it was not registered from a logged model."""

    name: str
    version: str
    model_id: str | None
    source: str
    tags: dict[str, str] = field(hash=False)
    aliases: tuple[str, ...] = ()


def register_model(model_id: str, name: str, tags: Mapping[str, str] | None = None) -> VersionRecord:
    """Make the logged model a new version of the registered model ``name`` (created when it does not exist)."""
    import contextlib
    import io

    with translate_errors(ModelNotFoundError, f"model {model_id}"):
        client()
        import mlflow

        # MLflow prints two lines of its own; what was registered is said by whoever calls.
        with contextlib.redirect_stderr(io.StringIO()):
            return _record(mlflow.register_model(f"models:/{model_id}", name, tags=dict(tags) if tags else None))


def get_version(name: str, version: str) -> VersionRecord:
    """Return one version.

    Raises:
        ModelNotFoundError: No such registered model or version.
    """
    with translate_errors(ModelNotFoundError, f"version {version} of registered model {name}"):
        return _record(client().get_model_version(name, version))


def get_version_by_alias(name: str, alias: str) -> VersionRecord:
    """Return the version that the alias points to now.

    Raises:
        ModelNotFoundError: No such registered model or alias.
    """
    what = f"alias {alias} of registered model {name}"
    from mlflow.exceptions import MlflowException

    with translate_errors(ModelNotFoundError, what):
        try:
            return _record(client().get_model_version_by_alias(name, alias))
        except MlflowException as error:
            # A missing alias of an existing model is reported as a bad parameter, not as a missing resource.
            if error.error_code == "INVALID_PARAMETER_VALUE" and "not found" in str(error):
                raise ModelNotFoundError(f"{what} does not exist", next_step="check the name and the alias") from error
            raise


def latest_version(name: str) -> VersionRecord:
    """Return the version with the highest number.

    Raises:
        ModelNotFoundError: No such registered model, or it has no versions.
    """
    with translate_errors(ModelNotFoundError, f"registered model {name}"):
        reached = client()
        reached.get_registered_model(name)
        versions = list(reached.search_model_versions(f"name='{name}'"))
    if not versions:
        raise ModelNotFoundError(f"registered model {name} has no versions", next_step="register a model id first")
    return _record(max(versions, key=lambda version: int(version.version)))


def versions_of_model(model_id: str) -> list[VersionRecord]:
    """Return every registered version made from this logged model, oldest first."""
    with translate_errors():
        # The tag on the logged model that lists its versions loses entries under concurrency; the versions do not.
        found = client().search_model_versions(f"source_path='models:/{model_id}'")
        return sorted((_record(version) for version in found), key=lambda record: (record.name, int(record.version)))


def set_version_tags(name: str, version: str, tags: Mapping[str, Any]) -> None:
    """Set tags on a version, one request each."""
    with translate_errors(ModelNotFoundError, f"version {version} of registered model {name}"):
        for key, value in tags.items():
            client().set_model_version_tag(name, version, key, str(value))


def delete_version_tag(name: str, version: str, key: str) -> None:
    """Remove a tag of a version; one that is not there is fine."""
    if key not in get_version(name, version).tags:
        return
    with translate_errors(ModelNotFoundError, f"version {version} of registered model {name}"):
        client().delete_model_version_tag(name, version, key)


def set_alias(name: str, alias: str, version: str) -> None:
    """Point the alias to the version."""
    with translate_errors(ModelNotFoundError, f"version {version} of registered model {name}"):
        client().set_registered_model_alias(name, alias, version)


def delete_alias(name: str, alias: str) -> None:
    """Remove the alias; one that is not there is fine."""
    with translate_errors(ModelNotFoundError, f"registered model {name}"):
        client().delete_registered_model_alias(name, alias)


def _record(version: ModelVersion) -> VersionRecord:
    source = version.source or ""
    # SQL stores leave model_id empty; the source names the logged model there.
    model_id = version.model_id or (source.removeprefix("models:/") if source.startswith("models:/m-") else None)
    return VersionRecord(
        name=version.name,
        version=str(version.version),
        model_id=model_id,
        source=source,
        tags=dict(version.tags or {}),
        aliases=tuple(version.aliases or ()),
    )
