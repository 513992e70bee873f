"""What the names in two queries stand for: tables to generate, metric views and functions to look into."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from mlflow_genie_plugin.errors import GenieError, SqlFailedError
from mlflow_genie_plugin.evaluation.refuter.sources import BaseTable
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SpaceSchema
from mlflow_genie_plugin.sql_dialect import SqlParseError, normalise_name
from mlflow_genie_plugin.sql_dialect.assets import BUILTIN_TABLE_FUNCTIONS
from mlflow_genie_plugin.sql_dialect.calls import parse_calls
from mlflow_genie_plugin.sql_engine.metric_view_yaml import MetricJoin, MetricView, parse_metric_view
from mlflow_genie_plugin.sql_engine.routines import Routine, RoutineParameter, expand_call

_RETURN = re.compile(r"\s*RETURN\b", re.IGNORECASE)


class MissingDefinitionError(Exception):
    """Raised when the schema does not tell what is needed; the message says what."""


@dataclass
class Definitions:
    """Resolves names; collects the metric views and functions that were met, by full name.

    With no schema every name is a table, whose columns are those that the queries use.
    """

    schema: SpaceSchema | None
    views: dict[str, MetricView] = field(default_factory=dict)
    routines: dict[str, Routine] = field(default_factory=dict)
    texts: dict[str, dict[str, object]] = field(default_factory=dict)
    _free: set[str] = field(default_factory=set)

    def lookup(self, table: exp.Table) -> BaseTable | exp.Expr | None:
        """Return what a FROM item stands for.

        Raises:
            MissingDefinitionError: The schema does not have it, or has no definition of it.
        """
        this = table.this
        if isinstance(this, exp.Func):
            return self._function(table, this)
        name = normalise_name(".".join(f"`{part.name}`" for part in table.parts))
        asset = self.schema.asset(name) if self.schema is not None else None
        if asset is None:
            if self.schema is not None and name not in self._free:
                why = f" ({self.schema.problem})" if self.schema.problem else ""
                raise MissingDefinitionError(f"the columns of {name} are not known{why}")
            return BaseTable(name, None)
        if asset.kind == "MV":
            return self._metric_view(asset)
        if asset.kind == "TVF":
            raise MissingDefinitionError(f"{asset.name} is a function, but the query reads it as a table")
        return BaseTable(asset.name, _columns(asset))

    def _metric_view(self, asset: SchemaAsset) -> exp.Expr:
        if not asset.definition:
            raise MissingDefinitionError(f"the definition of the metric view {asset.name} could not be read")
        try:
            view = parse_metric_view(asset.definition)
            tree = _as_query(view)
        except (GenieError, SqlParseError) as error:
            raise MissingDefinitionError(
                f"the definition of the metric view {asset.name} cannot be used: {error}"
            ) from error
        self.views[asset.name] = view
        self.texts[asset.name] = {"yaml": asset.definition}
        self._meet(tree)
        return tree

    def _function(self, table: exp.Table, call: exp.Func) -> exp.Expr | None:
        qualifier = [part.name for part in (table.args.get("catalog"), table.args.get("db")) if part is not None]
        if not isinstance(call, exp.Anonymous):
            return None
        name = str(call.this).lower()
        if not qualifier and name == "table" and len(call.expressions) == 1:
            flat = list(call.expressions[0].flatten()) if isinstance(call.expressions[0], exp.Dot) else call.expressions
            if not isinstance(flat[-1], exp.Anonymous):
                return None
            qualifier, call = [part.name for part in flat[:-1]], flat[-1]
            name = str(call.this).lower()
        if not qualifier and (name in BUILTIN_TABLE_FUNCTIONS or name == "identifier"):
            if name == "identifier":
                raise MissingDefinitionError("a table is named by IDENTIFIER()")
            return None
        full = ".".join([*qualifier, name]).lower()
        asset = self.schema.asset(full) if self.schema is not None else None
        if asset is None or asset.kind != "TVF":
            raise MissingDefinitionError(f"the function {full} is not known")
        if not asset.definition or asset.parameters is None:
            raise MissingDefinitionError(f"the definition of the function {asset.name} could not be read")
        routine = _routine(asset)
        try:
            body = expand_call(routine, call.expressions, lambda _: frozenset())
        except SqlFailedError as error:
            raise MissingDefinitionError(error.what) from error
        self.routines[asset.name] = routine
        self.texts[asset.name] = {"function": routine.to_json()}
        self._meet(body)
        return body

    def _meet(self, tree: exp.Expr) -> None:
        """Let tables inside a definition be ones that the space does not list: definitions read what they like."""
        listed = set(self.schema.assets) if self.schema is not None else set()
        for table in tree.find_all(exp.Table):
            if isinstance(table.this, exp.Identifier):
                name = normalise_name(".".join(f"`{part.name}`" for part in table.parts))
                if name not in listed:
                    self._free.add(name)


def _columns(asset: SchemaAsset) -> tuple[str, ...] | None:
    return None if asset.columns is None else tuple(column.name.lower() for column in asset.columns)


def _routine(asset: SchemaAsset) -> Routine:
    # Defaults are not captured, so a call that leaves a parameter out is refused by the binding of arguments.
    parameters = tuple(RoutineParameter(each.name, each.type_text or "STRING") for each in asset.parameters or ())
    return Routine(asset.name, parameters, _RETURN.sub("", asset.definition or "", count=1).strip().rstrip(";"))


def _as_query(view: MetricView) -> exp.Select:
    """Return a query that reads what a metric view reads, with its dimensions and measures as columns."""
    columns = [f"{each.expr} AS `{each.name}`" for each in (*view.dimensions, *view.measures)]
    source = view.source.strip().rstrip(";")
    is_query = source.lstrip(" (").lower().startswith(("select", "with", "from"))
    joins = "".join(_join(join, "source") for join in view.joins)
    where = f" WHERE {view.filter}" if view.filter else ""
    text = f"SELECT {', '.join(columns)} FROM {f'({source})' if is_query else source} AS source{joins}{where}"  # noqa: S608 only read, never run
    tree = parse_calls(text)
    if not isinstance(tree, exp.Select):
        raise SqlParseError("the definition is not one query")
    return tree


def _join(join: MetricJoin, parent: str) -> str:
    on = join.on or " AND ".join(f"{parent}.`{name}` = `{join.name}`.`{name}`" for name in join.using)
    own = f" LEFT JOIN {join.source} AS `{join.name}` ON {on}"
    return own + "".join(_join(nested, join.name) for nested in join.joins)


def texts_to_definitions(texts: Mapping[str, Mapping[str, object]]) -> tuple[dict[str, MetricView], dict[str, Routine]]:
    """Return the metric views and functions that :attr:`Definitions.texts` of an earlier run holds."""
    views = {name: parse_metric_view(str(each["yaml"])) for name, each in texts.items() if "yaml" in each}
    routines = {name: Routine.from_json(str(each["function"])) for name, each in texts.items() if "function" in each}
    return views, routines
