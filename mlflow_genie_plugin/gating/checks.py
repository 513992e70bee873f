"""What verifying found, one thing at a time, and the checks on the evidence itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.evidence import Collected, collect
from mlflow_genie_plugin.gating.manifest import JUDGE_VERSIONS
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, count, overall, some
from mlflow_genie_plugin.gating.rejudge import Rejudged, rejudge
from mlflow_genie_plugin.gating.rules.rule import StageCriteria
from mlflow_genie_plugin.gating.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was verified: what, the outcome, and what was found."""

    name: str
    outcome: Outcome
    found: str


def checked(name: str, wrong: Iterable[str], right: str) -> Check:
    """Return a check that failed with everything in ``wrong``, or passed with ``right`` where nothing is."""
    found = "; ".join(wrong)
    return Check(name, Outcome.FAILED, found) if found else Check(name, Outcome.PASSED, right)


def _said_once(blocking: Iterable[GateResult]) -> Iterator[str]:
    """Return every reason once, with the gates it is the reason of: without an evaluation all gates have the same."""
    gates: dict[str, list[str]] = {}
    for result in blocking:
        gates.setdefault(result.reason, []).append(result.gate)
    return (f"{some(names)}: {reason}" for reason, names in gates.items())


def evidence_checks(
    collected: Collected, criteria: StageCriteria, results: tuple[GateResult, ...], rejudged: Rejudged
) -> Iterator[Check]:
    """Decide on the findings as recorded and as judged again, and say where the two differ."""
    recorded = decide(criteria, collected.evidence)
    for name, decided in (("decision", recorded), ("decision on findings judged again", results)):
        outcome = overall(decided)
        wrong = list(_said_once(result for result in decided if result.blocks))
        waived = [f"{result.gate} {result.said}" for result in decided if result.waived is not None]
        right = f"{count(len(decided) - len(waived), 'gate')} pass, {'; '.join(waived)}" if waived else ""
        yield Check(name, outcome, "; ".join(wrong) or right or f"all {len(decided)} gates pass")
    if rejudged.problem:
        yield Check("findings", Outcome.UNDECIDED, rejudged.problem)
    elif rejudged.differing:
        first, how = next(iter(rejudged.differing.items()))
        found = f"{count(len(rejudged.differing), 'finding')} not confirmed, first {first}: {how}"
        yield Check("findings", Outcome.FAILED, found)
    else:
        yield Check("findings", Outcome.PASSED, "the judges of this version say the same about the recorded answers")


def baselines_check(collected: Collected) -> Check:
    """Say whether what the versions to compare with are said to have had is borne out by their answers.

    Who makes a baseline look worse lets a version pass that is worse. Judges that have changed since are left out: what
    they said then cannot be confirmed now.
    """
    wrong: list[str] = []
    confirmed: list[str] = []
    for reference, other in collected.baselines.items():
        if other.run is None:
            continue
        whole = other if other.result is not None else collect(other.model, other.run.run_id, whole=True)
        rejudged = rejudge(whole)
        recorded = whole.result.judges if whole.result is not None else {}
        same = {name for name, version in JUDGE_VERSIONS.items() if recorded.get(name, {}).get("version") == version}
        differing = {key: how for key, how in rejudged.differing.items() if key.rpartition(" ")[2] in same}
        if rejudged.problem:
            return Check("baselines", Outcome.UNDECIDED, f"{reference} {other.model.model_id}: {rejudged.problem}")
        if differing:
            first, how = next(iter(differing.items()))
            found = f"{count(len(differing), 'finding')} not confirmed, first {first}: {how}"
            wrong.append(f"{reference} {other.model.model_id}: {found}")
        confirmed.append(f"{reference} {other.model.model_id}")
    right = f"the judges say the same about the answers of {some(confirmed)}" if confirmed else "compared with none"
    return checked("baselines", wrong, right)


def custom_check(criteria: StageCriteria, collected: Collected, verdict: Verdict | None) -> Check:
    """Say whether a verdict has a pass of every gate that only its own test can decide."""
    evaluation = collected.evidence.evaluation
    asked = criteria.section(evaluation.scope if evaluation else None).custom_gates
    reported = verdict.custom_gates if verdict is not None else {}
    wrong = [gate for gate in asked if reported.get(gate) is not Outcome.PASSED]
    if wrong:
        return Check("custom gates", Outcome.UNDECIDED, f"no verdict says that {some(wrong)} passed")
    found = f"{some(asked)} passed in the gate run; they are not computed again" if asked else "the criteria name none"
    return Check("custom gates", Outcome.PASSED, found)
