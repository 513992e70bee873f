from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.gating.tally import PHASES, GateFile, Phase, Tally

FILE = GateFile("gates/test_p0.py", "a" * 64)
PACKAGED = {"test_p0.py": "a" * 64}


def phase(when="call", outcome="passed", plain=True, expected_failure=False, test="gates/test_p0.py::test_p0"):
    return Phase(test, when, outcome, plain, expected_failure)


def tally_of(*phases, file=FILE) -> Tally:
    tally = Tally()
    for found in phases:
        tally.record("p0", found, file)
    return tally


CLEAN = [phase(when) for when in PHASES]


@pytest.mark.parametrize("result", [True, None])
def test_a_clean_gate_is_no_problem(result):
    assert tally_of(*CLEAN).problems({"p0": result}, PACKAGED) == {}


UNCLEAN = {
    "did not run": [],
    "call and teardown did not run": [phase("setup")],
    "call did not run": [phase("setup"), phase("teardown")],
    "was skipped": [phase("setup", "skipped"), phase("teardown")],
    "expected failure": [phase("setup"), phase(expected_failure=True), phase("teardown")],
    "expected failure, even when": [phase("setup"), phase(outcome="skipped", expected_failure=True), phase("teardown")],
    "run again": [phase("setup"), phase(outcome="rerun"), *CLEAN],
    "subtests": [phase("setup"), phase(plain=False), phase("call"), phase("teardown")],
    "teardown failed": [phase("setup"), phase("call"), phase("teardown", "failed")],
    "more than once": [*CLEAN, *CLEAN],
    "2 tests report it": [*CLEAN, *(phase(when, test="other") for when in PHASES)],
}


@pytest.mark.parametrize(("says", "phases"), UNCLEAN.items(), ids=list(UNCLEAN))
def test_anything_but_a_clean_run_is_a_problem(says, phases):
    problem = tally_of(*phases).problems({"p0": True}, PACKAGED)["p0"]
    assert says.partition(",")[0] in problem
    assert not tally_of(*phases).test_passed("p0")


def test_test_and_decision_must_agree():
    failed = [phase("setup"), phase("call", "failed"), phase("teardown")]
    assert tally_of(*failed).problems({"p0": False}, PACKAGED) == {}
    assert "call failed" in tally_of(*failed).problems({"p0": True}, PACKAGED)["p0"]
    assert "recomputed" in tally_of(*CLEAN).problems({"p0": False}, PACKAGED)["p0"]


@pytest.mark.parametrize("file", [GateFile("gates/test_p0.py", "b" * 64), GateFile("gates/mine.py", "a" * 64), None])
def test_a_packaged_gate_must_come_from_its_packaged_file(file):
    assert "is not the gate file" in tally_of(*CLEAN, file=file).problems({"p0": True}, PACKAGED)["p0"]
    assert tally_of(*CLEAN, file=file).problems({"p0": None}, PACKAGED) == {}


def test_a_gate_nobody_asked_for_is_a_problem():
    assert "neither" in tally_of(*CLEAN).problems({}, PACKAGED)["p0"]


phases = st.builds(
    phase,
    when=st.sampled_from([*PHASES, "???"]),
    outcome=st.sampled_from(["passed", "failed", "skipped", "rerun"]),
    plain=st.booleans(),
    expected_failure=st.booleans(),
)


@given(st.lists(phases, max_size=5))
def test_only_one_sequence_of_phases_counts(found):
    assert tally_of(*found).test_passed("p0") == (found == CLEAN)
