from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.gating.statistics import (
    clopper_pearson_interval,
    clopper_pearson_lower_bound,
    questions_needed,
    questions_needed_exactly,
    questions_needed_without_failure,
    rate,
    wilson_interval,
    wilson_lower_bound,
)

# R. G. Newcombe, Statistics in Medicine 17 (1998), table I: methods 3 (Wilson) and 5 (Clopper-Pearson).
PUBLISHED = [
    (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
    (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
    (0, 20, (0.0, 0.1611), (0.0, 0.1684)),
    (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
]
counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(("successes", "trials", "wilson", "exact"), PUBLISHED)
def test_intervals_are_the_published_ones(successes, trials, wilson, exact):
    assert wilson_interval(successes, trials) == pytest.approx(wilson, abs=5e-5)
    assert clopper_pearson_interval(successes, trials) == pytest.approx(exact, abs=5e-5)


@settings(deadline=None)  # the first example imports scipy
@given(counts)
def test_intervals_agree_with_scipy(count):
    stats = pytest.importorskip("scipy.stats")
    successes, trials = count
    test = stats.binomtest(successes, trials)
    for ours, method in ((wilson_interval, "wilson"), (clopper_pearson_interval, "exact")):
        theirs = test.proportion_ci(0.95, method)
        assert ours(successes, trials) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    one_sided = stats.binomtest(successes, trials, alternative="greater").proportion_ci(0.95, "wilson").low
    assert wilson_lower_bound(successes, trials) == pytest.approx(one_sided, abs=1e-9)
    one_sided = stats.binomtest(successes, trials, alternative="greater").proportion_ci(0.95, "exact").low
    assert clopper_pearson_lower_bound(successes, trials) == pytest.approx(one_sided, abs=1e-9)


@given(counts)
def test_an_interval_holds_the_rate_and_mirrors_its_complement(count):
    successes, trials = count
    for interval in (wilson_interval, clopper_pearson_interval):
        low, high = interval(successes, trials)
        assert 0 <= low <= successes / trials <= high <= 1
        mirrored = interval(trials - successes, trials)
        assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-9)


def test_no_trials_say_nothing():
    assert rate(0, 0) is None
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("successes", "trials"), [(3, 2), (-1, 2)])
def test_impossible_counts_are_refused(successes, trials):
    with pytest.raises(ValueError, match="not possible"):
        wilson_interval(successes, trials)


@pytest.mark.parametrize(("floor", "needed"), [(0.80, 14), (0.90, 29), (0.95, 59), (0.99, 299)])
def test_questions_without_a_failure_that_prove_a_rate(floor, needed):
    assert questions_needed_without_failure(floor) == needed
    assert questions_needed_exactly(1.0, floor) == needed
    assert clopper_pearson_lower_bound(needed, needed) >= floor > clopper_pearson_lower_bound(needed - 1, needed - 1)


@given(st.floats(0.3, 1), st.floats(0.05, 0.95))
def test_the_number_needed_is_the_smallest_that_reaches_the_floor(observed, floor):
    needed = questions_needed(observed, floor)
    if observed <= floor:
        assert needed is None
        return
    z = 1.6448536269514722

    def score(n):
        return (observed - floor) / math.sqrt(floor * (1 - floor) / n)

    assert score(needed) >= z - 1e-6
    assert needed == 1 or score(needed - 1) < z


@given(st.floats(0.5, 1), st.floats(0.1, 0.9))
def test_that_many_questions_reach_the_floor_exactly(observed, floor):
    needed = questions_needed_exactly(observed, floor)
    if observed <= floor:
        assert needed is None
    elif needed is not None:
        right = math.floor(observed * needed + 1e-9)
        assert clopper_pearson_lower_bound(right, needed) >= floor - 1e-9


@pytest.mark.parametrize(("observed", "floor"), [(1.1, 0.5), (-0.1, 0.5), (0.9, 1.1), (0.9, -0.1), (1, 1.5)])
def test_rates_that_cannot_be_are_refused(observed, floor):
    with pytest.raises(ValueError, match=rf"rates are fractions from 0 to 1, not {observed} and {floor}"):
        questions_needed(observed, floor)


@pytest.mark.parametrize("floor", [0, 1, -0.5, 1.5])
def test_no_number_of_questions_proves_a_floor_of_nothing_or_of_everything(floor):
    with pytest.raises(ValueError, match=f"lies between 0 and 1, not {floor}"):
        questions_needed_without_failure(floor)


def test_any_answer_reaches_a_floor_of_nothing():
    assert questions_needed(0.5, 0) == 1
    assert questions_needed(1, 1) is None
    assert rate(1, 4) == 0.25
    assert clopper_pearson_interval(0, 1)[0] == 0
    assert questions_needed_exactly(0.5, 0.001) == 2
