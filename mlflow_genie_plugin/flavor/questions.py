"""The questions of a prediction, in any of the shapes that MLflow passes to a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_QUESTION_KEYS = frozenset({"question", "questions", "input", "inputs"})


def questions_of(data: Any) -> list[str]:
    """Return the questions in any of the shapes that MLflow passes to a model.

    Raises:
        MlflowException: No question, an empty one, something else than text, or a frame whose column is another one.
    """
    if hasattr(data, "columns") and hasattr(data, "iloc"):
        data = _column_of(data)
    if isinstance(data, Mapping):
        data = _value_of(data)
    elif hasattr(data, "tolist"):
        data = data.tolist()
    items = data if isinstance(data, (list, tuple)) else [data]
    questions: list[str] = []
    for item in items:
        value = _value_of(item) if isinstance(item, Mapping) else item
        value = value.tolist() if hasattr(value, "tolist") else value
        questions.extend(_text(part) for part in (value if isinstance(value, (list, tuple)) else [value]))
    if not questions:
        raise _bad_input("there is no question in the input")
    return questions


def _column_of(frame: Any) -> Any:
    names = list(frame.columns)
    if len(names) != 1 or (names[0] not in (0, "0") and str(names[0]).lower() not in _QUESTION_KEYS):
        raise _bad_input(f"the input has the columns {', '.join(map(str, names)) or 'none'}")
    return frame.iloc[:, 0].tolist()


def _value_of(item: Mapping[Any, Any]) -> Any:
    keys = list(item)
    if len(keys) != 1 or (keys[0] != 0 and str(keys[0]).lower() not in _QUESTION_KEYS):
        raise _bad_input(f"the input has the keys {', '.join(map(str, keys)) or 'none'}")
    return item[keys[0]]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        shown = repr(value) if isinstance(value, str) else type(value).__name__
        raise _bad_input(f"a question is {shown}")
    return value


def _bad_input(why: str) -> Exception:
    from mlflow.exceptions import MlflowException

    error: Exception = MlflowException.invalid_parameter_value(
        f"{why} — give a question, a list of questions, or one column named question"
    )
    return error
