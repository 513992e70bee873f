"""Every function of the tables is put before the engine once, so that none is known by name only."""

# ruff: noqa: E501  (a table of words is read best on one line)

from __future__ import annotations

import pytest

from mlflow_genie_plugin.errors import SqlFailedError
from mlflow_genie_plugin.sql_engine.function_table import RENAMED, TEMPLATES, UNSUPPORTED
from mlflow_genie_plugin.sql_engine.functions.calls import _BUILDERS

TEXT, DATE, LIST, MAP = "'a1'", "DATE '2024-02-29'", "array(1, 2)", "map('a', 1)"

# Arguments where one number will not do.
ARGUMENTS = {
    **dict.fromkeys(
        ["upper", "ucase", "lower", "lcase", "reverse", "ascii", "md5", "unhex", "bit_length", "octet_length", "initcap", "length", "char_length", "character_length", "len", "trim", "btrim", "ltrim", "rtrim", "sha", "sha1", "base64"],
        TEXT,
    ),
    **dict.fromkeys(
        ["year", "month", "day", "hour", "minute", "second", "quarter", "dayofmonth", "dayofyear", "dayofweek", "weekday", "weekofyear", "dayname", "monthname", "last_day", "unix_date", "unix_seconds", "unix_millis", "unix_micros"],
        DATE,
    ),
    **dict.fromkeys(["array_distinct", "flatten", "array_max", "array_min", "array_compact", "array_size", "array_sort", "sort_array"], LIST),
    **dict.fromkeys(["size", "cardinality"], LIST),
    **dict.fromkeys(["map_keys", "map_values", "map_entries"], MAP),
    **dict.fromkeys(["array_contains", "array_position", "array_remove", "array_append", "array_prepend", "array_repeat", "get"], f"{LIST}, 1"),
    **dict.fromkeys(["array_intersect", "arrays_overlap", "arrays_zip", "array_union", "array_except", "map_from_arrays"], f"{LIST}, {LIST}"),
    **dict.fromkeys(["date_add", "date_sub", "add_months"], f"{DATE}, 1"),
    **dict.fromkeys(["datediff", "date_diff", "timestampdiff", "months_between"], f"{DATE}, {DATE}"),
    **dict.fromkeys(["dateadd", "timestampadd"], f"DAY, 1, {DATE}"),
    **dict.fromkeys(["date_part", "datepart"], f"'YEAR', {DATE}"),
    **dict.fromkeys(["from_utc_timestamp", "to_utc_timestamp"], f"{DATE}, 'Asia/Seoul'"),
    **dict.fromkeys(["to_date", "try_to_date", "to_timestamp", "try_to_timestamp", "to_unix_timestamp", "unix_timestamp"], "'2024-02-29'"),
    **dict.fromkeys(["repeat", "left", "right", "space"], f"{TEXT}, 1"),
    **dict.fromkeys(["startswith", "endswith", "contains", "instr", "charindex", "locate", "position", "find_in_set", "levenshtein"], f"{TEXT}, {TEXT}"),
    **dict.fromkeys(["regexp_extract", "regexp_extract_all"], f"{TEXT}, '(a)'"),
    **dict.fromkeys(["regexp_like", "regexp", "rlike", "regexp_count", "regexp_substr", "split"], f"{TEXT}, 'a'"),
    **dict.fromkeys(["replace", "regexp_replace", "translate"], f"{TEXT}, 'a', 'b'"),
    **dict.fromkeys(["pow", "power", "atan2", "log", "mod", "pmod", "hypot", "try_divide", "try_mod", "try_add", "try_subtract", "try_multiply", "nullif"], "2, 3"),
    **dict.fromkeys(["nvl", "ifnull", "equal_null", "nanvl", "shiftleft", "shiftright", "round", "bround", "ceil", "ceiling", "floor", "gcd"], "2, 3"),
    **dict.fromkeys(["if", "iff"], "true, 1, 2"),
    **dict.fromkeys(["filter", "exists", "forall", "transform"], f"{LIST}, x -> x > 1"),
    **dict.fromkeys(["aggregate", "reduce"], f"{LIST}, 0, (a, x) -> a + x"),
    **dict.fromkeys(["date_trunc"], f"'MONTH', {DATE}"),
    **dict.fromkeys(["now", "getdate", "current_date", "curdate", "current_timestamp", "current_timezone", "pi", "e", "rand", "random", "uuid"], ""),
    **dict.fromkeys(["current_user", "user", "session_user"], ""),
    **dict.fromkeys(["corr", "covar_pop", "covar_samp", "regr_count", "regr_slope", "regr_intercept", "regr_r2", "max_by", "min_by"], "v, v"),
    **dict.fromkeys(["bool_and", "every", "bool_or", "some", "any", "count_if"], "v > 0"),
    **dict.fromkeys(["percentile", "percentile_approx", "approx_percentile"], "v, 0.5"),
    **dict.fromkeys(["regr_avgx", "regr_avgy", "regr_sxx", "regr_syy", "regr_sxy"], "v, v"),
    **dict.fromkeys(["url_encode", "url_decode", "mask"], TEXT),
    **dict.fromkeys(["to_char", "to_varchar"], "1, '9'"),
    **dict.fromkeys(["format_string", "printf"], "'%d', 1"),
    **dict.fromkeys(["map_filter"], f"{MAP}, (k, v) -> v > 0"),
    **dict.fromkeys(["transform_keys", "transform_values"], f"{MAP}, (k, v) -> v"),
    **dict.fromkeys(["variant_get", "try_variant_get"], "parse_json('{}'), '$.a', 'int'"),
    **dict.fromkeys(["parse_json", "try_parse_json", "json_object_keys"], "'{}'"),
    "zip_with": f"{LIST}, {LIST}, (x, y) -> x + y", "from_json": "'{}', 'a INT'", "encode": f"{TEXT}, 'utf-8'",
    "array_insert": f"{LIST}, 1, 9", "convert_timezone": f"'Asia/Seoul', {DATE}", "randn": "",
    "flatten": f"array({LIST})", "arrays_zip": f"{LIST}, {LIST}", "array_join": f"{LIST}, ','", "slice": f"{LIST}, 1, 1", "sequence": "1, 3",
    "element_at": f"{LIST}, 1", "try_element_at": f"{LIST}, 1", "map_contains_key": f"{MAP}, 'a'", "map_concat": f"{MAP}, {MAP}",
    "map_from_entries": "array(struct('a', 1))", "str_to_map": "'a:1', ',', ':'", "get_json_object": "'{}', '$.a'",
    "json_array_length": "'[1]'", "to_json": "struct(1 AS a)", "unbase64": "'YQ=='", "typeof": "1",
    "next_day": f"{DATE}, 'MO'", "make_date": "2024, 1, 2", "make_timestamp": "2024, 1, 2, 3, 4, 5",
    "date_format": f"{DATE}, 'yyyy'", "from_unixtime": "0", "trunc": f"{DATE}, 'MM'", "window": f"{DATE}, '1 day'",
    "date": "'2024-02-29'", "timestamp": "'2024-02-29'", "boolean": "'true'", "binary": TEXT,
    "decode": "1, 1, 'a'", "concat": "'a', 'b'", "concat_ws": "',', 'a', 'b'", "coalesce": "NULL, 1", "nvl2": "1, 2, 3",
    "substring": f"{TEXT}, 1", "substr": f"{TEXT}, 1", "substring_index": f"{TEXT}, 'a', 1", "split_part": f"{TEXT}, 'a', 1",
    "lpad": f"{TEXT}, 5", "rpad": f"{TEXT}, 5", "space": "2", "sha2": f"{TEXT}, 256", "format_number": "1.5, 2",
    "width_bucket": "1.0, 0.0, 2.0, 2", "greatest": "1, 2", "least": "1, 2", "nth_value": "v, 1", "ntile": "2",
    "isnan": "1.5D", "nanvl": "1.5D, 2", "lag": "v", "lead": "v", "grouping": "v", "grouping_id": "v",
    "row_number": "", "rank": "", "dense_rank": "", "percent_rank": "", "cume_dist": "",
    "percentile_cont": "0.5", "percentile_disc": "0.5", "count": "v",
}  # fmt: skip

WINDOWED = frozenset(
    ["row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "nth_value"]
)


@pytest.mark.parametrize("name", sorted({*RENAMED, *TEMPLATES, *_BUILDERS} - {"raise_error"}))
def test_the_function_exists_in_the_engine(engine, name):
    call = f"{name}({ARGUMENTS.get(name, '1')})"
    if name in WINDOWED:
        sql = f"SELECT {call} OVER (ORDER BY v) FROM VALUES (1) AS t(v)"
    elif name.startswith("grouping"):
        sql = f"SELECT {call} FROM VALUES (1) AS t(v) GROUP BY ROLLUP (v)"
    elif name in ("percentile_cont", "percentile_disc"):
        sql = f"SELECT {call} WITHIN GROUP (ORDER BY v) FROM VALUES (1) AS t(v)"
    else:
        sql = f"SELECT {call} FROM VALUES (1) AS t(v)" if "v" in ARGUMENTS.get(name, "") else f"SELECT {call}"
    assert len(engine.execute(sql).columns) == 1


@pytest.mark.parametrize("name", sorted(UNSUPPORTED - {"java_method", "reflect", "secret", "try_secret", "decode"}))
def test_a_function_of_databricks_only_is_refused_by_name(engine, name):
    assert name not in RENAMED
    assert name not in TEMPLATES
    with pytest.raises(SqlFailedError, match=rf"does not support the function {name}\."):
        engine.execute(f"SELECT {name}('a')")
