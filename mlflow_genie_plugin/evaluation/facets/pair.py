"""Two queries side by side: their summaries, and when a form of one counts as a form of the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.level import Part
from mlflow_genie_plugin.evaluation.facets.naming import reconciled, renaming, table_names, without_unknown_sources
from mlflow_genie_plugin.evaluation.facets.read import Reader
from mlflow_genie_plugin.evaluation.facets.summarise import summarised
from mlflow_genie_plugin.evaluation.facets.summary import Summary, with_plain_counts
from mlflow_genie_plugin.evaluation.facets.tokens import UNKNOWN_SOURCE, renamed, tokens_in
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema


@dataclass(eq=False)
class Pair:
    """The expected query and the answer's.

    Attributes:
        expected: Summary of the expected query.
        actual: Summary of the answer's query.
        schema: What is known of the tables.
        ordered: Whether the order of the rows is part of the answer.
    """

    expected: Summary
    actual: Summary
    schema: SpaceSchema
    ordered: bool = False

    @classmethod
    def read(cls, expected: exp.Expr, actual: exp.Expr, schema: SpaceSchema, *, ordered: bool = False) -> Pair:
        """Read both queries.

        Raises:
            UnanalysableError: One of them holds something that is not understood.
        """
        readers = []
        for tree in (expected, actual):
            reader = Reader(schema)
            reader.query(tree, "query", {}, None)
            readers.append(reader)
        names = reconciled(*(table_names(reader.levels) for reader in readers))
        summaries = [summarised(reader, renaming(reader.levels, names)) for reader in readers]
        return cls(summaries[0], summaries[1], schema, ordered)

    @cached_property
    def without_unknown(self) -> Callable[[str], str]:
        """Drops the table of columns that one of the queries does not attribute to a table."""
        columns = self.expected.columns() | self.actual.columns()
        open_ones = {name.rpartition(".")[2] for name in columns if name.startswith(f"{UNKNOWN_SOURCE}.")}
        return without_unknown_sources(frozenset(open_ones))

    @cached_property
    def _classes(self) -> Classes:
        """Columns that inner joins of either query make equal."""
        classes = Classes()
        for summary in (self.expected, self.actual):
            for edge in summary.edges:
                sides = [self.without_unknown(form)[1:-1].removesuffix("^") for form in (edge.left, edge.right)]
                if not any(side.rpartition(".")[0] in summary.nullable for side in sides):
                    classes.join(*sides)
        return classes

    def form(self, form: str, side: Summary) -> str:
        """Return a form of one side as it is compared with those of the other side."""
        never_null, only_key = self._keys[side is self.actual]
        form = with_plain_counts(form, never_null, only_key)
        return renamed(self.without_unknown(form), self._representative)

    def _representative(self, name: str) -> str:
        mark = "^" if name.endswith("^") else ""
        return self._classes.representative(name.removesuffix("^")) + mark

    def forms(self, parts: Iterable[Part], side: Summary) -> dict[str, Part]:
        return {self.form(part.form, side): part for part in parts}

    def signature(self, side: Summary) -> list[list[str]]:
        """Return what decides about the rows of each level, to find parts that moved to another one."""
        return sorted([kind, *sorted({self.form(form, side) for form in forms})] for kind, forms in side.levels)

    @cached_property
    def _keys(self) -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
        return tuple(self._keys_of(summary) for summary in (self.expected, self.actual))

    def _keys_of(self, summary: Summary) -> tuple[frozenset[str], frozenset[str]]:
        single = {
            f"{table}.{key[0]}" for table in summary.tables for key in self.unique_keys(table) if len(key) == 1
        }  # fmt: skip
        never_null = frozenset() if summary.nullable else frozenset(single)
        alone = len(summary.tables) == 1 and sum(summary.tables.values()) == 1 and not summary.others
        return never_null, frozenset(single) if alone and not summary.subqueries else frozenset()

    def unique_keys(self, table: str) -> tuple[tuple[str, ...], ...]:
        asset = self.schema.asset(table.partition("#")[0])
        return tuple(tuple(map(str.lower, key)) for key in asset.unique_keys) if asset is not None else ()

    def determined(self, forms: Iterable[str], tables: Iterable[str]) -> Callable[[str], bool]:
        """Return what says whether a form has one value only, given the values of ``forms``."""
        known = set(forms)
        tables = list(tables)
        owners: set[str] = set()
        grown = True
        while grown:
            grown = False
            for table in tables:
                keys = [[f"⟦{self._classes.representative(f'{table}.{name}')}⟧" for name in key]
                        for key in self.unique_keys(table)]  # fmt: skip
                if table not in owners and any(all(name in known for name in key) for key in keys):
                    owners.add(table)
                    grown = True
                    asset = self.schema.asset(table.partition("#")[0])
                    names = [column.name.lower() for column in (asset.columns if asset else None) or ()]
                    known |= {f"⟦{self._classes.representative(f'{table}.{name}')}⟧" for name in names}
        return known.__contains__

    def connected(self, summary: Summary) -> Classes:
        """Return which columns the joins of one query equate, outer joins included."""
        classes = Classes()
        for edge in summary.edges:
            classes.join(*(self.without_unknown(form)[1:-1].removesuffix("^") for form in (edge.left, edge.right)))
        return classes


class Classes:
    """Names in groups of equals."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def representative(self, name: str) -> str:
        while (parent := self._parents.get(name, name)) != name:
            name = parent
        return name

    def join(self, one: str, other: str) -> None:
        first, second = sorted((self.representative(one), self.representative(other)))
        self._parents[second] = first

    def same(self, one: str, other: str) -> bool:
        return self.representative(one) == self.representative(other)


def objects_of(*forms: str) -> tuple[str, ...]:
    """Return the columns that forms name as ``table.column``, as far as their table is known."""
    found = (_without_occurrence(name) for name in tokens_in(*forms) if not name.startswith(f"{UNKNOWN_SOURCE}."))
    return tuple(dict.fromkeys(found))


def _without_occurrence(name: str) -> str:
    table, _, column = name.rpartition(".")
    return f"{table.partition('#')[0]}.{column}"
