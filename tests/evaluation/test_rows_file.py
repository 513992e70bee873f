from __future__ import annotations

import io

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.errors import InvalidEvaluationError
from mlflow_genie_plugin.evaluation.result_file import parse_result, result_bytes, result_files
from mlflow_genie_plugin.evaluation.rows_file import ROWS_FILE, attach_rows, beside, detach_rows

cells = st.one_of(st.none(), st.integers(-5, 5), st.text(max_size=3), st.just({"$decimal": "1.50"}), st.booleans())


def record(rows, width=2):
    return {"columns": [{"name": f"c{i}"} for i in range(width)], "rows": rows}


def document(*questions):
    return {
        "questions": [
            {"question_id": f"q{i}", "expected": expected, "answer": answer, "repeats": list(repeats)}
            for i, (expected, answer, *repeats) in enumerate(questions)
        ]
    }


rows = st.one_of(st.none(), st.lists(st.lists(cells, min_size=2, max_size=2), max_size=4))
results = st.builds(record, rows)


@settings(max_examples=100)
@given(st.lists(st.lists(results, min_size=2, max_size=4), min_size=1, max_size=4))
def test_rows_come_back_as_they_were(questions):
    before, after = document(*questions), document(*questions)
    before, after = orjson.loads(orjson.dumps(before)), orjson.loads(orjson.dumps(after))
    data = detach_rows(after, 0)
    some = any(item["rows"] for question in questions for item in question)
    assert (data is not None) == some
    assert not any(
        item["rows"] for question in after["questions"] for item in (question["expected"], question["answer"])
    )
    attach_rows(after, lambda: data)
    assert after == before


def test_few_rows_stay_in_the_json_and_many_leave_it(make_result):
    result = make_result(n=4)
    assert result_files(result, 8) == (result_bytes(result), None)
    data, parquet = result_files(result, 7)
    document = orjson.loads(data)
    assert document["rows_file"]["rows"] == 8
    assert document["questions"][0]["answer"]["rows"] is None
    assert document["questions"][0]["answer"]["result_sha256"] == result.questions[0].answer.result_sha256
    assert parse_result(data, lambda: parquet) == result
    assert result_files(result, 7) == (data, parquet)


def test_without_its_rows_or_with_others_a_result_is_refused(make_result, tmp_path):
    data, parquet = result_files(make_result(n=4), 0)
    with pytest.raises(InvalidEvaluationError, match="the rows of the evaluation result are in"):
        parse_result(data)
    other = result_files(make_result(n=3), 0)[1]
    for wrong in (b"", parquet[:-1], other):
        with pytest.raises(InvalidEvaluationError, match="was changed"):
            parse_result(data, lambda wrong=wrong: wrong)
    path = tmp_path / "evaluation_result.json"
    path.write_bytes(data)
    with pytest.raises(Exception, match="which holds the rows of"):
        parse_result(data, beside(path))
    (tmp_path / ROWS_FILE).write_bytes(parquet)
    assert parse_result(data, beside(path)).questions[3].answer.rows == ((1,),)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question_id": "q9"}, "has no place"),
        ({"side": "repeat 1"}, "has no place"),
        ({"row": 1}, "has no place"),
        ({"cells": "[1, 2]"}, "has 2 cells"),
        ({"cells": "{}"}, "not a list"),
        ({"cells": "[1"}, "not JSON"),
        ({"cells": None}, "not JSON"),
    ],
)
def test_rows_that_do_not_fit_are_refused_even_with_the_right_digest(make_result, change, message):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from mlflow_genie_plugin.canonical_json import sha256_of_bytes

    data, parquet = result_files(make_result(n=1), 0)
    rows = pq.read_table(io.BytesIO(parquet)).to_pylist()
    rows[0] |= change
    forged = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), forged)
    document = orjson.loads(data)
    document["rows_file"]["sha256"] = sha256_of_bytes(forged.getvalue())
    with pytest.raises(InvalidEvaluationError, match=message):
        parse_result(orjson.dumps(document), forged.getvalue)
    document["rows_file"] = {"rows": 3, "sha256": sha256_of_bytes(parquet)}
    with pytest.raises(InvalidEvaluationError, match="it holds 2 rows, the result file names 3"):
        parse_result(orjson.dumps(document), lambda: parquet)
    document["rows_file"]["sha256"] = sha256_of_bytes(b"no parquet")
    with pytest.raises(InvalidEvaluationError, match="cannot be read"):
        parse_result(orjson.dumps(document), lambda: b"no parquet")


def test_an_evaluation_with_many_rows_is_stored_found_judged_again_and_gated(
    live_model, few_questions, monkeypatch, tmp_path
):
    from mlflow_genie_plugin.evaluation.mlflow_logging import ROWS_ARTIFACT, load_evaluation
    from mlflow_genie_plugin.evaluation.plan import plan_evaluation
    from mlflow_genie_plugin.evaluation.recorded import judge_recorded
    from mlflow_genie_plugin.evaluation.runner import run_evaluation
    from mlflow_genie_plugin.gating.evidence import collect
    from mlflow_genie_plugin.gating.rejudge import rejudge
    from mlflow_genie_plugin.registry import download_run_artifact, list_run_artifacts, log_artifact
    from mlflow_genie_plugin.workspace.auth import connect

    monkeypatch.setenv("GENIE_INLINE_CELLS", "3")
    plan = plan_evaluation(live_model, few_questions, traces=False)
    evaluation = run_evaluation(plan, connect())
    assert ROWS_ARTIFACT in list_run_artifacts(evaluation.run_id)
    assert load_evaluation(evaluation.run_id) == (evaluation.data, evaluation.result)
    path = tmp_path / "evaluation_result.json"
    path.write_bytes(evaluation.data)
    assert judge_recorded(plan, str(path)).result.questions == evaluation.result.questions
    found = rejudge(collect(live_model, evaluation.run_id))
    assert (found.problem, found.unconfirmed, dict(found.differing)) == ("", (), {})

    good = download_run_artifact(evaluation.run_id, ROWS_ARTIFACT)
    log_artifact(evaluation.run_id, ROWS_ARTIFACT, good + b" ")
    with pytest.raises(InvalidEvaluationError, match="was changed"):
        load_evaluation(evaluation.run_id)
    assert "was changed" in collect(live_model, evaluation.run_id).evidence.evaluation_problem
    for file in (tmp_path / "tracking").rglob(ROWS_FILE):
        file.unlink()
    with pytest.raises(InvalidEvaluationError, match=ROWS_FILE):
        load_evaluation(evaluation.run_id)
    with pytest.raises(InvalidEvaluationError, match=ROWS_FILE):
        judge_recorded(plan, evaluation.run_id)
    collected = collect(live_model, evaluation.run_id)
    assert ROWS_FILE in collected.evidence.evaluation_problem
    assert rejudge(collected).problem
    assert collected.result is None
