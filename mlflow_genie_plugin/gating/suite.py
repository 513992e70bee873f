"""The files a gate run consists of: where the criteria are, what ran, and whether it is what was shipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from mlflow_genie_plugin.canonical_json import sha256_of_bytes, sha256_of_json
from mlflow_genie_plugin.errors import UnreadableFileError

PACKAGE = "mlflow_genie_plugin.suite"
CRITERIA = "criteria.yaml"


@cache
def packaged_files() -> Mapping[str, str]:
    """Return name → sha256 of every gate file that ships with this version."""
    return {
        entry.name: sha256_of_bytes(entry.read_bytes())
        for entry in files(PACKAGE).iterdir()
        if entry.name.startswith("test_") and entry.name.endswith(".py")
    }


def packaged_criteria() -> Path:
    """Return the criteria file that ships with this version."""
    return Path(str(files(PACKAGE).joinpath(CRITERIA)))


def find_criteria(named: str | None, arguments: Sequence[str], invoked_from: Path, rootdir: Path) -> Path:
    """Return the criteria file of a gate run.

    The one named; else the one beside the gates on pytest's command line (folder, file or package); else ``gates/`` of
    the root folder; else the packaged one. The file used is named in every report and bound by its digest.
    """
    if named is not None:
        return (invoked_from / named).absolute()
    folders = [folder for argument in arguments for folder in _folders_of(argument, invoked_from)]
    for folder in [*folders, invoked_from, rootdir / "gates"]:
        if (folder / CRITERIA).is_file():
            return (folder / CRITERIA).absolute()
    return packaged_criteria()


def suite_argument(criteria: Path, invoked_from: Path) -> str:
    """Return what to give pytest so that it runs the suite these criteria belong to."""
    if criteria == packaged_criteria().absolute():
        return f"--pyargs {PACKAGE}"
    folder = criteria.parent
    if not any(folder.glob("test_*.py")):
        return f"gates/ --genie-criteria={criteria}"
    inside = folder.is_relative_to(invoked_from)
    return f"{folder.relative_to(invoked_from)}/" if inside else f"{folder}/"


def file_digest(path: Path) -> str:
    """Return the sha256 of a file.

    Raises:
        UnreadableFileError: It cannot be read.
    """
    try:
        return sha256_of_bytes(path.read_bytes())
    except OSError as error:
        raise UnreadableFileError(f"cannot read {path}: {error.strerror or error}") from error


def conftests_of(gate_files: Iterable[Path], rootdir: Path) -> list[Path]:
    """Return every conftest.py that can change what these files do: in their folders and up to the root folder."""
    folders: set[Path] = set()
    for path in gate_files:
        folders.add(path.parent)
        if path.is_relative_to(rootdir):
            folders.update(parent for parent in path.parents if parent.is_relative_to(rootdir))
    return sorted(folder / "conftest.py" for folder in folders if (folder / "conftest.py").is_file())


def shown_name(path: Path, rootdir: Path) -> str:
    """Return the path as it is recorded: relative to the root folder, or the bare name of a file outside it."""
    return path.relative_to(rootdir).as_posix() if path.is_relative_to(rootdir) else path.name


def suite_sha256(digests: Mapping[str, str]) -> str:
    """Return the one digest of a suite: over every file's name and digest."""
    return sha256_of_json(dict(digests))


def _folders_of(argument: str, invoked_from: Path) -> list[Path]:
    text = argument.partition("::")[0].partition("[")[0]
    path = invoked_from / text
    if path.is_dir():
        return [path]
    if path.is_file():
        return [path.parent]
    if text.replace(".", "").isidentifier():
        try:
            spec = find_spec(text)
        except (ImportError, ValueError):
            return []
        if spec is not None and spec.origin is not None:
            return [Path(spec.origin).parent]
    return []
