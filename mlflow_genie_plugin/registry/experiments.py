"""Experiments: where runs and models go."""

from __future__ import annotations

from mlflow_genie_plugin.registry.connection import client, translate_errors


def create_experiment(name: str, artifact_location: str | None = None) -> str:
    """Create an experiment and return its id.

    Raises:
        UsageError: An experiment of that name exists.
        TrackingUnavailableError: The store cannot be reached.
    """
    with translate_errors(what=f"experiment {name!r}"):
        return str(client().create_experiment(name, artifact_location=artifact_location))
