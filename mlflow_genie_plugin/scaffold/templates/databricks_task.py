"""The task of the jobs genie-gates and genie-verify: ``gates|verify SUITE MODEL_ID STAGE FOLDER``.

Written by mlflow-genie init. SUITE is the folder of the gates, FOLDER keeps the verdict of every model version. The
task fails unless the version passed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

MODEL_ID = re.compile(r"m-[0-9a-f]{32}")


def command_of(arguments: Sequence[str]) -> list[str]:
    """Return the command to run.

    Raises:
        ValueError: The arguments are not as above.
    """
    if len(arguments) != 5 or arguments[0] not in ("gates", "verify"):
        raise ValueError("give gates or verify, the folder of the gates, a model id, a stage and a folder for verdicts")
    step, suite, model_id, stage, folder = arguments
    if not MODEL_ID.fullmatch(model_id):
        raise ValueError("the job parameter model_id must be m- and 32 digits, as mlflow-genie snapshot prints it")
    verdicts = Path(folder) / model_id
    if step == "gates":
        # A process of its own, and no caches in the workspace: Python would take up an older gate file from them.
        return [
            *(sys.executable, "-B", "-m", "pytest", suite, f"--rootdir={Path(suite).parent}", "-p", "no:cacheprovider"),
            *(f"--model-id={model_id}", f"--genie-stage={stage}", f"--genie-verdict-dir={verdicts}"),
        ]
    return [
        *(sys.executable, "-B", "-m", "mlflow_genie_plugin.cli.main", "verify", "--model-id", model_id),
        *("--stage", stage, "--suite", suite, "--verdict", str(verdicts / stage / "verdict.json"), "--mark"),
    ]


def main(arguments: Sequence[str]) -> int:
    """Run the step and return its exit code."""
    try:
        command = command_of(arguments)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - a job's output is its standard error
        return 2
    environment = {"MLFLOW_TRACKING_URI": "databricks", "MLFLOW_REGISTRY_URI": "databricks-uc", **os.environ}
    # Whatever pytest would take from the environment is not part of the suite.
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    code = main(sys.argv[1:])
    if code:  # leaving with 0 by an exception counts as a failure in some runtimes
        sys.exit(code)
