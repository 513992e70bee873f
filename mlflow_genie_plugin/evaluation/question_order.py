"""Whether a question asks for its rows in an order."""

from __future__ import annotations

import re

_RANKING = re.compile(
    r"\b(?:top|bottom|first|last)[\s-]+(?:\d+|two|three|four|five|six|seven|eight|nine|ten)\b"
    r"(?!\s*(?:%|percent|(?:hour|day|week|month|quarter|year)s?\b))|"
    r"\brank(?:ed|ing|s)?\b|\b(?:sort|order)(?:ed)?\s+by\b|\bin\s+(?:de|a)scending\s+order\b|"
    r"\bfrom\s+(?:the\s+)?(?:highest|lowest|largest|smallest|most|least|best|worst)\b",
    re.IGNORECASE,
)


def ranking_words(question: str) -> str | None:
    """Return the words by which a question asks for a ranking, None when it does not."""
    found = _RANKING.search(question)
    return found.group() if found else None
