"""Reading a query's tree into levels: one for each SELECT, with plain subqueries merged into the level around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.facet import UnanalysableError
from mlflow_genie_plugin.evaluation.facets.from_clause import FromClause
from mlflow_genie_plugin.evaluation.facets.level import Edge, Filter, Level, Part
from mlflow_genie_plugin.evaluation.facets.normal_form import Atom, Combined, Condition, NormalForm
from mlflow_genie_plugin.evaluation.facets.scope import Scope, Source
from mlflow_genie_plugin.evaluation.facets.subqueries import CommonTable, aggregates_in, with_tables
from mlflow_genie_plugin.evaluation.facets.tokens import UNKNOWN_SOURCE, column_token, is_column, tokens_in
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema

_MOST_LEVELS = 64
_READ_CLAUSES = frozenset(
    {"with_", "expressions", "distinct", "from_", "joins", "laterals", "where", "group", "having", "qualify", "order",
     "limit", "offset", "windows", "hint", "kind"}
)  # fmt: skip


@dataclass(slots=True)
class Outputs:
    """What a query gives to the query around it."""

    columns: dict[str, str] = field(default_factory=dict)
    ordered: list[Part] = field(default_factory=list)
    star: Scope | None = None


class Reader:
    """Reads one query; afterwards ``levels`` holds its levels, the outermost one first."""

    def __init__(self, schema: SpaceSchema) -> None:
        self.schema = schema
        self.levels: list[Level] = []
        self._sources = 0

    def new_source(self, label: str, table: str | None = None, types: Mapping[str, str] | None = None) -> Source:
        self._sources += 1
        return Source(label, self._sources, table, types)

    def query(
        self,
        tree: exp.Expr,
        kind: str,
        visible: Mapping[str, CommonTable],
        outer: Scope | None,
        into: Level | None = None,
    ) -> Outputs:
        """Read a query into a new level, or ``into`` a level that takes it in.

        Raises:
            UnanalysableError: It holds something that is not understood.
        """
        while isinstance(tree, exp.Subquery | exp.Paren):
            if isinstance(tree, exp.Subquery) and any(
                tree.args.get(key) for key in ("limit", "order", "where", "pivots", "sample", "joins", "laterals")
            ):
                raise UnanalysableError("a clause after a query in parentheses is not understood")
            if tree.args.get("with_"):
                visible = with_tables(tree, visible)
            tree = tree.this
        if tree.args.get("with_"):
            visible = with_tables(tree, visible)
        if isinstance(tree, exp.SetOperation):
            return self._set_operation(tree, kind, visible, outer)
        if isinstance(tree, exp.Values):
            return Outputs()
        if not isinstance(tree, exp.Select):
            raise UnanalysableError(f"{tree.key.upper()} is not understood as a query")
        level = into if into is not None else self._level(kind)
        return SelectReader(self, tree, level, visible, outer).read(is_merged=into is not None)

    def _level(self, kind: str) -> Level:
        if len(self.levels) >= _MOST_LEVELS:
            raise UnanalysableError(f"the query has more than {_MOST_LEVELS} levels")
        level = Level(kind)
        self.levels.append(level)
        return level

    def _set_operation(
        self, tree: exp.SetOperation, kind: str, visible: Mapping[str, CommonTable], outer: Scope | None
    ) -> Outputs:
        level = self._level(kind)
        level.set_operation = tree.key.upper() + ("" if tree.args.get("distinct") else " ALL")
        left, right = (self.query(side, "branch", visible, outer) for side in (tree.this, tree.args["expression"]))
        if left.star is None and right.star is None and len(left.ordered) == len(right.ordered):
            level.select = [
                Part(one.form if one.form == other.form else f"either({one.form}, {other.form})", one.node, one.name)
                for one, other in zip(left.ordered, right.ordered, strict=True)
            ]
        else:
            level.select = left.ordered
        columns = {part.name: part.form for part in reversed(level.select)}
        forms = NormalForm(
            lambda column: columns.get(column.name.lower(), column_token(UNKNOWN_SOURCE, column.name.lower())),
            lambda _query, _how: "subquery",
        )
        read_ordering(tree, level, forms, level.select)
        return Outputs(columns, level.select, left.star)


class SelectReader:
    """Reads one SELECT."""

    def __init__(
        self, reader: Reader, tree: exp.Select, level: Level, visible: Mapping[str, CommonTable], outer: Scope | None
    ) -> None:
        self.reader, self.tree, self.level, self.visible = reader, tree, level, visible
        self.scope = Scope(outer=outer)
        for item in tree.selects:
            if isinstance(item, exp.Alias):
                self.scope.aliases.setdefault(item.alias.lower(), item.this)
        self.forms = NormalForm(self._column, self._subquery)
        self._resolving: set[str] = set()
        self._has_output_names = False

    def read(self, *, is_merged: bool) -> Outputs:
        tree, level, forms = self.tree, self.level, self.forms
        for window in tree.args.get("windows") or ():
            forms.windows[window.name.lower()] = window
        FromClause(self.reader, self).read()
        if (where := tree.args.get("where")) is not None:
            self.add_filter(where.this, "WHERE")
        outputs = self._outputs()
        if is_merged:
            return outputs
        level.select = outputs.ordered
        self._read_group(outputs)
        for clause in ("having", "qualify"):
            if (condition := tree.args.get(clause)) is not None:
                self.add_filter(condition.this, clause.upper())
        level.distinct = tree.args.get("distinct") is not None
        self._has_output_names = True
        read_ordering(tree, level, forms, level.select)
        self._read_aggregates()
        for key, value in tree.args.items():
            if value and key not in _READ_CLAUSES:
                values = value if isinstance(value, list) else [value]
                level.others.update(f"{key} {forms.of(each)}" for each in values if isinstance(each, exp.Expr))
        return outputs

    def add_filter(self, node: exp.Expr, clause: str, *, is_join: bool = True) -> None:
        """Split a condition at AND; an equality of two tables' columns is a join."""
        for condition in conjuncts(self.forms.condition(node)):
            if is_join and clause in ("WHERE", "ON") and (edge := _edge(condition)) is not None:
                self.level.edges.append(edge)
            else:
                self.level.filters.append(Filter(condition, "WHERE" if clause == "ON" and is_join else clause))

    def _outputs(self) -> Outputs:
        outputs = Outputs()
        for item in self.tree.selects:
            if not _is_star(item):
                name = item.alias_or_name.lower()
                outputs.ordered.append(Part(self.forms.of(item), item, name))
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
                outputs.star = self.scope
        return outputs

    def _starred(self, item: exp.Expr) -> list[Source]:
        if isinstance(item, exp.Column) and item.table:
            return [source for source in self.scope.sources if source.label == item.table.lower()]
        return self.scope.sources

    def _read_group(self, outputs: Outputs) -> None:
        group = self.tree.args.get("group")
        if group is None:
            return
        level, forms = self.level, self.forms
        level.group = []
        if group.args.get("all"):
            plain = [item for item in self.tree.selects if not any(True for _ in aggregates_in(item))]
            level.group = [Part(forms.of(item), item.unalias()) for item in plain if not isinstance(item, exp.Star)]
        for key in group.expressions:
            position = _position(key, outputs.ordered)
            level.group.append(Part(position.form, position.node) if position else Part(forms.of(key), key))
        for kind in ("cube", "rollup", "grouping_sets"):
            for each in group.args.get(kind) or ():
                level.others[f"GROUP BY {kind} {forms.of(each)}"] += 1

    def _read_aggregates(self) -> None:
        tree = self.tree
        roots = [*tree.selects, *(tree.args[key] for key in ("having", "qualify", "order") if tree.args.get(key))]
        seen = set()
        for root in roots:
            for node in aggregates_in(root):
                form = self.forms.of(node)
                kept = self.level.windows if isinstance(node, exp.Window) else self.level.aggregates
                if form not in seen:
                    seen.add(form)
                    kept.append(Part(form, node))

    def _column(self, column: exp.Column) -> str:
        name = column.name.lower()
        qualifier = tuple(part.name.lower() for part in column.parts[:-1])
        if qualifier:
            form = self.scope.qualified(qualifier, name)
            if form is not None:
                return form
            # Not a source: the first part is a column that holds a structure.
            return f"field({self._plain(qualifier[0])}, {'.'.join((*qualifier[1:], name))})"
        return self._plain(name)

    def _plain(self, name: str) -> str:
        alias = self.scope.aliases.get(name)
        can_be_alias = alias is not None and name not in self._resolving
        if can_be_alias and self._has_output_names:
            return self._alias(name)
        form = self.scope.unqualified(name)
        if form is not None:
            return form
        return self._alias(name) if can_be_alias else column_token(UNKNOWN_SOURCE, name)

    def _alias(self, name: str) -> str:
        self._resolving.add(name)
        try:
            return self.forms.of(self.scope.aliases[name])
        finally:
            self._resolving.discard(name)

    def _subquery(self, query: exp.Expr, how: str) -> str:
        outputs = self.reader.query(query, how, self.visible, self.scope)
        if how == "exists":
            return "subquery"
        return f"subquery({', '.join(part.form for part in outputs.ordered)})"


def read_ordering(tree: exp.Expr, level: Level, forms: NormalForm, outputs: list[Part]) -> None:
    """Read ORDER BY, LIMIT and OFFSET of a SELECT or a set operation."""
    if (order := tree.args.get("order")) is not None:
        for key in order.expressions:
            position = _position(key.this, outputs)
            form = position.form if position else forms.of(key.this)
            level.order.append(
                Part(form + (" desc" if key.args.get("desc") else ""), position.node if position else key)
            )
    for clause in ("limit", "offset"):
        if (found := tree.args.get(clause)) is not None:
            count = found.args.get("expression") or found.args.get("count")
            setattr(level, clause, Part(forms.of(count), count))


def conjuncts(condition: Condition) -> Iterator[Condition]:
    """Yield the parts that must all hold."""
    if isinstance(condition, Combined) and condition.operator == "AND":
        for part in condition.parts:
            yield from conjuncts(part)
    else:
        yield condition


def _edge(condition: Condition) -> Edge | None:
    if not isinstance(condition, Atom) or condition.operator not in ("=", "<=>"):
        return None
    if not (is_column(condition.subject) and is_column(condition.value)):
        return None
    sides = [tokens_in(form)[0].rpartition(":")[0] for form in (condition.subject, condition.value)]
    is_outer = "^⟧" in condition.subject or "^⟧" in condition.value
    if sides[0] == sides[1] and not is_outer and sides[0] != UNKNOWN_SOURCE:
        return None
    return Edge(condition.subject, condition.value, condition.node)


def _position(key: exp.Expr, outputs: list[Part]) -> Part | None:
    """Return the output column that a number in GROUP BY or ORDER BY means."""
    if isinstance(key, exp.Literal) and not key.is_string and key.name.isdigit() and 0 < int(key.name) <= len(outputs):
        return outputs[int(key.name) - 1]
    return None


def _is_star(item: exp.Expr) -> bool:
    return isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star))


def _exceptions(item: exp.Expr) -> str:
    star = item.find(exp.Star)
    left_out = star.args.get("except_") or () if star is not None else ()
    return " except " + ", ".join(sorted(each.name.lower() for each in left_out)) if left_out else ""
