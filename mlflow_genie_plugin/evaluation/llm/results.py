"""An evaluation result with opinions on top: one pass over the judged questions, wherever they were judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.evaluation.llm.gather import Save, gather_opinions
from mlflow_genie_plugin.evaluation.llm.opinion import ERRORED, Opinion, Opinionist
from mlflow_genie_plugin.evaluation.llm.recorded import ARBITER, ARBITER_FACTS, RecordedOpinions
from mlflow_genie_plugin.evaluation.llm.request import Asked, OpinionRequest, request_for
from mlflow_genie_plugin.evaluation.llm.settling import arbiter_finding, with_arbiter_opinion, with_opinion
from mlflow_genie_plugin.evaluation.progress import Progress, Silent
from mlflow_genie_plugin.evaluation.result import EvaluationResult, QuestionResult
from mlflow_genie_plugin.evaluation.ruling import UNDETERMINED

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase


@dataclass(frozen=True)
class OpinionSource:
    """Who gives opinions, and what is on record already.

    Attributes:
        opinionist: Who is asked.
        known: Opinions by the digest of their request.
        save: Told every new answer.
        at_once: How many are asked for at once.
    """

    opinionist: Opinionist
    known: Mapping[str, Opinion] | None = None
    save: Save | None = None
    at_once: int = 4


def require_reproducible(opinionist: Opinionist, store_rows: str) -> None:
    """Refuse to show rows to a model that the result file will not hold.

    Raises:
        UsageError: ``store_rows`` is ``none`` and rows are shown.
    """
    from mlflow_genie_plugin.evaluation.llm.request import VOCABULARY

    if store_rows == "none" and any((asked := opinionist.asked(judge)) and asked.rows for judge in VOCABULARY):
        raise UsageError(
            "rows are to be shown to the language model and not to be stored, so nobody could repeat what it was told",
            next_step="leave out --llm-rows, or use --store-rows sample",
        )


def result_with_opinions(
    result: EvaluationResult,
    cases: Sequence[JudgedCase],
    source: OpinionSource,
    progress: Progress | None = None,
) -> EvaluationResult:
    """Return the result with the opinions that its findings and arbitrations want.

    Args:
        result: Judged by the deterministic judges.
        cases: The cases it was judged from, in the same order, with all their rows.
        source: Who is asked, and what is known.
        progress: Told how many opinions are asked for.
    """
    opinionist = source.opinionist
    modes = {name: asked for name in (*result.judges, ARBITER) if (asked := opinionist.asked(name)) is not None}
    pairs = list(zip(result.questions, cases, strict=True))
    requests = {request.sha256: request for pair in pairs for request in _requests(*pair, modes)}
    new = sum(1 for digest in requests if not ((found := (source.known or {}).get(digest)) and found.is_answer))
    if new:
        models = ", ".join(sorted({asked.model for asked in modes.values()}))
        (progress or Silent()).note(f"Asking {models} for {new} {'opinion' if new == 1 else 'opinions'}.")
    opinions = gather_opinions(
        requests.values(), opinionist, known=source.known, save=source.save, at_once=source.at_once
    )
    recorded = RecordedOpinions(modes, opinions)
    runner = dict(result.runner)
    if ARBITER in modes:
        runner[ARBITER_FACTS] = modes[ARBITER].facts()
    return replace(
        result,
        runner=runner,
        judges={
            name: {**facts, **(modes[name].facts() if name in modes else {})} for name, facts in result.judges.items()
        },
        questions=tuple(_with_opinions(question, case, recorded) for question, case in pairs),
    )


def opinions_in(result: EvaluationResult) -> list[Mapping[str, Any]]:
    """Return every opinion in the result: on findings and on arbitrations."""
    records = [
        record
        for question in result.questions
        for record in (
            *(finding.opinion for finding in question.findings.values()),
            (question.arbitration or {}).get("opinion"),
        )
    ]
    return [record for record in records if record is not None]


def opinion_tally(result: EvaluationResult) -> dict[str, int] | None:
    """Return how many opinions settled, only explained, did not decide, or did not come; None without any."""
    records = opinions_in(result)
    if not records:
        return None
    kinds = Counter(_kind(record) for record in records)
    return {kind: kinds[kind] for kind in ("settled", "explained", "undetermined", "no_answer")}


def _kind(record: Mapping[str, Any]) -> str:
    if record["settled"]:
        return "settled"
    if record["outcome"] == ERRORED:
        return "no_answer"
    return "undetermined" if record["outcome"] == UNDETERMINED else "explained"


def _requests(question: QuestionResult, case: JudgedCase, modes: Mapping[str, Asked]) -> Iterator[OpinionRequest]:
    findings = [finding for name, finding in question.findings.items() if name in modes]
    if question.arbitration is not None and ARBITER in modes:
        findings.append(arbiter_finding(question.arbitration))
    for finding in findings:
        request = request_for(finding, case, modes[finding.judge])
        if request is not None:
            yield request


def _with_opinions(question: QuestionResult, case: JudgedCase, opinionist: Opinionist) -> QuestionResult:
    return replace(
        question,
        findings={name: with_opinion(finding, case, opinionist) for name, finding in question.findings.items()},
        arbitration=with_arbiter_opinion(question.arbitration, case, opinionist),
    )
