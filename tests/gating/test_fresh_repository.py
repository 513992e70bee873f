"""A repository that init made: the scripts of its workflows decide rightly. The wheel's turn is in .ci/run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "fresh-repository"


@pytest.mark.e2e
@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_workflows_pass_a_good_version_mark_it_and_stop_a_bad_one(gate_store, tmp_path):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "GENIE"))}
    done = subprocess.run(
        ["bash", str(SCRIPT), str(Path(sys.executable).parent), gate_store.good, gate_store.bad, str(tmp_path / "ci")],
        env={**inherited, **gate_store.environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "The good version passed and is marked" in done.stdout
    assert gate_store.marked(gate_store.good)
    assert not gate_store.marked(gate_store.bad)
