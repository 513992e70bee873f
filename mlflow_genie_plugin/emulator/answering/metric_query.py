"""A request over one metric view: MEASURE() of its measures by its dimensions."""

from __future__ import annotations

from mlflow_genie_plugin.emulator.answering.binding import CannotGroundError
from mlflow_genie_plugin.emulator.answering.concepts import Concept, Mention
from mlflow_genie_plugin.emulator.answering.knowledge import Column, SpaceKnowledge, Table, dates_among
from mlflow_genie_plugin.emulator.answering.query_text import QueryText, by_grain, in_period
from mlflow_genie_plugin.emulator.answering.request import Ask, Request
from mlflow_genie_plugin.emulator.answering.sql_text import (
    number_literal,
    quoted_identifier,
    quoted_name,
    string_literal,
)
from mlflow_genie_plugin.emulator.answering.time_phrases import Grain
from mlflow_genie_plugin.emulator.answering.words import phrase_of


def metric_view_for(request: Request, knowledge: SpaceKnowledge) -> Table | None:
    """Return the metric view whose measure a request asks for, or None when it asks for none."""
    for ask in request.asks():
        concept = ask.mention.of("metric")
        if concept is not None and concept.weight >= ask.mention.concepts[0].weight - 0.15 and _says(concept, ask):
            return knowledge.tables[concept.table]
    return None


def compose_over_metric_view(request: Request, view: Table) -> str:
    """Return the SQL that answers a request from ``view``.

    Raises:
        CannotGroundError: Something asked for is no measure or dimension of the view.
    """
    return _MetricQuery(request, view).compose()


class _MetricQuery:
    def __init__(self, request: Request, view: Table) -> None:
        self.request = request
        self.view = view
        self.query = QueryText(source=quoted_identifier(view.identifier), group_all=True)

    def compose(self) -> str:
        request, query = self.request, self.query
        if request.share or request.without or request.extreme:
            raise CannotGroundError(f"{self.view.name} has no such figure. Which of its figures do you want to see?")
        time_names = self.add_groups()
        figures = {}
        for ask in dict.fromkeys(request.asks()):
            name = self.measure(ask)
            if name not in figures:
                figures[name] = query.select(f"MEASURE({quoted_name(name)})", name)
        for ask, operator, numbers in request.comparisons:
            bound = (
                f"BETWEEN {number_literal(min(numbers))} AND {number_literal(max(numbers))}"
                if operator == "between"
                else ""
            )
            query.having.append(
                f"MEASURE({quoted_name(self.measure(ask))}) {bound or f'{operator} {number_literal(numbers[0])}'}"
            )
        self.add_conditions()
        grouped = len(query.selected) > len(figures)
        first = next(iter(figures.values()))
        if request.rank is not None or request.direction:
            if not grouped:
                raise CannotGroundError(f"{first} is one figure. By what should it be ranked?")
            first = figures[self.measure(request.rank)] if request.rank else first
            query.order = [f"{first} {request.direction or 'DESC'}"]
            query.limit = (
                request.limit
                if request.limit is not None
                else 1
                if request.single and request.subject and not request.plural
                else None
            )
        elif time_names:
            query.order = time_names
        elif grouped:
            query.order = [f"{first} DESC"]
        return query.write()

    def add_groups(self) -> list[str]:
        request = self.request
        names = []
        members = [*([request.subject] if request.subject else []), *request.groups, *request.columns]
        if request.compares:
            twice = [self.dimension_of_value(f.mention) for f in request.filters if f.operator == "IN"]
            for column in dict.fromkeys(twice):
                if twice.count(column) > 1:
                    self.query.select(quoted_name(column.name), column.name)
            if len(request.periods) > 1 and not any(isinstance(group, Grain) for group in request.groups):
                members.append(Grain("YEAR" if all(when.period.year for when in request.periods) else "MONTH"))
        for member in members:
            if isinstance(member, Grain):
                names.append(self.add_grain(member))
            else:
                column = self.dimension(member)
                self.query.select(quoted_name(column.name), column.name)
        return names

    def add_grain(self, grain: Grain) -> str:
        unit = grain.unit.lower()
        ready = [c for c in self.dimensions() if phrase_of(c.name)[-1:] == (unit,)]
        if len(ready) == 1:
            return self.query.select(quoted_name(ready[0].name), ready[0].name)
        date = self.date()
        return self.query.select(
            by_grain(quoted_name(date.name), grain.unit, is_date=date.type_text.lower() == "date"), unit
        )

    def add_conditions(self) -> None:
        by_column: dict[tuple[Column, bool], list[str]] = {}
        for condition in self.request.filters:
            if condition.operator == "IN":
                column = self.dimension_of_value(condition.mention)
                by_column.setdefault((column, condition.negated), []).extend(condition.values)
            elif condition.operator == "IS":
                column = self.dimension(condition.mention)
                self.query.where.append(f"{quoted_name(column.name)} = {'false' if condition.negated else 'true'}")
            elif condition.operator:
                column = self.dimension(condition.mention)
                low, high = number_literal(min(condition.numbers)), number_literal(max(condition.numbers))
                bound = (
                    f"BETWEEN {low} AND {high}" if condition.operator == "between" else f"{condition.operator} {low}"
                )
                self.query.where.append(f"{quoted_name(column.name)} {bound}")
            else:
                raise CannotGroundError(
                    f"{self.view.name} cannot be narrowed to {condition.mention.concepts[0].name}. "
                    "Which rows should count?"
                )
        for (column, negated), values in by_column.items():
            literals = [string_literal(value) for value in dict.fromkeys(values)]
            name = quoted_name(column.name)
            if len(literals) == 1:
                self.query.where.append(f"{name} {'<>' if negated else '='} {literals[0]}")
            else:
                self.query.where.append(f"{name} {'NOT IN' if negated else 'IN'} ({', '.join(literals)})")
        if self.request.periods:
            date = self.date()
            self.query.where.append(in_period(quoted_name(date.name), [when.period for when in self.request.periods]))

    def measure(self, ask: Ask) -> str:
        for concept in ask.mention.concepts:
            if concept.kind == "metric" and concept.column in self.view.columns.values() and _says(concept, ask):
                return concept.name
        raise CannotGroundError(
            f"{ask.mention.concepts[0].name} is no figure of {self.view.name}. Which figure do you want to see?"
        )

    def dimensions(self) -> list[Column]:
        return [column for column in self.view.columns.values() if not column.is_measure]

    def dimension(self, mention: Mention) -> Column:
        for concept in mention.concepts:
            if (
                concept.kind == "dimension"
                and concept.column is not None
                and concept.column in self.view.columns.values()
            ):
                return concept.column
        raise CannotGroundError(
            f"{self.view.name} has no {mention.concepts[0].name}. By what else do you want to see it?"
        )

    def dimension_of_value(self, mention: Mention) -> Column:
        """Return the dimension a value belongs to: its own, or the one spoken of like the column it was found in."""
        for concept in mention.concepts:
            if concept.column is not None and concept.column in self.view.columns.values():
                return concept.column
        for concept in mention.concepts:
            if concept.column is not None:
                spoken = _spoken(concept.column)
                found = [column for column in self.dimensions() if spoken & _spoken(column)]
                if len(found) == 1:
                    return found[0]
        raise CannotGroundError(
            f"{self.view.name} cannot be narrowed to {mention.concepts[0].name}. Which rows should count?"
        )

    def date(self) -> Column:
        for when in self.request.periods:
            concept = when.column.of("dimension") if when.column else None
            if concept is not None and concept.column in self.view.columns.values():
                return concept.column  # type: ignore[return-value]
        dates = dates_among(self.dimensions())
        plain = [
            column
            for column in dates
            if phrase_of(column.name)[-1:] not in {("month",), ("quarter",), ("year",), ("week",)}
        ]
        if len(plain or dates) == 1:
            return (plain or dates)[0]
        raise CannotGroundError(
            f"{self.view.name} has {'several dates' if dates else 'no date'}. Which period do you mean, and of what?"
        )


def _says(metric: Concept, ask: Ask) -> bool:
    """Return whether a metric is the aggregate asked for: "average CPU" is ``avg_cpu``, never ``cpu``."""
    if ask.aggregate in {None, "SUM", "COUNT"}:
        return True
    words = {"AVG": {"avg", "average", "mean"}, "MAX": {"max", "maximum", "peak"}, "MIN": {"min", "minimum"}}
    return bool(words.get(ask.aggregate or "", set()) & set(phrase_of(metric.name)))


def _spoken(column: Column) -> set[tuple[str, ...]]:
    return {phrase_of(name) for name in (column.name, *column.synonyms)}
