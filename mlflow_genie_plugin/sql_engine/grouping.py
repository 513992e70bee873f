"""What a query may say about its own GROUP BY: the fields of a time window, the columns of ``grouping_id()``."""

from __future__ import annotations

from sqlglot import exp


def resolve_grouping(select: exp.Select) -> None:
    """Write out what refers to the GROUP BY of a query, in place."""
    group = select.args.get("group")
    if isinstance(group, exp.Group):
        _resolve_time_window(select, group)
        _complete_grouping_id(select, group)


def _resolve_time_window(select: exp.Select, group: exp.Group) -> None:
    """Let ``window.start`` and ``window.end`` mean the fields of the ``window()`` that the query groups by."""
    calls = [node for node in group.find_all(exp.Anonymous) if node.name.lower() == "window"]
    for column in list(select.find_all(exp.Column)) if calls else []:
        if column.table.lower() == "window" and column.find_ancestor(exp.Select) is select:
            column.replace(exp.Dot(this=calls[0].copy(), expression=exp.to_identifier(column.name, quoted=True)))


def _complete_grouping_id(select: exp.Select, group: exp.Group) -> None:
    """Write out the columns of ``grouping_id()``: those of the ROLLUP or CUBE, in their order."""
    sets = list(group.find_all(exp.Rollup, exp.Cube))
    if len(sets) != 1:
        return
    columns = sets[0].expressions or group.expressions
    for call in select.find_all(exp.Anonymous):
        if call.name.lower() == "grouping_id" and not call.expressions and call.find_ancestor(exp.Select) is select:
            call.set("expressions", [column.copy() for column in columns])
