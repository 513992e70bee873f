"""Which column of which table every column of a query is, through aliases and derived tables."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from mlflow_genie_plugin.evaluation.query_nodes import is_aggregate, nested_queries, own_nodes
from mlflow_genie_plugin.evaluation.refuter.sources import (
    Aggregate,
    BaseTable,
    Lookup,
    Slot,
    Source,
    Trace,
    opaque,
    renamed,
)
from mlflow_genie_plugin.sql_dialect.assets import is_cte_reference


class Reading:
    """One query read: occurrences of tables, and what each column stands for.

    Args:
        tree: The query; not changed.
        lookup: Resolves the names of tables.
        seen: Columns by table that are known from elsewhere, for tables whose columns the schema does not tell; what
            this query adds is added to it.
        numbers: Where the occurrences' numbers start.
    """

    def __init__(self, tree: exp.Expr, lookup: Lookup, seen: dict[str, dict[str, None]], numbers: int = 0) -> None:
        self.tree = tree
        self.tables: dict[int, str] = {}
        self.whole: set[str] = set()
        self.sources: dict[int, list[Source]] = {}
        self.trees: list[exp.Expr] = [tree]
        self._lookup = lookup
        self._seen = seen
        self._first = numbers
        self._known: dict[str, tuple[str, ...] | None] = {}
        self._traces: dict[int, Trace] = {}
        self._query(tree, {}, [])

    def trace(self, node: exp.Expr) -> Trace:
        """Return what a column node stands for; None when it is computed or cannot be told."""
        return self._traces.get(id(node))

    def selects(self) -> Iterator[exp.Select]:
        for tree in self.trees:
            yield from (select for select in tree.find_all(exp.Select) if id(select) in self.sources)

    def columns_of(self, table: str) -> list[str]:
        """Return the columns of a table, as far as they are known."""
        return list(self._seen.get(table, ()))

    def has_column(self, table: str, column: str) -> bool:
        return column in self._seen.get(table, {})

    def _query(self, query: exp.Expr, ctes: dict[str, Source], outer: list[list[Source]]) -> Source:
        ctes = dict(ctes)
        with_ = query.args.get("with_")
        for cte in with_.expressions if with_ is not None else ():
            name = cte.alias.lower()
            if with_ is not None and with_.args.get("recursive"):
                ctes[name] = Source(name)
            ctes[name] = renamed(self._query(cte.this, ctes, outer), cte.args.get("alias"), name)
        if isinstance(query, exp.SetOperation):
            left = self._query(query.left, ctes, outer)
            self._query(query.right, ctes, outer)
            self._own_columns(query, [[left], *outer], {})
            return Source("", columns=left.columns, through=left.through, query=query)
        if isinstance(query, exp.Subquery | exp.Paren):
            return self._query(query.this, ctes, outer)
        if isinstance(query, exp.Select):
            return self._select(query, ctes, outer)
        return Source("", query=query)

    def _select(self, select: exp.Select, ctes: dict[str, Source], outer: list[list[Source]]) -> Source:
        sources: list[Source] = []
        scopes = [sources, *outer]
        self.sources[id(select)] = sources
        from_ = select.args.get("from_")
        for item in [from_.this] if from_ is not None else []:
            self._item(item, ctes, scopes)
        for join in select.args.get("joins") or ():
            self._item(join.this, ctes, scopes)
        for lateral in select.args.get("laterals") or ():
            sources.append(opaque(lateral))
        outputs: dict[str, Trace] = {}
        through: list[Source] = []
        aliases = {item.alias.lower(): item.this for item in select.expressions if isinstance(item, exp.Alias)}
        self._own_columns(select, scopes, aliases)
        for subquery in nested_queries(select):
            self._query(subquery, ctes, scopes)
        for item in select.expressions:
            self._output(item, select, sources, outputs, through)
        return Source("", columns=outputs, through=through, query=select)

    def _output(
        self,
        item: exp.Expr,
        select: exp.Select,
        sources: list[Source],
        outputs: dict[str, Trace],
        through: list[Source],
    ) -> None:
        value = item.unalias()
        if isinstance(value, exp.Star) or (isinstance(value, exp.Column) and isinstance(value.this, exp.Star)):
            table = value.table.lower() if isinstance(value, exp.Column) else ""
            for source in sources:
                if table in ("", source.alias):
                    through.append(source)
                    self._take_whole(source)
            return
        name = item.alias_or_name.lower()
        if name:
            outputs[name] = self.trace(value) if isinstance(value, exp.Column) else None
            if is_aggregate(value):
                outputs[name] = Aggregate(value, select)

    def _take_whole(self, source: Source) -> None:
        if source.table is not None:
            self.whole.add(source.table)

    def _item(self, item: exp.Expr, ctes: dict[str, Source], scopes: list[list[Source]]) -> None:
        alias = item.args.get("alias")
        name = (item.alias_or_name or "").lower()
        if (
            isinstance(item, exp.Table)
            and is_cte_reference(item)
            and item.name.lower() in ctes
            and not item.args.get("db")
        ):
            scopes[0].append(renamed(ctes[item.name.lower()], alias, name))
        elif isinstance(item, exp.Table):
            scopes[0].append(renamed(self._looked_up(item, name), alias, name))
        elif isinstance(item, exp.Subquery):
            scopes[0].append(renamed(self._query(item.this, ctes, scopes[1:]), alias, name))
        else:
            scopes[0].append(opaque(item))
        for join in item.args.get("joins") or ():
            self._item(join.this, ctes, scopes)
        for lateral in item.args.get("laterals") or ():
            scopes[0].append(opaque(lateral))

    def _looked_up(self, item: exp.Table, name: str) -> Source:
        found = self._lookup(item)
        if isinstance(found, BaseTable):
            number = self._first + len(self.tables)
            self.tables[number] = found.name
            self._known[found.name] = found.columns
            seen = self._seen.setdefault(found.name, {})
            seen.update(dict.fromkeys(found.columns or ()))
            return Source(name, found.name, number)
        if found is not None:
            self.trees.append(found)
            return self._query(found, {}, [])
        return opaque(item)

    def _own_columns(self, query: exp.Expr, scopes: list[list[Source]], aliases: dict[str, exp.Expr]) -> None:
        for node in own_nodes(query):
            if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
                self._traces[id(node)] = self._resolve(node, scopes, aliases)

    def _resolve(self, column: exp.Column, scopes: list[list[Source]], aliases: dict[str, exp.Expr]) -> Trace:
        name, table = column.name.lower(), column.table.lower()
        for level, sources in enumerate(scopes):
            if table:
                for source in sources:
                    if table in (source.alias, (source.table or "").rpartition(".")[2]):
                        return self._column_of(source, name)
                continue
            surely = [source for source in sources if self._offers(source, name)]
            if surely:
                return self._column_of(surely[0], name)
            if level == 0 and name in aliases:
                value = aliases[name]
                if isinstance(value, exp.Column) and value is not column:
                    return self._resolve(value, scopes, {})
                select = value.find_ancestor(exp.Select)
                return Aggregate(value, select) if select is not None and is_aggregate(value) else None
            open_ = [source for source in sources if source.table and self._known.get(source.table) is None]
            if open_ and (len(sources) == 1 or level == len(scopes) - 1):
                return self._column_of(open_[0], name)
        return None

    def _offers(self, source: Source, name: str) -> bool:
        if source.table is not None:
            return name in self._seen.get(source.table, {})
        return name in source.columns or any(self._offers(each, name) for each in source.through)

    def _column_of(self, source: Source, name: str) -> Trace:
        if source.table is not None:
            if self._known.get(source.table) is None:
                self._seen[source.table].setdefault(name, None)
            return Slot(source.number, name)
        if name in source.columns:
            return source.columns[name]
        for each in source.through:
            if self._offers(each, name) or len(source.through) == 1:
                return self._column_of(each, name)
        return None
