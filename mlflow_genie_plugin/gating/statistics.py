"""Rates with intervals: what k right answers out of n questions say about the rate behind them.

The exact bounds ask scipy, which is loaded only then: importing it costs a gate a third of a second. Summing the
binomial's terms without it takes minutes for a hundred thousand questions.
"""

from __future__ import annotations

import math
from statistics import NormalDist

CONFIDENCE = 0.95


def rate(successes: int, trials: int) -> float | None:
    """Return ``successes / trials``, or None when there were no trials (no data is not a score)."""
    _check(successes, trials)
    return successes / trials if trials else None


def wilson_interval(successes: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the two-sided Wilson score interval of a rate (E. B. Wilson, JASA 22, 1927; no continuity correction).

    With no trials the interval is (0, 1): everything is possible.
    """
    return _wilson(successes, trials, NormalDist().inv_cdf(0.5 + confidence / 2))


def wilson_lower_bound(successes: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided Wilson lower bound: the rate is at least this, with the given confidence."""
    return _wilson(successes, trials, NormalDist().inv_cdf(confidence))[0]


def clopper_pearson_interval(successes: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the two-sided exact interval (Clopper and Pearson, Biometrika 26, 1934).

    Each end is the rate at which the observed count, or one further out, has a probability of ``(1 - confidence) / 2``.
    """
    _check(successes, trials)
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    lower = 0.0 if successes == 0 else float(betaincinv(successes, trials - successes + 1, tail))
    upper = 1.0 if successes == trials else float(betaincinv(successes + 1, trials - successes, 1 - tail))
    return lower, upper


def clopper_pearson_lower_bound(successes: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided exact lower bound: the rate is at least this, with the given confidence or more."""
    return clopper_pearson_interval(successes, trials, 2 * confidence - 1)[0]


def questions_needed(observed_rate: float, floor: float, confidence: float = CONFIDENCE) -> int | None:
    """Return how many questions at ``observed_rate`` put the Wilson lower bound at ``floor``; None when no number does.

    The lower bound reaches the floor exactly when the score test of "the rate is the floor" is significant, which
    solves for n: ``z² · floor · (1 - floor) / (observed_rate - floor)²``.
    """
    if not 0 <= floor <= 1 or not 0 <= observed_rate <= 1:
        raise ValueError(f"rates are fractions from 0 to 1, not {observed_rate!r} and {floor!r}")
    if observed_rate <= floor:
        return None
    z = NormalDist().inv_cdf(confidence)
    return max(1, math.ceil(z * z * floor * (1 - floor) / (observed_rate - floor) ** 2 - 1e-9))


def questions_needed_exactly(observed_rate: float, floor: float, confidence: float = CONFIDENCE) -> int | None:
    """Return how many questions at ``observed_rate`` put the exact lower bound at ``floor``; None when no number does.

    The bound reaches the floor exactly when that many right answers, or more, have a probability of at most
    ``1 - confidence`` at the floor. Answers are whole: the number returned does it, and with one right answer less it
    does not. (The bound is a saw-tooth in the number of questions, so a smaller number may reach the floor by luck.)
    """
    about = questions_needed(observed_rate, floor, confidence)
    if about is None:
        return None
    # Below, the floor is not reached (no right answer proves nothing); above, it is.
    below, above = 0, max(1, math.floor(about * observed_rate))
    while not _reaches(above, observed_rate, floor, confidence):
        below, above = above, 2 * above
    while above - below > 1:
        middle = (below + above) // 2
        if _reaches(middle, observed_rate, floor, confidence):
            above = middle
        else:
            below = middle
    return _fewest_questions(above, observed_rate)


def questions_needed_without_failure(floor: float, confidence: float = CONFIDENCE) -> int:
    """Return how many questions, all right, prove a rate of ``floor`` (exact: ``floor ** n <= 1 - confidence``)."""
    if not 0 < floor < 1:
        raise ValueError(f"a floor to prove lies between 0 and 1, not {floor!r}")
    return math.ceil(math.log(1 - confidence) / math.log(floor))


def _wilson(successes: int, trials: int, z: float) -> tuple[float, float]:
    _check(successes, trials)
    if trials == 0:
        return 0.0, 1.0
    share = successes / trials
    centre = share + z * z / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    # The two ends are exactly 0 and 1 at the edges; floating point leaves 1e-17 there.
    lower = 0.0 if successes == 0 else (centre - half) / scale
    upper = 1.0 if successes == trials else (centre + half) / scale
    return lower, upper


def _reaches(successes: int, observed_rate: float, floor: float, confidence: float) -> bool:
    from scipy.special import betainc

    trials = _fewest_questions(successes, observed_rate)
    # The chance of that many successes or more at the floor (DLMF 8.17.5).
    return bool(betainc(successes, trials - successes + 1, floor) <= 1 - confidence + 1e-12)


def _fewest_questions(successes: int, observed_rate: float) -> int:
    return max(successes, math.ceil(successes / observed_rate - 1e-9))


def _check(successes: int, trials: int) -> None:
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials is not possible")
