"""Failures in the warehouse's vocabulary: its error conditions and SQLSTATEs, whatever engine ran the statement."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator

from mlflow_genie_plugin.errors import SqlFailedError

NEXT_STEP = "correct the SQL, or the space's configuration that led to it"


def failed(condition: str, text: str, sqlstate: str, next_step: str = NEXT_STEP) -> SqlFailedError:
    """Build the error of a failed statement: ``[CONDITION] text SQLSTATE: 00000``."""
    return SqlFailedError(
        f"[{condition}] {text} SQLSTATE: {sqlstate}", next_step=next_step, condition=condition, sqlstate=sqlstate
    )


def unsupported(what: str) -> SqlFailedError:
    """Build the error for something Databricks has and this engine has not."""
    return SqlFailedError(
        f"[UNSUPPORTED_FEATURE] The local engine does not support {what}. SQLSTATE: 0A000",
        next_step="run this statement on a Databricks warehouse, or write it another way",
        condition="UNSUPPORTED_FEATURE",
        sqlstate="0A000",
    )


def syntax_error(reason: str) -> SqlFailedError:
    """Build the error for text that does not parse."""
    return failed("PARSE_SYNTAX_ERROR", f"{reason[:1].upper()}{reason[1:]}.", "42601")


def table_not_found(parts: Iterable[str]) -> SqlFailedError:
    """Build the error for a table, view or metric view that does not exist."""
    name = quoted(parts)
    text = f"The table or view {name} cannot be found. Verify the spelling and correctness of the schema and catalog."
    return failed("TABLE_OR_VIEW_NOT_FOUND", text, "42P01")


def routine_not_found(parts: Iterable[str]) -> SqlFailedError:
    """Build the error for a function that does not exist."""
    return failed("UNRESOLVED_ROUTINE", f"Cannot resolve routine {quoted(parts)}. Verify its spelling.", "42883")


def quoted(parts: Iterable[str]) -> str:
    """Write a dotted name the way the warehouse's messages do."""
    return ".".join(f"`{part}`" for part in parts)


def translate_failure(message: str) -> SqlFailedError:
    """Restate a DuckDB error message in the warehouse's vocabulary.

    A message whose kind is not recognised keeps DuckDB's text under ``[INTERNAL_ERROR]``: visible, never reworded into
    something it may not be.
    """
    text = message.strip()
    first = " ".join(line.strip() for line in text.split("\n\n")[0].splitlines()).strip()
    if match := re.search(r"\[([A-Z_]+(?:\.[A-Z_]+)?)\] (.+?)(?:\n|$)", text):
        return failed(match[1], match[2].strip(), _SQLSTATES.get(match[1], "22000"))
    for pattern, condition, template in _PATTERNS:
        if match := re.search(pattern, text, re.DOTALL):
            groups = [_names(group or "") for group in match.groups()]
            detail = template.format(*groups, first=_plain(first))
            return failed(condition, detail, _SQLSTATES[condition])
    return failed("INTERNAL_ERROR", _plain(first), "XX000")


_SQLSTATES = {
    "AMBIGUOUS_REFERENCE": "42704",
    "ARITHMETIC_OVERFLOW": "22003",
    "CAST_INVALID_INPUT": "22018",
    "CAST_OVERFLOW": "22003",
    "CANNOT_PARSE_TIMESTAMP": "22007",
    "DATATYPE_MISMATCH": "42K09",
    "DATETIME_FIELD_OUT_OF_BOUNDS": "22023",
    "INVALID_ARRAY_INDEX": "22003",
    "INVALID_ARRAY_INDEX_IN_ELEMENT_AT": "22003",
    "DIVIDE_BY_ZERO": "22012",
    "INVALID_REGULAR_EXPRESSION": "22P01",
    "MISSING_AGGREGATION": "42803",
    "NESTED_AGGREGATE_FUNCTION": "42607",
    "NUM_COLUMNS_MISMATCH": "42826",
    "OUT_OF_MEMORY": "53200",
    "PARSE_SYNTAX_ERROR": "42601",
    "SCALAR_SUBQUERY_TOO_MANY_ROWS": "21000",
    "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION": "42703",
    "UNRESOLVED_COLUMN.WITH_SUGGESTION": "42703",
    "UNRESOLVED_ROUTINE": "42883",
    "UNSUPPORTED_FEATURE": "0A000",
    "TABLE_OR_VIEW_NOT_FOUND": "42P01",
    "WRONG_NUM_ARGS": "42605",
    "INVALID_WHERE_CONDITION": "42903",
    "USER_RAISED_EXCEPTION": "P0001",
    "ILLEGAL_DAY_OF_WEEK": "22009",
}

_COLUMN = "A column, variable, or function parameter with name `{0}` cannot be resolved."
_PATTERNS = (
    (r'Referenced column "([^"]+)" not found in FROM clause!\s+Candidate bindings: (.+?)(?:\n|$)',
     "UNRESOLVED_COLUMN.WITH_SUGGESTION", _COLUMN + " Did you mean one of the following? [{1}]."),
    (r'Referenced column "([^"]+)"', "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", _COLUMN),
    (r'"([^"]+)" does not have a column named "([^"]+)"', "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
     "A column, variable, or function parameter with name `{0}`.`{1}` cannot be resolved."),
    (r'Referenced table "([^"]+)" not found', "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
     "A column of `{0}` cannot be resolved, because the query has no table or alias of that name."),
    (r'Ambiguous reference to column name "([^"]+)" \(use: (.+?)\)', "AMBIGUOUS_REFERENCE",
     "Reference `{0}` is ambiguous, could be: {1}."),
    (r'column "?([^"]+?)"? must appear in the GROUP BY clause', "MISSING_AGGREGATION",
     "The non-aggregating expression `{0}` is based on columns which are not participating in the GROUP BY clause."),
    (r"aggregate function calls cannot be nested", "NESTED_AGGREGATE_FUNCTION",
     "It is not allowed to use an aggregate function in the argument of another aggregate function."),
    (r"WHERE clause cannot contain (\w+)", "INVALID_WHERE_CONDITION",
     "The WHERE condition contains {0}, which is not allowed there."),
    (r"Division by zero", "DIVIDE_BY_ZERO",
     "Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead."),
    (r"Overflow in|Out of Range Error: Overflow", "ARITHMETIC_OVERFLOW", "{first}"),
    (r"More than one row returned by a subquery", "SCALAR_SUBQUERY_TOO_MANY_ROWS",
     "More than one row returned by a subquery used as an expression."),
    (r"Set operations can only apply", "NUM_COLUMNS_MISMATCH",
     "Set operations can only be performed on inputs with the same number of columns."),
    (r"Date out of range", "DATETIME_FIELD_OUT_OF_BOUNDS",
     "{first}. Use `try_make_date` or check the fields."),
    (r"out of range for the destination type", "CAST_OVERFLOW", "{first}"),
    (r"Could not parse string", "CANNOT_PARSE_TIMESTAMP", "{first}"),
    (r"Conversion Error", "CAST_INVALID_INPUT",
     "{first}. Use `try_cast` to tolerate malformed input and return NULL instead."),
    (r"(?:invalid perl operator|missing \)|no argument for repetition|invalid escape sequence|bad repetition)",
     "INVALID_REGULAR_EXPRESSION", "{first}. The local engine has no look-around in regular expressions."),
    (r"Out of Memory Error|failed to (?:allocate|offload)", "OUT_OF_MEMORY",
     "The query needs more memory or temporary space than the local engine allows."),
    (r"(?:Table|View) with name (\S+) does not exist", "TABLE_OR_VIEW_NOT_FOUND",
     "The table or view `{0}` cannot be found. Verify the spelling and correctness of the schema and catalog."),
    (r"Function with name (\S+) does not exist", "UNRESOLVED_ROUTINE", "Cannot resolve routine `{0}`."),
    (r"(?:No function matches|Could not choose a best candidate|Macro \S+ does not support|multiple overloads)",
     "DATATYPE_MISMATCH", "{first}"),
    (r"Cannot compare values of type|Cannot mix|type mismatch|Mismatch Type Error", "DATATYPE_MISMATCH", "{first}"),
    (r"Parser Error", "PARSE_SYNTAX_ERROR", "{first}"),
)  # fmt: skip


def _names(text: str) -> str:
    """Write a list of names the warehouse's way; the engine's own helper columns are nobody's business."""
    names = [name for name in re.findall(r'"((?:[^"]|"")*)"', text) if not name.startswith("__m_")]
    return ", ".join(f"`{name}`" for name in names) if names else text


def _plain(text: str) -> str:
    """Drop DuckDB's own prefix and advice that names its settings."""
    text = re.sub(r"^(?:[A-Z][A-Za-z]+ )+Error: ", "", text)
    return re.sub(r"\s*(?:Use TRY\(|Use \"SET |In order to select one|You might need to add).*$", "", text).rstrip(" .")


@contextlib.contextmanager
def translated_failures() -> Iterator[None]:
    """Restate DuckDB's exceptions in the warehouse's vocabulary; everything else passes through."""
    import duckdb

    try:
        yield
    except duckdb.InterruptException:
        raise
    except duckdb.Error as exc:
        raise translate_failure(str(exc)) from exc
