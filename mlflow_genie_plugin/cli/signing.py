"""Adding an entry to a file that people sign: shown first, appended without touching a line, proven by reading it."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import rich_click as click

from mlflow_genie_plugin.cli.output import emit, emit_json, say

_HEADER = {
    "attestations": (
        "# Rows of the promotion checklist that people vouch for. mlflow-genie attest adds one; it counts for the\n"
        "# version (or content) it names, until it expires.\n"
    ),
    "waivers": (
        "# Gates that may fail for a while. mlflow-genie waive adds one; it counts until it expires, and every report\n"
        "# shows it. P0 and the gates on the evidence itself can never be waived.\n"
    ),
}
_NEXT = "have the change reviewed: verify reads this file from the protected branch"


@dataclass(frozen=True, slots=True)
class Signing:
    """What adding an entry changes: the file before (None: there is none yet) and after."""

    path: Path
    before: bytes | None
    after: bytes

    @property
    def diff(self) -> str:
        """The change as a unified diff; empty when the very entry is there already."""
        old = [] if self.before is None else self.before.decode().splitlines()
        lines = difflib.unified_diff(old, self.after.decode().splitlines(), str(self.path), str(self.path), lineterm="")
        return "\n".join(lines)


def entry_added(path: Path, kind: str, entry: dict[str, Any], check: Callable[[bytes], object]) -> Signing:
    """Return the file with ``entry`` at its end; the same entry twice is one.

    Args:
        path: The file; it need not be there, its folder has to.
        kind: ``attestations`` or ``waivers``: the list in it.
        entry: What to add.
        check: Raises when the bytes break the rules of the file, before and after.

    Raises:
        UnreadableFileError: The file cannot be read.
        UsageError: There is no such folder, or the file cannot be edited in place.
        InvalidSignOffError: The file, or the entry, breaks the rules.
    """
    from mlflow_genie_plugin.errors import UnreadableFileError, UsageError
    from mlflow_genie_plugin.evaluation.yaml_edit import append_items
    from mlflow_genie_plugin.evaluation.yaml_source import read_source
    from mlflow_genie_plugin.evaluation.yaml_text import to_yaml

    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", next_step="run this where gates/ is, or give --file")
    try:
        before = path.read_bytes()
    except FileNotFoundError:
        after = (_HEADER[kind] + to_yaml({"format_version": 1, kind: [entry]})).encode()
        _check_added(after, check, path)
        return Signing(path, None, after)
    except OSError as error:
        raise UnreadableFileError(f"cannot read {path}: {error.strerror or error}") from error
    check(before)
    text = before.decode("utf-8")
    if entry in read_source(text, str(path)).value[kind]:
        return Signing(path, before, before)
    after = append_items(text, (kind,), [entry], str(path)).encode()
    _check_added(after, check, path)
    return Signing(path, before, after)


def _check_added(after: bytes, check: Callable[[bytes], object], path: Path) -> None:
    from mlflow_genie_plugin.errors import InvalidSignOffError

    try:
        check(after)
    except InvalidSignOffError as error:
        # The file was right before, so the violations are those of what was asked for.
        raise InvalidSignOffError(
            f"this cannot be added to {path}; nothing was written",
            error.violations,
            next_step="correct what was given",
        ) from error


def carry_out(signing: Signing, entry: dict[str, Any], *, dry_run: bool, as_json: bool) -> None:
    """Show the change, and write it unless this is a dry run.

    Raises:
        ConflictError: Somebody else changed the file meanwhile; nothing was written.
    """
    from mlflow_genie_plugin.atomic_files import write_bytes_atomically
    from mlflow_genie_plugin.errors import ConflictError

    changes = signing.before != signing.after
    if changes and not dry_run:
        now = signing.path.read_bytes() if signing.path.exists() else None
        if now != signing.before:
            raise ConflictError(f"{signing.path} was changed meanwhile; nothing was written", next_step="run it again")
        write_bytes_atomically(signing.path, signing.after)
    if as_json:
        emit_json({"file": str(signing.path), "entry": entry, "written": changes and not dry_run, "diff": signing.diff})
        return
    if not changes:
        emit(f"{signing.path} has this entry already; nothing was written")
        return
    emit(signing.diff)
    say("Dry run: nothing was written" if dry_run else f"Written to {signing.path}\nNext:  {_NEXT}")


def last_day(expires: str | None, days: int, begins: date) -> str:
    """Return the last day as ISO text: the one that was given, or ``days`` after the first."""
    return expires if expires is not None else (begins + timedelta(days=days)).isoformat()


def signing_options(file: str, days: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the options that both commands have: how long it counts, the file, and a dry run."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            click.option("--dry-run", is_flag=True, help="Show the change to the file and write nothing."),
            click.option(
                "--file",
                "path",
                type=click.Path(path_type=Path, dir_okay=False),
                default=file,
                show_default=True,
                help="The file, which stands beside criteria.yaml.",
            ),
            click.option("--days", type=click.IntRange(min=1), default=days, show_default=True, help="Days it counts."),
            click.option("--expires", metavar="DATE", help="The last day (UTC) it counts, instead of --days."),
        ):
            function = option(function)
        return function

    return add
