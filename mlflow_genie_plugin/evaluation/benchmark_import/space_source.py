"""Benchmark questions out of a space's own configuration."""

from __future__ import annotations

from mlflow_genie_plugin.evaluation.benchmark_import.candidate import Candidate
from mlflow_genie_plugin.schemas import json_path
from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.space.shape import BENCHMARK, dicts_of, text_of


def candidates_of_space(config: SpaceConfig) -> list[Candidate]:
    """Return the space's benchmark questions; those without exactly one answer of format SQL have a problem."""
    found = []
    for index, item in dicts_of(config.document, BENCHMARK.path):
        entry = {"id": item.get("id"), "question": text_of(item.get("question")).strip(), "source": "space"}
        sql, problem = _sql_of(item.get("answer"))
        if sql is not None:
            entry["expected_sql"] = sql
        unknown = tuple(key for key in item if key not in ("id", "question", "answer"))
        found.append(Candidate(json_path([*BENCHMARK.path, index]), entry, unknown, problem))
    return found


def _sql_of(answer: object) -> tuple[str | None, str | None]:
    if not isinstance(answer, list) or not answer:
        return None, "it has no answer"
    if len(answer) > 1:
        return None, f"it has {len(answer)} answers"
    only = answer[0]
    form = only.get("format") if isinstance(only, dict) else None
    if str(form).upper() != "SQL":
        return None, f"its answer has the format {form}, not SQL"
    return text_of(only.get("content")).strip(), None
