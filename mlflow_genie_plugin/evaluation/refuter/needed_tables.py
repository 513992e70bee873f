"""The tables that two queries need: which columns, of which types, with which keys."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from mlflow_genie_plugin.evaluation.refuter.definitions import MissingDefinitionError
from mlflow_genie_plugin.evaluation.refuter.facts import Facts, Place
from mlflow_genie_plugin.evaluation.refuter.reading import Reading
from mlflow_genie_plugin.evaluation.refuter.tables import Column, Constraints, Table, make_column
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema

_GUESSES = {"int": "BIGINT", "decimal": "DECIMAL(18,2)", "text": "STRING", "datetext": "DATE", "date": "DATE",
            "timestamp": "TIMESTAMP", "bool": "BOOLEAN"}  # fmt: skip


class NeededTables:
    """Tells tables by the schema, and by their use in the queries where the schema says nothing."""

    def __init__(
        self, readings: Sequence[Reading], facts: Facts, schema: SpaceSchema | None, constraints: Constraints
    ) -> None:
        self._readings = readings
        self._facts = facts
        self._schema = schema
        self._constraints = constraints

    def table(self, name: str, columns: list[str]) -> Table:
        """Return a table as it is to be generated.

        Args:
            name: The table.
            columns: Those that the queries are seen to read, for a table whose columns the schema does not tell.

        Raises:
            MissingDefinitionError: Its columns, or values for one of them, cannot be told.
        """
        asset = self._schema.asset(name) if self._schema is not None else None
        keys = self._keys(name)
        filled = self._constraints.not_null.get(name, frozenset()) | {column for key in keys for column in key}
        if asset is not None and asset.columns is not None:
            filled |= {column.name.lower() for column in asset.columns if not column.nullable}
        whole = [name in reading.whole for reading in self._readings]
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
        asset = self._schema.asset(name) if self._schema is not None else None
        known = asset.unique_keys if asset is not None else ()
        keys = [
            tuple(column.lower() for column in key) for key in (*known, *self._constraints.unique_keys.get(name, ()))
        ]
        return tuple(dict.fromkeys(keys))

    def _used(self) -> set[str]:
        """Return the columns that a query names anywhere, of any table; too many do no harm, too few would."""
        named = {
            column.name.lower()
            for reading in self._readings
            for tree in reading.trees
            for column in tree.find_all(exp.Column)
        }
        named |= {
            label.name.lower()
            for reading in self._readings
            for tree in reading.trees
            for join in tree.find_all(exp.Join)
            for label in join.args.get("using") or ()
        }
        named |= {
            identifier.name.lower()
            for reading in self._readings
            for tree in reading.trees
            for pivot in tree.find_all(exp.Pivot)
            for identifier in pivot.find_all(exp.Identifier)
        }
        return named

    def _has_pivot(self) -> bool:
        return any(tree.find(exp.Pivot) for reading in self._readings for tree in reading.trees)

    def _is_natural(self) -> bool:
        joins = (join for reading in self._readings for tree in reading.trees for join in tree.find_all(exp.Join))
        return any(str(join.args.get("method") or "").upper() == "NATURAL" for join in joins)

    def _guess(self, place: Place) -> str:
        """Return the type of a column that only its use tells; columns that are equated have one type."""
        votes = self._facts.hints_of(place)
        if votes["text"] and votes["datetext"]:
            return "STRING"
        for kind in ("timestamp", "date", "datetext", "text", "bool", "decimal", "int"):
            if votes[kind]:
                return _GUESSES[kind]
        return "BIGINT"


def has_open_columns(schema: SpaceSchema | None, name: str) -> bool:
    """Return whether the schema does not tell the columns of a table."""
    asset = schema.asset(name) if schema is not None else None
    return asset is None or asset.columns is None
