"""A tracking store with versions and evaluations to gate, made once, and plain evidence to decide on."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from mlflow_genie_plugin.clock import SYSTEM_CLOCK, iso_utc
from mlflow_genie_plugin.evaluation.benchmark import BenchmarkSet
from mlflow_genie_plugin.evaluation.judge import judge_case, judge_versions
from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.judges import JUDGES as REAL_JUDGES
from mlflow_genie_plugin.evaluation.large_result import large_files
from mlflow_genie_plugin.evaluation.mlflow_logging import metrics_of
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.result import EvaluationResult, QuestionResult
from mlflow_genie_plugin.evaluation.result_file import evaluation_sha256, result_bytes
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SchemaColumn, SpaceSchema
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, stored_result
from mlflow_genie_plugin.gating.checklist import ROWS
from mlflow_genie_plugin.gating.manifest import JUDGE_VERSIONS, JUDGES
from mlflow_genie_plugin.gating.observed import BaselineObserved, EvaluationObserved, Evidence, Hashes, RunObserved
from mlflow_genie_plugin.gating.question_observed import FindingObserved, QuestionObserved
from mlflow_genie_plugin.space.parse import parse_space
from mlflow_genie_plugin.workspace.answer import Column, QueryResult

REPOSITORY = Path(__file__).parents[2]
SPACE_ID = "0123456789abcdef0123456789abcdef"
SQL = "SELECT count(*) AS orders FROM samples.tpch.orders WHERE o_orderkey > {number}"


def space_document(note: str) -> dict:
    return {
        "version": 2,
        "data_sources": {"tables": [{"identifier": "samples.tpch.orders", "description": [note]}]},
        "instructions": {},
    }


CONFIG = parse_space(space_document("all orders"))
SCHEMA = SpaceSchema(
    {"samples.tpch.orders": SchemaAsset("samples.tpch.orders", "TABLE", (SchemaColumn("o_orderkey", "bigint"),))}
)


def benchmark_set(count: int, p0: int) -> BenchmarkSet:
    return BenchmarkSet(
        "orders",
        tuple(
            Benchmark(
                id=f"q{number:03d}",
                question=f"How many orders have a key above {number}?",
                expected_sql=SQL.format(number=number),
                expected_asset="TABLE",
                priority="P0" if number < p0 else "P1",
                split="held_out" if number % 5 == 0 else "train",
            )
            for number in range(count)
        ),
    )


def question_result(benchmark: Benchmark, *, right: bool = True, status: str = "COMPLETED") -> QuestionResult:
    number = int(benchmark.id[1:])
    expected = QueryResult((Column("orders", "LONG", "BIGINT"),), ((1000 - number,),), 1)
    given = expected if right else QueryResult(expected.columns, ((-1,),), 1)
    answered = status == "COMPLETED"
    record = stored_result(given if answered else None, None if answered else "the answer timed out")
    answer = AnswerRecord(
        **{f.name: getattr(record, f.name) for f in dataclasses.fields(record)},
        status=status,
        sql=benchmark.expected_sql if answered else None,
        compiles=True if answered else None,
        latency_seconds=2.0,
    )
    case = JudgedCase(
        benchmark,
        answer,
        stored_result(expected, None),
        SpaceAssets.of(CONFIG),
        SCHEMA,
        CONFIG,
        (answer, answer),
    )
    findings = judge_case(case, REAL_JUDGES.choose(JUDGES))
    return QuestionResult(
        question_id=benchmark.id,
        question=benchmark.question,
        priority=benchmark.priority,
        split=benchmark.split,
        category=None,
        expected_sql=benchmark.expected_sql,
        expected_asset=benchmark.expected_asset,
        answer=answer,
        expected=case.expected,
        findings=findings,
        repeats=case.repeats,
    )


def make_version(note: str = "orders", parent: str | None = None) -> str:
    from mlflow_genie_plugin.snapshot.create import create_genie_model_version

    return create_genie_model_version(SPACE_ID, space_document(note), 1, "orders", parent_model_id=parent)


def make_evaluation(
    model_id: str,
    *,
    count: int = 50,
    p0: int = 8,
    wrong: tuple[str, ...] = (),
    timed_out: tuple[str, ...] = (),
    scope: str = "full",
    state: str = "complete",
    edit=lambda result: result,
    params: dict | None = None,
    finished_at: str | None = None,
    large: bool = False,
) -> str:
    """Log an evaluation as the evaluation command does and return its run id; ``edit`` changes the result first."""
    from mlflow_genie_plugin import registry
    from mlflow_genie_plugin.flavor.load import read_snapshot

    snapshot = read_snapshot(model_id)
    benchmarks = benchmark_set(count, p0)
    planned = [
        b for b in benchmarks.benchmarks
        if scope == "full" or (scope == "p0" and b.priority == "P0") or (scope == "held_out" and b.split == "held_out")
        or (scope == "slice" and b.id < "q015")
    ]  # fmt: skip
    result = edit(
        EvaluationResult(
            evaluation_id="e" * 32,
            model_id=model_id,
            space_id=SPACE_ID,
            status="complete",
            config={
                "content_sha256": snapshot.content_sha256,
                "behaviour_sha256": snapshot.behaviour_sha256,
                "snapshot_sha256": snapshot.snapshot_sha256,
            },
            live={
                "behaviour_sha256_before": snapshot.behaviour_sha256,
                "behaviour_sha256_after": snapshot.behaviour_sha256,
            },
            benchmarks={
                "name": benchmarks.name,
                "sha256": benchmarks.sha256,
                "total": count,
                "planned": len(planned),
                "scope": scope,
            },
            runner={
                "kind": "conversation",
                "version": "1",
                "started_at": finished_at or iso_utc(SYSTEM_CLOCK.now()),
                "finished_at": finished_at or iso_utc(SYSTEM_CLOCK.now()),
            },
            judges=judge_versions(REAL_JUDGES.choose(JUDGES)),
            catalog=SCHEMA.to_json(),
            questions=tuple(
                question_result(b, right=b.id not in wrong, status="TIMED_OUT" if b.id in timed_out else "COMPLETED")
                for b in planned
            ),
        )
    )
    files = large_files(result, 250_000) if large else None
    data = result_bytes(result) if files is None else files.result
    run = registry.create_run(
        "evaluate orders",
        experiment_id=snapshot.model.experiment_id,
        tags={
            "genie.evaluation.status": state,
            "genie.evaluation.model_id": model_id,
            "genie.evaluation.scope": scope,
            "genie.evaluation.runner": "conversation",
        },
    )
    registry.log_artifacts(
        run.run_id,
        {
            "evaluation/evaluation_result.json": data,
            "evaluation/benchmarks.json": benchmarks.to_bytes(),
            **({} if files is None else {"evaluation/scores.parquet": files.scores}),
        },
    )
    recorded = {
        "genie.model_id": model_id,
        "genie.space_id": SPACE_ID,
        "genie.config_sha256": snapshot.content_sha256,
        "genie.behaviour_sha256": snapshot.behaviour_sha256,
        "genie.benchmarks_sha256": benchmarks.sha256,
        "genie.evaluation_sha256": evaluation_sha256(data),
    }
    registry.log_params(run.run_id, {k: v for k, v in {**recorded, **(params or {})}.items() if v is not None})
    registry.log_metrics(run.run_id, metrics_of(result), model_id)
    registry.set_terminated(run.run_id)
    return run.run_id


@pytest.fixture
def versions():
    """Functions that make a version, an evaluation, or a question's row in the current tracking store."""
    return SimpleNamespace(
        make=make_version, evaluate=make_evaluation, question=question_result, benchmarks=benchmark_set
    )


@pytest.fixture(scope="session")
def gate_template(tracking_template, tmp_path_factory):
    """A store with a good and a bad version, each evaluated; made once, copied by ``gate_store``."""
    import mlflow

    folder = tmp_path_factory.mktemp("gate-template")
    database = folder / "mlflow.db"
    shutil.copyfile(tracking_template, database)
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        artifacts = (folder / "artifacts").as_uri()
        connection.execute("UPDATE experiments SET artifact_location = ? || '/' || experiment_id", (artifacts,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        mlflow.set_tracking_uri(f"sqlite:///{database}")
        mlflow.set_registry_uri(f"sqlite:///{database}")
        mlflow.set_experiment(experiment_id="0")
        good = make_version("all orders")
        bad = make_version("orders, edited", parent=good)
        runs = {"good": make_evaluation(good), "bad": make_evaluation(bad, wrong=("q003",))}
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
    return SimpleNamespace(database=database, good=good, bad=bad, runs=runs)


class GateStore:
    """A private copy of the prepared store, and real pytest sessions on it."""

    def __init__(self, template, folder: Path) -> None:
        self.folder = folder
        self.good, self.bad, self.runs = template.good, template.bad, template.runs
        self.database = folder / "mlflow.db"
        shutil.copyfile(template.database, self.database)
        self.project = folder / "project"
        shutil.copytree(REPOSITORY / "gates", self.project / "gates", ignore=shutil.ignore_patterns("__pycache__"))
        (self.project / "pyproject.toml").write_text(
            '[tool.pytest.ini_options]\naddopts = ["--import-mode=importlib"]\ntestpaths = ["tests"]\n'
        )
        (self.project / "tests").mkdir()
        (self.project / "tests" / "test_own.py").write_text("def test_own():\n    pass\n")
        self.environment = {
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.database}",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "NO_COLOR": "1",
            "COLUMNS": "100",
        }

    def pytest(self, *arguments: str, model: str | None = None, cwd: Path | None = None, python=(), **environment):
        """Run pytest in a process of its own; ``model`` adds --model-id."""
        import os

        command = [sys.executable, *python, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        if model is not None:
            command.append(f"--model-id={model}")
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PYTEST", "MLFLOW", "GENIE", "GITHUB"))
        }
        return subprocess.run(
            command,
            cwd=cwd or self.project,
            env={**inherited, **self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def tags(self, model_id: str) -> dict[str, str]:
        """Return the gate's tags of a model, straight from the database."""
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            rows = connection.execute(
                "SELECT tag_key, tag_value FROM logged_model_tags WHERE model_id = ? AND tag_key LIKE 'genie.gate.%'",
                (model_id,),
            )
            return dict(rows)

    def marked(self, model_id: str, stage: str = "candidate") -> bool:
        return self.tags(model_id).get(f"genie.gate.{stage}.verdict") == "passed"

    def attest(self, model_id: str, gates: Path | None = None, **changes: str) -> Path:
        """Attest every row of the promotion checklist that a person can, for one version; ``changes`` to each entry."""
        today = SYSTEM_CLOCK.now().date()
        rows = [
            {
                "row": row.name,
                "by": "ana@example.com",
                "attested_on": today.isoformat(),
                "evidence": f"https://example.com/{row.name}",
                "expires": (today + timedelta(days=30)).isoformat(),
                "model_id": model_id,
            }
            | changes
            for row in ROWS.values()
            if row.attestable
        ]
        path = (gates or self.project / "gates") / "attestations.yaml"
        path.write_text(json.dumps({"format_version": 1, "attestations": rows}, indent=1))
        return path

    def forget_marks(self) -> None:
        """Take every gate tag off every model."""
        with contextlib.closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("DELETE FROM logged_model_tags WHERE tag_key LIKE 'genie.gate.%'")


@pytest.fixture(scope="session")
def shared_gate_store(gate_template, tmp_path_factory):
    return GateStore(gate_template, tmp_path_factory.mktemp("shared-gate-store"))


@pytest.fixture
def gate_store(gate_template, tmp_path):
    return GateStore(gate_template, tmp_path)


RUN = RunObserved(
    params=dict.fromkeys(
        ("genie.model_id", "genie.config_sha256", "genie.benchmarks_sha256", "genie.evaluation_sha256"), "x"
    ),
    tags={"genie.evaluation.scope": "full", "genie.evaluation.runner": "conversation"},
    metrics={"result_correctness/mean": 1.0},
)


def observed_question(number: int, p0: int = 8, **outcomes: str) -> QuestionObserved:
    return QuestionObserved(
        question_id=f"q{number:03d}",
        question=f"Question {number}?",
        priority="P0" if number < p0 else "P1",
        answered=True,
        findings={judge: FindingObserved(outcomes.get(judge, "passed"), None, "") for judge in JUDGES},
        expected_sql=SQL.format(number=number),
        latency_seconds=2.0,
        entry={"category": "even" if number % 2 == 0 else "odd", "priority": "P0" if number < p0 else "P1"},
    )


@pytest.fixture
def evidence():
    """A function that makes plain evidence: ``count`` right answers; facts of the evaluation change by keyword."""

    def make(count: int = 50, p0_count: int = 8, questions=None, model: dict | None = None, **changes) -> Evidence:
        questions = tuple(observed_question(n, p0_count) for n in range(count)) if questions is None else questions
        ids = tuple(f"q{n:03d}" for n in range(count))
        hashes = Hashes("c" * 64, "b" * 64, "a" * 64)
        facts = {
            "run_id": "r" * 32, "sha256": "e" * 64, "recorded_sha256": "e" * 64, "problem": "", "state": "complete",
            "status": "complete", "invalid_reason": "", "scope": "full", "model_id": "m-1", "recorded_model_id": "m-1",
            "hashes": hashes, "live_before": "b" * 64, "live_after": "b" * 64, "benchmarks_sha256": "d" * 64,
            "recorded_benchmarks_sha256": "d" * 64, "stored_benchmarks_sha256": "d" * 64, "planned_count": count,
            "planned": ids, "p0": ids[:p0_count], "questions": tuple(questions), "attempts": 1,
            "benchmarks_name": "orders", "runner": "conversation", "started_at": "2026-11-20T09:00:00.000Z",
            "finished_at": "2026-11-20T10:00:00.000Z",
            "judges": {name: {"version": version} for name, version in JUDGE_VERSIONS.items()},
        }  # fmt: skip
        evaluation = EvaluationObserved(**{**facts, **changes})
        own = {
            "model_id": "m-1", "model_name": "genie-orders", "space_id": SPACE_ID, "hashes": hashes,
            "observed_at": "2026-11-20T12:00:00.000Z", "run": RUN,
            "baselines": {"parent": BaselineObserved(None, absent="the version has no parent"),
                          "champion": BaselineObserved(None, absent="the version is not registered")},
        }  # fmt: skip
        return Evidence(**{**own, "evaluation": evaluation, **(model or {})})

    return make


@pytest.fixture
def observed():
    """Make one observed question: ``observed(3, result_correctness="failed")``."""
    return observed_question


@pytest.fixture
def criteria_bytes():
    return (REPOSITORY / "gates" / "criteria.yaml").read_bytes()


@pytest.fixture
def verdict_of(criteria_bytes):
    """A function that decides on plain evidence with the packaged criteria."""
    from mlflow_genie_plugin.gating.criteria import parse_criteria
    from mlflow_genie_plugin.gating.decide import decide
    from mlflow_genie_plugin.gating.verdict import make_verdict

    def make(evidence, stage="candidate", **changes):
        criteria = parse_criteria(criteria_bytes, stage)
        facts = {"custom_gates": {}, "problems": {}, "suite_files": {"gates/test_p0.py": "a" * 64}, "dry_run": False}
        facts |= {"decided_at": "2026-11-20T10:00:00.000Z", "provenance": {"plugin_version": "0.1.0"}}
        results = decide(criteria, evidence)
        return make_verdict(criteria, "gates/criteria.yaml", evidence, results, **{**facts, **changes})

    return make


@pytest.fixture(scope="session")
def marked_template(gate_template, tmp_path_factory):
    """A store after one honest gate run of the good version."""
    store = GateStore(gate_template, tmp_path_factory.mktemp("marked-store"))
    done = store.pytest("gates/", model=store.good)
    assert done.returncode == 0, done.stdout + done.stderr
    return store


@pytest.fixture
def marked(marked_template, tmp_path, monkeypatch):
    """A marked version in a private copy of the store, artifacts included; the working folder is the project."""
    import mlflow

    store = marked_template
    with contextlib.closing(sqlite3.connect(store.database)) as connection:
        (location,) = connection.execute("SELECT artifact_location FROM experiments WHERE experiment_id = 0").fetchone()
        runs = {run_id for (run_id,) in connection.execute("SELECT run_uuid FROM runs")}
    artifacts = Path(location.removeprefix("file://")).parent
    database, copy = tmp_path / "mlflow.db", tmp_path / "artifacts"
    shutil.copyfile(store.database, database)

    def of_others(folder: str, names: list[str]) -> set[str]:
        # Stores made from one template keep their artifacts in one folder.
        here = folder == str(artifacts / "0")
        return {name for name in names if here and len(name) == 32 and name not in runs}

    shutil.copytree(artifacts, copy, ignore=of_others)
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri"),
                              ("logged_models", "artifact_location")):  # fmt: skip
            connection.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (str(artifacts), str(copy)))
    shutil.copytree(store.project, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    mlflow.set_tracking_uri(f"sqlite:///{database}")
    mlflow.set_registry_uri(f"sqlite:///{database}")
    yield store
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)
