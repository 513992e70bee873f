"""What init will do to a repository, decided file by file before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from mlflow_genie_plugin import __version__
from mlflow_genie_plugin.atomic_files import write_bytes_atomically
from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import ConflictError, UnreadableFileError, UnwritableFileError
from mlflow_genie_plugin.scaffold.record import Record, write_record
from mlflow_genie_plugin.scaffold.wanted import GATES, Kind, Wanted


class State(StrEnum):
    """How a file of the repository stands to the one that is wanted."""

    NEW = "new"
    SAME = "same"
    OLDER = "older"  # as an earlier version wrote it, and nobody changed it
    EDITED = "edited"  # written by init, changed since
    YOURS = "yours"  # the team's own from the first day: never written twice
    FOREIGN = "foreign"  # init did not write it
    BLOCKED = "blocked"  # no file can be written there
    GONE = "gone"  # shipped by an earlier version, not by this one, and nobody changed it
    LEFT = "left"  # shipped by an earlier version, not by this one, and changed since


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one file.

    Attributes:
        path: Relative to the repository, with slashes.
        state: How it stands now.
        action: ``write``, ``remove``, ``keep`` or ``conflict``.
        kind: Whose file it is.
        data: What is written.
        now: The digest of what is there now, None where nothing is.
    """

    path: str
    state: State
    action: str
    kind: Kind
    data: bytes = b""
    now: str | None = None


@dataclass(frozen=True)
class InitPlan:
    """Every file's step, and the choices that the record will keep."""

    directory: Path
    ci: str | None
    branch: str
    steps: tuple[Step, ...]
    record: Record

    def having(self, action: str) -> list[Step]:
        """Return the steps with this action."""
        return [step for step in self.steps if step.action == action]


def plan_init(
    directory: Path,
    wanted: Sequence[Wanted],
    record: Record,
    *,
    ci: str | None,
    branch: str,
    upgrade: bool = False,
    force: bool = False,
) -> InitPlan:
    """Hold what is there against what is wanted; nothing is written.

    Args:
        directory: The repository.
        wanted: From :func:`~mlflow_genie_plugin.scaffold.wanted.wanted_files`.
        record: What init wrote before.
        ci: The CI system, for the record.
        branch: The protected branch, for the record.
        upgrade: Refresh gate files and templates that nobody has changed.
        force: Also replace those that somebody has changed. The team's own files are never replaced.

    Raises:
        UnreadableFileError: A file of the repository cannot be read.
    """
    steps = [_step(directory, item, record, upgrade=upgrade, force=force) for item in wanted]
    steps += _no_longer_shipped(directory, {item.path for item in wanted}, record, upgrade=upgrade, force=force)
    return InitPlan(directory, ci, branch, tuple(steps), record)


def carry_out(plan: InitPlan) -> None:
    """Write what the plan says, the record last; a plan with conflicts writes nothing.

    Raises:
        ConflictError: The plan has conflicts, or a file changed since it was made.
        UnwritableFileError: A file cannot be written; the same command goes on from there.
    """
    if conflicts := plan.having("conflict"):
        raise ConflictError(f"{len(conflicts)} files are in the way, first {conflicts[0].path}; nothing was written")
    changes = [step for step in plan.steps if step.action in ("write", "remove")]
    for step in changes:
        if _digest(plan.directory / step.path) != step.now:
            raise ConflictError(f"{step.path} changed meanwhile; nothing was written", next_step="run init again")
    for step in changes:
        if step.action == "write":
            write_bytes_atomically(plan.directory / step.path, step.data)
        else:
            _remove(plan.directory / step.path)
    written = dict(plan.record.files)
    for step in plan.steps:
        if step.action == "remove":
            written.pop(step.path, None)
        elif step.kind is not Kind.OWN and (step.action == "write" or step.state is State.SAME):
            written[step.path] = sha256_of_bytes(step.data)
    write_record(plan.directory, Record(__version__, plan.ci, plan.branch, written))


def _step(directory: Path, item: Wanted, record: Record, *, upgrade: bool, force: bool) -> Step:
    path = directory / item.path
    if not _can_hold_a_file(directory, path):
        return Step(item.path, State.BLOCKED, "conflict", item.kind)
    now = _digest(path)
    wanted = sha256_of_bytes(item.data)
    if now is None:
        state, action = State.NEW, "write"
    elif now == wanted:
        state, action = State.SAME, "keep"
    elif item.kind is Kind.OWN or (item.kind is Kind.SHARED and item.path not in record.files):
        state, action = State.YOURS, "keep"
    elif item.path not in record.files:
        state, action = State.FOREIGN, "write" if force else "conflict"
    elif record.files[item.path] == now:
        state, action = State.OLDER, "write" if upgrade or force else "keep"
    else:
        state, action = State.EDITED, "write" if force else "keep"
    return Step(item.path, state, action, item.kind, item.data, now)


def _no_longer_shipped(
    directory: Path, wanted: set[str], record: Record, *, upgrade: bool, force: bool
) -> Iterable[Step]:
    """Return the gate files of an earlier version: left in the suite, a gate that nobody asks for blocks the mark."""
    for path, written in sorted(record.files.items()):
        parts = PurePosixPath(path).parts
        if path in wanted or parts[:1] != (GATES,) or ".." in parts or not parts[-1].startswith("test_"):
            continue
        now = _digest(directory / path)
        if now is None:
            continue
        state = State.GONE if now == written else State.LEFT
        remove = force or (upgrade and state is State.GONE)
        yield Step(path, state, "remove" if remove else "keep", Kind.GATE, now=now)


def _can_hold_a_file(directory: Path, path: Path) -> bool:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return False
    folder = path.parent
    while folder != directory:
        # A link could lead out of the repository.
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            return False
        folder = folder.parent
    return True


def _digest(path: Path) -> str | None:
    try:
        return sha256_of_bytes(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UnreadableFileError(f"cannot read {path}: {error.strerror or error}") from error


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise UnwritableFileError(f"cannot remove {path}: {error.strerror or error}") from error
