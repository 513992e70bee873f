"""What in one question's expected SQL makes it poor ground truth."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.evaluation.benchmark_lint.subject import Question
from mlflow_genie_plugin.evaluation.frozen import frozen, unstoppable
from mlflow_genie_plugin.evaluation.question_order import ranking_words
from mlflow_genie_plugin.evaluation.question_slots import slots_of
from mlflow_genie_plugin.evaluation.slots_met import meets
from mlflow_genie_plugin.sql_dialect.assets import is_cte_reference

_RELATIVE = re.compile(
    r"\b(?:(?:this|last|current|previous|past|next)\s+(?:\d+\s+|few\s+|couple\s+of\s+)?"
    r"(?:day|week|month|quarter|year|fiscal\s+year|hour)s?|today|yesterday|tomorrow|so\s+far\s+this\s+\w+|"
    r"(?:year|month|quarter|week)[\s-]to[\s-]date|[ymqw]td|(?:\d+|few)\s+(?:day|week|month|year)s?\s+ago|"
    r"recent(?:ly)?|latest|currently)\b",
    re.IGNORECASE,
)
# "latest" and "current" may mean the newest row there is, which needs no clock.
_NEEDS_CLOCK = re.compile(
    r"\b(?:this|last|current|previous|past)\s+(?:\d+\s+)?(?:day|week|month|quarter|year)s?\b|\b(?:today|yesterday)\b|"
    r"to[\s-]date\b|\b[ymqw]td\b|\bago\b",
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{4}-\d{1,2}(?:-\d{1,2})?(?:[ T].*)?\Z|(?:19|20)\d{6}\Z")
_YEARS = range(1900, 2100)


def check_sql(question: Question) -> Iterator[Violation]:
    """Yield what is wrong with one question's SQL by itself."""
    tree = question.tree
    if tree is None:
        yield question.finding(
            "unparsable",
            "the expected SQL cannot be parsed closely; several judges will abstain",
            part="expected_sql",
            fix="write it in simpler SQL, or run the lint with --execute to see that it runs",
        )
        return
    yield from _dates(question, tree)
    yield from _order(question, tree)
    for slot in slots_of(question.benchmark.question):
        if meets(slot, tree) is False:
            yield question.finding(
                "question-not-met",
                f"the question says {slot.text!r}, the expected SQL does not",
                part="expected_sql",
                fix="correct the SQL, or the question",
            )
    yield from _stability(question)
    if _reads_table(tree) and any(
        isinstance(item.unalias(), exp.Star) or _is_table_star(item) for item in tree.selects
    ):
        yield question.finding(
            "select-star",
            "SELECT * changes whenever a table gains a column, and then every right answer is wrong",
            part="expected_sql",
            fix="name the columns that the question asks for",
        )


def _dates(question: Question, tree: exp.Query) -> Iterator[Violation]:
    text = question.benchmark.question
    relative = _RELATIVE.search(text)
    literals = _literal_dates(tree)
    reads_clock = frozen(question.benchmark.expected_sql) != question.benchmark.expected_sql
    if relative and literals and not reads_clock:
        yield question.finding(
            "stale-date",
            f"the question says {relative.group()!r}, the expected SQL has the fixed date {literals[0]}",
            part="expected_sql",
            fix="use current_date() in the SQL, or name the period in the question",
        )
    elif _NEEDS_CLOCK.search(text) and not (literals or reads_clock or _takes_arguments(tree)):
        yield question.finding(
            "no-date",
            f"the question says {_found(text)!r}, the expected SQL has no date at all",
            part="expected_sql",
            fix="restrict the period in the SQL, or take it out of the question",
        )


def _found(text: str) -> str:
    match = _NEEDS_CLOCK.search(text)
    return match.group() if match else ""


def _literal_dates(tree: exp.Query) -> list[str]:
    """Return literal dates, and numbers compared with a year."""
    found = [node.name for node in tree.find_all(exp.Literal) if node.is_string and _DATE.match(node.name)]
    for comparison in tree.find_all(exp.EQ, exp.GTE, exp.LTE, exp.GT, exp.LT, exp.In, exp.Between):
        mentions_year = "year" in comparison.sql("databricks").lower()
        for literal in comparison.find_all(exp.Literal):
            if mentions_year and not literal.is_string and literal.name.isdigit() and int(literal.name) in _YEARS:
                found.append(literal.name)
    return found


def _takes_arguments(tree: exp.Query) -> bool:
    """Whether a parameter or an argument of a table function may carry the period."""
    functions = any(isinstance(table.this, exp.Func) for table in tree.find_all(exp.Table))
    return functions or any(True for _ in tree.find_all(exp.Placeholder))


def _order(question: Question, tree: exp.Query) -> Iterator[Violation]:
    benchmark = question.benchmark
    has_order = tree.args.get("order") is not None
    asks = ranking_words(benchmark.question)
    if asks and has_order and "ordered" not in question.raw and not benchmark.ordered:
        yield question.finding(
            "unordered-ranking",
            f"the question asks for a ranking ({asks!r}), but any order of the rows passes",
            fix="add ordered: true, or ordered: false if any order is right",
        )
    if benchmark.ordered and not has_order:
        yield question.finding(
            "ordered-without-order-by",
            "the order of the rows counts, but the expected SQL has no ORDER BY",
            part="expected_sql",
            fix="add ORDER BY, or ordered: false",
        )
    if tree.args.get("limit") is not None and not has_order:
        yield question.finding(
            "limit-without-order",
            "LIMIT without ORDER BY returns any rows, other ones each time",
            part="expected_sql",
            fix="add an ORDER BY that leaves no ties",
        )


def _stability(question: Question) -> Iterator[Violation]:
    reason = unstoppable(question.benchmark.expected_sql)
    if reason is not None:
        yield question.finding(
            "non-deterministic",
            f"the expected SQL gives another result each time: {reason}",
            part="expected_sql",
            fix="ask for something that has one right answer",
        )


def _is_table_star(item: exp.Expr) -> bool:
    return isinstance(item, exp.Column) and isinstance(item.this, exp.Star)


def _reads_table(tree: exp.Query) -> bool:
    """Whether the outermost FROM names a table; functions, subqueries and CTEs say which columns they have."""
    source = tree.args.get("from_")
    table = source.this if source is not None else None
    if not isinstance(table, exp.Table) or isinstance(table.this, exp.Func):
        return False
    return not is_cte_reference(table)
