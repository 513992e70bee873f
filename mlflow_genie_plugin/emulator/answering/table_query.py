"""A request over plain tables, composed as SQL along the joins of the space."""

from __future__ import annotations

from mlflow_genie_plugin.emulator.answering.binding import Binder, CannotGroundError
from mlflow_genie_plugin.emulator.answering.figures import Figure, Figures
from mlflow_genie_plugin.emulator.answering.join_paths import JoinPaths
from mlflow_genie_plugin.emulator.answering.join_tree import JoinTree
from mlflow_genie_plugin.emulator.answering.knowledge import Column, SpaceKnowledge
from mlflow_genie_plugin.emulator.answering.query_text import QueryText, by_grain, in_period
from mlflow_genie_plugin.emulator.answering.request import Ask, Filter, Request, When
from mlflow_genie_plugin.emulator.answering.resolution import Resolution
from mlflow_genie_plugin.emulator.answering.sql_text import number_literal, quoted_name, spoken_alias, string_literal
from mlflow_genie_plugin.emulator.answering.time_phrases import Grain
from mlflow_genie_plugin.emulator.answering.vocabulary import HINTS, Concept, Mention
from mlflow_genie_plugin.emulator.answering.words import phrase_of


def compose_over_tables(request: Request, knowledge: SpaceKnowledge) -> str:
    """Return the SQL that answers a request from plain tables.

    Raises:
        CannotGroundError: Something in it cannot be tied to the space; the message asks what is meant.
    """
    return _TableQuery(request, knowledge).compose()


class _TableQuery:
    def __init__(self, request: Request, knowledge: SpaceKnowledge) -> None:
        self.request = request
        self.knowledge = knowledge
        self.binder = Binder(knowledge)
        self.paths = JoinPaths(knowledge)
        self.resolution = Resolution(request, knowledge, self.binder)
        self.figures = Figures(self.resolution, self.binder)
        self.query = QueryText()

    def compose(self) -> str:
        request = self.request
        self.settle_measures()
        asks = [*request.measures, *([request.rank] if request.rank else []), *(ask for ask, _, _ in request.comparisons)]
        if self.is_row_listing(asks):
            return self.compose_rows()
        if not asks:
            raise CannotGroundError("Which figure do you want to see: a count, a total, an average?")
        counted = request.measures[0] if len(request.measures) == 1 else None
        if request.comparisons and counted and counted.aggregate == "COUNT" and not request.groups and request.subject is None:
            return self.compose_count_of_groups(counted)
        return self.compose_groups(asks)

    # --- what is asked ------------------------------------------------------------------------------------------------

    def settle_measures(self) -> None:
        """Give the request the figures that it leaves unsaid."""
        request = self.request
        if request.measures or request.rank:
            return
        if request.comparisons and request.subject is None and request.context:
            request.subject = request.context.pop(0)
            return
        numeric = [m for m in request.columns if (c := self.resolution.concept(m)) and c.column and c.column.is_numeric]
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
        subject = self.resolution.concept(request.subject) if request.subject else None
        ranked = self.resolution.concept(request.rank.mention)
        return (
            subject is not None
            and subject.kind == "table"
            and ranked is not None
            and ranked.kind in {"column", "expression"}
            and request.rank.aggregate is None
            and self.resolution.home(ranked) == [subject.table]
        )

    # --- figures, grouped ---------------------------------------------------------------------------------------------

    def compose_groups(self, asks: list[Ask]) -> str:
        request, query = self.request, self.query
        base = self.figures.base(asks, self.paths)
        tree = JoinTree(base, self.knowledge, self.paths, self.binder)
        for ask in asks:
            for table in self.figures.tables(ask):
                tree.connect(table)
        self.connect_context(tree)
        conditions = [] if request.share and not request.groups else self.conditions(tree)
        shared = self.conditions(tree, only="filters") if request.share and not request.groups else []
        if request.share and not request.groups:
            conditions = self.conditions(tree, only="periods")
        per = self.per(asks, tree)
        groups, grains = self.group_expressions(tree)
        for expression, alias in groups:
            name = query.select(expression, alias)
            query.grouped.append(expression)
            if alias in grains:
                query.order.append(name)
        shown = request.measures or [ask for ask in [request.rank, *(ask for ask, _, _ in request.comparisons)] if ask]
        names = []
        for ask in dict.fromkeys(shown):
            figure = self.ranked(ask, tree, per)
            names.append(query.select(self.shared(figure, shared), figure.alias))
        if request.rank is not None and request.rank not in shown:
            figure = self.ranked(request.rank, tree, per)
            names.insert(0, query.select(figure.sql, figure.alias))
        for ask, operator, numbers in request.comparisons:
            query.having.append(_compared(self.figures.figure(ask, tree).sql, operator, numbers))
        query.where = [*conditions, *tree.exists(), *[tree.not_exists(self.table_of(m)) for m in request.without]]
        self.finish(tree, bool(groups), names[0] if names else None)
        return query.write()

    def compose_count_of_groups(self, counted: Ask) -> str:
        """Compose "how many customers have more than 30 orders": groups first, then a count of them."""
        query, request = self.query, self.request
        asks = [ask for ask, _, _ in request.comparisons]
        tree = JoinTree(self.figures.base(asks, self.paths), self.knowledge, self.paths, self.binder)
        for ask in asks:
            for table in self.figures.tables(ask):
                tree.connect(table)
        owner = self.table_of(counted.mention)
        tree.connect(owner)
        key = tree.key(owner)
        if key is None:
            raise CannotGroundError(f"What identifies one {self.knowledge.tables[owner].name}?")
        query.select(key, "key")
        query.grouped.append(key)
        for ask, operator, numbers in request.comparisons:
            query.having.append(_compared(self.figures.figure(ask, tree).sql, operator, numbers))
        query.where = [*self.conditions(tree), *tree.exists()]
        query.source, query.joins = tree.source(), tree.joins()
        inner = query.write().replace("\n", "\n  ")
        return f"SELECT COUNT(*) AS {quoted_name(self.figures.count_alias(owner))}\nFROM (\n  {inner}\n) AS counted"

    def per(self, asks: list[Ask], tree: JoinTree) -> str | None:
        """Take what an average is "per" out of the groups and return its SQL ("average number of orders per customer")."""
        asked = next((ask for ask in asks if ask.aggregate in {"AVG", "AVG COUNT"}), None)
        if asked is None:
            return None
        for group in self.request.groups:
            if isinstance(group, Grain):
                if asked.aggregate == "AVG COUNT":
                    date = self.date_for(None, tree)
                    tree.connect(date.table)
                    self.request.groups.remove(group)
                    return by_grain(self.column_sql(date), group.unit, is_date=date.type_text.lower() == "date")
            elif group.concepts[0].kind == "table" or (asked.aggregate == "AVG COUNT" and group.of("table")):
                table = self.concept_of(group, "table").table
                tree.connect(table)
                self.request.groups.remove(group)
                key = tree.key(table)
                if key is None:
                    raise CannotGroundError(f"What identifies one {self.knowledge.tables[table].name}?")
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
            raise CannotGroundError(f"Do you want the figure by {self.concept_of(request.columns[0]).name}?")
        members += self.compared_groups(members)
        for member in members:
            if isinstance(member, Grain):
                date = self.date_for(None, tree)
                tree.connect(date.table)
                groups.append((by_grain(self.column_sql(date), member.unit, is_date=date.type_text.lower() == "date"), member.unit.lower()))
                grains.add(member.unit.lower())
                continue
            concept = self.concept_of(member, "expression", "column", "table")
            groups += self.group_of(concept, tree)
        return groups, grains

    def group_of(self, concept: Concept, tree: JoinTree) -> list[tuple[str, str]]:
        for table in self.resolution.home(concept):
            tree.connect(table, self.via(concept, tree))
        if concept.kind == "expression":
            return [(self.binder.write(concept.sql), spoken_alias(concept.name))]
        if concept.kind == "column" and concept.column is not None:
            return [(self.column_sql(concept.column), concept.column.name)]
        label = self.resolution.label(self.knowledge.tables[concept.table])
        key = tree.key(concept.table)
        if label is not None:
            return [(self.column_sql(label), label.name)]
        if key is None:
            raise CannotGroundError(f"What should stand for one {concept.name}? I know no name or key for it.")
        return [(key, key.rsplit(".", 1)[-1].strip("`"))]

    def compared_groups(self, members: list[Mention | Grain]) -> list[Mention | Grain]:
        """Return the groups that a comparison implies: "1995 versus 1996" groups by year, "AIR versus RAIL" by ship mode."""
        if not self.request.compares:
            return []
        if len(self.request.periods) > 1 and not any(isinstance(member, Grain) for member in members):
            return [Grain("YEAR" if all(when.period.year for when in self.request.periods) else "MONTH")]
        columns = [c.column for f in self.request.filters if f.operator == "IN" and (c := self.resolution.concept(f.mention))]
        twice = [column for column in dict.fromkeys(columns) if column is not None and columns.count(column) > 1]
        return [Mention(0, 0, (Concept("column", c.name, 1.0, column=c, table=c.table),)) for c in twice]

    def shared(self, figure: Figure, conditions: list[str]) -> str:
        """Return a figure, or its share in percent when the question asks for one."""
        if not self.request.share:
            return figure.sql
        if conditions:
            return self.figures.share(figure, " AND ".join(conditions))
        if self.request.groups or self.request.subject:
            return f"100.0 * {figure.sql} / SUM({figure.sql}) OVER ()"
        raise CannotGroundError("A share of what? Please say which part you want to compare with the whole.")

    def ranked(self, ask: Ask, tree: JoinTree, per: str | None = None) -> Figure:
        """Return a figure; one that ranks defaults to an extreme: the highest price is a maximum, not a sum."""
        ranks = self.request.rank is ask
        averages = ask.aggregate in {"AVG", "AVG COUNT"}
        extreme = self.request.direction if ranks else ""
        alone = ranks and self.request.subject is None
        return self.figures.figure(ask, tree, per=per if averages else None, extreme=extreme, alone=alone)

    def finish(self, tree: JoinTree, grouped: bool, first_figure: str | None) -> None:
        query, request = self.query, self.request
        query.source, query.joins = tree.source(), tree.joins()
        if not grouped or first_figure is None:
            return
        if request.direction or request.rank is not None:
            query.order = [f"{first_figure} {request.direction or 'DESC'}"]
            query.limit = self.rows_shown(bool(request.subject) or any(isinstance(group, Grain) for group in request.groups))
        elif not query.order:
            query.order = [f"{first_figure} DESC"]

    def rows_shown(self, ranks_things: bool) -> int | None:
        """Return how many rows a ranking shows: as many as asked, one for "which nation has the most", else all."""
        request = self.request
        if request.limit is not None:
            return request.limit
        return 1 if request.single and ranks_things and not request.plural else None

    # --- rows ---------------------------------------------------------------------------------------------------------

    def compose_rows(self) -> str:
        request, query = self.request, self.query
        main = request.subject or (request.context.pop(0) if request.context else request.columns[0])
        concept = self.concept_of(main, "table", "column", "filter", "expression") if main else None
        if concept is None:
            raise CannotGroundError("What should be listed?")
        base = self.resolution.home(concept)[0]
        tree = JoinTree(base, self.knowledge, self.paths, self.binder)
        ranked = self.ranked_column(base)
        chosen = [self.concept_of(m, "expression", "column") for m in request.columns]
        if concept.kind in {"column", "expression"} and concept not in chosen:
            chosen.insert(0, concept)
        table = self.knowledge.tables[base]
        label = self.resolution.label(table)
        lists_entities = concept.kind in {"table", "filter"}
        if lists_entities and label is not None and (request.listing or ranked or not chosen):
            query.select(self.column_sql(label), label.name)
        elif lists_entities and not chosen and ranked is None:
            for column in table.columns.values():
                query.select(self.column_sql(column), column.name)
        elif lists_entities and ranked is not None and (key := tree.key(base)):
            query.select(key, key.rsplit(".", 1)[-1].strip("`"))
        for item in chosen:
            for home in self.resolution.home(item):
                tree.connect(home, self.via(item, tree))
            sql = self.column_sql(item.column) if item.column else self.binder.write(item.sql)
            if sql not in [expression for expression, _ in query.selected]:
                query.select(sql, item.name if item.column else spoken_alias(item.name))
        if ranked is not None:
            if ranked not in [expression for expression, _ in query.selected]:
                query.select(ranked, ranked.rsplit(".", 1)[-1].strip("`)"))
            query.order = [f"{ranked} {request.direction or 'DESC'}"]
            query.limit = self.rows_shown(True) or 10
        elif request.limit is not None:
            raise CannotGroundError("By which figure should they be ranked?")
        self.connect_context(tree)
        query.where = [*self.conditions(tree), *tree.exists(), *[tree.not_exists(self.table_of(m)) for m in request.without]]
        query.distinct = request.distinct or tree.multiplies or not lists_entities
        if not query.selected:
            raise CannotGroundError(f"I see no columns of {table.name}. What would you like to know?")
        query.source, query.joins = tree.source(), tree.joins()
        return query.write()

    def ranked_column(self, base: str) -> str | None:
        """Return the SQL that rows are ranked by, if they are."""
        request = self.request
        if request.rank is not None:
            concept = self.concept_of(request.rank.mention, "column", "expression")
            return self.column_sql(concept.column) if concept.column else self.binder.write(concept.sql)
        if not request.direction:
            return None
        if request.extreme == "time":
            return self.column_sql(self.resolution.date_column([base], []))
        columns = self.knowledge.tables[base].columns.values()
        for hint in (request.extreme or "price", "size") if not request.extreme else (request.extreme,):
            found = [c for c in columns if c.is_numeric and set(phrase_of(c.name)) & set(HINTS.get(hint, ()))]
            if len(found) == 1:
                return self.column_sql(found[0])
        raise CannotGroundError("By which figure should they be ranked?")

    # --- conditions ---------------------------------------------------------------------------------------------------

    def connect_context(self, tree: JoinTree) -> None:
        """Join the tables the question names in passing; where that would multiply rows, their rows only have to exist."""
        for mention in self.request.context:
            concept = self.resolution.concept(mention, "table")
            if concept is not None and concept.table not in tree.tables:
                tree.require(concept.table, "")

    def conditions(self, tree: JoinTree, only: str = "") -> list[str]:
        """Return the conditions on rows; those on tables that would multiply rows go into the tree's EXISTS."""
        found: list[str] = []
        if only != "periods":
            for condition in _merged(self.request.filters):
                concept = self.resolution.concept(condition.mention, *_kinds_of(condition))
                if concept is None:
                    raise CannotGroundError("I cannot apply one of these conditions here. Which rows should count?")
                tables = self.resolution.home(concept)
                for table in tables[1:]:
                    tree.connect(table)
                kept = tree.require(tables[0], self.condition_sql(condition, concept), self.via(concept, tree))
                found += [kept] if kept else []
        if only != "filters":
            found += self.period_conditions(tree)
        return found

    def period_conditions(self, tree: JoinTree) -> list[str]:
        by_column: dict[Column, list[When]] = {}
        for when in self.request.periods:
            by_column.setdefault(self.date_for(when.column, tree), []).append(when)
        found = []
        for column, whens in by_column.items():
            kept = tree.require(column.table, in_period(self.column_sql(column), [when.period for when in whens]))
            found += [kept] if kept else []
        return found

    def condition_sql(self, condition: Filter, concept: Concept) -> str:
        if concept.kind == "filter":
            sql = self.binder.write(concept.sql)
            return f"NOT ({sql})" if condition.negated else f"({sql})" if " OR " in sql.upper() else sql
        sql = self.column_sql(concept.column) if concept.column else self.binder.write(concept.sql)
        if condition.operator == "IS":
            return f"{sql} = {'false' if condition.negated else 'true'}"
        if condition.operator == "IN":
            values = [string_literal(value) for value in condition.values]
            if len(values) == 1:
                return f"{sql} {'<>' if condition.negated else '='} {values[0]}"
            return f"{sql} {'NOT IN' if condition.negated else 'IN'} ({', '.join(values)})"
        return _compared(sql, condition.operator, condition.numbers)

    def date_for(self, mention: Mention | None, tree: JoinTree) -> Column:
        """Return the date column meant by a mention, or by the space when the question names none."""
        named = [m for m in ([mention] if mention else [when.column for when in self.request.periods]) if m is not None]
        for candidate in named:
            concept = self.resolution.concept(candidate, "column")
            if concept is not None and concept.column is not None and concept.column.is_temporal:
                return concept.column
        beyond = [key for key, table in self.knowledge.tables.items() if not table.is_metric_view and key not in tree.tables]
        near = [key for key in beyond if tree.reaches(key)]
        far = [key for key in beyond if key not in near and self.paths.path(tree.tables, key) is not None]
        return self.resolution.date_column(tree.tables, [*near, *far])

    def via(self, concept: Concept, tree: JoinTree) -> str | None:
        """Return the table to go through, unless the question names another one that leads to the same thing."""
        via = self.resolution.steered_table(concept)
        if via is None or concept.table in tree.tables:
            return None
        others = [t for t in self.resolution.named_tables if t not in {via, concept.table, tree.base} and tree.reaches(t)]
        for other in others:
            walk = self.paths.path([other], concept.table, only_to_one=True)
            if walk is not None and all(step.source != via for step in walk):
                return other
        return via

    def concept_of(self, mention: Mention, *kinds: str) -> Concept:
        concept = self.resolution.concept(mention, *kinds)
        if concept is None:
            known = mention.concepts[0].name
            raise CannotGroundError(f"I cannot use {known} here. What would you like to see by it?")
        return concept

    def table_of(self, mention: Mention) -> str:
        return self.resolution.home(self.concept_of(mention, "table", "filter", "column", "expression"))[0]

    def column_sql(self, column: Column) -> str:
        return f"{quoted_name(self.binder.alias(column.table))}.{quoted_name(column.name)}"


def _merged(filters: list[Filter]) -> list[Filter]:
    """Return the filters with values of one column put together: AIR, RAIL → IN ('AIR', 'RAIL')."""
    merged: list[Filter] = []
    for condition in filters:
        column = condition.mention.concepts[0].column
        for index, known in enumerate(merged):
            same = column is not None and known.mention.concepts[0].column == column and known.negated == condition.negated
            if same and known.operator == condition.operator == "IN":
                values = tuple(dict.fromkeys((*known.values, *condition.values)))
                merged[index] = Filter(known.mention, "IN", values, negated=known.negated)
                break
        else:
            merged.append(condition)
    return merged


def _kinds_of(condition: Filter) -> tuple[str, ...]:
    if not condition.operator:
        return ("filter",)
    return ("value", "column") if condition.operator in {"IN", "IS"} else ("column", "expression")


def _compared(sql: str, operator: str, numbers: tuple[float, ...]) -> str:
    if operator == "between":
        return f"{sql} BETWEEN {number_literal(min(numbers))} AND {number_literal(max(numbers))}"
    return f"{sql} {operator} {number_literal(numbers[0])}"
