"""What a folder is before init: a repository's root, with or without pytest settings."""

from __future__ import annotations

import configparser
import re
import tomllib
from pathlib import Path

from mlflow_genie_plugin.errors import UnreadableFileError, UsageError

_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]*")


def require_root(directory: Path, ci: str) -> None:
    """Refuse a folder inside a repository: services read pipelines and CODEOWNERS at its root only.

    Raises:
        UsageError: ``directory`` is below a repository's root.
    """
    if (directory / ".git").exists():
        return
    root = next((folder for folder in directory.parents if (folder / ".git").exists()), None)
    if root is not None:
        raise UsageError(
            f"{directory} is inside the repository {root}, and {ci} looks for its files at the root only",
            next_step=f"run init with --dir {root}, or without --ci",
        )


def require_branch(name: str) -> str:
    """Return the branch's name if it can stand in a workflow as it is.

    Raises:
        UsageError: It has other characters.
    """
    if not _BRANCH.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a protected branch", next_step="give --branch, for example main")
    return name


def has_pytest_settings(directory: Path) -> bool:
    """Return whether pytest finds settings in this folder, which make it the root of its runs.

    Raises:
        UnreadableFileError: A settings file cannot be read.
    """
    if any((directory / name).is_file() for name in ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")):
        return True
    try:
        pyproject = directory / "pyproject.toml"
        if pyproject.is_file() and "pytest" in tomllib.loads(pyproject.read_text(encoding="utf-8")).get("tool", {}):
            return True
        for name, section in (("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
            if (directory / name).is_file():
                parser = configparser.RawConfigParser(strict=False)
                parser.read(directory / name, encoding="utf-8")
                if parser.has_section(section):
                    return True
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, configparser.Error) as error:
        raise UnreadableFileError(f"cannot read the settings in {directory}: {error}") from error
    return False
