"""How alike the answers to one question are, by text, by parsed query and by result; and that over an evaluation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from mlflow_genie_plugin.evaluation.compare import EQUAL, compare
from mlflow_genie_plugin.evaluation.result import EvaluationResult
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord
from mlflow_genie_plugin.sql_dialect import SqlParseError, assets_in
from mlflow_genie_plugin.workspace.answer import AnswerStatus

JUDGE = "repeatability"
# Band → the least score it takes. CRITICAL is what reaches none of them.
BANDS = {"IDENTICAL": 1.0, "MINOR": 0.7, "SIGNIFICANT": 0.5, "CRITICAL": 0.0}

Groups = tuple[tuple[int, ...], ...]


class RowsNotStoredError(Exception):
    """Raised when two results can only be told apart by rows that were not kept."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """How the answers to one question fall into groups; answers are named by their number, from 0.

    Attributes:
        runs: How many answers there are.
        groups: Answers that count as the same, the largest group first: same query, or same result.
        text_agreement: Share of answers in the largest group of equal texts (case and spacing aside).
        query_agreement: Likewise for equal parsed queries.
        result_agreement: Likewise for equal results.
        without_query: Answers without a query; each is a group of its own: two failures are not the same answer.
        asset_sets: The different sets of assets that the queries read.
    """

    runs: int
    groups: Groups
    text_agreement: float
    query_agreement: float
    result_agreement: float
    without_query: tuple[int, ...]
    asset_sets: tuple[tuple[str, ...], ...]

    @property
    def score(self) -> float:
        """Share of the answers in the largest group."""
        return len(self.groups[0]) / self.runs

    @property
    def band(self) -> str:
        return band_of(self.score)


@dataclass(frozen=True, slots=True)
class RepeatabilitySummary:
    """Repeatability over an evaluation.

    Attributes:
        times: How often each question was asked.
        bands: Questions in each band; ``NONE`` are those that could not be judged.
        planned: All questions of the evaluation: the denominator of the shares.
        flip_rate: Mean share of answers whose correctness is not that of most answers to the same question; None when
            no question was judged.
        unsteady: Ids of the questions whose answers differ, the least alike first.
    """

    times: int
    bands: Mapping[str, int]
    planned: int
    flip_rate: float | None
    unsteady: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "times": self.times,
            "bands": dict(self.bands),
            "shares": {band: count / self.planned for band, count in self.bands.items()},
            "flip_rate": self.flip_rate,
            "unsteady": list(self.unsteady),
        }


def normalise_sql(sql: str | None) -> str:
    """Return the text without what a person would not call another text: spacing and a final semicolon."""
    return " ".join((sql or "").split()).rstrip("; ")


def band_of(score: float) -> str:
    """Return the band of a score."""
    return next(band for band, least in BANDS.items() if score >= least)


def repetition_of(answers: Sequence[AnswerRecord], same_query: Callable[[str, str], bool]) -> Repetition:
    """Group the answers to one question.

    Args:
        answers: All of them, in the order of asking.
        same_query: Whether two texts are the same parsed query.

    Raises:
        RowsNotStoredError: Whether two answers are the same depends on rows that were not kept.
    """
    having = [number for number, answer in enumerate(answers) if _has_query(answer)]
    texts_of = [normalise_sql(answer.sql) for answer in answers]
    # Case is put aside for the figure only: the case of a literal can make another query.
    texts = _groups(len(answers), having, lambda one, other: texts_of[one].casefold() == texts_of[other].casefold())
    queries = _groups(
        len(answers),
        having,
        lambda one, other: (
            texts_of[one] == texts_of[other] or same_query(answers[one].sql or "", answers[other].sql or "")
        ),
    )
    alike = {pair for group in queries for pair in combinations(group, 2)}
    results = _groups(
        len(answers), having, lambda one, other: _same_result(answers[one], answers[other], (one, other) in alike)
    )
    equal = alike | {pair for group in results for pair in combinations(group, 2)}
    merged = _groups(len(answers), having, lambda one, other: (one, other) in equal)
    return Repetition(
        runs=len(answers),
        groups=merged,
        text_agreement=len(texts[0]) / len(answers),
        query_agreement=len(queries[0]) / len(answers),
        result_agreement=len(results[0]) / len(answers),
        without_query=tuple(number for number in range(len(answers)) if number not in having),
        asset_sets=tuple(sorted({_assets(answers[number]) for number in having})),
    )


def flip_rate_of(right: Sequence[bool]) -> float:
    """Return the share of answers whose correctness is not that of most; one half when there is no majority."""
    return min(sum(right), len(right) - sum(right)) / len(right)


def summarise(result: EvaluationResult) -> RepeatabilitySummary | None:
    """Return the repeatability over an evaluation; None when it was not judged, or every question was asked once."""
    times = 1 + max((len(question.repeats) for question in result.questions), default=0)
    if JUDGE not in result.judges or times == 1:
        return None
    found = {
        question.question_id: finding.evidence
        for question in result.questions
        if (finding := question.findings.get(JUDGE)) is not None and "band" in finding.evidence
    }
    seen = Counter(evidence["band"] for evidence in found.values())
    flips = [evidence["flip_rate"] for evidence in found.values()]
    scores = {name: len(evidence["groups"][0]) / evidence["runs"] for name, evidence in found.items()}
    return RepeatabilitySummary(
        times=times,
        bands={**{band: seen[band] for band in BANDS}, "NONE": result.planned - len(found)},
        planned=result.planned,
        flip_rate=sum(flips) / len(flips) if flips else None,
        unsteady=tuple(sorted((name for name, score in scores.items() if score < 1), key=lambda name: scores[name])),
    )


def _has_query(answer: AnswerRecord) -> bool:
    if answer.query_failed:  # the same query that does not run is the same answer
        return True
    return answer.status == AnswerStatus.COMPLETED and bool(answer.sql and answer.sql.strip())


def _assets(answer: AnswerRecord) -> tuple[str, ...]:
    try:
        return tuple(sorted(asset.name for asset in assets_in(answer.sql or "")))
    except SqlParseError:
        return ("(unreadable)",)


def _same_result(one: AnswerRecord, other: AnswerRecord, alike: bool) -> bool:
    """Whether two answers have the same rows. Two empty results prove nothing, so they are not the same."""
    if not (one.has_result and other.has_result) or not (one.row_count and other.row_count):
        return False
    left, right = one.query_result(), other.query_result()
    if left is not None and right is not None:
        return compare(left, right).outcome == EQUAL
    if one.result_sha256 == other.result_sha256 and not (one.truncated or other.truncated):
        return True
    if alike:
        return False
    raise RowsNotStoredError


def _groups(count: int, members: Iterable[int], same: Callable[[int, int], bool]) -> Groups:
    """Return the numbers below ``count`` in groups, largest first; only ``members`` are ever put together."""
    group_of = {number: number for number in range(count)}
    for one, other in combinations(members, 2):
        if group_of[one] != group_of[other] and same(one, other):
            old, new = group_of[other], group_of[one]
            group_of = {number: new if group == old else group for number, group in group_of.items()}
    found = [tuple(n for n in range(count) if group_of[n] == group) for group in dict.fromkeys(group_of.values())]
    return tuple(sorted(found, key=lambda group: (-len(group), group)))
