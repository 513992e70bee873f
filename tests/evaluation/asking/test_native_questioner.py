from __future__ import annotations

import dataclasses
import json

import pytest

from mlflow_genie_plugin.errors import InterruptedEvaluationError, InvalidBenchmarksError
from mlflow_genie_plugin.evaluation.asking.native_questions import match_questions
from mlflow_genie_plugin.evaluation.benchmark import Benchmark, BenchmarkSet, parse_benchmarks
from mlflow_genie_plugin.evaluation.plan import plan_evaluation
from mlflow_genie_plugin.evaluation.progress import Silent
from mlflow_genie_plugin.evaluation.recorded import judge_recorded
from mlflow_genie_plugin.evaluation.runner import run_evaluation
from mlflow_genie_plugin.settings import resolve_settings
from mlflow_genie_plugin.workspace.auth import connect

COUNT = "SELECT count(*) AS n FROM samples.tpch.nation"
NAMES = "SELECT n_name FROM samples.tpch.nation"
# Question → the benchmark's SQL, what the space answers (None: a text), the native assessment of that.
CASES = {
    "How many nations are there?": (COUNT, COUNT, "GOOD"),
    "How many nations, once more?": (COUNT, "SELECT count(*) + 1 AS n FROM samples.tpch.nation", "BAD"),
    "Which nations are there?": (NAMES, f"{NAMES} LIMIT 3", "NEEDS_REVIEW"),
    "What is a nation?": (NAMES, None, "NEEDS_REVIEW"),
}
IDS = {question: f"{number:032x}" for number, question in enumerate(CASES, 1)}
JUDGES = ("result_correctness", "syntax_validity", "native_assessment")


@pytest.fixture
def native(local_workspace, tracking):
    """A space that holds the questions of CASES, as a model version; yields its id and the benchmark set."""
    from mlflow_genie_plugin.snapshot.create import create_genie_model_version

    control = local_workspace.control
    document = {
        "version": 2,
        "data_sources": {"tables": [{"identifier": "samples.tpch.nation"}]},
        "benchmarks": {
            "questions": [
                {"id": IDS[question], "question": [question], "answer": [{"format": "SQL", "content": [case[0]]}]}
                for question, case in CASES.items()
            ]
        },
    }
    space_id = control.load_space(document, title="nations")["space"]["space_id"]
    for question, (_, sql, _) in CASES.items():
        text = None if sql else "A country."
        control.script_answer(question=question, sql=sql, text=text, times=0)
    model_id = create_genie_model_version(space_id, document, 0, "nations")
    benchmarks = parse_benchmarks(json.dumps(document).encode(), what="nations.json")
    return dataclasses.make_dataclass("Native", ["space_id", "model_id", "benchmarks", "control"])(
        space_id, model_id, benchmarks, control
    )


def evaluate(native, *, progress=None, benchmarks=None, workspace=None, **options):
    plan = plan_evaluation(
        native.model_id,
        benchmarks or native.benchmarks,
        traces=False,
        runner="native",
        judges=JUDGES,
        **options,
    )
    return run_evaluation(plan, workspace or connect(), progress=progress)


def created(native):
    return [item for item in native.control.requests("genie.genie_create_eval_run") if item["status"] == 200]


def asked(native):
    return [item for item in native.control.requests() if item["path"].endswith("/start-conversation")]


def outcomes(result, judge):
    return [str(question.findings[judge].outcome) for question in result.questions]


class AtAnswer(Silent):
    """Does something at the answer with this number."""

    def __init__(self, number, action):
        self.number, self.action, self.seen = number, action, 0

    def answered(self, status):
        self.seen += 1
        if self.seen == self.number:
            self.action()


def test_genies_own_run_is_judged_by_our_judges_with_its_assessment_beside(native):
    result = evaluate(native).result
    assert result.status == "complete"
    assert result.runner["kind"] == "native"
    assert len(result.runner["native_runs"]) == len(created(native)) == 1
    assert asked(native) == []
    assert outcomes(result, "result_correctness") == ["passed", "failed", "failed", "failed"]
    assert outcomes(result, "native_assessment") == ["passed", "failed", "failed", "failed"]
    for question, (_, _, assessment) in zip(result.questions, CASES.values(), strict=True):
        facts = question.answer.native
        assert facts["assessment"] == assessment
        assert facts["run_id"] == result.runner["native_runs"][0]
        assert not facts["expected_sql_differs"]
    bad, review = result.questions[1].findings["native_assessment"], result.questions[2].findings["native_assessment"]
    assert (bad.failure_type, bad.evidence["reasons"]) == ("SINGLE_CELL_DIFFERENCE", ["SINGLE_CELL_DIFFERENCE"])
    assert (review.failure_type, review.evidence["reasons"]) == ("NEEDS_REVIEW", ["RESULT_MISSING_ROWS"])
    assert result.questions[0].answer.rows == ((25,),)
    assert result.questions[3].findings["result_correctness"].failure_type == "NO_SQL"


@pytest.mark.parametrize(("policy", "outcome"), [("fail", "failed"), ("abstain", "abstained")])
def test_what_needs_review_counts_against_the_model_either_way(native, policy, outcome):
    result = evaluate(native, needs_review=policy).result
    assert outcomes(result, "native_assessment") == ["passed", "failed", outcome, outcome]
    assert result.score_of("native_assessment") == 0.25


def test_questions_the_space_lacks_are_all_listed_and_nothing_is_run(native):
    extra = (Benchmark("x1", "Where are the nations?", COUNT), Benchmark("x2", "Why nations?", COUNT))
    other_text = dataclasses.replace(native.benchmarks.benchmarks[0], question="How many countries are there?")
    benchmarks = BenchmarkSet("more", (other_text, *native.benchmarks.benchmarks[1:], *extra))
    with pytest.raises(InvalidBenchmarksError) as caught:
        evaluate(native, benchmarks=benchmarks)
    assert [item.path for item in caught.value.violations] == [
        f"question {other_text.id}",
        "question x1",
        "question x2",
    ]
    assert "the space asks it as 'How many nations are there?'" in str(caught.value)
    assert created(native) == []
    assert native.control.requests("statement_execution.execute_statement") == []


def test_a_question_is_found_by_its_text_when_the_ids_differ(native):
    renamed = tuple(
        dataclasses.replace(item, id=f"q{number}", question=item.question.lower().rstrip("?"))
        for number, item in enumerate(native.benchmarks.benchmarks)
    )
    found = match_questions(renamed, connect().spaces.get_space(native.space_id).serialized_space)
    assert [item.question_id for item in found.values()] == list(IDS.values())


def test_the_spaces_own_sql_may_differ_from_the_benchmarks_and_that_is_said(native):
    first = dataclasses.replace(native.benchmarks.benchmarks[0], expected_sql="SELECT 24 + 1 AS n")
    result = evaluate(native, benchmarks=BenchmarkSet("one", (first,))).result
    assert result.questions[0].answer.native["expected_sql_differs"]
    assert "not the benchmark's" in result.questions[0].findings["native_assessment"].rationale
    assert result.questions[0].passed("result_correctness")


def test_rows_are_archived_while_the_run_still_goes_on(native):
    native.control.latency(0.2)
    seen = []

    def look():
        [run] = connect().evaluation_runs.run_ids(native.space_id)
        seen.append(connect().evaluation_runs.get(native.space_id, run).done)

    evaluate(native, progress=AtAnswer(1, look))
    assert seen[0] < len(CASES)


def test_rows_that_have_expired_are_made_again_by_a_read_only_statement(native):
    native.control.latency(0.05)

    class Expiring(type(connect().evaluation_runs)):
        def answer(self, space_id, run_id, result_id):
            native.control.expire_evaluation(run_id)
            return super().answer(space_id, run_id, result_id)

    workspace = connect()
    workspace.evaluation_runs.__class__ = Expiring
    native.control.clear_requests()
    result = evaluate(native, workspace=workspace).result
    assert outcomes(result, "result_correctness") == ["passed", "failed", "failed", "failed"]
    statements = [
        json.loads(item["body"])["statement"]
        for item in native.control.requests("statement_execution.execute_statement")
    ]
    assert statements.count(CASES["How many nations, once more?"][1]) == 1


@pytest.mark.parametrize("sql", ["DELETE FROM samples.tpch.nation", f"{COUNT}; DROP TABLE samples.tpch.nation"])
def test_what_is_not_one_reading_query_is_never_run_by_us(native, sql):
    native.control.clear_answers()
    question = next(iter(CASES))
    native.control.script_answer(question=question, sql=sql, times=0)
    only = BenchmarkSet("one", native.benchmarks.benchmarks[:1])
    result = evaluate(native, benchmarks=only).result
    assert not result.questions[0].passed("result_correctness")
    assert not result.questions[0].passed("syntax_validity")
    assert "not executed" in result.questions[0].answer.error
    sent = " ".join(item["body"] for item in native.control.requests("statement_execution.execute_statement"))
    assert "DELETE" not in sent
    assert "DROP" not in sent


@pytest.mark.parametrize(
    ("end", "status"),
    [("EVALUATION_FAILED", "FAILED"), ("EVALUATION_CANCELLED", "CANCELLED"), ("EVALUATION_TIMEOUT", "TIMED_OUT")],
)
def test_a_run_that_ends_early_leaves_the_rest_errored_and_the_denominator_whole(native, end, status):
    native.control.latency(0.5)

    def stop():
        [run] = connect().evaluation_runs.run_ids(native.space_id)
        native.control.end_evaluation(run, end)

    result = evaluate(native, progress=AtAnswer(1, stop)).result
    assert result.questions[0].passed("result_correctness")
    unanswered = [question for question in result.questions if question.answer.status != "COMPLETED"]
    assert unanswered[-1] == result.questions[-1]
    assert {question.answer.status for question in unanswered} == {status}
    for judge in JUDGES:
        counts = result.counts_of(judge)
        assert (counts.errored, counts.planned) == (len(unanswered), 4)
    assert end in result.questions[-1].answer.error


def test_a_failed_and_a_cancelled_question_are_errors_of_their_own(native):
    native.control.clear_answers()
    first, second = list(CASES)[:2]
    native.control.script_answer(question=first, status="FAILED", times=0)
    native.control.script_answer(question=second, status="CANCELLED", times=0)
    result = evaluate(native, benchmarks=BenchmarkSet("two", native.benchmarks.benchmarks[:2])).result
    assert [question.answer.status for question in result.questions] == ["FAILED", "CANCELLED"]
    assert [question.findings["native_assessment"].failure_type for question in result.questions] == [
        "ANSWER_FAILED",
        "ANSWER_CANCELLED",
    ]


def test_an_interrupted_run_is_followed_and_no_second_one_begun(native):
    native.control.latency(0.2)
    expire = AtAnswer(1, native.control.expire_token)
    with pytest.raises(InterruptedEvaluationError):
        evaluate(native, progress=expire)
    native.control.expire_token(expired=False)
    native.control.latency(0.0)
    evaluation = evaluate(native)
    assert evaluation.continued
    assert evaluation.result.status == "complete"
    assert len(created(native)) == 1
    assert outcomes(evaluation.result, "native_assessment") == ["passed", "failed", "failed", "failed"]


def test_a_run_that_was_begun_before_the_process_could_say_so_is_found_again(native, monkeypatch):
    from mlflow_genie_plugin.evaluation.asking.journal import Journal

    def die(self, number, run_id):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add_native_run", die)
        with pytest.raises(InterruptedEvaluationError):
            evaluate(native)
    assert len(created(native)) == 1
    assert evaluate(native).result.status == "complete"
    assert len(created(native)) == 1


def test_a_request_that_got_no_answer_is_looked_up_not_sent_again(native):
    native.control.fault("genie.genie_create_eval_run", drop="after")
    assert evaluate(native).result.status == "complete"
    assert len(connect().evaluation_runs.run_ids(native.space_id)) == 1


def test_asking_twice_makes_two_runs(native):
    result = evaluate(native, times=2).result
    assert len(set(result.runner["native_runs"])) == 2
    assert all(len(question.repeats) == 1 for question in result.questions)
    assert result.questions[0].repeats[0].native["run_id"] == result.runner["native_runs"][1]


def test_a_run_without_progress_is_given_up_and_followed_again_later(native, monkeypatch):
    monkeypatch.setenv("GENIE_ANSWER_TIMEOUT_SECONDS", "1")
    native.control.latency(2.0)
    with pytest.raises(InterruptedEvaluationError, match="has made no progress for 1 s"):
        evaluate(native)
    [run] = connect().evaluation_runs.run_ids(native.space_id)
    native.control.end_evaluation(run, "EVALUATION_TIMEOUT")
    result = evaluate(native).result
    assert {question.answer.status for question in result.questions} <= {"COMPLETED", "TIMED_OUT"}
    assert len(created(native)) == 1


def test_recorded_native_answers_give_the_same_findings(native):
    evaluation = evaluate(native, needs_review="abstain")
    plan = plan_evaluation(native.model_id, native.benchmarks, traces=False, judges=JUDGES)
    again = judge_recorded(plan, evaluation.run_id)
    assert again.result.questions == evaluation.result.questions
    by_default = judge_recorded(plan_evaluation(native.model_id, native.benchmarks, traces=False), evaluation.run_id)
    assert outcomes(by_default.result, "native_assessment") == outcomes(evaluation.result, "native_assessment")


def test_settings_have_a_limit_for_statements(monkeypatch):
    monkeypatch.setenv("GENIE_STATEMENT_TIMEOUT_SECONDS", "7")
    assert resolve_settings().statement_timeout_seconds == 7
