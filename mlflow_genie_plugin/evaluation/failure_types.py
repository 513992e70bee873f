"""Every reason a finding may give for not passing: what it means, how bad it is, and where the space can be mended.

Names in capitals say what happened to the answer or its result, names in lower case what is wrong in the query. To add
one, add a line; a finding with a type that does not stand here is an errored finding.
"""

from __future__ import annotations

from dataclasses import dataclass

SEVERITIES = ("critical", "major", "minor", "info")


@dataclass(frozen=True, slots=True)
class FailureType:
    """One reason.

    Attributes:
        meaning: One sentence for people.
        severity: critical, major, minor or info.
        score_reason: Genie's own name for it (``ScoreReason`` of its benchmark runs), or None.
        lever: Where a fix usually belongs: tables and columns 1, metric views 2, functions 3, instructions 6; None
            where the space is not to blame.
    """

    meaning: str
    severity: str
    score_reason: str | None = None
    lever: int | None = None


_JUDGE = "LLM_JUDGE_"

FAILURE_TYPES: dict[str, FailureType] = {
    # No answer that could be judged.
    "ANSWER_FAILED": FailureType("Genie failed to answer", "critical"),
    "ANSWER_CANCELLED": FailureType("the question was cancelled", "major"),
    "ANSWER_QUERY_RESULT_EXPIRED": FailureType("the result expired before it was read", "major"),
    "ANSWER_TIMED_OUT": FailureType("Genie did not answer in time", "major"),
    "CLARIFICATION": FailureType("Genie asked back instead of answering", "major", "EMPTY_RESULT", 6),
    "NO_SQL": FailureType("Genie answered without a query", "major", "EMPTY_RESULT", 6),
    # The query as text.
    "SYNTAX_ERROR": FailureType("the warehouse cannot read the query", "critical"),
    "NOT_ONE_QUERY": FailureType("the answer holds more than one statement", "critical"),
    "NOT_A_QUERY": FailureType("the answer is not a query that only reads", "critical"),
    "UNBOUND_PARAMETER": FailureType("the query has a parameter without a value", "critical"),
    "NOT_CHECKED": FailureType("no warehouse was asked whether it accepts the query", "info"),
    "UNPARSABLE": FailureType("the query cannot be read closely enough to judge it", "minor"),
    # Names.
    "UNRESOLVED_NAME": FailureType(
        "a name in the query does not exist", "critical", f"{_JUDGE}INCORRECT_TABLE_OR_FIELD_USAGE", 1
    ),
    "wrong_table": FailureType(
        "the query reads another table", "critical", f"{_JUDGE}INCORRECT_TABLE_OR_FIELD_USAGE", 1
    ),
    "wrong_column": FailureType(
        "the query uses another column", "critical", f"{_JUDGE}INCORRECT_TABLE_OR_FIELD_USAGE", 1
    ),
    "missing_column": FailureType("an expected column is not there", "major", "RESULT_MISSING_COLUMNS", 1),
    "wrong_measure": FailureType(
        "a measure is used in a wrong way", "major", f"{_JUDGE}INCORRECT_METRIC_CALCULATION", 2
    ),
    "tvf_parameter_error": FailureType(
        "a function is called with wrong arguments", "major", f"{_JUDGE}INCORRECT_FUNCTION_USAGE", 3
    ),
    "NO_SCHEMA": FailureType("the columns of the space's assets are not known", "info"),
    # Logic.
    "wrong_join": FailureType("tables are joined in another way", "critical", f"{_JUDGE}MISSING_OR_INCORRECT_JOIN", 1),
    "wrong_filter": FailureType("a filter differs", "major", f"{_JUDGE}MISSING_OR_INCORRECT_FILTER", 3),
    "missing_filter": FailureType("an expected filter is missing", "major", f"{_JUDGE}MISSING_OR_INCORRECT_FILTER", 3),
    "missing_temporal_filter": FailureType(
        "the expected period is missing", "major", f"{_JUDGE}MISSING_OR_INCORRECT_FILTER", 2
    ),
    "wrong_aggregation": FailureType(
        "values are aggregated in another way", "critical", f"{_JUDGE}MISSING_OR_INCORRECT_AGGREGATION", 2
    ),
    "missing_aggregation": FailureType(
        "values should be aggregated and are not", "critical", f"{_JUDGE}MISSING_OR_INCORRECT_AGGREGATION", 2
    ),
    "wrong_groupby": FailureType("the grouping differs", "major", f"{_JUDGE}MISSING_OR_INCORRECT_AGGREGATION", 2),
    "wrong_orderby": FailureType("the ranking or its limit differs", "minor", f"{_JUDGE}OTHER", 6),
    "wrong_distinct": FailureType("duplicates are treated in another way", "major", f"{_JUDGE}OTHER", 6),
    "wrong_expression": FailureType(
        "a value is computed in another way", "major", f"{_JUDGE}INCORRECT_METRIC_CALCULATION", 2
    ),
    "wrong_subquery": FailureType(
        "a query inside the query is missing or stands elsewhere", "major", f"{_JUDGE}OTHER", 6
    ),
    # Meaning.
    "different_metric": FailureType(
        "another quantity is computed", "critical", f"{_JUDGE}INCORRECT_METRIC_CALCULATION", 2
    ),
    "different_grain": FailureType(
        "one row stands for something else", "critical", f"{_JUDGE}MISSING_OR_INCORRECT_AGGREGATION", 2
    ),
    "different_scope": FailureType("other rows are taken in", "major", f"{_JUDGE}MISSING_OR_INCORRECT_FILTER", 3),
    "partial_answer": FailureType(
        "only a part of the answer is there", "major", f"{_JUDGE}INCOMPLETE_OR_PARTIAL_OUTPUT", 6
    ),
    "UNDETERMINED": FailureType("it could not be decided whether the answer is right", "minor"),
    # Results.
    "EMPTY_RESULT": FailureType("the answer has no rows", "major", "EMPTY_RESULT", 6),
    "RESULT_MISSING_ROWS": FailureType("rows are missing or differ", "major", "RESULT_MISSING_ROWS", 6),
    "RESULT_EXTRA_ROWS": FailureType("there are rows that should not be", "major", "RESULT_EXTRA_ROWS", 6),
    "RESULT_MISSING_COLUMNS": FailureType("columns are missing", "major", "RESULT_MISSING_COLUMNS", 6),
    "RESULT_EXTRA_COLUMNS": FailureType("there are columns nobody asked for", "minor", "RESULT_EXTRA_COLUMNS", 6),
    "SINGLE_CELL_DIFFERENCE": FailureType("the one value differs", "major", "SINGLE_CELL_DIFFERENCE", 6),
    "COLUMN_TYPE_DIFFERENCE": FailureType("values have another type", "minor", "COLUMN_TYPE_DIFFERENCE", 1),
    "ROW_ORDER_DIFFERENCE": FailureType("rows stand in another order", "minor", None, 6),
    "VACUOUS_RESULT": FailureType("both results are empty, which proves nothing", "minor", "EMPTY_GOOD_SQL"),
    "TRUNCATED_RESULT": FailureType("rows were cut off, so they cannot be compared", "minor"),
    "TOO_ALIKE": FailureType("rows are too alike to be matched", "minor"),
    "UNREADABLE_ANSWER": FailureType("the stored answer cannot be read", "major"),
    "ROWS_NOT_STORED": FailureType("the rows were not kept, so they cannot be compared", "info"),
    "NO_ANSWER_RESULT": FailureType("the answer has no result to compare", "major"),
    "QUERY_FAILED": FailureType("the answer's query failed when it ran", "critical", "EMPTY_RESULT"),
    "NO_EXPECTED_RESULT": FailureType("the expected query has no result to compare with", "major", "EMPTY_GOOD_SQL"),
    # Routing.
    "NO_EXPECTED_ASSET": FailureType("the expected query uses no asset of the space", "minor"),
    "OUTSIDE_SPACE": FailureType(
        "the answer uses an asset that the space does not list",
        "critical",
        f"{_JUDGE}INCORRECT_TABLE_OR_FIELD_USAGE",
        1,
    ),
    "MISSING_ASSET": FailureType(
        "an expected asset is not used", "major", f"{_JUDGE}INCORRECT_TABLE_OR_FIELD_USAGE", 6
    ),
    **{
        f"{got}_INSTEAD_OF_{wanted}": FailureType(
            f"a {got} is used where a {wanted} should be", "major", f"{_JUDGE}INCORRECT_TABLE_OR_FIELD_USAGE", 6
        )
        for got in ("TABLE", "MV", "TVF")
        for wanted in ("TABLE", "MV", "TVF")
        if got != wanted
    },
    **{
        f"EXTRA_{kind}": FailureType(
            f"a {kind} is used besides what is expected", "minor", f"{_JUDGE}INCORRECT_TABLE_OR_FIELD_USAGE", 6
        )
        for kind in ("TABLE", "MV", "TVF")
    },
    # Repetition.
    "repeatability_issue": FailureType("the same question gets different answers", "major", None, 6),
    "NOT_REPEATED": FailureType("the question was asked only once", "info"),
    # Genie's own evaluation run.
    "NATIVE_BAD": FailureType("Genie's own run found the answer bad", "major"),
    "NEEDS_REVIEW": FailureType("Genie's own run could not decide", "minor"),
    "NO_ASSESSMENT": FailureType("Genie's own run gave no assessment", "critical"),
    "NOT_NATIVE": FailureType("the question was not asked by an evaluation run of Genie's own", "info"),
    # The judging itself.
    "JUDGE_FAILED": FailureType("the judge itself broke", "critical"),
    "JUDGED_WRONG": FailureType("a judge of your own takes the answer for wrong and names no type", "major"),
    "JUDGE_UNAVAILABLE": FailureType("the language model that should judge gave no usable word", "critical"),
}
