"""The tutorial, run as it stands: every block in its order, in one folder, against a workspace started as it says."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

BIN = Path(sys.executable).parent


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "home").mkdir()
    return tmp_path


@pytest.fixture
def environment(folder):
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("DATABRICKS_", "MLFLOW_", "GENIE_"))
    }
    return {
        **kept,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "GENIE_STATE_DIR": str(folder / "state"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


@pytest.fixture
def tutorial(blocks):
    return [
        block
        for block in blocks
        if block.page == "docs/tutorial.md" and block.language in ("bash", "python") and "pip install" not in block.text
    ]


def _serve(command, folder, environment):
    """Start the workspace and return the process and what it printed for the other terminal."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    # The documented port may be taken on this machine.
    server = subprocess.Popen(
        ["bash", "-c", f"exec {command.replace('8765', port)}"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    exports = [server.stdout.readline() for _ in range(4)]
    assert all(line.startswith("export ") for line in exports), exports
    return server, "".join(exports)


def test_every_block_of_the_tutorial_does_what_it_says(tutorial, folder, environment):
    serve, *rest = tutorial
    assert serve.text.startswith("mlflow-genie local serve")
    server, exports = _serve(serve.text.strip(), folder, environment)
    talk = []
    try:
        so_far = exports
        for block in rest:
            if block.language == "python":
                (folder / "edit.py").write_text(block.text)
                continue
            if block.text.startswith("export "):
                so_far += block.text.splitlines()[0] + "\n"
            began = time.monotonic()
            run = subprocess.run(
                ["bash", "-ec", so_far + block.text],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            said = run.stdout + run.stderr
            talk.append(f"{block} ({time.monotonic() - began:.0f} s)\n{said}")
            expected = 1 if "# exit code 1" in block.text else 0
            assert run.returncode == expected, f"{block}: exit code {run.returncode}\n{block.text}\n{said[-4000:]}"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)
        (folder / "talk.txt").write_text("\n".join(talk))
    assert (folder / "genie-verdict/candidate/report.html").is_file()
    everything = "\n".join(talk)
    assert "Marked" in everything
    assert "DRIFTED" in everything
