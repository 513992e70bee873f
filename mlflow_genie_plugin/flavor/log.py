"""Logging a space config as an MLflow LoggedModel, whose write-once params prove the files it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.flavor import save
from mlflow_genie_plugin.flavor.layout import FLAVOR_NAME, MODEL_TYPE, SpaceFile
from mlflow_genie_plugin.flavor.save import Space, as_space_file
from mlflow_genie_plugin.flavor.serving import default_resources
from mlflow_genie_plugin.registry import get_model, get_run, translate_errors

if TYPE_CHECKING:
    from mlflow.models import ModelSignature
    from mlflow.models.model import ModelInfo
    from mlflow.models.resources import Resource


def log_model(
    space: Space,
    name: str | None = None,
    *,
    artifact_path: str | None = None,
    conda_env: dict[str, Any] | str | None = None,
    code_paths: Sequence[str] | None = None,
    registered_model_name: str | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    await_registration_for: int = 300,
    pip_requirements: Sequence[str] | str | None = None,
    extra_pip_requirements: Sequence[str] | str | None = None,
    metadata: dict[str, Any] | None = None,
    model_config: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    model_type: str | None = MODEL_TYPE,
    step: int = 0,
    model_id: str | None = None,
    run_id: str | None = None,
    resources: Sequence[Resource] | None = None,
    auth_policy: Any = None,
    prompts: Sequence[Any] | None = None,
    space_id: str | None = None,
    further_files: Mapping[str, bytes] | None = None,
    validate_serving_input: bool = False,
) -> ModelInfo:
    """Log a space config as an MLflow LoggedModel with its hashes as write-once params.

    The live space is not contacted. With an active run MLflow links the model to it and copies the run's params;
    without one no run is created. ``mlflow-genie snapshot`` and ``create_genie_model_version`` do more: they read the
    space, record lineage and Unity Catalog metadata, and keep a run of their own.

    Args:
        space: As for :func:`save_model`.
        name: Name of the model.
        artifact_path: Deprecated by MLflow in favour of ``name``.
        conda_env: As for :func:`save_model`.
        code_paths: Must be None.
        registered_model_name: Also registers the model under this name.
        signature: As for :func:`save_model`.
        input_example: As for :func:`save_model`.
        await_registration_for: Seconds to wait until the registered version is ready.
        pip_requirements: As for :func:`save_model`.
        extra_pip_requirements: As for :func:`save_model`.
        metadata: As for :func:`save_model`.
        model_config: As for :func:`save_model`.
        params: More write-once params of the model.
        tags: Tags of the model.
        model_type: Type of the model.
        step: Step that the model is logged at.
        model_id: Log into this existing model, which must be PENDING and already have the hashes as params.
        run_id: Link to this run instead of the active one.
        resources: As for :func:`save_model`.
        auth_policy: Authentication for Databricks serving; excludes ``resources``.
        prompts: Prompt versions or URIs to link.
        space_id: As for :func:`save_model`.
        further_files: As for :func:`save_model`.
        validate_serving_input: Accepted for MLflow's sake and never done: it would ask the live space.

    Returns:
        MLflow's description of the model; ``model_id`` names it.

    Raises:
        UsageError: A param would contradict the recorded hashes; or as for :func:`save_model`.
        TrackingUnavailableError: The tracking server cannot be reached.
    """
    del validate_serving_input
    from mlflow.models import Model

    file = as_space_file(space, space_id)
    if resources is None and auth_policy is None:
        resources = default_resources(file.config)
    with translate_errors():
        recorded = {**{key: str(value) for key, value in (params or {}).items()}, **file.proof()}
        if model_id is None:
            _require_own_params(recorded, params or {}, run_id)
        else:
            _require_waiting_model(model_id, file)
        return Model.log(  # type: ignore[no-any-return]
            artifact_path=artifact_path,
            name=name,
            flavor=save,
            flavor_name=FLAVOR_NAME,
            registered_model_name=registered_model_name,
            await_registration_for=await_registration_for,
            metadata=metadata,
            run_id=run_id,
            resources=list(resources) if resources is not None else None,
            auth_policy=auth_policy,
            prompts=list(prompts) if prompts is not None else None,
            params=recorded,
            tags=dict(tags) if tags is not None else None,
            model_type=model_type,
            step=step,
            model_id=model_id,
            # From here on: passed to save_model. Model.log also reads validate_serving_input, and would ask the space.
            validate_serving_input=False,
            space=file,
            conda_env=conda_env,
            code_paths=code_paths,
            signature=signature,
            input_example=input_example,
            pip_requirements=pip_requirements,
            extra_pip_requirements=extra_pip_requirements,
            model_config=dict(model_config) if model_config is not None else None,
            further_files=further_files,
        )


def log_prepared(file: SpaceFile, model_id: str, run_id: str, further_files: Mapping[str, bytes]) -> None:
    """Put the files into a model that was just created, PENDING, with the params of this very file."""
    from mlflow.models import Model

    with translate_errors():
        Model.log(
            artifact_path=None,
            flavor=save,
            run_id=run_id,
            model_id=model_id,
            resources=default_resources(file.config),
            space=file,
            further_files=further_files,
        )


def _require_waiting_model(model_id: str, file: SpaceFile) -> None:
    # MLflow would overwrite the files of a finished model; its params, which prove the files, stay as they are.
    record = get_model(model_id)
    if record.is_ready:
        raise UsageError(f"model {model_id} is finished and cannot be logged again", next_step="log a new model")
    for key, value in file.proof().items():
        if record.params.get(key) != value:
            raise UsageError(
                f"model {model_id} was created with {key}={record.params.get(key)}, but the space config gives {value}",
                next_step="create the model with the params of this config",
            )


def _require_own_params(recorded: Mapping[str, str], given: Mapping[str, Any], run_id: str | None) -> None:
    # Model.log lets the params of a run win over those given, also over the hashes that prove the model.
    import mlflow

    run = run_id or (active.info.run_id if (active := mlflow.active_run()) else None)
    inherited = get_run(run).params if run else {}
    for source, values in (("params", given), ("the run's params", inherited)):
        for key, value in values.items():
            if key in recorded and recorded[key] != str(value):
                raise UsageError(
                    f"{source} hold {key}={value}, but the space config gives {recorded[key]}",
                    next_step="leave that param out, or log the model outside of that run",
                )
