"""A plausible type for a column from its name, its description, and how SQL uses it."""

from __future__ import annotations

import re
from collections import Counter

from mlflow_genie_plugin.emulator.generating.evidence import ColumnEvidence

_TIMESTAMP = re.compile(r"(timestamp|datetime|_ts$|_at$|_time$)")
_DATE = re.compile(r"(^|_)(date|day|month|week|quarter|dt|d)($|_start$|_end$)|_date_|date$|_on$|^(month|week|quarter)_")
_BOOLEAN = re.compile(r"^(is|has|was|can|needs?|should)_|_(flag|enabled|active)$|^(overstocked|active|enabled)$")
_WHOLE = re.compile(
    r"(^|_)(count|cnt|num|number|qty|quantity|units|year|age|days|hours|minutes|rank|position|impressions|clicks|imps|size|"
    r"zip|rows|runs|jobs|members|visits|transactions|orders|cases)($|_)|^n_|_n$"
)
_FRACTION = re.compile(
    r"(amount|price|cost|revenue|total|rate|pct|percent|ratio|score|balance|usd|eur|margin|avg|average|mean|budget|spend|value|"
    r"discount|tax|fee|fare|distance|weight|salary|income|profit|variance|index|probability|confidence|duration|seconds|dbu)"
)
_TEXT = re.compile(
    r"(name|type|status|category|segment|region|country|city|state|code|title|description|comment|note|email|phone|text|url|label|"
    r"reason|tier|level|channel|brand|group|department|team|owner|currency|address|source|severity|tag|id|key)s?$"
)


def column_type(name: str, description: str, evidence: ColumnEvidence | None, *, matches_values: bool) -> str:
    """Return a Databricks type: BIGINT, DOUBLE, BOOLEAN, DATE, TIMESTAMP, STRING or ARRAY<STRING>."""
    lower = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace(" ", "_")
    votes: Counter[str] = Counter(evidence.votes if evidence is not None else {})
    votes[_family_of_name(lower)] += 1
    if matches_values:
        votes["STRING"] += 4
    text = description.lower()
    for family, words in (
        ("DATE", r"\b(date|timestamp) (of|when|the|on)\b|^date\b"),
        ("NUMBER", r"\b(number of|count of|percentage|amount|in usd|in dollars|total)\b|%|\$"),
        ("BOOLEAN", r"\b(true|whether|flag)\b"),
    ):
        votes[family] += bool(re.search(words, text))
    family = max(("STRING", "DATE", "BOOLEAN", "NUMBER", "ARRAY"), key=lambda item: (votes[item], item != "STRING"))
    if family == "NUMBER":
        literals = [value for value in evidence.literals if isinstance(value, float)] if evidence is not None else []
        fractional = any(not value.is_integer() for value in literals) or bool(_FRACTION.search(lower))
        return (
            "DOUBLE"
            if fractional or not (_WHOLE.search(lower) or literals or lower.endswith(("_id", "_key")))
            else "BIGINT"
        )
    if family == "ARRAY":
        return "ARRAY<STRING>"
    if family == "DATE":
        return "TIMESTAMP" if _TIMESTAMP.search(lower) or lower in {"timestamp", "time"} else "DATE"
    return family


def _family_of_name(lower: str) -> str:
    if _BOOLEAN.search(lower):
        return "BOOLEAN"
    if _TIMESTAMP.search(lower) or (_DATE.search(lower) and not lower.endswith(("_key", "_id"))):
        return "DATE"
    if _TEXT.search(lower):
        return "STRING"
    return "NUMBER" if _WHOLE.search(lower) or _FRACTION.search(lower) else "STRING"


def is_averaged(name: str) -> bool:
    """Return whether a measure of that name is an average or a ratio rather than a sum."""
    return bool(re.search(r"(avg|average|mean|rate|pct|percent|ratio|score|index|per_)", name.lower()))
