"""The suite that a verdict is held against: a folder or a git ref that the verifier trusts, not the one that ran.

Where the criteria stand is said by whoever verifies. What a verdict says about that is only used to find the trusted
counterpart of each file it names: a verdict must not choose its own criteria, not even among trusted files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlflow_genie_plugin.errors import UnreadableFileError, UsageError
from mlflow_genie_plugin.gating.suite import CRITERIA, packaged_criteria
from mlflow_genie_plugin.gating.trusted_git import commit_of, file_of

GATES = "gates"


@dataclass(frozen=True, slots=True)
class TrustedSuite:
    """A folder of gates with its criteria, in a working folder or in a commit.

    Attributes:
        shown: How to name it in reports.
        gates: The folder of the gates, as ``read`` takes it.
        criteria_name: The criteria file, as ``read`` takes it.
        read: The bytes of a file by its path from the verifier's working folder; None when there is no such file.
    """

    shown: str
    gates: PurePosixPath
    criteria_name: str
    read: Callable[[str], bytes | None]

    @property
    def recorded_criteria(self) -> str:
        """The criteria file as a verdict names it that is made here and not by a session of pytest."""
        return f"{self.gates.name}/{PurePosixPath(self.criteria_name).name}"

    def criteria(self) -> bytes:
        """Return the criteria.

        Raises:
            UnreadableFileError: There are none.
        """
        return self._needed(self.criteria_name, "give --suite DIR, --suite GIT_REF or --suite GIT_REF:DIR")

    def beside(self, name: str) -> bytes | None:
        """Return a file that stands beside the criteria; None when there is none."""
        return self.read(str(PurePosixPath(self.criteria_name).parent / name))

    def named(self, path: str) -> bytes:
        """Return a file of the same trusted place by the path that the verifier gave.

        Raises:
            UnreadableFileError: There is no such file.
        """
        return self._needed(path, "give a path from the folder you are in, of a file of the same folder or commit")

    def counterpart(self, name: str, recorded_criteria: str) -> bytes | None:
        """Return the trusted file that stands where ``name`` stood in the session that ran; None when none does.

        Args:
            name: A file as a verdict names it: relative to the root folder of that session.
            recorded_criteria: The criteria as the verdict names them, which tell where its gates stood.
        """
        path, gates = PurePosixPath(name), PurePosixPath(recorded_criteria).parent
        if path.is_absolute() or ".." in path.parts:
            return None
        if path.is_relative_to(gates):
            return self.read(str(self.gates / path.relative_to(gates)))
        # A conftest.py above the gates: as many folders up from the trusted gates as it was from those that ran.
        above = self.gates
        for _ in gates.parts:
            above = above.parent
        return self.read(str(above / path))

    def _needed(self, path: str, next_step: str) -> bytes:
        data = self.read(path)
        if data is None:
            raise UnreadableFileError(f"{self.shown} has no {path}", next_step=next_step)
        return data


def trusted_suite(place: str | None, folder: Path) -> TrustedSuite:
    """Return the suite to hold a verdict against.

    Args:
        place: A folder with criteria.yaml; a git ref, in which they stand in ``gates/``; ``GIT_REF:DIR`` for another
            folder of it; None takes ``gates/`` of ``folder``, or else what is packaged.
        folder: The working folder; a git ref is read from the repository it lies in.

    Raises:
        UsageError: ``place`` is none of these, or is both a folder and a git ref.
    """
    if place is None:
        if (folder / GATES / CRITERIA).is_file():
            return _of_folder(folder / GATES, folder)
        return _of_folder(packaged_criteria().parent, folder, "the installed package")
    is_folder = (folder / place).is_dir()
    if (is_folder and place.startswith(("/", "./", "../"))) or place.endswith("/") or place in {".", ".."}:
        return _of_named_folder(place, folder)
    ref, _, path = place.partition(":")
    commit = commit_of(ref, folder) if ref else None
    if is_folder and commit is not None:
        # A change that adds a folder called like the protected branch would otherwise bring its own criteria.
        raise UsageError(
            f"{place} is both a folder and a git ref",
            next_step=f"give --suite ./{place} for the folder, --suite refs/heads/{place} or refs/remotes/{place} for "
            "the ref",
        )
    if is_folder:
        return _of_named_folder(place, folder)
    if commit is None:
        raise UsageError(
            f"{ref} is neither a folder nor a commit of this repository",
            next_step="give --suite DIR, --suite GIT_REF or --suite GIT_REF:DIR",
        )
    gates = PurePosixPath(path or GATES)

    def read(file: str) -> bytes | None:
        return file_of(commit, file, folder)

    return TrustedSuite(f"commit {commit[:12]} ({ref})", gates, str(gates / CRITERIA), read)


def _of_named_folder(place: str, folder: Path) -> TrustedSuite:
    if not (folder / place / CRITERIA).is_file():
        raise UsageError(f"{place} has no {CRITERIA}", next_step="give the folder of the gates, or a git ref")
    return _of_folder(folder / place, folder)


def _of_folder(gates: Path, folder: Path, shown: str = "") -> TrustedSuite:
    gates = gates.resolve()

    def read(file: str) -> bytes | None:
        path = folder / file
        try:
            return path.read_bytes() if path.is_file() else None
        except OSError as error:
            raise UnreadableFileError(f"cannot read {path}: {error.strerror or error}") from error

    name = PurePosixPath(gates.as_posix())
    return TrustedSuite(shown or str(gates), name, str(name / CRITERIA), read)
