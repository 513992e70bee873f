from __future__ import annotations

import dataclasses
import json
import math
from datetime import UTC, date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.errors import InvalidEvaluationError, UnsupportedFormatError
from mlflow_genie_plugin.evaluation.cells import decode_cell, encode_cell, result_sha256
from mlflow_genie_plugin.evaluation.result import (
    Finding,
    parse_result,
    result_bytes,
    stored_result,
)

cells = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.dates()
    | st.datetimes(timezones=st.none() | st.just(UTC))
    | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(cells)
def test_a_cell_survives_json_with_its_type(value):
    decoded = decode_cell(json.loads(json.dumps(encode_cell(value))))
    assert decoded == value
    assert type(decoded) is type(value)


def test_a_decimal_keeps_its_scale_and_nan_stays_nan():
    assert str(decode_cell(encode_cell(Decimal("1.50")))) == "1.50"
    assert math.isnan(decode_cell(encode_cell(math.nan)))


@pytest.mark.parametrize("bad", [{"$decimal": "x"}, {"$date": 5}, {"$other": 1}, {}, {"$date": "2024-01-01", "b": 1}])
def test_what_is_no_encoded_cell_is_refused(bad):
    with pytest.raises(ValueError, match="encoded cell"):
        decode_cell(bad)


def test_an_unknown_type_is_refused_not_turned_into_text():
    with pytest.raises(TypeError, match="cannot hold a complex"):
        encode_cell(1j)


def test_result_survives_the_file(make_result, make_question, make_table):
    table = make_table([(1, Decimal("2.50"), date(2024, 1, 1), None, b"x", [1, 2])])
    question = make_question("q1", expected=stored_result(table, None), outcomes={"asset_routing": "abstained"})
    result = make_result(questions=[question])
    read = parse_result(result_bytes(result))
    assert read == result
    assert read.questions[0].expected.query_result() == table
    assert result_bytes(read) == result_bytes(result)


def test_everything_but_passed_counts_against_the_model(make_result, make_question):
    judge = "result_correctness"
    kinds = ["passed", "failed", "abstained", "errored", "missing"]
    questions = [make_question(kind, outcomes={judge: kind}) for kind in kinds]
    result = make_result(questions=questions, benchmarks={"planned": 10, "total": 10})
    counts = result.counts_of(judge)
    assert dataclasses.astuple(counts) == (1, 1, 1, 1, 6, 10)
    assert result.score_of(judge) == 0.1
    assert result.missing() == ["5 of 10 questions have a result", "result_correctness has no finding for missing"]


def test_a_judge_that_did_not_run_scores_zero(make_result):
    assert make_result(n=4).counts_of("schema_accuracy").missing == 4
    assert make_result(n=4).score_of("schema_accuracy") == 0.0


@pytest.mark.parametrize("score", [math.nan, math.inf, -0.1, 1.1, 85.0])
def test_a_score_off_the_scale_is_refused(score):
    with pytest.raises(ValueError, match="fraction from 0 to 1"):
        Finding("j", "passed", score)


def test_an_unknown_outcome_is_refused():
    with pytest.raises(ValueError, match="excellent"):
        Finding("j", "excellent")


@pytest.mark.parametrize("version", [2, "1", None, True])
def test_an_unknown_format_version_is_refused(make_result, version):
    document = json.loads(result_bytes(make_result()))
    document["format_version"] = version
    with pytest.raises(UnsupportedFormatError):
        parse_result(json.dumps(document).encode())


def edited(result, edit):
    document = json.loads(result_bytes(result))
    edit(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d["scores"]["asset_routing"].update(score=1.0, passed=3, failed=0), "scores are not what"),
        (lambda d: d["scores"].pop("asset_routing"), "scores are not what"),
        (lambda d: d["questions"].append(d["questions"][0]), "stands there 2 times"),
        (lambda d: d["questions"][0]["findings"]["asset_routing"].update(judge="x"), "is by x"),
        (lambda d: d["judges"].pop("asset_routing"), "did not run"),
        (lambda d: d["questions"][0]["findings"]["asset_routing"].update(outcome="ok"), "breaks its format"),
        (lambda d: d["questions"][0]["answer"].update(status="RUNNING"), "breaks its format"),
        (lambda d: d.update(status="invalid"), "breaks its format"),
        (lambda d: d["benchmarks"].update(planned=0), "breaks its format"),
        (lambda d: d["benchmarks"].update(planned=2), "only 2 were planned"),
        (lambda d: d.update(surprise=1), "breaks its format"),
    ],
)
def test_a_file_that_contradicts_itself_or_its_format_is_refused(make_result, make_question, edit, message):
    questions = [make_question(f"q{i}", outcomes={"asset_routing": "failed"}) for i in range(3)]
    with pytest.raises(InvalidEvaluationError, match=message):
        parse_result(edited(make_result(questions=questions), edit))


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[]", b"null"])
def test_what_is_no_result_at_all_is_refused(data):
    with pytest.raises((InvalidEvaluationError, UnsupportedFormatError)):
        parse_result(data)


def test_rows_can_be_left_out_but_the_digest_stays(make_table):
    table = make_table([(i,) for i in range(50)])
    everything, sample, none = (stored_result(table, None, how) for how in ("all", "sample", "none"))
    assert everything.query_result() == table
    assert sample.query_result() is None
    assert len(sample.rows) == 20
    assert none.rows is None
    assert none.query_result() is None
    assert everything.result_sha256 == sample.result_sha256 == none.result_sha256 == result_sha256(table)


def test_a_truncated_result_keeps_the_rows_that_came(make_table):
    table = make_table([(i,) for i in range(5)], row_count=9000, truncated=True)
    assert stored_result(table, None).query_result() == table
