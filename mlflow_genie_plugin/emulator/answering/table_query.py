"""A request over plain tables, composed as SQL along the joins of the space."""

from __future__ import annotations

from mlflow_genie_plugin.emulator.answering.binding import CannotGroundError
from mlflow_genie_plugin.emulator.answering.concepts import Concept, Mention
from mlflow_genie_plugin.emulator.answering.conditions import (
    compared,
    existence_conditions,
    filter_conditions,
    period_conditions,
    where,
)
from mlflow_genie_plugin.emulator.answering.figures import Figure
from mlflow_genie_plugin.emulator.answering.join_tree import JoinTree
from mlflow_genie_plugin.emulator.answering.knowledge import SpaceKnowledge
from mlflow_genie_plugin.emulator.answering.query_text import QueryText, by_grain
from mlflow_genie_plugin.emulator.answering.request import Ask, Request
from mlflow_genie_plugin.emulator.answering.row_query import compose_rows
from mlflow_genie_plugin.emulator.answering.scope import Scope
from mlflow_genie_plugin.emulator.answering.sql_text import quoted_name, spoken_alias
from mlflow_genie_plugin.emulator.answering.time_phrases import Grain


def compose_over_tables(request: Request, knowledge: SpaceKnowledge) -> str:
    """Return the SQL that answers a request from plain tables.

    Raises:
        CannotGroundError: Something in it cannot be tied to the space; the message asks what is meant.
    """
    return _GroupQuery(Scope(request, knowledge)).compose()


class _GroupQuery:
    """Figures, grouped, ranked or shared; hands over to :func:`compose_rows` when no figure is asked for."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.request = scope.request
        self.query = QueryText()

    def compose(self) -> str:
        request = self.request
        self.settle_measures()
        asks = request.asks()
        if self.is_row_listing(asks):
            return compose_rows(self.scope)
        if not asks:
            raise CannotGroundError("Which figure do you want to see: a count, a total, an average?")
        counted = request.measures[0] if len(request.measures) == 1 else None
        if (
            request.comparisons
            and counted
            and counted.aggregate == "COUNT"
            and not request.groups
            and request.subject is None
        ):
            return self.compose_count_of_groups(counted)
        return self.compose_groups(asks)

    def settle_measures(self) -> None:
        """Give the request the figures that it leaves unsaid."""
        request = self.request
        if request.measures or request.rank:
            return
        if request.comparisons and request.subject is None and request.context:
            request.subject = request.context.pop(0)
            return
        numeric = [
            m for m in request.columns if (c := self.scope.resolution.concept(m)) and c.column and c.column.is_numeric
        ]
        lists_rows = request.listing or request.subject is not None
        if numeric and (request.groups or not lists_rows) and not request.extreme:
            request.measures = [Ask(mention) for mention in numeric]
            request.columns = [m for m in request.columns if m not in numeric]
        elif (request.groups or request.share or request.compares) and request.context and not request.comparisons:
            request.measures = [Ask(request.context.pop(0), "COUNT")]

    def is_row_listing(self, asks: list[Ask]) -> bool:
        """Return whether the answer is rows of one table rather than figures."""
        request = self.request
        if request.groups or request.measures or request.comparisons or request.share:
            return False
        if request.rank is None:
            return bool(request.subject or request.context or request.columns) and not asks
        subject = self.scope.resolution.concept(request.subject) if request.subject else None
        ranked = self.scope.resolution.concept(request.rank.mention)
        return (
            subject is not None
            and subject.kind == "table"
            and ranked is not None
            and ranked.kind in {"column", "expression"}
            and request.rank.aggregate is None
            and self.scope.resolution.home(ranked) == [subject.table]
        )

    def compose_groups(self, asks: list[Ask]) -> str:
        request, query = self.request, self.query
        base = self.scope.figures.base(asks, self.scope.paths)
        tree = self.scope.tree(base)
        for ask in asks:
            for table in self.scope.figures.tables(ask):
                tree.connect(table)
        self.scope.connect_context(tree)
        per = self.per(asks, tree)
        groups, grains = self.group_expressions(
            tree
        )  # before the conditions: what is joined here is not asked to exist
        conditions, part = self.conditions(tree)
        for expression, alias in groups:
            name = query.select(expression, alias)
            query.grouped.append(expression)
            if alias in grains:
                query.order.append(name)
        shown = request.measures or request.asks()
        names = []
        for ask in dict.fromkeys(shown):
            figure = self.ranked(ask, tree, per)
            names.append(query.select(self.shared(figure, part), figure.alias))
        if request.rank is not None and request.rank not in shown:
            figure = self.ranked(request.rank, tree, per)
            names.insert(0, query.select(figure.sql, figure.alias))
        for ask, operator, numbers in request.comparisons:
            query.having.append(compared(self.scope.figures.figure(ask, tree).sql, operator, numbers))
        query.where = conditions
        self.finish(tree, bool(groups), names[0] if names else None)
        return query.write()

    def conditions(self, tree: JoinTree) -> tuple[list[str], list[str]]:
        """Return the conditions of WHERE, and those that mark the part of the whole when a share is asked for."""
        if not self.request.share or self.request.groups or self.request.subject:
            return where(self.scope, tree), []
        part = filter_conditions(self.scope, tree)
        if tree.exists():
            raise CannotGroundError("I can only give a share of rows by their own properties. Which share do you mean?")
        return [*period_conditions(self.scope, tree), *existence_conditions(self.scope, tree)], part

    def compose_count_of_groups(self, counted: Ask) -> str:
        """Compose "how many customers have more than 30 orders": groups first, then a count of them."""
        query, request = self.query, self.request
        asks = [ask for ask, _, _ in request.comparisons]
        tree = self.scope.tree(self.scope.figures.base(asks, self.scope.paths))
        for ask in asks:
            for table in self.scope.figures.tables(ask):
                tree.connect(table)
        owner = self.scope.table_of(counted.mention)
        tree.connect(owner)
        key = tree.key(owner)
        if key is None:
            raise CannotGroundError(f"Which column tells the rows of {self.scope.knowledge.tables[owner].name} apart?")
        query.select(key, "key")
        query.grouped.append(key)
        for ask, operator, numbers in request.comparisons:
            query.having.append(compared(self.scope.figures.figure(ask, tree).sql, operator, numbers))
        query.where = where(self.scope, tree)
        query.source, query.joins = tree.source(), tree.joins()
        inner = query.write().replace("\n", "\n  ")
        return (
            f"SELECT COUNT(*) AS {quoted_name(self.scope.figures.count_alias(owner))}\nFROM (\n  {inner}\n) AS counted"
        )

    def per(self, asks: list[Ask], tree: JoinTree) -> str | None:
        """Take what an average is "per" out of the groups and return its SQL ("average … per customer")."""
        asked = next((ask for ask in asks if ask.aggregate in {"AVG", "AVG COUNT"}), None)
        if asked is None:
            return None
        for group in self.request.groups:
            if isinstance(group, Grain):
                if asked.aggregate == "AVG COUNT":
                    date = self.scope.date_for(None, tree)
                    tree.connect(date.table)
                    self.request.groups.remove(group)
                    return by_grain(self.scope.column_sql(date), group.unit, is_date=date.type_text.lower() == "date")
            elif group.concepts[0].kind == "table" or (asked.aggregate == "AVG COUNT" and group.of("table")):
                table = self.scope.concept_of(group, "table").table
                self.request.groups.remove(group)
                if table == tree.base and asked.aggregate == "AVG":
                    return None  # "average fare per trip" of a table of trips is the average
                tree.connect(table)
                key = tree.key(table)
                if key is None:
                    raise CannotGroundError(
                        f"Which column tells the rows of {self.scope.knowledge.tables[table].name} apart?"
                    )
                return key
        return None

    def group_expressions(self, tree: JoinTree) -> tuple[list[tuple[str, str]], set[str]]:
        """Return (expression, alias) of every group and the aliases that are calendar units."""
        request = self.request
        groups: list[tuple[str, str]] = []
        grains = set()
        members: list[Mention | Grain] = [*([request.subject] if request.subject else []), *request.groups]
        if request.listing or request.compares:
            members += [m for m in request.columns if m not in members]
        elif request.columns:
            raise CannotGroundError(f"Do you want the figure by {self.scope.concept_of(request.columns[0]).name}?")
        members += self.compared_groups(members)
        for member in members:
            if isinstance(member, Grain):
                date = self.scope.date_for(None, tree)
                tree.connect(date.table)
                groups.append(
                    (
                        by_grain(self.scope.column_sql(date), member.unit, is_date=date.type_text.lower() == "date"),
                        member.unit.lower(),
                    )
                )
                grains.add(member.unit.lower())
                continue
            concept = self.scope.concept_of(member, "expression", "column", "table")
            groups += self.group_of(concept, tree)
        return groups, grains

    def group_of(self, concept: Concept, tree: JoinTree) -> list[tuple[str, str]]:
        for table in self.scope.resolution.home(concept):
            tree.connect(table, self.scope.via(concept, tree))
        if concept.kind == "expression":
            return [(self.scope.binder.write(concept.sql), spoken_alias(concept.name))]
        if concept.kind == "column" and concept.column is not None:
            return [(self.scope.column_sql(concept.column), concept.column.name)]
        label = self.scope.resolution.label(self.scope.knowledge.tables[concept.table])
        key = tree.key(concept.table)
        if label is not None:
            return [(self.scope.column_sql(label), label.name)]
        if key is None:
            raise CannotGroundError(f"What should stand for one {concept.name}? I know no name or key for it.")
        return [(key, key.rsplit(".", 1)[-1].strip("`"))]

    def compared_groups(self, members: list[Mention | Grain]) -> list[Mention | Grain]:
        """Return the groups a comparison implies: "1995 versus 1996" groups by year, "AIR versus RAIL" by ship mode."""
        if not self.request.compares:
            return []
        if len(self.request.periods) > 1 and not any(isinstance(member, Grain) for member in members):
            return [Grain("YEAR" if all(when.period.year for when in self.request.periods) else "MONTH")]
        columns = [
            c.column
            for f in self.request.filters
            if f.operator == "IN" and (c := self.scope.resolution.concept(f.mention))
        ]
        twice = [column for column in dict.fromkeys(columns) if column is not None and columns.count(column) > 1]
        return [Mention(0, 0, (Concept("column", c.name, 1.0, column=c, table=c.table),)) for c in twice]

    def shared(self, figure: Figure, conditions: list[str]) -> str:
        """Return a figure, or its share in percent when the question asks for one."""
        if not self.request.share:
            return figure.sql
        if conditions:
            return self.scope.figures.share(figure, " AND ".join(conditions))
        if self.request.groups or self.request.subject:
            return f"100.0 * {figure.sql} / SUM({figure.sql}) OVER ()"
        raise CannotGroundError("A share of what? Please say which part you want to compare with the whole.")

    def ranked(self, ask: Ask, tree: JoinTree, per: str | None = None) -> Figure:
        """Return a figure; one that ranks defaults to an extreme: the highest price is a maximum, not a sum."""
        ranks = self.request.rank is ask
        averages = ask.aggregate in {"AVG", "AVG COUNT"}
        extreme = self.request.direction if ranks else ""
        alone = ranks and self.request.subject is None
        return self.scope.figures.figure(ask, tree, per=per if averages else None, extreme=extreme, alone=alone)

    def finish(self, tree: JoinTree, grouped: bool, first_figure: str | None) -> None:
        query, request = self.query, self.request
        query.source, query.joins = tree.source(), tree.joins()
        if not grouped or first_figure is None:
            return
        if request.direction or request.rank is not None:
            query.order = [f"{first_figure} {request.direction or 'DESC'}"]
            query.limit = self.rows_shown(
                bool(request.subject) or any(isinstance(group, Grain) for group in request.groups)
            )
        elif not query.order:
            query.order = [f"{first_figure} DESC"]

    def rows_shown(self, ranks_things: bool) -> int | None:
        """Return how many rows a ranking shows: as many as asked, one for "which nation has the most", else all."""
        request = self.request
        if request.limit is not None:
            return request.limit
        return 1 if request.single and ranks_things and not request.plural else None
