"""Is the answer one query that the warehouse accepts?"""

from __future__ import annotations

from mlflow_genie_plugin.evaluation.judge import JudgedCase, abstained, failed, passed, unanswered
from mlflow_genie_plugin.evaluation.result import Finding
from mlflow_genie_plugin.sql_dialect import read_only_reason

# Messages of the warehouse about names it cannot resolve, as opposed to text it cannot read.
_NAME_ERRORS = (
    "UNRESOLVED_COLUMN",
    "UNRESOLVED_ROUTINE",
    "TABLE_OR_VIEW_NOT_FOUND",
    "FIELD_NOT_FOUND",
    "AMBIGUOUS_REFERENCE",
    "SCHEMA_NOT_FOUND",
    "CATALOG_NOT_FOUND",
)


class SyntaxValidity:
    """Passes SQL that produced rows or that the warehouse explained; parsing alone is not enough to pass.

    The parser accepts text that no warehouse does (``SELECT a FROM t SELEC``), and rejects some that one accepts, so
    the warehouse decides; the parser only makes sure that it is one query that reads.
    """

    name = "syntax_validity"
    version = "1"

    def judge(self, case: JudgedCase) -> Finding:
        answer = case.answer
        if (finding := unanswered(self.name, answer)) is not None:
            return finding
        sql = answer.sql or ""
        reason = read_only_reason(sql)
        if answer.has_result or answer.compiles is True:
            if reason is not None and "statements" in reason:
                return failed(self.name, "NOT_ONE_QUERY", f"the SQL is not one query: {reason}")
            return passed(self.name, "the warehouse accepts the SQL")
        if answer.compiles is False:
            message = answer.compile_error or "no reason was given"
            code = "UNRESOLVED_NAME" if any(name in message for name in _NAME_ERRORS) else "SYNTAX_ERROR"
            return failed(self.name, code, f"the warehouse rejects the SQL: {_first_line(message)}")
        if reason is not None:
            return failed(self.name, "NOT_A_QUERY", f"the SQL is not one query that reads: {reason}")
        return abstained(self.name, "NOT_CHECKED", "the SQL parses, but no warehouse was asked whether it accepts it")


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0][:300]
