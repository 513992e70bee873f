"""Proving that files are what was recorded when the version was made: their hashes against its write-once params."""

from __future__ import annotations

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import ModelNotFoundError, TamperedModelError, TrackingUnavailableError
from mlflow_genie_plugin.flavor.layout import SPACE_FILE, SpaceFile, parse_space_file
from mlflow_genie_plugin.registry import get_model

DO_NOT_USE = "do not use it; find out who can write to the model's artifacts, then snapshot the space again"


def require_recorded(model_id: str, recorded: dict[str, str]) -> None:
    """Hold the hashes of loaded files against the params of the model they say they are, if its server is known.

    Raises:
        TamperedModelError: They differ.
        TrackingUnavailableError: A tracking URI is set, but the server cannot be reached.
    """
    from mlflow.tracking import is_tracking_uri_set

    # Without a tracking URI MLflow would create a database in the working directory; a serving container has none.
    if not is_tracking_uri_set():  # type: ignore[no-untyped-call]
        return
    try:
        record = get_model(model_id)
    except ModelNotFoundError:
        # A copy of a model from another server: nothing here to hold it against.
        return
    except TrackingUnavailableError as error:
        raise TrackingUnavailableError(
            f"cannot hold model {model_id} against its recorded hashes: {error.what}",
            next_step=f"{error.next_step}; or load with model_config={{'verify': 'file'}}",
        ) from error
    for name, value in recorded.items():
        if value != record.params.get(name):
            raise TamperedModelError(
                f"{name} of the loaded files is {value}, recorded for model {model_id}: {record.params.get(name)}",
                next_step=DO_NOT_USE,
                model_id=model_id,
            )


def proven_file(data: bytes, recorded: dict[str, str], what: str) -> SpaceFile:
    """Return the parsed file once its digest and its content's hashes are the recorded ones."""
    digest = sha256_of_bytes(data)
    if digest != recorded["snapshot_sha256"]:
        raise TamperedModelError(
            f"{SPACE_FILE} of {what} was changed: its sha256 is {digest}, recorded: {recorded['snapshot_sha256']}",
            next_step=DO_NOT_USE,
            snapshot_sha256=digest,
        )
    file = parse_space_file(data, f"{SPACE_FILE} of {what}")
    for name, value in file.proof().items():
        if recorded[name] != value:
            raise TamperedModelError(
                f"{name} of {what} is recorded as {recorded[name]}, its {SPACE_FILE} gives {value}",
                next_step=f"{DO_NOT_USE}; if another version of this package wrote it, read it with that version",
            )
    return file
