"""Storing 200 judged questions in MLflow against ``mlflow.genai.evaluate`` with one scorer that does nothing.

Ours stores a trace and one assessment per judge for every question, reads them back, and stores the result file; the
reference stores a trace with one assessment. Each run has a fresh SQLite store; runs alternate.
"""

from __future__ import annotations

import contextlib
import io
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlflow_genie_plugin.evaluation.finding import Finding
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.evaluation.result import EvaluationResult, QuestionResult
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, StoredResult

QUESTIONS, PAIRS = 200, 3
SQL = "SELECT o_orderpriority, count(*) FROM samples.tpch.orders GROUP BY 1 ORDER BY 1"


@contextlib.contextmanager
def fresh_store() -> Iterator[str]:
    import mlflow

    with tempfile.TemporaryDirectory() as folder:
        mlflow.set_tracking_uri(f"sqlite:///{Path(folder) / 'mlflow.db'}")
        mlflow.set_experiment(experiment_id=mlflow.create_experiment("bench", (Path(folder) / "artifacts").as_uri()))
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            yield folder
        mlflow.set_tracking_uri(None)


def a_question(number: int) -> QuestionResult:
    findings = {name: Finding(name, "passed", 1.0, None, "the result is the expected one") for name in JUDGES.names()}
    return QuestionResult(
        question_id=f"q{number:03}", question=f"How many orders per priority, variant {number}?", priority="P1",
        split="train", category="aggregation", expected_sql=SQL, expected_asset="TABLE",
        answer=AnswerRecord(sql=SQL, compiles=True, row_count=5), expected=StoredResult(row_count=5), findings=findings,
    )  # fmt: skip


def a_result(model_id: str) -> EvaluationResult:
    return EvaluationResult(
        evaluation_id="0" * 32, model_id=model_id, space_id="0" * 32, status="complete",
        config=dict.fromkeys(("content_sha256", "behaviour_sha256", "snapshot_sha256"), "0" * 64),
        live={"behaviour_sha256_before": None, "behaviour_sha256_after": None},
        benchmarks={"name": "b", "sha256": "0" * 64, "total": QUESTIONS, "planned": QUESTIONS, "scope": "full"},
        runner={"kind": "conversation", "version": "0", "started_at": "", "finished_at": ""},
        judges={name: {"version": "1"} for name in JUDGES.names()},
        questions=tuple(map(a_question, range(QUESTIONS))),
    )  # fmt: skip


def ours() -> float:
    import mlflow

    from mlflow_genie_plugin import registry
    from mlflow_genie_plugin.evaluation.mlflow_logging import store_evaluation

    with fresh_store():
        model = mlflow.create_external_model(name="bench")
        result = a_result(model.model_id)
        run = registry.create_run("evaluation")
        record = registry.get_model(model.model_id)
        started = time.perf_counter()
        store_evaluation(run.run_id, record, result)
        return time.perf_counter() - started


def reference() -> float:
    from mlflow.genai import evaluate, scorer

    @scorer
    def trivial(outputs: Any) -> bool:
        return bool(outputs)

    with fresh_store():
        data = [
            {"inputs": {"question": item.question}, "outputs": {"sql": SQL}, "expectations": {"expected_sql": SQL}}
            for item in map(a_question, range(QUESTIONS))
        ]
        started = time.perf_counter()
        evaluate(data=data, scorers=[trivial])
        return time.perf_counter() - started


def main() -> None:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    # What makes the reference safe and quick on SQLite; with its default workers it loses rows.
    os.environ["MLFLOW_GENAI_EVAL_MAX_WORKERS"] = "4"
    os.environ["MLFLOW_GENAI_EVAL_SCORER_RATE_LIMIT"] = "0"
    pairs = [(ours(), reference()) for _ in range(PAIRS)]
    mine, other = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"{QUESTIONS} questions, {len(JUDGES.names())} judges: {mine:.1f} s, genai.evaluate, 1 scorer: {other:.1f} s")
    print(f"ratio {statistics.median(a / b for a, b in pairs):.2f} (target 1.0)")


if __name__ == "__main__":
    main()
