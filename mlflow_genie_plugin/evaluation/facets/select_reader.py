"""Reading one SELECT into its level."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.from_clause import FromClause
from mlflow_genie_plugin.evaluation.facets.level import Level, Part
from mlflow_genie_plugin.evaluation.facets.normal_form import NormalForm
from mlflow_genie_plugin.evaluation.facets.ordering import position_meant, read_ordering
from mlflow_genie_plugin.evaluation.facets.query_reader import Outputs, QueryReader
from mlflow_genie_plugin.evaluation.facets.scope import Scope, Source
from mlflow_genie_plugin.evaluation.facets.subqueries import CommonTable, aggregates_in
from mlflow_genie_plugin.evaluation.facets.tokens import UNKNOWN_SOURCE, column_token
from mlflow_genie_plugin.evaluation.facets.where import add_conditions

_READ_CLAUSES = frozenset(
    {"with_", "expressions", "distinct", "from_", "joins", "laterals", "where", "group", "having", "qualify", "order",
     "limit", "offset", "windows", "hint", "kind"}
)  # fmt: skip


class SelectReader:
    """Reads one SELECT: FROM, conditions, output columns, groups, order, and its aggregates."""

    def __init__(
        self,
        reader: QueryReader,
        tree: exp.Select,
        level: Level,
        visible: Mapping[str, CommonTable],
        outer: Scope | None,
    ) -> None:
        self._reader, self._tree, self._level, self._visible = reader, tree, level, visible
        self._scope = Scope(outer=outer)
        for item in tree.selects:
            if isinstance(item, exp.Alias):
                self._scope.aliases.setdefault(item.alias.lower(), item.this)
        self._forms = NormalForm(self._column, self._subquery)
        self._resolving: set[str] = set()
        self._has_output_names = False

    def read(self, *, is_merged: bool) -> Outputs:
        tree, level, forms = self._tree, self._level, self._forms
        for window in tree.args.get("windows") or ():
            forms.windows[window.name.lower()] = window
        FromClause(self._reader, tree, level, self._scope, forms, self._visible).read()
        if (where := tree.args.get("where")) is not None:
            add_conditions(level, forms, where.this, "WHERE")
        outputs = self._outputs()
        if is_merged:
            return outputs
        level.select = outputs.ordered
        self._read_group(outputs)
        for clause in ("having", "qualify"):
            if (condition := tree.args.get(clause)) is not None:
                add_conditions(level, forms, condition.this, clause.upper())
        level.distinct = tree.args.get("distinct") is not None
        self._has_output_names = True
        read_ordering(tree, level, forms, level.select)
        self._read_aggregates()
        for key, value in tree.args.items():
            if value and key not in _READ_CLAUSES:
                values = value if isinstance(value, list) else [value]
                level.others.update(f"{key} {forms.of(each)}" for each in values if isinstance(each, exp.Expr))
        return outputs

    def _outputs(self) -> Outputs:
        outputs = Outputs()
        for item in self._tree.selects:
            if not _is_star(item):
                name = item.alias_or_name.lower()
                outputs.ordered.append(Part(self._forms.of(item), item, name))
                outputs.columns.setdefault(name, outputs.ordered[-1].form)
                continue
            chosen = self._starred(item)
            star = item.find(exp.Star)
            is_whole = star is None or not any(star.args.get(key) for key in ("except_", "replace", "rename"))
            if is_whole and all(source.is_known for source in chosen):
                for source in chosen:
                    for name, form in source.columns():
                        outputs.ordered.append(Part(form, item, name))
                        outputs.columns.setdefault(name, form)
            else:
                outputs.ordered.append(Part(f"*{_exceptions(item)}", item, "*"))
                outputs.star = self._scope
        return outputs

    def _starred(self, item: exp.Expr) -> list[Source]:
        if isinstance(item, exp.Column) and item.table:
            return [source for source in self._scope.sources if source.label == item.table.lower()]
        return self._scope.sources

    def _read_group(self, outputs: Outputs) -> None:
        group = self._tree.args.get("group")
        if group is None:
            return
        level, forms = self._level, self._forms
        level.group = []
        if group.args.get("all"):
            plain = [item for item in self._tree.selects if not any(True for _ in aggregates_in(item))]
            level.group = [Part(forms.of(item), item.unalias()) for item in plain if not isinstance(item, exp.Star)]
        for key in group.expressions:
            position = position_meant(key, outputs.ordered)
            level.group.append(Part(position.form, position.node) if position else Part(forms.of(key), key))
        for kind in ("cube", "rollup", "grouping_sets"):
            for each in group.args.get(kind) or ():
                level.others[f"GROUP BY {kind} {forms.of(each)}"] += 1

    def _read_aggregates(self) -> None:
        tree = self._tree
        roots = [*tree.selects, *(tree.args[key] for key in ("having", "qualify", "order") if tree.args.get(key))]
        seen = set()
        for root in roots:
            for node in aggregates_in(root):
                form = self._forms.of(node)
                kept = self._level.windows if isinstance(node, exp.Window) else self._level.aggregates
                if form not in seen:
                    seen.add(form)
                    kept.append(Part(form, node))

    def _column(self, column: exp.Column) -> str:
        name = column.name.lower()
        qualifier = tuple(part.name.lower() for part in column.parts[:-1])
        if qualifier:
            form = self._scope.qualified(qualifier, name)
            if form is not None:
                return form
            # Not a source: the first part is a column that holds a structure.
            return f"field({self._plain(qualifier[0])}, {'.'.join((*qualifier[1:], name))})"
        return self._plain(name)

    def _plain(self, name: str) -> str:
        alias = self._scope.aliases.get(name)
        can_be_alias = alias is not None and name not in self._resolving
        if can_be_alias and self._has_output_names:
            return self._alias(name)
        form = self._scope.unqualified(name)
        if form is not None:
            return form
        return self._alias(name) if can_be_alias else column_token(UNKNOWN_SOURCE, name)

    def _alias(self, name: str) -> str:
        self._resolving.add(name)
        try:
            return self._forms.of(self._scope.aliases[name])
        finally:
            self._resolving.discard(name)

    def _subquery(self, query: exp.Expr, how: str) -> str:
        outputs = self._reader.query(query, how, self._visible, self._scope)
        if how == "exists":
            return "subquery"
        return f"subquery({', '.join(part.form for part in outputs.ordered)})"


def _is_star(item: exp.Expr) -> bool:
    return isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star))


def _exceptions(item: exp.Expr) -> str:
    star = item.find(exp.Star)
    left_out = star.args.get("except_") or () if star is not None else ()
    return " except " + ", ".join(sorted(each.name.lower() for each in left_out)) if left_out else ""
