"""Which line of the criteria asks for which gates, read from the families of rules."""

from __future__ import annotations


def gate_table() -> str:
    """Return one row per family: its lines, gates and scopes, whether it may be waived, and what to write."""
    from mlflow_genie_plugin.gating.manifest import SCOPES
    from mlflow_genie_plugin.gating.rules.register import RULES

    lines = ["| line | gates | scopes | can be waived |", "|---|---|---|---|"]
    for family in RULES:
        if not family.STEMS:
            continue
        scopes = "all" if len(family.SCOPES) == len(SCOPES) else ", ".join(s for s in SCOPES if s in family.SCOPES)
        row = (_code(family.LINES) or "always asked", _code(family.STEMS), scopes, "yes" if family.WAIVABLE else "no")
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def _code(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
