"""Reading all SQL of a space's document for evidence about its tables."""

from __future__ import annotations

from typing import Any

from mlflow_genie_plugin.emulator.answering.document import entries, texts_of
from mlflow_genie_plugin.emulator.generating.evidence import Evidence
from mlflow_genie_plugin.emulator.generating.read_statement import Reader
from mlflow_genie_plugin.emulator.generating.statements import condition_of, own_statements, trees_in


def read_document(document: dict[str, Any], known: list[str]) -> tuple[Evidence, dict[str, str]]:
    """Return the evidence, and for each table on a "one" side of a join its key."""
    evidence = Evidence()
    reader = Reader(evidence, known)
    ones: dict[str, str] = {}
    for entry in [e for g in ("tables", "metric_views") for e in entries(document, "data_sources", g)]:
        for config in entries(entry, "column_configs"):
            if isinstance(entry.get("identifier"), str) and isinstance(config.get("column_name"), str):
                evidence.asset(entry["identifier"]).column(config["column_name"])
    for entry in entries(document, "instructions", "join_specs"):
        sides = [side if isinstance(side := entry.get(key), dict) else {} for key in ("left", "right")]
        sql = texts_of(entry.get("sql"))
        names = [str(side.get("identifier") or "") for side in sides]
        condition = condition_of(sql[0]) if sql and all(names) else None
        if condition is not None:
            before = len(evidence.equal)
            (left, right) = [(n, str(s.get("alias") or n.split(".")[-1])) for n, s in zip(names, sides, strict=True)]
            reader.take_join(left, right, condition)
            for left_key, right_key in evidence.equal[before:]:
                kind = " ".join(sql[1:])
                if "MANY_TO_ONE" in kind or "ONE_TO_ONE" in kind:
                    ones.setdefault(*right_key)
                elif "ONE_TO_MANY" in kind:
                    ones.setdefault(*left_key)
    for tree in trees_in(document):
        reader.read(_with_defaults(tree, document))
    return evidence, ones


def _with_defaults(tree: Any, document: dict[str, Any]) -> Any:
    """Return a tree with example parameters replaced by their defaults: they are literals as good as any."""
    from sqlglot import exp

    if not tree.find(exp.Placeholder):
        return tree
    values = {name: value for statement in own_statements(document) for name, value in statement.parameters.items()}

    def fill(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Placeholder) and isinstance(node.this, str) and node.this in values:
            value, hint = values[node.this]
            numeric = hint.upper().startswith(("INT", "BIGINT", "DOUBLE", "DECIMAL", "FLOAT", "LONG", "NUM"))
            return exp.Literal.number(value) if numeric else exp.Literal.string(value)
        return node

    return tree.transform(fill)
