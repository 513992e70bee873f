"""Questions that the space was taught: what an evaluation of them measures is memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.evaluation.benchmark_lint.likeness import Words, alike_pairs, sql_key
from mlflow_genie_plugin.evaluation.benchmark_lint.subject import Question
from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.space.shape import (
    EXAMPLE,
    EXPRESSION,
    FILTER,
    MEASURE,
    SAMPLE_QUESTION,
    Kind,
    dicts_of,
    label_of,
    text_of,
)

# Above this share of questions whose answer is an example word for word, the score says little.
_MOST_VERBATIM = 0.2
_ADVICE = "ask it in other words and of other data, or take the example out of the space"


@dataclass(frozen=True)
class Taught:
    """Something in the space that holds a question or an answer."""

    kind: str
    label: str
    question: str
    sql: str

    @cached_property
    def words(self) -> Words:
        return Words.of(self.question)

    @cached_property
    def key(self) -> str | None:
        return sql_key(self.sql) if self.sql else None


def taught_by(config: SpaceConfig) -> list[Taught]:
    """Return the space's example questions with SQL, its SQL snippets, and the questions it suggests."""
    found = [
        Taught(EXAMPLE.name, label_of(EXAMPLE, item), text_of(item.get("question")), text_of(item.get("sql")))
        for _, item in dicts_of(config.document, EXAMPLE.path)
    ]
    for kind in (FILTER, EXPRESSION, MEASURE):
        found += [_snippet(kind, item) for _, item in dicts_of(config.document, kind.path)]
    found += [
        Taught(SAMPLE_QUESTION.name, label_of(SAMPLE_QUESTION, item), text_of(item.get("question")), "")
        for _, item in dicts_of(config.document, SAMPLE_QUESTION.path)
    ]
    return found


def _snippet(kind: Kind, item: dict[str, object]) -> Taught:
    return Taught(
        f"{kind.name} snippet", label_of(kind, item), text_of(item.get("instruction")), text_of(item.get("sql"))
    )


def check_leakage(questions: Sequence[Question], config: SpaceConfig) -> Iterator[Violation]:
    """Yield the questions that the space holds already, with where."""
    taught = taught_by(config)
    answers = {item.key: item for item in reversed(taught) if item.key is not None}
    verbatim = 0
    by_words: dict[int, tuple[Taught, float]] = {}
    for i, j, value in alike_pairs([item.words for item in questions], [item.words for item in taught]):
        if i not in by_words or (value, bool(taught[j].sql)) > (by_words[i][1], bool(by_words[i][0].sql)):
            by_words[i] = (taught[j], value)
    for position, question in enumerate(questions):
        same_sql = answers.get(question.sql_key) if question.sql_key is not None else None
        verbatim += same_sql is not None
        yield from _finding(question, same_sql, by_words.get(position))
    if questions and verbatim / len(questions) > _MOST_VERBATIM:
        yield Violation(
            "$",
            "too-easy",
            f"{verbatim} of {len(questions)} questions are answered by an example of the space word for word",
            "warning",
            "add questions whose answer the space does not hold",
        )


def _finding(question: Question, same_sql: Taught | None, alike: tuple[Taught, float] | None) -> Iterator[Violation]:
    # What is held out must be unseen, otherwise its score says nothing at all.
    held_out = question.benchmark.split == "held_out"
    if same_sql is not None:
        yield question.finding(
            "leak-sql",
            f"its expected SQL is that of the space's {same_sql.kind} {same_sql.label!r}",
            part="expected_sql",
            severity="error" if held_out else "warning",
            fix=_ADVICE,
        )
    elif alike is not None:
        other, value = alike
        teaches = bool(other.sql)
        yield question.finding(
            "leak-question",
            f"it is {value:.0%} alike the space's {other.kind} {other.label!r}".replace("%", " %"),
            part="question",
            severity="error" if held_out and teaches else "warning",
            fix=_ADVICE if teaches else "a sample question teaches no answer, but readers may take it for a test",
        )
