"""Does the same question get the same answer every time?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.evaluation.finding import Finding, abstained, failed, passed
from mlflow_genie_plugin.evaluation.judges.result_correctness import ResultCorrectness, same_query
from mlflow_genie_plugin.evaluation.repeatability import (
    JUDGE,
    Repetition,
    RowsNotStoredError,
    flip_rate_of,
    repetition_of,
)
from mlflow_genie_plugin.evaluation.unanswered import unanswered

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase

# At least nine of ten answers must be the same; with fewer than ten answers that means all of them.
PASSES_FROM = 0.9

_FIX = "add an example SQL for this question, or make the instruction plainer"
_SEVERITY = {"MINOR": "minor", "SIGNIFICANT": "major", "CRITICAL": "critical"}


class Repeatability:
    """Groups all answers to the question by query and result; passes when nearly all of them are the same answer.

    Answers are the same when their queries are (case, spacing and comments aside) or when their results hold the same
    rows. An answer without a query is the same as no other. A question asked only once is abstained from.
    """

    name = JUDGE
    version = "2"

    def judge(self, case: JudgedCase) -> Finding:
        answers = (case.answer, *case.repeats)
        if len(answers) == 1:
            return abstained(self.name, "NOT_REPEATED", "the question was asked once; --repeats 3 asks it three times")
        try:
            found = repetition_of(answers, same_query)
        except RowsNotStoredError:
            return abstained(
                self.name, "ROWS_NOT_STORED", "the rows were not stored, so the results cannot be compared again"
            )
        if len(found.without_query) == len(answers) and (finding := unanswered(self.name, case.answer)) is not None:
            return finding
        right = [self._is_right(replace(case, answer=answer, repeats=())) for answer in answers]
        evidence: dict[str, Any] = {
            "runs": found.runs,
            "band": found.band,
            "groups": [list(group) for group in found.groups],
            "text_agreement": found.text_agreement,
            "query_agreement": found.query_agreement,
            "result_agreement": found.result_agreement,
            "asset_sets": [list(names) for names in found.asset_sets],
            "right": right,
            "flip_rate": flip_rate_of(right),
        }
        if found.score >= PASSES_FROM:
            return passed(self.name, f"{len(found.groups[0])} of {found.runs} answers are the same", **evidence)
        finding = failed(
            self.name, "repeatability_issue", _in_words(found, right), score=found.score, fix=_FIX, **evidence
        )
        return replace(finding, severity=_SEVERITY[found.band])

    def _is_right(self, case: JudgedCase) -> bool:
        return ResultCorrectness().judge(case).passed


def _in_words(found: Repetition, right: list[bool]) -> str:
    largest = len(found.groups[0])
    text = (
        f"all {found.runs} answers differ ({found.band.lower()})"
        if largest == 1
        else f"only {largest} of {found.runs} answers are the same ({found.band.lower()})"
    )
    if found.without_query:
        text += f", {len(found.without_query)} without a query"
    if len(found.asset_sets) > 1:
        text += f"; they read {len(found.asset_sets)} different sets of assets"
    return f"{text}; {sum(right)} of {found.runs} are right"
