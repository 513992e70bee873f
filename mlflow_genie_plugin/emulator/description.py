"""What ``DESCRIBE TABLE EXTENDED … AS JSON`` answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.sql_dialect.data_type import parse_type, type_to_json

if TYPE_CHECKING:
    from mlflow_genie_plugin.sql_engine.catalog_objects import TableInfo
    from mlflow_genie_plugin.sql_engine.engine import SqlEngine


def description_of(engine: SqlEngine, info: TableInfo) -> dict[str, Any]:
    """Describe a table, view or metric view; columns of a metric view say whether they are measures."""
    view = engine.metric_view(info.full_name)
    columns = []
    for column in engine.columns(info.full_name):
        described = {
            "name": column.name,
            "type": type_to_json(parse_type(column.type_text)),
            "nullable": column.nullable,
            **({"comment": column.comment} if column.comment else {}),
        }
        columns.append(described if view is None else {**described, "is_measure": column.role == "measure"})
    document: dict[str, Any] = {
        "table_name": info.name,
        "catalog_name": info.catalog,
        "namespace": [info.schema],
        "schema_name": info.schema,
        "columns": columns,
        "type": {"TABLE": "MANAGED"}.get(info.kind, info.kind),
    }
    if info.comment:
        document["comment"] = info.comment
    return document if view is None else {**document, "view_text": view.yaml_text, "language": "YAML"}
