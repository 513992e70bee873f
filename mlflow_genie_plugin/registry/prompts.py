"""MLflow's Prompt Registry: versions of a prompt and the aliases that name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlflow_genie_plugin.errors import ModelNotFoundError, UsageError
from mlflow_genie_plugin.registry.connection import client, translate_errors

if TYPE_CHECKING:
    from mlflow.entities.model_registry import PromptVersion

_PAGE = 100
_EXPERIMENTS_TAG = "_mlflow_experiment_ids"  # what MLflow's own register_prompt sets, in a thread of its own


@dataclass(frozen=True, slots=True)
class PromptRecord:
    """One version of a prompt; ``created`` is milliseconds since the epoch, UTC."""

    name: str
    version: int
    text: str
    tags: dict[str, str] = field(hash=False)
    aliases: tuple[str, ...] = ()
    created: int | None = None


def require_prompt_name(name: str) -> None:
    """Refuse a name that this registry cannot hold.

    Raises:
        UsageError: Unity Catalog needs three parts; the legacy registry of a workspace has no prompts.
    """
    if not _has_prompts():
        raise UsageError(
            "the legacy model registry of a Databricks workspace holds no prompts",
            next_step="set MLFLOW_REGISTRY_URI to databricks-uc and give --prompts-schema CATALOG.SCHEMA",
        )
    if not _can_exist(name):
        raise UsageError(
            f"the registry is Unity Catalog, where {name!r} is not a name",
            next_step="give --prompts-schema CATALOG.SCHEMA, or set GENIE_PROMPTS_SCHEMA",
        )


def get_prompt_by_alias(name: str, alias: str) -> PromptRecord | None:
    """Return the version that the alias names; None when prompt or alias do not exist (and only then).

    Raises:
        UsageError: A registered model has that name.
        TrackingUnavailableError: The registry cannot be reached.
    """
    from mlflow.exceptions import MlflowException

    # MLflow's load_prompt is not used: it answers from a cache, and it links what it reads to the active experiment.
    if not _can_exist(name):
        return None
    with translate_errors(ModelNotFoundError, f"prompt {name}"):
        reached = client()
        if reached.get_prompt(name) is None:
            _refuse_model(name)
            return None
        try:
            found = reached.get_prompt_version_by_alias(name, alias)
            return None if found is None else _record(found)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
                return None
            # SQL stores call a missing alias of an existing prompt a bad parameter.
            if error.error_code == "INVALID_PARAMETER_VALUE" and f"{alias} not found" in str(error):
                return None
            raise


def get_prompt(name: str, version: int) -> PromptRecord:
    """Return one version.

    Raises:
        ModelNotFoundError: There is none of that number.
    """
    require_prompt_name(name)
    what = f"version {version} of prompt {name}"
    with translate_errors(ModelNotFoundError, what):
        found = client().get_prompt_version(name, version)
        if found is None:
            raise ModelNotFoundError(f"{what} does not exist", next_step="list them: mlflow-genie prompts versions")
        return _record(found)


def prompt_versions(name: str, alias: str) -> list[PromptRecord]:
    """Return every version, newest first, ``alias`` noted on the one it names; empty when there is no such prompt.

    Raises:
        UsageError: A registered model has that name.
    """
    live = get_prompt_by_alias(name, alias)
    with translate_errors(ModelNotFoundError, f"prompt {name}"):
        reached = client()
        if live is None and (not _can_exist(name) or reached.get_prompt(name) is None):
            return []
        found: list[PromptRecord] = []
        token: str | None = None
        while True:
            page = reached.search_prompt_versions(name, _PAGE, token)
            if hasattr(page, "prompt_versions"):
                # Unity Catalog's client answers with a raw message here, unlike in every other call.
                found += [get_prompt(name, int(item.version)) for item in page.prompt_versions]
                token = page.next_page_token
            else:
                found += [_record(item) for item in page]
                token = page.token
            if not token:
                break
    # The search leaves aliases out.
    named = [
        PromptRecord(item.name, item.version, item.text, item.tags, (alias,), item.created)
        if live is not None and item.version == live.version
        else item
        for item in found
    ]
    return sorted(named, key=lambda item: item.version, reverse=True)


def register_prompt(name: str, text: str, tags: Mapping[str, str], experiment_id: str) -> int:
    """Add a version with this text (the prompt is created when it does not exist) and return its number."""
    require_prompt_name(name)
    with translate_errors(ModelNotFoundError, f"prompt {name}"):
        reached = client()
        if reached.get_prompt(name) is None:
            _refuse_model(name)
            reached.create_prompt(name, tags=dict(tags))
        created = reached.create_prompt_version(name, text, tags=dict(tags))
        if not _is_unity_catalog():
            _link(name, experiment_id)
        return int(created.version)


def set_prompt_alias(name: str, alias: str, version: int) -> None:
    """Point the alias to the version."""
    with translate_errors(ModelNotFoundError, f"version {version} of prompt {name}"):
        client().set_prompt_alias(name, alias, version)


def _link(name: str, experiment_id: str) -> None:
    """Show the prompt in the experiment's Prompts tab."""
    prompt = client().get_prompt(name)
    linked = [item for item in (prompt.tags if prompt else {}).get(_EXPERIMENTS_TAG, "").split(",") if item]
    if experiment_id not in linked:
        client().set_prompt_tag(name, _EXPERIMENTS_TAG, f",{','.join([*linked, experiment_id])},")


def _refuse_model(name: str) -> None:
    """Raise when the name belongs to a registered model: prompts and models share their names."""
    from mlflow.exceptions import MlflowException

    if _is_unity_catalog():
        return  # a namespace of its own there
    try:
        client().get_registered_model(name)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
            return
        if "prompt" in str(error).lower():
            return  # made by someone else a moment ago
        raise
    raise UsageError(
        f"{name} is a registered model, so no prompt can have that name", next_step="rename or delete the model"
    )


def _can_exist(name: str) -> bool:
    return _has_prompts() and (not _is_unity_catalog() or len(name.split(".")) == 3)


def _has_prompts() -> bool:
    import mlflow
    from mlflow.prompt.registry_utils import is_prompt_supported_registry

    return bool(is_prompt_supported_registry(mlflow.get_registry_uri()))


def _is_unity_catalog() -> bool:
    import mlflow

    return str(mlflow.get_registry_uri()).startswith("databricks-uc")


def _record(version: PromptVersion) -> PromptRecord:
    text = version.template
    if not isinstance(text, str):
        raise UsageError(
            f"version {version.version} of prompt {version.name} is a list of chat messages, not a text",
            next_step="register it as one text",
        )
    return PromptRecord(
        name=version.name,
        version=int(version.version),
        text=text,
        tags={key: str(value) for key, value in (version.tags or {}).items()},
        aliases=tuple(version.aliases or ()),
        created=version.creation_timestamp,
    )
