"""Our errors as MLflow's, which is what callers of a deployment client catch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from click import ClickException
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, RESOURCE_CONFLICT, TEMPORARILY_UNAVAILABLE

from mlflow_genie_plugin.errors import ExitCode, GenieError

_MLFLOW_CODES = {ExitCode.CONFLICT: RESOURCE_CONFLICT, ExitCode.UNAVAILABLE: TEMPORARILY_UNAVAILABLE}


class DeploymentError(MlflowException, ClickException):  # type: ignore[misc]
    """One of our errors as MLflow's, which is what callers of a deployment client catch.

    It is click's too: ``mlflow deployments`` shows a traceback for everything else.
    """

    def __init__(self, error: GenieError) -> None:
        code = _MLFLOW_CODES.get(error.exit_code, INVALID_PARAMETER_VALUE)
        super().__init__(f"[{error.code}] {error}", error_code=code)
        self.exit_code = int(error.exit_code)  # type: ignore[misc]  # click reads it from the instance


@contextmanager
def as_mlflow_errors() -> Iterator[None]:
    """Let our errors leave as :class:`DeploymentError`."""
    try:
        yield
    except GenieError as error:
        raise DeploymentError(error) from error
