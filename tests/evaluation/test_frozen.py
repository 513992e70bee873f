from __future__ import annotations

import pytest

from mlflow_genie_plugin.evaluation.frozen import TODAY, frozen, unstoppable


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT current_date()", f"SELECT DATE'{TODAY}'"),
        ("SELECT CURRENT_DATE - INTERVAL 1 DAY", f"SELECT DATE'{TODAY}' - INTERVAL 1 DAY"),
        ("SELECT now( )", f"SELECT TIMESTAMP'{TODAY} 13:45:10'"),
        ("SELECT 'now()' AS now", "SELECT 'now()' AS now"),
        ("SELECT t.current_date, `current_date` FROM t", "SELECT t.current_date, `current_date` FROM t"),
        ("SELECT now FROM t -- now()", "SELECT now FROM t -- now()"),
    ],
)
def test_only_the_clock_stops(sql, expected):
    assert frozen(sql) == expected


@pytest.mark.parametrize(
    ("sql", "name"),
    [("SELECT RAND()", "rand()"), ("SELECT ai_gen('x')", "ai_gen()"), ("SELECT rand FROM t", None),
     ("SELECT 'uuid()'", None), ("SELECT now()", None), ("SELECT unix_timestamp()", "unix_timestamp()"),
     ("SELECT unix_timestamp(d) FROM t", None)],
)  # fmt: skip
def test_what_cannot_be_stopped_is_named(sql, name):
    assert unstoppable(sql) == name
