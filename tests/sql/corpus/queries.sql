-- inner_join
SELECT n_name, r_name FROM samples.tpch.nation JOIN samples.tpch.region ON n_regionkey = r_regionkey WHERE
    n_nationkey < 3 ORDER BY 1;

-- using_join
SELECT k, x, y FROM VALUES (1, 'a'), (2, 'b') AS l(k, x) JOIN VALUES (2, 'c') AS r(k, y) USING (k);

-- natural_join
SELECT * FROM VALUES (1, 'a') AS l(k, x) NATURAL JOIN VALUES (1, 'c') AS r(k, y);

-- full_join
SELECT l.k AS a, r.k AS b FROM VALUES (1), (2) AS l(k) FULL OUTER JOIN VALUES (2), (3) AS r(k) ON l.k = r.k
    ORDER BY a NULLS LAST;

-- left_semi_anti
SELECT c_custkey FROM samples.tpch.customer LEFT ANTI JOIN samples.tpch.orders ON c_custkey = o_custkey
    ORDER BY 1 LIMIT 3;

-- semi_join
SELECT count(*) AS n FROM samples.tpch.customer LEFT SEMI JOIN samples.tpch.orders ON c_custkey = o_custkey;

-- cross_join
SELECT count(*) AS n FROM samples.tpch.region CROSS JOIN samples.tpch.region AS b;

-- null_safe_join
SELECT count(*) AS n FROM VALUES (1), (NULL) AS l(x) JOIN VALUES (1), (NULL) AS r(x) ON l.x <=> r.x;

-- null_semantics
SELECT NULL = NULL AS a, NULL <=> NULL AS b, 1 IN (2, NULL) AS c, 1 NOT IN (2, NULL) AS d, NULL AND false AS
    e, NULL OR true AS f;

-- not_in_null
SELECT count(*) AS n FROM VALUES (1), (2) AS t(x) WHERE x NOT IN (SELECT y FROM VALUES (1), (NULL) AS s(y));

-- is_distinct
SELECT 1 IS DISTINCT FROM NULL AS a, NULL IS NOT DISTINCT FROM NULL AS b;

-- null_functions
SELECT nvl(NULL, 1) AS a, nvl2(NULL, 1, 2) AS b, nullif(1, 1) AS c, ifnull(NULL, 'x') AS d, coalesce(NULL,
    NULL, 3) AS e, zeroifnull(NULL) AS f, nullifzero(0) AS g;

-- null_type
SELECT NULL AS a;

-- order_nulls
SELECT x FROM VALUES (2), (NULL), (1) AS t(x) ORDER BY x;

-- order_nulls_desc
SELECT x FROM VALUES (2), (NULL), (1) AS t(x) ORDER BY x DESC;

-- order_nulls_last
SELECT x FROM VALUES (2), (NULL), (1) AS t(x) ORDER BY x ASC NULLS LAST;

-- union_types
-- differs (type): A BIGINT beside a decimal counts 19 digits, on Databricks 20.
SELECT 1 AS x UNION ALL SELECT 2.5 UNION ALL SELECT 3L ORDER BY x;

-- union_distinct
SELECT x FROM VALUES (1), (1), (NULL) AS t(x) UNION SELECT NULL ORDER BY x;

-- except_all
SELECT x FROM VALUES (1), (1), (2) AS t(x) EXCEPT ALL SELECT 1 ORDER BY x;

-- minus
SELECT x FROM VALUES (1), (2) AS t(x) MINUS SELECT 2;

-- intersect
SELECT x FROM VALUES (1), (1), (2) AS t(x) INTERSECT SELECT y FROM VALUES (1), (3) AS s(y);

-- intersect_all
SELECT x FROM VALUES (1), (1), (2) AS t(x) INTERSECT ALL SELECT y FROM VALUES (1), (1) AS s(y);

-- union_by_order_limit
(SELECT 1 AS x) UNION ALL (SELECT 2) ORDER BY x DESC LIMIT 1;

-- set_operations_width
SELECT 1, 2 UNION SELECT 1;

-- exists_subquery
SELECT count(*) AS n FROM samples.tpch.orders WHERE EXISTS (SELECT 1 FROM samples.tpch.lineitem WHERE
    l_orderkey = o_orderkey AND l_commitdate < l_receiptdate);

-- scalar_subquery
SELECT r_name, (SELECT count(*) FROM samples.tpch.nation WHERE n_regionkey = r_regionkey) AS n FROM
    samples.tpch.region ORDER BY 1;

-- scalar_subquery_rows
SELECT (SELECT n_name FROM samples.tpch.nation) AS a;

-- correlated_max
SELECT c_nationkey, c_custkey FROM samples.tpch.customer c WHERE c_acctbal = (SELECT max(c_acctbal) FROM
    samples.tpch.customer d WHERE d.c_nationkey = c.c_nationkey) AND c_nationkey < 4 ORDER BY 1, 2;

-- in_tuple
SELECT (1, 'a') IN ((1, 'a'), (2, 'b')) AS a;

-- cte
WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM a JOIN b ON x < y;

-- cte_columns
WITH t(a, b) AS (SELECT 1, 2) SELECT b, a FROM t;

-- recursive_cte
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 4) SELECT n FROM t ORDER BY n;

-- values_columns
SELECT col1, col2 FROM VALUES (1, 'a'), (2, 'b') ORDER BY col1;

-- values_statement
VALUES (1, 'a'), (2, 'b');

-- pivot
SELECT * FROM (SELECT n_regionkey AS r, n_nationkey % 2 AS odd FROM samples.tpch.nation) PIVOT (count(*) FOR
    odd IN (0 AS even_n, 1 AS odd_n)) ORDER BY r;

-- pivot_many
SELECT * FROM VALUES ('a', 1, 10), ('a', 2, 20), ('b', 1, 5) AS t(k, q, v) PIVOT (sum(v) AS s, max(v) AS m
    FOR q IN (1, 2)) ORDER BY k;

-- unpivot
SELECT * FROM VALUES ('a', 1, 2), ('b', 3, NULL) AS t(k, q1, q2) UNPIVOT (v FOR q IN (q1, q2)) ORDER BY k, q;

-- unpivot_nulls
-- differs (error): UNPIVOT INCLUDE NULLS is not parsed.
SELECT * FROM VALUES ('b', 3, NULL) AS t(k, q1, q2) UNPIVOT INCLUDE NULLS (v FOR q IN (q1 AS `first`, q2 AS
    `second`)) ORDER BY q;

-- lateral_view
SELECT id, e FROM VALUES (1, array('a', 'b')), (2, array()) AS t(id, xs) LATERAL VIEW explode(xs) v AS e
    ORDER BY id, e;

-- lateral_view_outer
SELECT id, e FROM VALUES (1, array('a')), (2, NULL) AS t(id, xs) LATERAL VIEW OUTER explode(xs) v AS e ORDER
    BY id;

-- lateral_view_pos
SELECT p, e FROM VALUES (array('x', 'y')) AS t(xs) LATERAL VIEW posexplode(xs) v AS p, e ORDER BY p;

-- lateral_view_map
SELECT k, v FROM VALUES (map('a', 1, 'b', 2)) AS t(m) LATERAL VIEW explode(m) x AS k, v ORDER BY k;

-- lateral_subquery
SELECT t.x, s.y FROM VALUES (1), (2) AS t(x), LATERAL (SELECT t.x * 10 AS y) AS s ORDER BY 1;

-- lateral_generator
SELECT t.x, e FROM VALUES (1, array(5, 6)) AS t(x, xs), LATERAL explode(xs) AS s(e) ORDER BY e;

-- lateral_alias
SELECT 2 AS a, a * 3 AS b, b + 1 AS c;

-- generator_in_from
SELECT * FROM explode(array(3, 4)) AS t(x) ORDER BY x;

-- stack
SELECT stack(2, 'a', 1, 'b', 2) AS (k, v);

-- stack_from
SELECT k, v FROM VALUES (10, 20) AS t(p, q) LATERAL VIEW stack(2, 'p', p, 'q', q) s AS k, v ORDER BY k;

-- inline
SELECT inline(array(struct(1 AS a, 'x' AS b), struct(2 AS a, 'y' AS b)));

-- inline_view
SELECT a, b FROM VALUES (array(struct(1, 'x'), struct(2, 'y'))) AS t(xs) LATERAL VIEW inline(xs) v AS a, b
    ORDER BY a;

-- range_table
SELECT id FROM range(3) ORDER BY id;

-- range_step
SELECT id * 2 AS x FROM range(2, 10, 3) ORDER BY x;

-- select_except
SELECT * EXCEPT (n_comment) FROM samples.tpch.nation WHERE n_nationkey = 0;

-- distinct
SELECT DISTINCT o_orderstatus FROM samples.tpch.orders ORDER BY 1;

-- limit_offset
SELECT n_name FROM samples.tpch.nation ORDER BY n_name LIMIT 2 OFFSET 3;

-- limit_expression
SELECT n_name FROM samples.tpch.nation ORDER BY n_name LIMIT 1 + 1;

-- order_by_expression
SELECT n_name FROM samples.tpch.nation ORDER BY length(n_name) DESC, n_name LIMIT 3;

-- sort_by
SELECT x FROM VALUES (2), (1) AS t(x) SORT BY x;

-- tablesample_all
SELECT count(*) AS n FROM samples.tpch.region TABLESAMPLE (100 PERCENT);

-- case_simple
SELECT CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END AS a, CASE WHEN 1 > 2 THEN 1 END AS b;

-- if_iif
SELECT if(1 > 2, 'a', 'b') AS a, if(NULL, 1, 0) AS b;

-- between_symmetric
SELECT 2 BETWEEN 1 AND 3 AS a, 2 BETWEEN 3 AND 1 AS b;

-- unknown_column
SELECT nope FROM samples.tpch.nation;

-- unknown_table
SELECT * FROM samples.tpch.nope;

-- ambiguous_column
SELECT x FROM VALUES (1) AS a(x), VALUES (2) AS b(x);

-- unknown_function
SELECT no_such_function(1);

-- pipe_syntax
FROM samples.tpch.nation |> WHERE n_regionkey = 1 |> AGGREGATE count(*) AS n;

-- aliases_in_where
SELECT upper(n_name) AS u FROM samples.tpch.nation WHERE u = 'FRANCE';

-- hint
SELECT /*+ BROADCAST(r) */ count(*) AS n FROM samples.tpch.nation JOIN samples.tpch.region r ON n_regionkey
    = r_regionkey;

-- comments
SELECT 1 AS a -- one
, /* two */ 2 AS b;

-- column_names
SELECT count(*), sum(n_regionkey), max(n_name), n_regionkey + 1, upper('a') FROM samples.tpch.nation GROUP BY
    n_regionkey ORDER BY n_regionkey;

-- column_names_literals
SELECT 1, 'a', 1.5, NULL, true;

-- order_by_all
SELECT n_regionkey, n_name FROM samples.tpch.nation WHERE n_nationkey < 4 ORDER BY ALL;

-- table_value_function
SELECT * FROM posexplode(array('a', 'b')) ORDER BY pos;

-- identifier_clause
SELECT count(*) AS n FROM IDENTIFIER('samples.tpch.region');
