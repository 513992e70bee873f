from __future__ import annotations

import dataclasses
import json
import signal
import threading

import pytest

from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID
from mlflow_genie_plugin.errors import (
    DriftedSpaceError,
    EvaluationLoggingError,
    InterruptedEvaluationError,
    InvalidBenchmarksError,
    InvalidEvaluationError,
    UsageError,
)
from mlflow_genie_plugin.evaluation import mlflow_logging
from mlflow_genie_plugin.evaluation.benchmark import Benchmark, BenchmarkSet
from mlflow_genie_plugin.evaluation.mlflow_logging import attempts, latest_complete, load_evaluation
from mlflow_genie_plugin.evaluation.plan import plan_evaluation
from mlflow_genie_plugin.evaluation.progress import Silent
from mlflow_genie_plugin.evaluation.recorded import judge_recorded
from mlflow_genie_plugin.evaluation.runner import run_evaluation
from mlflow_genie_plugin.registry import get_run
from mlflow_genie_plugin.settings import resolve_settings
from mlflow_genie_plugin.workspace.auth import connect

START = "start-conversation"


def asked(workspace):
    return [item for item in workspace.control.requests() if item["path"].endswith("/start-conversation")]


def evaluate(model_id, questions, *, progress=None, in_flight=None, restart=False, **options):
    plan = plan_evaluation(model_id, questions, traces=options.pop("traces", False), **options)
    return run_evaluation(plan, connect(), progress=progress, in_flight=in_flight, restart=restart)


def status_of(run_id):
    return get_run(run_id).tags["genie.evaluation.status"]


class AfterAnswers(Silent):
    """Does something once ``count`` answers have come."""

    def __init__(self, count, action):
        self.count, self.action, self.seen, self.lock = count, action, 0, threading.Lock()

    def answered(self, status):
        with self.lock:
            self.seen += 1
            if self.seen == self.count:
                self.action()


def test_a_good_version_is_evaluated_stored_and_found_again(live_model, few_questions, local_workspace):
    evaluation = evaluate(live_model, few_questions)
    result = evaluation.result
    assert result.status == "complete"
    assert [question.question_id for question in result.questions] == [item.id for item in few_questions.benchmarks]
    assert {judge: counts.passed for judge, counts in result.scores.items()} == {
        **dict.fromkeys(result.judges_asked, 6),
        "repeatability": 0,
    }
    assert result.config["behaviour_sha256"] == result.live["behaviour_sha256_before"]
    assert result.config["behaviour_sha256"] == result.live["behaviour_sha256_after"]
    assert result.benchmarks["sha256"] == few_questions.sha256
    run, count = latest_complete(live_model)
    assert (run.run_id, count) == (evaluation.run_id, 1)
    assert run.params["genie.evaluation_sha256"] == evaluation.sha256
    assert load_evaluation(evaluation.run_id) == (evaluation.data, result)
    assert len(asked(local_workspace)) == 6
    assert list((resolve_settings().state_dir / "evaluations").iterdir()) == []
    evaluation.raise_if_failed()


def test_traces_carry_every_judge_of_every_question(live_model, few_questions):
    import mlflow

    evaluation = evaluate(live_model, few_questions, traces=True)
    run = get_run(evaluation.run_id)
    traces = mlflow.search_traces(
        locations=[run.experiment_id], run_id=run.run_id, include_spans=False, return_type="list"
    )
    assert {trace.info.tags["genie.question_id"] for trace in traces} == {item.id for item in few_questions.benchmarks}
    for trace in traces:
        feedback = {item.name: item.value for item in trace.info.assessments if item.name in evaluation.result.judges}
        (question,) = [q for q in evaluation.result.questions if q.question_id == trace.info.tags["genie.question_id"]]
        assert feedback == {judge: question.passed(judge) for judge in evaluation.result.judges_asked}
        assert feedback["result_correctness"] is True
        assert trace.info.trace_metadata["mlflow.modelId"] == live_model
    assert run.metrics["result_correctness/mean"] == 1.0
    assert run.metrics["overall_accuracy"] == 1.0
    assert "repeatability/mean" not in run.metrics
    model_metrics = mlflow.MlflowClient().get_logged_model(live_model).metrics
    assert {metric.key for metric in model_metrics} >= {"asset_routing/mean", "overall_accuracy"}
    stored_again = mlflow_logging.store_evaluation(
        evaluation.run_id, plan_evaluation(live_model, few_questions).snapshot.model, evaluation.result
    )
    assert stored_again == evaluation.data


def test_lost_traces_are_noticed_and_the_evaluation_is_not_complete(live_model, few_questions, monkeypatch):
    from mlflow_genie_plugin.evaluation import traces

    monkeypatch.setattr(traces, "_READ_BACK_SECONDS", 0.0)
    monkeypatch.setattr(traces, "_log", lambda *arguments: None)
    with pytest.raises(EvaluationLoggingError, match="6 of 6 questions have no trace"):
        evaluate(live_model, few_questions, traces=True)
    [run] = attempts(plan_evaluation(live_model, few_questions).snapshot.model)
    assert run.tags["genie.evaluation.status"] == "interrupted"
    assert "genie.evaluation_sha256" not in run.params
    assert latest_complete(live_model) == (None, 1)
    monkeypatch.undo()


def test_a_drifted_space_is_not_asked(live_model, few_questions, local_workspace):
    from mlflow_genie_plugin.emulator.sample import bad_edit, sample_document

    local_workspace.control.edit_space(SAMPLE_SPACE_ID, bad_edit(sample_document()))
    with pytest.raises(DriftedSpaceError) as caught:
        evaluate(live_model, few_questions)
    assert caught.value.details["live_behaviour_sha256"][:12] in str(caught.value)
    assert caught.value.details["model_behaviour_sha256"][:12] in str(caught.value)
    assert f"mlflow-genie drift {live_model}" in str(caught.value)
    assert asked(local_workspace) == []


def test_an_edit_during_the_evaluation_makes_it_invalid(live_model, few_questions, local_workspace):
    from mlflow_genie_plugin.emulator.sample import bad_edit, sample_document

    edit = AfterAnswers(3, lambda: local_workspace.control.edit_space(SAMPLE_SPACE_ID, bad_edit(sample_document())))
    evaluation = evaluate(live_model, few_questions, progress=edit, in_flight=1, traces=True)
    assert evaluation.result.status == "invalid"
    assert "changed while it was asked" in evaluation.result.invalid_reason
    assert status_of(evaluation.run_id) == "invalid"
    assert get_run(evaluation.run_id).metrics == {}
    assert latest_complete(live_model) == (None, 1)
    with pytest.raises(InvalidEvaluationError):
        evaluation.raise_if_failed()


def test_broken_ground_truth_is_listed_whole_before_anything_is_asked(live_model, few_questions, local_workspace):
    broken = [
        Benchmark("x1", "A?", "SELECT nothing FROM samples.tpch.orders"),
        Benchmark("x2", "B?", "SELECT 1 FROM samples.tpch.no_such_table"),
        Benchmark("x3", "C?", "SELECT count(*) FROM samples.tpch.orders", expected_asset="MV"),
    ]
    questions = BenchmarkSet("broken", (*few_questions.benchmarks, *broken))
    with pytest.raises(InvalidBenchmarksError) as caught:
        evaluate(live_model, questions)
    assert [item.path for item in caught.value.violations] == ["question x1", "question x2", "question x3"]
    assert asked(local_workspace) == []
    assert latest_complete(live_model) == (None, 0)


def interrupt(error_type, model_id, questions, **options):
    with pytest.raises(InterruptedEvaluationError) as caught:
        evaluate(model_id, questions, **options)
    assert isinstance(caught.value.__cause__, error_type)
    assert "run the same command again: it asks" in str(caught.value)
    assert str(caught.value).count("run the same command again") == 1
    assert status_of(caught.value.details["run_id"]) == "interrupted"
    return caught.value


def continue_and_compare(workspace, model_id, questions):
    evaluation = evaluate(model_id, questions)
    assert evaluation.continued
    assert evaluation.result.status == "complete"
    assert evaluation.result.scores["result_correctness"].passed == len(questions.benchmarks)
    texts = [
        json.loads(item["body"])["content"] if isinstance(item.get("body"), str) else None for item in asked(workspace)
    ]
    return evaluation, texts


def test_an_expired_token_interrupts_and_the_same_command_asks_only_the_rest(
    live_model, few_questions, local_workspace
):
    expire = AfterAnswers(2, local_workspace.control.expire_token)
    error = interrupt(Exception, live_model, few_questions, progress=expire, in_flight=1)
    assert error.details["saved"] >= 2
    assert f"{error.details['saved']} of 6 answers are saved" in str(error)
    local_workspace.control.expire_token(expired=False)
    evaluation, _ = continue_and_compare(local_workspace, live_model, few_questions)
    accepted = [item for item in asked(local_workspace) if item["status"] == 200]
    assert len(accepted) == 6
    assert evaluation.run_id == error.details["run_id"]
    assert latest_complete(live_model)[1] == 1


def test_ctrl_c_interrupts_and_questions_in_flight_are_followed_not_asked_again(
    live_model, few_questions, local_workspace
):
    local_workspace.control.latency(0.4)
    press = AfterAnswers(1, lambda: signal.raise_signal(signal.SIGINT))
    error = interrupt(KeyboardInterrupt, live_model, few_questions, progress=press, in_flight=4)
    assert "stopped by Ctrl-C" in str(error)
    local_workspace.control.latency(0.0)
    continue_and_compare(local_workspace, live_model, few_questions)
    assert len(asked(local_workspace)) == 6


def test_restart_asks_everything_again(live_model, few_questions, local_workspace):
    press = AfterAnswers(2, lambda: signal.raise_signal(signal.SIGINT))
    interrupt(KeyboardInterrupt, live_model, few_questions, progress=press, in_flight=1)
    before = len(asked(local_workspace))
    evaluation = evaluate(live_model, few_questions, restart=True)
    assert not evaluation.continued
    assert len(asked(local_workspace)) == before + 6


def test_an_outage_while_storing_asks_nothing_again(live_model, few_questions, local_workspace, monkeypatch):
    from mlflow_genie_plugin.errors import TrackingUnavailableError

    def down(*arguments, **options):
        raise TrackingUnavailableError("the tracking server is down", next_step="start it")

    with monkeypatch.context() as patch:
        patch.setattr(mlflow_logging, "store_evaluation", down)
        with pytest.raises(InterruptedEvaluationError, match="it asks nothing again"):
            evaluate(live_model, few_questions)
    evaluation = evaluate(live_model, few_questions)
    assert evaluation.result.status == "complete"
    assert len(asked(local_workspace)) == 6


def test_failed_and_clarified_questions_count_against_the_model(live_model, few_questions, local_workspace):
    first, second = few_questions.benchmarks[:2]
    local_workspace.control.script_answer(
        question=first.question, status="FAILED", error="internal", error_type="OTHER"
    )
    local_workspace.control.script_answer(question=second.question, text="Which year?", is_clarification=True)
    result = evaluate(live_model, few_questions).result
    counts = result.counts_of("result_correctness")
    assert (counts.passed, counts.failed, counts.errored, counts.planned) == (4, 1, 1, 6)
    assert result.questions[0].findings["result_correctness"].failure_type == "ANSWER_FAILED"
    assert result.questions[1].findings["result_correctness"].failure_type == "CLARIFICATION"


def test_no_rows_leave_the_machine_when_they_must_not(live_model, few_questions):
    evaluation = evaluate(live_model, few_questions, store_rows="none")
    assert evaluation.result.score_of("result_correctness") == 1.0
    for question in evaluation.result.questions:
        assert question.answer.rows is None
        assert question.answer.text is None
        assert question.expected.rows is None
        assert not {"missing_rows", "extra_rows"} & set(question.findings["result_correctness"].evidence)


def test_recorded_answers_are_judged_again_without_asking(live_model, few_questions, local_workspace, tmp_path):
    evaluation = evaluate(live_model, few_questions)
    plan = plan_evaluation(live_model, few_questions, traces=False)
    for source in (evaluation.run_id, str(tmp_path / "result.json")):
        (tmp_path / "result.json").write_bytes(evaluation.data)
        again = judge_recorded(plan, source)
        assert again.result.runner["kind"] == "recorded"
        assert again.result.runner["answers_from"] == evaluation.sha256
        assert again.result.questions == evaluation.result.questions
    assert len(asked(local_workspace)) == 6
    forged = dataclasses.replace(evaluation.result, evaluation_id="f" * 32)
    from mlflow_genie_plugin.evaluation.result_file import result_bytes

    (tmp_path / "forged.json").write_bytes(result_bytes(forged))
    with pytest.raises(InvalidEvaluationError, match="not the result of any evaluation run"):
        judge_recorded(plan, str(tmp_path / "forged.json"))
    changed = BenchmarkSet("few", (dataclasses.replace(few_questions.benchmarks[0], expected_sql="SELECT 1"),))
    with pytest.raises(UsageError, match="has other expected SQL now"):
        judge_recorded(plan_evaluation(live_model, changed), evaluation.run_id)


def test_a_changed_result_file_is_refused(live_model, few_questions):
    from mlflow_genie_plugin.registry import log_artifact

    evaluation = evaluate(live_model, few_questions)
    log_artifact(evaluation.run_id, mlflow_logging.RESULT_ARTIFACT, evaluation.data.replace(b"passed", b"failed"))
    with pytest.raises(InvalidEvaluationError, match="changed after the evaluation"):
        load_evaluation(evaluation.run_id)
