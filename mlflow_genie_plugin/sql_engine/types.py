"""Names of types in both directions: DuckDB's to the warehouse's (result manifests), the warehouse's to DuckDB's."""

from __future__ import annotations

import re

# DuckDB type → (type_name of a result manifest, SQL text of the type).
_NAMES = {
    "BOOLEAN": ("BOOLEAN", "BOOLEAN"),
    "TINYINT": ("BYTE", "TINYINT"),
    "SMALLINT": ("SHORT", "SMALLINT"),
    "INTEGER": ("INT", "INT"),
    "BIGINT": ("LONG", "BIGINT"),
    # DuckDB widens sums of integers; the warehouse's sum is BIGINT.
    "HUGEINT": ("LONG", "BIGINT"),
    "UTINYINT": ("SHORT", "SMALLINT"),
    "USMALLINT": ("INT", "INT"),
    "UINTEGER": ("LONG", "BIGINT"),
    "UBIGINT": ("LONG", "BIGINT"),
    "FLOAT": ("FLOAT", "FLOAT"),
    "DOUBLE": ("DOUBLE", "DOUBLE"),
    "VARCHAR": ("STRING", "STRING"),
    "UUID": ("STRING", "STRING"),
    "JSON": ("STRING", "STRING"),
    "DATE": ("DATE", "DATE"),
    "BLOB": ("BINARY", "BINARY"),
    "INTERVAL": ("INTERVAL", "INTERVAL"),
    "NULL": ("NULL", "VOID"),
    '"NULL"': ("NULL", "VOID"),
}

_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)\Z")


def spark_type(duckdb_type: str) -> tuple[str, str]:
    """Return ``(type_name, type_text)`` as a warehouse's result manifest gives them: ``("LONG", "BIGINT")``."""
    name = duckdb_type.strip()
    if name in _NAMES:
        return _NAMES[name]
    if match := _DECIMAL.match(name):
        return "DECIMAL", f"DECIMAL({match[1]},{match[2]})"
    if name.startswith("TIMESTAMP"):
        return "TIMESTAMP", "TIMESTAMP"
    if name.endswith("]"):
        return "ARRAY", f"ARRAY<{spark_type(name[: name.rindex('[')])[1]}>"
    if name.startswith("MAP("):
        key, value = _arguments(name[len("MAP(") : -1])
        return "MAP", f"MAP<{spark_type(key)[1]}, {spark_type(value)[1]}>"
    if name.startswith("STRUCT("):
        return "STRUCT", f"STRUCT<{', '.join(map(_field, _arguments(name[len('STRUCT(') : -1])))}>"
    if name.startswith("TUPLE("):
        fields = enumerate(_arguments(name[len("TUPLE(") : -1]), 1)
        return "STRUCT", f"STRUCT<{', '.join(f'col{number}: {spark_type(each)[1]}' for number, each in fields)}>"
    return "STRING", "STRING"


def _field(text: str) -> str:
    name, _, type_text = text.strip().partition('" ') if text.strip().startswith('"') else text.strip().partition(" ")
    return f"{name.strip(chr(34))}: {spark_type(type_text)[1]}"


def _arguments(text: str) -> list[str]:
    """Split at commas outside brackets and quotes."""
    parts, depth, quoted, current = [], 0, False, ""
    for char in text:
        if char == '"':
            quoted = not quoted
        elif char in "([" and not quoted:
            depth += 1
        elif char in ")]" and not quoted:
            depth -= 1
        if char == "," and depth == 0 and not quoted:
            parts.append(current.strip())
            current = ""
        else:
            current += char
    return [*parts, current.strip()]
