"""Reading an MLmodel file as data: what ours may hold, and the refusal of everything that could run code."""

from __future__ import annotations

from typing import Any, NoReturn

from mlflow_genie_plugin.errors import NotAGenieModelError, TamperedModelError
from mlflow_genie_plugin.flavor.layout import (
    CONDA_FILE,
    DEFAULT_MODEL_CONFIG,
    FLAVOR_NAME,
    FORMAT_VERSION,
    LOADER_MODULE,
    PYTHON_ENV_FILE,
    SPACE_FILE,
)
from mlflow_genie_plugin.schemas import require_format_version

PYFUNC = "python_function"
_ENVIRONMENT = {"conda": CONDA_FILE, "virtualenv": PYTHON_ENV_FILE}
# MLflow writes some of these with empty values; anything else in the entry is not ours.
_PYFUNC_KEYS = frozenset({"loader_module", "data", "env", "python_version", "config", "code", "streamable"})
_FLAVOR_KEYS = frozenset(
    {
        "data",
        "format_version",
        "space_id",
        "config_sha256",
        "config_hash",
        "behaviour_sha256",
        "snapshot_sha256",
        "code",
    }
)


def read_mlmodel(data: bytes, what: str) -> dict[str, Any]:
    """Parse an MLmodel file and return it, once everything in it is what this package writes.

    Args:
        data: The bytes of the file.
        what: Names the model in messages.

    Raises:
        NotAGenieModelError: The model has another flavor.
        TamperedModelError: It is of our flavor, but names code, another loader, other files or other flavors.
    """
    import yaml

    # The same safe loader, ten times faster where PyYAML was built with it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document = yaml.load(data, Loader=loader)  # noqa: S506 - a safe loader either way
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise TamperedModelError(f"the MLmodel file of {what} cannot be read", next_step=_NEXT) from error
    flavors = document.get("flavors") if isinstance(document, dict) else None
    if not isinstance(flavors, dict) or FLAVOR_NAME not in flavors:
        names = ", ".join(sorted(map(str, flavors))) if isinstance(flavors, dict) and flavors else "none"
        raise NotAGenieModelError(
            f"{what} is not of flavor {FLAVOR_NAME} (its flavors: {names})",
            next_step="give a model made by: mlflow-genie snapshot SPACE_ID",
        )
    if extra := sorted(map(str, set(flavors) - {FLAVOR_NAME, PYFUNC})):
        _tampered(what, f"it has further flavors: {', '.join(extra)}")
    flavor, pyfunc = flavors[FLAVOR_NAME], flavors.get(PYFUNC)
    if not isinstance(flavor, dict) or not isinstance(pyfunc, dict):
        _tampered(what, "its flavor entries are not what this package writes")
    _require_flavor(flavor, what)
    _require_pyfunc(pyfunc, flavor, what)
    return dict(document)


def _require_flavor(flavor: dict[str, Any], what: str) -> None:
    _require_keys(flavor, _FLAVOR_KEYS, FLAVOR_NAME, what)
    if flavor.get("data") != SPACE_FILE:
        _tampered(what, f"{FLAVOR_NAME}.data names {flavor.get('data')!r}, expected {SPACE_FILE}")
    require_format_version(flavor, FORMAT_VERSION, f"the MLmodel file of {what}")


def _require_pyfunc(pyfunc: dict[str, Any], flavor: dict[str, Any], what: str) -> None:
    _require_keys(pyfunc, _PYFUNC_KEYS, PYFUNC, what)
    if pyfunc.get("loader_module") != LOADER_MODULE:
        _tampered(what, f"{PYFUNC}.loader_module is {pyfunc.get('loader_module')!r}, expected {LOADER_MODULE}")
    if pyfunc.get("data") != SPACE_FILE:
        _tampered(what, f"{PYFUNC}.data names {pyfunc.get('data')!r}, expected {SPACE_FILE}")
    if pyfunc.get("env") != _ENVIRONMENT:
        _tampered(what, f"{PYFUNC}.env is {pyfunc.get('env')!r}, expected {_ENVIRONMENT}")
    config = pyfunc.get("config")
    if not isinstance(config, dict) or set(config) - set(DEFAULT_MODEL_CONFIG):
        _tampered(what, f"{PYFUNC}.config is not what this package writes")
    if config.get("space_id") != flavor.get("space_id"):
        _tampered(
            what, f"{PYFUNC}.config asks space {config.get('space_id')!r}, the model is of {flavor.get('space_id')!r}"
        )
    # Both switch a check off; that is a decision of whoever loads the model, never of the model itself.
    if config.get("allow_drift", False) is not False or config.get("verify", "tracking") != "tracking":
        _tampered(what, f"{PYFUNC}.config switches a check off")


def _require_keys(entry: dict[str, Any], known: frozenset[str], name: str, what: str) -> None:
    if unknown := sorted(map(str, set(entry) - known)):
        _tampered(what, f"{name} has entries this package does not write: {', '.join(unknown)}")
    for key in ("code", "streamable"):
        if entry.get(key):
            _tampered(what, f"{name}.{key} is {entry[key]!r}; models of this flavor hold no code")


def _tampered(what: str, why: str) -> NoReturn:
    raise TamperedModelError(f"the MLmodel file of {what} was changed: {why}", next_step=_NEXT)


_NEXT = (
    "do not load it with mlflow.pyfunc; find out who can write to the model's artifacts, then snapshot the space again"
)
