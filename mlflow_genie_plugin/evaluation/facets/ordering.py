"""Reading ORDER BY, LIMIT and OFFSET, and the output column that a number means."""

from __future__ import annotations

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.level import Level, Part
from mlflow_genie_plugin.evaluation.facets.normal_form import NormalForm


def read_ordering(tree: exp.Expr, level: Level, forms: NormalForm, outputs: list[Part]) -> None:
    """Read ORDER BY, LIMIT and OFFSET of a SELECT or a set operation."""
    if (order := tree.args.get("order")) is not None:
        for key in order.expressions:
            position = position_meant(key.this, outputs)
            form = position.form if position else forms.of(key.this)
            level.order.append(
                Part(form + (" desc" if key.args.get("desc") else ""), position.node if position else key)
            )
    for clause in ("limit", "offset"):
        if (found := tree.args.get(clause)) is not None:
            count = found.args.get("expression") or found.args.get("count")
            setattr(level, clause, Part(forms.of(count), count))


def position_meant(key: exp.Expr, outputs: list[Part]) -> Part | None:
    """Return the output column that a number in GROUP BY or ORDER BY means."""
    if isinstance(key, exp.Literal) and not key.is_string and key.name.isdigit() and 0 < int(key.name) <= len(outputs):
        return outputs[int(key.name) - 1]
    return None
