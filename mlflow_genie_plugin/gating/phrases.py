"""The words for a verdict and what explains it, the same on the terminal, in MLflow, on a page and in a notebook."""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_genie_plugin.gating import manifest
from mlflow_genie_plugin.gating.explanation import Cause, Explained, Explanation, Group
from mlflow_genie_plugin.gating.outcome import NOT_ASSESSED, GateResult, Outcome, Part, count, percent, short
from mlflow_genie_plugin.gating.shared_reasons import SharedReason, shared_gates
from mlflow_genie_plugin.gating.text import cut, plain
from mlflow_genie_plugin.gating.verdict import Verdict

WORDS = {Outcome.PASSED: "PASS", Outcome.FAILED: "FAIL", Outcome.UNDECIDED: "UNDECIDED"}
ENDINGS = {Outcome.PASSED: "pass", Outcome.FAILED: "FAIL", Outcome.UNDECIDED: "undecided"}

_PASSED_ROWS = 12


def headline(verdict: Verdict, note: str = "") -> str:
    """Return ``genie gate: FAIL``, with a note such as ``dry run`` where one belongs to it."""
    return f"genie gate: {WORDS[verdict.outcome]}" + (f" ({note})" if note else "")


def sentence(verdict: Verdict) -> str:
    """Return the verdict in one sentence: what did not pass first."""
    not_passed = verdict.blocking()
    for outcome in (Outcome.FAILED, Outcome.UNDECIDED):
        found = [result for result in not_passed if result.outcome is outcome]
        if found:
            said = "failed" if outcome is Outcome.FAILED else "cannot be decided"
            alike = shared_gates(found) == {result.gate for result in found}
            first = "" if alike else f", first {label(found[0].gate)}"
            return f"{count(len(found), 'check')} {said}{first}: {plain(found[0].reason)}"
    custom = [gate for gate, outcome in verdict.custom_gates.items() if outcome is not Outcome.PASSED]
    if custom:
        return f"{count(len(custom), 'gate')} of your own did not pass: {plain(', '.join(custom))}"
    if verdict.problems:
        gate, problem = next(iter(verdict.problems.items()))
        return f"This gate run does not count: {plain(gate)}: {plain(problem)}"
    waived = [result for result in verdict.results if result.waived is not None]
    passed = len(verdict.results) + len(verdict.custom_gates) - len(waived)
    if waived:
        rest = f" and {len(waived) - 1} more" if len(waived) > 1 else ""
        first = f"{label(waived[0].gate)} {plain(waived[0].said)}"
        return f"{count(passed, 'check')} passed, {len(waived)} waived: {first}{rest}"
    return f"All {count(passed, 'check')} passed"


def not_shown(verdict: Verdict) -> int:
    """Return how many checks passed and are no more than a number."""
    return len(verdict.results) - len(rows_worth_showing(verdict)) - len(shared_gates(verdict.results))


def stopped(shared: SharedReason) -> str:
    """Return the checks that one reason stops: ``stops 30 checks: evaluation_intact, …``."""
    return f"stops {count(len(shared.gates), 'check')}: {', '.join(map(label, shared.gates))}"


def subject(verdict: Verdict) -> list[str]:
    """Return what was decided on, a line each: the version, the evaluation, the criteria."""
    model, evaluation = verdict.model, verdict.evaluation
    lines = [f"{plain(model['name'] or '')} ({model['model_id']}) for stage {verdict.stage}"]
    if evaluation is None:
        lines.append("no evaluation")
    else:
        name = plain(evaluation["benchmarks_name"]) or "the benchmark set"
        lines.append(
            f"{count(evaluation['planned'], 'question')} of {name} "
            f"({short(evaluation['benchmarks_sha256'])}), scope {plain(verdict.scope or '')}, "
            f"evaluation run {plain(evaluation['run_id'])}, attempt {evaluation['attempts']}"
        )
    return [*lines, f"criteria {plain(verdict.criteria['name'])} ({short(verdict.criteria['sha256'])})"]


def rows_worth_showing(verdict: Verdict) -> list[GateResult]:
    """Return what did not pass for a reason of its own, and the P0 rule and shares that did; the rest is a number."""
    worthy = [r for r in verdict.results if r.outcome is Outcome.PASSED and (r.interval or r.gate == manifest.P0_GATE)]
    shown = {result.gate for result in worthy[:_PASSED_ROWS]}
    told_once = shared_gates(verdict.results)
    return [
        result
        for result in verdict.results
        if (result.outcome is not Outcome.PASSED and result.gate not in told_once)
        or result.warning
        or result.gate in shown
    ]


def label(gate: str) -> str:
    """Return a gate's id as people say it: the judge's name for its threshold."""
    if gate == manifest.P0_GATE:
        return "priority P0"
    return gate.removeprefix("threshold[").removesuffix("]") if gate.startswith("threshold[") else plain(gate)


def ending(result: GateResult) -> str:
    """Return a gate's outcome in one word: ``pass``, ``FAIL``, ``undecided``, ``waived`` or ``warning``."""
    if result.waived is not None:
        return "waived"
    return "warning" if result.warning else ENDINGS[result.outcome]


def interval_text(result: GateResult | Part) -> str:
    """Return ``91.6 - 99.7`` (percent), ``-17.0 to -1.7`` (points of a difference), or nothing where there is none."""
    if result.interval is None:
        return ""
    low, high = result.interval
    if low < 0:
        return f"{low * 100:+.1f} to {high * 100:+.1f}"
    return f"{percent(low).removesuffix(' %')} - {percent(high).removesuffix(' %')}"


def counting(explanation: Explanation) -> str:
    """Return how many questions count against the version, and how many of them are newly wrong."""
    number, baseline = len(explanation.against), explanation.baseline
    said = "1 question counts" if number == 1 else f"{number:,} questions count"
    if baseline is None:
        return f"{said} against it"
    return (
        f"{said} against it, {explanation.count(Group.NEWLY_WRONG):,} newly wrong "
        f"(right in {baseline.role} {baseline.model_id})"
    )


def question_line(item: Explained) -> str:
    """Return a question on one line: id, priority, text, and whether it was right before."""
    newly = " (newly wrong)" if item.group is Group.NEWLY_WRONG else ""
    return f"{plain(item.question_id)} {plain(item.observed.priority)}  {cut(plain(item.observed.question), 70)}{newly}"


def reason_line(item: Explained) -> str:
    """Return the most telling reason, and which judge gives it."""
    judge = f"{plain(item.judge)}: " if item.judge else ""
    return cut(f"{judge}{plain(item.reason)}", 220)


def cause_line(cause: Cause, explanation: Explanation) -> str:
    """Return what is to blame: ``measure 'revenue', changed since parent: behind 9 wrong answers``."""
    since = explanation.changed_since
    changed = f", {cause.change.action} since {since.role}" if cause.change is not None and since else ""
    behind = count(len(cause.questions), "wrong answer")
    return f"{plain(cause.item)}{changed}: behind {behind}"


def change_lines(explanation: Explanation, most: int) -> Iterator[str]:
    """Yield what changed in the space since the baseline: a count, then one line an item, at most ``most`` of them."""
    since = explanation.changed_since
    if since is None or since.diff is None:
        return
    counts = since.diff.counts()
    said = ", ".join(f"{counts[action]} {action}" for action in ("added", "removed", "changed"))
    yield f"Changed since {since.role} {since.model_id}: {said if since.diff.changes else 'nothing in the config'}"
    for change in since.diff.changes[:most]:
        yield f"  {change.sign} {change.kind} {cut(plain(change.label), 80)}"
    if len(since.diff.changes) > most:
        yield f"  and {len(since.diff.changes) - most} more"


def parts_against(result: GateResult) -> list[Part]:
    """Return the parts of a gate that did not pass; where there are any, they say what its reason says in one go."""
    return [part for part in result.parts if part.outcome not in {Outcome.PASSED, NOT_ASSESSED}]


def problems_by_text(verdict: Verdict) -> dict[str, list[str]]:
    """Return why the run does not count → the gates that say so; often one reason stands for all of them."""
    found: dict[str, list[str]] = {}
    for gate, problem in verdict.problems.items():
        found.setdefault(problem, []).append(gate)
    return found
