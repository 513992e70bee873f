"""``mlflow-genie quickstart``: the whole promise on this machine, told with the commands a user would type."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rich_click as click

from mlflow_genie_plugin.cli.output import command, emit, emit_json, say

MARKER = "quickstart.json"
STEPS = 7
EXPERIMENT = "genie-quickstart"


@click.command()
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("genie-quickstart"),
    show_default=True,
    help="Folder that receives everything; a folder of an earlier quickstart is replaced.",
)
@command
def quickstart(directory: Path, as_json: bool) -> None:
    """Snapshot, evaluate, gate, catch a bad edit and restore, on this machine, with no account."""
    from mlflow_genie_plugin.cli import quickstart_steps as steps

    began = time.monotonic()
    directory = _prepare(directory)
    say(f"Everything stays on this machine, in {directory}")
    with _environment(directory):
        steps.make_experiment(directory)
        with steps.workspace(directory) as local:
            _step(1, "snapshot the sample space as a model version")
            good = steps.snapshot()
            _done(good["model_id"], began)
            _step(2, "evaluate it on the sample questions")
            good_run = steps.evaluate(good["model_id"], directory)
            _done(steps.scores(good_run), began)
            _step(3, f"pytest gates/ --model-id={good['model_id']}")
            passed = steps.gate(good["model_id"], directory, expected=0)
            say(passed)
            _done("passed and marked", began)

            _step(4, "somebody edits the space in the browser; snapshot and evaluate the edited version")
            say(steps.edit(local))
            bad = steps.snapshot(parent=good["model_id"])
            bad_run = steps.evaluate(bad["model_id"], directory)
            _done(f"{bad['model_id']}: {steps.scores(bad_run)}", began)
            _step(5, f"pytest gates/ --model-id={bad['model_id']}")
            failed = steps.gate(bad["model_id"], directory, expected=1)
            say(failed)
            _done("failed, as it should: the P0 gate caught the edit", began)

            _step(6, "restore the good version to the live space and read it back")
            restored = steps.restore(good["model_id"])
            _done(f"live behaviour hash {restored[:12]} equals the model's", began)
            _step(7, "verify the mark from what MLflow stores, in another process")
            steps.verify(good["model_id"], directory)
            _done("confirmed", began)
    seconds = time.monotonic() - began
    if as_json:
        emit_json(
            {
                "directory": str(directory),
                "seconds": round(seconds, 1),
                "good": {"model_id": good["model_id"], "evaluation_run_id": good_run["run_id"], "gate": "passed"},
                "bad": {"model_id": bad["model_id"], "evaluation_run_id": bad_run["run_id"], "gate": "failed"},
                "restored": {"model_id": good["model_id"], "live_behaviour_sha256": restored},
            }
        )
    else:
        emit(_farewell(directory, good["model_id"], bad["model_id"], seconds))


def _farewell(directory: Path, good: str, bad: str, seconds: float) -> str:
    tracking = f"sqlite:///{directory / 'mlflow.db'}"
    here = _where_commands_are()
    return f"""
That was the whole story in {seconds:.0f} s.
  good version   {good}   gate passed, marked, live again
  bad version    {bad}   gate failed

Look around:
  {here}mlflow ui --backend-store-uri {tracking}
      the versions, their lineage, evaluations and one trace a question
  export MLFLOW_TRACKING_URI={tracking} MLFLOW_EXPERIMENT_NAME={EXPERIMENT}
  {here}mlflow-genie space diff models:/{good} models:/{bad}
      what the edit changed
  {here}mlflow-genie local serve --dir {directory / "workspace"}
      the workspace again, for any client; it prints how to reach it
  {directory / "gates"}
      the gate suite and its numbers, yours to change
Use it on your own space:
  {here}mlflow-genie doctor
"""


def _where_commands_are() -> str:
    """Return what to put before our commands so that they run as shown: nothing when they are on the PATH."""
    folder = Path(sys.executable).parent
    found = shutil.which("mlflow-genie")
    if found is not None and Path(found).parent == folder:
        return ""
    return f"{folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder}/"


def _step(number: int, what: str) -> None:
    say(f"\n{number}/{STEPS}  {what}")


def _done(result: str, began: float) -> None:
    say(f"     {result}   ({time.monotonic() - began:.0f} s)")


def _prepare(directory: Path) -> Path:
    """Return an empty folder; only a folder that an earlier quickstart made is ever emptied."""
    from mlflow_genie_plugin.atomic_files import write_json_atomically
    from mlflow_genie_plugin.errors import UsageError

    directory = directory.expanduser().resolve()
    if directory.exists() and any(directory.iterdir()):
        if not (directory / MARKER).is_file():
            raise UsageError(
                f"{directory} holds something else", next_step="choose another folder with --dir, or empty that one"
            )
        shutil.rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True)
    write_json_atomically(directory / MARKER, {"made_by": "mlflow-genie quickstart"})
    return directory


@contextmanager
def _environment(directory: Path) -> Iterator[None]:
    """Point MLflow at the folder for this process and its children, whatever the user's own settings are."""
    ours = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{directory / 'mlflow.db'}",
        "MLFLOW_REGISTRY_URI": f"sqlite:///{directory / 'mlflow.db'}",
        "MLFLOW_EXPERIMENT_NAME": EXPERIMENT,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GENIE_STATE_DIR": str(directory / "state"),
    }
    # A signed-in shell must not leak into the demonstration: it never talks to a real workspace.
    cleared = [name for name in os.environ if name.startswith("DATABRICKS_")] + [
        "MLFLOW_EXPERIMENT_ID",
        "MLFLOW_RUN_ID",
        "GENIE_PRODUCTION_SPACES",
        "PYTEST_ADDOPTS",
    ]
    before = dict(os.environ)
    for name in cleared:
        os.environ.pop(name, None)
    os.environ.update(ours)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
