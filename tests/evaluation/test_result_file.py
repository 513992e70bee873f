from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from mlflow_genie_plugin.errors import InvalidEvaluationError, UnsupportedFormatError
from mlflow_genie_plugin.evaluation.result_file import parse_result, result_bytes
from mlflow_genie_plugin.evaluation.stored_result import stored_result


def test_result_survives_the_file(make_result, make_question, make_table):
    table = make_table([(1, Decimal("2.50"), date(2024, 1, 1), None, b"x", [1, 2])])
    question = make_question("q1", expected=stored_result(table, None), outcomes={"asset_routing": "abstained"})
    result = make_result(questions=[question])
    read = parse_result(result_bytes(result))
    assert read == result
    assert read.questions[0].expected.query_result() == table
    assert result_bytes(read) == result_bytes(result)


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
