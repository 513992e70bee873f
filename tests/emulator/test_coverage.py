from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "local-workspace.md"


@pytest.mark.skipif(not DOCS.exists(), reason="the documentation is not part of this installation")
def test_the_documented_routes_are_the_routes_there_are(control):
    documented = re.findall(r"^\| `([\w.]+)` \| ([A-Z]+) \| `(/[^`]+)` \|$", DOCS.read_text("utf-8"), re.MULTILINE)
    assert documented == [(route["name"], route["method"], route["path"]) for route in control.coverage()]


def test_the_answerers_view_shows_tables_metric_views_functions_and_values(local_workspace):
    view = local_workspace.world.warehouse.view
    orders = {column.name: column for column in view.columns("Samples.tpch.`orders`")}
    assert orders["o_totalprice"].type_text == "DECIMAL(15,2)"
    assert orders["o_totalprice"].comment
    assert view.columns("samples.tpch.none") == ()
    metrics = view.metric_view("samples.tpch.order_metrics")
    assert "order_count" in [measure.name for measure in metrics.measures]
    assert "order_year" in [dimension.name for dimension in metrics.dimensions]
    assert view.metric_view("samples.tpch.orders") is None
    top = view.routine("samples.tpch.TOP_CUSTOMERS")
    assert [(item.name, item.has_default) for item in top.parameters] == [("how_many", False), ("segment", False)]
    assert view.routine("samples.tpch.none") is None
    assert view.distinct_values("samples.tpch.orders", "O_ORDERSTATUS", 5) == ("F", "O", "P")
    assert view.distinct_values("samples.tpch.order_metrics", "market_segment", 2) == ("AUTOMOBILE", "BUILDING")
    assert view.distinct_values("samples.tpch.order_metrics", "order_count", 2) == ()
    assert view.distinct_values("samples.tpch.orders", "nothing", 2) == ()


def test_questions_asked_at_the_same_time_are_all_answered_each_once(local_workspace, make_client, control):
    from concurrent.futures import ThreadPoolExecutor

    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID

    client = make_client()
    questions = [f"How many orders were placed in {year}?" for year in range(1992, 1999)] * 3

    def ask(question):
        message = client.genie.start_conversation_and_wait(SAMPLE_SPACE_ID, question)
        place = (SAMPLE_SPACE_ID, message.conversation_id, message.message_id)
        found = client.genie.get_message_query_result(*place)
        return question, found.statement_response.result.data_array[0][0], message.conversation_id

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, questions))
    assert len({conversation for _, _, conversation in answers}) == len(questions)
    by_question = {}
    for question, value, _ in answers:
        by_question.setdefault(question, set()).add(value)
    assert all(len(values) == 1 for values in by_question.values())
    assert len({next(iter(values)) for values in by_question.values()}) > 1


def test_hostile_requests_get_a_client_error_and_the_server_lives(local_workspace):
    import requests

    headers = {"Authorization": f"Bearer {local_workspace.token}"}
    base = f"{local_workspace.url}/api/2.0/genie/spaces"
    for body in (b"{", b"[]", b'"x"', b"\xff", b'{"serialized_space": 5}', b'{"serialized_space": "{}", "title": []}'):
        answer = requests.post(base, data=body, headers=headers, timeout=10)
        assert 400 <= answer.status_code < 500, body
        assert set(answer.json()) == {"error_code", "message"}
    deep = b"[" * 100_000
    assert requests.post(base, data=deep, headers=headers, timeout=10).status_code == 400
    for query in ("?page_size=x", "?page_size=-1", "?page_token=offset-x"):
        assert requests.get(base + query, headers=headers, timeout=10).status_code == 400
    assert requests.get(base, headers=headers, timeout=10).status_code == 200


def test_a_defect_inside_a_handler_is_a_500_with_a_message(local_workspace, monkeypatch, client):
    from databricks.sdk.errors import InternalError

    def broken(*_, **__):
        raise ZeroDivisionError("broken on purpose")

    monkeypatch.setattr(local_workspace.world.spaces, "visible_to", broken)
    with pytest.raises(InternalError, match="ZeroDivisionError"):
        client.genie.list_spaces()
