"""Databricks SQL as text and tree, without an engine: parse, judge safety, list assets, rename identifiers.

SQL that is sent anywhere is always its author's original text. Trees are for reading only, because rendering a tree
again changes meaning in places (``percentile_cont`` becomes ``PERCENTILE_APPROX``, function names change case).
"""

from mlflow_genie_plugin.sql_dialect.assets import AssetRef, assets_in, has_measure, parameters_in
from mlflow_genie_plugin.sql_dialect.parse import normalise_name, parse_query, split_name
from mlflow_genie_plugin.sql_dialect.read_only import read_only_reason, require_read_only
from mlflow_genie_plugin.sql_dialect.rename import replace_identifiers
from mlflow_genie_plugin.sql_dialect.tokens import SqlParseError

__all__ = [
    "AssetRef",
    "SqlParseError",
    "assets_in",
    "has_measure",
    "normalise_name",
    "parameters_in",
    "parse_query",
    "read_only_reason",
    "replace_identifiers",
    "require_read_only",
    "split_name",
]
