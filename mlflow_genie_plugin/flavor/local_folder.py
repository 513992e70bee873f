"""Reading a saved space from a folder of this machine, as bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlflow_genie_plugin.errors import ModelNotFoundError, NotAGenieModelError, TamperedModelError, UnreadableFileError
from mlflow_genie_plugin.flavor.layout import FLAVOR_NAME, MLMODEL, SPACE_FILE
from mlflow_genie_plugin.flavor.mlmodel import read_mlmodel
from mlflow_genie_plugin.flavor.proof import DO_NOT_USE


def local_folder(model_uri: str) -> Path | None:
    """Return the folder that a model URI names on this machine, or None when it names a model elsewhere."""
    text = model_uri.removeprefix("file://")
    if text == model_uri and (":/" in model_uri or model_uri.startswith("m-")):
        return None
    return Path(text)


def read_folder(folder: Path) -> tuple[dict[str, Any], bytes]:
    """Return the flavor entry of the MLmodel file, and the bytes of the space's file.

    Raises:
        ModelNotFoundError: There is no such folder.
        NotAGenieModelError: It holds no saved space.
        TamperedModelError: Something else stands in the place of a file.
        UnreadableFileError: A file cannot be read.
    """
    if not folder.is_dir():
        raise ModelNotFoundError(
            f"the folder {folder} does not exist", next_step="give a model URI or a model's folder"
        )
    mlmodel = read_mlmodel(local_bytes(folder / MLMODEL), f"the model in {folder}")
    return mlmodel["flavors"][FLAVOR_NAME], local_bytes(folder / SPACE_FILE)


def local_bytes(path: Path) -> bytes:
    """Return the bytes of a file of a saved space; what stands in its place instead is said."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        if path.is_symlink():
            raise TamperedModelError(f"{path} is a symbolic link that leads nowhere", next_step=DO_NOT_USE) from error
        raise NotAGenieModelError(f"{path} does not exist: this is not a saved space") from error
    except IsADirectoryError as error:
        raise TamperedModelError(f"{path} was replaced: a folder stands in its place", next_step=DO_NOT_USE) from error
    except OSError as error:
        raise UnreadableFileError(f"cannot read {path}: {error.strerror or error}") from error
