import mlflow
import pandas as pd
import pytest

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.emulator.sample import sample_benchmarks
from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID
from mlflow_genie_plugin.errors import InvalidBenchmarksError, UsageError
from mlflow_genie_plugin.evaluation.mlflow_logging import load_evaluation
from mlflow_genie_plugin.plugins.model_evaluator import benchmark_set_of
from mlflow_genie_plugin.snapshot.create import create_genie_model_version


@pytest.fixture
def model_id(tracking, local_workspace):
    from mlflow_genie_plugin.workspace.auth import connect

    live = connect().spaces.get_space(SAMPLE_SPACE_ID)
    return create_genie_model_version(SAMPLE_SPACE_ID, live.serialized_space, 0, "sample")


@pytest.fixture
def frame():
    from mlflow_genie_plugin.evaluation.benchmark import parse_benchmarks

    chosen = parse_benchmarks(sample_benchmarks()).benchmarks[:4]
    return pd.DataFrame(
        [{"id": item.id, "question": item.question, "expected_sql": item.expected_sql, "priority": item.priority,
          "expected_asset": item.expected_asset} for item in chosen]
    )  # fmt: skip


def evaluate(model_id, frame, **config):
    return mlflow.models.evaluate(
        f"models:/{model_id}", data=frame, targets="expected_sql", model_type="genie", evaluators=["genie"],
        evaluator_config={"genie": {"traces": False, **config}},
    )  # fmt: skip


def test_a_frame_of_questions_is_evaluated_and_the_gate_can_use_it(model_id, frame):
    result = evaluate(model_id, frame)
    assert result.metrics["result_correctness/mean"] == 1.0
    assert result.metrics["overall_accuracy"] == 1.0
    run = registry.get_run(mlflow.last_active_run().info.run_id)
    stored = load_evaluation(run.tags["genie.evaluation_run_id"])[1]
    assert stored.status == "complete"
    assert stored.model_id == model_id
    assert [question.question_id for question in stored.questions] == list(frame["id"])
    assert run.metrics["result_correctness/mean"] == 1.0


def test_without_ids_the_questions_are_numbered(model_id, frame):
    result = evaluate(model_id, frame.drop(columns=["id", "priority", "expected_asset"]))
    assert result.metrics["overall_accuracy"] == 1.0


def test_rows_that_are_no_benchmarks_are_all_listed(model_id, frame):
    frame.loc[1, "id"] = frame.loc[0, "id"]
    frame.loc[2, "priority"] = "urgent"
    with pytest.raises(InvalidBenchmarksError) as caught:
        evaluate(model_id, frame)
    assert len(caught.value.violations) >= 2


def test_a_frame_without_questions_and_an_unknown_setting_are_refused(model_id, frame):
    with pytest.raises(UsageError, match="no column for the question"):
        evaluate(model_id, frame.rename(columns={"question": "frage"}))
    with pytest.raises(UsageError, match="no setting judge"):
        evaluate(model_id, frame, judge=["asset_routing"])


def test_predictions_made_before_are_refused_and_not_silently_replaced_by_new_answers(model_id, frame):
    frame["sql"] = "SELECT 1"
    with pytest.raises(UsageError, match=r"takes no predictions made before.*scorers"):
        mlflow.models.evaluate(
            data=frame, predictions="sql", targets="expected_sql", model_type="genie", evaluators=["genie"],
            model_id=model_id,
        )  # fmt: skip


def test_lists_that_parquet_gave_back_as_arrays_are_lists(frame, tmp_path):
    frame["required_tables"] = [["a.b.c", "a.b.d"]] * 4
    frame.loc[0, "required_tables"] = None
    frame.to_parquet(tmp_path / "questions.parquet")
    read = pd.read_parquet(tmp_path / "questions.parquet")
    data = mlflow.data.from_pandas(read, targets="expected_sql")
    found = benchmark_set_of(data.to_evaluation_dataset())
    assert [item.required_tables for item in found.benchmarks] == [(), *[("a.b.c", "a.b.d")] * 3]


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT])
def test_what_is_missing_in_a_row_is_left_out_whatever_pandas_writes_for_it(frame, missing):
    frame["priority"] = frame["priority"].astype(object)
    frame.loc[1, "priority"] = missing
    frame.loc[1, "expected_asset"] = None
    dataset = mlflow.data.from_pandas(frame, targets="expected_sql")
    found = benchmark_set_of(dataset.to_evaluation_dataset())
    assert (found.benchmarks[1].priority, found.benchmarks[1].expected_asset) == ("P1", None)


def test_other_model_types_are_left_to_other_evaluators():
    from mlflow_genie_plugin.plugins.model_evaluator import GenieEvaluator

    assert not GenieEvaluator.can_evaluate(model_type="regressor", evaluator_config=None)
    assert GenieEvaluator.can_evaluate(model_type="genie", evaluator_config=None)
