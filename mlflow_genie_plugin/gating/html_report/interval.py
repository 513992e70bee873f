"""The one drawing of the page: a measured value, its interval and what was required, on a common scale."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from mlflow_genie_plugin.gating.outcome import GateResult, Part, percent, points

WIDTH = 240
_MARGIN = 8
_PERCENT = re.compile(r"(-?\d+(?:\.\d+)?) %")


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from ``low`` to ``high`` over the width of the drawing."""

    low: float
    high: float

    def x(self, value: float) -> float:
        """Return where ``value`` stands, in the drawing's units; values outside stand at its edge."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(_MARGIN + share * (WIDTH - 2 * _MARGIN), 1)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Positions in drawing units, and the numbers in words for those who do not see it.

    ``zero`` is where "no difference" stands; None for shares, whose scale has no use for it.
    """

    start: float
    end: float
    value: float
    required: float | None
    zero: float | None
    words: str


def scale_of(results: Iterable[GateResult | Part]) -> Scale:
    """Return a scale that all of these fit on: from 0, or from the next lower 10 %, to 100 %; wider for differences."""
    values = [
        number
        for result in results
        for number in (*(result.interval or ()), result.value, required_value(_required(result)))
        if result.interval is not None and number is not None and math.isfinite(number)
    ]
    least = min([*values, 1.0])
    low = math.floor(least * 10 - 1e-9) / 10
    if least > -1e-9:  # shares; the room below the least of them ends where shares do
        low = max(low, 0.0)
    high = max([math.ceil(number * 10 - 1e-9) / 10 for number in values if number < 0] or [1.0])
    if low < 0:  # differences of two versions, not shares
        high = max(math.ceil(max([*values, 0.1]) * 10 - 1e-9) / 10, 0.1)
    return Scale(low if low < high else low - 0.1, high)


def drawing(result: GateResult | Part, scale: Scale) -> Drawing | None:
    """Return the drawing of one result or part; None where no interval was measured."""
    if result.interval is None or result.value is None:
        return None
    low, high = result.interval
    required = required_value(_required(result))
    shown = percent if scale.low >= 0 else points
    words = f"{shown(result.value)}, 95 % interval {shown(low)} to {shown(high)}"
    words += f", required {_required(result)}" if _required(result) else ""
    return Drawing(
        scale.x(low),
        scale.x(high),
        scale.x(result.value),
        None if required is None else scale.x(required),
        scale.x(0) if scale.low < 0 else None,
        words,
    )


def required_value(required: str) -> float | None:
    """Return the first percentage in what a gate says it requires, as a fraction; it only places a line."""
    found = _PERCENT.search(required)
    return float(found[1]) / 100 if found else None


def _required(result: GateResult | Part) -> str:
    return result.required if isinstance(result, GateResult) else ""
