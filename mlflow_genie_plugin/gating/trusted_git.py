"""Reading files of a commit with git's plumbing: no checkout, no hooks, no filters, nothing fetched."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from mlflow_genie_plugin.errors import UsageError

# A clone may be set up by someone else: its config may name programs to run, and refs/replace other objects to read.
_GIT = (
    "git",
    "--no-pager",
    "--no-replace-objects",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "protocol.allow=never"),
)
_ENVIRONMENT = {"GIT_NO_LAZY_FETCH": "1", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_OPTIONAL_LOCKS": "0"}
# In git's own order; the first one that exists wins there, which is why more than one is refused here.
_PLACES = ("refs/{}", "refs/tags/{}", "refs/heads/{}", "refs/remotes/{}", "refs/remotes/{}/HEAD")
_ABBREVIATED = re.compile(r"[0-9a-f]{4,39}")


def commit_of(ref: str, folder: Path) -> str | None:
    """Return the full id of the commit that ``ref`` names in the repository of ``folder``; None when it names none.

    Raises:
        UsageError: The name means more than one thing (a tag that is called like a branch, say), or git cannot be run.
    """
    found = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if found.returncode != 0:
        return None
    _require_one_meaning(ref, folder)
    return found.stdout.decode().strip()


def file_of(commit: str, path: str, folder: Path) -> bytes | None:
    """Return the bytes of ``path`` (relative to ``folder``) in ``commit``; None when there is no such file."""
    found = _git(folder, "cat-file", "blob", f"{commit}:./{path}")
    return found.stdout if found.returncode == 0 else None


def _require_one_meaning(ref: str, folder: Path) -> None:
    name = re.split(r"[~^@:]", ref, maxsplit=1)[0]
    if not name or name.startswith("refs/"):
        return
    places = [place.format(name) for place in _PLACES]
    listed = _git(folder, "for-each-ref", "--format=%(refname)", "--", *places).stdout.decode().split()
    meanings = [place for place in places if place in listed]
    if _ABBREVIATED.fullmatch(name) and meanings:
        meanings.append("the beginning of a commit id")
    if len(meanings) > 1:
        raise UsageError(
            f"{ref} can mean {' or '.join(meanings)}", next_step="give --suite the one you trust, written in full"
        )


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            [*_GIT, *arguments],
            cwd=folder,
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"git cannot be run: {error}", next_step="give a folder with --suite") from error
