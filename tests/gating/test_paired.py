import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.gating.paired import (
    Paired,
    interval,
    lower_bound,
    mcnemar_p_value,
    pairs_needed,
    upper_bound,
)


@st.composite
def some_pairs(draw):
    both = draw(st.integers(1, 400))
    gained = draw(st.integers(0, both))
    return Paired(both, gained, draw(st.integers(0, both - gained)))


def test_the_interval_is_that_of_the_published_example():
    low, high = interval(Paired(50, 12, 2))
    assert low == pytest.approx(0.0611, abs=5e-5)
    assert high == pytest.approx(0.3447, abs=5e-5)


def test_mcnemar_is_that_of_the_published_approval_table():
    assert mcnemar_p_value(Paired(1600, 150, 86)) == pytest.approx(3.716e-5, rel=1e-3)
    assert mcnemar_p_value(Paired(10, 0, 0)) == 1.0
    assert mcnemar_p_value(Paired(50, 5, 0)) == pytest.approx(0.0625)


@given(some_pairs())
def test_mcnemar_agrees_with_scipy(pairs):
    from scipy.stats import binomtest

    differing = pairs.gained + pairs.lost
    expected = binomtest(pairs.lost, differing).pvalue if differing else 1.0
    assert mcnemar_p_value(pairs) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("margin", "needed"), [(0.01, 268), (0.02, 133), (0.03, 88), (0.05, 52), (0.10, 25)])
def test_equal_outcomes_prove_a_margin_with_the_published_number_of_questions(margin, needed):
    assert pairs_needed(Paired(30, 0, 0), margin) == needed
    assert lower_bound(Paired(needed, 0, 0)) >= -margin > lower_bound(Paired(needed - 1, 0, 0))


@given(some_pairs())
def test_the_bounds_enclose_the_observed_difference_and_mirror_each_other(pairs):
    low, high = lower_bound(pairs), upper_bound(pairs)
    assert -1 <= low <= pairs.difference + 1e-9
    assert pairs.difference - 1e-9 <= high <= 1
    mirrored = Paired(pairs.both, pairs.lost, pairs.gained)
    assert lower_bound(mirrored) == pytest.approx(-high, abs=1e-9)


@given(some_pairs())
def test_one_more_lost_question_never_raises_the_bound(pairs):
    if pairs.gained + pairs.lost < pairs.both:
        worse = Paired(pairs.both, pairs.gained, pairs.lost + 1)
        assert lower_bound(worse) <= lower_bound(pairs) + 1e-9


def test_nothing_in_common_allows_everything():
    assert lower_bound(Paired(0, 0, 0)) == -1.0
    assert upper_bound(Paired(0, 0, 0)) == 1.0
    assert Paired(0, 0, 0).difference is None
    assert pairs_needed(Paired(0, 0, 0), 0.05) == 52


def test_more_of_the_same_never_shows_what_is_already_lost():
    assert pairs_needed(Paired(100, 0, 5), 0.02) is None
    assert pairs_needed(Paired(100, 3, 3), 0.02) > 133


def test_the_error_of_the_bound_stays_below_its_level():
    import random

    draws = random.Random(7)
    wrong, trials, true = 0, 1500, 0.02 - 0.07
    for _ in range(trials):
        outcomes = [draws.random() for _ in range(50)]
        pairs = Paired(50, sum(x < 0.02 for x in outcomes), sum(0.02 <= x < 0.09 for x in outcomes))
        wrong += lower_bound(pairs) > true
    assert wrong / trials <= 0.05


@pytest.mark.parametrize("counts", [(5, 3, 3), (5, -1, 0), (-1, 0, 0)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ValueError, match="not possible"):
        Paired(*counts)
    with pytest.raises(ValueError, match="margin"):
        pairs_needed(Paired(5, 0, 0), 0.0)


def test_a_version_that_lost_every_question_and_one_that_won_every_are_as_far_apart_as_can_be():
    assert lower_bound(Paired(20, 0, 20)) == -1.0
    assert upper_bound(Paired(20, 20, 0)) == 1.0
    assert lower_bound(Paired(1000, 1000, 0)) > 0.99


@pytest.mark.parametrize("margin", [-0.1, 0, 1, 1.5, float("nan")])
def test_a_margin_that_allows_nothing_or_everything_is_refused(margin):
    with pytest.raises(ValueError, match=f"a margin lies between 0 and 1, not {margin!r}"):
        pairs_needed(Paired(5, 0, 0), margin)


def test_what_is_lost_to_the_margin_itself_is_never_shown_by_more_questions():
    assert pairs_needed(Paired(100, 0, 2), 0.02) is None
    assert pairs_needed(Paired(100, 0, 10), 0.1) is None


@pytest.mark.parametrize(
    ("pairs", "margin"), [(Paired(100, 3, 3), 0.02), (Paired(40, 1, 2), 0.05), (Paired(50, 2, 0), 0.1)]
)
def test_the_number_of_pairs_is_the_smallest_that_shows_the_margin(pairs, margin):
    needed = pairs_needed(pairs, margin)
    # As often as these, in a number of questions that is a multiple of theirs.
    more = -(-needed // pairs.both)
    assert lower_bound(Paired(more * pairs.both, more * pairs.gained, more * pairs.lost)) >= -margin
    fewer = (needed - 1) // pairs.both
    assert lower_bound(Paired(fewer * pairs.both, fewer * pairs.gained, fewer * pairs.lost)) < -margin


def test_more_than_a_million_questions_are_nobodys_answer():
    assert pairs_needed(Paired(1000, 0, 20), 0.0201) is None


@pytest.mark.parametrize("both", [1, 2, 3, 10, 200])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.975])
def test_without_a_differing_question_the_bound_is_the_solution_in_closed_form(both, confidence):
    from statistics import NormalDist

    squared = NormalDist().inv_cdf(confidence) ** 2
    assert lower_bound(Paired(both, 0, 0), confidence) == pytest.approx(-squared / (both + squared), abs=1e-12)
