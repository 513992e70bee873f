import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal


def test_values_of_rows_can_be_sent_as_json():
    from mlflow_genie_plugin.flavor.answer_row import answer_row
    from mlflow_genie_plugin.workspace.answer import Answer, AnswerStatus, Column, QueryResult

    row = (Decimal("1.10"), date(2026, 1, 2), datetime(2026, 1, 2, 3, tzinfo=UTC), b"x", [1, Decimal(2)], {"k": None})
    result = QueryResult(tuple(Column(f"c{n}", "STRING") for n in range(6)), (row,), 1)
    answer = Answer("q", AnswerStatus.COMPLETED, sql="SELECT 1", result=result)
    values = json.loads(json.dumps(answer_row(answer)["rows"]))
    assert values == [["1.10", "2026-01-02", "2026-01-02T03:00:00+00:00", "eA==", [1, "2"], {"k": None}]]
    assert answer_row(replace(answer, result=None))["columns"] is None
