"""Resolves the names in expressions: columns, struct fields, measures, function calls."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.evaluation.names import problem as name_problem
from mlflow_genie_plugin.evaluation.names.function_arguments import argument_problem
from mlflow_genie_plugin.evaluation.names.problem import NameProblem, Resolution
from mlflow_genie_plugin.evaluation.names.scope import OPEN, Found, KnownColumn, Match, Relation, Scope, missing_field
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SpaceSchema
from mlflow_genie_plugin.sql_dialect import split_name
from mlflow_genie_plugin.sql_dialect.assets import BUILTIN_TABLE_FUNCTIONS, function_name, identifier_text, is_measure

Ctes = Mapping[str, Relation]
Aliases = Mapping[str, KnownColumn]

# Functions that are written without brackets and that the parser reads as columns.
_SESSION = """current_catalog current_database current_date current_role current_schema current_time current_timestamp
    current_timezone current_user localtimestamp session_user user"""
SESSION_FUNCTIONS = frozenset(_SESSION.split())
_UNITS = """microsecond millisecond second minute hour day dayofyear week month quarter year"""
TIME_UNITS = frozenset(_UNITS.split())
_WITH_UNIT = frozenset(["date_add", "date_diff", "dateadd", "datediff", "timestampadd", "timestampdiff"])

# Column names of generators that have no alias list.
_GENERATED = {"explode": ("col",), "explode_outer": ("col",), "posexplode": ("pos", "col"), "range": ("id",),
              "posexplode_outer": ("pos", "col")}  # fmt: skip


class ExpressionNames(ABC):
    """Looks names up, and keeps what became of them in ``result``."""

    def __init__(self, schema: SpaceSchema, listed: SpaceAssets, parameters: Mapping[str, Any]) -> None:
        self._parameters = parameters
        self._functions = {name: schema.assets.get(name) or SchemaAsset(name, "TVF") for name in listed.functions}
        self._tables = {
            name: schema.assets.get(name) or SchemaAsset(name, kind)
            for kind, names in (("TABLE", listed.tables), ("MV", listed.metric_views))
            for name in sorted(names)
        }
        self.result = Resolution()

    @abstractmethod
    def query(self, node: exp.Expr, ctes: Ctes, outer: Scope | None) -> Relation:
        """Resolve a query and return its columns."""

    def expression(
        self,
        node: Any,
        scope: Scope,
        ctes: Ctes,
        aliases: Aliases | None = None,
        *,
        alias_first: bool = False,
        locals_: frozenset[str] = frozenset(),
    ) -> Match | None:
        """Resolve the names of an expression; return what it means when it is a name itself."""
        aliases = aliases or {}
        if node is None or not isinstance(node, exp.Expr):
            return None

        def inside(child: Any, names: frozenset[str] = locals_) -> Match | None:
            return self.expression(child, scope, ctes, aliases, alias_first=alias_first, locals_=names)

        if isinstance(node, exp.Column):
            if isinstance(node.this, exp.Star):
                return None  # count(t.*): the star names no column
            return None if node.parts[0].name.lower() in locals_ else self._column(
                node, scope, aliases, alias_first=alias_first
            )  # fmt: skip
        if isinstance(node, exp.Dot):
            flat = list(node.flatten())
            if isinstance(flat[0], exp.Column) and all(isinstance(part, exp.Identifier) for part in flat[1:]):
                parts = [part.name for part in (*flat[0].parts, *flat[1:])]
                return None if parts[0].lower() in locals_ else self._look_up(
                    tuple(part.lower() for part in parts), ".".join(parts), scope, aliases, alias_first=alias_first
                )  # fmt: skip
            if isinstance(flat[-1], exp.Func) and all(isinstance(part, exp.Identifier) for part in flat[:-1]):
                self._call(
                    (*(part.name for part in flat[:-1]), function_name(flat[-1])), flat[-1], scope, ctes, aliases
                )
                return None
            for part in flat:
                if not isinstance(part, exp.Identifier):
                    inside(part)
            return None
        if isinstance(node, exp.Query):
            self.query(node, ctes, scope)
            return None
        if isinstance(node, exp.Lambda):
            inside(node.this, locals_ | {part.name.lower() for part in node.expressions})
            return None
        if isinstance(node, exp.DataType | exp.JSONPath):
            return None
        if isinstance(node, exp.Kwarg):
            return inside(node.expression)
        if is_measure(node):
            for argument in node.expressions:
                self._measure(argument, scope)
            return None
        if isinstance(node, exp.Anonymous):
            if (name := self._identifier(node)) is not None:
                return self._look_up(
                    tuple(part.lower() for part in name), ".".join(name), scope, aliases, alias_first=alias_first
                )
            if fitting(function_name(node), self._functions):
                self._call((function_name(node),), node, scope, ctes, aliases)
                return None
            arguments = node.expressions
            if function_name(node) in _WITH_UNIT and arguments and arguments[0].name.lower() in TIME_UNITS:
                arguments = arguments[1:]
            for argument in arguments:
                inside(argument)
            return None
        found = None
        for child in node.iter_expressions():
            found = inside(child)
        return found if isinstance(node, exp.Paren) else None

    def _column(self, node: exp.Column, scope: Scope, aliases: Aliases, *, alias_first: bool = False) -> Match | None:
        parts = [part.name for part in node.parts]
        if len(parts) == 1 and parts[0].lower() in SESSION_FUNCTIONS:
            match = scope.find((parts[0].lower(),), aliases, alias_first=alias_first)
            if match.found in (Found.NO, Found.UNKNOWN):
                return None
        lowered = tuple(part.lower() for part in parts)
        return self._look_up(lowered, ".".join(parts), scope, aliases, alias_first=alias_first)

    def _look_up(
        self, parts: tuple[str, ...], shown: str, scope: Scope, aliases: Aliases, *, alias_first: bool
    ) -> Match:
        match = scope.find(parts, aliases, alias_first=alias_first)
        problem: NameProblem | None = None
        column = match.column
        if match.found is Found.UNKNOWN:
            self.result.unchecked.append(shown)
        elif match.found is Found.AMBIGUOUS:
            problem = name_problem.ambiguous_column(shown, match.candidates)
        elif match.found is Found.NO:
            if len(parts) > 1 and not match.qualified:
                problem = name_problem.unknown_qualifier(shown, [*scope.aliases(), *match.candidates])
            else:
                asset = self._only_asset(scope, match.qualified)
                problem = name_problem.unknown_column(shown, match.qualified, match.candidates, asset)
        elif column is not None:
            if column.origin is not None:
                self.result.columns.add(column.origin)
            if column.is_measure:
                view = column.origin[0] if column.origin else "the metric view"
                problem = name_problem.measure_without_call(column.name, view)
            elif (lost := missing_field(column.type_text, match.fields)) is not None:
                problem = name_problem.unknown_field(shown, lost[0], lost[1], column.origin)
        self._refer(problem)
        return match

    def _measure(self, argument: exp.Expr, scope: Scope) -> None:
        """Resolve what stands in ``MEASURE()``."""
        if not isinstance(argument, exp.Column):
            self._refer(name_problem.measure_of_no_measure(argument.sql("databricks"), None, (), is_dimension=False))
            return
        match = scope.find(tuple(part.name.lower() for part in argument.parts))
        column = match.column
        if match.found is Found.UNKNOWN:
            self.result.unchecked.append(argument.name)
            self._refer(None)
            return
        if column is not None and column.is_measure:
            if column.origin is not None:
                self.result.columns.add(column.origin)
            self._refer(None)
            return
        views = {
            item.origin[0]: [each.name for each in source.relation.columns if each.is_measure]
            for source in scope.visible
            for item in source.relation.columns
            if item.is_measure and item.origin
        }
        view = column.origin[0] if column and column.origin and column.origin[0] in views else next(iter(views), None)
        measures = views.get(view or "", [])
        self._refer(name_problem.measure_of_no_measure(argument.name, view, measures, is_dimension=column is not None))

    def _call(self, parts: tuple[str, ...], call: exp.Func, scope: Scope, ctes: Ctes, aliases: Aliases) -> Relation:
        """Resolve a call of a function that may be one of the catalog; return the columns of a table function."""
        arguments = call.expressions if isinstance(call, exp.Anonymous) else list(call.iter_expressions())
        for argument in arguments:
            self.expression(argument, scope, ctes, aliases)
        name = ".".join(parts)
        names = fitting(name, self._functions)
        if len(parts) == 1 and (name in BUILTIN_TABLE_FUNCTIONS or not names):
            return Relation(tuple(map(KnownColumn, _GENERATED[name]))) if name in _GENERATED and not _is_map(
                arguments
            ) else OPEN  # fmt: skip
        if not names:
            self._refer(name_problem.unlisted_function(name, self._functions))
            return OPEN
        if len(names) > 1:
            self._refer(None)
            return OPEN
        function = self._functions[names[0]]
        if function.parameters is None:
            self.result.unknown_assets.append(function.name)
        # A function that has the name of one the parser knows arrives with its arguments rearranged: not judged.
        self._refer(argument_problem(function, arguments) if isinstance(call, exp.Anonymous) else None)
        if function.columns is None:
            return OPEN
        return Relation(tuple(KnownColumn(column.name, column.type_text) for column in function.columns))

    def _identifier(self, call: exp.Expr) -> tuple[str, ...] | None:
        """Return the parts of the name in ``IDENTIFIER('…')``, None when it is another call or cannot be told."""
        text = identifier_text(call, self._parameters)
        return None if text is None else split_name(text)

    def _refer(self, problem: NameProblem | None) -> None:
        self.result.references += 1
        if problem is not None:
            self.result.problems.append(problem)

    def _only_asset(self, scope: Scope, qualified: str) -> SchemaAsset | None:
        """Return the asset that a missing column was to come from, when only one can be meant."""
        qualifier = tuple(qualified.split(".")) if qualified else ()
        meant = [source for source in scope.visible if not qualifier or source.answers_to(qualifier)]
        return self._tables.get(meant[0].relation.asset) if len(meant) == 1 else None


def fitting(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that a name (perhaps written in part) can mean."""
    wanted = name.lower()
    names = list(known)
    return [wanted] if wanted in names else [full for full in names if full.endswith(f".{wanted}")]


def _is_map(arguments: Sequence[exp.Expr]) -> bool:
    # explode() of a map gives key and value; a column may hold either, and only a literal array surely gives one.
    return not (arguments and isinstance(arguments[0], exp.Array | exp.Literal | exp.GenerateSeries | exp.Split))
