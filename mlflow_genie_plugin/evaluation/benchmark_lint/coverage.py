"""Which kinds of questions and which assets of the space the set covers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.evaluation.benchmark_lint.subject import Question
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets

CATEGORIES = ("aggregation", "ranking", "time-series", "comparison", "detail", "list", "threshold")

_TIME = re.compile(
    r"\b(?:trend|over time|monthly|weekly|daily|yearly|quarterly|"
    r"(?:by|per|each|every) (?:month|week|day|year|quarter))\b"
)
_COMPARE = re.compile(r"\b(?:compare[ds]?|comparison|versus|vs|against|difference between|change from|growth)\b")
_THRESHOLD = re.compile(
    r"\b(?:more|less|fewer|greater|higher|lower|larger|smaller|at least|at most|above|below|over|under|exceed\w*) "
    r"(?:than )?\W?\d"
)


@dataclass(frozen=True, slots=True)
class Size:
    """What a space of a size needs; ``assets`` is the largest number of tables and metric views it holds."""

    name: str
    assets: float
    questions: int
    categories: int


SIZES = (Size("small", 3, 10, 4), Size("medium", 8, 15, 6), Size("large", float("inf"), 20, 7))


@dataclass(frozen=True)
class Coverage:
    """What the set covers.

    Attributes:
        size: What a space of that size needs.
        assets: How many tables and metric views the space has, or the questions use.
        categories: Category → questions of it.
        untouched: Assets of the space that no question uses.
        outside: Questions that use what the space does not list, with the names.
    """

    size: Size
    assets: int
    categories: dict[str, int]
    untouched: tuple[str, ...]
    outside: tuple[tuple[Question, tuple[str, ...]], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the coverage for machines."""
        return {
            "size": self.size.name,
            "assets": self.assets,
            "questions_wanted": self.size.questions,
            "categories_wanted": self.size.categories,
            "categories": self.categories,
            "assets_without_question": list(self.untouched),
        }


def coverage_of(questions: Sequence[Question], assets: SpaceAssets | None) -> Coverage:
    """Return what the questions cover; without a space, the assets that they use themselves are the measure."""
    used = {name for question in questions for name in question.assets}
    listed: frozenset[str] = frozenset() if assets is None else assets.tables | assets.metric_views | assets.functions
    data = used if assets is None else assets.tables | assets.metric_views
    size = next(size for size in SIZES if len(data) <= size.assets)
    counts = Counter(category_of(question) for question in questions)
    outside = tuple(
        (question, missing)
        for question in questions
        if (missing := tuple(sorted(name for name in question.assets if not _is_in(name, listed)))) and listed
    )
    untouched = tuple(sorted(name for name in listed if not any(_same(name, other) for other in used)))
    known = {name: counts[name] for name in CATEGORIES}
    return Coverage(
        size, len(data), {**known, **{k: v for k, v in counts.items() if k not in known}}, untouched, outside
    )


def check_coverage(questions: Sequence[Question], coverage: Coverage) -> Iterator[Violation]:
    """Yield what the set does not cover."""
    size, number = coverage.size, len(questions)
    about = f"a {size.name} space ({coverage.assets} tables and metric views)"
    if number < size.questions:
        yield Violation(
            "$", "few-questions", f"{number} questions are few for {about}: {size.questions} are wanted", "warning",
            "add questions, first of the kinds and assets named here",
        )  # fmt: skip
    present = [name for name, count in coverage.categories.items() if count]
    if number and len(present) < size.categories:
        missing = [name for name in CATEGORIES if not coverage.categories[name]]
        yield Violation(
            "$", "few-categories",
            f"of the {size.categories} kinds of questions that {about} wants, {len(present)} "
            f"{'is' if len(present) == 1 else 'are'} there; none of {', '.join(missing)}",
            "warning", "add questions of these kinds",
        )  # fmt: skip
    for name in coverage.untouched:
        yield Violation("$", "asset-without-question", f"no question uses {name}", "warning",
                        "add a question, or take it out of the space")  # fmt: skip
    for question, names in coverage.outside:
        yield question.finding(
            "outside-space",
            f"its expected SQL uses {', '.join(names)}, which the space does not list",
            part="expected_sql",
            fix="add it to the space, or answer from what the space has",
        )


def category_of(question: Question) -> str:
    """Return the question's own category, or the kind that its words and its SQL suggest."""
    if question.benchmark.category:
        return question.benchmark.category
    text, tree = question.benchmark.question.casefold(), question.tree
    if _COMPARE.search(text):
        return "comparison"
    if _TIME.search(text):
        return "time-series"
    if tree is not None and tree.args.get("order") is not None and tree.args.get("limit") is not None:
        return "ranking"
    if _THRESHOLD.search(text):
        return "threshold"
    aggregates = tree is not None and (
        any(True for _ in tree.find_all(exp.AggFunc, exp.Group))
        or "measure(" in question.benchmark.expected_sql.lower()
    )
    if aggregates:
        return "aggregation"
    return "detail" if tree is not None and any(True for _ in tree.find_all(exp.Where)) else "list"


def _is_in(name: str, listed: frozenset[str]) -> bool:
    return any(_same(name, other) for other in listed)


def _same(one: str, other: str) -> bool:
    """Whether two names can be the same object, one perhaps written in part."""
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")
