"""Routes of Unity Catalog: catalogs, schemas, tables, functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.emulator.api.routing import ApiRequest, Route, page_bounds, page_of
from mlflow_genie_plugin.emulator.api_errors import ApiError, invalid
from mlflow_genie_plugin.emulator.identities import OWNER
from mlflow_genie_plugin.sql_dialect.parse import normalise_name, split_name

if TYPE_CHECKING:
    from mlflow_genie_plugin.sql_engine.catalog_objects import ColumnInfo, TableInfo
    from mlflow_genie_plugin.sql_engine.engine import SqlEngine
    from mlflow_genie_plugin.sql_engine.routines import Routine

_TABLE_TYPES = {"TABLE": "MANAGED"}


def list_catalogs(request: ApiRequest) -> Any:
    return page_of([_catalog(name) for name in _engine(request).catalogs()], _page(request), "catalogs")


def get_catalog(request: ApiRequest) -> Any:
    wanted = request.path["name"].lower()
    for name in _engine(request).catalogs():
        if name.lower() == wanted:
            return _catalog(name)
    raise _missing("CATALOG", f"Catalog '{request.path['name']}' does not exist.")


def list_schemas(request: ApiRequest) -> Any:
    catalog = _required(request, "catalog_name")
    names = [names for names in _schemas(_engine(request)) if names[0].lower() == catalog.lower()]
    return page_of([_schema(*pair) for pair in names], _page(request), "schemas")


def get_schema(request: ApiRequest) -> Any:
    wanted = normalise_name(request.path["full_name"])
    for catalog, schema in _schemas(_engine(request)):
        if f"{catalog}.{schema}".lower() == wanted:
            return _schema(catalog, schema)
    raise _missing("SCHEMA", f"Schema '{request.path['full_name']}' does not exist.")


def list_tables(request: ApiRequest) -> Any:
    catalog, schema = _required(request, "catalog_name").lower(), _required(request, "schema_name").lower()
    engine = _engine(request)
    without_columns = request.query.get("omit_columns", "").lower() == "true"
    found = [info for info in engine.tables() if (info.catalog.lower(), info.schema.lower()) == (catalog, schema)]
    bodies = [_table(engine, info, with_columns=not without_columns) for info in found]
    return page_of(bodies, _page(request), "tables")


def get_table(request: ApiRequest) -> Any:
    engine, wanted = _engine(request), normalise_name(request.path["full_name"])
    for info in engine.tables():
        if normalise_name(info.full_name) == wanted:
            return _table(engine, info, with_columns=True)
    raise _missing("TABLE", f"Table '{request.path['full_name']}' does not exist.")


def table_exists(request: ApiRequest) -> Any:
    wanted = normalise_name(request.path["full_name"])
    return {"table_exists": any(normalise_name(info.full_name) == wanted for info in _engine(request).tables())}


def list_functions(request: ApiRequest) -> Any:
    wanted = (_required(request, "catalog_name").lower(), _required(request, "schema_name").lower())
    found = [
        routine for routine in _engine(request).routines() if split_name(normalise_name(routine.name))[:2] == wanted
    ]
    return page_of([_function(routine) for routine in found], _page(request), "functions")


def get_function(request: ApiRequest) -> Any:
    wanted = normalise_name(request.path["name"])
    for routine in _engine(request).routines():
        if normalise_name(routine.name) == wanted:
            return _function(routine)
    raise _missing("ROUTINE_OR_MODEL", f"Routine or Model '{request.path['name']}' does not exist.")


def _catalog(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "full_name": name,
        "catalog_type": "MANAGED_CATALOG",
        "securable_type": "CATALOG",
        "owner": OWNER,
    }


def _schema(catalog: str, schema: str) -> dict[str, Any]:
    return {"name": schema, "catalog_name": catalog, "full_name": f"{catalog}.{schema}", "owner": OWNER}


def _table(engine: SqlEngine, info: TableInfo, *, with_columns: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": info.name,
        "catalog_name": info.catalog,
        "schema_name": info.schema,
        "full_name": info.full_name,
        "table_type": _TABLE_TYPES.get(info.kind, info.kind),
        "owner": OWNER,
    }
    if info.kind == "TABLE":
        body["data_source_format"] = "DELTA"
    if info.comment:
        body["comment"] = info.comment
    if (view := engine.metric_view(info.full_name)) is not None:
        body["view_definition"] = view.yaml_text
    if with_columns:
        body["columns"] = [_column(column, index) for index, column in enumerate(engine.columns(info.full_name))]
    return body


def _column(column: ColumnInfo, position: int) -> dict[str, Any]:
    body = {**_typed(column.name, column.type_name, column.type_text, position), "nullable": column.nullable}
    if column.comment:
        body["comment"] = column.comment
    return body


def _typed(name: str, type_name: str, type_text: str, position: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": name,
        "type_name": type_name,
        "type_text": type_text.lower(),
        "position": position,
    }
    if match := re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", type_text, re.IGNORECASE):
        body["type_precision"], body["type_scale"] = int(match[1]), int(match[2])
    return body


def _function(routine: Routine) -> dict[str, Any]:
    catalog, schema, name = split_name(routine.name)
    returns = ", ".join(f"{column.name} {column.type_text}" for column in routine.returns)
    body: dict[str, Any] = {
        "name": name,
        "catalog_name": catalog,
        "schema_name": schema,
        "full_name": routine.name,
        "data_type": "TABLE_TYPE",
        "full_data_type": f"({returns})",
        "routine_body": "SQL",
        "routine_definition": routine.sql,
        "is_deterministic": True,
        "sql_data_access": "READS_SQL_DATA",
        "owner": OWNER,
        "input_params": {
            "parameters": [
                _parameter(item.name, item.type_text, item.comment, index, item.default)
                for index, item in enumerate(routine.parameters)
            ]
        },
        "return_params": {
            "parameters": [
                _parameter(item.name, item.type_text, item.comment, index, None)
                for index, item in enumerate(routine.returns)
            ]
        },
    }
    if routine.comment:
        body["comment"] = routine.comment
    return body


def _parameter(name: str, type_text: str, comment: str, position: int, default: str | None) -> dict[str, Any]:
    body = _typed(name, _TYPE_NAMES.get(base := type_text.partition("(")[0].upper(), base), type_text, position)
    if comment:
        body["comment"] = comment
    if default is not None:
        body["parameter_default"] = default
    return body


_TYPE_NAMES = {"BIGINT": "LONG", "INTEGER": "INT", "SMALLINT": "SHORT", "TINYINT": "BYTE", "NUMERIC": "DECIMAL"}


def _schemas(engine: SqlEngine) -> list[tuple[str, str]]:
    return sorted({(info.catalog, info.schema) for info in engine.tables()})


def _engine(request: ApiRequest) -> SqlEngine:
    return request.world.warehouse.engine


def _required(request: ApiRequest, name: str) -> str:
    value = request.query.get(name)
    if not value:
        raise invalid(f"Missing required field: {name}")
    return value


def _page(request: ApiRequest) -> tuple[int, int]:
    query = {**request.query, "page_size": request.query.get("max_results", "")}
    return page_bounds(query, 1000, 1000)


def _missing(kind: str, message: str) -> ApiError:
    return ApiError(404, f"{kind}_DOES_NOT_EXIST", message)


_UC = "/api/2.1/unity-catalog"
ROUTES = [
    Route("catalogs.list", "GET", f"{_UC}/catalogs", list_catalogs),
    Route("catalogs.get", "GET", f"{_UC}/catalogs/{{name}}", get_catalog),
    Route("schemas.list", "GET", f"{_UC}/schemas", list_schemas),
    Route("schemas.get", "GET", f"{_UC}/schemas/{{full_name}}", get_schema),
    Route("tables.list", "GET", f"{_UC}/tables", list_tables, blocking=True),
    Route("tables.get", "GET", f"{_UC}/tables/{{full_name}}", get_table, blocking=True),
    Route("tables.exists", "GET", f"{_UC}/tables/{{full_name}}/exists", table_exists),
    Route("functions.list", "GET", f"{_UC}/functions", list_functions),
    Route("functions.get", "GET", f"{_UC}/functions/{{name}}", get_function),
]
