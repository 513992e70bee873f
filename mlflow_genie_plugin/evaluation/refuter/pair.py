"""Two queries made ready to run side by side: what they read, the tables to generate, their text for the engine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.canonical_json import sha256_of_json
from mlflow_genie_plugin.evaluation.frozen import frozen
from mlflow_genie_plugin.evaluation.query_nodes import COMPARISONS, function_name
from mlflow_genie_plugin.evaluation.refuter.definitions import Definitions
from mlflow_genie_plugin.evaluation.refuter.facts import Facts
from mlflow_genie_plugin.evaluation.refuter.generate import Generator
from mlflow_genie_plugin.evaluation.refuter.integrity import Data
from mlflow_genie_plugin.evaluation.refuter.level import averaged, levelled
from mlflow_genie_plugin.evaluation.refuter.needed_tables import NeededTables, has_open_columns
from mlflow_genie_plugin.evaluation.refuter.reading import Reading
from mlflow_genie_plugin.evaluation.refuter.tables import Constraints
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.sql_dialect.calls import parse_calls
from mlflow_genie_plugin.sql_engine.scratch import ScratchDatabase, ScratchRows
from mlflow_genie_plugin.sql_engine.scratch_names import ScratchNames, ScratchTable, translate_scratch

# Functions whose value depends on the order of rows that the query leaves open.
_ORDER_DEPENDENT_WORDS = """any_value array_agg collect_list collect_set first first_value lag last last_value lead
    listagg max_by min_by mode nth_value ntile posexplode row_number string_agg"""
_ORDER_DEPENDENT = frozenset(_ORDER_DEPENDENT_WORDS.split())


@dataclass
class Pair:
    """The expected query and the one to judge, over one schema.

    Raises:
        SqlParseError: One of them is not one query.
        MissingDefinitionError: The schema does not tell enough.
        SqlFailedError: One of them cannot be translated for the engine.
    """

    expected_sql: str
    actual_sql: str
    schema: SpaceSchema | None = None
    constraints: Constraints = field(default_factory=Constraints)
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.definitions = Definitions(self.schema)
        self._filled: dict[str, list[list[Any]]] = {}
        self._trees = [parse_calls(frozen(sql)) for sql in (self.expected_sql, self.actual_sql)]
        self._bind()
        seen: dict[str, dict[str, None]] = {}
        self.readings = self._read(seen)
        if self.schema is None or any(has_open_columns(self.schema, name) for name in seen):
            # Once more, now that the first pass has told which columns the tables without a schema have.
            self.readings = self._read(seen)
        self.facts = Facts(self.readings, self.seed)
        for key in self.constraints.foreign_keys:
            for one, other in zip(key.columns, key.parent_columns, strict=True):
                self.facts.equate((key.table, one), (key.parent, other))
        needed = NeededTables(self.readings, self.facts, self.schema, self.constraints)
        self.tables = {name: needed.table(name, list(columns)) for name, columns in sorted(seen.items())}
        self.generator = Generator(
            self.facts, self.tables, self.constraints.foreign_keys, self.seed, few_ties=self.has_limit
        )
        self.scratch_tables = {
            name: ScratchTable(name, tuple((each.name, each.type_text) for each in table.columns.values()))
            for name, table in self.tables.items()
        }

    def forget_rows(self) -> None:
        """Forget which rows the tables hold, before another database is used."""
        self._filled.clear()

    def _read(self, seen: dict[str, dict[str, None]]) -> list[Reading]:
        readings: list[Reading] = []
        for tree in self._trees:
            first = sum(len(reading.tables) for reading in readings)
            readings.append(Reading(tree, self.definitions.lookup, seen, first))
        return readings

    def _bind(self) -> None:
        given = {name.lower(): value for name, value in self.parameters.items()}
        for tree in self._trees:
            for node in list(tree.find_all(exp.Placeholder)):
                if isinstance(node.this, str) and node.this.lower() in given:
                    node.replace(exp.convert(given[node.this.lower()]))

    @cached_property
    def seed(self) -> int:
        """Return the seed of everything generated, made of the queries and what is known of their data."""
        known = {
            "queries": [self.expected_sql, self.actual_sql],
            "schema": None if self.schema is None else self.schema.to_json(),
            "constraints": self.constraints.to_json(),
        }
        digest = sha256_of_json(known)
        return int(hashlib.sha256(digest.encode()).hexdigest()[:12], 16)

    @cached_property
    def translated(self) -> tuple[str, str]:
        """Both queries for the engine."""
        names = ScratchNames(self.scratch_tables, self.definitions.views, self.definitions.routines)
        one, other = (
            translate_scratch(frozen(sql), names, self.parameters) for sql in (self.expected_sql, self.actual_sql)
        )
        return one, other

    def run(self, database: ScratchDatabase, data: Data, row_limit: int) -> tuple[ScratchRows, ScratchRows]:
        """Fill the tables and run both queries."""
        for name, table in self.scratch_tables.items():
            # Shrinking changes one table at a time; the very same rows need not be written again.
            if self._filled.get(name) is not data[name]:
                self._filled.pop(name, None)
                database.fill(table, data[name])
                self._filled[name] = data[name]
        one, other = self.translated
        return database.run(one, row_limit=row_limit), database.run(other, row_limit=row_limit)

    @cached_property
    def has_limit(self) -> bool:
        """Return whether a query takes the first rows only, so that ties are better avoided."""
        return any(tree.find(exp.Limit, exp.Fetch) for reading in self.readings for tree in reading.trees)

    @cached_property
    def scalar_tables(self) -> tuple[str, ...]:
        """Return the tables that queries for one value read, where that value is compared with something."""
        found: dict[str, None] = {}
        for reading in self.readings:
            for tree in reading.trees:
                for subquery in tree.find_all(exp.Subquery):
                    if isinstance(subquery.parent, COMPARISONS):
                        sources = reading.sources.get(id(subquery.this), [])
                        found |= dict.fromkeys(source.table for source in sources if source.table in self.tables)
        return tuple(found)

    @cached_property
    def averaged(self) -> frozenset[str]:
        """Return the columns that a query averages."""
        return averaged(tree for reading in self.readings for tree in reading.trees)

    def levelled(self, data: Data) -> Data:
        """Return the data with the same number in all rows of what is averaged."""
        return levelled(data, self.averaged, self.tables, self.constraints.foreign_keys)

    @cached_property
    def leaves_order_open(self) -> bool:
        """Return whether ties may decide the result of one of the queries."""
        return any(_order_dependent(reading.trees) for reading in self.readings)


def _order_dependent(trees: Sequence[exp.Expr]) -> bool:
    def nodes() -> Iterator[exp.Expr]:
        for tree in trees:
            yield from tree.walk()

    return any(
        isinstance(node, exp.Limit | exp.Offset | exp.Fetch) or function_name(node) in _ORDER_DEPENDENT
        for node in nodes()
    )
