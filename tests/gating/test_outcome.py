from __future__ import annotations

import dataclasses
import json

import pytest

from mlflow_genie_plugin.gating.outcome import (
    NOT_ASSESSED,
    GateResult,
    Outcome,
    Part,
    Waived,
    count,
    of_parts,
    overall,
    points,
    short,
    some,
)

PASSED, FAILED, UNDECIDED = Outcome.PASSED, Outcome.FAILED, Outcome.UNDECIDED
WAIVED = Waived("2026-12-01", "ana@example.com", "known gap in routing")


def result(outcome, waived=None, **more):
    return GateResult("p0", outcome, "the reason", waived=waived, **more)


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], UNDECIDED),
        ([result(PASSED)], PASSED),
        ([result(PASSED), result(UNDECIDED)], UNDECIDED),
        ([result(UNDECIDED), result(FAILED), result(PASSED)], FAILED),
        ([result(PASSED), result(FAILED, WAIVED)], PASSED),
        ([result(UNDECIDED), result(FAILED, WAIVED)], UNDECIDED),
        ([result(FAILED, WAIVED)], UNDECIDED),
    ],
)
def test_all_gates_make_one_outcome(results, expected):
    assert overall(iter(results)) is expected


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((), UNDECIDED),
        ((NOT_ASSESSED,), UNDECIDED),
        (("passed", NOT_ASSESSED), PASSED),
        (("passed", "undecided"), UNDECIDED),
        (("undecided", "passed", "failed"), FAILED),
    ],
)
def test_parts_that_were_not_assessed_decide_nothing(outcomes, expected):
    assert of_parts(Part(f"part {n}", outcome, "") for n, outcome in enumerate(outcomes)) is expected


@pytest.mark.parametrize(
    ("found", "blocks", "said", "told"),
    [
        (result(PASSED), False, "passed", "the reason"),
        (result(PASSED, warning="slower"), False, "passed", "warning: slower"),
        (result(FAILED), True, "failed", "the reason"),
        (result(UNDECIDED), True, "undecided", "the reason"),
        (
            result(FAILED, WAIVED),
            False,
            "failed, waived until 2026-12-01 by ana@example.com",
            "failed, waived until 2026-12-01 by ana@example.com: known gap in routing; the reason",
        ),
    ],
)
def test_a_result_says_its_outcome_and_who_accepts_it(found, blocks, said, told):
    assert (found.blocks, found.said, found.told) == (blocks, said, told)


@pytest.mark.parametrize(
    "found",
    [
        result(PASSED),
        result(FAILED, WAIVED, value=0.5, interval=(0.4, 0.6), questions=("q1", "q2"), measured="50 %", required="1"),
        result(UNDECIDED, parts=(Part("even", "failed", "2 wrong", "50 %", 0.5, (0.1, 0.9), ("q3",)),), warning="w"),
    ],
)
def test_a_result_is_read_back_from_json_as_it_was(found):
    assert GateResult.from_json(json.loads(json.dumps(dataclasses.asdict(found)))) == found


def test_a_result_without_the_lists_it_need_not_have_is_read():
    document = {"gate": "p0", "outcome": "failed", "reason": "the reason"}
    assert GateResult.from_json(document) == result(FAILED)


def test_numbers_digests_and_ids_in_words():
    assert [count(n, "gate") for n in (0, 1, 2)] == ["0 gates", "1 gate", "2 gates"]
    assert [points(x) for x in (-0.5, 0.02, 0.0)] == ["-50.0 points", "+2.0 points", "+0.0 points"]
    assert [short(x) for x in ("0123456789abcdef", "", None)] == ["0123456789ab", "unknown", "unknown"]
    assert some("abcde") == "a, b, c, d, e"
    assert some("abcdefg") == "a, b, c, d, e and 2 more"
    assert some("abc", 1) == "a and 2 more"
