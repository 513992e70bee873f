"""Rates with intervals: what k right answers out of n questions say about the rate behind them.

Pure Python on purpose: importing scipy costs a second at every gate, and scipy stays the oracle of the tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable
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
    tail = (1 - confidence) / 2
    lower = 0.0 if successes == 0 else _root(lambda p: 1 - _binomial_cdf(successes - 1, trials, p) - tail)
    upper = 1.0 if successes == trials else _root(lambda p: tail - _binomial_cdf(successes, trials, p))
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
    ``1 - confidence`` at the floor. Counts are whole, so the search starts where the approximation of
    :func:`questions_needed` ends.
    """
    start = questions_needed(observed_rate, floor, confidence)
    if start is None:
        return None
    for trials in range(start, 3 * start + 100):
        successes = math.floor(observed_rate * trials + 1e-9)
        if successes and 1 - _binomial_cdf(successes - 1, trials, floor) <= 1 - confidence + 1e-12:
            return trials
    return None


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


def _binomial_cdf(successes: int, trials: int, p: float) -> float:
    if p <= 0:
        return 1.0
    if p >= 1:
        return 1.0 if successes >= trials else 0.0
    log_p, log_q = math.log(p), math.log1p(-p)
    terms = (
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * log_p + (trials - k) * log_q
        for k in range(successes + 1)
    )
    return min(1.0, math.fsum(math.exp(term) for term in terms))


def _root(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):  # halves [0, 1] below the spacing of floats
        middle = (low + high) / 2
        if rising(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _check(successes: int, trials: int) -> None:
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials is not possible")
