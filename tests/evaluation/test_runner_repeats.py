from __future__ import annotations

import json
import signal

import pytest

from mlflow_genie_plugin.errors import InterruptedEvaluationError, UsageError
from mlflow_genie_plugin.evaluation.changes import changes_between
from mlflow_genie_plugin.evaluation.plan import plan_evaluation
from mlflow_genie_plugin.evaluation.progress import Silent
from mlflow_genie_plugin.evaluation.recorded import judge_recorded
from mlflow_genie_plugin.evaluation.repeatability import summarise
from mlflow_genie_plugin.evaluation.result_file import parse_result, question_json, result_bytes
from mlflow_genie_plugin.evaluation.runner import run_evaluation
from mlflow_genie_plugin.workspace.auth import connect

JUDGES = ("syntax_validity", "result_correctness", "repeatability")


def evaluate(model_id, questions, *, progress=None, in_flight=None, **options):
    plan = plan_evaluation(model_id, questions, traces=False, judges=JUDGES, **options)
    return run_evaluation(plan, connect(), progress=progress, in_flight=in_flight)


def asked(workspace):
    found = [item for item in workspace.control.requests() if item["path"].endswith("/start-conversation")]
    return [json.loads(item["body"])["content"] for item in found if item["status"] == 200]


class Interrupt(Silent):
    def __init__(self, after):
        self.left = after

    def answered(self, status):
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


def test_each_question_is_asked_as_often_as_planned_and_all_answers_are_kept(
    live_model, few_questions, local_workspace
):
    evaluation = evaluate(live_model, few_questions, times=3, in_flight=1)
    texts = asked(local_workspace)
    assert {text: texts.count(text) for text in texts} == {item.question: 3 for item in few_questions.benchmarks}
    assert sorted(texts[:6]) == sorted(item.question for item in few_questions.benchmarks)
    result = evaluation.result
    assert result.runner["times"] == 3
    for question in result.questions:
        answers = (question.answer, *question.repeats)
        assert len({answer.conversation_id for answer in answers}) == 3
        assert question.passed("repeatability")
    assert parse_result(evaluation.data) == result
    found = summarise(result)
    assert (found.bands["IDENTICAL"], found.flip_rate) == (6, 0)
    assert evaluation.to_json()["repeatability"]["shares"]["IDENTICAL"] == 1.0


def test_after_an_interruption_no_question_is_asked_once_too_often(live_model, few_questions, local_workspace):
    with pytest.raises(InterruptedEvaluationError, match="of 18 answers are saved") as caught:
        evaluate(live_model, few_questions, times=3, progress=Interrupt(8), in_flight=3)
    assert caught.value.details["planned"] == 18
    evaluation = evaluate(live_model, few_questions, times=3)
    texts = asked(local_workspace)
    assert {text: texts.count(text) for text in texts} == {item.question: 3 for item in few_questions.benchmarks}
    assert evaluation.continued


def test_an_answer_that_changes_is_found_and_only_the_first_is_judged_elsewhere(
    live_model, few_questions, local_workspace
):
    first = few_questions.benchmarks[0].question
    plan = plan_evaluation(live_model, few_questions, traces=False, judges=JUDGES, times=2)

    class Then(Silent):
        def __init__(self):
            self.seen = 0

        def answered(self, status):
            self.seen += 1
            if self.seen == 6:
                local_workspace.control.script_answer(question=first, sql="SELECT 1 AS other")

    result = run_evaluation(plan, connect(), progress=Then(), in_flight=1).result
    finding = result.questions[0].findings["repeatability"]
    assert result.questions[0].passed("result_correctness")
    assert (finding.failure_type, finding.evidence["band"]) == ("repeatability_issue", "SIGNIFICANT")
    assert finding.evidence["right"] == [True, False]
    assert summarise(result).unsteady == (few_questions.benchmarks[0].id,)


def test_a_question_cannot_be_asked_less_than_once(live_model, few_questions):
    with pytest.raises(UsageError, match="cannot be asked 0 times"):
        plan_evaluation(live_model, few_questions, times=0)


def test_judging_recorded_answers_gives_the_same_bytes_of_findings(live_model, few_questions, local_workspace):
    local_workspace.control.script_answer(question=few_questions.benchmarks[1].question, sql="SELECT 7 AS n", times=0)
    local_workspace.control.script_answer(question=few_questions.benchmarks[2].question, text="Which?", times=0)
    live = evaluate(live_model, few_questions, times=2)
    plan = plan_evaluation(live_model, few_questions, traces=False, judges=JUDGES)
    before = len(asked(local_workspace))
    again = [judge_recorded(plan, live.run_id) for _ in range(2)]

    def questions(evaluation):
        import orjson

        return orjson.dumps([question_json(item) for item in parse_result(evaluation.data).questions])

    assert questions(live) == questions(again[0]) == questions(again[1])
    assert again[0].result.runner["times"] == 2
    assert len(asked(local_workspace)) == before
    assert result_bytes(live.result) == live.data


def test_what_changed_since_an_earlier_evaluation_is_named(live_model, few_questions, local_workspace):
    control, items = local_workspace.control, few_questions.benchmarks
    control.script_answer(question=items[1].question, sql="SELECT 7 AS n")
    before = evaluate(live_model, few_questions).result
    control.script_answer(question=items[0].question, sql="SELECT 7 AS n")
    same = before.questions[2].answer.sql
    control.script_answer(question=items[2].question, sql=f"SELECT * FROM (\n{same}\n) AS again")
    after = evaluate(live_model, few_questions).result
    found = changes_between(before, after)
    assert found.judged_by == ("result_correctness",)
    assert [change.question_id for change in found.of_kind("newly_wrong")] == [items[0].id]
    assert [change.question_id for change in found.of_kind("newly_right")] == [items[1].id]
    assert [change.question_id for change in found.of_kind("other_query_same_result")] == [items[2].id]
    assert (found.unchanged, found.not_compared) == (3, ())
    assert found.of_kind("newly_wrong")[0].judges["result_correctness"] == ("passed", "failed")
    assert changes_between(after, after).changes == ()


@pytest.mark.parametrize("times", [1, 2])
def test_a_question_that_was_asked_before_the_process_could_say_so_is_found_again(
    live_model, few_questions, local_workspace, monkeypatch, times
):
    from mlflow_genie_plugin.evaluation.asking.journal import Journal

    whole = evaluate(live_model, few_questions, times=times).result

    def die(self, turn, ref):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add_started", die)
        with pytest.raises(InterruptedEvaluationError):
            evaluate(live_model, few_questions, times=times, in_flight=3)
    result = evaluate(live_model, few_questions, times=times).result
    texts = asked(local_workspace)
    assert {text: texts.count(text) for text in texts} == {
        item.question: 2 * times for item in few_questions.benchmarks
    }
    # The answers of the earlier evaluation of the same questions were not taken for ours.
    conversations = [
        {answer.conversation_id for question in found.questions for answer in (question.answer, *question.repeats)}
        for found in (whole, result)
    ]
    assert not conversations[0] & conversations[1]
    assert len(conversations[1]) == 6 * times


def test_the_oldest_conversation_with_the_question_is_ours(live_model, few_questions, local_workspace, monkeypatch):
    from mlflow_genie_plugin.evaluation.asking.journal import Journal
    from mlflow_genie_plugin.workspace.answer import MessageRef

    refs: list[MessageRef] = []

    def note_and_die(self, turn, ref):
        refs.append(ref)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add_started", note_and_die)
        with pytest.raises(InterruptedEvaluationError):
            evaluate(live_model, few_questions, in_flight=1)
    question = few_questions.benchmarks[0].question
    space_id = refs[0].space_id
    connect().asker.start(space_id, question)
    asker = connect().asker
    found = asker.find(space_id, question, after_seconds=0.0, known=())
    assert found == refs[0]
    assert asker.find(space_id, question, after_seconds=asker.newest(space_id), known=()) is None
    assert asker.find(space_id, "another question", after_seconds=0.0, known=()) is None
