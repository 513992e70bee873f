"""The steps of the quickstart, each the command a user would type, run in this process to save start-up time."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import UnexpectedStepError

if TYPE_CHECKING:
    from mlflow_genie_plugin.emulator.server import LocalWorkspace


def make_experiment(directory: Path) -> None:
    """Create the tracking database and an experiment whose artifacts stay in the folder; copy gates and questions."""
    from mlflow_genie_plugin.emulator.sample import sample_benchmarks
    from mlflow_genie_plugin.registry import create_experiment

    create_experiment(os.environ["MLFLOW_EXPERIMENT_NAME"], artifact_location=(directory / "artifacts").as_uri())
    with as_file(files("mlflow_genie_plugin.suite")) as suite:
        shutil.copytree(suite, directory / "gates", ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    (directory / "benchmarks.yaml").write_bytes(sample_benchmarks())
    # Makes the folder the root of its pytest runs; inside a checkout with settings of its own those would apply.
    (directory / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")


@contextlib.contextmanager
def workspace(directory: Path) -> Iterator[LocalWorkspace]:
    """Run a local workspace that holds the sample space, and sign this process in to it."""
    from mlflow_genie_plugin.emulator.server import LocalWorkspace

    with LocalWorkspace(directory=directory / "workspace") as local:
        os.environ.update(local.environment())
        yield local


def snapshot(parent: str | None = None) -> dict[str, Any]:
    """Run ``mlflow-genie snapshot`` on the sample space."""
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID

    more = ["--parent", parent] if parent else ["--register", "sample"]
    return run_command("snapshot", SAMPLE_SPACE_ID, "--domain", "sample", *more)


def evaluate(model_id: str, directory: Path) -> dict[str, Any]:
    """Run ``mlflow-genie evaluate`` on the sample questions."""
    return run_command("evaluate", "--model-id", model_id, "--benchmarks", str(directory / "benchmarks.yaml"))


def scores(evaluation: dict[str, Any]) -> str:
    """Return ``judge 97.8 %`` for each judge that was asked."""
    from mlflow_genie_plugin.evaluation.percent import percent

    shares = {name: evaluation["scores"][name]["score"] for name in evaluation["judges_asked"]}
    return ", ".join(f"{name} {percent(share)}" for name, share in shares.items())


def gate(model_id: str, directory: Path, *, expected: int) -> str:
    """Run the gate suite in a process of its own and return its summary.

    Raises:
        UnexpectedStepError: Pytest ended with another exit code than ``expected``.
    """
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "gates/",
            f"--model-id={model_id}",
            "-q",
            "--no-header",
            "-p",
            "no:cacheprovider",
        ],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != expected:
        raise UnexpectedStepError(
            f"pytest gates/ ended with {run.returncode}, not {expected}:\n{run.stdout}{run.stderr}",
            next_step="please report this",
        )
    lines = run.stdout.splitlines()
    starts = [number for number, line in enumerate(lines) if "genie gate" in line]
    return "\n".join(lines[starts[0] :] if starts else lines)


def edit(local: LocalWorkspace) -> str:
    """Change the live space as somebody would in the browser, and say what changed."""
    from mlflow_genie_plugin.emulator.control import LocalControl
    from mlflow_genie_plugin.emulator.sample import bad_edit, sample_document
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID
    from mlflow_genie_plugin.space.diff import diff_spaces

    before = sample_document()
    after = bad_edit(before)
    LocalControl(local.url, local.token).edit_space(SAMPLE_SPACE_ID, serialized_space=json.dumps(after))
    return diff_spaces(before, after).render()


def restore(model_id: str) -> str:
    """Run ``mlflow-genie restore`` and return the behaviour hash that was read back from the live space."""
    result = run_command("restore", model_id, "--yes")
    return str(result["live_behaviour_sha256"])


def verify(model_id: str, directory: Path) -> None:
    """Run ``mlflow-genie verify`` in a process of its own: what it proves must not depend on this one."""
    run = subprocess.run(
        [sys.executable, "-m", "mlflow_genie_plugin.cli.main", "verify", "--model-id", model_id],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        raise UnexpectedStepError(
            f"verify ended with {run.returncode}:\n{run.stdout}{run.stderr}", next_step="please report this"
        )


def run_command(*arguments: str) -> dict[str, Any]:
    """Run ``mlflow-genie ARGUMENTS --json`` in this process and return its JSON; its talk goes to the terminal.

    Raises:
        UnexpectedStepError: The command did not exit with 0.
    """
    from mlflow_genie_plugin.cli.main import main

    output = io.StringIO()
    code: int | str | None = 0
    with contextlib.redirect_stdout(output):
        try:
            main([*arguments, "--json"], standalone_mode=False)
        except SystemExit as end:
            code = end.code
    if code:
        raise UnexpectedStepError(
            f"mlflow-genie {' '.join(arguments)} ended with {code}:\n{output.getvalue()}",
            next_step="please report this",
        )
    result: dict[str, Any] = json.loads(output.getvalue())
    return result
