"""Databricks queries with values known from Databricks' and Spark's semantics, each worked out by hand."""

# ruff: noqa: DTZ001, E501  (the engine's times are UTC without a zone; a case is read best on one line)

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal

import pytest

EXPRESSIONS = [
    # days of the week: Sunday is 1, weekday() counts from Monday 0
    ("dayofweek('2009-07-30')", 5),
    ("dayofweek(DATE '2024-01-07')", 1),
    ("weekday('2009-07-30')", 3),
    ("extract(DAYOFWEEK FROM DATE '2009-07-30')", 5),
    ("extract(DOW FROM DATE '2024-01-07')", 1),
    ("extract(DAYOFWEEK_ISO FROM DATE '2024-01-07')", 7),
    ("date_part('doy', DATE '2019-08-12')", 224),
    ("date_part('SECONDS', TIMESTAMP '2019-10-01 00:00:01.000001')", Decimal("1.000001")),
    ("weekofyear('2008-02-20')", 8),
    ("year('2024-05-06') * 100 + month('2024-05-06')", 202405),
    ("quarter(DATE '2024-12-01')", 4),
    ("dayofyear('2016-04-09')", 100),
    # differences count what has passed in full
    ("datediff('2009-07-31', '2009-07-30')", 1),
    ("datediff('2009-07-30', '2009-07-31')", -1),
    ("datediff(MONTH, DATE '2024-01-31', DATE '2024-02-29')", 0),
    ("timestampdiff(MONTH, TIMESTAMP '2021-02-28 12:00:00', TIMESTAMP '2021-03-28 11:59:59')", 0),
    ("timestampdiff(YEAR, '2021-01-01', '2023-12-31')", 2),
    ("datediff(DAY, TIMESTAMP '2024-01-01 23:00:00', TIMESTAMP '2024-01-02 01:00:00')", 0),
    ("months_between('1997-02-28 10:30:00', '1996-10-30')", 3.94959677),
    ("months_between('2024-02-29', '2024-01-31')", 1.0),
    # moving dates; a date stays a date
    ("date_add('2016-07-30', 1)", date(2016, 7, 31)),
    ("date_sub('2016-07-30', 1)", date(2016, 7, 29)),
    ("dateadd(MONTH, -1, TIMESTAMP '2022-03-31 00:00:00')", datetime(2022, 2, 28)),
    ("dateadd(QUARTER, 1, '2022-01-31')", datetime(2022, 4, 30)),
    ("add_months('2016-08-31', 1)", date(2016, 9, 30)),
    ("last_day('2009-01-12')", date(2009, 1, 31)),
    ("next_day('2015-01-14', 'TU')", date(2015, 1, 20)),
    ("next_day('2015-01-13', 'Tuesday')", date(2015, 1, 20)),
    ("DATE '2024-01-31' + INTERVAL 1 MONTH", date(2024, 2, 29)),
    ("INTERVAL 1 DAY + DATE '2024-01-31'", date(2024, 2, 1)),
    ("DATE '2024-03-31' - INTERVAL '1' MONTH", date(2024, 2, 29)),
    ("DATE '2024-01-01' + INTERVAL 2 HOURS", datetime(2024, 1, 1, 2)),
    ("DATE '2024-01-01' + INTERVAL '1-2' YEAR TO MONTH", date(2025, 3, 1)),
    ("TIMESTAMP '2024-01-01 10:00:00' - INTERVAL 1 DAY", datetime(2023, 12, 31, 10)),
    ("DATE '2024-01-01' + 3", date(2024, 1, 4)),
    # truncation
    ("trunc('2019-08-04', 'week')", date(2019, 7, 29)),
    ("trunc('2019-08-04', 'quarter')", date(2019, 7, 1)),
    ("trunc('2009-02-12', 'MM')", date(2009, 2, 1)),
    ("trunc(DATE '2015-10-27', 'YEAR')", date(2015, 1, 1)),
    ("trunc('2015-10-27', 'DD')", None),
    ("date_trunc('YEAR', '2015-03-05T09:32:05.359')", datetime(2015, 1, 1)),
    ("date_trunc('MONTH', DATE '2024-05-17')", datetime(2024, 5, 1)),
    ("date_trunc('WEEK', DATE '2024-05-17')", datetime(2024, 5, 13)),
    # text and dates
    ("date_format('2016-04-08', 'y')", "2016"),
    ("date_format(TIMESTAMP '2024-01-31 15:04:05', 'yyyy-MM-dd HH:mm:ss')", "2024-01-31 15:04:05"),
    ("date_format(DATE '2024-02-09', 'EEE, d MMM yy')", "Fri, 9 Feb 24"),
    ("date_format(DATE '2024-02-09', 'MMMM')", "February"),
    ("date_format(DATE '2024-05-09', \"yyyy-'Q'Q\")", "2024-Q2"),
    ("date_format(DATE '2024-05-09', \"'50%' yyyy\")", "50% 2024"),
    ("to_date('01/02/2024', 'dd/MM/yyyy')", date(2024, 2, 1)),
    ("to_timestamp('2024-01-02 03:04', 'yyyy-MM-dd HH:mm')", datetime(2024, 1, 2, 3, 4)),
    ("to_date(TIMESTAMP '2024-01-02 03:04:05')", date(2024, 1, 2)),
    ("try_to_timestamp('nonsense')", None),
    ("CAST('2024' AS DATE)", date(2024, 1, 1)),
    ("CAST('2024-03' AS DATE)", date(2024, 3, 1)),
    ("CAST('2024-3-9' AS DATE)", date(2024, 3, 9)),
    ("CAST('2024-03-09 10:11:12' AS DATE)", date(2024, 3, 9)),
    ("unix_timestamp('1970-01-02 00:00:00')", 86400),
    ("from_unixtime(0, 'yyyy-MM-dd')", "1970-01-01"),
    ("timestamp_seconds(1230219000)", datetime(2008, 12, 25, 15, 30)),
    ("unix_date('1970-01-02')", 1),
    ("date_from_unix_date(1)", date(1970, 1, 2)),
    ("make_date(2013, 7, 15)", date(2013, 7, 15)),
    ("from_utc_timestamp('2016-08-31', 'Asia/Seoul')", datetime(2016, 8, 31, 9)),
    ("to_utc_timestamp('2016-08-31', 'Asia/Seoul')", datetime(2016, 8, 30, 15)),
    ("dayname(DATE '2024-01-07')", "Sun"),
    ("monthname(DATE '2024-01-07')", "Jan"),
    # casts cut fractions, and text with a fraction is no integer
    ("CAST(1.9 AS INT)", 1),
    ("CAST(-1.9 AS INT)", -1),
    ("CAST(2.5D AS BIGINT)", 2),
    ("INT(3.99)", 3),
    ("TRY_CAST('3.7' AS INT)", None),
    ("TRY_CAST('x' AS INT)", None),
    ("CAST(' 12 ' AS INT)", 12),
    ("CAST(TRUE AS INT)", 1),
    ("CAST(9007199254740993.5 AS BIGINT)", 9007199254740993),
    ("CAST(5.67 AS DECIMAL)", Decimal(6)),
    ("CAST('1.005' AS DECIMAL(10, 2))", Decimal("1.01")),
    ("CAST(12 AS STRING)", "12"),
    ("CAST(TIMESTAMP '1970-01-01 00:00:10' AS BIGINT)", 10),
    # division
    ("7 / 2", 3.5),
    ("7 div 2", 3),
    ("-7 div 2", -3),
    ("-7 % 3", -1),
    ("NULL / 0", None),
    ("try_divide(1, 0)", None),
    ("try_divide(3, 2)", 1.5),
    ("try_add(2147483647, 1)", None),
    ("pmod(-10, 3)", 2),
    ("mod(-7, 3)", -1),
    # NULL
    ("concat('a', NULL)", None),
    ("'a' || NULL", None),
    ("concat('a', 1, 'b')", "a1b"),
    ("concat_ws(',', 'a', NULL, 'b')", "a,b"),
    ("concat_ws('-', array('x', 'y'))", "x-y"),
    ("NULL <=> NULL", True),
    ("1 <=> NULL", False),
    ("nvl(NULL, 2)", 2),
    ("nvl2(NULL, 2, 1)", 1),
    ("ifnull(NULL, 'x')", "x"),
    ("isnull(NULL)", True),
    ("isnotnull(1)", True),
    ("zeroifnull(NULL)", 0),
    ("nullifzero(0)", None),
    ("equal_null(NULL, NULL)", True),
    ("greatest(1, NULL, 3)", 3),
    ("iff(1 > 2, 'a', 'b')", "b"),
    ("if(NULL, 'a', 'b')", "b"),
    ("decode(6, 1, 'one', 2, 'two', 'other')", "other"),
    ("decode(NULL, 1, 'one', NULL, 'none')", "none"),
    ("decode(3, 1, 'one')", None),
    ("coalesce(NULL, NULL, 5)", 5),
    # numbers
    ("round(2.5)", Decimal(3)),
    ("round(-2.5)", Decimal(-3)),
    ("bround(2.5, 0)", Decimal(2)),
    ("round(1234.567, -2)", Decimal(1200)),
    ("ceil(-0.1)", Decimal(0)),
    ("floor(-0.1)", Decimal(-1)),
    ("log(10)", math.log(10)),
    ("log(2, 8)", 3.0),
    ("log10(0)", None),
    ("ln(-1)", None),
    ("cbrt(27)", 3.0),
    ("hypot(3, 4)", 5.0),
    ("factorial(5)", 120),
    ("sign(-4)", -1.0),
    ("width_bucket(5.3, 0.2, 10.6, 5)", 3),
    ("width_bucket(-2.1, 1.3, 3.4, 3)", 0),
    ("width_bucket(8.1, 0.0, 5.7, 4)", 5),
    ("width_bucket(-0.9, 5.2, 0.5, 2)", 3),
    ("bin(13)", "1101"),
    ("hex(17)", "11"),
    # text
    ("substring('Spark SQL', 5)", "k SQL"),
    ("substring('Spark SQL', -3)", "SQL"),
    ("substring('Spark SQL', 5, 1)", "k"),
    ("substring('abc', 0, 2)", "ab"),
    ("substring('abc', -5, 3)", "a"),
    ("substr('abc' FROM 2 FOR 1)", "b"),
    ("left('abc', 2) || right('abc', 1)", "abc"),
    ("instr('SparkSQL', 'SQL')", 6),
    ("locate('bar', 'foobarbar')", 4),
    ("locate('bar', 'foobarbar', 5)", 7),
    ("position('b' IN 'abc')", 2),
    ("charindex('b', 'abc')", 2),
    ("substring_index('www.apache.org', '.', 2)", "www.apache"),
    ("substring_index('www.apache.org', '.', -1)", "org"),
    ("initcap('sPark sql')", "Spark Sql"),
    ("lpad('hi', 5, '??')", "???hi"),
    ("lpad('hi', 1, '??')", "h"),
    ("rpad('hi', 4)", "hi  "),
    ("trim('  x ')", "x"),
    ("trim(BOTH 'x' FROM 'xxaxx')", "a"),
    ("ltrim('  x ')", "x "),
    ("translate('AaBbCc', 'abc', '123')", "A1B2C3"),
    ("split('oneAtwoBthreeC', '[ABC]')", ["one", "two", "three", ""]),
    ("split_part('11.12.13', '.', 3)", "13"),
    ("regexp_extract('100-200', '(\\\\d+)-(\\\\d+)')", "100"),
    ("regexp_extract('100-200', '(\\\\d+)-(\\\\d+)', 2)", "200"),
    ("regexp_extract('abc', '(\\\\d+)')", ""),
    ("regexp_extract_all('100-200, 300-400', '(\\\\d+)-(\\\\d+)')", ["100", "300"]),
    ("regexp_replace('100-200', '(\\\\d+)', 'num')", "num-num"),
    ("regexp_count('a1b2', '\\\\d')", 2),
    ("regexp_replace('2024-05', '(\\\\d+)-(\\\\d+)', '$2/$1')", "05/2024"),
    ("split('abc', '')", ["a", "b", "c"]),
    ("'Spark' RLIKE '^S.*k$'", True),
    ("'Spark' ILIKE 's%'", True),
    ("'a_b' LIKE 'a\\\\_b'", True),
    ("'axb' LIKE 'a\\\\_b'", False),
    ("'abc' LIKE ANY ('x%', 'a%')", True),
    ("contains('SparkSQL', 'SQL') AND startswith('SparkSQL', 'Sp') AND endswith('SparkSQL', 'L')", True),
    ("levenshtein('kitten', 'sitting')", 3),
    ("find_in_set('ab', 'abc,b,ab,c,def')", 3),
    ("format_number(12332.123456, 4)", "12,332.1235"),
    ("md5('Spark')", "8cde774d6f7333752ed72cacddb05126"),
    ("sha2('Spark', 256)", "529bc3b07127ecb7e53a4dcf1991d9152c24537d919178022b2c42657f79a26b"),
    ("base64('Spark SQL')", "U3BhcmsgU1FM"),
    ("char(65) || chr(66)", "AB"),
    ("repeat('ab', 2)", "abab"),
    ("reverse('abc')", "cba"),
    ("'it''s'", "it's"),
    ('"double quoted"', "double quoted"),
    ("length('Spark ')", 6),
    # comparisons of unlike types
    ("1 = '1'", True),
    ("'10' > 9", True),
    ("DATE '2024-01-02' > '2024-01-01'", True),
    # collections
    ("array(4, 5)[0]", 4),
    ("element_at(array(1, 2, 3), 2)", 2),
    ("element_at(map('a', 1), 'a')", 1),
    ("map('a', 1, 'b', 2)['b']", 2),
    ("size(array(1, 2))", 2),
    ("size(map('a', 1, 'b', 2))", 2),
    ("sequence(1, 5)", [1, 2, 3, 4, 5]),
    ("sequence(5, 1)", [5, 4, 3, 2, 1]),
    ("sequence(DATE '2018-01-01', DATE '2018-03-01', INTERVAL 1 MONTH)",
     [date(2018, 1, 1), date(2018, 2, 1), date(2018, 3, 1)]),
    ("slice(array(1, 2, 3, 4), 2, 2)", [2, 3]),
    ("slice(array(1, 2, 3, 4), -2, 2)", [3, 4]),
    ("array_position(array(312, 773, 708, 708), 708)", 3),
    ("array_position(array(1), 9)", 0),
    ("sort_array(array('b', 'd', NULL, 'c', 'a'))", [None, "a", "b", "c", "d"]),
    ("sort_array(array('b', NULL, 'a'), false)", ["b", "a", None]),
    ("array_sort(array('b', NULL, 'a'))", ["a", "b", None]),
    ("array_contains(array(1, 2), 2)", True),
    ("array_except(array(1, 2, 3), array(1, 3, 5))", [2]),
    ("array_join(array('a', NULL, 'b'), ',')", "a,b"),
    ("array_join(array('a', NULL, 'b'), ',', '-')", "a,-,b"),
    ("array_repeat('x', 3)", ["x", "x", "x"]),
    ("flatten(array(array(1, 2), array(3)))", [1, 2, 3]),
    ("filter(array(1, 2, 3), x -> x % 2 == 1)", [1, 3]),
    ("transform(array(10, 20), x -> x + 1)", [11, 21]),
    ("transform(array(10, 20), (x, i) -> x + i)", [10, 21]),
    ("exists(array(1, 2), x -> x > 1)", True),
    ("forall(array(1, 2), x -> x > 1)", False),
    ("aggregate(array(1, 2, 3), 0, (acc, x) -> acc + x)", 6),
    ("named_struct('a', 1, 'b', 'x').b", "x"),
    ("struct(1 AS z).z", 1),
    ("get_json_object('{\"a\": {\"b\": 3}}', '$.a.b')", "3"),
    ("'{\"a\": {\"b\": \"q\"}}':a.b", "q"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS, ids=[sql for sql, _ in EXPRESSIONS])
def test_expression_has_the_warehouse_value(engine, expression, expected):
    value = engine.execute(f"SELECT {expression} AS v").rows[0][0]
    if isinstance(expected, float):
        assert value == pytest.approx(expected, abs=1e-8)
    else:
        assert value == expected
        assert type(value) is type(expected)


AGGREGATES = [
    ("skewness(v)", "(-10), (-20), (100), (1000)", 1.1135657469022011),
    ("kurtosis(v)", "(-10), (-20), (100), (1000)", -0.7014368047529627),
    ("kurtosis(v)", "(1), (10), (100), (10), (1)", 0.19432323191699075),
    ("percentile(v, 0.3)", "(0), (10)", 3.0),
    ("percentile_approx(v, 0.5)", "(0), (1), (2), (10)", 1),
    ("approx_percentile(v, array(0.5, 0.4, 0.1), 100)", "(0), (1), (2), (10)", [1, 1, 0]),
    ("percentile_cont(0.25) WITHIN GROUP (ORDER BY v)", "(0), (10)", 2.5),
    ("percentile_disc(0.25) WITHIN GROUP (ORDER BY v)", "(0), (6), (7), (9), (10)", 6),
    ("median(v)", "(1), (2), (4)", 2.0),
    ("stddev(v)", "(1), (2), (3)", 1.0),
    ("stddev_pop(v)", "(1), (3)", 1.0),
    ("variance(v)", "(1), (3)", 2.0),
    ("var_pop(v)", "(1), (3)", 1.0),
    ("stddev(v)", "(1)", None),
    ("collect_list(v)", "(1), (NULL), (1)", [1, 1]),
    ("sort_array(collect_set(v))", "(2), (1), (NULL), (2)", [1, 2]),
    ("collect_list(v)", "(CAST(NULL AS INT))", []),
    ("approx_count_distinct(v)", "(1), (1), (2), (NULL)", 2),
    ("count(DISTINCT v)", "(1), (1), (NULL)", 1),
    ("count(*)", "(1), (NULL)", 2),
    ("count(v)", "(1), (NULL)", 1),
    ("count_if(v > 1)", "(1), (2), (NULL)", 1),
    ("sum(v)", "(CAST(NULL AS INT))", None),
    ("avg(v)", "(1), (2)", 1.5),
    ("first(v, true)", "(NULL), (2), (3)", 2),
    ("first(v) IGNORE NULLS", "(NULL), (2), (3)", 2),
    ("last(v, true)", "(1), (2), (NULL)", 2),
    ("sum(v) FILTER (WHERE v > 1)", "(1), (2), (3)", 5),
    ("collect_list(v) FILTER (WHERE v > 1)", "(1), (2), (3)", [2, 3]),
    ("bool_and(v > 0)", "(1), (2)", True),
    ("any(v > 1)", "(1), (2)", True),
    ("every(v > 1)", "(1), (2)", False),
    ("listagg(CAST(v AS STRING), '|') WITHIN GROUP (ORDER BY v DESC)", "(1), (3), (2)", "3|2|1"),
    ("mode(v)", "(0), (10), (10)", 10),
]


@pytest.mark.parametrize(("aggregate", "values", "expected"), AGGREGATES, ids=[f"{a} {v}" for a, v, _ in AGGREGATES])
def test_aggregate_has_the_warehouse_value(engine, aggregate, values, expected):
    value = engine.execute(f"SELECT {aggregate} AS r FROM VALUES {values} AS t(v)").rows[0][0]
    assert value == (pytest.approx(expected, abs=1e-9) if isinstance(expected, float) else expected)


ITEMS = "shop.sales.items"
QUERIES = [
    # NULLs come first ascending, last descending
    (f"SELECT id FROM {ITEMS} ORDER BY price, id", [(3,), (1,), (2,)]),
    (f"SELECT id FROM {ITEMS} ORDER BY price DESC", [(2,), (1,), (3,)]),
    (f"SELECT id FROM {ITEMS} ORDER BY price ASC NULLS LAST", [(1,), (2,), (3,)]),
    (f"SELECT id, row_number() OVER (ORDER BY price) AS n FROM {ITEMS} ORDER BY id", [(1, 2), (2, 3), (3, 1)]),
    # rows out of collections
    (f"SELECT id, t FROM {ITEMS} LATERAL VIEW explode(tags) v AS t ORDER BY t", [(1, "x"), (1, "y")]),
    (f"SELECT id, t FROM {ITEMS} LATERAL VIEW OUTER explode(tags) v AS t ORDER BY id, t",
     [(1, "x"), (1, "y"), (2, None), (3, None)]),
    (f"SELECT id, p, t FROM {ITEMS} LATERAL VIEW posexplode(tags) v AS p, t ORDER BY p", [(1, 0, "x"), (1, 1, "y")]),
    (f"SELECT id, explode(tags) AS t FROM {ITEMS} ORDER BY t", [(1, "x"), (1, "y")]),
    (f"SELECT id, explode_outer(tags) AS t FROM {ITEMS} ORDER BY id, t", [(1, "x"), (1, "y"), (2, None), (3, None)]),
    ("SELECT k, v FROM (SELECT map('a', 1) AS m) LATERAL VIEW explode(m) e AS k, v", [("a", 1)]),
    ("SELECT col FROM explode(array(1, 2))", [(1,), (2,)]),
    ("SELECT pos, col FROM (SELECT posexplode(array(5, 6)))", [(0, 5), (1, 6)]),
    ("SELECT inline(array(struct(1 AS a, 'x' AS b), struct(2 AS a, 'y' AS b)))", [(1, "x"), (2, "y")]),
    ("SELECT id FROM range(2, 5)", [(2,), (3,), (4,)]),
    (f"SELECT i.id, e.t FROM {ITEMS} i, LATERAL explode(i.tags) AS e(t) ORDER BY e.t", [(1, "x"), (1, "y")]),
    # shapes of queries
    (f"SELECT kind, sum(id) AS s FROM {ITEMS} GROUP BY ALL ORDER BY ALL", [("a", 4), ("b", 2)]),
    (f"SELECT id FROM {ITEMS} QUALIFY row_number() OVER (PARTITION BY kind ORDER BY id DESC) = 1 ORDER BY id", [(2,), (3,)]),
    (f"SELECT * EXCEPT (price, weight, sold, seen, tags) FROM {ITEMS} ORDER BY id LIMIT 1", [(1, "a")]),
    (f"SELECT * FROM (SELECT kind, id FROM {ITEMS}) PIVOT (sum(id) FOR kind IN ('a', 'b'))", [(4, 2)]),
    (f"SELECT kind, count(*) AS n FROM {ITEMS} GROUP BY kind HAVING n > 1", [("a", 2)]),
    (f"SELECT id AS x, x + 1 AS y FROM {ITEMS} WHERE id = 1", [(1, 2)]),
    (f"SELECT kind, sum(id) AS s FROM {ITEMS} GROUP BY ROLLUP (kind) ORDER BY kind", [(None, 6), ("a", 4), ("b", 2)]),
    (f"SELECT kind, sum(id) AS s FROM {ITEMS} GROUP BY kind WITH ROLLUP ORDER BY kind", [(None, 6), ("a", 4), ("b", 2)]),
    (f"SELECT DISTINCT kind FROM {ITEMS} ORDER BY 1", [("a",), ("b",)]),
    (f"SELECT id FROM {ITEMS} WHERE kind IN (SELECT kind FROM shop.sales.kinds WHERE zone = 2)", [(2,)]),
    (f"SELECT k.label, count(i.id) AS n FROM shop.sales.kinds k LEFT JOIN {ITEMS} i USING (kind) GROUP BY 1 ORDER BY 1",
     [("Alpha", 2), ("Beta", 1)]),
    (f"SELECT id FROM {ITEMS} LEFT ANTI JOIN shop.sales.zones z ON items.id = z.zone", [(3,)]),
    (f"SELECT id FROM {ITEMS} LEFT SEMI JOIN shop.sales.zones z ON items.id = z.zone ORDER BY id", [(1,), (2,)]),
    (f"WITH c AS (SELECT kind, id FROM {ITEMS}) SELECT a.id FROM c a JOIN c b ON a.id = b.id + 1 ORDER BY 1", [(2,), (3,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r", [(1,), (2,), (3,)]),
    (f"SELECT id, lag(id, 1, 0) OVER (ORDER BY id) AS l FROM {ITEMS} ORDER BY id", [(1, 0), (2, 1), (3, 2)]),
    (f"SELECT id, last_value(weight) IGNORE NULLS OVER (ORDER BY id) AS w FROM {ITEMS} ORDER BY id",
     [(1, 1.5), (2, -2.5), (3, -2.5)]),
    (f"SELECT id, sum(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM {ITEMS} ORDER BY id",
     [(1, 1), (2, 3), (3, 5)]),
    (f"SELECT kind, collect_list(id) OVER (PARTITION BY kind ORDER BY id) AS l FROM {ITEMS} ORDER BY id",
     [("a", [1]), ("b", [2]), ("a", [1, 3])]),
    (f"SELECT count(DISTINCT kind, price) AS n FROM {ITEMS}", [(2,)]),
    ("SELECT * FROM VALUES (1, 'a'), (2, 'b')", [(1, "a"), (2, "b")]),
    ("SELECT col2 FROM VALUES (1, 'a')", [("a",)]),
    ("VALUES (1, 2)", [(1, 2)]),
    (f"FROM {ITEMS} |> WHERE id > 1 |> SELECT id |> ORDER BY id", [(2,), (3,)]),
    ("SELECT ITEMS.ID, `Items`.`KIND` FROM SHOP.Sales.ITEMS WHERE iD = 1", [(1, "a")]),
    (f"SELECT shop.sales.items.id FROM {ITEMS} WHERE shop.sales.items.id = 2", [(2,)]),
    (f"SELECT window.start FROM (SELECT window(seen, '1 day') AS window FROM {ITEMS} WHERE id = 1)", [(datetime(2024, 1, 31),)]),
    (f"SELECT count(*) AS n FROM {ITEMS} WHERE seen IS NOT NULL GROUP BY window(seen, '1 day')", [(1,), (1,)]),
    (f"SELECT id FROM {ITEMS} WHERE sold BETWEEN '2024-02-01' AND '2024-12-31'", [(2,)]),
    ("SELECT id FROM IDENTIFIER('shop.sales.items') WHERE id = 1", [(1,)]),
    (f"SELECT max_by(kind, id), min_by(kind, id) FROM {ITEMS}", [("a", "a")]),
    ("SELECT 1 AS a UNION ALL SELECT 2 EXCEPT SELECT 1", [(2,)]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), QUERIES, ids=[sql for sql, _ in QUERIES])
def test_query_has_the_warehouse_rows(engine, sql, expected):
    assert list(engine.execute(sql).rows) == expected


def test_double_division_by_zero_fails_and_stays_lazy(engine):
    from mlflow_genie_plugin.errors import SqlFailedError

    with pytest.raises(SqlFailedError, match=r"\[DIVIDE_BY_ZERO\]"):
        engine.execute("SELECT 1.5D / 0")
    assert engine.execute("SELECT CASE WHEN id = 0 THEN 1 / 0 ELSE id END FROM shop.sales.items WHERE id = 1").rows == (
        (1,),
    )


def test_types_are_named_as_in_a_result_manifest(engine):
    result = engine.execute(
        "SELECT id, kind, price, weight, sold, seen, tags, true AS b, count(*) OVER () AS n, sum(id) OVER () AS s,"
        " CAST(1 AS SMALLINT) AS h, map('a', 1) AS m, named_struct('f', 1) AS t FROM shop.sales.items"
    )
    assert [(column.name, column.type_name, column.type_text) for column in result.columns] == [
        ("id", "INT", "INT"),
        ("kind", "STRING", "STRING"),
        ("price", "DECIMAL", "DECIMAL(10,2)"),
        ("weight", "DOUBLE", "DOUBLE"),
        ("sold", "DATE", "DATE"),
        ("seen", "TIMESTAMP", "TIMESTAMP"),
        ("tags", "ARRAY", "ARRAY<STRING>"),
        ("b", "BOOLEAN", "BOOLEAN"),
        ("n", "LONG", "BIGINT"),
        ("s", "LONG", "BIGINT"),
        ("h", "SHORT", "SMALLINT"),
        ("m", "MAP", "MAP<STRING, INT>"),
        ("t", "STRUCT", "STRUCT<f: INT>"),
    ]


def test_unnamed_columns_get_the_warehouse_names(engine):
    result = engine.execute("SELECT count(*), sum(id), max(kind) AS m, 1 FROM shop.sales.items")
    assert [column.name for column in result.columns] == ["count(1)", "sum(id)", "m", "1"]


def test_empty_text_stands_in_the_name_of_an_unnamed_column_as_nothing(engine):
    result = engine.execute("SELECT coalesce(NULL, ''), replace('a-b', '-', ''), '' = 'x', ''")
    assert result.rows == (("", "ab", False, ""),)
    assert [column.name for column in result.columns[:2]] == ["coalesce(NULL, )", "replace(a-b, -, )"]


def test_current_date_is_the_utc_date_without_and_with_parentheses(engine):
    first, second = engine.execute("SELECT current_date, current_date()").rows[0]
    assert first == second
    assert engine.execute("SELECT current_timestamp() >= current_date").rows == ((True,),)
