from __future__ import annotations

import dataclasses
import io

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import InvalidEvaluationError
from mlflow_genie_plugin.evaluation.finding import Finding
from mlflow_genie_plugin.evaluation.large_result import is_large, large_files, read_head, require_same_scores
from mlflow_genie_plugin.evaluation.result_file import parse_result, result_bytes
from mlflow_genie_plugin.evaluation.scores_file import read_scores, require_same_counts

JUDGES = ("syntax_validity", "result_correctness")
RULING = {
    "verdict": "genie_correct",
    "rule": "a",
    "confidence": "high",
    "rationale": "the expected query fails",
    "opinion": None,
    "proposal": None,
}


def rows_of(files, path):
    head = head_of(files, path)
    scores = read_scores(files.scores, head.scores_file, head.head.judges, head.size)
    return [row for group in scores.groups() for row in group.to_pylist()]


def head_of(files, path):
    path.write_bytes(files.result)
    return read_head(path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "evaluation_result.json"


@pytest.fixture
def result(make_result, make_question):
    def one(number):
        question = make_question(f"q{number}", judges=JUDGES)
        if number % 3:
            return question
        wrong = Finding(
            "result_correctness",
            "failed",
            0.5,
            "wrong_filter",
            f'"q{number}", "questions":[] is not what was asked',
            blame=("table a.b.c",),
            fix="describe the column",
        )
        opinion = Finding("syntax_validity", "passed", 1.0, opinion={"settled": True})
        return dataclasses.replace(
            question,
            question=f'say ,"questions":[ or é {number}',
            category="é",
            findings={"syntax_validity": opinion, "result_correctness": wrong},
            arbitration=RULING,
        )

    return make_result(questions=tuple(one(number) for number in range(7)), judges=JUDGES)


def test_a_large_result_says_the_same_as_a_small_one(result, path):
    files = large_files(result, 0)
    assert parse_result(files.result, lambda: files.rows) == result
    assert large_files(result, 0) == files
    small = path.with_name("small.json")
    small.write_bytes(result_bytes(result))
    path.write_bytes(files.result)
    assert (is_large(path), is_large(small)) == (True, False)
    require_same_scores(files.result, files.scores, result)


def test_the_head_is_all_of_the_evaluation_but_its_questions(result, path):
    files = large_files(result, 10**6)
    large = head_of(files, path)
    assert large.head == dataclasses.replace(result, questions=())
    assert large.sha256 == sha256_of_bytes(files.result)
    assert {judge: counts["passed"] for judge, counts in large.counts.items()} == {
        "syntax_validity": 7,
        "result_correctness": 4,
    }
    assert large.rows_file is None


def test_each_question_is_found_where_its_row_says(result, path):
    files = large_files(result, 10**6)
    large, rows = head_of(files, path), rows_of(files, path)
    assert tuple(large.question(row["start"], row["length"]) for row in rows) == result.questions
    with pytest.raises(InvalidEvaluationError, match="has no question at byte"):
        large.question(1, 30)


def test_a_row_holds_what_was_asked_and_what_the_judges_said(result, path):
    rows = rows_of(large_files(result, 10**6), path)
    assert rows[0] == {
        "question_id": "q0",
        "question": 'say ,"questions":[ or é 0',
        "expected_sql": result.questions[0].expected_sql,
        "priority": result.questions[0].priority,
        "split": result.questions[0].split,
        "category": "é",
        "expected_asset": result.questions[0].expected_asset,
        "status": "COMPLETED",
        "settled": "syntax_validity",
        "not_asked": None,
        "latency_seconds": result.questions[0].answer.latency_seconds,
        "objections": rows[0]["objections"],
        "arbitration": orjson.dumps(RULING).decode(),
        "start": 0,
        "length": rows[1]["start"] - 1,
        "syntax_validity": "passed",
        "syntax_validity_score": 1.0,
        "result_correctness": "failed",
        "result_correctness_score": 0.5,
    }
    assert orjson.loads(rows[0]["objections"])["result_correctness"] == {
        "rationale": '"q0", "questions":[] is not what was asked',
        "blame": ["table a.b.c"],
        "fix": "describe the column",
    }
    assert rows[1]["objections"] is None


def test_another_scores_file_is_refused_by_its_digest(result, make_result, path):
    files, large = large_files(result, 0), head_of(large_files(result, 0), path)
    other = large_files(make_result(n=7, judges=JUDGES), 0).scores
    for wrong in (b"", files.scores[:-1], other):
        with pytest.raises(InvalidEvaluationError, match="was changed"):
            read_scores(wrong, large.scores_file, JUDGES, large.size)


def forged(files, change):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(files.scores))
    rows = table.to_pylist()
    schema = change(rows) or table.schema
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.pop(), "7 rows|6 rows"),
        (lambda rows: rows[0].update(start=1), "one after the other"),
        (lambda rows: rows[6].update(length=3), "one after the other"),
        (lambda rows: rows[3].update(start=rows[3]["start"] - 1), "one after the other"),
    ],
)
def test_scores_that_do_not_fit_are_refused_even_with_the_right_digest(result, path, change, message):
    files = large_files(result, 0)
    large = head_of(files, path)
    scores = forged(files, lambda rows: change(rows) and None)
    pointer = {**large.scores_file, "sha256": sha256_of_bytes(scores)}
    with pytest.raises(InvalidEvaluationError, match=message):
        read_scores(scores, pointer, JUDGES, large.size)


def test_scores_of_other_judges_or_no_parquet_are_refused(result, path):
    files = large_files(result, 0)
    large = head_of(files, path)
    with pytest.raises(InvalidEvaluationError, match="other columns"):
        read_scores(files.scores, large.scores_file, ("result_correctness",), large.size)
    with pytest.raises(InvalidEvaluationError, match="cannot be read"):
        read_scores(b"no", {"sha256": sha256_of_bytes(b"no"), "questions": 7}, JUDGES, large.size)


def test_outcomes_are_held_against_the_counts_of_the_result_file(result, path):
    files = large_files(result, 0)
    large = head_of(files, path)
    require_same_counts(read_scores(files.scores, large.scores_file, JUDGES, large.size), large.counts)
    scores = forged(files, lambda rows: rows[0].update(result_correctness="passed"))
    pointer = {**large.scores_file, "sha256": sha256_of_bytes(scores)}
    forged_scores = read_scores(scores, pointer, JUDGES, large.size)
    with pytest.raises(
        InvalidEvaluationError, match="5 passed findings of result_correctness, the result file counts 4"
    ):
        require_same_counts(forged_scores, large.counts)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("status", {"status": "FAILED"}),
        ("question", {"question": "another"}),
        ("result_correctness_score", {"result_correctness_score": 0.25}),
        ("settled", {"settled": None}),
        ("objections", {"objections": "{}"}),
    ],
)
def test_whoever_reads_all_questions_finds_every_forged_row(result, name, change):
    files = large_files(result, 0)
    scores = forged(files, lambda rows: rows[0].update(change))
    document = orjson.loads(files.result)
    before = document["scores_file"]["sha256"].encode()
    data = files.result.replace(before, sha256_of_bytes(scores).encode())
    with pytest.raises(InvalidEvaluationError, match=rf"its {name} are not what"):
        require_same_scores(data, scores, result)


def test_a_result_file_written_in_another_way_is_refused(result, path):
    files = large_files(result, 0)
    document = orjson.loads(files.result)
    last = document.pop("scores")
    for data in (
        files.result[:-1],
        files.result.replace(b',"questions":[', b', "questions":['),
        files.result.rstrip(b"\n}") + b',"status":"complete"}\n',
        orjson.dumps({**document, "scores": last}) + b"\n",
    ):
        path.write_bytes(data)
        with pytest.raises(InvalidEvaluationError, match="not written as"):
            read_head(path)
        with pytest.raises(InvalidEvaluationError, match="not written as"):
            require_same_scores(data, files.scores, result)
    path.write_bytes(files.result.replace(b'"status":"complete"', b'"status":"finished"', 1))
    with pytest.raises(InvalidEvaluationError, match="breaks its format"):
        read_head(path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5), block=st.integers(1, 40)
)
def test_a_head_is_found_whatever_the_questions_say_and_however_it_is_read(make_result, texts, block, tmp_path_factory):
    from mlflow_genie_plugin.evaluation import large_result

    questions = make_result(n=len(texts)).questions
    given = tuple(dataclasses.replace(q, question=text) for q, text in zip(questions, texts, strict=True))
    result = make_result(questions=given, catalog=None)
    path = tmp_path_factory.mktemp("large") / "result.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large_result, "_BLOCK", block)
        patch.setattr(large_result, "_GLANCE", block)
        files = large_files(result, 10**6)
        large, rows = head_of(files, path), rows_of(files, path)
        assert large.sha256 == sha256_of_bytes(files.result)
        assert large_result.glance(path) == dataclasses.replace(large, sha256="")
    assert [large.question(row["start"], row["length"]).question for row in rows] == texts
