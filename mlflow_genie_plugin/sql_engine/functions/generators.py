"""Functions that make rows (explode, posexplode, inline, stack, range), in SELECT, FROM and LATERAL VIEW."""

from __future__ import annotations

from sqlglot import exp

from mlflow_genie_plugin.sql_engine.errors import failed, unsupported
from mlflow_genie_plugin.sql_engine.expression_types import argument_types
from mlflow_genie_plugin.sql_engine.templates import fill, wrong_count

GENERATORS = frozenset(
    ["explode", "explode_outer", "posexplode", "posexplode_outer", "inline", "inline_outer", "stack", "range"]
)


def convert_lateral_views(select: exp.Select) -> None:
    """Turn ``LATERAL VIEW [OUTER] f(…) t AS a, b`` into joins, in place."""
    for lateral in select.args.get("laterals") or []:
        alias = lateral.args.get("alias")
        names = [column.name for column in alias.columns] if alias else []
        table = alias.name if alias and alias.name else "_view"
        _join(select, lateral.this, table, names, outer=bool(lateral.args.get("outer")))
    select.set("laterals", None)
    for join in select.args.get("joins") or []:
        source = join.this
        if isinstance(source, exp.Lateral) and isinstance(source.this, exp.Anonymous):
            alias = source.args.get("alias")
            names = [column.name for column in alias.columns] if alias else []
            query = generator_query(source.this, names)
            join.set("this", exp.Lateral(this=exp.Subquery(this=query), alias=_alias(alias.name if alias else "_view")))


def convert_generator_projections(select: exp.Select) -> None:
    """Turn ``SELECT explode(x) AS y`` and its relatives into DuckDB's row-making projections, in place."""
    projections = []
    for projection in select.expressions:
        call = projection.this if isinstance(projection, exp.Alias | exp.Aliases) else projection
        if not (isinstance(call, exp.Anonymous) and call.name.lower() in GENERATORS - {"range"}):
            projections.append(projection)
            continue
        if isinstance(projection, exp.Aliases):
            names = [identifier.name for identifier in projection.expressions]
        else:
            names = [projection.alias] if isinstance(projection, exp.Alias) else []
        projections += generator_query(call, names).expressions
    select.set("expressions", projections)


def generator_query(call: exp.Anonymous, names: list[str]) -> exp.Select:
    """Return a SELECT without FROM that makes the rows of a generator call; ``names`` rename its columns.

    Raises:
        SqlFailedError: The call is no generator this engine knows, or the number of names does not fit.
    """
    name = call.name.lower()
    outer = name.endswith("_outer")
    kind = name.removesuffix("_outer")
    arguments = call.expressions
    if kind == "range":
        return _range(arguments, names)
    if kind == "stack":
        return _stack(arguments, names)
    if len(arguments) != 1:
        raise wrong_count(name, "1", len(arguments))
    values = arguments[0]
    if kind == "inline":
        if names:
            return _inline(call, names)
        return exp.select(fill("unnest(_1, max_depth := 2)", values))
    is_map = (kind == "explode" and len(names) == 2) or (kind == "posexplode" and len(names) == 3)
    if is_map or isinstance(values, exp.Map | exp.VarMap):
        values = fill("map_entries(_1)", values)
        columns = [fill("unnest(_1).key", values), fill("unnest(_1).value", values)]
        default = ["key", "value"]
    else:
        if outer:
            values = fill("CASE WHEN len(_1) > 0 THEN _1 ELSE [NULL] END", values)
        columns, default = [fill("unnest(_1)", values)], ["col"]
    if kind == "posexplode":
        columns = [fill("CAST(generate_subscripts(_1, 1) - 1 AS INTEGER)", values), *columns]
        default = ["pos", *default]
    if names and len(names) != len(default):
        text = f"The number of aliases supplied in the AS clause does not match the output of {name}: {len(names)}."
        raise failed("UDTF_ALIAS_NUMBER_MISMATCH", text, "42802")
    pairs = zip(columns, names or default, strict=True)
    return exp.select(*(exp.alias_(column, label, quoted=True) for column, label in pairs))


def _inline(call: exp.Anonymous, names: list[str]) -> exp.Select:
    kinds = argument_types(call)
    struct = kinds[0].items[0] if kinds and kinds[0] is not None and kinds[0].items else None
    if struct is None or len(struct.fields) != len(names):
        raise unsupported("inline with new column names for structs of an unknown type")
    # By position: structs that were made without names have none in DuckDB.
    taken = [fill(f"struct_extract_at(unnest(_1), {number})", *call.expressions) for number in range(1, len(names) + 1)]
    return exp.select(*(exp.alias_(value, name, quoted=True) for value, name in zip(taken, names, strict=True)))


def _stack(arguments: list[exp.Expr], names: list[str]) -> exp.Select:
    first = arguments[0] if arguments else None
    if not (isinstance(first, exp.Literal) and not first.is_string and first.name.isdigit() and int(first.name) > 0):
        raise unsupported("stack with a number of rows that is not a literal")
    values, rows = arguments[1:], int(first.name)
    width = -(-len(values) // rows)
    if width == 0:
        raise wrong_count("stack", "at least 2", len(arguments))
    values = [*values, *(exp.null() for _ in range(width * rows - len(values)))]
    columns = [exp.Array(expressions=[each.copy() for each in values[at::width]]) for at in range(width)]
    labels = names or [f"col{number}" for number in range(width)]
    if len(labels) != width:
        text = f"The number of aliases supplied in the AS clause does not match the output of stack: {len(labels)}."
        raise failed("UDTF_ALIAS_NUMBER_MISMATCH", text, "42802")
    pairs = zip(columns, labels, strict=True)
    return exp.select(*(exp.alias_(fill("unnest(_1)", column), label, quoted=True) for column, label in pairs))


def _range(arguments: list[exp.Expr], names: list[str]) -> exp.Select:
    forms = {1: "range(CAST(_1 AS BIGINT))", 2: "range(CAST(_1 AS BIGINT), CAST(_2 AS BIGINT))",
             3: "range(CAST(_1 AS BIGINT), CAST(_2 AS BIGINT), CAST(_3 AS BIGINT))"}  # fmt: skip
    if len(arguments) not in forms:
        raise wrong_count("range", "1 to 3", len(arguments))
    rows = fill(f"unnest({forms[len(arguments)]})", *arguments)
    return exp.select(exp.alias_(rows, names[0] if names else "id", quoted=True))


def _join(select: exp.Select, call: exp.Expr, table: str, names: list[str], *, outer: bool) -> None:
    if not isinstance(call, exp.Anonymous):
        raise unsupported("this form of LATERAL VIEW")
    source = exp.Lateral(this=exp.Subquery(this=generator_query(call, names)), alias=_alias(table))
    join = exp.Join(this=source, side="LEFT", on=exp.true()) if outer else exp.Join(this=source, kind="CROSS")
    select.append("joins", join)


def _alias(name: str) -> exp.TableAlias:
    return exp.TableAlias(this=exp.to_identifier(name, quoted=True))
