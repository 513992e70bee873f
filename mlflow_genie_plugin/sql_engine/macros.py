"""DuckDB macros for functions with several forms, or that use an argument more than once."""

from __future__ import annotations

# Created in the engine's own database at every start.
MACROS = (
    # A date plus days, months or years stays a date; DuckDB alone makes it a timestamp.
    """CREATE OR REPLACE MACRO spark_plus(x DATE, i INTERVAL) AS CAST(x + i AS DATE),
        (x TIMESTAMP, i INTERVAL) AS x + i, (x VARCHAR, i INTERVAL) AS CAST(x AS TIMESTAMP) + i,
        (x INTERVAL, i INTERVAL) AS x + i""",
    """CREATE OR REPLACE MACRO spark_minus(x DATE, i INTERVAL) AS CAST(x - i AS DATE),
        (x TIMESTAMP, i INTERVAL) AS x - i, (x VARCHAR, i INTERVAL) AS CAST(x AS TIMESTAMP) - i,
        (x INTERVAL, i INTERVAL) AS x - i""",
    """CREATE OR REPLACE MACRO spark_to_bigint(x) AS CASE
        WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN CAST(trunc(TRY_CAST(x AS DOUBLE)) AS BIGINT)
        WHEN typeof(x) LIKE 'DECIMAL%' THEN CAST(split_part(CAST(x AS VARCHAR), '.', 1) AS BIGINT)
        WHEN typeof(x) LIKE 'TIMESTAMP%' THEN CAST(floor(epoch(TRY_CAST(x AS TIMESTAMP))) AS BIGINT)
        WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(trim(CAST(x AS VARCHAR)), '[+-]?\\d+')
        THEN error('[CAST_INVALID_INPUT] The value ''' || CAST(x AS VARCHAR) ||
            ''' of the type "STRING" cannot be cast to an integer type because it is malformed. ' ||
            'Use `try_cast` to tolerate malformed input and return NULL instead.')
        ELSE CAST(x AS BIGINT) END""",
    """CREATE OR REPLACE MACRO spark_try_bigint(x) AS CASE
        WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN TRY_CAST(trunc(TRY_CAST(x AS DOUBLE)) AS BIGINT)
        WHEN typeof(x) LIKE 'DECIMAL%' THEN TRY_CAST(split_part(CAST(x AS VARCHAR), '.', 1) AS BIGINT)
        WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(trim(CAST(x AS VARCHAR)), '[+-]?\\d+') THEN NULL
        ELSE TRY_CAST(x AS BIGINT) END""",
    """CREATE OR REPLACE MACRO spark_size(x) AS CASE WHEN typeof(x) LIKE 'MAP(%' AND typeof(x) NOT LIKE '%[]'
        THEN json_array_length(json_keys(to_json(x))) ELSE json_array_length(to_json(x)) END""",
    """CREATE OR REPLACE MACRO spark_item(l, i) AS CASE WHEN l IS NULL OR i IS NULL OR (i >= 0 AND i < len(l))
        THEN list_extract(l, CAST(i AS BIGINT) + 1)
        ELSE error('[INVALID_ARRAY_INDEX] The index ' || CAST(i AS VARCHAR) || ' is out of bounds. The array has ' ||
        CAST(len(l) AS VARCHAR) || ' elements. Use the SQL function `get()` to ' ||
        'tolerate accessing element at invalid index and return NULL instead.') END""",
    """CREATE OR REPLACE MACRO spark_element(l, i) AS CASE WHEN l IS NULL OR i IS NULL OR (i <> 0 AND abs(i) <= len(l))
        THEN list_extract(l, i) ELSE error('[INVALID_ARRAY_INDEX_IN_ELEMENT_AT] The index ' || CAST(i AS VARCHAR) ||
        ' is out of bounds. The array has ' || CAST(len(l) AS VARCHAR) || ' elements. Use `try_element_at` to ' ||
        'tolerate accessing element at invalid index and return NULL instead.') END""",
    # In the order of first appearance; list_distinct has none.
    """CREATE OR REPLACE MACRO spark_distinct(l) AS list_filter(l, lambda e, i:
        len(list_filter(l[1:i - 1], lambda o: o IS NOT DISTINCT FROM e)) = 0)""",
    """CREATE OR REPLACE MACRO spark_contains(l, x) AS CASE WHEN list_contains(l, x) THEN true
        WHEN x IS NULL OR len(list_filter(l, lambda e: e IS NULL)) > 0 THEN NULL ELSE false END""",
    """CREATE OR REPLACE MACRO spark_any(l) AS CASE WHEN list_contains(l, true) THEN true
        WHEN len(list_filter(l, lambda e: e IS NULL)) > 0 THEN NULL WHEN l IS NOT NULL THEN false END""",
    """CREATE OR REPLACE MACRO spark_all(l) AS CASE WHEN list_contains(l, false) THEN false
        WHEN len(list_filter(l, lambda e: e IS NULL)) > 0 THEN NULL WHEN l IS NOT NULL THEN true END""",
    """CREATE OR REPLACE MACRO spark_text_map(s, pairs, keys) AS map_from_entries(list_transform(string_split(s, pairs),
        lambda e: row(split_part(e, keys, 1),
            CASE WHEN contains(e, keys) THEN substring(e, strpos(e, keys) + length(keys)) END)))""",
    # Java's text of a double: at least one decimal, an exponent from ten million up and below a thousandth.
    """CREATE OR REPLACE MACRO spark_java_mantissa(digits) AS left(digits, 1) || '.' ||
        CASE WHEN rtrim(substring(digits, 2), '0') = '' THEN '0' ELSE rtrim(substring(digits, 2), '0') END""",
    """CREATE OR REPLACE MACRO spark_java_exponent(s) AS CASE
        WHEN contains(s, 'e') THEN spark_java_mantissa(replace(split_part(s, 'e', 1), '.', '')) || 'E' ||
            CAST(CAST(split_part(s, 'e', 2) AS INTEGER) AS VARCHAR)
        WHEN NOT starts_with(s, '0.') THEN spark_java_mantissa(replace(s, '.', '')) || 'E' ||
            CAST(length(split_part(s, '.', 1)) - 1 AS VARCHAR)
        ELSE spark_java_mantissa(ltrim(split_part(s, '.', 2), '0')) || 'E-' ||
            CAST(length(split_part(s, '.', 2)) - length(ltrim(split_part(s, '.', 2), '0')) + 1 AS VARCHAR) END""",
    """CREATE OR REPLACE MACRO spark_double_text(x) AS CASE WHEN isnan(x) THEN 'NaN'
        WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END
        WHEN x = 0 OR (abs(x) >= 0.001 AND abs(x) < 10000000) THEN CAST(x AS VARCHAR)
        ELSE CASE WHEN x < 0 THEN '-' ELSE '' END || spark_java_exponent(CAST(abs(x) AS VARCHAR)) END""",
    """CREATE OR REPLACE MACRO spark_months_between(a, b, rounded) AS CASE
        WHEN day(a) = day(b) OR (a::DATE = last_day(a) AND b::DATE = last_day(b))
        THEN CAST((year(a) - year(b)) * 12 + month(a) - month(b) AS DOUBLE)
        ELSE CASE WHEN rounded THEN round((year(a) - year(b)) * 12 + month(a) - month(b)
            + (day(a) - day(b) + (epoch(a::TIME) - epoch(b::TIME)) / 86400.0) / 31.0, 8)
        ELSE (year(a) - year(b)) * 12 + month(a) - month(b)
            + (day(a) - day(b) + (epoch(a::TIME) - epoch(b::TIME)) / 86400.0) / 31.0 END END""",
    # Full months; DuckDB's date_sub also counts a month from the last day of one month to the last of a shorter one.
    """CREATE OR REPLACE MACRO spark_months_passed(a, b) AS (SELECT CAST(m - CASE
        WHEN m > 0 AND (day(b), b::TIME) < (day(a), a::TIME) THEN 1
        WHEN m < 0 AND (day(b), b::TIME) > (day(a), a::TIME) THEN -1 ELSE 0 END AS BIGINT)
        FROM (SELECT (year(b) - year(a)) * 12 + month(b) - month(a) AS m))""",
    """CREATE OR REPLACE MACRO spark_next_day(d, name) AS (SELECT CASE WHEN wanted IS NULL
        THEN error('[ILLEGAL_DAY_OF_WEEK] Illegal input for day of week: ' || name || '.')
        ELSE d + CAST((wanted - isodow(d) + 6) % 7 + 1 AS INTEGER) END FROM (SELECT CASE upper(left(name, 2))
        WHEN 'MO' THEN 1 WHEN 'TU' THEN 2 WHEN 'WE' THEN 3 WHEN 'TH' THEN 4 WHEN 'FR' THEN 5 WHEN 'SA' THEN 6
        WHEN 'SU' THEN 7 END AS wanted))""",
    """CREATE OR REPLACE MACRO spark_substring(s, p, n) AS CASE WHEN n <= 0 THEN '' WHEN p > 0 THEN substring(s, p, n)
        WHEN p = 0 THEN substring(s, 1, n) WHEN length(s) + p >= 0 THEN substring(s, length(s) + p + 1, n)
        ELSE substring(s, 1, greatest(n + length(s) + p, 0)) END""",
    """CREATE OR REPLACE MACRO spark_substring_index(s, d, n) AS CASE WHEN s IS NULL OR d IS NULL THEN NULL
        WHEN n > 0 THEN array_to_string(list_slice(string_split(s, d), 1, n), d)
        WHEN n < 0 THEN array_to_string(list_slice(string_split(s, d), greatest(len(string_split(s, d)) + n + 1, 1),
            len(string_split(s, d))), d) ELSE '' END""",
    """CREATE OR REPLACE MACRO spark_locate(needle, s, p) AS CAST(CASE WHEN p < 1 THEN 0
        WHEN strpos(substring(s, p), needle) = 0 THEN 0 ELSE strpos(substring(s, p), needle) + p - 1 END AS INTEGER)""",
    """CREATE OR REPLACE MACRO spark_initcap(s) AS array_to_string(list_transform(string_split(lower(s), ' '),
        lambda w: upper(left(w, 1)) || substring(w, 2)), ' ')""",
    """CREATE OR REPLACE MACRO spark_split(s, p, n) AS CASE WHEN n <= 0 OR len(regexp_split_to_array(s, p)) <= n
        THEN regexp_split_to_array(s, p)
        ELSE error('[UNSUPPORTED_FEATURE] The local engine does not support split with a limit.') END""",
    """CREATE OR REPLACE MACRO spark_sha2(s, bits) AS CASE WHEN bits IN (0, 256) THEN sha256(s)
        ELSE error('[UNSUPPORTED_FEATURE] The local engine supports sha2 for 256 bits only.') END""",
    """CREATE OR REPLACE MACRO spark_format_number(x, d) AS
        format('{:,.' || CAST(d AS VARCHAR) || 'f}', CAST(x AS DOUBLE))""",
    """CREATE OR REPLACE MACRO spark_width_bucket(v, lo, hi, n) AS CASE WHEN n <= 0 OR lo = hi THEN NULL
        WHEN lo < hi THEN CASE WHEN v < lo THEN 0 WHEN v >= hi THEN n + 1
            ELSE CAST(floor((v - lo) * n / (hi - lo)) AS BIGINT) + 1 END
        ELSE CASE WHEN v > lo THEN 0 WHEN v <= hi THEN n + 1
            ELSE CAST(floor((lo - v) * n / (lo - hi)) AS BIGINT) + 1 END END""",
)
