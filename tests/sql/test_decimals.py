"""Decimals by Spark's rules: precision, scale and the last digit."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.errors import SqlFailedError
from mlflow_genie_plugin.sql_engine import spark_types as types

SHAPES = st.integers(1, 18).flatmap(lambda p: st.tuples(st.just(p), st.integers(0, p)))


@st.composite
def decimals(draw):
    precision, scale = draw(SHAPES)
    digits = draw(st.integers(-(10**precision) + 1, 10**precision - 1))
    return precision, scale, Decimal(digits).scaleb(-scale)


def cast(value):
    precision, scale, number = value
    return f"CAST('{number:f}' AS DECIMAL({precision}, {scale}))"


def kind_of(value):
    return types.decimal(value[0], value[1])


def exactly(operator, left, right, scale):
    with localcontext() as context:
        context.prec = 120
        value = {"+": left + right, "-": left - right, "*": left * right}.get(operator)
        value = left / right if value is None else value
        return value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(left=decimals(), right=decimals(), operator=st.sampled_from("+-*/"))
def test_arithmetic_is_exact_to_the_last_digit_that_spark_keeps(engine, left, right, operator):
    if operator == "/" and right[2] == 0:
        return
    result = engine.execute(f"SELECT {cast(left)} {operator} {cast(right)} AS v")
    kind = types.arithmetic(operator, kind_of(left), kind_of(right))
    assert result.columns[0].type_text == f"DECIMAL({kind.precision},{kind.scale})"
    wanted = exactly(operator, left[2], right[2], kind.scale)
    if operator == "/" and abs(left[2].scaleb(kind.scale + right[1])) * 4 > 2**126:
        # Too large for whole numbers of 128 bits: fifteen digits are promised, as a DOUBLE has them.
        assert float(result.rows[0][0]) == pytest.approx(float(wanted), rel=1e-14, abs=10.0**-kind.scale)
    else:
        assert result.rows[0][0] == wanted


@pytest.mark.parametrize(
    ("sql", "type_text", "value"),
    [
        ("SELECT 1.00 / 3 AS v", "DECIMAL(7,6)", "0.333333"),
        ("SELECT -2.0 / 3.0 AS v", "DECIMAL(8,6)", "-0.666667"),
        ("SELECT sum(price) / count(*) AS v FROM shop.sales.items", "DECIMAL(38,20)", "10.16666666666666666667"),
        ("SELECT avg(price) AS v FROM shop.sales.items", "DECIMAL(14,6)", "15.25"),
        ("SELECT avg(price) FILTER (WHERE id = 1) AS v FROM shop.sales.items", "DECIMAL(14,6)", "10.5"),
        ("SELECT sum(price) OVER (ORDER BY id) AS v FROM shop.sales.items LIMIT 1", "DECIMAL(20,2)", "10.5"),
        ("WITH t AS (SELECT price p FROM shop.sales.items) SELECT max(p) / 7 AS v FROM t", "DECIMAL(14,6)", "2.857143"),
        ("SELECT v FROM (SELECT price * 2 AS v FROM shop.sales.items WHERE id = 1)", "DECIMAL(12,2)", "21"),
        ("SELECT round(price / 7, 2) AS v FROM shop.sales.items WHERE id = 1", "DECIMAL(11,2)", "1.5"),
        ("SELECT try_divide(price, 0) AS v FROM shop.sales.items WHERE id = 1", "DECIMAL(14,6)", None),
        ("SELECT price / NULL AS v FROM shop.sales.items WHERE id = 1", None, None),
    ],
)  # fmt: skip
def test_type_and_value_are_sparks(engine, sql, type_text, value):
    result = engine.execute(sql)
    if type_text:
        assert result.columns[0].type_text == type_text
    assert result.rows[0][0] == (None if value is None else Decimal(value))


@pytest.mark.parametrize("sql", ["SELECT 1.5 / 0 AS v", "SELECT price / (id - id) AS v FROM shop.sales.items"])
def test_dividing_a_decimal_by_zero_fails(engine, sql):
    with pytest.raises(SqlFailedError) as caught:
        engine.execute(sql)
    assert caught.value.details["condition"] == "DIVIDE_BY_ZERO"


def test_a_decimal_of_an_unknown_type_is_still_divided(engine):
    sql = (
        "SELECT a / 4 AS v FROM (SELECT * FROM shop.sales.items PIVOT (sum(price) FOR kind IN ('a' AS a)) WHERE id = 1)"
    )
    assert float(engine.execute(sql).rows[0][0]) == 2.625


@pytest.mark.parametrize("sql", ["SELECT id AS other FROM shop.sales.items WHERE other = 1"])
def test_an_alias_in_where_is_refused_as_the_warehouse_does(engine, sql):
    with pytest.raises(SqlFailedError) as caught:
        engine.execute(sql)
    assert caught.value.details["condition"] == "UNRESOLVED_COLUMN.WITH_SUGGESTION"


def test_a_column_in_where_is_the_tables_even_when_an_alias_has_its_name(engine):
    assert engine.execute("SELECT upper(kind) AS kind FROM shop.sales.items WHERE kind = 'b'").rows == (("B",),)


def test_an_alias_of_the_query_around_is_no_alias_of_its_own(engine):
    sql = "SELECT other FROM (SELECT id AS other FROM shop.sales.items) WHERE other = 2"
    assert engine.execute(sql).rows == ((2,),)
