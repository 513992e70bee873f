"""Whether the server would take a space config, and everything that stands against it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlflow_genie_plugin.errors import InvalidSpaceError, TemplateSpaceError, Violation
from mlflow_genie_plugin.schemas import is_valid
from mlflow_genie_plugin.space.limits import DEFAULT_LIMITS, Limits
from mlflow_genie_plugin.space.rules import RULES
from mlflow_genie_plugin.space.size_rules import long_violations
from mlflow_genie_plugin.space.strict_json import kind_of
from mlflow_genie_plugin.space.structure import structure_violations
from mlflow_genie_plugin.space.template_rules import template_violations

__all__ = ["DEFAULT_LIMITS", "Limits", "errors_of", "require_valid", "validate_space"]


def validate_space(document: Any, limits: Limits = DEFAULT_LIMITS) -> list[Violation]:
    """Return every violation of the schema and the server's rules, in document order; empty when there is none.

    Args:
        document: The ``serialized_space`` document.
        limits: Sizes the server accepts.
    """
    if not isinstance(document, dict):
        return [Violation("$", "type", f"the document is {kind_of(document)}; an object is needed")]
    found: set[Violation] = set(_violations(document, limits))
    return sorted(found, key=_position(document))


def errors_of(document: Any, limits: Limits = DEFAULT_LIMITS) -> list[Violation]:
    """Return the violations for which the server would refuse the document."""
    return [violation for violation in validate_space(document, limits) if violation.severity == "error"]


def require_valid(document: Any, limits: Limits = DEFAULT_LIMITS, *, what: str = "the space config") -> None:
    """Refuse a document the server would refuse; warnings pass.

    Raises:
        TemplateSpaceError: Nothing is wrong with it but placeholders that are not filled in.
        InvalidSpaceError: It breaks rules; carries every error.
    """
    errors = errors_of(document, limits)
    if not errors:
        return
    if all(error.rule == "template" for error in errors):
        names = ", ".join(error.message.split(" stands ")[0].removeprefix("the placeholder ") for error in errors)
        raise TemplateSpaceError(
            f"{what} is a template: {names} {'is' if len(errors) == 1 else 'are'} not filled in",
            next_step="fill it in, or export the space: mlflow-genie space show genie:/<space id> -o FILE",
        )
    count = "a rule" if len(errors) == 1 else f"{len(errors)} rules"
    raise InvalidSpaceError(
        f"{what} breaks {count} of the server", errors, next_step="fix what is listed and run the same command again"
    )


def _violations(document: dict[str, Any], limits: Limits) -> Iterator[Violation]:
    # The compiled schema says "valid" 300 times faster than the one that lists what is wrong.
    well_formed = is_valid(document, "space")
    if not well_formed:
        yield from structure_violations(document)
    for rule in RULES:
        yield from rule(document, limits)
    yield from template_violations(document)
    sizes = (limits.string_characters, limits.array_items)
    if not well_formed or sizes != (DEFAULT_LIMITS.string_characters, DEFAULT_LIMITS.array_items):
        yield from long_violations(document, limits, [])


def _position(document: dict[str, Any]) -> Any:
    top = {key: index for index, key in enumerate(document)}

    def key(violation: Violation) -> tuple[int, list[tuple[int, int, str]], str, str]:
        parts = re.findall(r"\[(\d+)\]|([^.\[\]]+)", violation.path.removeprefix("$"))
        first = parts[0][1] if parts else ""
        steps = [(0, int(number), "") if number else (1, 0, name) for number, name in parts]
        return top.get(first, len(top) if parts else -1), steps, violation.rule, violation.message

    return key
