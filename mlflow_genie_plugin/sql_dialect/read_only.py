"""Whether SQL text is one statement that only reads; anything else is refused before it reaches an engine."""

from __future__ import annotations

from sqlglot import exp

from mlflow_genie_plugin.errors import UnsafeSqlError
from mlflow_genie_plugin.sql_dialect.parse import QUERY_STARTS, parse_query
from mlflow_genie_plugin.sql_dialect.tokens import SqlParseError, statements_of, tokens_of

WRITING_NODES = (
    exp.DML, exp.DDL, exp.Command, exp.Into, exp.Copy, exp.Merge, exp.Drop, exp.Alter, exp.TruncateTable, exp.Set,
    exp.Use, exp.Cache, exp.Uncache, exp.Refresh, exp.LoadData, exp.Grant, exp.Revoke, exp.Pragma, exp.Transaction,
    exp.Attach, exp.Detach, exp.Install, exp.Export, exp.Kill, exp.Analyze, exp.Comment, exp.MultitableInserts,
)  # fmt: skip

# Functions of a SELECT that run code or send data outside the warehouse.
ACTING_FUNCTIONS = frozenset(
    {"java_method", "reflect", "try_reflect", "http_request", "remote_query", "secret", "try_secret"}
)


def read_only_reason(sql: str) -> str | None:
    """Return None when the text is exactly one read-only query, else why it is not.

    Text that cannot be parsed is not read-only: what cannot be understood cannot be vouched for. Comments and string
    literals never hide or fake a statement, because only tokens are looked at.
    """
    try:
        statements = statements_of(tokens_of(sql))
        if not statements:
            return "there is no SQL statement in the text"
        if len(statements) > 1:
            return f"it holds {len(statements)} statements, only one is allowed"
        first = statements[0][0]
        if first.token_type not in QUERY_STARTS:
            return f"{first.text.upper()[:40]} is not a query"
        tree = parse_query(sql)
    except SqlParseError as exc:
        return str(exc)
    for node in tree.walk():
        if node.args.get("locks"):
            return "it locks rows (FOR UPDATE or FOR SHARE)"
        # A set operation inherits from DDL's base in some releases; only nodes that are not queries write.
        if isinstance(node, WRITING_NODES) and not isinstance(node, exp.Query):
            return f"it contains {_statement_word(node)}, which writes"
        if isinstance(node, exp.Func):
            name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
            if name in ACTING_FUNCTIONS:
                return f"it calls {name}, which acts outside the query"
    return None


def require_read_only(sql: str) -> None:
    """Return when the text is exactly one read-only query.

    Raises:
        UnsafeSqlError: It is anything else; nothing was executed.
    """
    if reason := read_only_reason(sql):
        raise UnsafeSqlError(
            f"this SQL was not executed: {reason}", next_step="give one SELECT statement without side effects"
        )


def _statement_word(node: exp.Expr) -> str:
    return {"into": "SELECT INTO", "truncatetable": "TRUNCATE"}.get(node.key, node.key.upper())
