"""Functions that read JSON by a schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.sql_engine.casts import cast_to
from mlflow_genie_plugin.sql_engine.errors import failed, unsupported
from mlflow_genie_plugin.sql_engine.functions.result_types import parse_schema
from mlflow_genie_plugin.sql_engine.spark_types import SparkType
from mlflow_genie_plugin.sql_engine.templates import fill, need, text_literal

_NAMES = {"STRING": "VARCHAR", "INT": "INTEGER", "TIMESTAMP_NTZ": "TIMESTAMP"}


def _structure(kind: SparkType | None) -> Any:
    """Write a type the way DuckDB's json_transform wants it."""
    if kind is None or not kind.is_known:
        raise unsupported("from_json with this schema")
    if kind.kind == "STRUCT":
        return {name: _structure(field) for name, field in kind.fields}
    if kind.kind == "ARRAY":
        return [_structure(kind.items[0])]
    if kind.kind == "MAP":
        if any(item is not None and item.items + item.fields for item in kind.items):
            raise unsupported("from_json with nested values in a map")
        return f"MAP({', '.join(str(_structure(item)) for item in kind.items)})"
    return kind.text().upper() if kind.is_decimal else _NAMES.get(kind.kind, kind.kind)


def _from_json(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 2)
    schema = arguments[1]
    if not (isinstance(schema, exp.Literal) and schema.is_string):
        raise unsupported("from_json with a schema that is not a string literal")
    kind = parse_schema(schema.name)
    if kind is None:
        raise failed("PARSE_SYNTAX_ERROR", f"The schema {schema.name!r} cannot be read.", "42601")
    structure = text_literal(json.dumps(_structure(kind)))
    # Text that is no JSON gives a struct of NULLs, and NULL for other types.
    broken = "json_transform('{}', " + structure + ")" if kind.kind == "STRUCT" else "NULL"
    return fill(
        f"CASE WHEN _1 IS NULL THEN NULL WHEN json_valid(_1) THEN json_transform(_1, {structure}) ELSE {broken} END",
        arguments[0],
    )


def _variant_get(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 2, 3)
    if len(arguments) == 2:
        raise unsupported("variant_get without a type")
    wanted = arguments[2]
    if not (isinstance(wanted, exp.Literal) and wanted.is_string):
        raise unsupported("variant_get with a type that is not a string literal")
    text = fill("json_extract_string(_1, _2)", arguments[0], arguments[1])
    target = exp.DataType.build(wanted.name, dialect="databricks")
    return cast_to(text, target, lenient=name.startswith("try_"))


JSON_BUILDERS: dict[str, Callable[[str, list[exp.Expr]], exp.Expr]] = {
    "from_json": _from_json,
    "variant_get": _variant_get,
    "try_variant_get": _variant_get,
}
