"""CODEOWNERS: who has to agree when the suite, its numbers, the questions or the pipeline change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from mlflow_genie_plugin.errors import UnreadableFileError, UsageError
from mlflow_genie_plugin.scaffold.wanted import BENCHMARKS, GATES, Kind, Wanted

# Where each service looks, in its order; it takes the first and ignores the others. Azure has path policies instead.
PLACES = {
    "github": (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"),
    "gitlab": ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"),
}
_NEW = {"github": ".github/CODEOWNERS", "gitlab": ".gitlab/CODEOWNERS"}
_PIPELINES = {"github": ("/.github/",), "gitlab": ("/.gitlab-ci.yml", "/.gitlab/")}
# pytest.ini and conftest.py of the root run in the process that decides.
_ALWAYS = (f"/{GATES}/", f"/{BENCHMARKS}", "/pytest.ini", "/conftest.py")
_OWNER = re.compile(r"@[A-Za-z0-9][\w.-]*(/[\w.-]+)*|[^@\s]+@[^@\s]+\.[^@\s]+")


def protected_paths(ci: str) -> tuple[str, ...]:
    """Return the patterns that need owners."""
    return (*_ALWAYS, *_PIPELINES[ci])


def codeowners(ci: str, owners: Sequence[str]) -> Wanted:
    """Return a CODEOWNERS file that gives the protected paths to ``owners``.

    Raises:
        UsageError: An owner is neither @user, @organisation/team nor an e-mail address; the service would ignore the
            line, and nothing would be protected.
    """
    for owner in owners:
        if not _OWNER.fullmatch(owner):
            raise UsageError(
                f"{owner!r} is no code owner", next_step="give @user, @organisation/team or an e-mail address"
            )
    lines = ["# Who decides what a version must show, and on what. Written by mlflow-genie init."]
    lines += [f"{pattern} {' '.join(owners)}" for pattern in protected_paths(ci)]
    return Wanted(_NEW[ci], ("\n".join(lines) + "\n").encode(), Kind.OWN)


def unowned(directory: Path, ci: str) -> tuple[str | None, tuple[str, ...]]:
    """Return the CODEOWNERS file that counts, None without one, and the protected paths that it has no line for.

    A line counts when its pattern is that of the path, with or without the slash in front, and names an owner. Wider
    patterns (``*``) are not looked at: whoever owns everything is not who should decide this.

    Raises:
        UnreadableFileError: The file cannot be read as text.
    """
    place = next((place for place in PLACES[ci] if (directory / place).is_file()), None)
    if place is None:
        return None, protected_paths(ci)
    try:
        text = (directory / place).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"cannot read {place}: {error}") from error
    lines = (line.partition("#")[0].split() for line in text.splitlines())
    owned = {words[0].strip("/") for words in lines if len(words) > 1}
    return place, tuple(pattern for pattern in protected_paths(ci) if pattern.strip("/") not in owned)
