from __future__ import annotations

import dataclasses
import sys
from types import SimpleNamespace

import orjson
import pyarrow as pa
import pytest

from mlflow_genie_plugin.errors import JudgingFailedError, SparkUnavailableError, UsageError
from mlflow_genie_plugin.evaluation.engines.case_json import Surroundings, case_bytes, case_from_bytes
from mlflow_genie_plugin.evaluation.engines.engine import engine_named
from mlflow_genie_plugin.evaluation.engines.partition import Task, judge_batches, pack, unpack
from mlflow_genie_plugin.evaluation.engines.session import require_spark
from mlflow_genie_plugin.evaluation.engines.table import judge_table
from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.evaluation.judging import judge_questions
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.result_file import question_json
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, StoredResult


def plain(case):
    return {item.name: getattr(case, item.name) for item in dataclasses.fields(case)}


def test_a_case_travels_whole(make_cases):
    for case in make_cases(9):
        around = Surroundings.from_json(orjson.loads(orjson.dumps(Surroundings.of(case).to_json())))
        assert plain(case_from_bytes(case_bytes(case), around)) == plain(case)


def test_every_field_of_a_case_is_known_to_travel():
    # A new field of a case has to be added to case_json, else Spark would judge without it.
    names = {item.name for item in dataclasses.fields(JudgedCase)}
    assert names == {"benchmark", "answer", "expected", "assets", "schema", "config", "repeats"}


def test_judging_batches_is_judging_questions(make_cases):
    cases, judges = make_cases(600), JUDGES.choose()
    table, around = pack(cases)
    assert len(around) == 1
    task = Task(judges, "sample", around).to_bytes()
    rows = [row for batch in judge_batches(task, iter(table.to_batches())) for row in batch.to_pylist()]
    results = unpack(reversed(rows), len(cases))
    assert [orjson.dumps(question_json(each)) for each in results] == [
        orjson.dumps(question_json(each)) for each in judge_questions(cases, judges, "sample")
    ]


@pytest.mark.parametrize("lost", [{0}, {2}, {0, 1, 2}])
def test_a_lost_result_is_an_error(make_cases, lost):
    table, around = pack(make_cases(3))
    task = Task(JUDGES.choose(), "all", around).to_bytes()
    rows = [row for batch in judge_batches(task, iter(table.to_batches())) for row in batch.to_pylist()]
    kept = [row for row in rows if row["ordinal"] not in lost]
    with pytest.raises(JudgingFailedError, match=f"{3 - len(lost)} of 3 results"):
        unpack(kept, 3)
    with pytest.raises(JudgingFailedError):
        unpack([*rows, rows[0]], 3)


def test_a_judge_of_this_process_alone_is_refused(make_cases):
    stranger = SimpleNamespace(name="stranger", version="1")
    with pytest.raises(UsageError, match="stranger exists in this process only"):
        Task((stranger,), "all", ()).to_bytes()
    impostor = SimpleNamespace(name="result_correctness", version="1")
    with pytest.raises(UsageError, match="this process only"):
        engine_named("spark").require_ready((impostor,))


def test_an_unknown_engine_is_refused():
    with pytest.raises(UsageError, match="there is no engine 'ray'"):
        engine_named("ray")


def test_without_pyspark_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SparkUnavailableError, match=r"PySpark is not installed") as caught:
        require_spark()
    assert "mlflow-genie-plugin[spark]" in caught.value.next_step


def test_a_table_of_answers_gives_the_findings_of_the_cases(make_cases, answers_table):
    case = make_cases(1)[0]
    # A row holds one answer, so there is nothing to repeat.
    judges = [judge.name for judge in JUDGES.choose() if judge.name != "repeatability"]
    table = judge_table(answers_table(30), judges=judges, config=case.config, schema=case.schema)
    rows = table.read_all().to_pylist()
    expected = [
        (result.question_id, name, finding.outcome.value, finding.failure_type, finding.rationale)
        for result in judge_questions(make_cases(30), JUDGES.choose(judges))
        for name, finding in result.findings.items()
    ]
    keys = ("question_id", "judge", "outcome", "failure_type", "rationale")
    assert [tuple(row[key] for key in keys) for row in rows] == expected


@pytest.mark.parametrize(
    "change",
    [
        {"answer_rows": "[[1]"},
        {"answer_rows": "7"},
        {"expected_rows": '[[{"$what": 1}]]', "expected_row_count": 1},
        {"answer_columns": '[{"title": "n"}]'},
        {"expected_sql": None},
    ],
)
def test_an_unreadable_answer_is_errored_by_every_judge(answers_table, change):
    rows = answers_table(2).to_pylist()
    table = pa.Table.from_pylist([rows[0], {**rows[1], **change}])
    found = judge_table(table, judges=["result_correctness", "syntax_validity"]).read_all().to_pylist()
    assert [(row["question_id"], row["outcome"]) for row in found][2:] == [("q1", "errored")] * 2
    assert {row["failure_type"] for row in found[2:]} == {"UNREADABLE_ANSWER"}


def test_a_table_without_a_required_column_is_refused(answers_table):
    with pytest.raises(UsageError, match="no column answer_sql"):
        judge_table(answers_table(1).drop(["answer_sql"]))


def test_a_row_without_an_id_stops_the_judging(answers_table):
    table = pa.Table.from_pylist([{**answers_table(1).to_pylist()[0], "question_id": None}])
    with pytest.raises(UsageError, match="no question_id"):
        judge_table(table).read_all()


def test_judging_a_table_streams(answers_table):
    batch = answers_table(1).to_batches()[0]
    taken = []

    def batches():
        for number in range(10):
            taken.append(number)
            yield batch

    reader = judge_table(pa.RecordBatchReader.from_batches(batch.schema, batches()), judges=["syntax_validity"])
    reader.read_next_batch()
    assert len(taken) < 5


def test_missing_sides_are_no_results():
    table = pa.table({"question_id": ["a"], "expected_sql": ["SELECT 1"], "answer_sql": pa.array([None], pa.string())})
    rows = judge_table(table, judges=["result_correctness"]).read_all().to_pylist()
    direct = JudgedCase(Benchmark("a", "", "SELECT 1"), AnswerRecord(), StoredResult())
    [result] = judge_questions([direct], JUDGES.choose(["result_correctness"]))
    assert rows[0]["failure_type"] == result.findings["result_correctness"].failure_type
    assert rows[0]["outcome"] != "passed"
