"""Result types of the functions whose type matters to what is built on them; others are unknown."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from mlflow_genie_plugin.sql_engine import spark_types as types
from mlflow_genie_plugin.sql_engine.spark_types import SparkType, simple

_FIXED: dict[str, SparkType] = {
    name: simple(kind)
    for kind, names in {
        "BIGINT": """count count_if approx_count_distinct regr_count unix_timestamp to_unix_timestamp unix_seconds
            unix_millis unix_micros factorial grouping_id array_position bigint timestampdiff xxhash64""",
        "INT": """year month day quarter hour minute second dayofmonth dayofyear dayofweek weekday weekofyear length
            char_length character_length len octet_length bit_length ascii instr locate position charindex levenshtein
            regexp_count regexp_instr find_in_set size cardinality array_size json_array_length row_number rank
            dense_rank ntile unix_date int hash""",
        "DOUBLE": """stddev stddev_samp stddev_pop std variance var_samp var_pop corr covar_pop covar_samp skewness
            kurtosis sqrt cbrt exp ln log log10 log2 log1p pow power sin cos tan asin acos atan atan2 degrees radians
            pi e rand random randn median percentile percentile_cont percent_rank cume_dist months_between double
            regr_slope regr_intercept regr_r2 sign signum hypot""",
        "STRING": """upper ucase lower lcase initcap trim ltrim rtrim btrim lpad rpad substring substr substring_index
            left right replace translate repeat regexp_replace regexp_extract regexp_substr split_part concat_ws
            date_format from_unixtime format_number format_string printf base64 hex md5 sha sha1 sha2 to_json
            get_json_object array_join string chr char space monthname dayname uuid to_char to_varchar overlay""",
        "INTERVAL": "make_interval make_dt_interval make_ym_interval",
        "DATE": """date_sub last_day add_months next_day to_date try_to_date make_date trunc current_date curdate
            date_from_unix_date date""",
        "TIMESTAMP": """to_timestamp try_to_timestamp date_trunc now getdate current_timestamp timestamp_seconds
            timestamp_millis timestamp_micros make_timestamp from_utc_timestamp to_utc_timestamp timestamp""",
        "BOOLEAN": """isnull isnotnull isnan like rlike regexp regexp_like contains startswith endswith array_contains
            arrays_overlap exists forall map_contains_key bool_and bool_or every some any equal_null boolean""",
    }.items()
    for name in names.split()
}  # fmt: skip

_SAME_NAMES = """max min first last first_value last_value any_value lag lead nth_value mode abs negative positive
    nullif array_distinct array_sort sort_array array_compact slice filter array_union array_intersect array_except
    array_remove array_append array_prepend reverse shuffle max_by min_by percentile_approx approx_percentile nullifzero
    zeroifnull"""
_SAME = frozenset(_SAME_NAMES.split())
_WIDEST = frozenset(["coalesce", "nvl", "ifnull", "greatest", "least"])
_SUMS = frozenset(["sum", "try_sum"])
_AVERAGES = frozenset(["avg", "mean", "try_avg"])
_TRY_OPERATORS = {
    "try_add": "+",
    "try_subtract": "-",
    "try_multiply": "*",
    "try_divide": "/",
    "try_mod": "%",
    "mod": "%",
}


def type_of_call(name: str, arguments: Sequence[exp.Expr], kinds: Sequence[SparkType | None]) -> SparkType | None:
    """Return the type of a call by its name and the types of its arguments, or None."""
    if name in _FIXED:
        return _FIXED[name]
    first = kinds[0] if kinds else None
    if name in ("if", "iff", "nvl2"):
        return types.wider(kinds[1], kinds[2]) if len(kinds) == 3 else None
    if name in _WIDEST:
        return types.common(kinds)
    if name in ("concat", "percentile_disc"):
        return first if first is not None and first.kind == "ARRAY" else simple("STRING") if name == "concat" else None
    if first is None:
        return None
    if name in _SAME:
        return first
    if name in _SUMS:
        return _sum(first)
    if name in _AVERAGES:
        return average(first)
    if name in ("round", "bround"):
        return _rounded(first, arguments)
    if name in ("ceil", "ceiling", "floor"):
        if not first.is_decimal:
            return simple("BIGINT") if len(arguments) == 1 else None
        return types.rounded(first, 0) if len(arguments) == 1 else _rounded(first, arguments)
    if name in _TRY_OPERATORS and len(kinds) == 2:
        return _operator(_TRY_OPERATORS[name], arguments, kinds)
    if name in ("collect_list", "collect_set", "array_agg", "array_repeat"):
        return types.array_of(first)
    if name in ("element_at", "try_element_at", "get", "array_max", "array_min"):
        return first.items[-1] if first.items else None
    if name == "transform":
        return types.array_of(kinds[1]) if len(kinds) == 2 else None
    if name in ("map_keys", "map_values") and len(first.items) == 2:
        return types.array_of(first.items[name == "map_values"])
    if name in ("date_add", "dateadd", "timestampadd"):
        return simple("DATE") if len(arguments) == 2 else None
    if name in ("datediff", "date_diff"):
        return simple("INT") if len(arguments) == 2 else simple("BIGINT")
    if name == "from_json":
        schema = arguments[1] if len(arguments) == 2 else None
        return parse_schema(schema.name) if isinstance(schema, exp.Literal) else None
    if name == "sequence":
        return types.array_of(first) if first.kind in ("INT", "BIGINT", "DATE", "TIMESTAMP") else None
    if name == "split":
        return types.array_of(simple("STRING"))
    return None


def parse_schema(text: str) -> SparkType | None:
    """Return the type that the schema of ``from_json`` means: a type, or the fields of a struct."""
    return types.parse_type(text) or types.parse_type(f"STRUCT<{text}>")


def _sum(kind: SparkType) -> SparkType | None:
    if kind.is_decimal:
        return types.decimal(kind.precision + 10, kind.scale)
    if kind.is_integer:
        return simple("BIGINT")
    return simple("DOUBLE") if kind.is_number else None


def average(kind: SparkType) -> SparkType | None:
    """Return the type of an average."""
    if kind.is_decimal:
        return types.decimal(kind.precision + 4, min(kind.scale + 4, types.MAX_PRECISION))
    return simple("DOUBLE") if kind.is_number else None


def _rounded(kind: SparkType, arguments: Sequence[exp.Expr]) -> SparkType | None:
    if not kind.is_decimal:
        return kind if kind.is_number else None
    digits = number(arguments[1]) if len(arguments) > 1 else 0
    return None if digits is None else types.rounded(kind, digits)


def number(node: exp.Expr) -> int | None:
    """Return a whole number that stands as a literal, or None."""
    if isinstance(node, exp.Paren):
        return number(node.this)
    if isinstance(node, exp.Neg):
        inner = number(node.this)
        return None if inner is None else -inner
    return int(node.name) if isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit() else None


def _operator(operator: str, arguments: Sequence[exp.Expr], kinds: Sequence[SparkType | None]) -> SparkType | None:
    one, other = kinds
    if one is None or other is None or not (one.is_number and other.is_number):
        return None
    if one.is_decimal or other.is_decimal:
        sides = [
            types.as_decimal(kind, node.name if isinstance(node, exp.Literal) else None)
            for kind, node in zip((one, other), arguments, strict=True)
        ]
        if sides[0] is None or sides[1] is None:
            return simple("DOUBLE")
        return types.arithmetic(operator, sides[0], sides[1])
    return simple("DOUBLE") if operator == "/" else types.wider(one, other)
