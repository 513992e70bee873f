"""Tests of gates that decide nothing although they look as if they did; pytest itself only warns about them."""

from __future__ import annotations

import ast
import inspect
import textwrap
import warnings
from collections.abc import Generator
from typing import Any

import pytest

from mlflow_genie_plugin.plugins.gate_keys import GATE_PROPERTY


class EmptyGates:
    """Fails the test of a gate that returns its answer (``return x == y``) or asserts a tuple (``assert (x, "why")``).

    Warnings turned into errors by a marker would not do: other markers and ``-p no:warnings`` switch that off.
    """

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
        if not any(name == GATE_PROPERTY for name, _ in pyfuncitem.user_properties):
            return (yield)
        if lines := tuple_asserts(pyfuncitem.obj):
            pytest.fail(
                f'line {lines[0]} asserts a tuple, which is always true: write assert …, "why" without the brackets',
                pytrace=False,
            )
        with warnings.catch_warnings():
            warnings.simplefilter("error", pytest.PytestReturnNotNoneWarning)
            try:
                return (yield)
            except pytest.PytestReturnNotNoneWarning:
                pytest.fail("the test returns its answer, which pytest does not look at: write assert", pytrace=False)


def tuple_asserts(function: Any) -> list[int]:
    """Return the lines of a function that assert a tuple that is not empty; none where its source is not at hand."""
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, SyntaxError):  # made at run time, or an indented text that dedent cannot undo
        return []
    return [
        first + node.lineno - 1
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Tuple) and node.test.elts
    ]
