import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e


def run(arguments, quickstart, **more):
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**quickstart.environment, **more},
        cwd=quickstart.directory,
    )


def test_the_story_ends_with_ids_and_where_everything_is(quickstart):
    assert quickstart.result["good"]["gate"] == "passed"
    assert quickstart.result["bad"]["gate"] == "failed"
    assert quickstart.good["model_id"] in quickstart.talk
    assert "PASS" in quickstart.talk
    assert "FAIL" in quickstart.talk
    for name in ("mlflow.db", "gates", "benchmarks.yaml", "workspace"):
        assert (quickstart.directory / name).exists()


def test_only_the_good_version_is_marked(quickstart):
    import mlflow

    from mlflow_genie_plugin.gating.mark import read_mark

    client = mlflow.MlflowClient(f"sqlite:///{quickstart.directory / 'mlflow.db'}")
    good = client.get_logged_model(quickstart.good["model_id"]).tags
    bad = client.get_logged_model(quickstart.bad["model_id"]).tags
    assert read_mark(good, "candidate").is_positive
    assert not read_mark(bad, "candidate").is_positive


def test_the_gates_decide_again_from_the_folder(quickstart):
    good = run(["pytest", "gates/", f"--model-id={quickstart.good['model_id']}", "-q"], quickstart)
    bad = run(["pytest", "gates/", f"--model-id={quickstart.bad['model_id']}", "-q"], quickstart)
    assert good.returncode == 0, good.stdout
    assert bad.returncode == 1, bad.stdout


def test_verify_confirms_the_good_version_and_refuses_the_bad_one(quickstart):
    good = run(["mlflow_genie_plugin.cli.main", "verify", "--model-id", quickstart.good["model_id"]], quickstart)
    bad = run(["mlflow_genie_plugin.cli.main", "verify", "--model-id", quickstart.bad["model_id"]], quickstart)
    assert good.returncode == 0, good.stderr
    assert bad.returncode == 1, bad.stderr


def test_the_edit_is_shown_by_diff(quickstart):
    result = run(
        [
            *("mlflow_genie_plugin.cli.main", "space", "diff", "--exit-code"),
            *(f"models:/{quickstart.good['model_id']}", f"models:/{quickstart.bad['model_id']}"),
        ],
        quickstart,
    )
    assert result.returncode == 1, result.stderr
    assert "~" in result.stdout


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    result = subprocess.run(
        [sys.executable, "-m", "mlflow_genie_plugin.cli.main", "quickstart", "--dir", str(tmp_path), "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert result.returncode == 2
    assert json.loads(result.stdout)["error"]["code"] == "MG200"
    assert (tmp_path / "mine.txt").read_text() == "mine"
