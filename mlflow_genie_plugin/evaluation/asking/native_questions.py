"""The benchmark questions that a space holds itself, and which of them are ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlflow_genie_plugin.errors import InvalidBenchmarksError, Violation
from mlflow_genie_plugin.evaluation.question import Benchmark, normalise_question
from mlflow_genie_plugin.space.parse import parse_space


@dataclass(frozen=True, slots=True)
class NativeQuestion:
    """A benchmark question as the space holds it; ``sql`` is None when it has no SQL answer there."""

    question_id: str
    question: str
    sql: str | None


def match_questions(benchmarks: Iterable[Benchmark], serialized_space: str) -> dict[str, NativeQuestion]:
    """Return, for each benchmark id, the space's own question with the same id or text.

    Raises:
        InvalidBenchmarksError: The space lacks questions; lists every one.
    """
    listed = list(_native_questions(serialized_space))
    by_id = {item.question_id: item for item in listed}
    by_text = {normalise_question(item.question): item for item in reversed(listed)}
    found: dict[str, NativeQuestion] = {}
    missing: list[Violation] = []
    for item in benchmarks:
        wanted = normalise_question(item.question)
        native = by_id.get(item.id)
        if native is not None and normalise_question(native.question) != wanted:
            missing.append(
                Violation(
                    f"question {item.id}", "native-question", f"the space asks it as {native.question!r}",
                    fix="write it the same way in both",
                )
            )  # fmt: skip
            continue
        native = native or by_text.get(wanted)
        if native is None:
            missing.append(
                Violation(f"question {item.id}", "native-question", f"the space does not have {item.question!r}")
            )
        else:
            found[item.id] = native
    if missing:
        raise InvalidBenchmarksError(
            f"{len(missing)} questions are not among the {len(listed)} benchmark questions of the space; "
            "nothing was asked",
            missing,
            next_step="add them to the space's benchmarks, or evaluate with --runner conversation",
        )
    return found


def _native_questions(serialized_space: str) -> Iterable[NativeQuestion]:
    benchmarks = parse_space(serialized_space).document.get("benchmarks") or {}
    for item in benchmarks.get("questions") or []:
        answers = [answer for answer in item.get("answer") or [] if answer.get("format") == "SQL"]
        sql = "".join(answers[0].get("content") or []) if answers else ""
        yield NativeQuestion(str(item.get("id")), "".join(item.get("question") or []), sql or None)
