"""What kind of value a column holds, by what is done with it: the function, the cast, the constant beside it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from mlflow_genie_plugin.evaluation.refuter.solving import looks_like_date

_TEXT_FUNCTIONS_WORDS = """lower upper trim ltrim rtrim initcap concat substr substring length len split
    regexp_extract regexp_replace replace contains startswith endswith instr locate lpad rpad
    like concat_ws"""
_TEXT_FUNCTIONS = frozenset(_TEXT_FUNCTIONS_WORDS.split())
_DATE_FUNCTIONS_WORDS = """year month quarter day dayofmonth dayofweek weekday dayofyear week weekofyear date_trunc
    trunc datediff date_diff date_add date_sub add_months months_between last_day date_format
    next_day hour minute second date_part timediff timestampdiff timestampadd dateadd"""
_DATE_FUNCTIONS = frozenset(_DATE_FUNCTIONS_WORDS.split())
_NUMBER_FUNCTIONS_WORDS = (
    "sum avg mean stddev stddev_samp stddev_pop variance var_pop var_samp median percentile round abs floor ceil sqrt"
)
_NUMBER_FUNCTIONS = frozenset(_NUMBER_FUNCTIONS_WORDS.split())


CAST_KINDS = {"date": "date", "timestamp": "date", "timestamptz": "date", "timestampntz": "date", "int": "int",
               "bigint": "int", "double": "int", "float": "int", "decimal": "int"}  # fmt: skip


def kind_of(value: Any) -> str:
    """Return the kind of a constant."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, str):
        return "datetext" if looks_like_date(value) else "text"
    if isinstance(value, dt.datetime):
        return "timestamp"
    return "date" if isinstance(value, dt.date) else "decimal"


def kind_of_function(name: str) -> str:
    """Return the kind of value that a function takes; empty for one that says nothing."""
    for kind, names in (("text", _TEXT_FUNCTIONS), ("date", _DATE_FUNCTIONS), ("int", _NUMBER_FUNCTIONS)):
        if name in names:
            return kind
    return ""
