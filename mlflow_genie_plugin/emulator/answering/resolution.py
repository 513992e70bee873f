"""Choosing one reading for every mention, given what else the question names."""

from __future__ import annotations

from collections.abc import Iterable

from mlflow_genie_plugin.emulator.answering.binding import Binder, CannotGroundError
from mlflow_genie_plugin.emulator.answering.concepts import Concept, Mention
from mlflow_genie_plugin.emulator.answering.knowledge import Column, SpaceKnowledge, Table, dates_among
from mlflow_genie_plugin.emulator.answering.request import Request
from mlflow_genie_plugin.emulator.answering.words import phrase_of, word_set

TABLE_KINDS = ("measure", "filter", "expression", "column", "value", "table")
_NEVER_SUMMED = word_set(
    """price rate discount tax size age score percent pct percentage ratio temperature retailprice index"""
)


class Resolution:
    """Readings over plain tables: replaced columns are followed, and tables the question names win ties."""

    def __init__(self, request: Request, knowledge: SpaceKnowledge, binder: Binder) -> None:
        self._knowledge = knowledge
        self._binder = binder
        self._replacements = dict(knowledge.steering.replacements)
        self.named_tables = _named_tables(request)

    def concept(self, mention: Mention, *kinds: str) -> Concept | None:
        """Return the best reading of these kinds (all table kinds when none is given)."""
        wanted = kinds or TABLE_KINDS
        found = [c for c in mention.concepts if c.kind in wanted and not self._is_in_metric_view(c)]
        if not found:
            return None
        best = max(found, key=lambda c: c.weight + (0.5 if c.table in self.named_tables else 0.0))
        return self._followed(best)

    def home(self, concept: Concept) -> list[str]:
        """Return the tables a reading needs."""
        if concept.kind in {"measure", "filter", "expression"}:
            return self._binder.tables_in(concept.sql)
        return [concept.table]

    def label(self, table: Table) -> Column | None:
        """Return the column people know a row by: its name, or None when it has none."""
        named = [c for c in table.columns.values() if not c.is_numeric and phrase_of(c.name)[-1:] == ("name",)]
        return named[0] if named else None

    def date_column(self, tables: Iterable[str], reachable: Iterable[str]) -> Column:
        """Return the column a period is about when the question names none: the steered one, or the only one there is.

        Raises:
            CannotGroundError: There is none, or the choice is open.
        """
        steered = self._knowledge.steering.target_for("date") or self._knowledge.steering.target_for("time", "period")
        candidates = self._columns_called(steered) if steered else []
        everywhere = [*tables, *reachable]
        for column in candidates:
            if column.table in everywhere:
                return column
        for table in everywhere:
            dates = dates_among(self._knowledge.tables[table].columns.values())
            if len(dates) == 1:
                return dates[0]
            if len(dates) > 1:
                names = ", ".join(c.synonyms[0] if c.synonyms else c.name for c in dates)
                raise CannotGroundError(f"Which date do you mean: {names}?")
        raise CannotGroundError(
            "The tables this question is about have no date. Which period do you mean, and of what?"
        )

    def steered_table(self, concept: Concept) -> str | None:
        """Return the table through which the space wants this thing to be reached (``For nations, use customer.``)."""
        phrases = (
            {phrase_of(self._knowledge.tables[concept.table].name)}
            if concept.table in self._knowledge.tables
            else set()
        )
        if concept.column is not None:
            phrases |= {phrase_of(synonym) for synonym in concept.column.synonyms}
            phrases.add(phrase_of(concept.column.name))
        for phrase, target in self._knowledge.steering.targets:
            if phrase in phrases and (table := self._knowledge.table_named(target)) is not None:
                return next(key for key, known in self._knowledge.tables.items() if known is table)
        return None

    @staticmethod
    def is_summed(column: Column) -> bool:
        """Return whether a bare numeric column is added up (amounts, counts) rather than averaged (prices, rates)."""
        words = {part for name in (column.name, *column.synonyms) for part in phrase_of(name)}
        return "total" in words or "totalprice" in words or not words & _NEVER_SUMMED

    def _columns_called(self, name: str) -> list[Column]:
        table, _, column = name.rpartition(".")
        found = self._knowledge.columns_named(column)
        owner = self._knowledge.table_named(table) if table else None
        return [c for c in found if owner is None or c in owner.columns.values()]

    def _followed(self, concept: Concept) -> Concept:
        replacement = self._replacements.get(concept.name.lower()) if concept.kind == "column" else None
        found = self._columns_called(replacement) if replacement else []
        if not found:
            return concept
        column = next((c for c in found if c.table == concept.table), found[0])
        return Concept("column", column.name, concept.weight, column=column, table=column.table)

    def _is_in_metric_view(self, concept: Concept) -> bool:
        table = self._knowledge.tables.get(concept.table)
        return table is not None and table.is_metric_view


def _named_tables(request: Request) -> list[str]:
    mentions = [ask.mention for ask in [*request.measures, *([request.rank] if request.rank else [])]]
    mentions += [ask.mention for ask, _, _ in request.comparisons]
    mentions += [*request.context, *request.without, *([request.subject] if request.subject else [])]
    mentions += [group for group in request.groups if isinstance(group, Mention)]
    return list(dict.fromkeys(concept.table for mention in mentions if (concept := mention.of("table"))))
