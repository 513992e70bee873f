"""The table of failure types, read from their register."""

from __future__ import annotations

LEVERS = {
    1: "tables and columns",
    2: "metric views",
    3: "functions",
    6: "instructions",
}


def failure_type_tables() -> str:
    """Return one table per severity, most severe first."""
    from mlflow_genie_plugin.evaluation.failure_types import FAILURE_TYPES, SEVERITIES

    parts = []
    for severity in SEVERITIES:
        rows = [
            f"| `{name}` | {entry.meaning} | {_breakable(entry.score_reason)} "
            f"| {f'{entry.lever} {LEVERS[entry.lever]}' if entry.lever else ''} |"
            for name, entry in FAILURE_TYPES.items()
            if entry.severity == severity
        ]
        header = ["| type | what it says | Genie's own name | usual lever |", "|---|---|---|---|"]
        parts.append("\n".join([f"## {severity.capitalize()}", "", *header, *rows]))
    return "\n\n".join(parts)


def _breakable(name: str | None) -> str:
    return f"<code>{name.replace('_', '_<wbr>')}</code>" if name else ""
