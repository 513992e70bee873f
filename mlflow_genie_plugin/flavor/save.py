"""Saving a space config as an MLflow model of flavor ``genie-space``.

A saved model holds ``genie_space.json`` (the config, unknown keys kept) and the environment files every MLflow model
has; no code and no pickles. The native form is loaded with :func:`mlflow_genie_plugin.load_model`; the
``python_function`` form asks the live space, so that ``mlflow.pyfunc.load_model(…).predict(questions)`` works.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.clock import SYSTEM_CLOCK, iso_utc
from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.flavor.layout import (
    CONDA_FILE,
    CONSTRAINTS_FILE,
    DEFAULT_MODEL_CONFIG,
    FLAVOR_NAME,
    FORMAT_VERSION,
    LOADER_MODULE,
    MLMODEL,
    PYTHON_ENV_FILE,
    REQUIREMENTS_FILE,
    SPACE_FILE,
    SpaceFile,
    make_space_file,
)
from mlflow_genie_plugin.flavor.serving import default_resources, default_signature
from mlflow_genie_plugin.registry.runs import write_files
from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.space.parse import parse_space, read_space_file

if TYPE_CHECKING:
    from mlflow.models import Model, ModelSignature
    from mlflow.models.resources import Resource

Space = SpaceConfig | SpaceFile | Mapping[str, Any] | str | Path


def get_default_pip_requirements() -> list[str]:
    """Return the pip requirements of a saved model: this package, which brings all it needs."""
    from mlflow.utils.requirements_utils import _get_pinned_requirement

    return [str(_get_pinned_requirement("mlflow-genie-plugin", module="mlflow_genie_plugin"))]  # type: ignore[no-untyped-call]


def get_default_conda_env() -> dict[str, Any]:
    """Return the conda environment of a saved model."""
    from mlflow.utils.environment import _mlflow_conda_env

    return dict(_mlflow_conda_env(additional_pip_deps=get_default_pip_requirements()))  # type: ignore[no-untyped-call]


def save_model(
    space: Space,
    path: str | Path,
    conda_env: dict[str, Any] | str | None = None,
    code_paths: Sequence[str] | None = None,
    mlflow_model: Model | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    pip_requirements: Sequence[str] | str | None = None,
    extra_pip_requirements: Sequence[str] | str | None = None,
    metadata: dict[str, Any] | None = None,
    model_config: Mapping[str, Any] | None = None,
    *,
    space_id: str | None = None,
    resources: Sequence[Resource] | None = None,
    further_files: Mapping[str, bytes] | None = None,
    validate_serving_input: bool = False,
) -> None:
    """Save a space config to a local folder. The live space is not contacted.

    Args:
        space: Space config: a :class:`~mlflow_genie_plugin.SpaceConfig`, a document or API answer as a dict, or
            the path of a JSON file.
        path: Folder to write to; must be empty or not exist.
        conda_env: Conda environment, as a dict or the path of a YAML file.
        code_paths: Must be None: a saved space holds no code.
        mlflow_model: The :class:`mlflow.models.Model` the flavor is added to.
        signature: Default: one unnamed string column, the question.
        input_example: A question or several; stored, never asked.
        pip_requirements: Replaces the default requirements; nothing is inferred.
        extra_pip_requirements: Added to the default requirements.
        metadata: Custom entries of the MLmodel file.
        model_config: Defaults of what ``mlflow.pyfunc.load_model(model_config=…)`` may override: ``warehouse_id``,
            ``profile``, ``timeout_seconds``. ``space_id`` is the model's own; ``allow_drift`` and ``verify`` can only
            be given when loading.
        space_id: Id of the space, when ``space`` does not say it.
        resources: Databricks resources for serving; default: the space, its warehouse, tables and functions.
        further_files: More files of the model (relative path → bytes).
        validate_serving_input: Accepted for MLflow's sake and never done: it would ask the live space.

    Raises:
        UsageError: ``code_paths`` is given, the space id is unknown, or ``model_config`` holds something else.
        InvalidSpaceError: ``space`` is no space config.
    """
    from mlflow import pyfunc
    from mlflow.models import Model
    from mlflow.models.utils import _save_example
    from mlflow.utils.environment import (
        _process_conda_env,
        _process_pip_requirements,
        _PythonEnv,
        _validate_env_arguments,
    )
    from mlflow.utils.model_utils import _validate_and_prepare_target_save_path

    del validate_serving_input
    if code_paths is not None:
        raise UsageError(
            "code_paths is given, but a saved space holds no code", next_step="leave it out; publish code as a package"
        )
    _validate_env_arguments(conda_env, pip_requirements, extra_pip_requirements)  # type: ignore[no-untyped-call]
    file = as_space_file(space, space_id)
    config = _stored_config(file, model_config)
    folder = Path(path).absolute()
    _validate_and_prepare_target_save_path(str(folder))  # type: ignore[no-untyped-call]

    model = Model() if mlflow_model is None else mlflow_model
    model.signature = default_signature() if signature is None else signature
    _save_example(model, input_example, str(folder))
    if metadata is not None:
        model.metadata = metadata
    if resources is not None:
        model.resources = list(resources)
    elif not model.resources and not model.auth_policy:
        model.resources = default_resources(file.config)

    write_files(folder, {SPACE_FILE: file.data, **(further_files or {})})
    pyfunc.add_to_model(
        model,
        loader_module=LOADER_MODULE,
        data=SPACE_FILE,
        conda_env=CONDA_FILE,
        python_env=PYTHON_ENV_FILE,
        model_config=config,
    )
    proof: dict[str, Any] = {**file.proof(), "format_version": FORMAT_VERSION}
    model.add_flavor(FLAVOR_NAME, data=SPACE_FILE, **proof)
    model.save(str(folder / MLMODEL))

    if conda_env is None:
        default = get_default_pip_requirements() if pip_requirements is None else None
        environment, requirements, constraints = _process_pip_requirements(  # type: ignore[no-untyped-call]
            default, pip_requirements, extra_pip_requirements
        )
    else:
        environment, requirements, constraints = _process_conda_env(conda_env)  # type: ignore[no-untyped-call]
    import yaml

    write_files(
        folder,
        {
            CONDA_FILE: yaml.safe_dump(environment, default_flow_style=False).encode(),
            REQUIREMENTS_FILE: "\n".join(requirements).encode(),
            **({CONSTRAINTS_FILE: "\n".join(constraints).encode()} if constraints else {}),
        },
    )
    _PythonEnv.current().to_yaml(str(folder / PYTHON_ENV_FILE))  # type: ignore[no-untyped-call]


def as_space_file(space: Space, space_id: str | None = None) -> SpaceFile:
    """Return the content of ``genie_space.json`` for any form of a space config.

    Raises:
        UsageError: Neither ``space`` nor ``space_id`` says which space it is, or they disagree.
    """
    if isinstance(space, SpaceFile):
        return space
    if isinstance(space, SpaceConfig):
        config = space
    elif isinstance(space, Mapping):
        config = parse_space(space)
    else:
        config = read_space_file(space)
    if space_id and config.space_id and space_id != config.space_id:
        raise UsageError(f"the config is of space {config.space_id}, but space_id is {space_id}")
    known = space_id or config.space_id
    if not known:
        raise UsageError("the config does not say which space it is of", next_step="give space_id")
    return make_space_file(config, known, iso_utc(SYSTEM_CLOCK.now()))


def _stored_config(file: SpaceFile, given: Mapping[str, Any] | None) -> dict[str, Any]:
    config = {
        **DEFAULT_MODEL_CONFIG,
        "space_id": file.space_id,
        "warehouse_id": file.config.envelope.warehouse_id,
        **(given or {}),
    }
    if unknown := sorted(set(config) - set(DEFAULT_MODEL_CONFIG)):
        raise UsageError(
            f"model_config has unknown entries: {', '.join(unknown)}",
            next_step=f"known: {', '.join(DEFAULT_MODEL_CONFIG)}",
        )
    fixed = {"space_id": file.space_id, "allow_drift": False, "verify": "tracking"}
    for key, value in fixed.items():
        if config[key] != value:
            raise UsageError(
                f"model_config {key} cannot be saved with the model",
                next_step=f"give it when loading: mlflow.pyfunc.load_model(uri, model_config={{{key!r}: …}})",
            )
    return config
