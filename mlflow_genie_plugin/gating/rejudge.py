"""Judging the recorded answers again: what the findings in an evaluation are worth without trusting who wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mlflow_genie_plugin.errors import EvaluationNotFoundError, GenieError
from mlflow_genie_plugin.gating.evaluation_run import BENCHMARKS_ARTIFACT
from mlflow_genie_plugin.gating.evidence import Collected
from mlflow_genie_plugin.gating.observe import observed_finding
from mlflow_genie_plugin.gating.observed import ABSTAINED, ERRORED, PASSED, Evidence
from mlflow_genie_plugin.gating.question_observed import FindingObserved, QuestionObserved
from mlflow_genie_plugin.registry import download_run_artifact

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.finding import Finding

# What the judge says when rows were left out on purpose: nothing is wrong then, but nothing is confirmed either.
_NOT_STORED = "ROWS_NOT_STORED"


@dataclass(frozen=True, slots=True)
class Rejudged:
    """The evidence with fresh findings in place of the recorded ones.

    Attributes:
        evidence: To decide on. Where rows are not stored, a recorded pass becomes "no finding".
        differing: ``question judge`` → how the fresh finding differs from the recorded one.
        unconfirmed: ``question judge`` of recorded passes that cannot be judged again.
        problem: Why nothing could be judged again; empty when it could.
    """

    evidence: Evidence
    differing: Mapping[str, str] = field(default_factory=dict)
    unconfirmed: tuple[str, ...] = ()
    problem: str = ""


def rejudge(collected: Collected) -> Rejudged:
    """Run the judges of this version on the recorded answers and the run's own benchmark set."""
    from mlflow_genie_plugin.evaluation.benchmark import parse_benchmarks
    from mlflow_genie_plugin.evaluation.judge import judge_case
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
    from mlflow_genie_plugin.evaluation.judges import JUDGES
    from mlflow_genie_plugin.evaluation.llm.recorded import recorded_opinions
    from mlflow_genie_plugin.evaluation.llm.settling import with_opinion
    from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
    from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema

    evaluation = collected.evidence.evaluation
    if evaluation is None or collected.result is None or collected.run is None or collected.snapshot is None:
        return Rejudged(collected.evidence, problem="there is no evaluation of an intact model to judge again")
    try:
        stored = download_run_artifact(collected.run.run_id, BENCHMARKS_ARTIFACT, EvaluationNotFoundError)
        benchmarks = {item.id: item for item in parse_benchmarks(stored).benchmarks}
    except GenieError as error:
        return Rejudged(collected.evidence, problem=f"the benchmark set of the run cannot be read: {error.what}")
    config, catalog = collected.snapshot.config, collected.result.catalog
    assets = SpaceAssets.of(config)
    # As it was when the answers came: today's catalog says nothing about them, and verifying asks nobody.
    schema = None if catalog is None else SpaceSchema.from_json(catalog)
    # A model's word counts only where it is on record for this very request; no model is asked here.
    opinions = recorded_opinions(collected.result)
    questions: list[QuestionObserved] = []
    differing: dict[str, str] = {}
    unconfirmed: list[str] = []
    for recorded, row in zip(evaluation.questions, collected.result.questions, strict=True):
        if row.question_id not in benchmarks:
            questions.append(replace(recorded, findings={}))
            continue
        judges = JUDGES.choose(name for name in row.findings if name in JUDGES.names())
        case = JudgedCase(benchmarks[row.question_id], row.answer, row.expected, assets, schema, config, row.repeats)
        judged = {
            name: finding if finding.failure_type == _NOT_STORED else with_opinion(finding, case, opinions)
            for name, finding in judge_case(case, judges).items()
        }
        fresh, changes, open_ = _held_against(recorded, judged)
        questions.append(replace(recorded, findings=fresh))
        differing.update({f"{row.question_id} {name}": change for name, change in changes.items()})
        unconfirmed.extend(f"{row.question_id} {name}" for name in open_)
    evidence = replace(collected.evidence, evaluation=replace(evaluation, questions=tuple(questions)))
    return Rejudged(evidence, differing, tuple(unconfirmed))


def _held_against(
    recorded: QuestionObserved, fresh: Mapping[str, Finding]
) -> tuple[dict[str, FindingObserved], dict[str, str], list[str]]:
    findings, changes, unconfirmed = {}, {}, []
    for name, before in recorded.findings.items():
        finding = fresh.get(name)
        if finding is None:
            # A judge that this version does not have: its word cannot be confirmed, so it is none.
            findings[name] = FindingObserved(ERRORED, None, "this version has no such judge")
            changes[name] = f"recorded {before.outcome}, this version has no such judge"
            continue
        findings[name] = observed_finding(finding)
        if finding.failure_type == _NOT_STORED:
            findings[name] = replace(before, outcome=ABSTAINED) if before.outcome == PASSED else before
            if before.outcome == PASSED:
                unconfirmed.append(name)
        elif finding.outcome.value != before.outcome:
            changes[name] = f"recorded {before.outcome}, judged again {finding.outcome.value}: {finding.rationale}"
    return findings, changes, unconfirmed
