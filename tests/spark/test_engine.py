from __future__ import annotations

import json
import os
import subprocess
import sys

import orjson
import pytest

from mlflow_genie_plugin.emulator.sample import sample_benchmarks
from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID
from mlflow_genie_plugin.errors import JudgingFailedError
from mlflow_genie_plugin.evaluation.benchmark import parse_benchmarks
from mlflow_genie_plugin.evaluation.engines import partition
from mlflow_genie_plugin.evaluation.engines.spark import SparkEngine
from mlflow_genie_plugin.evaluation.engines.table import judge_table
from mlflow_genie_plugin.evaluation.evaluated import make_result
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.evaluation.plan import plan_evaluation
from mlflow_genie_plugin.evaluation.recorded import recorded_cases, recorded_schema
from mlflow_genie_plugin.evaluation.result_file import result_bytes
from mlflow_genie_plugin.evaluation.runner import run_evaluation
from mlflow_genie_plugin.snapshot.create import create_genie_model_version
from mlflow_genie_plugin.workspace.auth import connect

pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas")]


@pytest.fixture
def model_id(local_workspace, tracking):
    live = connect().spaces.get_space(SAMPLE_SPACE_ID)
    return create_genie_model_version(SAMPLE_SPACE_ID, live.serialized_space, 0, "sample")


def recorded_result(plan, source):
    return make_result(
        plan,
        recorded_cases(plan, source),
        schema=recorded_schema(source),
        evaluation_id=source.evaluation_id,
        live=dict(source.live),
        invalid_reason=None,
        runner={"kind": "recorded", "version": "1", "started_at": "s", "finished_at": "f"},
    )


@pytest.mark.parametrize("store_rows", ["all", "none"])
def test_spark_and_local_give_the_same_bytes_for_the_whole_sample(spark, model_id, store_rows):
    questions = parse_benchmarks(sample_benchmarks(), what="sample")
    plan = plan_evaluation(model_id, questions, traces=False)
    source = run_evaluation(plan, connect()).result
    local, on_spark = (
        result_bytes(
            recorded_result(
                plan_evaluation(model_id, questions, traces=False, store_rows=store_rows, engine=engine), source
            )
        )
        for engine in ("local", "spark")
    )
    assert len(orjson.loads(local)["questions"]) == len(questions.benchmarks) > 40
    assert on_spark == local


def test_a_worker_with_other_judges_fails_the_evaluation(spark, make_cases, monkeypatch):
    cases = make_cases(3)
    monkeypatch.setattr(partition.mlflow_genie_plugin, "__version__", "0.0.0-other")
    with pytest.raises(JudgingFailedError, match=r"a Spark worker has mlflow-genie-plugin .* the driver has 0\.0\.0-o"):
        SparkEngine().judge(cases, JUDGES.choose(), "all")


def test_results_come_back_in_the_order_of_the_cases(spark, make_cases):
    cases = make_cases(41)
    results = SparkEngine(partitions=7).judge(cases, JUDGES.choose(), "all")
    assert [result.question_id for result in results] == [case.benchmark.id for case in cases]


def test_a_table_is_judged_alike_on_spark_and_here(spark, answers_table):
    table = answers_table(30)
    here = judge_table(table).read_all().sort_by([("question_id", "ascending"), ("judge", "ascending")]).to_pylist()
    frame = judge_table(spark.createDataFrame(table).repartition(4))
    assert frame.orderBy("question_id", "judge").toArrow().to_pylist() == here
    assert {row["outcome"] for row in here} >= {"passed", "failed"}


def test_without_java_the_error_says_what_to_install(spark, tmp_path):
    script = "from mlflow_genie_plugin.evaluation.engines.session import require_spark as r; r()"
    environment = {key: value for key, value in os.environ.items() if key != "JAVA_HOME"} | {"PATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert "SparkUnavailableError" in done.stderr
    assert "default-jre-headless" in done.stderr


def test_a_process_of_its_own_starts_spark_itself_and_stops_it(spark, tmp_path, make_cases):
    script = (
        "import json, sys\n"
        "from pyspark.sql import SparkSession\n"
        "from mlflow_genie_plugin.evaluation.engines.session import spark_session\n"
        "with spark_session() as spark:\n"
        "    rows = spark.range(3).count()\n"
        "print(json.dumps({'rows': rows, 'left': SparkSession.getActiveSession() is not None}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout.splitlines()[-1]) == {"rows": 3, "left": False}
