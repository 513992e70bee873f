from __future__ import annotations

import json
import os
import subprocess
import sys

import orjson
import pytest
import yaml
from click.testing import CliRunner

from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID

pytestmark = pytest.mark.e2e


@pytest.fixture
def command(local_workspace, tracking, tmp_path):
    """The arguments that evaluate twelve of the sample's questions, four of which are answered wrong in some way."""
    from mlflow_genie_plugin.emulator.sample import sample_benchmarks
    from mlflow_genie_plugin.snapshot.create import create_genie_model_version
    from mlflow_genie_plugin.workspace.auth import connect

    document = yaml.safe_load(sample_benchmarks())
    document["benchmarks"] = document["benchmarks"][::5][:12]
    texts = [item["question"] for item in document["benchmarks"]]
    control = local_workspace.control
    control.script_answer(
        question=texts[1], sql="SELECT c_name FROM samples.tpch.customer WHERE c_acctbal > 100", times=0
    )
    control.script_answer(question=texts[2], sql="SELECT no_such_column FROM samples.tpch.nation", times=0)
    control.script_answer(question=texts[3], text="Which one?", is_clarification=True, times=0)
    control.script_answer(
        question=texts[4],
        sql="SELECT o_orderstatus, sum(o_totalprice) FROM samples.tpch.orders JOIN samples.tpch.lineitem "
        "ON l_orderkey = o_orderkey GROUP BY o_orderstatus",
        times=0,
    )
    path = tmp_path / "questions.yaml"
    path.write_text(yaml.safe_dump(document))
    live = connect().spaces.get_space(SAMPLE_SPACE_ID)
    model_id = create_genie_model_version(SAMPLE_SPACE_ID, live.serialized_space, 0, "sample")
    return ["--model-id", model_id, "--benchmarks", str(path), "--no-traces", "--json"]


def questions_of(run_id):
    from mlflow_genie_plugin.evaluation.mlflow_logging import load_evaluation

    return orjson.dumps(orjson.loads(load_evaluation(run_id)[0])["questions"])


def test_every_judge_says_the_same_bytes_again_in_another_process_without_asking(command, local_workspace):
    from mlflow_genie_plugin.cli.evaluate import evaluate
    from mlflow_genie_plugin.evaluation.judges import JUDGES

    result = CliRunner().invoke(evaluate, [*command, "--repeats", "2"])
    assert result.exit_code == 0, result.stderr
    live = json.loads(result.stdout)
    assert set(live["scores"]) == {judge.name for judge in JUDGES.choose()}
    asked = len(local_workspace.control.requests())
    # Another hash seed, so that an order that only sets give would show.
    again = subprocess.run(
        [sys.executable, "-m", "mlflow_genie_plugin.cli.main", "evaluate", *command,
         "--runner", "recorded", "--answers", live["run_id"]],
        env={**os.environ, "PYTHONHASHSEED": "1"}, capture_output=True, check=True,
    )  # fmt: skip
    recorded = json.loads(again.stdout)
    assert recorded["run_id"] != live["run_id"]
    assert questions_of(recorded["run_id"]) == questions_of(live["run_id"])
    assert recorded["not_passed"] == live["not_passed"] != []
    assert len(local_workspace.control.requests()) == asked
