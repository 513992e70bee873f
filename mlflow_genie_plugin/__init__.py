"""Databricks Genie Spaces as MLflow model versions: snapshot, evaluate, gate, restore.

The names below are imported when they are first used, so that ``import mlflow`` and ``pytest`` never pay for this
package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# A table of strings instead of import statements: a static import here would tie every module of the package to the
# flavor through its root and break the import floors.
_EXPORTS = {
    "SpaceConfig": "mlflow_genie_plugin.space.config",
    "_load_pyfunc": "mlflow_genie_plugin.flavor.load",
    "create_genie_model_version": "mlflow_genie_plugin.snapshot.create",
    "get_default_conda_env": "mlflow_genie_plugin.flavor.save",
    "get_default_pip_requirements": "mlflow_genie_plugin.flavor.save",
    "load_model": "mlflow_genie_plugin.flavor.load",
    "log_model": "mlflow_genie_plugin.flavor.log",
    "restore_config": "mlflow_genie_plugin.snapshot.restore",
    "rollback_to_model": "mlflow_genie_plugin.snapshot.restore",
    "save_model": "mlflow_genie_plugin.flavor.save",
}

FLAVOR_NAME = "genie-space"

__version__ = "0.1.0"
__all__ = [
    "FLAVOR_NAME",
    "SpaceConfig",
    "__version__",
    "create_genie_model_version",
    "get_default_conda_env",
    "get_default_pip_requirements",
    "load_model",
    "log_model",
    "restore_config",
    "rollback_to_model",
    "save_model",
]

if TYPE_CHECKING:
    from mlflow_genie_plugin.flavor.load import load_model
    from mlflow_genie_plugin.flavor.log import log_model
    from mlflow_genie_plugin.flavor.save import get_default_conda_env, get_default_pip_requirements, save_model
    from mlflow_genie_plugin.snapshot.create import create_genie_model_version
    from mlflow_genie_plugin.snapshot.restore import restore_config, rollback_to_model
    from mlflow_genie_plugin.space.config import SpaceConfig


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_EXPORTS])
