"""The clauses of one SELECT, collected and written out."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlflow_genie_plugin.emulator.answering.sql_text import quoted_name
from mlflow_genie_plugin.emulator.answering.time_phrases import Period


@dataclass
class QueryText:
    """A SELECT under construction; ``selected`` holds (expression, alias)."""

    source: str = ""
    joins: list[str] = field(default_factory=list)
    selected: list[tuple[str, str]] = field(default_factory=list)
    where: list[str] = field(default_factory=list)
    grouped: list[str] = field(default_factory=list)
    having: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    limit: int | None = None
    distinct: bool = False
    group_all: bool = False

    def select(self, expression: str, alias: str) -> str:
        """Add an output column and return the alias it got (a number is appended to one that is taken)."""
        known = {name.lower() for _, name in self.selected}
        name, number = alias, 2
        while name.lower() in known:
            name, number = f"{alias}_{number}", number + 1
        self.selected.append((expression, name))
        return quoted_name(name)

    def write(self) -> str:
        """Return the statement."""
        columns = ", ".join(_output(expression, alias) for expression, alias in self.selected)
        lines = [f"SELECT {'DISTINCT ' if self.distinct else ''}{columns}", f"FROM {self.source}", *self.joins]
        if self.where:
            lines.append("WHERE " + "\n  AND ".join(self.where))
        if self.group_all:
            lines.append("GROUP BY ALL")
        elif self.grouped:
            lines.append("GROUP BY " + ", ".join(self.grouped))
        if self.having:
            lines.append("HAVING " + " AND ".join(self.having))
        if self.order:
            lines.append("ORDER BY " + ", ".join(self.order))
        if self.limit is not None:
            lines.append(f"LIMIT {self.limit}")
        return "\n".join(lines)


def in_period(column: str, periods: list[Period]) -> str:
    """Return the condition that a date column lies in any of the periods."""
    conditions = [
        " AND ".join(
            f"{column} {operator} {bound}"
            for operator, bound in ((">=", period.start), ("<", period.end))
            if bound is not None
        )
        for period in periods
    ]
    return (
        conditions[0] if len(conditions) == 1 else "(" + " OR ".join(f"({condition})" for condition in conditions) + ")"
    )


def by_grain(column: str, unit: str, *, is_date: bool) -> str:
    """Return the expression that puts a date column into calendar units."""
    if unit == "YEAR":
        return f"YEAR({column})"
    if unit == "DAY":
        return column if is_date else f"CAST({column} AS DATE)"
    return f"DATE_TRUNC('{unit}', {column})"


def _output(expression: str, alias: str) -> str:
    last = expression.rsplit(".", 1)[-1]
    return (
        expression
        if last == quoted_name(alias) and expression.count("(") == 0
        else f"{expression} AS {quoted_name(alias)}"
    )
