"""What a query refers to: tables, table functions, metric-view measures, named parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from mlflow_genie_plugin.sql_dialect.parse import normalise_name, parse_query
from mlflow_genie_plugin.sql_dialect.tokens import tokens_of

# Table functions of the language itself; they name no asset of a catalog.
_BUILTIN = """ai_forecast cloud_files_state collations event_log explode explode_outer inline inline_outer json_tuple
    list_secrets posexplode posexplode_outer range read_files read_kafka read_kinesis read_pubsub read_pulsar
    read_state_metadata read_statestore sql_keywords stack table_changes variant_explode variant_explode_outer
    vector_search"""
BUILTIN_TABLE_FUNCTIONS = frozenset(_BUILTIN.split())


@dataclass(frozen=True, slots=True, order=True)
class AssetRef:
    """One table, view or table function that a query names.

    Attributes:
        name: Dotted name as written, lower case, without backticks (``cat.sch.obj`` when it was written in full).
        is_function: True when it is called as a table function.
    """

    name: str
    is_function: bool = False


def assets_in(sql: str, parameters: Mapping[str, Any] | None = None) -> frozenset[AssetRef]:
    """List the catalog objects a query reads. Common table expressions and built-in table functions are not objects.

    ``IDENTIFIER('cat.sch.t')`` counts as the table it names; ``IDENTIFIER(:p)`` too when ``parameters`` holds ``p``,
    else it appears as ``:p``, which no catalog contains.

    Raises:
        SqlParseError: The text is not one query.
    """
    found = set()
    tree = parse_query(sql)
    for table in tree.find_all(exp.Table):
        if isinstance(table.parent, exp.JoinHint):
            continue
        reference = _reference(table, parameters or {})
        if reference is not None and not (_is_bare_name(table) and is_cte_reference(table)):
            found.add(reference)
    for lateral in tree.find_all(exp.Lateral):
        called = None if isinstance(lateral.this, exp.Subquery) else _called(lateral.this)
        if called is not None and called.is_function:
            found.add(called)
    return frozenset(found)


def has_measure(sql: str) -> bool:
    """Return whether the query calls ``MEASURE(…)``, which only metric views understand.

    Raises:
        SqlParseError: The text is not one query.
    """
    return any(is_measure(node) for node in parse_query(sql).find_all(exp.Anonymous))


def is_measure(node: exp.Expr) -> bool:
    """Return whether a node is a call of MEASURE (sqlglot knows no such function)."""
    return isinstance(node, exp.Anonymous) and node.name.lower() == "measure"


def parameters_in(sql: str) -> tuple[str, ...]:
    """Return the names of ``:name`` parameters, once each, in the order of the text.

    Raises:
        SqlParseError: The text is not one query.
    """
    names = {node.this for node in parse_query(sql).find_all(exp.Placeholder) if isinstance(node.this, str)}
    # Placeholders carry no position in the tree, so the order comes from the tokens; in `payload:x`, x is a path.
    tokens = tokens_of(sql)
    used = [
        after.text for colon, after in pairwise(tokens) if colon.token_type == TokenType.COLON and after.text in names
    ]
    return tuple(dict.fromkeys(used))


def dotted_name(table: exp.Table) -> str:
    """Return a table's name as written, without backticks, case kept."""
    return ".".join(part.name for part in table.parts)


def is_cte_reference(table: exp.Table) -> bool:
    """Return whether a one-part table name stands for a common table expression visible at that place."""
    wanted = table.name.lower()
    return any(name == wanted for name in _visible_ctes(table))


def _visible_ctes(node: exp.Expr) -> Iterator[str]:
    child: exp.Expr = node
    parent = node.parent
    while parent is not None:
        with_ = parent.args.get("with_")
        if with_ is not None and with_ is not child:
            yield from (cte.alias.lower() for cte in with_.expressions)
        if isinstance(parent, exp.With):
            # A CTE sees the ones before it; itself only when the clause is recursive.
            for cte in parent.expressions:
                if cte is child:
                    if parent.args.get("recursive"):
                        yield cte.alias.lower()
                    break
                yield cte.alias.lower()
        child, parent = parent, parent.parent


def _is_bare_name(table: exp.Table) -> bool:
    return isinstance(table.this, exp.Identifier) and not table.args.get("db")


def _reference(table: exp.Table, parameters: Mapping[str, Any]) -> AssetRef | None:
    this = table.this
    if not isinstance(this, exp.Func):
        return AssetRef(dotted_name(table).lower())
    qualifier = [part.name for part in (table.args.get("catalog"), table.args.get("db")) if part is not None]
    name = function_name(this)
    if not qualifier and name == "identifier":
        return AssetRef(_identifier_argument(this, parameters))
    if not qualifier and name == "table" and len(this.expressions) == 1:
        return _called(this.expressions[0])
    if not qualifier and name in BUILTIN_TABLE_FUNCTIONS:
        return None
    return AssetRef(".".join([*qualifier, name]).lower(), is_function=True)


def _called(argument: exp.Expr) -> AssetRef | None:
    """Read the function inside ``TABLE(f(…))``."""
    name = ".".join(
        function_name(part) if isinstance(part, exp.Func) else part.name
        for part in (argument.flatten() if isinstance(argument, exp.Dot) else [argument])
    ).lower()
    if name in BUILTIN_TABLE_FUNCTIONS or not name:
        return None
    return AssetRef(name, is_function=isinstance(argument, exp.Dot | exp.Func))


def function_name(node: exp.Func) -> str:
    """Return a function's name in lower case, as written where the tree still has it."""
    return (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()


def identifier_text(call: exp.Expr, parameters: Mapping[str, Any]) -> str | None:
    """Return the name in ``IDENTIFIER('…')`` as text: literals and known parameters, also several put together.

    None when the call is another one, or its argument cannot be told without running the query.
    """
    if not isinstance(call, exp.Anonymous) or function_name(call) != "identifier" or len(call.expressions) != 1:
        return None
    given = {name.lower(): value for name, value in parameters.items()}
    argument = call.expressions[0]
    pieces = argument.flatten() if isinstance(argument, exp.DPipe) else (
        argument.expressions if isinstance(argument, exp.Concat) else [argument]
    )  # fmt: skip
    text = ""
    for piece in pieces:
        value = given.get(piece.name.lower()) if isinstance(piece, exp.Placeholder) else (
            piece.name if isinstance(piece, exp.Literal) and piece.is_string else None
        )  # fmt: skip
        if not isinstance(value, str):
            return None
        text += value
    return text


def _identifier_argument(call: exp.Func, parameters: Mapping[str, Any]) -> str:
    text = identifier_text(call, parameters)
    if text is not None:
        return normalise_name(text)
    argument = call.expressions[0] if call.expressions else None
    if isinstance(argument, exp.Placeholder) and isinstance(argument.this, str):
        return f":{argument.this}"
    return argument.sql("databricks") if argument is not None else "identifier()"
