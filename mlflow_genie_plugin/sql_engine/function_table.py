"""Every built-in function the engine knows: Databricks name → DuckDB expression with Databricks' meaning.

``_1``, ``_2`` … stand for the arguments. A plain word renames the function and keeps the arguments. A function with
different forms per number of arguments has one template each. What is in no table here does not exist for the engine:
functions of DuckDB's own (files, settings, sequences) are out of reach by construction.
"""

from __future__ import annotations

_TS = "CAST(_1 AS TIMESTAMP)"
_INT = "CAST({} AS INTEGER)"
_LENGTH = _INT.format("length(CAST(_1 AS VARCHAR))")
DIVIDE_BY_ZERO = (
    "error('[DIVIDE_BY_ZERO] Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead.')"
)

DIVIDE = f"CASE WHEN _2 = 0 AND _1 IS NOT NULL THEN {DIVIDE_BY_ZERO} ELSE _1 / _2 END"
INTEGER_DIVIDE = f"CASE WHEN _2 = 0 AND _1 IS NOT NULL THEN {DIVIDE_BY_ZERO} ELSE CAST(trunc(_1 / _2) AS BIGINT) END"

# Same arguments, other name.
RENAMED: dict[str, str] = {
    name: target
    for target, names in {
        # strings
        "upper": "upper ucase", "lower": "lower lcase", "reverse": "reverse",
        "translate": "translate", "repeat": "repeat", "starts_with": "startswith",
        "ends_with": "endswith", "ascii": "ascii", "left": "left", "right": "right",
        "md5": "md5", "unhex": "unhex", "hex": "hex", "printf": "format_string printf",
        # numbers
        "abs": "abs", "sqrt": "sqrt", "cbrt": "cbrt", "exp": "exp", "pow": "pow power", "sin": "sin", "cos": "cos",
        "tan": "tan", "asin": "asin", "acos": "acos", "atan": "atan", "atan2": "atan2", "sinh": "sinh", "cosh": "cosh",
        "tanh": "tanh", "cot": "cot", "degrees": "degrees", "radians": "radians", "pi": "pi", "isnan": "isnan",
        "greatest": "greatest", "least": "least", "random": "rand random", "gcd": "gcd",
        # conditions
        "coalesce": "coalesce nvl ifnull", "nullif": "nullif",
        # aggregates and windows
        "sum": "sum", "avg": "avg mean", "max": "max", "min": "min", "stddev_samp": "stddev std stddev_samp",
        "stddev_pop": "stddev_pop", "var_samp": "variance var_samp", "var_pop": "var_pop", "corr": "corr",
        "covar_pop": "covar_pop", "covar_samp": "covar_samp", "kurtosis_pop": "kurtosis", "median": "median",
        "mode": "mode", "bool_and": "bool_and every", "bool_or": "bool_or some any", "bit_and": "bit_and",
        "bit_or": "bit_or", "bit_xor": "bit_xor", "arg_max": "max_by", "arg_min": "min_by",
        "regr_count": "regr_count", "regr_slope": "regr_slope", "regr_intercept": "regr_intercept",
        "regr_r2": "regr_r2", "regr_avgx": "regr_avgx", "regr_avgy": "regr_avgy", "regr_sxx": "regr_sxx",
        "regr_syy": "regr_syy", "regr_sxy": "regr_sxy",
        "percentile_cont": "percentile_cont", "percentile_disc": "percentile_disc", "grouping": "grouping",
        "row_number": "row_number", "rank": "rank", "dense_rank": "dense_rank", "ntile": "ntile",
        "percent_rank": "percent_rank", "cume_dist": "cume_dist", "lag": "lag", "lead": "lead",
        "nth_value": "nth_value",
        # collections
        "flatten": "flatten", "spark_distinct": "array_distinct", "spark_contains": "array_contains",
        "list_has_any": "arrays_overlap", "map_keys": "map_keys",
        "map_values": "map_values", "map_entries": "map_entries", "map_from_entries": "map_from_entries",
        "list_max": "array_max", "list_min": "array_min", "list_append": "array_append",
        "map_concat": "map_concat",
    }.items()
    for name in names.split()
}  # fmt: skip

_UNITS = ("year", "month", "day", "hour", "minute", "second", "quarter")

TEMPLATES: dict[str, str | tuple[str, ...]] = {
    # --- dates: a string argument is read as a date, and parts are INT
    **{unit: _INT.format(f"{unit}({_TS})") for unit in _UNITS},
    "dayofmonth": _INT.format(f"day({_TS})"),
    "dayofyear": _INT.format(f"dayofyear({_TS})"),
    "dayofweek": _INT.format(f"dayofweek({_TS}) + 1"),
    "weekday": _INT.format(f"isodow({_TS}) - 1"),
    "weekofyear": _INT.format(f"weekofyear({_TS})"),
    "dayname": f"strftime({_TS}, '%a')",
    "monthname": f"strftime({_TS}, '%b')",
    "last_day": f"last_day({_TS})",
    "add_months": "CAST(CAST(_1 AS DATE) + to_months(CAST(_2 AS INTEGER)) AS DATE)",
    "date_sub": "CAST(_1 AS DATE) - CAST(_2 AS INTEGER)",
    "months_between": (
        "spark_months_between(CAST(_1 AS TIMESTAMP), CAST(_2 AS TIMESTAMP), true)",
        "spark_months_between(CAST(_1 AS TIMESTAMP), CAST(_2 AS TIMESTAMP), _3)",
    ),
    "next_day": "spark_next_day(CAST(_1 AS DATE), CAST(_2 AS VARCHAR))",
    "make_date": "make_date(_1, _2, _3)",
    "convert_timezone": (
        "timezone(_1, timezone('UTC', CAST(_2 AS TIMESTAMP)))",
        "timezone(_2, timezone(_1, CAST(_3 AS TIMESTAMP)))",
    ),
    "make_timestamp": "make_timestamp(_1, _2, _3, _4, _5, _6)",
    "date_from_unix_date": "DATE '1970-01-01' + CAST(_1 AS INTEGER)",
    "unix_date": "CAST(CAST(_1 AS DATE) - DATE '1970-01-01' AS INTEGER)",
    "timestamp_seconds": "TIMESTAMP '1970-01-01 00:00:00' + "
    "to_microseconds(CAST(CAST(_1 AS DECIMAL(30, 6)) * 1000000 AS BIGINT))",
    "timestamp_millis": "TIMESTAMP '1970-01-01 00:00:00' + to_microseconds(CAST(_1 AS BIGINT) * 1000)",
    "timestamp_micros": "TIMESTAMP '1970-01-01 00:00:00' + to_microseconds(CAST(_1 AS BIGINT))",
    "unix_seconds": f"CAST(floor(epoch({_TS})) AS BIGINT)",
    "unix_millis": f"epoch_ms({_TS})",
    "unix_micros": f"epoch_us({_TS})",
    "from_utc_timestamp": f"timezone(_2, timezone('UTC', {_TS}))",
    "to_utc_timestamp": f"timezone('UTC', timezone(_2, {_TS}))",
    "current_date": "CAST(timezone('UTC', now()) AS DATE)",
    "curdate": "CAST(timezone('UTC', now()) AS DATE)",
    "now": "timezone('UTC', now())",
    "getdate": "timezone('UTC', now())",
    "current_timestamp": "timezone('UTC', now())",
    "current_timezone": "'UTC'",
    # --- strings
    "length": _LENGTH,
    "char_length": _LENGTH,
    "character_length": _LENGTH,
    "len": _LENGTH,
    "levenshtein": _INT.format("levenshtein(_1, _2)"),
    "bit_length": _INT.format("bit_length(_1)"),
    "replace": ("replace(_1, _2, '')", "replace(_1, _2, _3)"),
    "mask": "regexp_replace(regexp_replace(regexp_replace(_1, '[A-Z]', 'X', 'g'), "
    "'[a-z]', 'x', 'g'), '[0-9]', 'n', 'g')",
    "url_encode": "replace(url_encode(_1), '%20', '+')",
    "url_decode": "url_decode(replace(_1, '+', '%20'))",
    "lpad": ("lpad(CAST(_1 AS VARCHAR), _2, ' ')", "lpad(CAST(_1 AS VARCHAR), _2, _3)"),
    "rpad": ("rpad(CAST(_1 AS VARCHAR), _2, ' ')", "rpad(CAST(_1 AS VARCHAR), _2, _3)"),
    "trim": ("trim(_1, ' ')",),
    "btrim": ("trim(_1, ' ')", "trim(_1, _2)"),
    "ltrim": ("ltrim(_1, ' ')", "ltrim(_2, _1)"),
    "rtrim": ("rtrim(_1, ' ')", "rtrim(_2, _1)"),
    "substring": (
        "spark_substring(CAST(_1 AS VARCHAR), _2, 2147483647)",
        "spark_substring(CAST(_1 AS VARCHAR), _2, _3)",
    ),
    "substring_index": "spark_substring_index(_1, _2, _3)",
    "instr": _INT.format("strpos(_1, _2)"),
    "charindex": (_INT.format("strpos(_2, _1)"), "spark_locate(_1, _2, _3)"),
    "locate": (_INT.format("strpos(_2, _1)"), "spark_locate(_1, _2, _3)"),
    "position": (_INT.format("strpos(_2, _1)"), "spark_locate(_1, _2, _3)"),
    "contains": "contains(CAST(_1 AS VARCHAR), CAST(_2 AS VARCHAR))",
    "initcap": "spark_initcap(_1)",
    "split": ("regexp_split_to_array(_1, _2)", "spark_split(_1, _2, _3)"),
    "split_part": "split_part(_1, _2, _3)",
    "regexp_extract": ("regexp_extract(_1, _2, 1)", "regexp_extract(_1, _2, _3)"),
    "regexp_extract_all": ("regexp_extract_all(_1, _2, 1)", "regexp_extract_all(_1, _2, _3)"),
    # A group is $1 there and \\1 here.
    "regexp_replace": r"regexp_replace(_1, _2, regexp_replace(_3, '\$(\d)', '\\\1', 'g'), 'g')",
    "regexp_like": "regexp_matches(_1, _2)",
    "regexp": "regexp_matches(_1, _2)",
    "rlike": "regexp_matches(_1, _2)",
    "regexp_count": _INT.format("len(regexp_extract_all(_1, _2, 0))"),
    "regexp_substr": "CASE WHEN regexp_matches(_1, _2) THEN regexp_extract(_1, _2, 0) END",
    "chr": "CASE WHEN _1 < 0 THEN '' ELSE chr(CAST(_1 % 256 AS INTEGER)) END",
    "char": "CASE WHEN _1 < 0 THEN '' ELSE chr(CAST(_1 % 256 AS INTEGER)) END",
    "space": "repeat(' ', _1)",
    "sha": "sha1(_1)",
    "sha1": "sha1(_1)",
    "sha2": "spark_sha2(_1, _2)",
    "base64": "base64(encode(_1))",
    "octet_length": _INT.format("octet_length(encode(CAST(_1 AS VARCHAR)))"),
    "unbase64": "from_base64(_1)",
    "format_number": "spark_format_number(CAST(_1 AS DECIMAL(38, 10)), _2)",
    "find_in_set": _INT.format("coalesce(list_position(string_split(_2, ','), _1), 0)"),
    "uuid": "CAST(uuid() AS VARCHAR)",
    # --- numbers
    "ceil": ("CAST(ceil(_1) AS BIGINT)", "ceil(_1 * pow(10, _2)) / pow(10, _2)"),
    "ceiling": ("CAST(ceil(_1) AS BIGINT)", "ceil(_1 * pow(10, _2)) / pow(10, _2)"),
    "floor": ("CAST(floor(_1) AS BIGINT)", "floor(_1 * pow(10, _2)) / pow(10, _2)"),
    "round": ("round(_1)", "round(_1, _2)"),
    "bround": ("round_even(_1, 0)", "round_even(_1, _2)"),
    "rint": "CAST(round_even(_1, 0) AS DOUBLE)",
    "ln": "CASE WHEN _1 > 0 THEN ln(_1) END",
    "log": ("CASE WHEN _1 > 0 THEN ln(_1) END", "CASE WHEN _1 > 0 AND _2 > 0 THEN ln(_2) / ln(_1) END"),
    "log10": "CASE WHEN _1 > 0 THEN log10(_1) END",
    "log2": "CASE WHEN _1 > 0 THEN log2(_1) END",
    "log1p": "CASE WHEN _1 > -1 THEN ln(1 + _1) END",
    "expm1": "exp(_1) - 1",
    "e": "exp(1)",
    "sign": "CAST(sign(_1) AS DOUBLE)",
    "signum": "CAST(sign(_1) AS DOUBLE)",
    "mod": "_1 % _2",
    "pmod": "((_1 % _2) + _2) % _2",
    "hypot": "sqrt(pow(_1, 2) + pow(_2, 2))",
    "factorial": "CAST(factorial(_1) AS BIGINT)",
    "negative": "-(_1)",
    "bit_count": _INT.format("bit_count(_1)"),
    "randn": "sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())",
    "positive": "_1",
    "make_interval": (
        "to_years(CAST(_1 AS INTEGER))",
        "to_years(CAST(_1 AS INTEGER)) + to_months(CAST(_2 AS INTEGER))",
        "to_years(CAST(_1 AS INTEGER)) + to_months(CAST(_2 AS INTEGER)) + to_days(7 * CAST(_3 AS INTEGER))",
        "to_months(12 * CAST(_1 AS INTEGER) + CAST(_2 AS INTEGER)) + to_days(CAST(7 * _3 + _4 AS INTEGER))",
    ),
    "make_dt_interval": (
        "to_days(CAST(_1 AS INTEGER))",
        "to_days(CAST(_1 AS INTEGER)) + to_hours(_2)",
        "to_days(CAST(_1 AS INTEGER)) + to_hours(_2) + to_minutes(_3)",
        "to_days(CAST(_1 AS INTEGER)) + to_hours(_2) + to_minutes(_3) + to_microseconds(CAST(_4 * 1000000 AS BIGINT))",
    ),
    "bin": "bin(CAST(_1 AS BIGINT))",
    "width_bucket": "spark_width_bucket(_1, _2, _3, _4)",
    "try_divide": "CASE WHEN _2 <> 0 THEN _1 / _2 END",
    "try_mod": "CASE WHEN _2 <> 0 THEN _1 % _2 END",
    "try_add": "TRY(_1 + _2)",
    "try_subtract": "TRY(_1 - _2)",
    "try_multiply": "TRY(_1 * _2)",
    "shiftleft": "_1 << _2",
    "shiftright": "_1 >> _2",
    # --- conditions
    "nvl2": "CASE WHEN _1 IS NOT NULL THEN _2 ELSE _3 END",
    "nullifzero": "nullif(_1, 0)",
    "zeroifnull": "coalesce(_1, 0)",
    # DuckDB's own gives NULL where nothing is counted.
    "count_if": "count(CASE WHEN _1 THEN 1 END)",
    "if": "CASE WHEN _1 THEN _2 ELSE _3 END",
    "iff": "CASE WHEN _1 THEN _2 ELSE _3 END",
    "isnull": "_1 IS NULL",
    "isnotnull": "_1 IS NOT NULL",
    "nanvl": "CASE WHEN isnan(_1) THEN _2 ELSE _1 END",
    "equal_null": "_1 IS NOT DISTINCT FROM _2",
    "raise_error": "error('[USER_RAISED_EXCEPTION] ' || _1)",
    # --- aggregates
    "skewness": "CASE WHEN count(_1) = 2 THEN 0 "
    "ELSE skewness(_1) * (count(_1) - 2) / sqrt(count(_1) * (count(_1) - 1.0)) END",
    "percentile": "quantile_cont(CAST(_1 AS DOUBLE), _2)",
    "percentile_approx": ("quantile_disc(_1, _2)", "quantile_disc(_1, _2)"),
    "approx_percentile": ("quantile_disc(_1, _2)", "quantile_disc(_1, _2)"),
    "approx_count_distinct": ("count(DISTINCT _1)", "count(DISTINCT _1)"),
    "try_sum": "sum(_1)",
    "try_avg": "avg(_1)",
    # --- collections
    "size": _INT.format("spark_size(_1)"),
    "cardinality": _INT.format("spark_size(_1)"),
    "array_size": _INT.format("len(_1)"),
    "array_position": "CAST(coalesce(list_position(_1, _2), 0) AS BIGINT)",
    "array_insert": "list_concat(list_slice(_1, 1, _2 - 1), [_3], list_slice(_1, _2, len(_1)))",
    "array_intersect": "spark_distinct(list_filter(_1, lambda e: list_contains(_2, e)))",
    "sort_array": (
        "list_sort(_1, 'ASC', 'NULLS FIRST')",
        "CASE WHEN _2 THEN list_sort(_1, 'ASC', 'NULLS FIRST') ELSE list_sort(_1, 'DESC', 'NULLS LAST') END",
    ),
    "array_join": (
        "array_to_string(_1, _2)",
        "array_to_string(list_transform(_1, lambda e: coalesce(CAST(e AS VARCHAR), _3)), _2)",
    ),
    "array_union": "spark_distinct(list_concat(_1, _2))",
    "array_except": "spark_distinct(list_filter(_1, lambda e: NOT list_contains(_2, e)))",
    "array_remove": "list_filter(_1, lambda e: e <> _2)",
    "array_compact": "list_filter(_1, lambda e: e IS NOT NULL)",
    "array_prepend": "list_prepend(_2, _1)",
    "array_repeat": "list_transform(range(_2), lambda i: _1)",
    "slice": "list_slice(_1, _2, CASE WHEN _2 < 0 AND _2 + _3 > 0 THEN -1 ELSE _2 + _3 - 1 END)",
    "get": "list_extract(_1, _2 + 1)",
    "try_element_at": "_1[_2]",
    "map_contains_key": "list_contains(map_keys(_1), _2)",
    "map_from_arrays": "map(_1, _2)",
    "str_to_map": ("spark_text_map(_1, ',', ':')", "spark_text_map(_1, _2, ':')", "spark_text_map(_1, _2, _3)"),
    "json_object_keys": "json_keys(_1)",
    "parse_json": "CAST(_1 AS JSON)",
    "try_parse_json": "TRY_CAST(_1 AS JSON)",
    "json_array_length": _INT.format("json_array_length(_1)"),
    "to_json": "CAST(to_json(_1) AS VARCHAR)",
    # --- session
    "current_user": "'local'",
    "user": "'local'",
    "session_user": "'local'",
    "typeof": "lower(typeof(_1))",
}  # fmt: skip
TEMPLATES["substr"] = TEMPLATES["substring"]

# Known to Databricks, not to this engine: a plain refusal, never "no such function" and never a wrong value.
_UNSUPPORTED = """current_database version
    aes_decrypt aes_encrypt ai_analyze_sentiment ai_classify ai_extract ai_fix_grammar ai_forecast
    ai_gen ai_generate_text ai_mask ai_parse_document ai_query ai_similarity ai_summarize ai_translate
    approx_top_k bitmap_bit_position bitmap_construct_agg bitmap_count bitmap_or_agg
    bitmap_bucket_number cloud_files_state conv count_min_sketch crc32 csv_to_struct
    event_log from_avro from_csv from_xml h3_longlatash3 hash
    histogram_numeric hll_sketch_agg hll_sketch_estimate hll_union hll_union_agg input_file_name
    is_account_group_member is_member json_tuple java_method kurtosis_samp luhn_check
    map_zip_with monotonically_increasing_id parse_url quote
    randstr read_files read_kafka read_kinesis read_pubsub read_pulsar reflect regexp_instr
    schema_of_csv schema_of_json schema_of_variant secret
    sentences session_window soundex spark_partition_id st_point table_changes to_avro to_binary
    shuffle to_csv to_number to_variant_object to_xml try_aes_decrypt try_secret
    try_to_binary try_to_number  uniform variant_explode
    vector_search window_time xpath xxhash64"""
UNSUPPORTED = frozenset(_UNSUPPORTED.split())
