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
from mlflow_genie_plugin.evaluation.refuter.definitions import Definitions, MissingDefinitionError
from mlflow_genie_plugin.evaluation.refuter.facts import Facts, Place
from mlflow_genie_plugin.evaluation.refuter.generate import Generator
from mlflow_genie_plugin.evaluation.refuter.integrity import Data
from mlflow_genie_plugin.evaluation.refuter.reading import Reading
from mlflow_genie_plugin.evaluation.refuter.tables import Column, Constraints, Table, make_column
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.sql_dialect.calls import parse_calls
from mlflow_genie_plugin.sql_engine.scratch import ScratchDatabase, ScratchRows
from mlflow_genie_plugin.sql_engine.scratch_names import ScratchNames, ScratchTable, translate_scratch

# Functions whose value depends on the order of rows that the query leaves open.
_ORDER_DEPENDENT_WORDS = """any_value array_agg collect_list collect_set first first_value lag last last_value lead
    listagg max_by min_by mode nth_value ntile posexplode row_number string_agg"""
_ORDER_DEPENDENT = frozenset(_ORDER_DEPENDENT_WORDS.split())
_GUESSES = {"int": "BIGINT", "decimal": "DECIMAL(18,2)", "text": "STRING", "datetext": "DATE", "date": "DATE",
            "timestamp": "TIMESTAMP", "bool": "BOOLEAN"}  # fmt: skip


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
        if self.schema is None or any(self._open_columns(name) for name in seen):
            # Once more, now that the first pass has told which columns the tables without a schema have.
            self.readings = self._read(seen)
        self.facts = Facts(self.readings, self.seed)
        for key in self.constraints.foreign_keys:
            for one, other in zip(key.columns, key.parent_columns, strict=True):
                self.facts.equate((key.table, one), (key.parent, other))
        self.tables = {name: self._table(name, list(columns)) for name, columns in sorted(seen.items())}
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

    # --- tables

    def _open_columns(self, name: str) -> bool:
        asset = self.schema.asset(name) if self.schema is not None else None
        return asset is None or asset.columns is None

    def _table(self, name: str, columns: list[str]) -> Table:
        asset = self.schema.asset(name) if self.schema is not None else None
        keys = self._keys(name)
        filled = self.constraints.not_null.get(name, frozenset()) | {column for key in keys for column in key}
        if asset is not None and asset.columns is not None:
            filled |= {column.name.lower() for column in asset.columns if not column.nullable}
        whole = [name in reading.whole for reading in self.readings]
        if asset is None or asset.columns is None:
            if whole[0] is not whole[1]:
                raise MissingDefinitionError(f"the columns of {name} are not known, and one of the queries selects *")
            if any(whole) and self._has_pivot():
                raise MissingDefinitionError(f"the columns of {name} are not known, and a pivot takes all of them")
            types = dict.fromkeys(columns, "")
        else:
            types = {column.name.lower(): column.type_text for column in asset.columns}
            if not any(whole) and not self._is_natural():
                wanted = self._used()
                # A key nobody reads still tells rows apart, so it need not be there.
                types = {column: text for column, text in types.items() if column in wanted}
        if not types:
            types = {"_row": "BIGINT"} if asset is None or not asset.columns else {
                asset.columns[0].name.lower(): asset.columns[0].type_text
            }  # fmt: skip
        made: dict[str, Column] = {}
        for column, text in types.items():
            found = make_column(column, text or self._guess((name, column)), nullable=column not in filled)
            if found is None:
                raise MissingDefinitionError(f"no values can be made for {name}.{column} of type {text}")
            made[column] = found
        return Table(name, made, keys)

    def _keys(self, name: str) -> tuple[tuple[str, ...], ...]:
        asset = self.schema.asset(name) if self.schema is not None else None
        known = asset.unique_keys if asset is not None else ()
        keys = [
            tuple(column.lower() for column in key) for key in (*known, *self.constraints.unique_keys.get(name, ()))
        ]
        return tuple(dict.fromkeys(keys))

    def _used(self) -> set[str]:
        """Return the columns that a query names anywhere, of any table; too many do no harm, too few would."""
        named = {
            column.name.lower()
            for reading in self.readings
            for tree in reading.trees
            for column in tree.find_all(exp.Column)
        }
        named |= {
            label.name.lower()
            for reading in self.readings
            for tree in reading.trees
            for join in tree.find_all(exp.Join)
            for label in join.args.get("using") or ()
        }
        named |= {
            identifier.name.lower()
            for reading in self.readings
            for tree in reading.trees
            for pivot in tree.find_all(exp.Pivot)
            for identifier in pivot.find_all(exp.Identifier)
        }
        return named

    def _has_pivot(self) -> bool:
        return any(tree.find(exp.Pivot) for reading in self.readings for tree in reading.trees)

    def _is_natural(self) -> bool:
        joins = (join for reading in self.readings for tree in reading.trees for join in tree.find_all(exp.Join))
        return any(str(join.args.get("method") or "").upper() == "NATURAL" for join in joins)

    def _guess(self, place: Place) -> str:
        """Return the type of a column that only its use tells; columns that are equated have one type."""
        votes = self.facts.hints_of(place)
        if votes["text"] and votes["datetext"]:
            return "STRING"
        for kind in ("timestamp", "date", "datetext", "text", "bool", "decimal", "int"):
            if votes[kind]:
                return _GUESSES[kind]
        return "BIGINT"

    # --- running

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
