"""Is the answer one query that the warehouse can read?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlflow_genie_plugin.evaluation.finding import Finding, abstained, failed, passed
from mlflow_genie_plugin.evaluation.unanswered import unanswered
from mlflow_genie_plugin.evaluation.warehouse_messages import (
    UNBOUND_PARAMETER,
    condition_of,
    in_a_sentence,
    name_failure,
)
from mlflow_genie_plugin.sql_dialect import SqlParseError, parameters_in, parse_query, read_only_reason

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase

_BY_EXAMPLE = "add an example SQL for this question"


class SyntaxValidity:
    """Passes SQL that produced rows or that the warehouse explained; parsing alone is not enough to pass.

    The parser accepts text that no warehouse does (``SELECT a FROM t SELEC``), and rejects some that one accepts, so
    the warehouse decides; the parser only makes sure that it is one query that reads. A query that the warehouse reads
    and rejects for a name passes here: the name is schema_accuracy's, and no fault counts twice.
    """

    name = "syntax_validity"
    version = "3"

    def judge(self, case: JudgedCase) -> Finding:
        answer = case.answer
        if (finding := unanswered(self.name, answer)) is not None:
            return finding
        sql = answer.sql or ""
        reason = read_only_reason(sql)
        if reason is not None and "statements" in reason:
            return failed(self.name, "NOT_ONE_QUERY", f"the SQL is not one query: {reason}", fix=_BY_EXAMPLE)
        if answer.has_result or answer.compiles is True:
            return passed(self.name, "the warehouse accepts the SQL")
        unreadable = reason is not None and reason == _parse_error(sql)
        if reason is not None and not unreadable:
            return failed(self.name, "NOT_A_QUERY", f"the SQL is not one query that reads: {reason}", fix=_BY_EXAMPLE)
        if unbound := _unbound(sql, case):
            return failed(
                self.name,
                "UNBOUND_PARAMETER",
                f"the query has no value for {', '.join(f':{name}' for name in unbound)}",
                fix="give the parameter a default value in the example query that has it",
                parameters=list(unbound),
            )
        if answer.compiles is False:
            message = answer.compile_error
            if condition_of(message) == UNBOUND_PARAMETER:
                # Genie gave the values, and the check was made without them: that says nothing about the query.
                return abstained(self.name, "NOT_CHECKED", "the SQL was checked without the values of its parameters")
            if name_failure(message) is not None:
                return passed(self.name, "the warehouse reads the SQL; it rejects a name, which is judged elsewhere")
            said = in_a_sentence(message)
            return failed(
                self.name,
                "SYNTAX_ERROR",
                f"the warehouse rejects the SQL: {said}",
                fix=_BY_EXAMPLE,
                condition=condition_of(message),
            )
        if unreadable:
            return failed(self.name, "SYNTAX_ERROR", f"the SQL cannot be read: {reason}", fix=_BY_EXAMPLE)
        return abstained(self.name, "NOT_CHECKED", "the SQL parses, but no warehouse was asked whether it accepts it")


def _parse_error(sql: str) -> str | None:
    try:
        parse_query(sql)
    except SqlParseError as error:
        return str(error)
    return None


def _unbound(sql: str, case: JudgedCase) -> tuple[str, ...]:
    """Return the parameters of the query that have no value."""
    given = {name.lower() for name in case.answer.parameters}
    try:
        return tuple(name for name in parameters_in(sql) if name.lower() not in given)
    except SqlParseError:
        return ()
