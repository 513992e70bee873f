"""How lists of violations are told: to people as text, to machines as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflow_genie_plugin.errors import Violation

_TEXT_WIDTH = 96


def result_json(location: str, found: Sequence[Violation]) -> dict[str, Any]:
    """Return what was found at a location for machines; it is valid when nothing is an error."""
    severities = [violation.severity for violation in found]
    return {
        "location": location,
        "valid": "error" not in severities,
        "errors": severities.count("error"),
        "warnings": severities.count("warning"),
        "violations": [
            {"path": v.path, "rule": v.rule, "severity": v.severity, "message": v.message, "fix": v.fix} for v in found
        ],
    }


def report_lines(location: str, found: Sequence[Violation]) -> list[str]:
    """Return what was found at a location for people: the verdict first, then each finding with its fix."""
    import textwrap

    result = result_json(location, found)
    if not found:
        return [f"{location}: valid"]
    verdict = "valid" if result["valid"] else "not valid"
    lines = [f"{location}: {verdict}, {count_of(result['errors'], 'error')}, {count_of(result['warnings'], 'warning')}"]
    for violation in found:
        lines.append(f"  {violation.severity:<8} {violation.path}  [{violation.rule}]")
        said = violation.message + (f" — {violation.fix}" if violation.fix else "")
        lines += textwrap.wrap(
            said,
            _TEXT_WIDTH,
            initial_indent=" " * 11,
            subsequent_indent=" " * 11,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def count_of(number: int, noun: str) -> str:
    """Return ``1 error``, ``2 errors``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
