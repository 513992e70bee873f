"""Rules on benchmark questions and trusted examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.space.limits import Limits
from mlflow_genie_plugin.space.shape import BENCHMARK, EXAMPLE, dicts_of, dotted, is_text
from mlflow_genie_plugin.space.text_rules import fused_lines


def benchmark_violations(document: dict[str, Any], _: Limits) -> Iterator[Violation]:
    """Every benchmark question has exactly one answer, and the answer has SQL."""
    for index, question in dicts_of(document, BENCHMARK.path):
        answers = question.get("answer")
        if not isinstance(answers, list):
            continue
        path = f"{dotted(BENCHMARK)}[{index}].answer"
        if len(answers) != 1:
            yield Violation(
                path,
                "benchmark-answer",
                f"{len(answers)} answers; a benchmark question has exactly one",
                fix="keep one",
            )
        for number, answer in enumerate(answers):
            content = answer.get("content") if isinstance(answer, dict) else None
            if isinstance(content, list) and is_text(content):
                where = f"{path}[{number}].content"
                if not "".join(content).strip():
                    yield Violation(
                        where, "empty-text", "the answer's SQL is empty", fix="write the SQL or remove the question"
                    )
                elif found := fused_lines(content, where, is_sql=True):
                    yield found


def example_violations(document: dict[str, Any], _: Limits) -> Iterator[Violation]:
    """An example's parameters have different names."""
    for index, example in dicts_of(document, EXAMPLE.path):
        seen: set[str] = set()
        for number, parameter in dicts_of(example, ("parameters",)):
            name = parameter.get("name")
            if not isinstance(name, str):
                continue
            path = f"{dotted(EXAMPLE)}[{index}].parameters[{number}]"
            if name in seen:
                yield Violation(
                    f"{path}.name", "parameter-unique", f"the parameter {name!r} stands twice", fix="remove one"
                )
            seen.add(name)
            if found := fused_lines(parameter.get("description"), f"{path}.description", is_sql=False):
                yield found
