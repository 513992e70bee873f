"""The plugin as a user meets it, in processes of its own: what an inline session cannot show."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HEAVY = ("mlflow", "databricks", "pandas", "sqlglot", "duckdb", "orjson", "yaml")


def runs_of_type(database: Path, kind: str) -> list[tuple[str, str]]:
    """Return (name, status) of the runs whose mlflow.runType is ``kind``."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        query = (
            "SELECT r.name, r.status FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid "
            "WHERE t.key = 'mlflow.runType' AND t.value = ?"
        )
        return list(connection.execute(query, (kind,)))


def test_a_good_version_passes_and_is_marked(gate_store):
    done = gate_store.pytest("gates/", model=gate_store.good)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "genie gate: PASS" in done.stdout
    tags = gate_store.tags(gate_store.good)
    assert tags["genie.gate.candidate.verdict"] == "passed"
    assert tags["genie.gate.candidate.evaluation_run_id"] == gate_store.runs["good"]
    verdict = json.loads((gate_store.project / "genie-verdict" / "candidate" / "verdict.json").read_bytes())
    assert verdict["outcome"] == "passed"
    assert {gate["outcome"] for gate in verdict["gates"]} == {"passed"}
    assert [status for _, status in runs_of_type(gate_store.database, "genie_gate")] == ["FINISHED"]


def test_a_wrong_p0_answer_fails_is_named_and_takes_older_marks_away(gate_store):
    with contextlib.closing(sqlite3.connect(gate_store.database)) as connection, connection:
        for stage in ("candidate", "production"):
            row = (gate_store.bad, "0", f"genie.gate.{stage}.verdict", "passed")
            columns = "(model_id, experiment_id, tag_key, tag_value)"
            connection.execute(f"INSERT INTO logged_model_tags {columns} VALUES (?, ?, ?, ?)", row)
    done = gate_store.pytest("gates/", model=gate_store.bad)
    assert done.returncode == 1, done.stdout + done.stderr
    summary = done.stdout.partition("genie gate: FAIL")[2]
    assert "1 P0 question of 8 failed: q003" in summary
    assert f"1 newly wrong (right in parent {gate_store.good})" in " ".join(summary.split())
    assert all(len(line) <= 100 for line in summary.splitlines() if "/" not in line)
    tags = gate_store.tags(gate_store.bad)
    assert tags["genie.gate.candidate.verdict"] == "failed"
    assert tags["genie.gate.production.verdict"] == "revoked"
    assert [status for _, status in runs_of_type(gate_store.database, "genie_gate")] == ["FAILED"]
    evaluations = [status for _, status in runs_of_type(gate_store.database, "genie_evaluation")]
    assert "FAILED" not in evaluations


def test_an_incomplete_run_leaves_an_older_mark_alone(gate_store):
    assert gate_store.pytest("gates/", model=gate_store.good).returncode == 0
    assert gate_store.pytest("gates/", "-k", "not p0", model=gate_store.good).returncode == 10
    assert gate_store.marked(gate_store.good)


def test_a_distributed_run_marks_a_good_version(gate_store):
    done = gate_store.pytest("gates/", "-n", "2", model=gate_store.good)
    assert done.returncode == 0, done.stdout + done.stderr
    assert gate_store.marked(gate_store.good)
    assert len(runs_of_type(gate_store.database, "genie_gate")) == 1


def test_a_distributed_run_does_not_mark_a_bad_version(gate_store):
    assert gate_store.pytest("gates/", "-n", "2", model=gate_store.bad).returncode == 1
    assert not gate_store.marked(gate_store.bad)


def test_a_distributed_run_that_is_not_whole_does_not_mark(gate_store):
    (gate_store.project / "conftest.py").write_text("collect_ignore_glob = ['*test_p0*']\n")
    assert gate_store.pytest("gates/", "-n", "2", model=gate_store.good).returncode == 10
    assert not gate_store.marked(gate_store.good)


def test_a_crashed_worker_does_not_mark(gate_store):
    (gate_store.project / "conftest.py").write_text(
        textwrap.dedent("""
            import os

            def pytest_runtest_call(item):
                if "p0" in item.nodeid:
                    os._exit(1)
        """)
    )
    done = gate_store.pytest("gates/", "-n", "2", "--max-worker-restart=0", model=gate_store.good)
    assert done.returncode not in (0, 5)
    assert not gate_store.marked(gate_store.good)


@pytest.mark.parametrize(
    ("python", "environment"),
    [(("-O",), {}), ((), {"PYTHONOPTIMIZE": "1"}), (("-O",), {"PYTEST_ADDOPTS": "--assert=plain"})],
)
def test_python_without_asserts_is_refused(gate_store, python, environment):
    done = gate_store.pytest("gates/", model=gate_store.good, python=python, **environment)
    assert done.returncode == 4
    assert "python -O" in done.stderr
    assert not gate_store.tags(gate_store.good)


# The session ends with exit 0 before anything could object. The mark is missing, and verify says so in the next step.
ENDS_EARLY = {
    "os._exit in a gate": "import os\n\n\ndef pytest_runtest_call(item):\n    os._exit(0)\n",
    "sys.exit at import of conftest": "import sys\n\nsys.exit(0)\n",
    "os._exit in sessionfinish": "import os\n\n\ndef pytest_sessionfinish():\n    os._exit(0)\n",
}


@pytest.mark.parametrize("body", ENDS_EARLY.values(), ids=ENDS_EARLY)
def test_a_session_that_ends_early_with_exit_0_marks_nothing(gate_store, body):
    (gate_store.project / "conftest.py").write_text(body)
    assert gate_store.pytest("gates/", model=gate_store.good).returncode == 0
    assert not gate_store.tags(gate_store.good)


def test_an_exception_at_exit_does_not_mark_a_bad_version(gate_store):
    (gate_store.project / "conftest.py").write_text("import atexit\n\natexit.register(lambda: 1 / 0)\n")
    assert gate_store.pytest("gates/", model=gate_store.bad).returncode == 1
    assert not gate_store.marked(gate_store.bad)


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [(("-p", "no:mlflow_genie"), {}), ((), {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})],
)
def test_without_the_plugin_the_option_is_unknown(gate_store, arguments, environment):
    done = gate_store.pytest("gates/", *arguments, model=gate_store.good, **environment)
    assert done.returncode == 4
    assert not gate_store.tags(gate_store.good)


def test_a_plugin_that_is_off_with_its_option_added_again_marks_nothing(gate_store):
    (gate_store.project / "conftest.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--model-id')\n"
    )
    gate_store.pytest("gates/", "-p", "no:mlflow_genie", model=gate_store.good)
    assert not gate_store.tags(gate_store.good)


def test_planted_bytecode_does_not_mark_a_bad_version(gate_store):
    writes = {"PYTHONDONTWRITEBYTECODE": ""}
    planted = gate_store.project / "planted.py"
    planted.write_text(
        textwrap.dedent("""
            import importlib.util, pathlib, sys
            from _pytest.assertion import rewrite

            original = rewrite._rewrite_test

            def harmless(path, config):
                stat, code = original(path, config)
                if path.name == "test_p0.py":
                    text = path.read_text().replace("genie_gate.must_pass()", "pass")
                    code = compile(text, str(path), "exec")
                return stat, code

            rewrite._rewrite_test = harmless
        """)
    )
    # The first run writes bytecode of another source under the hash of the right one, the second finds it there.
    gate_store.pytest("gates/", "-p", "planted", model=gate_store.bad, PYTHONPATH=str(gate_store.project), **writes)
    assert list((gate_store.project / "gates" / "__pycache__").glob("test_p0*.pyc"))
    done = gate_store.pytest("gates/", model=gate_store.bad, **writes)
    assert done.returncode == 1
    assert not gate_store.marked(gate_store.bad)


@pytest.mark.parametrize("place", ["inside gates", "another folder", "package"])
def test_the_suite_runs_from_anywhere(gate_store, tmp_path, place):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    gates = gate_store.project / "gates"
    cwd, arguments = {
        "inside gates": (gates, ()),
        "another folder": (elsewhere, (str(gates),)),
        "package": (elsewhere, ("--pyargs", "mlflow_genie_plugin.suite")),
    }[place]
    done = gate_store.pytest(*arguments, "--import-mode=importlib", model=gate_store.good, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    assert gate_store.marked(gate_store.good)


def test_a_result_file_that_is_not_the_runs_artifact_never_marks(gate_store, tmp_path):
    file = tmp_path / "result.json"
    with contextlib.closing(sqlite3.connect(gate_store.database)) as connection:
        query = "SELECT artifact_uri FROM runs WHERE run_uuid = ?"
        (uri,) = connection.execute(query, (gate_store.runs["good"],)).fetchone()
    original = Path(uri.removeprefix("file://")) / "evaluation" / "evaluation_result.json"
    shutil.copyfile(original, file)
    file.write_bytes(original.read_bytes() + b" ")
    done = gate_store.pytest("gates/", f"--genie-evaluation={file}", model=gate_store.good)
    assert done.returncode == 10
    assert "is not the result of any evaluation run" in " ".join(done.stdout.split())
    assert not gate_store.tags(gate_store.good)
    shutil.copyfile(original, file)
    assert gate_store.pytest("gates/", f"--genie-evaluation={file}", model=gate_store.good).returncode == 0
    assert gate_store.marked(gate_store.good)


def test_an_evaluation_that_is_changed_while_the_gates_run_does_not_mark(gate_store):
    with contextlib.closing(sqlite3.connect(gate_store.database)) as connection:
        query = "SELECT artifact_uri FROM runs WHERE run_uuid = ?"
        (uri,) = connection.execute(query, (gate_store.runs["good"],)).fetchone()
    file = Path(uri.removeprefix("file://")) / "evaluation" / "evaluation_result.json"
    original = file.read_bytes()
    body = f"import pathlib\n\n\ndef pytest_runtest_teardown():\n    pathlib.Path({str(file)!r}).write_bytes(b'[]')\n"
    (gate_store.project / "conftest.py").write_text(body)
    try:
        done = gate_store.pytest("gates/", model=gate_store.good)
    finally:
        file.write_bytes(original)
    assert done.returncode == 10
    assert "was changed while the gates ran" in " ".join(done.stdout.split())
    assert not gate_store.tags(gate_store.good)


@pytest.mark.parametrize(
    ("model", "code", "message"),
    [
        ("m-" + "0" * 32, 4, "does not exist"),
        ("nonsense", 4, "is not a model"),
        ("models:/orders@champion", 4, "orders"),
    ],
)
def test_a_model_that_is_not_there_is_one_line(gate_store, model, code, message):
    done = gate_store.pytest("gates/", model=model)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_an_unreachable_server_is_undecided_in_one_line(gate_store):
    done = gate_store.pytest("gates/", model=gate_store.good, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert done.returncode == 10
    assert "nothing answers" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_read_only_identity_passes_and_marks_nothing(gate_store):
    with contextlib.closing(sqlite3.connect(gate_store.database)) as connection, connection:
        for table in ("runs", "logged_model_tags"):
            refuse = "SELECT RAISE(ABORT, 'attempt to write a readonly database');"
            connection.execute(f"CREATE TRIGGER read_only_{table} BEFORE INSERT ON {table} BEGIN {refuse} END")
    done = gate_store.pytest("gates/", model=gate_store.good)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "genie gate: PASS (not marked)" in done.stdout
    assert "verify --model-id" in done.stdout
    assert (gate_store.project / "genie-verdict" / "candidate" / "verdict.json").is_file()
    assert not gate_store.tags(gate_store.good)


def test_the_installed_plugin_imports_nothing_heavy_and_adds_only_its_own_options(gate_store):
    script = (
        "import sys, mlflow_genie_plugin.plugins.pytest_gates; print([n for n in sys.argv[1:] if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script, *HEAVY], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    options = gate_store.pytest("--help").stdout.partition("gates of Genie model versions:")[2].partition("\n\n")[0]
    flags = [word.partition("=")[0] for word in options.split() if word.startswith("--")]
    assert set(flags) == {
        "--model-id", "--genie-stage", "--genie-evaluation", "--genie-dry-run", "--genie-criteria",
        "--genie-verdict-dir",
    }  # fmt: skip
