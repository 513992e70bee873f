"""Who, where and with what: the circumstances that a verdict is bound to."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

from mlflow_genie_plugin import __version__

_COMMITS = ("GITHUB_SHA", "CI_COMMIT_SHA", "BUILD_SOURCEVERSION", "GIT_COMMIT")
_URLS = ("CI_PIPELINE_URL", "CI_JOB_URL", "BUILD_URL")


def provenance(folder: Path, environ: Mapping[str, str] | None = None) -> dict[str, str | None]:
    """Return versions, the commit of ``folder`` and the address of the CI run; None where there is none."""
    env = os.environ if environ is None else environ
    return {
        "plugin_version": __version__,
        "python_version": platform.python_version(),
        "git_commit": next((env[name] for name in _COMMITS if env.get(name)), None) or _head(folder),
        "ci_url": _ci_url(env),
    }


def _ci_url(env: Mapping[str, str]) -> str | None:
    server, repository, run = (env.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    if server and repository and run:
        return f"{server}/{repository}/actions/runs/{run}"
    return next((env[name] for name in _URLS if env.get(name)), None)


def _head(folder: Path) -> str | None:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
