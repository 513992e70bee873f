"""SQL table functions: their definition, and calls rewritten to the body with the arguments put in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from sqlglot import exp

from mlflow_genie_plugin.sql_dialect.calls import parse_calls
from mlflow_genie_plugin.sql_dialect.tokens import SqlParseError
from mlflow_genie_plugin.sql_engine.errors import failed, quoted, syntax_error


@dataclass(frozen=True, slots=True)
class RoutineParameter:
    """A parameter: name, Databricks type, default as SQL text (None: required), comment."""

    name: str
    type_text: str
    default: str | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class RoutineColumn:
    """A column that a table function returns."""

    name: str
    type_text: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Routine:
    """A table function.

    Attributes:
        name: Three-part name, case kept.
        parameters: In order.
        sql: The body, one Databricks query that may use the parameters by name.
        returns: Declared columns; empty when the body's own columns are returned as they are.
        comment: What it is for.
    """

    name: str
    parameters: tuple[RoutineParameter, ...]
    sql: str
    returns: tuple[RoutineColumn, ...] = ()
    comment: str = ""

    def to_json(self) -> str:
        """Return the definition as JSON, for storing it."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Routine:
        """Read what :meth:`to_json` wrote."""
        data = json.loads(text)
        return Routine(
            name=data["name"],
            parameters=tuple(RoutineParameter(**each) for each in data["parameters"]),
            sql=data["sql"],
            returns=tuple(RoutineColumn(**each) for each in data["returns"]),
            comment=data["comment"],
        )


_ARGUMENTS = "_arguments"


def expand_call(
    routine: Routine, arguments: Sequence[exp.Expr], columns_in: Callable[[exp.Expr], frozenset[str]]
) -> exp.Query:
    """Return the query that a call stands for.

    Args:
        routine: The function.
        arguments: Positional and named (``n => 2``) arguments as parsed.
        columns_in: Names of all columns of the tables a query reads; a column hides a parameter of its name.

    Raises:
        SqlFailedError: An argument is missing, surplus, unknown or given twice; or the body does not parse.
    """
    try:
        body = parse_calls(routine.sql)
    except SqlParseError as exc:
        raise syntax_error(f"the body of {routine.name}: {exc}") from exc
    values = _bind(routine, arguments)
    hidden = columns_in(body)
    short = routine.name.rpartition(".")[2].lower()
    # An argument made of the caller's columns is computed outside the body, where no column of the body can be meant.
    outside = {name: value for name, value in values.items() if value.find(exp.Column)}
    values |= {name: exp.column(name, table=_ARGUMENTS, quoted=True) for name in outside}
    for column in list(body.find_all(exp.Column)):
        name = column.name.lower()
        if name in values and (column.table.lower() == short or (not column.table and name not in hidden)):
            column.replace(values[name].copy())
    if not isinstance(body, exp.Query):
        raise syntax_error(f"the body of {routine.name} is not a query")
    if not routine.returns:
        return _with_arguments(body, outside)
    inner = [f"_c{index}" for index in range(len(routine.returns))]
    projections = [
        exp.alias_(
            exp.cast(exp.column(name, quoted=True), column.type_text, dialect="databricks"), column.name, quoted=True
        )
        for name, column in zip(inner, routine.returns, strict=True)
    ]
    labels = [exp.to_identifier(name, quoted=True) for name in inner]
    alias = exp.TableAlias(this=exp.to_identifier("_body", quoted=True), columns=labels)
    return _with_arguments(exp.select(*projections).from_(exp.Subquery(this=body, alias=alias)), outside)


def _with_arguments(query: exp.Query, outside: dict[str, exp.Expr]) -> exp.Query:
    if not outside:
        return query
    values = exp.select(*(exp.alias_(value, name, quoted=True) for name, value in outside.items()))
    arguments = exp.Subquery(this=values, alias=exp.TableAlias(this=exp.to_identifier(_ARGUMENTS, quoted=True)))
    inner = exp.Lateral(
        this=exp.Subquery(this=query), alias=exp.TableAlias(this=exp.to_identifier("_call", quoted=True))
    )
    star = exp.Column(this=exp.Star(), table=exp.to_identifier("_call", quoted=True))
    return exp.select(star).from_(arguments).join(inner, join_type="cross")


def _bind(routine: Routine, arguments: Sequence[exp.Expr]) -> dict[str, exp.Expr]:
    given: dict[str, exp.Expr] = {}
    names = [parameter.name.lower() for parameter in routine.parameters]
    shown = quoted(routine.name.split("."))
    for position, argument in enumerate(arguments):
        if isinstance(argument, exp.Kwarg | exp.PropertyEQ):
            name, value = argument.this.name.lower(), argument.expression
        elif len(given) != position or any(isinstance(each, exp.Kwarg) for each in arguments[:position]):
            text = f"Named arguments come after the positional ones in a call of {shown}."
            raise failed("UNEXPECTED_POSITIONAL_ARGUMENT", text, "4274K")
        elif position >= len(names):
            text = f"The {shown} requires {len(names)} parameters but the actual number is {len(arguments)}."
            raise failed("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", text, "42605")
        else:
            name, value = names[position], argument
        if name not in names:
            known = ", ".join(f"`{each.name}`" for each in routine.parameters)
            text = f"{shown} has no parameter `{name}`. Its parameters are [{known}]."
            raise failed("UNRECOGNIZED_PARAMETER_NAME", text, "4274K")
        if name in given:
            text = f"The call of {shown} gives `{name}` twice."
            raise failed("DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT.DOUBLE_NAMED_ARGUMENT_REFERENCE", text, "4274K")
        given[name] = value
    for parameter in routine.parameters:
        name = parameter.name.lower()
        if name not in given:
            if parameter.default is None:
                text = f"The call of {shown} gives no value for the required parameter `{parameter.name}`."
                raise failed("REQUIRED_PARAMETER_NOT_FOUND", text, "4274K")
            given[name] = parse_calls(parameter.default)
        given[name] = exp.cast(given[name].copy(), parameter.type_text, dialect="databricks")
    return given
