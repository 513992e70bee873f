"""Experiments: where runs and models go."""

from __future__ import annotations

from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.registry.connection import client, current_experiment_id, translate_errors


def create_experiment(name: str, artifact_location: str | None = None) -> str:
    """Create an experiment and return its id.

    Raises:
        UsageError: An experiment of that name exists.
        TrackingUnavailableError: The store cannot be reached.
    """
    with translate_errors(what=f"experiment {name!r}"):
        return str(client().create_experiment(name, artifact_location=artifact_location))


def experiment_named(name: str | None) -> str:
    """Return the id of the experiment of that name, made when it does not exist; without a name, of the current one.

    Raises:
        UsageError: An experiment of that name was deleted.
        TrackingUnavailableError: The store cannot be reached.
    """
    if not name:
        return current_experiment_id()
    with translate_errors(what=f"experiment {name!r}"):
        found = client().get_experiment_by_name(name)
    if found is None:
        return create_experiment(name)
    if found.lifecycle_stage != "active":
        raise UsageError(f"experiment {name!r} is deleted", next_step="restore it, or choose another name")
    return str(found.experiment_id)
