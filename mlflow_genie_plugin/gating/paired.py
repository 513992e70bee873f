"""Two versions on the same questions: how much worse the candidate may be, and whether it is.

Only the questions on which the two differ carry information. Pure Python, like :mod:`statistics`; scipy and published
tables are the oracles of the tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from mlflow_genie_plugin.gating.statistics import CONFIDENCE

# The search for the questions needed stops here; nobody asks more.
_MOST_QUESTIONS = 1_000_000


@dataclass(frozen=True, slots=True)
class Paired:
    """How two versions compare on the same questions.

    Attributes:
        both: Questions that both have.
        gained: Right now, wrong before.
        lost: Wrong now, right before.
    """

    both: int
    gained: int
    lost: int

    def __post_init__(self) -> None:
        if min(self.both, self.gained, self.lost) < 0 or self.gained + self.lost > self.both:
            raise ValueError(f"{self.gained} gained and {self.lost} lost of {self.both} is not possible")

    @property
    def difference(self) -> float | None:
        """The candidate's rate minus the baseline's; None without common questions."""
        return (self.gained - self.lost) / self.both if self.both else None


def lower_bound(pairs: Paired, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided lower bound of the difference of the two rates (Tango's score bound).

    T. Tango, Statistics in Medicine 17, 1998: the largest loss that the score test for paired proportions does not
    reject. It keeps its error also with few or no differing questions, where intervals by normal approximation do not.
    Without common questions it is -1: everything is possible.
    """
    return _bound(pairs.both, pairs.gained, pairs.lost, NormalDist().inv_cdf(confidence))


def upper_bound(pairs: Paired, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided upper bound of the difference; see :func:`lower_bound`."""
    return -_bound(pairs.both, pairs.lost, pairs.gained, NormalDist().inv_cdf(confidence))


def interval(pairs: Paired, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the two-sided interval of the difference."""
    one_sided = 0.5 + confidence / 2
    return lower_bound(pairs, one_sided), upper_bound(pairs, one_sided)


def mcnemar_p_value(pairs: Paired) -> float:
    """Return the exact two-sided p-value of "both versions are equally good" (McNemar, Psychometrika 12, 1947).

    Under it, each differing question is a gain or a loss with equal chance. 1 when none differs.
    """
    differing = pairs.gained + pairs.lost
    fewer = min(pairs.gained, pairs.lost)
    log_half = differing * math.log(0.5)
    tail = math.fsum(
        math.exp(math.lgamma(differing + 1) - math.lgamma(k + 1) - math.lgamma(differing - k + 1) + log_half)
        for k in range(fewer + 1)
    )
    return min(1.0, 2 * tail)


def pairs_needed(pairs: Paired, margin: float, confidence: float = CONFIDENCE) -> int | None:
    """Return how many common questions show that no more than ``margin`` is lost, if they differ as often as these.

    None when these questions lose ``margin`` or more, so that more of the same would not show it. With no differing
    question it is ``z² · (1 - margin) / margin``.
    """
    if not 0 < margin < 1:
        raise ValueError(f"a margin lies between 0 and 1, not {margin!r}")
    gained, lost = (count / pairs.both if pairs.both else 0.0 for count in (pairs.gained, pairs.lost))
    z = NormalDist().inv_cdf(confidence)

    def shows(questions: int) -> bool:
        return _bound(questions, gained * questions, lost * questions, z) >= -margin - 1e-12

    low, high = 0, 1
    while not shows(high):
        low, high = high, high * 2
        if high > _MOST_QUESTIONS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return high


def _bound(both: float, gained: float, lost: float, z: float) -> float:
    if both == 0:
        return -1.0
    low, high = -1.0, (gained - lost) / both
    for _ in range(60):  # halves the range below the spacing of floats
        middle = (low + high) / 2
        if _score(both, gained, lost, middle) > z:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _score(both: float, gained: float, lost: float, difference: float) -> float:
    """Return Tango's statistic for "the true difference is ``difference``"; it falls as the difference grows."""
    a = 2 * both
    b = -gained - lost + (2 * both - gained + lost) * difference
    c = -lost * difference * (1 - difference)
    share_lost = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    variance = both * (2 * share_lost + difference * (1 - difference))
    # Nothing varies only where every question would be gained or lost, and there the counts are just that.
    return (gained - lost - both * difference) / math.sqrt(variance) if variance > 0 else 0.0
