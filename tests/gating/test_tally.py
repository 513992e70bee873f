from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.gating.tally import PHASES, GateFile, Phase, Tally, one_line

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


SAID = [
    ([], "it did not run"),
    ([phase("setup", "skipped")], "it was skipped"),
    ([Phase("t", "setup", "skipped", True, False, "no model")], "it was skipped: no model"),
    ([phase(expected_failure=True)], "it is marked as an expected failure"),
    ([phase(outcome="rerun")], "it was run again after a failure"),
    ([phase(plain=False)], "it reports parts of itself (subtests), which cannot be counted"),
    ([Phase("t", "teardown", "failed", True, False, "disk full")], "its teardown failed: disk full"),
    ([phase(outcome="failed")], "its call failed"),
    ([phase("setup")], "its call and teardown did not run"),
    ([*CLEAN, phase("teardown")], "it ran more than once"),
    ([phase("setup", test="b"), phase(test="a")], "2 tests report it: a, b"),
]


@pytest.mark.parametrize(("phases", "said"), SAID, ids=[said for _, said in SAID])
def test_what_is_wrong_with_a_run_is_said_in_one_sentence(phases, said):
    assert tally_of(*phases).problems({"p0": True}, PACKAGED) == {"p0": said}


def test_a_gate_that_nobody_reported_has_not_failed_and_has_not_passed():
    tally = tally_of(*CLEAN)
    assert tally.test_passed("p0")
    assert not tally.test_passed("drift")
    assert not tally.test_failed("drift")
    assert not tally.test_failed("p0")
    assert tally_of(phase("setup", "failed")).test_failed("p0")
    # Not passed was decided, and no test said so.
    assert tally.problems({"p0": True, "drift": False}, PACKAGED) == {"drift": "it did not run"}


def test_a_gate_of_another_file_or_of_nobodys_list_is_named():
    copy = "is not the gate file of the installed version; copy that one again"
    mine = GateFile("gates/mine.py", "a" * 64)
    assert tally_of(*CLEAN, file=mine).problems({"p0": True}, PACKAGED) == {"p0": f"gates/mine.py {copy}"}
    assert tally_of(*CLEAN, file=None).problems({"p0": True}, PACKAGED) == {"p0": f"an unknown file {copy}"}
    # Whatever the list of packaged files holds, a gate whose file is not known is not one of them.
    assert tally_of(*CLEAN, file=None).problems({"p0": True}, {"": "a" * 64})
    unasked = "neither the manifest nor the criteria know this gate"
    assert tally_of(*CLEAN).problems({}, PACKAGED) == {"p0": unasked}


def test_of_several_lines_the_last_that_says_something_is_kept():
    assert one_line([]) == one_line(["", "  "]) == ""
    assert one_line(["E  first", "  E  last  ", " "]) == "E  last"
    assert one_line(["x" * 200]) == "x" * 160
