"""Builders of evaluation results: valid unless a test says otherwise."""

from __future__ import annotations

import pytest

from mlflow_genie_plugin.evaluation.finding import Finding
from mlflow_genie_plugin.evaluation.result import EvaluationResult, QuestionResult
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, stored_json, stored_result
from mlflow_genie_plugin.workspace.answer import Column, QueryResult

JUDGES = ("syntax_validity", "result_correctness", "asset_routing")


@pytest.fixture
def make_table():
    """``make_table(rows, types=..., names=...)`` gives a QueryResult; types default to what the first row suggests."""

    def make(rows, types=None, names=None, *, width=None, row_count=None, truncated=False):
        rows = tuple(tuple(row) for row in rows)
        width = width if width is not None else len(rows[0]) if rows else len(types or ())
        types = types or [_type_of([row[i] for row in rows]) for i in range(width)]
        names = names or [f"c{i}" for i in range(width)]
        columns = tuple(Column(name, type_name) for name, type_name in zip(names, types, strict=True))
        return QueryResult(columns, rows, len(rows) if row_count is None else row_count, truncated)

    return make


def _type_of(values):
    kinds = {type(value).__name__ for value in values if value is not None}
    names = {"int": "LONG", "float": "DOUBLE", "Decimal": "DECIMAL", "bool": "BOOLEAN", "date": "DATE"}
    names |= {"datetime": "TIMESTAMP", "bytes": "BINARY", "list": "ARRAY", "dict": "MAP"}
    return names.get(next(iter(kinds)), "STRING") if kinds else "STRING"


@pytest.fixture
def make_question():
    """``make_question("q1", outcomes={"result_correctness": "failed"})``; every judge passes unless told otherwise."""

    def make(question_id="q1", *, outcomes=None, judges=JUDGES, priority="P1", split="train", **changes):
        outcomes = outcomes or {}
        table = QueryResult((Column("n", "LONG", "BIGINT"),), ((1,),), 1)
        expected = stored_result(table, None)
        answer = AnswerRecord(**{**_fields(expected), "sql": "SELECT 1 AS n", "compiles": True})
        findings = {}
        for judge in judges:
            outcome = outcomes.get(judge, "passed")
            if outcome == "missing":
                continue
            passed = outcome == "passed"
            findings[judge] = Finding(
                judge, outcome, 1.0 if passed else 0.0, None if passed else "TEST", "" if passed else "wrong on purpose"
            )
        values = {
            "question_id": question_id,
            "question": f"How many rows does {question_id} have?",
            "priority": priority,
            "split": split,
            "category": None,
            "expected_sql": "SELECT 1 AS n",
            "expected_asset": None,
            "answer": answer,
            "expected": expected,
            "findings": findings,
        }
        return QuestionResult(**{**values, **changes})

    return make


def _fields(record):
    document = stored_json(record)
    return {**document, "columns": record.columns}


@pytest.fixture
def make_result(make_question):
    """``make_result(n=3)`` gives a complete EvaluationResult of ``n`` questions that all judges pass."""

    def make(n=3, *, questions=None, judges=JUDGES, scope="full", benchmarks=None, **changes):
        if questions is None:
            questions = tuple(make_question(f"q{i + 1}", judges=judges) for i in range(n))
        values = {
            "evaluation_id": "e" * 32,
            "model_id": "m-" + "1" * 32,
            "space_id": "01ef" + "0" * 28,
            "status": "complete",
            "config": {"content_sha256": "a" * 64, "behaviour_sha256": "b" * 64, "snapshot_sha256": "c" * 64},
            "live": {"behaviour_sha256_before": "b" * 64, "behaviour_sha256_after": "b" * 64},
            "benchmarks": {
                "name": "sample",
                "sha256": "d" * 64,
                "total": len(questions),
                "planned": len(questions),
                "scope": scope,
                **(benchmarks or {}),
            },
            "runner": {
                "kind": "conversation",
                "version": "1",
                "started_at": "2026-01-01T00:00:00.000Z",
                "finished_at": "2026-01-01T00:01:00.000Z",
            },
            "judges": {judge: {"version": "1"} for judge in judges},
            "questions": tuple(questions),
        }
        return EvaluationResult(**{**values, **changes})

    return make


@pytest.fixture
def live_model(local_workspace, tracking):
    """The sample space saved as a model version; yields its id."""
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID
    from mlflow_genie_plugin.snapshot.create import create_genie_model_version
    from mlflow_genie_plugin.workspace.auth import connect

    live = connect().spaces.get_space(SAMPLE_SPACE_ID)
    return create_genie_model_version(SAMPLE_SPACE_ID, live.serialized_space, 0, "sample")


@pytest.fixture
def few_questions():
    """Six of the sample's questions, two of them P0."""
    from mlflow_genie_plugin.emulator.sample import sample_benchmarks
    from mlflow_genie_plugin.evaluation.benchmark import BenchmarkSet, parse_benchmarks

    every = parse_benchmarks(sample_benchmarks(), what="sample.yaml").benchmarks
    p0 = [item for item in every if item.priority == "P0"]
    return BenchmarkSet("few", (*p0[:2], *[item for item in every if item.priority != "P0"][:4]))
