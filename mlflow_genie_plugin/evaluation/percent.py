"""How a share is written, the same in every table, report and message."""

from __future__ import annotations

import math


def percent(value: float) -> str:
    """Return a fraction as ``95.0 %``, cut and not rounded: 94.96 % must not read as the 95.0 % it does not reach."""
    return f"{math.floor(value * 1000 + 1e-9) / 10:.1f} %"
