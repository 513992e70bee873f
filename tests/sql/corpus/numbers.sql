-- divide_integers
SELECT 7 / 2 AS a, 1 / 3 AS b, 6 / 3 AS c;

-- divide_decimals
SELECT CAST(10 AS DECIMAL(10, 2)) / 3 AS a, 1.00 / 3.0 AS b, 1 / 2.5 AS c;

-- divide_decimal_columns
SELECT sum(l_extendedprice) / sum(l_quantity) AS a, sum(l_extendedprice * l_discount) / sum(l_extendedprice)
    AS b FROM samples.tpch.lineitem;

-- divide_by_zero
SELECT 1 / 0 AS a;

-- divide_by_zero_column
SELECT x / y AS a FROM VALUES (1, 0) AS t(x, y);

-- divide_by_null
SELECT 1 / NULL AS a, NULL / 0 AS b;

-- div_operator
SELECT 7 DIV 2 AS a, -7 DIV 2 AS b, 7.5 DIV 2 AS c;

-- modulo
SELECT 7 % 3 AS a, -7 % 3 AS b, mod(7.5, 2) AS c, pmod(-7, 3) AS d;

-- decimal_add
SELECT 1.5 + 2.25 AS a, CAST(1 AS DECIMAL(10, 2)) + CAST(2 AS DECIMAL(12, 4)) AS b, 1.5 + 1 AS c;

-- decimal_multiply
SELECT 1.5 * 2.25 AS a, CAST(3 AS DECIMAL(15, 2)) * CAST(2 AS DECIMAL(15, 2)) AS b, 2 * 1.10 AS c;

-- decimal_subtract
SELECT 1 - 0.04 AS a, 5.00 - 2 AS b;

-- decimal_long_multiply
SELECT CAST(1.5 AS DECIMAL(38, 10)) * CAST(2 AS DECIMAL(38, 10)) AS a;

-- decimal_modulo
SELECT 5.5 % 2 AS a, CAST(7 AS DECIMAL(5, 1)) % 2.25 AS b;

-- decimal_literal_types
SELECT 1.0 AS a, 10.50 AS b, 1e3 AS c, 5L AS d, 1.5BD AS e, 2.5D AS f, 3S AS g, 4Y AS h, 1.5F AS i;

-- decimal_negate
SELECT -1.50 AS a, abs(-2.25) AS b, sign(-3.5) AS c;

-- decimal_compare
SELECT 1.10 = 1.1 AS a, 0.1 + 0.2 = 0.3 AS b, 0.1D + 0.2D = 0.3D AS c;

-- decimal_and_double
SELECT 1.5 + 1D AS a, CAST(2 AS DECIMAL(10, 2)) * 1.1D AS b;

-- decimal_case
SELECT CASE WHEN true THEN 1.5 ELSE 2 END AS a, coalesce(NULL, 1.25, 3) AS b, greatest(1, 2.5) AS c,
    if(false, 1, 2.0) AS d;

-- integer_literal_types
SELECT 1 AS a, 3000000000 AS b, CAST(1 AS TINYINT) + CAST(1 AS SMALLINT) AS c, 1 + 1L AS d;

-- integer_overflow
SELECT 2147483647 + 1 AS a;

-- bigint_overflow
SELECT 9223372036854775807 + 1 AS a;

-- try_arithmetic
SELECT try_add(2147483647, 1) AS a, try_divide(1, 0) AS b, try_multiply(1000000, 1000000) AS c,
    try_subtract(1, 3) AS d;

-- try_divide_types
SELECT try_divide(7, 2) AS a, try_divide(CAST(1 AS DECIMAL(10, 2)), 3) AS b;

-- round_types
SELECT round(2.5) AS a, round(-2.5) AS b, round(1.2345, 2) AS c, round(1234, -2) AS d, round(2.5D) AS e;

-- round_half_even
SELECT bround(2.5) AS a, bround(3.5) AS b, bround(1.25, 1) AS c;

-- round_decimal_column
SELECT round(sum(l_extendedprice * (1 - l_discount)), 2) AS a, round(avg(l_quantity), 1) AS b FROM
    samples.tpch.lineitem;

-- ceil_floor
SELECT ceil(1.2) AS a, floor(-1.2) AS b, ceil(1.2D) AS c, ceil(1.234, 2) AS d, floor(7) AS e;

-- sqrt_pow
SELECT sqrt(2) AS a, pow(2, 10) AS b, exp(1) AS c, cbrt(27) AS d;

-- logs
SELECT ln(10) AS a, log(2, 8) AS b, log10(1000) AS c, log2(8) AS d, ln(0) AS e;

-- trigonometry
SELECT round(sin(1), 12) AS a, round(atan2(1, 2), 12) AS b, degrees(pi()) AS c, round(radians(180), 12) AS d;

-- greatest_least
SELECT greatest(1, NULL, 3) AS a, least('b', 'a') AS b;

-- width_bucket
SELECT width_bucket(5.3, 0.2, 10.6, 5) AS a;

-- bits
SELECT 5 & 3 AS a, 5 | 3 AS b, 5 ^ 3 AS c, ~5 AS d, shiftleft(1, 4) AS e, shiftright(-8, 1) AS f,
    bit_count(7) AS g;

-- factorial
SELECT factorial(5) AS a, hypot(3, 4) AS b;

-- nan_semantics
SELECT CAST('NaN' AS DOUBLE) = CAST('NaN' AS DOUBLE) AS a, CAST('NaN' AS DOUBLE) > 1e300 AS b,
    nanvl(CAST('NaN' AS DOUBLE), 5D) AS c;

-- infinity
SELECT CAST('Infinity' AS DOUBLE) AS a, -CAST('inf' AS DOUBLE) AS b;

-- cast_text_number
SELECT CAST(' 12 ' AS INT) AS a, CAST('1.5' AS DECIMAL(5, 1)) AS b, CAST('1e2' AS DOUBLE) AS c;

-- cast_fraction_text
SELECT CAST('12.7' AS INT) AS a;

-- cast_double_int
SELECT CAST(2.7D AS INT) AS a, CAST(-2.7 AS INT) AS b, CAST(2.5 AS BIGINT) AS c;

-- cast_overflow
SELECT CAST(300 AS TINYINT) AS a;

-- cast_invalid
SELECT CAST('abc' AS INT) AS a;

-- try_cast_forms
SELECT try_cast('abc' AS INT) AS a, try_cast('2024-13-01' AS DATE) AS b, try_cast('1.5' AS INT) AS c,
    try_cast(300 AS TINYINT) AS d;

-- cast_decimal_rounds
SELECT CAST(1.255 AS DECIMAL(5, 2)) AS a, CAST(2.5 AS DECIMAL(10, 0)) AS b, CAST(1.005D AS DECIMAL(5, 2)) AS
    c;

-- cast_boolean
SELECT CAST('yes' AS BOOLEAN) AS a, CAST(1 AS BOOLEAN) AS b, CAST(true AS INT) AS c, CAST('f' AS BOOLEAN) AS
    d;

-- cast_to_string
SELECT CAST(1.50 AS STRING) AS a, CAST(1D AS STRING) AS b, CAST(DATE'2024-02-29' AS STRING) AS c,
    CAST(TIMESTAMP'2024-02-29 10:00:00' AS STRING) AS d, CAST(true AS STRING) AS e;

-- cast_double_to_string
SELECT CAST(1e20 AS STRING) AS a, CAST(0.00001D AS STRING) AS b, CAST(123456789.125D AS STRING) AS c;

-- cast_collections_to_string
-- differs (value): The text of arrays, maps and structs is DuckDB's.
SELECT CAST(array(1, NULL, 3) AS STRING) AS a, CAST(map('k', 1) AS STRING) AS b, CAST(struct(1 AS x, 'y' AS
    z) AS STRING) AS c;

-- double_colon
SELECT '5'::INT AS a, 1.9::INT AS b, '2024-02-29'::DATE AS c;

-- typeof
SELECT typeof(1) AS a, typeof(1.50) AS b, typeof(array(1)) AS c, typeof(struct(1 AS x)) AS d, typeof('s') AS
    e, typeof(DATE'2024-01-01') AS f;

-- rand_range
SELECT rand() BETWEEN 0 AND 1 AS a, randn() IS NOT NULL AS b;

-- sum_types
SELECT sum(l_quantity) AS a, sum(l_linenumber) AS b, sum(l_orderkey) AS c, sum(CAST(l_tax AS DOUBLE)) AS d
    FROM samples.tpch.lineitem WHERE l_orderkey < 100;

-- avg_types
SELECT avg(l_quantity) AS a, avg(l_linenumber) AS b, avg(CAST(l_tax AS DOUBLE)) AS c FROM
    samples.tpch.lineitem WHERE l_orderkey < 100;

-- revenue
SELECT sum(l_extendedprice * (1 - l_discount)) AS revenue, sum(l_extendedprice * (1 - l_discount) * (1 +
    l_tax)) AS charge FROM samples.tpch.lineitem;

-- percent_of_total
SELECT l_shipmode, round(100 * count(*) / sum(count(*)) OVER (), 2) AS share FROM samples.tpch.lineitem
    GROUP BY l_shipmode ORDER BY l_shipmode;

-- ratio_of_counts
SELECT count_if(l_returnflag = 'R') / count(*) AS a, count_if(l_returnflag = 'R') * 100.0 / count(*) AS b
    FROM samples.tpch.lineitem;

-- decimal_times_integer
SELECT ps_supplycost * ps_availqty AS a FROM samples.tpch.partsupp ORDER BY ps_partkey, ps_suppkey LIMIT 3;

-- range_decimal
SELECT max(o_totalprice) - min(o_totalprice) AS a, max(o_totalprice) / 1000 AS b FROM samples.tpch.orders;
