"""``--variable NAME=VALUE``: values of ``${NAME}`` in expected SQL."""

from __future__ import annotations

from collections.abc import Iterable

import rich_click as click

from mlflow_genie_plugin.errors import UsageError

variable_option = click.option(
    "--variable", "variables", multiple=True, metavar="NAME=VALUE", help="Value of ${NAME} in expected SQL."
)


def assignments(texts: Iterable[str], option: str = "--variable", example: str = "catalog=main") -> dict[str, str]:
    """Return ``NAME=VALUE`` texts as a mapping.

    Raises:
        UsageError: One of them has no name or no equals sign.
    """
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UsageError(f"{option} {text!r} is not NAME=VALUE", next_step=f"for example {option} {example}")
        values[name] = value
    return values
