"""From what names a model version (an id, a registered version, an alias, a run) to its record, pinned once."""

from __future__ import annotations

import re

from mlflow_genie_plugin.errors import ModelNotFoundError, UsageError
from mlflow_genie_plugin.registry import versions
from mlflow_genie_plugin.registry.connection import client, translate_errors
from mlflow_genie_plugin.registry.models import ModelRecord, get_model

MODEL_ID = re.compile(r"m-[0-9a-f]{32}")
_RUN_URI = re.compile(r"runs:/+([^/]+)(?:/(.*?))?/*")
_NEXT = "give a model id (m-…), models:/NAME/VERSION, models:/NAME@ALIAS or runs:/RUN_ID/NAME"


def resolve_model(reference: str) -> ModelRecord:
    """Return the one model that ``reference`` names now, pinned by its id.

    Args:
        reference: ``m-…``, ``models:/m-…``, ``models:/NAME/3``, ``models:/NAME/latest``, ``models:/NAME@alias`` or
            ``runs:/RUN_ID[/NAME]``.

    Raises:
        ModelNotFoundError: The model, version, alias or run does not exist, was deleted, or was never finished.
        UsageError: The text is none of these forms.
        TrackingUnavailableError: The store cannot be reached.
    """
    text = reference.strip()
    if text.startswith("runs:"):
        record = _of_run(text)
    elif text.startswith("models:"):
        name = text.removeprefix("models:").strip("/")
        record = get_model(name) if MODEL_ID.fullmatch(name) else _of_version(text, name)
    elif text.startswith("m-"):
        record = get_model(text)
    else:
        raise UsageError(f"{reference!r} is not a model", next_step=_NEXT)
    if not record.is_ready:
        raise ModelNotFoundError(
            f"model {record.model_id} was never finished (it is {record.status})",
            next_step="whoever created it was interrupted; create the model again",
        )
    return record


def _of_version(reference: str, name: str) -> ModelRecord:
    registered, _, suffix = name.partition("/")
    if "@" in registered and not suffix:
        registered, _, alias = registered.rpartition("@")
        version = versions.get_version_by_alias(registered, alias)
    elif suffix.isdigit():
        version = versions.get_version(registered, suffix)
    elif suffix == "latest":
        version = versions.latest_version(registered)
    else:
        raise UsageError(f"{reference!r} is not a model", next_step=_NEXT)
    if version.model_id is None:
        raise ModelNotFoundError(
            f"version {version.version} of {registered} was not registered from a logged model",
            next_step="register a model id: mlflow.register_model('models:/m-…', NAME)",
        )
    return get_model(version.model_id)


def _of_run(reference: str) -> ModelRecord:
    match = _RUN_URI.fullmatch(reference)
    if match is None:
        raise UsageError(f"{reference!r} is not a model", next_step=_NEXT)
    run_id, name = match.group(1), match.group(2)
    with translate_errors(ModelNotFoundError, f"run {run_id}"):
        outputs = client().get_run(run_id).outputs
    records = [get_model(output.model_id) for output in (outputs.model_outputs if outputs else [])]
    fitting = [record for record in records if not name or record.name == name]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(f"{record.name} ({record.model_id})" for record in records) or "none"
    raise ModelNotFoundError(
        f"run {run_id} has {len(fitting)} models" + (f" named {name}" if name else "") + f"; its models: {known}",
        next_step="give the model id",
    )
