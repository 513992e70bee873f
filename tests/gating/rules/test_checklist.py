from __future__ import annotations

import dataclasses
import math
from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.errors import InvalidCriteriaError
from mlflow_genie_plugin.gating.checklist import ROWS, RowFact, facts_about
from mlflow_genie_plugin.gating.criteria import load, parse_criteria
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.outcome import Outcome, overall
from mlflow_genie_plugin.gating.signed import Attestation, SignOffs

ATTESTED = [row.name for row in ROWS.values() if row.attestable and row.name != "latency"]


@pytest.fixture
def production(criteria_bytes):
    """Make the criteria of stage production with other rows of the checklist."""

    def make(**rows):
        document = load(criteria_bytes, "criteria.yaml")
        section = document["stages"]["production"]["full"]
        section["checklist"] = {**section["checklist"], **rows}
        return parse_criteria(yaml.safe_dump(document).encode(), "production")

    return make


@pytest.fixture
def row(production, evidence):
    """Decide one row on facts and attestations."""

    def decided(name, *facts, attestations=(), today="2026-11-20T12:00:00.000Z", found=None, **rows):
        known = dataclasses.replace(
            found or evidence(), row_facts=facts, signoffs=SignOffs(tuple(attestations)), observed_at=today
        )
        return next(r for r in decide(production(**rows), known) if r.gate == f"checklist[{name}]")

    return decided


def attested(name, **changes):
    facts = {
        "row": name,
        "by": "ana",
        "attested_on": date(2026, 11, 1),
        "evidence": "https://example.com/1",
        "expires": date(2026, 11, 30),
        "model_id": "m-1",
    }
    return Attestation(**{**facts, **changes})


def test_the_ten_rows_are_asked_of_production_only(criteria_bytes):
    asked = {
        stage: [gate for gate in parse_criteria(criteria_bytes, stage).section("full").gates if "checklist" in gate]
        for stage in ("candidate", "experiment", "production")
    }
    assert asked["candidate"] == asked["experiment"] == []
    assert asked["production"] == [f"checklist[{name}]" for name in ROWS]
    assert len(ROWS) == 10
    assert "checklist" in parse_criteria(criteria_bytes, "candidate").section("full").switched_off


@pytest.mark.parametrize("name", ATTESTED)
def test_a_row_without_data_or_attestation_is_undecided_and_names_the_command(row, name):
    found = row(name)
    assert found.outcome is Outcome.UNDECIDED
    assert f"mlflow-genie attest {name} --model-id m-1 --by NAME --evidence URL" in found.reason


@pytest.mark.parametrize("name", ATTESTED)
def test_an_attestation_of_this_version_in_force_makes_the_row_pass(row, name):
    found = row(name, attestations=[attested(name)])
    assert (found.outcome, found.measured) == (Outcome.PASSED, "attested")
    assert "ana" in found.reason
    assert "https://example.com/1" in found.reason
    assert "2026-11-30" in found.reason


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_id": "m-2"}, ""),
        ({"row": "edit_count"}, ""),
        ({"model_id": None, "content_sha256": "f" * 64}, ""),
        ({"expires": date(2026, 11, 19)}, "what ana attested expired on 2026-11-19"),
        ({"attested_on": date(2026, 11, 21)}, "counts only from 2026-11-21"),
    ],
)
def test_an_attestation_of_something_else_or_out_of_force_counts_for_nothing(row, changes, said):
    found = row("sample_size", attestations=[attested("sample_size", **changes)])
    assert found.outcome is Outcome.UNDECIDED
    assert said in found.reason


@pytest.mark.parametrize("today", ["2026-11-01T00:00:00.000Z", "2026-11-30T23:59:59.999Z"])
def test_both_ends_of_an_attestation_still_count(row, today):
    assert row("cost", attestations=[attested("cost")], today=today).outcome is Outcome.PASSED


def test_an_attestation_of_the_content_counts_for_every_version_that_holds_it(row):
    signed = attested("cost", model_id=None, content_sha256="c" * 64)
    assert row("cost", attestations=[signed]).outcome is Outcome.PASSED


def test_without_a_date_no_attestation_counts(row):
    assert row("cost", attestations=[attested("cost")], today="").outcome is Outcome.UNDECIDED


def test_the_offline_evaluation_is_what_the_other_gates_say_and_nobodys_word(row, evidence, observed):
    assert row("offline_evaluation").outcome is Outcome.PASSED
    wrong = tuple(observed(n, 8, result_correctness="failed" if n == 3 else "passed") for n in range(50))
    found = row("offline_evaluation", attestations=[attested("offline_evaluation")], found=evidence(questions=wrong))
    assert found.outcome is Outcome.FAILED
    assert "p0" in found.reason


def test_without_an_evaluation_no_row_passes(production, evidence):
    nothing = dataclasses.replace(
        evidence(model={"evaluation": None}), signoffs=SignOffs(tuple(attested(name) for name in ROWS))
    )
    found = [r for r in decide(production(), nothing) if r.gate.startswith("checklist")]
    assert {r.outcome for r in found} == {Outcome.UNDECIDED}


def test_latency_follows_from_the_latency_gates_where_those_are_asked(production, evidence):
    slow = evidence()
    questions = tuple(dataclasses.replace(q, latency_seconds=500.0) for q in slow.evaluation.questions)
    slow = dataclasses.replace(slow, evaluation=dataclasses.replace(slow.evaluation, questions=questions))
    found = next(r for r in decide(production(), slow) if r.gate == "checklist[latency]")
    assert found.outcome is Outcome.FAILED
    assert "latency[p50]" in found.reason


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("policy_version", 1, 0),
        ("experiment_variant", 0.10, 0.11),
        ("minimum_duration", 3, 2.9),
        ("sample_size", 1000, 999),
    ],
)
def test_a_counted_row_is_held_against_its_number(row, name, good, bad):
    assert row(name, RowFact(name, "the store", good)).outcome is Outcome.PASSED
    assert row(name, RowFact(name, "the store", bad)).outcome is Outcome.FAILED


@pytest.mark.parametrize("name", ["acceptance_rate", "edit_count", "validator_interventions", "cost"])
def test_worse_is_decided_by_the_interval_and_not_by_the_value(row, name):
    def of(*interval):
        return row(
            name, RowFact(name, "the store", sum(interval) / 2, interval), **{name: {"worse_by_at_most": 0.05}}
        ).outcome

    assert of(-0.10, 0.05) is Outcome.PASSED
    assert of(-0.10, 0.06) is Outcome.UNDECIDED
    assert of(0.06, 0.20) is Outcome.FAILED
    assert row(name, RowFact(name, "the store", 0.0)).outcome is Outcome.UNDECIDED


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, -1, 1.5])
def test_a_share_that_is_none_decides_nothing(row, value):
    found = row("experiment_variant", RowFact("experiment_variant", "the store", value))
    assert found.outcome is Outcome.UNDECIDED


@pytest.mark.parametrize("interval", [(math.nan, 0.0), (0.0, math.nan), (0.1, -0.1), (-math.inf, 0.0), (-0.2, -0.1)])
def test_an_interval_that_is_none_decides_nothing(row, interval):
    assert row("cost", RowFact("cost", "the store", 0.0, interval)).outcome is Outcome.UNDECIDED


def test_data_that_says_no_is_not_overruled_by_a_word(row):
    signed = [attested("sample_size")]
    assert row("sample_size", RowFact("sample_size", "the store", 10), attestations=signed).outcome is Outcome.FAILED
    problem = RowFact("sample_size", "the store", None, problem="it holds no samples yet")
    found = row("sample_size", problem, attestations=signed)
    assert found.outcome is Outcome.UNDECIDED
    assert "it holds no samples yet" in found.reason


def test_of_two_sources_the_worse_one_decides(row):
    facts = [RowFact("sample_size", name, value) for name, value in (("one", 2000), ("two", 5))]
    found = row("sample_size", *facts)
    assert found.outcome is Outcome.FAILED
    assert "two" in found.reason


def test_without_a_source_there_are_no_facts():
    assert facts_about(None) == ()


def test_facts_are_asked_of_every_source():
    class Source:
        def __init__(self, *facts):
            self._facts = facts

        def facts(self, model):
            return [dataclasses.replace(fact, source=f"{fact.source} of {model}") for fact in self._facts]

    found = facts_about("m-1", [Source(RowFact("cost", "a")), Source(RowFact("cost", "b"), RowFact("latency", "b"))])
    assert [(fact.row, fact.source) for fact in found] == [
        ("cost", "a of m-1"),
        ("cost", "b of m-1"),
        ("latency", "b of m-1"),
    ]


def test_a_row_can_be_off_with_its_reason(production, evidence):
    criteria = production(cost={"off": "answers cost nothing here"})
    assert criteria.section("full").switched_off["checklist[cost]"] == "answers cost nothing here"
    assert "checklist[cost]" not in {result.gate for result in decide(criteria, evidence())}


@pytest.mark.parametrize(
    ("rows", "path", "said"),
    [
        ({"sample_size": "required"}, "sample_size", "at_least: …"),
        ({"sample_size": {"at_most": 5}}, "sample_size", "at_least: …"),
        ({"sample_size": {"at_least": 0}}, "sample_size.at_least", "above 0"),
        ({"policy_version": {"at_least": 1}}, "policy_version", "write policy_version: required"),
        ({"experiment_variant": {"at_most": 10}}, "experiment_variant.at_most", "write 0.1"),
        ({"edit_cuont": "required"}, "edit_cuont", "did you mean 'edit_count'?"),
        ({"cost": {"off": " "}}, "cost.off", "it is empty"),
    ],
)
def test_what_is_wrong_with_a_row_is_named_with_its_place(production, rows, path, said):
    with pytest.raises(InvalidCriteriaError) as caught:
        production(**rows)
    found = {violation.path: f"{violation.message} {violation.fix}" for violation in caught.value.violations}
    assert said in found[f"$.stages.production.full.checklist.{path}"]


@pytest.mark.parametrize("name", ROWS)
def test_a_row_left_out_is_an_error(criteria_bytes, name):
    document = load(criteria_bytes, "criteria.yaml")
    del document["stages"]["production"]["full"]["checklist"][name]
    with pytest.raises(InvalidCriteriaError, match=f"row {name} is missing"):
        parse_criteria(yaml.safe_dump(document).encode(), "production")


@given(value=st.floats(allow_nan=True, allow_infinity=True), name=st.sampled_from(sorted(ROWS)))
def test_no_number_makes_a_row_raise(value, name):
    from mlflow_genie_plugin.gating.rules.checklist import _by_fact

    criteria = ROWS[name]
    found = _by_fact(f"checklist[{name}]", criteria, 1.0, RowFact(name, "the store", value, (value, value)))
    assert found.outcome in set(Outcome)
    if not math.isfinite(value):
        assert found.outcome is Outcome.UNDECIDED


def test_every_row_attested_is_a_pass(production, evidence):
    signed = SignOffs(tuple(attested(name) for name in ROWS))
    complete = dataclasses.replace(evidence(), signoffs=signed)
    rows = [result for result in decide(production(), complete) if result.gate.startswith("checklist")]
    assert overall(rows) is Outcome.PASSED


SIGNIFICANT = "gives no interval around its value, so nothing can be said about significance"
MEASURED = [
    ("cost", RowFact("cost", "store", 0.2, (0.15, 0.25)), "failed", "20.0 %", "worse by <= 10.0 %",
     "20.0 % worse, 95 % interval +15.0 % to +25.0 %, from store"),
    ("cost", RowFact("cost", "store", 0.05, (-0.1, 0.2)), "undecided", "5.0 %", "worse by <= 10.0 %",
     "5.0 % worse, 95 % interval -10.0 % to +20.0 %, from store; more samples would decide it"),
    ("cost", RowFact("cost", "store", -0.05, (-0.1, 0.1)), "passed", "-5.0 %", "worse by <= 10.0 %",
     "-5.0 % worse, 95 % interval -10.0 % to +10.0 %, from store"),
    ("cost", RowFact("cost", "store", 0.05), "undecided", "5.0 %", "worse by <= 10.0 %", f"store {SIGNIFICANT}"),
    ("cost", RowFact("cost", "store", None), "undecided", "-", "worse by <= 10.0 %",
     "store cannot say: it holds no number"),
    ("cost", RowFact("cost", "store", None, problem="no data yet"), "undecided", "-", "worse by <= 10.0 %",
     "store cannot say: no data yet"),
    ("sample_size", RowFact("sample_size", "store", -1), "undecided", "-", ">= 1,000 samples",
     "store says -1, which cannot be"),
    ("sample_size", RowFact("sample_size", "store", 1000), "passed", "1,000 samples", ">= 1,000 samples",
     "1,000 samples, from store"),
    ("policy_version", RowFact("policy_version", "store", 1), "passed", "1 policy version", "required",
     "1 policy version, from store"),
    ("experiment_variant", RowFact("experiment_variant", "store", 1), "failed", "100.0 %", "<= 10.0 %",
     "100.0 %, from store"),
    ("experiment_variant", RowFact("experiment_variant", "store", 1.01), "undecided", "-", "<= 10.0 %",
     "store says 1.01, which cannot be"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "fact", "outcome", "measured", "required", "reason"), MEASURED)
def test_what_a_source_measured_is_said_in_the_rows_unit(row, name, fact, outcome, measured, required, reason):
    found = row(name, fact)
    assert (found.outcome, found.measured, found.required) == (outcome, measured, required)
    assert found.reason == reason


def test_a_row_that_the_gates_decide_is_open_when_none_was_decided(production, evidence):
    from mlflow_genie_plugin.gating.rules.checklist import Checklist
    from mlflow_genie_plugin.gating.rules.rule import Subject

    criteria = production()
    section = criteria.section("full")
    found = section.find(Checklist).decide("checklist[offline_evaluation]", Subject(criteria, section, evidence()))
    assert (found.outcome, found.measured, found.required) == (Outcome.UNDECIDED, "-", "required")
    assert found.reason == "no gate was decided before it"
