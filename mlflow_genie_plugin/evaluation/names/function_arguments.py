"""Whether the arguments of a call fit the parameters of the function."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from mlflow_genie_plugin.evaluation.names.problem import NameProblem, nearest, wrong_arguments
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset


def argument_problem(function: SchemaAsset, arguments: Sequence[exp.Expr]) -> NameProblem | None:
    """Return what is wrong with the arguments: too many, unknown, given twice, missing or in a wrong order.

    Args:
        function: With its parameters; those with a default stand last, as the language demands.
        arguments: As parsed, positional and named (``n => 2``).
    """
    if function.parameters is None:
        return None
    names = [parameter.name.lower() for parameter in function.parameters]
    shown = ", ".join(parameter.name for parameter in function.parameters) or "none"
    given: list[str] = []
    named = False
    for argument in arguments:
        if not isinstance(argument, exp.Kwarg):
            if named:
                return wrong_arguments(function, f"{function.name}: named arguments come after the positional ones")
            if len(given) == len(names):
                return wrong_arguments(
                    function,
                    f"{function.name} is called with {len(arguments)} arguments and takes {len(names)} ({shown})",
                )
            given.append(names[len(given)])
            continue
        named = True
        name = argument.this.name.lower()
        if name not in names:
            return wrong_arguments(
                function,
                f"{function.name} has no parameter {argument.this.name}, its parameters are {shown}",
                nearest(name, names),
            )
        if name in given:
            return wrong_arguments(function, f"{function.name} is given {argument.this.name} twice")
        given.append(name)
    missing = [name for name in names[: function.required_parameters] if name not in given]
    if missing:
        return wrong_arguments(function, f"{function.name} is called without {', '.join(missing)} ({shown})")
    return None
