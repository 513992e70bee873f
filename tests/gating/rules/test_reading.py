"""From the lines of criteria to what is asked, what is off and what has to be observed."""

from __future__ import annotations

import json

import pytest
import yaml

from mlflow_genie_plugin.gating.criteria import load, parse_criteria
from mlflow_genie_plugin.gating.rules.handling import Handling, approval_tag_of
from mlflow_genie_plugin.gating.rules.rule import Needs, ScopeCriteria, StageCriteria
from mlflow_genie_plugin.gating.rules.versions import BenchmarkSets, Versions

OFF = "not in this test"
JUDGE_GATES = [
    "syntax_validity", "schema_accuracy", "logical_accuracy", "semantic_equivalence", "completeness",
    "result_correctness", "asset_routing",
]  # fmt: skip
POINT = {"rule": "point", "tolerance": 0.02, "minimum_common": 0.8, "no_baseline": "allowed"}
ON = {
    "slices": {"category": {"judge": "result_correctness", "target": 0.8, "floor": 0.6, "minimum": 10}},
    "regression": {"parent": POINT, "models:/orders/3": POINT},
    "latency": {"p50": 60, "questions_per_minute": 2},
    "freshness": {"days": 30},
    "drift": {"same": "content"},
    "versions": {"judges": "current", "prompts": "recorded"},
    "benchmarks": {"sha256": ["a" * 64]},
    "metrics": {
        "relevance/mean": {"threshold": 0.7, "greater_is_better": True, "aliases": ["relevance_to_query/mean"]},
        "cost/p90": {"threshold": 0.1, "greater_is_better": False, "aliases": []},
    },
    "required_logging": {"params": [], "metrics": [], "tags": [], "artifacts": ["evaluation_result.json"]},
    "checklist": {"off": OFF},
}


@pytest.fixture
def section_of(criteria_bytes):
    """Read a section of the packaged criteria with some of its lines changed; None takes a line away."""

    def make(stage="candidate", scope="full", **lines):
        document = json.loads(json.dumps(load(criteria_bytes, "criteria.yaml")))
        section = {**document["stages"][stage][scope], **lines}
        document["stages"][stage][scope] = {name: line for name, line in section.items() if line is not None}
        return parse_criteria(yaml.safe_dump(document, sort_keys=False).encode(), stage).scopes[scope]

    return make


def test_everything_that_is_on_is_asked_and_says_what_it_needs(section_of):
    section = section_of(**ON)
    assert section.gates[section.gates.index("enough_questions") :] == (
        "enough_questions",
        "error_budget",
        *(f"judged[{judge}]" for judge in JUDGE_GATES),
        "p0",
        *(f"threshold[{judge}]" for judge in JUDGE_GATES),
        "slice[category]",
        "regression[parent]",
        "regression[models:/orders/3]",
        "latency[p50]",
        "latency[questions_per_minute]",
        "fresh_evaluation",
        "no_drift",
        "judge_versions",
        "prompt_versions",
        "benchmark_set",
        "metric[relevance/mean]",
        "metric[cost/p90]",
        "required_logging",
    )
    assert set(section.switched_off) == {"repeatability", "checklist"}
    assert section.needs == Needs(
        baselines=("parent", "models:/orders/3"),
        metrics=("relevance/mean", "relevance_to_query/mean", "cost/p90"),
        run=True,
        artifacts=True,
        live=True,
    )


def test_everything_that_is_off_is_shown_with_its_reason_and_needs_nothing(section_of):
    section = section_of(p0={"off": OFF}, **{line: {"off": OFF} for line in ON})
    off = {**section.switched_off}
    assert "once" in off.pop("repeatability")
    assert off == dict.fromkeys(("p0", *ON), OFF)
    assert section.gates[section.gates.index("enough_questions") :] == (
        "enough_questions",
        "error_budget",
        *(f"judged[{judge}]" for judge in JUDGE_GATES),
        *(f"threshold[{judge}]" for judge in JUDGE_GATES),
    )
    assert section.needs == Needs()


def test_names_of_artifacts_are_asked_for_only_where_some_are_wanted(section_of):
    nothing = {line: {"off": OFF} for line in ON} | {"required_logging": {**ON["required_logging"], "artifacts": []}}
    assert section_of(**nothing).needs == Needs(run=True)


def test_after_deployment_the_reassessment_is_asked_or_off(section_of):
    section = section_of("production", "held_out", post_deploy={"tolerance": 0.02, "minimum_common": 1, "then": "warn"})
    assert "post_deploy" in section.gates
    section = section_of("production", "held_out", post_deploy={"off": OFF})
    assert "post_deploy" not in section.gates
    assert section.switched_off["post_deploy"] == OFF


def test_one_row_of_the_checklist_can_be_off(section_of):
    section = section_of("production")
    rows = [gate for gate in section.gates if gate.startswith("checklist[")]
    assert len(rows) == 10
    document_rows = {"offline_evaluation": {"off": OFF}, "policy_version": "required"}
    changed = section_of("production", checklist={_row(gate): {"off": OFF} for gate in rows} | document_rows)
    assert [gate for gate in changed.gates if gate.startswith("checklist[")] == ["checklist[policy_version]"]
    assert changed.switched_off["checklist[cost]"] == OFF


def _row(gate):
    return gate.removeprefix("checklist[").removesuffix("]")


def test_how_long_a_waiver_may_run_and_which_tag_approves(section_of):
    assert section_of(waiver_days=None).find(Handling) == Handling(90, None)
    assert section_of(waiver_days=7, approval_tag="genie_approval").find(Handling) == Handling(7, "genie_approval")


def test_the_tag_that_approves_is_that_of_the_full_evaluation(criteria_bytes):
    text = criteria_bytes.replace(b"waiver_days: 90\n", b"waiver_days: 90\n      approval_tag: genie_approval\n", 1)
    assert approval_tag_of(parse_criteria(text, "candidate")) == "genie_approval"
    assert approval_tag_of(parse_criteria(criteria_bytes, "candidate")) is None
    assert approval_tag_of(StageCriteria("candidate", {"full": ScopeCriteria(())}, "")) is None
    assert Handling().asked(ScopeCriteria(())) == ()


@pytest.mark.parametrize("scope", ["slice", "p0", "held_out", "full"])
def test_only_a_full_evaluation_can_approve(scope):
    path = ["stages", "candidate", scope]
    found = [f"{each.path}: {each.message}" for each in Handling.violations({"approval_tag": "genie_approval"}, path)]
    said = f"an evaluation of scope {scope} never marks a version, so it approves none"
    assert found == ([] if scope == "full" else [f"$.stages.candidate.{scope}.approval_tag: {said}"])
    assert list(Handling.violations({}, path)) == []


@pytest.mark.parametrize(
    ("finished_at", "outcome", "shown"),
    [
        ("2026-11-20T12:05:00.000Z", "passed", "0.0 days"),
        ("2026-11-20T12:10:00.000Z", "passed", "0.0 days"),
        ("2026-11-20T12:11:00.000Z", "undecided", "-"),
        ("2026-11-20T11:59:00.000Z", "passed", "0.1 days"),
        ("2026-10-21T12:00:00.000Z", "passed", "30.0 days"),
        ("2026-10-21T11:59:00.000Z", "failed", "30.1 days"),
    ],
)
def test_clocks_may_differ_by_ten_minutes_and_an_age_is_rounded_up(decided, evidence, finished_at, outcome, shown):
    found = decided("fresh_evaluation", evidence(finished_at=finished_at))
    assert (found.outcome, found.measured, found.required) == (outcome, shown, "<= 30 days")


@pytest.mark.parametrize(("same", "outcome"), [("behaviour", "passed"), ("content", "failed")])
def test_drift_is_held_against_the_hash_that_the_criteria_name(decided, evidence, same, outcome):
    from mlflow_genie_plugin.gating.observed import LiveObserved

    moved = evidence(model={"live": LiveObserved(content="f" * 64, behaviour="b" * 64)})
    assert decided("no_drift", moved, drift={"same": same}).outcome == outcome


def test_versions_are_those_of_the_plugin_or_those_that_are_written_down(section_of):
    assert section_of(versions={"judges": "current", "prompts": "recorded"}).find(Versions) == Versions({}, None)
    own = section_of(versions={"judges": {"completeness": "7"}, "prompts": {"orders_judge": "3"}}).find(Versions)
    assert section_of(**ON).find(BenchmarkSets) == BenchmarkSets(("a" * 64,), None)
    assert own == Versions({"completeness": "7"}, {"orders_judge": "3"})
