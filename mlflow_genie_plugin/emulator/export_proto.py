"""The shape of ``serialized_space`` as the server parses it: message by message, unknown fields refused."""

from __future__ import annotations

from typing import Any, Final

import orjson

from mlflow_genie_plugin.emulator.api_errors import ApiError, bad_request, invalid

# Message → field → type. A type is "string", "int", "bool", "text" (array of strings), another message, or "[message]".
MESSAGES: Final[dict[str, dict[str, str]]] = {
    "space": {
        "version": "int",
        "config": "config",
        "data_sources": "data_sources",
        "instructions": "instructions",
        "benchmarks": "benchmarks",
    },
    "config": {"sample_questions": "[sample_question]"},
    "sample_question": {"id": "string", "question": "text"},
    "data_sources": {"tables": "[table]", "metric_views": "[table]"},
    "table": {"identifier": "string", "description": "text", "column_configs": "[column_config]"},
    "column_config": {
        "column_name": "string",
        "description": "text",
        "synonyms": "text",
        "exclude": "bool",
        "get_example_values": "bool",
        "build_value_dictionary": "bool",
        "enable_format_assistance": "bool",
        "enable_entity_matching": "bool",
    },
    "instructions": {
        "text_instructions": "[text_instruction]",
        "example_question_sqls": "[example_question_sql]",
        "sql_functions": "[sql_function]",
        "join_specs": "[join_spec]",
        "sql_snippets": "sql_snippets",
    },
    "text_instruction": {"id": "string", "content": "text"},
    "example_question_sql": {
        "id": "string",
        "question": "text",
        "sql": "text",
        "parameters": "[parameter]",
        "usage_guidance": "text",
    },
    "parameter": {"name": "string", "type_hint": "string", "description": "text", "default_value": "default_value"},
    "default_value": {"values": "text"},
    "sql_function": {"id": "string", "identifier": "string"},
    "join_spec": {
        "id": "string",
        "left": "join_side",
        "right": "join_side",
        "sql": "text",
        "comment": "text",
        "instruction": "text",
    },
    "join_side": {"identifier": "string", "alias": "string"},
    "sql_snippets": {"filters": "[filter]", "expressions": "[expression]", "measures": "[measure]"},
    "filter": {
        "id": "string",
        "sql": "text",
        "display_name": "string",
        "synonyms": "text",
        "instruction": "text",
        "comment": "text",
    },
    "expression": {},
    "measure": {},
    "benchmarks": {"questions": "[benchmark_question]"},
    "benchmark_question": {"id": "string", "question": "text", "answer": "[answer]"},
    "answer": {"format": "string", "content": "text"},
}
MESSAGES["expression"] = MESSAGES["measure"] = {**MESSAGES["filter"], "alias": "string"}

LONGEST_STRING: Final = 25_000
LONGEST_ARRAY: Final = 10_000


def parse_export(text: str) -> dict[str, Any]:
    """Return the document in ``text``.

    Raises:
        ApiError: 400 with the server's message for the first thing that does not fit the export message.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise bad_request("Invalid JSON in field 'serialized_space'") from None
    if not isinstance(document, dict):
        raise bad_request("Invalid JSON in field 'serialized_space'")
    _check(document, "space", "serialized_space")
    return document


def _check(value: Any, message: str, where: str) -> None:
    if not isinstance(value, dict):
        raise _wrong("an object", where, value)
    fields = MESSAGES[message]
    for name, item in value.items():
        if name not in fields:
            raise invalid(f"Invalid serialized_space: Unknown field '{name}'")
        if item is not None:
            _check_field(item, fields[name], name)


def _check_field(value: Any, kind: str, name: str) -> None:
    if kind == "string":
        if not isinstance(value, str):
            raise _wrong("a string", name, value)
        _check_length(value, name)
    elif kind == "bool":
        if not isinstance(value, bool):
            raise _wrong("a boolean", name, value)
    elif kind == "int":
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong("an integer", name, value)
    elif kind == "text":
        for item in _array(value, name):
            _check_field(item, "string", name)
    elif kind.startswith("["):
        for item in _array(value, name):
            _check(item, kind[1:-1], name)
    else:
        _check(value, kind, name)


def _array(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong("an array", name, value)
    if len(value) > LONGEST_ARRAY:
        raise invalid(f"Invalid serialized_space: {name} must contain at most {LONGEST_ARRAY} items")
    return value


def _check_length(value: str, name: str) -> None:
    if len(value) > LONGEST_STRING:
        raise invalid(f"Invalid serialized_space: {name} must be at most {LONGEST_STRING} characters")


def _wrong(expected: str, name: str, value: Any) -> ApiError:
    seen = orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_SUBCLASS).decode()
    return invalid(f"Invalid serialized_space: Expected {expected} for {name} but found {seen[:200]}")
