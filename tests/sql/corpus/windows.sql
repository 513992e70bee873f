-- ranking
SELECT x, row_number() OVER (ORDER BY x, y) AS a, rank() OVER (ORDER BY x) AS b, dense_rank() OVER (ORDER BY
    x) AS c FROM VALUES (1, 1), (1, 2), (2, 3) AS t(x, y) ORDER BY x, y;

-- ranking_fractions
SELECT x, percent_rank() OVER (ORDER BY x) AS a, cume_dist() OVER (ORDER BY x) AS b, ntile(2) OVER (ORDER BY
    x) AS c FROM VALUES (1), (2), (3) AS t(x) ORDER BY x;

-- lag_lead
SELECT x, lag(x) OVER (ORDER BY x) AS a, lead(x, 2, -1) OVER (ORDER BY x) AS b FROM VALUES (1), (2), (3) AS
    t(x) ORDER BY x;

-- running_total
SELECT n_nationkey, sum(n_regionkey) OVER (ORDER BY n_nationkey) AS s FROM samples.tpch.nation ORDER BY
    n_nationkey LIMIT 5;

-- range_peers
SELECT x, sum(x) OVER (ORDER BY x) AS a, sum(x) OVER (ORDER BY x ROWS UNBOUNDED PRECEDING) AS b FROM VALUES
    (1), (1), (2) AS t(x) ORDER BY x, b;

-- moving_average
SELECT x, avg(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS a FROM VALUES (1), (2), (6)
    AS t(x) ORDER BY x;

-- range_interval
SELECT d, sum(x) OVER (ORDER BY d RANGE BETWEEN INTERVAL 1 DAY PRECEDING AND CURRENT ROW) AS s FROM VALUES
    (DATE'2024-01-01', 1), (DATE'2024-01-02', 2), (DATE'2024-01-04', 4) AS t(d, x) ORDER BY d;

-- first_last_value
SELECT x, first_value(x) OVER (PARTITION BY x % 2 ORDER BY x) AS a, last_value(x) OVER (PARTITION BY x % 2
    ORDER BY x) AS b FROM VALUES (1), (2), (3) AS t(x) ORDER BY x;

-- ignore_nulls
SELECT i, last_value(x) IGNORE NULLS OVER (ORDER BY i) AS a, first_value(x, true) OVER (ORDER BY i ROWS
    BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS b FROM VALUES (1, NULL), (2, 5), (3, NULL) AS t(i,
    x) ORDER BY i;

-- nulls_order
SELECT x, row_number() OVER (ORDER BY x) AS a, row_number() OVER (ORDER BY x DESC) AS b FROM VALUES (1),
    (NULL), (2) AS t(x) ORDER BY a;

-- named_window
SELECT x, sum(x) OVER w AS a FROM VALUES (1), (2) AS t(x) WINDOW w AS (ORDER BY x) ORDER BY x;

-- qualify
SELECT n_regionkey, n_name FROM samples.tpch.nation QUALIFY row_number() OVER (PARTITION BY n_regionkey
    ORDER BY n_name) = 1 ORDER BY n_regionkey;

-- qualify_aggregate
SELECT o_orderpriority, count(*) AS n FROM samples.tpch.orders GROUP BY o_orderpriority QUALIFY rank() OVER
    (ORDER BY n DESC) <= 2 ORDER BY n DESC;

-- qualify_alias
SELECT n_name, rank() OVER (ORDER BY n_name) AS r FROM samples.tpch.nation QUALIFY r <= 2 ORDER BY r;

-- top_n_each
SELECT * FROM (SELECT c_nationkey, c_custkey, rank() OVER (PARTITION BY c_nationkey ORDER BY c_acctbal DESC)
    AS r FROM samples.tpch.customer) WHERE r = 1 AND c_nationkey < 3 ORDER BY 1, 2;

-- share_of_group
SELECT n_regionkey, count(*) AS n, count(*) / sum(count(*)) OVER () AS share FROM samples.tpch.nation GROUP
    BY n_regionkey ORDER BY 1;

-- year_over_year
SELECT y, s, s - lag(s) OVER (ORDER BY y) AS change, round((s / lag(s) OVER (ORDER BY y) - 1) * 100, 2) AS
    pct FROM (SELECT year(o_orderdate) AS y, sum(o_totalprice) AS s FROM samples.tpch.orders GROUP BY 1) ORDER
    BY y;

-- window_decimal_avg
SELECT o_orderkey, avg(o_totalprice) OVER (ORDER BY o_orderkey ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS
    a FROM samples.tpch.orders ORDER BY o_orderkey LIMIT 4;

-- collect_over
SELECT x, collect_list(x) OVER (ORDER BY x) AS a FROM VALUES (1), (2) AS t(x) ORDER BY x;

-- nth_value
SELECT x, nth_value(x, 2) OVER (ORDER BY x ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS a
    FROM VALUES (3), (1) AS t(x) ORDER BY x;

-- count_over_filter
SELECT x, count(*) FILTER (WHERE x > 1) OVER () AS a FROM VALUES (1), (2), (3) AS t(x) ORDER BY x;
