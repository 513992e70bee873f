import pytest

SPACE_ID = "01f0c0de5a3b1e0c8000000000005a1e"


@pytest.fixture
def answer():
    """An API answer: a small space with an unknown key, floats and characters outside ASCII."""
    return {
        "space_id": SPACE_ID,
        "title": "Verkäufe",
        "description": "d",
        "warehouse_id": "5a3b1e0c0de00001",
        "etag": "e1",
        "serialized_space": {
            "version": 2,
            "future_key": {"x": [1, 2.5, None, "Grüße"]},
            "data_sources": {
                "tables": [{"identifier": "samples.tpch.orders"}],
                "metric_views": [{"identifier": "samples.tpch.order_metrics"}],
            },
            "instructions": {"sql_functions": [{"id": "0" * 31 + "1", "identifier": "samples.tpch.top_customers"}]},
        },
    }
