"""What is wrong with the questions as a set: repeated ones, splits, priorities, questions that ask too little."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

from sqlglot import exp

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.evaluation.benchmark_lint.likeness import alike_pairs, duplicates_of
from mlflow_genie_plugin.evaluation.benchmark_lint.subject import Question

# Below this many questions, shares are accidents.
_ENOUGH = 20
_WANTED_SHARES = {"train": 0.6, "val": 0.2, "held_out": 0.2}
_MOST_OFF = 0.15
_MOST_PLAIN = 0.5
_MOST_P0 = 0.5


def check_set(questions: Sequence[Question]) -> Iterator[Violation]:
    """Yield what is wrong with the set as a whole."""
    if not questions:
        return
    yield from _repeated(questions)
    yield from _priorities(questions)
    yield from _splits(questions)
    plain = sum(is_plain(question) for question in questions)
    if len(questions) >= 5 and plain / len(questions) >= _MOST_PLAIN:
        yield Violation(
            "$",
            "too-easy",
            f"{plain} of {len(questions)} questions need no join, no aggregation and no filter",
            "warning",
            "add questions that combine tables, aggregate and restrict",
        )


def is_plain(question: Question) -> bool:
    """Whether a question can be answered by listing one table as it is."""
    tree = question.tree
    if tree is None or not isinstance(tree, exp.Select):
        return False
    harder = (exp.Join, exp.AggFunc, exp.Where, exp.Having, exp.Group, exp.Subquery, exp.Window, exp.With)
    return not any(True for _ in tree.find_all(*harder)) and "measure(" not in question.benchmark.expected_sql.lower()


def _repeated(questions: Sequence[Question]) -> Iterator[Violation]:
    told: set[tuple[int, int]] = set()
    for positions in duplicates_of(question.sql_key for question in questions).values():
        for one, other in combinations(positions, 2):
            if other == positions[0] or one != positions[0]:
                continue
            told.add((one, other))
            yield from _pair(questions[one], questions[other], "same-sql", "it has the same expected SQL as {}")
    for one, other, value in alike_pairs([question.words for question in questions]):
        if (one, other) not in told:
            text = f"it is {value:.0%} alike ".replace("%", " %") + "{}"
            yield from _pair(questions[one], questions[other], "near-duplicate", text)


def _pair(first: Question, second: Question, rule: str, text: str) -> Iterator[Violation]:
    a, b = first.benchmark, second.benchmark
    named = f"{a.id} ({a.question!r})"
    if a.split != b.split:
        held_out = "held_out" in (a.split, b.split)
        yield second.finding(
            "split-leak",
            f"{text.format(named)}, but one is {a.split} and the other {b.split}",
            part="split",
            severity="error" if held_out else "warning",
            fix="put both into the same split, or drop one",
        )
    else:
        yield second.finding(rule, text.format(named), part="question", fix="drop one, or ask something else")


def _priorities(questions: Sequence[Question]) -> Iterator[Violation]:
    p0 = sum(question.benchmark.priority == "P0" for question in questions)
    if not p0:
        yield Violation(
            "$", "no-p0", "no question is P0, so the P0 gate has nothing to decide on", "warning",
            "give priority: P0 to the questions that must never be wrong",
        )  # fmt: skip
    elif len(questions) >= _ENOUGH and p0 / len(questions) > _MOST_P0:
        yield Violation(
            "$", "many-p0", f"{p0} of {len(questions)} questions are P0; where all is important, nothing is", "warning",
            "keep P0 for the questions that must never be wrong",
        )  # fmt: skip


def _splits(questions: Sequence[Question]) -> Iterator[Violation]:
    counts = Counter(question.benchmark.split for question in questions)
    if not counts["held_out"]:
        yield Violation(
            "$", "no-held-out", "no question is held out, so nothing shows that tuning did not fit the set", "warning",
            "add questions without a split (their text decides), or give some split: held_out",
        )  # fmt: skip
    if len(questions) < _ENOUGH:
        return
    off = {
        name: counts[name] / len(questions)
        for name, wanted in _WANTED_SHARES.items()
        if abs(counts[name] / len(questions) - wanted) > _MOST_OFF
    }
    if off:
        listed = ", ".join(f"{name} {share:.0%}".replace("%", " %") for name, share in off.items())
        yield Violation(
            "$", "split-shares", f"the splits are far from 60/20/20: {listed}", "warning",
            "leave out split, so that the hash of the question decides",
        )  # fmt: skip
