"""The last step of a canonical form: tables get their labels, and what has no order is put in one."""

from __future__ import annotations

from typing import Any

from mlflow_genie_plugin.evaluation.canonical.expressions import Form


def settled(form: Form, labels: dict[str, str], depth: int) -> Form:
    """Return a form with labels for its tables, and the members whose order does not count sorted and told once."""
    if isinstance(form, str):
        return labels.get(form, form)
    if not isinstance(form, tuple) or not form:
        return form
    if form[0] == "select":
        return _select(form, labels, depth)
    parts = [settled(part, labels, depth) for part in form]
    if parts[0] in ("and", "or", "set"):
        return (parts[0], *sorted(dict.fromkeys(parts[1:]), key=repr))
    if parts[0] == "bag":
        return ("bag", *sorted(parts[1:], key=repr))
    return tuple(parts)


def _select(form: Form, labels: dict[str, str], depth: int) -> Form:
    sources = [(entry[0], settled(entry[1], labels, depth + 1), entry[2:]) for entry in form[1][2:]]
    if form[1][1]:
        sources.sort(key=lambda entry: repr(entry[1]))
    inner = {**labels, **{token: f"@{depth}.{rank}" for rank, (token, _, _) in enumerate(sources)}}
    labelled: list[Any] = [
        (inner[token], own, *(settled(part, inner, depth) for part in rest)) for token, own, rest in sources
    ]
    return ("select", tuple(labelled), *(settled(part, inner, depth) for part in form[2:]))
