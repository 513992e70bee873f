"""What a serving endpoint is told of a saved space: how questions and answers look, and what it needs access to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlflow_genie_plugin.space.config import SpaceConfig

if TYPE_CHECKING:
    from mlflow.models import ModelSignature
    from mlflow.models.resources import Resource


def default_signature() -> ModelSignature:
    """Return the signature: one unnamed string column in, one row per question out.

    Unnamed, because MLflow then accepts a string, a list, dicts, a DataFrame and a Series; a named column would not.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType, Array

    text = [ColSpec("string", name) for name in ("question", "status")]
    optional = [ColSpec("string", name, required=False) for name in ("sql", "text")]
    result = [
        ColSpec(Array(DataType.string), "columns", required=False),
        ColSpec(Array(Array(AnyType())), "rows", required=False),  # type: ignore[no-untyped-call]
        ColSpec("long", "row_count", required=False),
        ColSpec("boolean", "truncated", required=False),
        ColSpec("double", "latency_seconds"),
    ]
    ids = [ColSpec("string", name, required=False) for name in ("conversation_id", "message_id", "error")]
    return ModelSignature(inputs=Schema([ColSpec("string")]), outputs=Schema([*text, *optional, *result, *ids]))


def default_resources(config: SpaceConfig) -> list[Resource]:
    """Return what a serving endpoint needs access to: the space, its warehouse, its tables and functions."""
    from mlflow.models import resources

    found: list[Resource] = []
    if config.space_id:
        found.append(resources.DatabricksGenieSpace(genie_space_id=config.space_id))
    if config.envelope.warehouse_id:
        found.append(resources.DatabricksSQLWarehouse(warehouse_id=config.envelope.warehouse_id))
    tables = dict.fromkeys([*config.tables(), *config.metric_views()])
    found.extend(resources.DatabricksTable(table_name=name) for name in tables)
    found.extend(resources.DatabricksFunction(function_name=name) for name in dict.fromkeys(config.functions()))
    return found
