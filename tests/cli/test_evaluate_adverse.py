from __future__ import annotations

import json

import pytest
import yaml
from click.testing import CliRunner

from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID

COUNT = "SELECT count(*) AS n FROM samples.tpch.nation"
NAMES = "SELECT n_name FROM samples.tpch.nation"
NONE = "SELECT n_name FROM samples.tpch.nation WHERE n_nationkey > 99"
ENDLESS = "SELECT count(*) FROM range(100000) a, range(100000) b, range(1000) c WHERE a.id + b.id + c.id < 0"
SQL = {"q1": COUNT, "q2": NAMES, "q3": NONE, "q4": "SELECT count(*) AS n FROM samples.tpch.region"}
QUESTIONS = {name: f"Question {name}, please?" for name in SQL}
JUDGES = ("syntax_validity", "result_correctness", "asset_routing")


@pytest.fixture
def evaluate(local_workspace, tracking, tmp_path):
    """``evaluate("--option", q2=other expected SQL)`` runs four questions; gives exit code, JSON and stderr."""
    from mlflow_genie_plugin.snapshot.create import create_genie_model_version
    from mlflow_genie_plugin.workspace.auth import connect

    for name, sql in SQL.items():
        local_workspace.control.script_answer(question=QUESTIONS[name], sql=sql, times=0)
    live = connect().spaces.get_space(SAMPLE_SPACE_ID)
    model_id = create_genie_model_version(SAMPLE_SPACE_ID, live.serialized_space, 0, "sample")

    def run(*options, judges=JUDGES, **expected):
        from mlflow_genie_plugin.cli.evaluate import evaluate

        entries = [
            {"id": name, "question": QUESTIONS[name], "expected_sql": expected.get(name, sql)}
            for name, sql in SQL.items()
        ]
        path = tmp_path / "questions.yaml"
        path.write_text(yaml.safe_dump({"format_version": 1, "benchmarks": entries}))
        chosen = [part for judge in judges for part in ("--judge", judge)]
        command = ["--model-id", model_id, "--benchmarks", str(path), "--no-traces", "--json", *chosen, *options]
        result = CliRunner().invoke(evaluate, command)
        return result.exit_code, json.loads(result.stdout), result.stderr

    return run


def answer(workspace, name, **fields):
    """Script another answer to one question."""
    workspace.control.clear_answers()
    for other, sql in SQL.items():
        given = fields if other == name else {"sql": sql}
        workspace.control.script_answer(question=QUESTIONS[other], times=0, **given)


def found(document, question, judge):
    [finding] = [item for item in document["not_passed"] if (item["question_id"], item["judge"]) == (question, judge)]
    return finding["outcome"], finding["failure_type"], finding["rationale"]


def assert_whole(document):
    """Every judge has a word, or a missing word, on every planned question."""
    assert document["questions"]["planned"] == 4
    for counts in document["scores"].values():
        assert counts["planned"] == 4
        assert sum(counts[key] for key in ("passed", "failed", "abstained", "errored", "missing")) == 4
        assert counts["score"] == counts["passed"] / 4


def sent(workspace):
    return [
        json.loads(item["body"])["statement"]
        for item in workspace.control.requests("statement_execution.execute_statement")
    ]


@pytest.mark.parametrize(
    ("returns", "said"),
    [(RuntimeError("no memory"), "RuntimeError: no memory"), (True, "not a finding"), (None, "not a finding")],
)
def test_a_judge_that_crashes_or_babbles_is_an_error_on_every_question(evaluate, monkeypatch, returns, said):
    from mlflow_genie_plugin.evaluation.judges.asset_routing import AssetRouting

    def broken(self, case):
        if isinstance(returns, Exception):
            raise returns
        return returns

    monkeypatch.setattr(AssetRouting, "judge", broken)
    code, document, _ = evaluate()
    assert code == 0
    assert_whole(document)
    assert document["scores"]["asset_routing"]["errored"] == 4
    assert document["scores"]["asset_routing"]["score"] == 0
    outcome, failure_type, rationale = found(document, "q1", "asset_routing")
    assert (outcome, failure_type) == ("errored", "JUDGE_FAILED")
    assert said in rationale
    assert document["scores"]["syntax_validity"]["passed"] == 4


def test_a_warehouse_that_takes_too_long_stops_it_before_anything_is_asked(evaluate, local_workspace, monkeypatch):
    monkeypatch.setenv("GENIE_STATEMENT_TIMEOUT_SECONDS", "0.2")
    local_workspace.control.configure(statement_seconds=0.7)
    code, document, stderr = evaluate()
    assert code == 2
    assert "took longer than 0.2 s and was cancelled" in stderr
    assert document["error"]["code"] == "MG203"
    assert len(document["error"]["violations"]) == 4
    assert local_workspace.control.requests("genie.start_conversation") == []
    assert len(local_workspace.control.requests("statement_execution.cancel_execution")) == 4


def test_a_warehouse_that_is_down_is_exit_3_not_a_wrong_answer(evaluate, local_workspace, monkeypatch):
    from mlflow_genie_plugin.workspace import calls

    monkeypatch.setattr(calls, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(calls.Calls.repeat, "__defaults__", (0.1,))
    local_workspace.control.fault("statement_execution.execute_statement", status=503, times=0, retry_after=1)
    code, document, stderr = evaluate()
    assert code == 3
    assert document["error"]["code"] == "MG103"
    assert "use the warehouse" in stderr
    assert local_workspace.control.requests("genie.start_conversation") == []


def test_rows_that_cannot_be_read_are_an_error_and_never_a_pass(evaluate, local_workspace):
    local_workspace.control.fault(
        "genie.get_message_attachment_query_result", status=403, error_code="PERMISSION_DENIED", times=0
    )
    code, document, _ = evaluate()
    assert code == 0
    assert_whole(document)
    assert document["scores"]["result_correctness"]["passed"] == 0
    outcome, failure_type, rationale = found(document, "q1", "result_correctness")
    assert (outcome, failure_type) == ("errored", "NO_ANSWER_RESULT")
    assert "could not be read" in rationale


def test_an_answer_that_takes_too_long_is_an_error_that_says_so(evaluate, local_workspace, monkeypatch):
    monkeypatch.setenv("GENIE_ANSWER_TIMEOUT_SECONDS", "1")
    local_workspace.control.latency(3.0)
    code, document, _ = evaluate()
    assert code == 0
    assert_whole(document)
    assert document["questions"]["answered"] == 0
    for judge in JUDGES:
        assert document["scores"][judge]["errored"] == 4
        assert found(document, "q3", judge)[:2] == ("errored", "ANSWER_TIMED_OUT")
    assert "no answer within 1 s" in found(document, "q3", "syntax_validity")[2]


@pytest.mark.parametrize("sql", ["SELECT upper(n_name) AS name FROM samples.tpch.nation", NAMES])
def test_a_result_that_was_cut_off_is_not_compared(evaluate, local_workspace, sql):
    answer(local_workspace, "q2", sql=sql)
    local_workspace.control.row_cap(5)
    code, document, _ = evaluate()
    assert code == 0
    assert_whole(document)
    outcome, failure_type, rationale = found(document, "q2", "result_correctness")
    assert (outcome, failure_type) == ("abstained", "TRUNCATED_RESULT")
    assert "cut off" in rationale


@pytest.mark.parametrize("sql", ["SELECT n_name FROM samples.tpch.nation WHERE n_nationkey < -1", NONE])
def test_two_empty_results_prove_nothing(evaluate, local_workspace, sql):
    answer(local_workspace, "q3", sql=sql)
    code, document, stderr = evaluate()
    assert code == 0
    assert_whole(document)
    assert found(document, "q3", "result_correctness")[0] != "passed"
    assert "q3: the expected SQL returns no rows" in stderr


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM samples.tpch.nation",
        "COPY INTO samples.tpch.nation FROM 's3://somewhere/else'",
        f"{COUNT}; DELETE FROM samples.tpch.nation",
        f"{COUNT} /* */ ; -- harmless\nDELETE FROM samples.tpch.nation",
        "/* SELECT 1 */ DELETE FROM samples.tpch.nation",
        "-- SELECT\nMERGE INTO samples.tpch.nation USING samples.tpch.region ON true WHEN MATCHED THEN DELETE",
        "SELECT reflect('java.lang.System', 'exit', '0')",
    ],
)
def test_sql_of_a_model_that_does_more_than_read_never_reaches_a_warehouse(evaluate, local_workspace, sql):
    before = rows_of_nation()
    answer(local_workspace, "q1", sql=sql)
    code, document, _ = evaluate()
    assert code == 0
    assert_whole(document)
    assert not any(word in text for text in sent(local_workspace) for word in ("DELETE", "COPY", "MERGE", "reflect"))
    for judge in JUDGES:
        assert found(document, "q1", judge)[0] != "passed"
    assert document["scores"]["result_correctness"]["passed"] == 2  # q3 returns no rows
    assert rows_of_nation() == before


def rows_of_nation():
    from mlflow_genie_plugin.workspace.auth import connect

    workspace = connect()
    warehouse = workspace.spaces.get_space(SAMPLE_SPACE_ID).warehouse_id
    return workspace.sql.execute(COUNT, warehouse_id=warehouse).rows


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (ENDLESS, "ran longer than its limit of 0.5 seconds"),
        ("SELECT repeat('x', 10000) AS s FROM range(1000000)", "larger than the limit of 256 MiB"),
    ],
)
def test_an_answer_that_runs_forever_or_is_huge_is_cut_off_with_the_reason(evaluate, local_workspace, sql, said):
    local_workspace.control.configure(statement_timeout_seconds=0.5 if sql == ENDLESS else 60.0)
    answer(local_workspace, "q1", sql=sql)
    code, document, _ = evaluate()
    assert code == 0
    assert_whole(document)
    outcome, failure_type, rationale = found(document, "q1", "result_correctness")
    assert (outcome, failure_type) == ("failed", "QUERY_FAILED")
    assert said in rationale
    assert document["scores"]["result_correctness"]["passed"] == 2  # q3 returns no rows


def test_expected_sql_that_runs_forever_is_cancelled_and_named(evaluate, local_workspace, monkeypatch):
    monkeypatch.setenv("GENIE_STATEMENT_TIMEOUT_SECONDS", "1")
    code, document, _ = evaluate(q1=ENDLESS)
    assert code == 2
    [violation] = document["error"]["violations"]
    assert violation["path"] == "question q1"
    assert "took longer than 1 s and was cancelled" in violation["message"]
    assert len(local_workspace.control.requests("statement_execution.cancel_execution")) == 1


def test_repeats_never_make_a_failure_a_pass(evaluate, local_workspace):
    answer(local_workspace, "q1", status="FAILED", error="internal", error_type="OTHER")
    code, document, _ = evaluate("--repeats", "3", judges=("result_correctness", "repeatability"))
    assert code == 0
    assert_whole(document)
    assert found(document, "q1", "repeatability")[:2] == ("errored", "ANSWER_FAILED")
    assert document["repeatability"]["times"] == 3
    assert document["repeatability"]["bands"] == {
        "IDENTICAL": 3, "MINOR": 0, "SIGNIFICANT": 0, "CRITICAL": 0, "NONE": 1,
    }  # fmt: skip
    assert document["repeatability"]["shares"]["NONE"] == 0.25
