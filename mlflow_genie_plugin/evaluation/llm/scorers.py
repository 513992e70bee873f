"""Opinions of judges that you made with MLflow: ``make_judge``, ``@scorer`` functions, ``Scorer`` classes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlflow_genie_plugin.canonical_json import sha256_of_bytes, sha256_of_json
from mlflow_genie_plugin.evaluation.llm.opinion import JUDGED_WRONG, Opinion, allowed_types, errored_opinion
from mlflow_genie_plugin.evaluation.llm.reply import one_line
from mlflow_genie_plugin.evaluation.llm.request import Asked, OpinionRequest
from mlflow_genie_plugin.evaluation.ruling import VERDICTS

_WORDS = {
    "passed": "passed", "pass": "passed", "yes": "passed", "true": "passed", "correct": "passed",
    "failed": "failed", "fail": "failed", "no": "failed", "false": "failed", "incorrect": "failed",
    "undetermined": "undetermined", "unknown": "undetermined",
}  # fmt: skip


@dataclass(frozen=True)
class ScorerOpinions:
    """An opinionist that runs MLflow scorers.

    A scorer gets ``inputs`` (question, columns_of_the_space), ``outputs`` (sql, result, and text where rows are shown)
    and ``expectations`` (expected_sql, expected_result); it answers with True or False, yes or no, passed, failed or
    undetermined, 1 or 0, or a Feedback with one of these. Anything else is no answer. Its prompt is its own: what it
    does about instructions inside the data is for it to know.

    Attributes:
        scorers: Judge → scorer.
        modes: Judge → ``explain`` or ``settle``.
        rows: Whether result rows and Genie's text are shown.
    """

    scorers: Mapping[str, Any]
    modes: Mapping[str, str]
    rows: bool = False

    def asked(self, judge: str) -> Asked | None:
        scorer, mode = self.scorers.get(judge), self.modes.get(judge)
        if scorer is None or mode is None:
            return None
        name = str(getattr(scorer, "name", type(scorer).__name__))
        return Asked(mode, str(getattr(scorer, "model", None) or f"scorer:/{name}"), name, "inline", _digest(scorer),
                     self.rows)  # fmt: skip

    def opinion(self, request: OpinionRequest) -> Opinion:
        if request.too_long:
            return errored_opinion("too_long", request.too_long)
        data = request.data
        try:
            said = self.scorers[request.judge].run(
                inputs=_named(data, question="question", columns_of_the_space="columns_of_the_space"),
                outputs=_named(data, sql="answer_sql", result="answer_result", text="answer_text"),
                expectations=_named(data, expected_sql="expected_sql", expected_result="expected_result"),
            )
        except Exception as error:  # noqa: BLE001 - whatever a scorer raises is an opinion that did not come
            return errored_opinion("unavailable", f"it raised {type(error).__name__}")
        return _read(said, request.judge)


def _named(data: Mapping[str, str], **names: str) -> dict[str, str]:
    return {name: data[key] for name, key in names.items() if key in data}


def _read(said: Any, judge: str) -> Opinion:
    problem = getattr(said, "error", None)
    if problem is not None:
        return errored_opinion("unavailable", f"it reported {getattr(problem, 'error_code', None) or 'an error'}")
    value = getattr(said, "value", said)
    rationale = one_line(str(getattr(said, "rationale", None) or ""))
    digest = sha256_of_json([_plain(value), rationale])
    outcome = _outcome(value, judge)
    if outcome is None:
        return errored_opinion("garbage", "its value was neither yes nor no", digest)
    failure_type = None
    if outcome == "failed":
        failure_type = (getattr(said, "metadata", None) or {}).get("failure_type", JUDGED_WRONG)
        if failure_type != JUDGED_WRONG and failure_type not in allowed_types(judge):
            return errored_opinion("garbage", f"its failure type is none that {judge} may name", digest)
    return Opinion(outcome, failure_type, rationale or "it gave no reason", None, digest)


def _outcome(value: Any, judge: str) -> str | None:
    # Whole words only: "unknown" holds a "no".
    word = value.strip().casefold() if isinstance(value, str) else None
    if judge == "arbiter":
        return word if word in VERDICTS else None
    if word is not None:
        return _WORDS.get(word)
    if isinstance(value, bool) or (isinstance(value, int | float) and math.isfinite(value) and value in (0, 1)):
        return "passed" if value else "failed"
    return None


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) or value is None else type(value).__name__


def _digest(scorer: Any) -> str:
    """Return the digest of what the scorer is: its instructions, or its source."""
    instructions = getattr(scorer, "instructions", None)
    if isinstance(instructions, str):
        return sha256_of_bytes(instructions.encode())
    import inspect

    function = getattr(scorer, "_original_func", None) or type(scorer)
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        source = f"{function.__module__}.{function.__qualname__}"
    return sha256_of_bytes(source.encode())
