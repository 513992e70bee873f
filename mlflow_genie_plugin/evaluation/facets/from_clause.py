"""Reading FROM, JOIN and LATERAL: sources, joins, and which of them an outer join may fill with NULL."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.facet import UnanalysableError
from mlflow_genie_plugin.evaluation.facets.level import Edge, Filter, Level
from mlflow_genie_plugin.evaluation.facets.normal_form import NormalForm
from mlflow_genie_plugin.evaluation.facets.query_reader import QueryReader
from mlflow_genie_plugin.evaluation.facets.scope import Scope, Source
from mlflow_genie_plugin.evaluation.facets.subqueries import CommonTable, is_plain
from mlflow_genie_plugin.evaluation.facets.where import add_conditions
from mlflow_genie_plugin.sql_dialect.assets import dotted_name, function_name

_TABLE_CLAUSES = frozenset({"this", "db", "catalog", "alias", "joins", "hints"})


class FromClause:
    """Reads the sources of one SELECT into its scope and level."""

    def __init__(
        self,
        reader: QueryReader,
        tree: exp.Select,
        level: Level,
        scope: Scope,
        forms: NormalForm,
        visible: Mapping[str, CommonTable],
    ) -> None:
        self._reader, self._tree, self._level = reader, tree, level
        self._scope, self._forms, self._visible = scope, forms, visible

    def read(self) -> None:
        tree = self._tree
        joins = list(tree.args.get("joins") or ())
        if (start := tree.args.get("from_")) is not None:
            # A filter inside the first subquery is a filter of the whole, unless its rows may be filled with NULL.
            self._source(start.this, may_merge=not any(join.side in ("RIGHT", "FULL") for join in joins))
        for index, join in enumerate(joins):
            self._join(join, may_merge=not any(later.side in ("RIGHT", "FULL") for later in joins[index + 1 :]))
        for lateral in tree.args.get("laterals") or ():
            self._lateral(lateral)

    def _join(self, join: exp.Join, *, may_merge: bool) -> None:
        scope, level = self._scope, self._level
        before = list(scope.sources)
        bases_before = len(level.sources)
        side, kind = join.side.upper(), join.kind.upper()
        is_inner = not side and kind not in ("SEMI", "ANTI")
        self._source(join.this, may_merge=may_merge and is_inner)
        added = [source for source in scope.sources if source not in before]
        new_bases, old_bases = level.sources[bases_before:], level.sources[:bases_before]
        if side in ("LEFT", "FULL") or kind in ("SEMI", "ANTI"):
            label = kind if kind in ("SEMI", "ANTI") else side
            level.nullable |= {source.number: label for source in new_bases}
        if side in ("RIGHT", "FULL"):
            level.nullable |= {source.number: "LEFT" if side == "RIGHT" else side for source in old_bases}
        names = [name.name.lower() for name in join.args.get("using") or ()]
        if join.method.upper() == "NATURAL":
            names = self._shared_names(before, added)
        for name in names:
            self._equate(name, before, added, join)
        if (condition := join.args.get("on")) is not None:
            if is_inner:
                add_conditions(self._level, self._forms, condition, "ON")
            else:
                self._outer_condition(condition, side or kind)

    def _outer_condition(self, condition: exp.Expr, kind: str) -> None:
        """Read the ON of an outer join: equalities join, whatever else it says filters only what is joined."""
        level = self._level
        filters = len(level.filters)
        add_conditions(self._level, self._forms, condition, "ON")
        level.filters[filters:] = [Filter(each.condition, f"ON of a {kind} JOIN") for each in level.filters[filters:]]

    def _shared_names(self, before: list[Source], added: list[Source]) -> list[str]:
        if not all(source.is_known for source in (*before, *added)):
            raise UnanalysableError("NATURAL JOIN joins on columns that are not known here")
        names = [{name for source in side for name, _ in source.columns()} for side in (before, added)]
        return sorted(names[0] & names[1])

    def _equate(self, name: str, before: list[Source], added: list[Source], join: exp.Join) -> None:
        sides = []
        for group in (before, added):
            sure = [form for source in group if (form := source.find(name)) is not None]
            sides.append(sure[0] if sure else group[-1].assumed(name) if group else None)
        left, right = sides
        if left is not None and right is not None:
            self._level.edges.append(Edge(left, right, join))

    def _source(self, node: exp.Expr, *, may_merge: bool) -> None:
        if isinstance(node, exp.Table):
            self._table(node, may_merge=may_merge)
        elif isinstance(node, exp.Subquery):
            self._subquery(node, may_merge=may_merge)
        elif isinstance(node, exp.Lateral):
            self._lateral(node)
        elif isinstance(node, exp.Values | exp.Unnest):
            self._generated(node, node.key)
        else:
            raise UnanalysableError(f"{node.key.upper()} in FROM is not understood")
        for join in node.args.get("joins") or ():
            self._join(join, may_merge=may_merge)

    def _table(self, table: exp.Table, *, may_merge: bool) -> None:
        if table.args.get("pivots"):
            raise UnanalysableError("PIVOT is not understood")
        for key, value in table.args.items():
            if value and key not in _TABLE_CLAUSES:
                each = value if isinstance(value, list) else [value]
                self._level.others.update(f"{key} {item.sql('databricks').lower()}" for item in each)
        if isinstance(table.this, exp.Func):
            self._call(table)
            return
        name = dotted_name(table).lower()
        common = self._visible.get(name)
        label = table.alias_or_name.lower()
        if common is not None:
            self._query(common.query, label, common.columns, common.visible, may_merge=may_merge)
            return
        asset = self._reader.schema.asset(name)
        types = None
        if asset is not None and asset.columns is not None:
            types = {column.name.lower(): column.type_text for column in asset.columns}
        self._add(self._reader.new_source(label, asset.name if asset is not None else name, types))

    def _call(self, table: exp.Table) -> None:
        """Read a table function; its arguments are kept by the names of its parameters, where those are known."""
        call = table.this
        qualifier = [part.name for part in (table.args.get("catalog"), table.args.get("db")) if part is not None]
        name = function_name(call)
        if name == "table" and len(call.expressions) == 1:
            inner = call.expressions[0]
            parts = list(inner.flatten()) if isinstance(inner, exp.Dot) else [inner]
            if not isinstance(parts[-1], exp.Func):
                raise UnanalysableError("TABLE() of something that is no call is not understood")
            call, qualifier = parts[-1], [part.name for part in parts[:-1]]
            name = function_name(call)
        if name == "identifier" and not qualifier:
            raise UnanalysableError("IDENTIFIER() names its table only when the query runs")
        full = ".".join([*qualifier, name]).lower()
        asset = self._reader.schema.asset(full)
        parameters = [each.name.lower() for each in (asset.parameters if asset is not None else None) or ()]
        arguments = {}
        for index, argument in enumerate(call.expressions):
            is_named = isinstance(argument, exp.Kwarg | exp.PropertyEQ)
            known = parameters[index] if index < len(parameters) else str(index + 1)
            key = argument.this.name.lower() if is_named else known
            arguments[key] = self._forms.of(argument.expression if is_named else argument)
        resolved = asset.name if asset is not None else full
        types = None
        if asset is not None and asset.columns is not None:
            types = {column.name.lower(): column.type_text for column in asset.columns}
        self._level.calls[resolved] = arguments
        self._add(self._reader.new_source(table.alias.lower() or name, resolved, types))

    def _subquery(self, node: exp.Subquery, *, may_merge: bool) -> None:
        if node.args.get("pivots"):
            raise UnanalysableError("PIVOT is not understood")
        alias = node.args.get("alias")
        columns = tuple(column.name.lower() for column in (alias.args.get("columns") or ())) if alias else ()
        self._query(node.this, node.alias.lower(), columns, self._visible, may_merge=may_merge)

    def _query(
        self,
        query: exp.Expr,
        label: str,
        columns: tuple[str, ...],
        visible: Mapping[str, CommonTable],
        *,
        may_merge: bool,
        is_lateral: bool = False,
    ) -> None:
        scope = self._scope
        into = self._level if may_merge and is_plain(query) else None
        outputs = self._reader.query(query, "derived", visible, scope if is_lateral else scope.outer, into)
        source = self._reader.new_source(label)
        forms = [part.form for part in outputs.ordered]
        source.outputs = dict(zip(columns, forms, strict=False)) if columns else outputs.columns
        source.inner = outputs.star
        self._scope.sources.append(source)

    def _lateral(self, lateral: exp.Lateral) -> None:
        if isinstance(lateral.this, exp.Subquery):
            self._query(lateral.this.this, lateral.alias.lower(), (), self._visible, may_merge=False, is_lateral=True)
            return
        self._generated(lateral, self._forms.of(lateral.this), label=lateral.alias.lower())

    def _generated(self, node: exp.Expr, form: str, *, label: str | None = None) -> None:
        """Add a source whose rows are made in the query itself: explode(…), VALUES."""
        alias = node.args.get("alias")
        names = [column.name.lower() for column in (alias.args.get("columns") or ())] if alias is not None else []
        source = self._reader.new_source(label if label is not None else node.alias.lower())
        source.outputs = {name: f"{form}.{position}" for position, name in enumerate(names)}
        self._level.others[form] += 1
        self._scope.sources.append(source)

    def _add(self, source: Source) -> None:
        self._level.sources.append(source)
        self._scope.sources.append(source)
