"""Which table or subquery a column belongs to, so that the names a query gives to its tables never matter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.tokens import UNKNOWN_SOURCE, column_token, renamed


@dataclass(slots=True, eq=False)
class Source:
    """One entry of a FROM clause.

    Attributes:
        label: The name it has in the query, lower case.
        number: Unique within one analysis.
        table: Name of the table it reads, lower case; None for a subquery.
        types: Type by column name; None when the columns are not known.
        outputs: Normal form by output column, of a subquery.
        inner: The scope behind ``SELECT *`` of a subquery, which passes columns through.
    """

    label: str
    number: int
    table: str | None = None
    types: Mapping[str, str] | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    inner: Scope | None = None

    @property
    def is_known(self) -> bool:
        """Whether it is known which columns it has."""
        if self.table is not None:
            return self.types is not None
        return self.inner is None or all(source.is_known for source in self.inner.sources)

    def find(self, column: str) -> str | None:
        """Return the form of a column that it surely has."""
        if self.table is not None:
            return column_token(self.number, column) if self.types is not None and column in self.types else None
        if column in self.outputs:
            return self.outputs[column]
        return self.inner.find(column) if self.inner is not None else None

    def assumed(self, column: str) -> str:
        """Return the form of a column that it must have, because the query says so."""
        found = self.find(column)
        if found is not None:
            return found
        if self.inner is not None:
            unknown = [source for source in self.inner.sources if not source.is_known]
            if len(unknown) == 1:
                return unknown[0].assumed(column)
        return column_token(self.number if self.table is not None else UNKNOWN_SOURCE, column)

    def columns(self) -> Iterator[tuple[str, str]]:
        """Yield name and form of all its columns, when they are known."""
        if self.table is not None:
            for name in self.types or ():
                yield name, column_token(self.number, name)
            return
        yield from self.outputs.items()
        if self.inner is not None:
            for source in self.inner.sources:
                yield from source.columns()


@dataclass(slots=True, eq=False)
class Scope:
    """The sources that one SELECT sees, and those of the query around it.

    Attributes:
        sources: In the order of the query.
        outer: The scope around a correlated subquery.
        aliases: Output name to expression; the first one of a name.
    """

    sources: list[Source] = field(default_factory=list)
    outer: Scope | None = None
    aliases: dict[str, exp.Expr] = field(default_factory=dict)

    def find(self, column: str) -> str | None:
        """Return the form of an unqualified column, when it surely belongs to one of the sources."""
        for source in self.sources:
            if (form := source.find(column)) is not None:
                return form
        return None

    def qualified(self, qualifier: tuple[str, ...], column: str) -> str | None:
        """Return the form of ``qualifier.column``; None when no source has that name."""
        for source in self.sources:
            if source.label == qualifier[-1] and (len(qualifier) == 1 or _ends_with(source.table, qualifier)):
                return source.assumed(column)
        for source in self.sources:
            if _ends_with(source.table, qualifier):
                return source.assumed(column)
        around = self.outer.qualified(qualifier, column) if self.outer is not None else None
        return None if around is None else _marked_outer(around)

    def unqualified(self, column: str) -> str | None:
        """Return the form of an unqualified column; None when it is an output name or unknown."""
        if (form := self.find(column)) is not None:
            return form
        unknown = [source for source in self.sources if not source.is_known]
        if len(unknown) == 1 and column not in self.aliases:
            return unknown[0].assumed(column)
        if unknown:
            return None
        around = self.outer.unqualified(column) if self.outer is not None else None
        return None if around is None else _marked_outer(around)


def _ends_with(table: str | None, qualifier: tuple[str, ...]) -> bool:
    return table is not None and f".{table}".endswith("." + ".".join(qualifier))


def _marked_outer(form: str) -> str:
    return renamed(form, lambda name: name if name.endswith("^") else f"{name}^")
