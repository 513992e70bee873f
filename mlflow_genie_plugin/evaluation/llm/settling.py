"""What a language model's word does to a finding and to the arbiter's verdict: it never overturns evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.evaluation.failure_types import FAILURE_TYPES
from mlflow_genie_plugin.evaluation.finding import Finding, Outcome
from mlflow_genie_plugin.evaluation.llm.opinion import ERRORED, Opinion, Opinionist, errored_opinion
from mlflow_genie_plugin.evaluation.llm.request import Asked, request_for
from mlflow_genie_plugin.evaluation.ruling import UNDETERMINED

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase

# A model is never as sure as evidence is, whatever it says of itself.
MOST_CONFIDENT = 0.8


def with_opinion(finding: Finding, case: JudgedCase, opinionist: Opinionist) -> Finding:
    """Return the finding with a model's opinion beside it, or settled by it where evidence left it open.

    A passed, failed or errored finding never changes its outcome. An abstained one does where the model was asked to
    settle: passed or failed by its word, with a confidence of at most 0.8, or errored when it gave no usable word.
    """
    asked = opinionist.asked(finding.judge)
    if asked is None:
        return finding
    try:
        request = request_for(finding, case, asked)
        if request is None:
            return finding
        opinion = opinionist.opinion(request)
        digest = request.sha256
    except Exception as error:  # noqa: BLE001 - a defect here must not take a proof away; it is recorded
        opinion, digest = errored_opinion("defect", f"{type(error).__name__} while asking"), ""
    return merged(finding, opinion, asked, digest)


def merged(finding: Finding, opinion: Opinion, asked: Asked, request_sha256: str) -> Finding:
    """Return what finding and opinion make together; pure."""
    settles = asked.mode == "settle" and finding.outcome is Outcome.ABSTAINED
    settled = settles and opinion.outcome in ("passed", "failed")
    record = {
        **opinion.to_json(),
        "mode": asked.mode,
        "model": asked.model,
        "prompt": asked.prompt,
        "prompt_version": asked.prompt_version,
        "request_sha256": request_sha256,
        "settled": settled,
        "deterministic": word_of(finding),
    }
    if settled:
        passed = opinion.outcome == "passed"
        return replace(
            finding,
            outcome=Outcome.PASSED if passed else Outcome.FAILED,
            score=1.0 if passed else 0.0,
            failure_type=opinion.failure_type,
            severity=None if passed else FAILURE_TYPES[opinion.failure_type or ""].severity,
            rationale=f"settled by {asked.model}, not by evidence: {opinion.rationale}",
            evidence={**finding.evidence, "settled_by": f"{asked.model} with {asked.label}"},
            confidence=min(MOST_CONFIDENT, 0.5 if opinion.confidence is None else opinion.confidence),
            opinion=record,
        )
    if settles and opinion.outcome == ERRORED:
        return replace(
            finding,
            outcome=Outcome.ERRORED,
            failure_type="JUDGE_UNAVAILABLE",
            severity=None,
            rationale=f"{asked.model} was to settle what evidence left open, but {opinion.problem_text}",
            opinion=record,
        )
    return replace(finding, opinion=record)


def word_of(finding: Finding) -> dict[str, Any]:
    """Return what the deterministic judge itself said."""
    return {
        "outcome": finding.outcome.value,
        "failure_type": finding.failure_type,
        "score": finding.score,
        "confidence": finding.confidence,
        "rationale": finding.rationale,
    }


def arbiter_finding(arbitration: Mapping[str, Any]) -> Finding:
    """Return an arbitration as the finding about which a model is asked: open where no rule decided."""
    return Finding(
        "arbiter",
        Outcome.ABSTAINED if arbitration["verdict"] == UNDETERMINED else Outcome.FAILED,
        rationale=f"{arbitration['verdict']} by {arbitration['rule']}: {arbitration['rationale']}",
    )


def with_arbiter_opinion(
    arbitration: Mapping[str, Any] | None, case: JudgedCase, opinionist: Opinionist
) -> Mapping[str, Any] | None:
    """Return the arbiter's verdict with a model's opinion beside it, or in place of ``undetermined``.

    A verdict that a rule reached stays. A settled one has low confidence and never carries a proposal: no benchmark is
    corrected on a model's word.
    """
    asked = opinionist.asked("arbiter")
    if arbitration is None or asked is None:
        return arbitration
    finding = with_opinion(arbiter_finding(arbitration), case, opinionist)
    if finding.opinion is None:
        return arbitration
    said = finding.opinion
    settled = (
        arbitration["verdict"] == UNDETERMINED
        and asked.mode == "settle"
        and said["outcome"] not in (ERRORED, UNDETERMINED)
    )
    record = {
        **said,
        "settled": settled,
        "deterministic": {
            name: arbitration[name] for name in ("verdict", "rule", "rationale", "confidence") if name in arbitration
        },
    }
    if not settled:
        return {**arbitration, "opinion": record}
    return {
        **arbitration,
        "verdict": said["outcome"],
        "rule": "language_model",
        "rationale": f"settled by {asked.model}, not by evidence: {said['rationale']}",
        "confidence": "low",
        "proposal": None,
        "opinion": record,
    }
