"""What a warehouse's error message is about: names it cannot resolve, parameters without a value, or anything else."""

from __future__ import annotations

import re

UNBOUND_PARAMETER = "UNBOUND_SQL_PARAMETER"

# Error condition, without what follows its dot → failure type of the names it is about.
_NAME_CONDITIONS = {
    "TABLE_OR_VIEW_NOT_FOUND": "wrong_table",
    "SCHEMA_NOT_FOUND": "wrong_table",
    "CATALOG_NOT_FOUND": "wrong_table",
    "NO_SUCH_CATALOG_EXCEPTION": "wrong_table",
    "UNRESOLVED_COLUMN": "wrong_column",
    "UNRESOLVED_FIELD": "wrong_column",
    "UNRESOLVED_USING_COLUMN_FOR_JOIN": "wrong_column",
    "FIELD_NOT_FOUND": "wrong_column",
    "AMBIGUOUS_REFERENCE": "wrong_column",
    "AMBIGUOUS_COLUMN_OR_FIELD": "wrong_column",
    "AMBIGUOUS_COLUMN_REFERENCE": "wrong_column",
    "AMBIGUOUS_LATERAL_COLUMN_ALIAS": "wrong_column",
    "AMBIGUOUS_REFERENCE_TO_FIELDS": "wrong_column",
    "METRIC_VIEW_MISSING_MEASURE_FUNCTION": "wrong_measure",
    "METRIC_VIEW_INVALID_MEASURE_FUNCTION_INPUT": "wrong_measure",
    "UNRESOLVED_ROUTINE": "UNRESOLVED_NAME",
    "UNRESOLVABLE_TABLE_VALUED_FUNCTION": "UNRESOLVED_NAME",
    "WRONG_NUM_ARGS": "tvf_parameter_error",
    "UNRECOGNIZED_PARAMETER_NAME": "tvf_parameter_error",
    "REQUIRED_PARAMETER_NOT_FOUND": "tvf_parameter_error",
    "UNEXPECTED_POSITIONAL_ARGUMENT": "tvf_parameter_error",
    "DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT": "tvf_parameter_error",
    "NAMED_PARAMETERS_NOT_SUPPORTED": "tvf_parameter_error",
}
_SENTENCE = 200
_LEADING_CONDITION = re.compile(r"^\[[A-Z][A-Z0-9_.]*\]\s*")
_STATE = re.compile(r"[\s.;,]*\(?SQLSTATE:? \w{5}.*$")
# A full stop in a name (`a`.`b`) or a number ends no sentence.
_SENTENCE_END = re.compile(r"(?<=[^\s.])[.?!]\s+(?=[A-Z])")
_CONDITION = re.compile(r"\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b")


def name_failure(message: str | None) -> str | None:
    """Return the failure type when the message is about a name that cannot be resolved, else None.

    The first error condition in the message counts: what follows may quote the query.
    """
    condition = condition_of(message)
    return None if condition is None else _NAME_CONDITIONS.get(condition)


def condition_of(message: str | None) -> str | None:
    """Return the error condition of a message, ``UNRESOLVED_COLUMN`` in ``[UNRESOLVED_COLUMN.WITH_SUGGESTION] …``."""
    known = [match[1] for match in _CONDITION.finditer(message or "")]
    return known[0] if known else None


def in_a_sentence(message: str | None) -> str:
    """Return the first sentence of a message, without its error condition and SQLSTATE, at most 200 characters.

    ``[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column … cannot be resolved. Did you mean …? SQLSTATE: 42703; line 1`` gives
    ``A column … cannot be resolved``.
    """
    line = _STATE.sub("", _LEADING_CONDITION.sub("", first_line(message)))
    sentence = _SENTENCE_END.split(line.strip(), maxsplit=1)[0].rstrip(" .;,")
    return sentence if len(sentence) <= _SENTENCE else f"{sentence[: _SENTENCE - 2]} …"


def first_line(message: str | None) -> str:
    """Return the first line of a message, at most 300 characters."""
    return (message or "no reason was given").strip().split("\n", 1)[0][:300]
