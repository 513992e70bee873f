"""One gate run from start to verdict: what pytest's plugin asks for, without pytest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.clock import SYSTEM_CLOCK, Clock, iso_utc
from mlflow_genie_plugin.errors import GateSuiteError
from mlflow_genie_plugin.gating import suite
from mlflow_genie_plugin.gating.criteria import read_criteria
from mlflow_genie_plugin.gating.decide import decide, gates_asked
from mlflow_genie_plugin.gating.next_step import next_step
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome
from mlflow_genie_plugin.gating.provenance import provenance
from mlflow_genie_plugin.gating.rules.handling import approval_tag_of
from mlflow_genie_plugin.gating.rules.register import packaged_stems
from mlflow_genie_plugin.gating.rules.rule import ScopeCriteria, StageCriteria
from mlflow_genie_plugin.gating.tally import Tally
from mlflow_genie_plugin.gating.text import wrapped
from mlflow_genie_plugin.gating.verdict import Verdict, make_verdict

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.result import EvaluationResult
    from mlflow_genie_plugin.flavor.load import Snapshot
    from mlflow_genie_plugin.gating.evidence import Collected
    from mlflow_genie_plugin.gating.explanation import Explanation
    from mlflow_genie_plugin.gating.publish import Published

PASSED, FAILED, UNDECIDED = 0, 1, 10


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for on pytest's command line. Paths are absolute."""

    model: str
    stage: str
    evaluation: str | None
    dry_run: bool
    criteria_path: Path
    verdict_folder: Path
    rootdir: Path
    suite_argument: str = "gates/"


@dataclass
class GateSession:
    """What the tests of the gates report from: the results, computed once before the first test runs.

    In a worker of a distributed run only ``results`` and ``asked`` are known; it decides nothing.
    """

    request: Request
    results: dict[str, GateResult]
    asked: tuple[str, ...]
    collected: Collected | None = None
    criteria: StageCriteria | None = None
    pinned: Mapping[str, str] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    clock: Clock = SYSTEM_CLOCK
    whole: Collected | None = None

    @classmethod
    def start(cls, request: Request) -> GateSession:
        """Read the criteria, collect the evidence and decide.

        Raises:
            GenieError: Criteria, model or evaluation cannot be used, or MLflow cannot be reached.
        """
        criteria = read_criteria(request.criteria_path, request.stage)
        from mlflow_genie_plugin.gating.evidence import collect
        from mlflow_genie_plugin.gating.signoffs import signoffs_beside
        from mlflow_genie_plugin.gating.surroundings import with_surroundings
        from mlflow_genie_plugin.gating.with_signoffs import with_signoffs

        signoffs = signoffs_beside(request.criteria_path)
        collected = with_surroundings(collect(request.model, request.evaluation), criteria)
        collected = with_signoffs(collected, criteria, signoffs)
        evaluation = collected.evidence.evaluation
        results = {result.gate: result for result in decide(criteria, collected.evidence)}
        asked = gates_asked(criteria, evaluation.scope if evaluation else None)
        pinned = {"model_id": collected.model.model_id, "evaluation_run_id": evaluation.run_id if evaluation else ""}
        return cls(request, results, asked, collected, criteria, pinned)

    def payload(self) -> str:
        """Return what a worker needs, as text."""
        results = [asdict(result) for result in self.results.values()]
        return json.dumps({"results": results, "asked": self.asked, "pinned": dict(self.pinned)})

    @classmethod
    def in_worker(cls, request: Request, payload: str) -> GateSession:
        """Return the worker's part of the session whose :meth:`payload` this is."""
        document = json.loads(payload)
        results = [GateResult.from_json(entry) for entry in document["results"]]
        return cls(request, {r.gate: r for r in results}, tuple(document["asked"]), pinned=document["pinned"])

    def result(self, gate: str) -> GateResult:
        """Return the result that a gate's test reports.

        Raises:
            GateSuiteError: The gate is not one that is decided here (a custom gate decides for itself).
        """
        if gate not in self.results:
            known = ", ".join(packaged_stems())
            raise GateSuiteError(
                f"{gate!r} is no gate of this version",
                next_step=f"a gate of your own asserts for itself; packaged gates: {known}",
            )
        return self.results[gate]

    def own_evidence(self) -> tuple[Collected, StageCriteria]:
        """Return the evidence and the criteria for gates of a team's own; a worker reads them again."""
        if self.collected is None or self.criteria is None:
            from mlflow_genie_plugin.gating.evidence import collect
            from mlflow_genie_plugin.gating.surroundings import with_surroundings

            self.criteria = read_criteria(self.request.criteria_path, self.request.stage)
            evaluation = self.pinned["evaluation_run_id"] or self.request.evaluation
            self.collected = with_surroundings(collect(self.pinned["model_id"], evaluation), self.criteria)
        return self.collected, self.criteria

    def evaluation_result(self) -> EvaluationResult:
        """Return the evaluation the gates look at, for gates of a team's own.

        Raises:
            GateSuiteError: There is none that can be read.
        """
        known = self.whole or self.own_evidence()[0]
        if known.result is None and known.about is not None:
            # Of a large evaluation only the scores were read; a gate that asks for every question gets them all.
            from mlflow_genie_plugin.gating.evidence import collect

            known = self.whole = collect(known.model, self.pinned["evaluation_run_id"], whole=True)
        if known.result is None:
            raise GateSuiteError(f"there is no evaluation: {known.evidence.evaluation_problem}")
        return known.result

    def snapshot(self) -> Snapshot:
        """Return the version the gates decide on, its files proven.

        Raises:
            GateSuiteError: They are not what was recorded.
        """
        collected, _ = self.own_evidence()
        if collected.snapshot is None:
            raise GateSuiteError(f"the version cannot be read: {collected.evidence.model_problem}")
        return collected.snapshot

    def baseline_result(self) -> EvaluationResult | None:
        """Return the evaluation of the first baseline that the criteria name; None when there is no such version.

        Raises:
            GateSuiteError: There is one, but it has no evaluation that can be read.
        """
        collected, _ = self.own_evidence()
        for reference, observed in collected.evidence.baselines.items():
            if observed.absent:
                continue
            other = collected.baselines.get(reference)
            if other is None or other.result is None:
                raise GateSuiteError(f"{reference} cannot be compared with: {observed.problem}")
            return other.result
        return None

    def section(self) -> ScopeCriteria:
        """Return the criteria for the scope of the evaluation."""
        collected, criteria = self.own_evidence()
        evaluation = collected.evidence.evaluation
        return criteria.section(evaluation.scope if evaluation else None)

    def verdict(self, *, session_failed: bool) -> Verdict:
        """Decide again on the same evidence and hold what pytest reported against it.

        Args:
            session_failed: pytest counts a failure somewhere; if no gate explains it, the run does not count.

        Raises:
            GateSuiteError: Called in a worker, which has no evidence.
        """
        if self.collected is None or self.criteria is None:
            raise GateSuiteError("a worker has no evidence to decide on")
        results = decide(self.criteria, self.collected.evidence)
        decided = {result.gate: not result.blocks for result in results}
        expected = {gate: decided.get(gate) for gate in self.asked}
        problems = self.tally.problems(expected, suite.packaged_files())
        if results != tuple(self.results.values()):
            problems["suite"] = "the results that the tests reported are not those of the decision"
        if self.tally.failed_elsewhere:
            problems["other tests"] = f"failed: {', '.join(self.tally.failed_elsewhere[:5])}"
        elif session_failed and not any(self.tally.test_failed(gate) for gate in self.asked):
            problems["session"] = "pytest reports a failure that is no gate's"
        if self.collected.from_file:
            problems["evaluation"] = self.collected.from_file
        custom = {gate: self._custom_outcome(gate) for gate in self.asked if gate not in decided}
        return make_verdict(
            self.criteria,
            suite.shown_name(self.request.criteria_path, self.request.rootdir),
            self.collected.evidence,
            results,
            custom_gates=custom,
            problems=problems,
            suite_files=self._suite_files(),
            dry_run=self.request.dry_run or bool(self.collected.from_file),
            decided_at=iso_utc(self.clock.now()),
            provenance=provenance(self.request.rootdir),
        )

    def publish(self, verdict: Verdict, explanation: Explanation) -> Published:
        """Write the verdict and its report down, and the mark where it may be written."""
        from mlflow_genie_plugin.gating.publish import publish

        if self.collected is None or self.criteria is None:
            raise GateSuiteError("a worker publishes nothing")
        tag = approval_tag_of(self.criteria)
        return publish(verdict, self.collected, self.request.verdict_folder, explanation, tag)

    def explanation(self, verdict: Verdict) -> Explanation:
        """Return why the verdict is what it is, compared with the parent and the champion."""
        from mlflow_genie_plugin.gating.baseline import explained

        if self.collected is None:
            raise GateSuiteError("a worker explains nothing")
        return explained(verdict, self.collected)

    def _custom_outcome(self, gate: str) -> Outcome:
        if self.tally.test_passed(gate):
            return Outcome.PASSED
        return Outcome.FAILED if self.tally.test_failed(gate) else Outcome.UNDECIDED

    def _suite_files(self) -> dict[str, str]:
        rootdir = self.request.rootdir
        files = {file.name: file.sha256 for file in self.tally.files.values()}
        paths = [rootdir / name for name in files]
        for path in suite.conftests_of(paths, rootdir):
            files[suite.shown_name(path, rootdir)] = suite.file_digest(path)
        return dict(sorted(files.items()))


def exit_code(verdict: Verdict, published: Published) -> int:
    """Return 0 for passed and marked (or not to be marked), 1 for failed, 10 for everything that is undecided."""
    if verdict.outcome is Outcome.FAILED:
        return FAILED
    if verdict.outcome is Outcome.UNDECIDED or published.problem:
        return UNDECIDED
    return PASSED


def closing_lines(verdict: Verdict, published: Published, suite_argument: str) -> list[str]:
    """Return what was written, what was not, and the command that comes next."""
    model_id = verdict.model["model_id"]
    lines: list[str] = []
    if published.problem and published.marked:
        lines.append(f"Marked {model_id}: {verdict.outcome.value} for {verdict.stage}")
        lines.extend(wrapped(f"But not its registered versions: {published.problem}", indent="  "))
    elif published.problem:
        lines.extend(wrapped(f"Not marked: {published.problem}", indent="  "))
    elif published.marked:
        lines.append(f"Marked {model_id}: {verdict.outcome.value} for {verdict.stage}")
        lines.append(f"Gate run: {published.run_id}")
    elif published.refused:
        lines.append(f"{verdict.outcome.value.capitalize()}, not marked: this identity may only read from MLflow")
    elif verdict.dry_run:
        lines.append("Dry run: nothing was written to MLflow, the model's mark is as it was")
    else:
        lines.append("Not marked; the model's mark is as it was")
    if published.note:
        lines.extend(wrapped(published.note, indent="  "))
    if published.file is not None:
        lines.append(f"Verdict: {published.file}")
    if published.page is not None:
        lines.append(f"Report: {published.page}")
    lines.append(f"Next:  {next_step(verdict, published, suite_argument)}")
    return lines


def session_facts(session: GateSession) -> list[str]:
    """Return the header lines: the pinned model, evaluation and criteria, and how many gates have to be reported."""
    collected = session.collected
    if collected is None or session.criteria is None:
        return []
    evaluation: Any = collected.evidence.evaluation
    return [
        f"genie model: {collected.model.model_id} ({collected.model.name}), stage {session.request.stage}",
        f"genie evaluation: {evaluation.run_id or session.request.evaluation}, scope {evaluation.scope}"
        if evaluation
        else f"genie evaluation: none ({collected.evidence.evaluation_problem})",
        f"genie criteria: {session.request.criteria_path} ({session.criteria.sha256[:12]}), {len(session.asked)} gates",
    ]
