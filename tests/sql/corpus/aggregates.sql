-- count_forms
SELECT count(*) AS a, count(x) AS b, count(DISTINCT x) AS c, count(x, y) AS d FROM VALUES (1, 1), (1, NULL),
    (NULL, 2) AS t(x, y);

-- count_distinct_many
SELECT count(DISTINCT x, y) AS a FROM VALUES (1, 1), (1, 1), (1, NULL), (2, 1) AS t(x, y);

-- empty_aggregates
SELECT count(*) AS a, sum(x) AS b, max(x) AS c, collect_list(x) AS d FROM VALUES (1) AS t(x) WHERE x > 1;

-- nulls_in_aggregates
SELECT sum(x) AS a, avg(x) AS b, min(x) AS c FROM VALUES (1), (NULL), (3) AS t(x);

-- filter_clause
SELECT sum(x) FILTER (WHERE x > 1) AS a, count(*) FILTER (WHERE x = 9) AS b FROM VALUES (1), (2), (3) AS t(x);

-- group_by_all
SELECT l_returnflag, l_linestatus, sum(l_quantity) AS q, count(*) AS n FROM samples.tpch.lineitem GROUP BY
    ALL ORDER BY ALL;

-- group_by_position
SELECT n_regionkey AS r, count(*) AS n FROM samples.tpch.nation GROUP BY 1 ORDER BY 1;

-- group_by_alias
SELECT upper(n_name) AS u, count(*) AS n FROM samples.tpch.nation WHERE n_nationkey < 3 GROUP BY u ORDER BY u;

-- having
SELECT o_orderpriority, count(*) AS n FROM samples.tpch.orders GROUP BY o_orderpriority HAVING n > 300 ORDER
    BY 1;

-- having_without_group
SELECT count(*) AS n FROM samples.tpch.region HAVING count(*) > 3;

-- rollup
SELECT n_regionkey, n_name, count(*) AS n FROM samples.tpch.nation WHERE n_nationkey < 4 GROUP BY ROLLUP
    (n_regionkey, n_name) ORDER BY 1, 2;

-- with_rollup
SELECT n_regionkey AS r, count(*) AS n FROM samples.tpch.nation GROUP BY n_regionkey WITH ROLLUP ORDER BY r;

-- cube
SELECT a, b, sum(x) AS s FROM VALUES ('x', 'p', 1), ('y', 'p', 2) AS t(a, b, x) GROUP BY CUBE (a, b) ORDER BY
    a, b;

-- grouping_sets
SELECT a, b, sum(x) AS s, grouping(a) AS ga, grouping_id(a, b) AS gid FROM VALUES ('x', 'p', 1), ('y', 'q',
    2) AS t(a, b, x) GROUP BY GROUPING SETS ((a), (b), ()) ORDER BY gid, a, b;

-- grouping_id_empty
SELECT a, sum(x) AS s, grouping_id() AS g FROM VALUES ('x', 1), ('y', 2) AS t(a, x) GROUP BY ROLLUP (a) ORDER
    BY g, a;

-- statistics
SELECT stddev(x) AS a, stddev_pop(x) AS b, variance(x) AS c, var_pop(x) AS d, corr(x, y) AS e, covar_samp(x,
    y) AS f FROM VALUES (1, 2D), (2, 4.5D), (4, 7D) AS t(x, y);

-- stddev_single
SELECT stddev(x) AS a, var_pop(x) AS b, skewness(x) AS c, kurtosis(x) AS d FROM VALUES (5) AS t(x);

-- shape
SELECT skewness(x) AS a, kurtosis(x) AS b FROM VALUES (1), (2), (2), (9) AS t(x);

-- median_mode
SELECT median(x) AS a, mode(y) AS b FROM VALUES (1, 'a'), (2, 'a'), (4, 'b') AS t(x, y);

-- percentile_exact
SELECT percentile(x, 0.25) AS a, percentile(x, array(0.5, 0.9)) AS b FROM VALUES (1), (2), (3), (10) AS t(x);

-- percentile_within_group
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) AS a, percentile_disc(0.5) WITHIN GROUP (ORDER BY x)
    AS b FROM VALUES (1), (2), (3), (10) AS t(x);

-- percentile_descending
SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY x DESC) AS a FROM VALUES (1), (2), (3), (10) AS t(x);

-- percentile_approx
SELECT percentile_approx(x, 0.5) AS a, approx_percentile(x, array(0.25, 0.75), 100) AS b FROM VALUES (1),
    (2), (3), (10) AS t(x);

-- percentile_of_decimals
SELECT percentile(o_totalprice, 0.5) AS a, median(o_totalprice) AS b, percentile_approx(o_totalprice, 0.5)
    AS c FROM samples.tpch.orders;

-- approx_count_small
SELECT approx_count_distinct(x) AS a FROM VALUES (1), (2), (2) AS t(x);

-- max_by
SELECT max_by(n_name, n_nationkey) AS a, min_by(n_name, n_nationkey) AS b FROM samples.tpch.nation;

-- first_last_ignore
SELECT first(x, true) AS a, first(x) AS b, any_value(y) AS c FROM VALUES (NULL, 1) AS t(x, y);

-- booleans
SELECT bool_and(x > 0) AS a, every(x > 1) AS b, bool_or(x > 2) AS c, some(x > 5) AS d, count_if(x > 1) AS e
    FROM VALUES (1), (2), (3) AS t(x);

-- bit_aggregates
SELECT bit_and(x) AS a, bit_or(x) AS b, bit_xor(x) AS c FROM VALUES (3), (5) AS t(x);

-- collect_sorted
SELECT sort_array(collect_list(x)) AS a, sort_array(collect_set(x)) AS b FROM VALUES (2), (1), (2), (NULL)
    AS t(x);

-- collect_in_order
SELECT collect_list(n) AS a FROM (SELECT n_name AS n FROM samples.tpch.nation WHERE n_regionkey = 3 ORDER BY
    n_name);

-- array_agg
SELECT k, array_agg(v) AS a FROM VALUES ('a', 1), ('a', 2), ('b', 3) AS t(k, v) GROUP BY k ORDER BY k;

-- collect_structs
SELECT k, sort_array(collect_list(struct(v, w))) AS a FROM VALUES ('a', 2, 'x'), ('a', 1, 'y') AS t(k, v, w)
    GROUP BY k;

-- histogram
-- differs (refused): `histogram_numeric` is not there.
SELECT histogram_numeric(x, 3) AS a FROM VALUES (1), (2), (10) AS t(x);

-- regression
SELECT regr_slope(y, x) AS a, regr_intercept(y, x) AS b, regr_r2(y, x) AS c, regr_count(y, x) AS d FROM
    VALUES (1D, 2D), (2D, 4.5D), (4D, 7D) AS t(x, y);

-- regression_more
SELECT regr_avgx(y, x) AS a, regr_avgy(y, x) AS b, regr_sxx(y, x) AS c FROM VALUES (1D, 2D), (2D, 4.5D),
    (4D, 7D) AS t(x, y);

-- try_sum
SELECT try_sum(x) AS a, try_avg(x) AS b FROM VALUES (1), (2) AS t(x);

-- sum_distinct
SELECT sum(DISTINCT x) AS a, avg(DISTINCT x) AS b FROM VALUES (1), (1), (3) AS t(x);

-- missing_group_by
-- differs (error): The condition is MISSING_AGGREGATION; the query is refused all the same.
SELECT n_regionkey, count(*) AS n FROM samples.tpch.nation;

-- nested_aggregate
SELECT sum(count(*)) AS a FROM samples.tpch.nation;

-- aggregate_of_case
SELECT sum(CASE WHEN o_orderstatus = 'F' THEN 1 ELSE 0 END) AS f, sum(CASE WHEN o_orderstatus = 'F' THEN
    o_totalprice END) AS p FROM samples.tpch.orders;

-- tpch_q1
SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty, avg(l_extendedprice) AS avg_price,
    avg(l_discount) AS avg_disc, count(*) AS n FROM samples.tpch.lineitem WHERE l_shipdate <=
    DATE'1998-09-02' GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus;

-- tpch_q5
SELECT n_name, sum(l_extendedprice * (1 - l_discount)) AS revenue FROM samples.tpch.customer,
    samples.tpch.orders, samples.tpch.lineitem, samples.tpch.supplier, samples.tpch.nation WHERE c_custkey =
    o_custkey AND l_orderkey = o_orderkey AND l_suppkey = s_suppkey AND s_nationkey = n_nationkey AND
    o_orderdate < '1995-01-01' GROUP BY n_name ORDER BY revenue DESC, n_name;

-- tpch_q14
SELECT 100.00 * sum(CASE WHEN p_type LIKE 'PROMO%' THEN l_extendedprice * (1 - l_discount) ELSE 0 END) /
    sum(l_extendedprice * (1 - l_discount)) AS promo FROM samples.tpch.lineitem JOIN samples.tpch.part ON
    l_partkey = p_partkey;
