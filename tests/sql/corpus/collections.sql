-- array_literal
SELECT array(1, 2, NULL) AS a, array() AS b, array('x') AS c, array(1, 2.5) AS d;

-- array_index
SELECT array(10, 20)[0] AS a, get(array(1), 5) AS b, element_at(array(1, 2, 3), -1) AS c,
    try_element_at(array(1), 3) AS d;

-- array_index_outside
SELECT array(1)[3] AS a;

-- element_at_outside
SELECT element_at(array(1), 3) AS a;

-- array_size
SELECT size(array(1, 2)) AS a, size(NULL) AS b, array_size(array()) AS c, cardinality(map('a', 1)) AS d;

-- array_contains
SELECT array_contains(array(1, 2), 2) AS a, array_contains(array(1, NULL), 2) AS b, array_position(array('a',
    'b'), 'b') AS c;

-- array_sets
SELECT array_union(array(1, 2), array(2, 3)) AS a, array_intersect(array(1, 2), array(2, 3)) AS b,
    array_except(array(1, 2, 2), array(2)) AS c;

-- array_distinct
SELECT array_distinct(array(3, 1, 3, 2)) AS a;

-- array_change
SELECT array_append(array(1), 2) AS a, array_prepend(array(1), 0) AS b, array_remove(array(1, 2, 1), 1) AS c,
    array_compact(array(1, NULL)) AS d, array_insert(array('a', 'c'), 2, 'b') AS e;

-- array_sort
SELECT array_sort(array(3, NULL, 1)) AS a, sort_array(array(3, NULL, 1)) AS b, sort_array(array(1, NULL, 3),
    false) AS c;

-- array_sort_lambda
-- differs (refused): `array_sort` takes no comparison function.
SELECT array_sort(array('bb', 'a', 'ccc'), (l, r) -> length(r) - length(l)) AS a;

-- array_join
SELECT array_join(array('a', NULL, 'b'), '-') AS a, array_join(array('a', NULL), '-', '?') AS b;

-- array_bounds
SELECT array_max(array(1, 5, NULL)) AS a, array_min(array(3, 2)) AS b, arrays_overlap(array(1, 2), array(2))
    AS c;

-- array_slice
SELECT slice(array(1, 2, 3, 4), 2, 2) AS a, slice(array(1, 2, 3), -2, 2) AS b;

-- array_repeat_flatten
SELECT array_repeat('x', 2) AS a, flatten(array(array(1), array(2, 3))) AS b;

-- array_zip
SELECT arrays_zip(array(1, 2), array('a', 'b')) AS a;

-- array_zip_columns
SELECT arrays_zip(x, y) AS a FROM VALUES (array(1, 2), array('a')) AS t(x, y);

-- array_reverse_concat
SELECT reverse(array(1, 2)) AS a, concat(array(1), array(2, 3)) AS b;

-- array_shuffle
-- differs (refused): `shuffle` is not there.
SELECT size(shuffle(array(1, 2, 3))) AS a;

-- transform
SELECT transform(array(1, 2), x -> x * 10) AS a, transform(array('a', 'b'), (x, i) -> concat(x, i)) AS b;

-- filter_hof
SELECT filter(array(1, 2, 3), x -> x > 1) AS a, filter(array(5, 6, 7), (x, i) -> i % 2 = 0) AS b;

-- exists_forall
SELECT exists(array(1, NULL), x -> x > 5) AS a, forall(array(1, 2), x -> x > 0) AS b;

-- exists_true
SELECT exists(array(1, 7), x -> x > 5) AS a, forall(array(1, 2), x -> x > 1) AS b;

-- aggregate_hof
SELECT aggregate(array(1, 2, 3), 0, (acc, x) -> acc + x) AS a, reduce(array(1, 2), 0, (acc, x) -> acc + x,
    acc -> acc * 10) AS b;

-- zip_with
SELECT zip_with(array(1, 2), array(10, 20), (x, y) -> x + y) AS a;

-- map_literal
SELECT map('a', 1, 'b', 2) AS a, map('a', 1)['a'] AS b, map('a', 1)['z'] AS c;

-- map_functions
SELECT map_keys(map('a', 1, 'b', 2)) AS a, map_values(map('a', 1)) AS b, map_contains_key(map('a', 1), 'b')
    AS c, element_at(map('a', 1), 'a') AS d;

-- map_build
SELECT map_from_arrays(array('a', 'b'), array(1, 2)) AS a, map_from_entries(array(struct('k', 1))) AS b,
    map_concat(map('a', 1), map('b', 2)) AS c, str_to_map('a:1,b:2', ',', ':') AS d;

-- str_to_map_default
SELECT str_to_map('a:1,b:2') AS a;

-- map_entries
SELECT map_entries(map('a', 1)) AS a;

-- map_hof
SELECT map_filter(map('a', 1, 'b', 2), (k, v) -> v > 1) AS a, transform_values(map('a', 1), (k, v) -> v + 1)
    AS b, transform_keys(map('a', 1), (k, v) -> upper(k)) AS c;

-- map_zip_with
-- differs (refused): `map_zip_with` is not there.
SELECT map_zip_with(map('a', 1), map('a', 2), (k, x, y) -> x + y) AS a;

-- struct_forms
SELECT struct(1, 'a') AS a, struct(1 AS x, 'b' AS y) AS b, named_struct('p', 1, 'q', 2.5) AS c;

-- struct_access
SELECT s.x AS a, s['y'] AS b FROM (SELECT named_struct('x', 1, 'y', 'b') AS s);

-- struct_of_columns
SELECT struct(n_nationkey, n_name) AS s FROM samples.tpch.nation WHERE n_nationkey < 2 ORDER BY n_nationkey;

-- struct_compare
-- differs (value): Structs with other field names are not equal; on Databricks only the positions count.
SELECT struct(1, 2) < struct(1, 3) AS a, struct(1 AS a) = struct(1 AS b) AS b;

-- struct_star
SELECT s.* FROM (SELECT named_struct('x', 1, 'y', 'b') AS s);

-- nested
SELECT array(struct(1 AS a), struct(2 AS a)).a AS a, map('k', array(1, 2))['k'][1] AS b;

-- explode_map
SELECT explode(map('a', 1, 'b', 2)) AS (k, v) ORDER BY k;

-- explode_nested
SELECT id, x.a AS a FROM VALUES (1, array(struct(5 AS a), struct(6 AS a))) AS t(id, xs) LATERAL VIEW
    explode(xs) v AS x ORDER BY a;

-- posexplode_select
SELECT posexplode(array('a', 'b')) ORDER BY pos;

-- explode_outer_null
SELECT explode_outer(CAST(NULL AS ARRAY<INT>)) AS x;

-- get_json
SELECT get_json_object('{"a":{"b":[1,2]}}', '$.a.b[1]') AS a, get_json_object('{"a":"x"}', '$.a') AS b,
    get_json_object('{"a":{"b":1}}', '$.a') AS c, get_json_object('{}', '$.a') AS d;

-- get_json_wildcard
SELECT get_json_object('[{"a":1},{"a":2}]', '$[*].a') AS a;

-- json_tuple
-- differs (refused): `json_tuple` is not there; `get_json_object` is.
SELECT json_tuple('{"a":1,"b":"x"}', 'a', 'b') AS (a, b);

-- from_json_struct
SELECT from_json('{"a":1,"b":"x"}', 'a INT, b STRING') AS a, from_json('{"a":1,"b":"x"}', 'a INT, b STRING').b
    AS b;

-- from_json_array
SELECT from_json('[1,2]', 'ARRAY<INT>') AS a, from_json('{"k":1}', 'MAP<STRING, INT>') AS b;

-- from_json_nested
SELECT from_json('{"a":{"b":[1,2]},"d":"2024-02-29"}', 'STRUCT<a: STRUCT<b: ARRAY<INT>>, d: DATE>') AS a;

-- from_json_bad
SELECT from_json('not json', 'a INT') AS a;

-- to_json
SELECT to_json(struct(1 AS a, 'x' AS b)) AS a, to_json(map('k', 1)) AS b, to_json(array(1, 2)) AS c;

-- to_json_nulls
-- differs (value): `to_json` writes fields that are NULL; Databricks leaves them out.
SELECT to_json(struct(1 AS a, CAST(NULL AS STRING) AS b)) AS a;

-- to_json_dates
-- differs (value): `to_json` writes timestamps as text without a zone and drops trailing zeros of decimals.
SELECT to_json(named_struct('d', DATE'2024-02-29', 't', TIMESTAMP'2024-02-29 10:00:00', 'n', 1.50)) AS a;

-- json_array_length
SELECT json_array_length('[1,2,3]') AS a, json_object_keys('{"a":1,"b":2}') AS b;

-- schema_of_json
-- differs (refused): `schema_of_json` is not there.
SELECT schema_of_json('{"a":1}') AS a;

-- parse_json
SELECT parse_json('{"a":1}'):a::INT AS a;

-- variant_get
SELECT variant_get(parse_json('{"a":[1,2]}'), '$.a[1]', 'int') AS a;

-- from_csv
-- differs (refused): `from_csv` and `to_csv` are not there.
SELECT from_csv('1,x', 'a INT, b STRING') AS a, to_csv(struct(1, 'x')) AS b;

-- sequence_explode_sum
SELECT sum(x) AS s FROM (SELECT explode(sequence(1, 10)) AS x);
