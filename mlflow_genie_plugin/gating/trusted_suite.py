"""The suite that a verdict is held against: a folder or a git ref that the verifier trusts, not the one that ran."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.gating.suite import CRITERIA, packaged_criteria


@dataclass(frozen=True, slots=True)
class TrustedSuite:
    """Reads files of a suite by the names that a verdict records.

    Attributes:
        shown: How to name it in reports.
        criteria_name: The criteria file's name in it.
        read: The bytes of a file, None when there is no such file.
    """

    shown: str
    criteria_name: str
    read: Callable[[str], bytes | None]


def trusted_suite(place: str | None, folder: Path, recorded_criteria: str | None) -> TrustedSuite:
    """Return the suite to hold a verdict against.

    Args:
        place: A folder with criteria.yaml, or a git ref; None takes ``gates/`` of ``folder``, or else what is packaged.
        folder: The working folder; a git ref is read from the repository it lies in.
        recorded_criteria: The criteria's name in the verdict, which says where the verdict's names start from.

    Raises:
        UsageError: ``place`` is neither such a folder nor a git ref.
    """
    name = PurePosixPath(recorded_criteria or f"gates/{CRITERIA}")
    if place is not None and not (folder / place).is_dir():
        return _of_git(place, folder, str(name))
    if place is not None:
        if not (folder / place / CRITERIA).is_file():
            raise UsageError(f"{place} has no {CRITERIA}", next_step="give the folder of the gates, or a git ref")
        return _of_folder((folder / place).resolve(), name)
    if len(name.parts) > 1 and (folder / name).is_file():
        return _of_folder((folder / name).parent.resolve(), name)
    return _of_folder(packaged_criteria().parent.resolve(), PurePosixPath(CRITERIA), "the installed package")


def _of_folder(gates: Path, name: PurePosixPath, shown: str = "") -> TrustedSuite:
    root = gates
    for _ in name.parent.parts:
        root = root.parent

    def read(file: str) -> bytes | None:
        path = root / file
        inside = not PurePosixPath(file).is_absolute() and ".." not in PurePosixPath(file).parts
        # Names start at the root folder of the session that ran; the criteria may stand in a folder of another name.
        if inside and not path.is_file() and PurePosixPath(file).parent == name.parent:
            path = gates / PurePosixPath(file).name
        return path.read_bytes() if inside and path.is_file() else None

    return TrustedSuite(shown or str(gates), str(name), read)


def _of_git(ref: str, folder: Path, criteria_name: str) -> TrustedSuite:
    def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, timeout=30, check=False)

    try:
        resolved = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"git cannot be run: {error}", next_step="give a folder with --suite") from error
    if resolved.returncode != 0:
        raise UsageError(
            f"{ref} is neither a folder nor a commit of this repository",
            next_step="give --suite DIR or --suite GIT_REF",
        )
    commit = resolved.stdout.decode().strip()

    def read(file: str) -> bytes | None:
        shown = git("show", f"{commit}:./{file}")
        return shown.stdout if shown.returncode == 0 else None

    return TrustedSuite(f"commit {commit[:12]} ({ref})", criteria_name, read)
