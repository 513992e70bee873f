"""The task that ``init --ci databricks-job`` writes: it fails unless the version passed."""

import os
import subprocess
import sys

import pytest

from mlflow_genie_plugin.scaffold.wanted import rendered


@pytest.fixture
def task(gate_store, tmp_path):
    """Run the task beside the store's gates, as a job would: a script with arguments."""
    script = gate_store.project / "gates" / "databricks_task.py"
    script.write_bytes(rendered("databricks_task.py", "main"))

    def run(*arguments):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "GENIE"))}
        environment = {
            **inherited, **gate_store.environment, "MLFLOW_REGISTRY_URI": gate_store.environment["MLFLOW_TRACKING_URI"],
            "PYTEST_ADDOPTS": "-k nothing",
        }  # fmt: skip
        return subprocess.run(
            [sys.executable, str(script), *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    return run


@pytest.mark.e2e
def test_the_job_fails_for_a_bad_version_and_passes_and_verifies_a_good_one(task, gate_store, tmp_path):
    gates, verdicts = str(gate_store.project / "gates"), str(tmp_path / "verdicts")
    bad = task("gates", gates, gate_store.bad, "candidate", verdicts)
    assert bad.returncode == 1, bad.stdout + bad.stderr
    assert "genie gate: FAIL" in bad.stdout
    good = task("gates", gates, gate_store.good, "candidate", verdicts)
    assert good.returncode == 0, good.stdout + good.stderr
    verified = task("verify", gates, gate_store.good, "candidate", verdicts)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "marked: passed for candidate" in verified.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("gates", "gates", "", "production", "verdicts"),
        ("gates", "gates", "models:/x@champion", "production", "verdicts"),
        ("mark", "gates", "m-" + "0" * 32, "production", "verdicts"),
    ],
)
def test_a_job_without_a_version_fails_at_once(task, arguments):
    done = task(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
