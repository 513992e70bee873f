"""Figures over plain tables: counts, sums, averages and defined measures, safe against rows that multiply."""

from __future__ import annotations

from dataclasses import dataclass

from mlflow_genie_plugin.emulator.answering.binding import Binder, CannotGroundError
from mlflow_genie_plugin.emulator.answering.concepts import Concept
from mlflow_genie_plugin.emulator.answering.join_paths import JoinPaths
from mlflow_genie_plugin.emulator.answering.join_tree import JoinTree
from mlflow_genie_plugin.emulator.answering.request import Ask
from mlflow_genie_plugin.emulator.answering.resolution import Resolution
from mlflow_genie_plugin.emulator.answering.sql_text import parse_expression, quoted_name, spoken_alias


@dataclass(frozen=True)
class Figure:
    """An aggregate as SQL, with the name of its output column."""

    sql: str
    alias: str


class Figures:
    """Writes the figures of a request."""

    def __init__(self, resolution: Resolution, binder: Binder) -> None:
        self._resolution = resolution
        self._binder = binder

    def concept(self, ask: Ask) -> Concept:
        """Return the reading of a figure: what is counted are rows before values, what is summed is never a table."""
        if ask.aggregate in {"COUNT", "AVG COUNT"}:
            order: tuple[tuple[str, ...], ...] = (("table",), ("filter",), ("column", "expression"), ("measure",))
            if ask.distinct:
                order = (("column", "expression"), ("table",), ("filter",), ("measure",))
        else:
            order = (("measure", "column", "expression"), ("table", "filter"))
        for kinds in order:
            concept = self._resolution.concept(ask.mention, *kinds)
            if concept is not None:
                return concept
        raise CannotGroundError(
            f"I cannot calculate {ask.mention.concepts[0].name} from the tables here. What should I use?"
        )

    def tables(self, ask: Ask) -> list[str]:
        """Return the tables a figure needs."""
        found = self._resolution.home(self.concept(ask))
        if not found:
            raise CannotGroundError(
                f"{self.concept(ask).name} uses no column of this space. What should be calculated?"
            )
        return found

    def base(self, asks: list[Ask], paths: JoinPaths) -> str:
        """Return the table whose rows all figures can be taken from: every other table hangs on it by to-one joins."""
        tables = list(dict.fromkeys(table for ask in asks for table in self.tables(ask)))
        for table in tables:
            if all(paths.path([table], other, only_to_one=True) is not None for other in tables):
                return table
        return tables[0]

    def figure(
        self, ask: Ask, tree: JoinTree, *, per: str | None = None, extreme: str = "", alone: bool = False
    ) -> Figure:
        """Return a figure as SQL.

        Args:
            ask: What is asked.
            tree: The joined tables.
            per: SQL of what an average is "per": the figure is divided by its different values.
            extreme: ASC or DESC when the figure ranks something.
            alone: The extreme itself is the answer ("the highest price").

        Raises:
            CannotGroundError: Rows multiply on the way, so that the figure would be too large.
        """
        concept = self.concept(ask)
        home = self._resolution.home(concept)[0]
        if concept.kind in {"table", "filter"}:
            count = self._count(home, tree)
            alias = self.count_alias(home) if concept.kind == "table" else spoken_alias(concept.name)
            if per is not None:
                return Figure(f"{count} * 1.0 / COUNT(DISTINCT {per})", f"average_{alias}")
            return Figure(count, alias)
        if concept.kind == "measure":
            sql = self._measure(concept, ask, per)
            alias = spoken_alias(concept.name)
            safe = "DISTINCT" in sql.upper()
        else:
            aggregate, sql, alias = self._aggregate(concept, ask, per, extreme, alone, home)
            safe = aggregate in {"MIN", "MAX", "COUNT"}
        if not safe and (tree.multiplies or tree.base != home):
            raise CannotGroundError(
                f"Joining these tables would count rows of {home.rsplit('.', 1)[-1]} more than once. "
                "Can you ask for one of the two?"
            )
        return Figure(sql, alias)

    def share(self, figure: Figure, condition: str) -> str:
        """Return the percentage of a figure that falls to the rows meeting a condition."""
        from sqlglot import exp

        expression = parse_expression(figure.sql)
        aggregates = list(expression.find_all(exp.AggFunc)) if expression is not None else []
        if expression is None or len(aggregates) != 1 or not isinstance(expression, exp.AggFunc):
            raise CannotGroundError(f"A share of {figure.alias} is not defined. Do you want the figure itself?")
        if isinstance(expression, exp.Count):
            counted = expression.this
            distinct = isinstance(counted, exp.Distinct)
            value = counted.expressions[0].sql(dialect="databricks") if distinct else "1"
            part = f"COUNT({'DISTINCT ' if distinct else ''}CASE WHEN {condition} THEN {value} END)"
        elif isinstance(expression, exp.Sum):
            part = f"SUM(CASE WHEN {condition} THEN {expression.this.sql(dialect='databricks')} ELSE 0 END)"
        else:
            raise CannotGroundError(f"A share of {figure.alias} is not defined. Do you want the figure itself?")
        return f"100.0 * {part} / {figure.sql}"

    def count_alias(self, table: str) -> str:
        """Return the name of a count of rows."""
        return f"{self._binder.alias(table)}_count"

    def _count(self, table: str, tree: JoinTree) -> str:
        if table == tree.base and not tree.multiplies:
            return "COUNT(*)"
        key = tree.key(table)
        if key is None:
            raise CannotGroundError(
                f"Which column tells the rows of {table.rsplit('.', 1)[-1]} apart? I need it to count them."
            )
        return f"COUNT(DISTINCT {key})"

    def _measure(self, concept: Concept, ask: Ask, per: str | None) -> str:
        from sqlglot import exp

        expression = parse_expression(concept.sql)
        sql = self._binder.write(concept.sql)
        if ask.aggregate == "AVG" and per is not None:
            return f"{sql} / COUNT(DISTINCT {per})"
        other = {"AVG": exp.Avg, "MAX": exp.Max, "MIN": exp.Min, "MEDIAN": exp.Median}.get(ask.aggregate or "")
        if other is None or expression is None or isinstance(expression, other):
            return sql
        if not isinstance(expression, exp.Sum):
            raise CannotGroundError(f"{concept.name} is already a calculated figure. By what do you want to see it?")
        return self._binder.write(other(this=expression.this.copy()).sql(dialect="databricks"))

    def _aggregate(
        self, concept: Concept, ask: Ask, per: str | None, extreme: str, alone: bool, home: str
    ) -> tuple[str, str, str]:
        column = concept.column
        sql = (
            f"{quoted_name(self._binder.alias(home))}.{quoted_name(column.name)}"
            if column
            else self._binder.write(concept.sql)
        )
        name = column.name if column else spoken_alias(concept.name)
        aggregate = ask.aggregate
        if aggregate in {"COUNT", "AVG COUNT"}:
            return "COUNT", f"COUNT(DISTINCT {sql})", f"{name}_count"
        if column is not None and not column.is_numeric and column.type_text and aggregate not in {"MIN", "MAX"}:
            if extreme and column.is_temporal:
                aggregate = "MAX" if extreme == "DESC" else "MIN"
            else:
                raise CannotGroundError(f"{name} is not a number. Do you want to count it, or to see something by it?")
        summed = column is None or Resolution.is_summed(column)
        if aggregate is None and extreme and (alone or not summed):
            aggregate = "MAX" if extreme == "DESC" else "MIN"
        if aggregate == "AVG" and per is not None and summed and _is_elsewhere(per, home, self._binder):
            return "SUM", f"SUM({sql}) / COUNT(DISTINCT {per})", f"average_{name}"
        aggregate = aggregate or ("SUM" if summed else "AVG")
        prefix = {"SUM": "total", "AVG": "average", "MAX": "highest", "MIN": "lowest", "MEDIAN": "median"}[aggregate]
        inner = f"DISTINCT {sql}" if ask.distinct else sql
        return aggregate, f"{aggregate}({inner})", f"{prefix}_{name}"


def _is_elsewhere(per: str, home: str, binder: Binder) -> bool:
    """Return whether what an average is "per" lives in another table than the averaged column."""
    return not per.startswith(f"{quoted_name(binder.alias(home))}.")
