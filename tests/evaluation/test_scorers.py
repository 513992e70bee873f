import mlflow
import pytest

from mlflow_genie_plugin.errors import SqlFailedError, UsageError
from mlflow_genie_plugin.evaluation import scorers
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.workspace.answer import Column, QueryResult

TABLE = "samples.tpch.orders"
GOOD = f"SELECT count(*) AS n FROM {TABLE}"


class Engine:
    """Answers by table of SQL, counting what it is asked."""

    def __init__(self, answers):
        self.answers, self.ran = answers, []

    def __call__(self, sql):
        self.ran.append(sql)
        if isinstance(self.answers[sql], Exception):
            raise self.answers[sql]
        return QueryResult((Column("n", "LONG", "BIGINT"),), ((self.answers[sql],),), 1)


def row(sql, *, expected=GOOD, question="How many orders are there?", **outputs):
    return {
        "inputs": {"question": question},
        "outputs": {"sql": sql, **outputs},
        "expectations": {"expected_sql": expected, "expected_asset": "TABLE"},
    }


def findings(engine, data, names=("syntax_validity", "result_correctness")):
    rows = scorers.CaseRows(JUDGES.choose(names), execute=engine)
    return rows.findings(data["inputs"], data["outputs"], data["expectations"])


def test_mlflow_evaluate_runs_every_judge_and_counts_every_question(tracking):
    other = f"SELECT count(*) + 1 AS n FROM {TABLE}"
    broken = f"SELECT nothing FROM {TABLE}"
    engine = Engine({GOOD: 7, other: 8, broken: SqlFailedError("UNRESOLVED_COLUMN nothing")})
    data = [row(GOOD), row(other, question="b?"), row(broken, question="c?"), row(None, question="d?")]
    result = mlflow.genai.evaluate(data=data, scorers=scorers.make_scorers(execute=engine))
    assert result.metrics["result_correctness/mean"] == 0.25
    assert set(result.metrics) == {f"{judge.name}/mean" for judge in JUDGES.choose()}
    assert engine.ran.count(GOOD) == 1 + len(data)  # the answer's own run of it, and one per row as ground truth


def test_a_question_that_could_not_be_decided_counts_against_the_mean_and_says_why(tracking):
    judges = scorers.make_scorers(["result_correctness"])
    data = [row(GOOD)]
    result = mlflow.genai.evaluate(data=data, scorers=judges)
    assert result.metrics["result_correctness/mean"] == 0.0
    [trace] = mlflow.search_traces(run_id=result.run_id, return_type="list")
    [feedback] = [item for item in trace.info.assessments if item.name == "result_correctness"]
    assert feedback.metadata["outcome"] in {"abstained", "errored"}
    assert feedback.rationale


def test_rows_that_cannot_be_judged_at_all_count_against_the_mean(tracking):
    away = f"SELECT o_orderkey FROM {TABLE}"
    engine = Engine({GOOD: 7, away: TimeoutError("the warehouse is away")})
    data = [row(GOOD), row(away, question="b?"), row(GOOD, question="c?"), row(7, question="d?")]
    data[2]["expectations"] = {}
    data.append({**row(GOOD, question="e?"), "outputs": []})
    result = mlflow.genai.evaluate(data=data, scorers=scorers.make_scorers(["result_correctness"], execute=engine))
    assert result.metrics["result_correctness/mean"] == 1 / 5
    said = {
        item.rationale
        for trace in mlflow.search_traces(run_id=result.run_id, return_type="list")
        for item in trace.info.assessments
        if item.name == "result_correctness" and item.error is not None
    }
    assert any("TimeoutError: the warehouse is away" in text for text in said)
    assert any("no question or no expected SQL" in text and "expectations=" in text for text in said)
    assert any("outputs are no SQL: {'sql': 7}" in text for text in said)
    assert any("outputs are no SQL: []" in text for text in said)


def test_rows_in_the_data_are_compared_without_running_anything():
    rows = scorers.CaseRows(JUDGES.choose(["result_correctness"]))
    expectations = {"expected_sql": GOOD, "expected_columns": ["n"], "expected_rows": [[7]]}
    for value, outcome in ((7, "passed"), (8, "failed")):
        found = rows.findings({"question": "?"}, {"sql": GOOD, "columns": ["x"], "rows": [[value]]}, expectations)
        assert found["result_correctness"].outcome == outcome


@pytest.mark.parametrize(
    "sql", [f"DELETE FROM {TABLE}", f"{GOOD}; DROP TABLE {TABLE}", f"/* */ TRUNCATE TABLE {TABLE}"]
)
def test_what_does_not_only_read_is_never_run(sql):
    engine = Engine({GOOD: 7})
    found = findings(engine, row(sql))
    assert engine.ran == [GOOD]
    assert all(finding.outcome != "passed" for finding in found.values())


def test_a_list_of_outputs_is_a_question_asked_several_times():
    rows = scorers.CaseRows(JUDGES.choose(["result_correctness"]), execute=Engine({GOOD: 7}))
    case = rows.case({"question": "?"}, [GOOD, {"sql": None, "status": "FAILED"}], {"expected_response": GOOD})
    assert case.answer.sql == GOOD
    assert [answer.status for answer in case.repeats] == ["FAILED"]


def test_the_judges_share_one_case_however_many_ask():
    engine = Engine({GOOD: 7})
    rows = scorers.CaseRows(JUDGES.choose(["syntax_validity", "result_correctness"]), execute=engine)
    data = row(GOOD)
    for _ in range(3):
        rows.findings(data["inputs"], data["outputs"], data["expectations"])
    assert engine.ran == [GOOD, GOOD]


@pytest.mark.parametrize(("inputs", "expectations"), [({}, {"expected_sql": GOOD}), ({"question": "?"}, {})])
def test_a_row_without_question_or_expected_sql_is_refused(inputs, expectations):
    rows = scorers.CaseRows(JUDGES.choose(["result_correctness"]))
    for _ in range(2):
        with pytest.raises(UsageError, match="no question or no expected SQL"):
            rows.findings(inputs, GOOD, expectations)


def test_an_unknown_judge_is_named_and_model_and_config_exclude_each_other():
    with pytest.raises(UsageError, match="no judge 'sematic_equivalence'"):
        scorers.make_scorers(["sematic_equivalence"])
    with pytest.raises(UsageError, match="both given"):
        scorers.make_scorers(model="m-1", config=object())
