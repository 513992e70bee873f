"""Everything that can be forged about a mark, and the check of ``verify`` that finds it: one table, name → detector.

A good version is marked honestly, a bad one fails P0. Each forgery is done by someone who may write to MLflow.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.evaluation.result_file import parse_result, result_files
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.verify import verify

STAGE = "genie.gate.candidate."


@dataclass(frozen=True)
class Forgery:
    """What is forged, the checks that must fail, and what one of them has to say."""

    name: str
    forge: Callable[[Any], object]
    detectors: tuple[str, ...]
    says: str
    model: str = "good"
    stage: str | None = None
    options: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name} -> {' + '.join(self.detectors)}".replace("/", "|")


@pytest.fixture
def scene(marked, versions, tmp_path):
    """The marked store with hands to forge it: tags, artifacts, runs, the database itself."""
    good = registry.get_model(marked.good)

    def artifact(run_id: str, name: str) -> Path:
        return Path(registry.get_run(run_id).artifact_uri.removeprefix("file://")) / name

    def sql(statement: str, *values: object) -> None:
        database = os.environ["MLFLOW_TRACKING_URI"].removeprefix("sqlite:///")
        with closing(sqlite3.connect(database)) as connection, connection:
            assert connection.execute(statement, values).rowcount > 0

    return SimpleNamespace(
        good=marked.good,
        bad=marked.bad,
        runs=marked.runs,
        versions=versions,
        gate_run=good.tags[f"{STAGE}run_id"],
        marks={key: value for key, value in good.tags.items() if key.startswith("genie.gate.")},
        artifact=artifact,
        elsewhere=tmp_path,
        sql=sql,
    )


def tag(key: str, value: str) -> Callable[[Any], object]:
    return lambda scene: registry.set_model_tags(scene.good, {STAGE + key: value})


def edited(name: str, old: bytes, new: bytes, run: str = "good") -> Callable[[Any], object]:
    def forge(scene):
        path = scene.artifact(scene.runs[run], name)
        data = path.read_bytes()
        assert old in data
        path.write_bytes(data.replace(old, new))

    return forge


def verdict(change: Callable[[dict, Any], object], model: str = "good") -> Callable[[Any], object]:
    """Rewrite the verdict and let every tag of the mark fit it, as a careful forger does."""

    def forge(scene):
        path = scene.artifact(scene.gate_run, "gate/verdict.json")
        document = json.loads(path.read_bytes())
        change(document, scene)
        data = json.dumps(document).encode()
        path.write_bytes(data)
        fitting = {
            "verdict_sha256": sha256_of_bytes(data),
            "model_id": document["model"]["model_id"],
            "evaluation_run_id": document["evaluation"]["run_id"],
            "evaluation_sha256": document["evaluation"]["sha256"],
            "config_sha256": document["model"]["content_sha256"],
            "criteria_sha256": document["criteria"]["sha256"],
            "suite_sha256": document["suite"]["sha256"],
            "decided_at": document["decided_at"],
        }
        own = {STAGE + key: value for key, value in fitting.items()}
        registry.set_model_tags(getattr(scene, model), {**scene.marks, **own})

    return forge


def of_bad(document, scene):
    document["model"]["model_id"] = scene.bad
    document["evaluation"]["run_id"] = scene.runs["bad"]


def better_share(document, scene):
    gate = next(gate for gate in document["gates"] if gate["gate"] == "threshold[result_correctness]")
    gate["value"] = 0.5 if gate["value"] == 1 else 1.0


def without_a_gate(document, scene):
    document["gates"] = [gate for gate in document["gates"] if gate["gate"] != "p0"]


def names(criteria: str) -> Callable[[dict, Any], None]:
    """Let the verdict name criteria of its own, which lie in the trusted folder too."""

    def change(document, scene):
        data = Path("gates/criteria.yaml").read_bytes().replace(b"target: 0.85", b"target: 0.01")
        Path(criteria).parent.mkdir(exist_ok=True)
        Path(criteria).write_bytes(data)
        document["criteria"] = {"name": criteria, "sha256": sha256_of_bytes(data)}

    return change


def with_other_gate_file(document, scene):
    from mlflow_genie_plugin.gating.suite import suite_sha256

    document["suite"]["files"]["gates/test_p0.py"] = "0" * 64
    document["suite"]["sha256"] = suite_sha256(document["suite"]["files"])


def decided_in_the_future(document, scene):
    document["decided_at"] = (datetime.now(UTC) + timedelta(days=9)).isoformat(timespec="milliseconds")


def later_bad_evaluation(scene) -> str:
    return scene.versions.evaluate(scene.good, wrong=("q001", "q002"))


def retagged(key: str, value: str | None) -> Callable[[Any], object]:
    def forge(scene):
        run_id = later_bad_evaluation(scene)
        registry.set_run_tags(run_id, {key: value}) if value is not None else registry.delete_run_tag(run_id, key)

    return forge


def deleted(scene):
    scene.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", later_bad_evaluation(scene))


def started_later_than_now(scene):
    later = int((datetime.now(UTC) + timedelta(days=400)).timestamp() * 1000)
    scene.sql("UPDATE runs SET start_time = ? WHERE run_uuid = ?", later, scene.runs["good"])


def without_its_result(scene):
    scene.artifact(later_bad_evaluation(scene), "evaluation/evaluation_result.json").unlink()


def older_mark_brought_back(scene):
    """A later gate run on the same evaluation failed (a gate of the team's own, say); the old tags are back."""
    document = json.loads(scene.artifact(scene.gate_run, "gate/verdict.json").read_bytes())
    now = (datetime.now(UTC) + timedelta(seconds=1)).isoformat(timespec="milliseconds")
    failed = {**document, "outcome": "failed", "custom_gates": {"latency": "failed"}, "decided_at": now}
    tags = {"mlflow.runType": "genie_gate", "genie.gate.model_id": scene.good, "genie.gate.stage": "candidate"}
    run = registry.create_run("gate", experiment_id="0", tags={**tags, "genie.gate.verdict": "passed"})
    registry.log_artifacts(run.run_id, {"gate/verdict.json": json.dumps(failed).encode()})


def config_replaced(scene):
    folder = registry.get_model(scene.good).artifact_location.removeprefix("file://")
    path = Path(folder) / "genie_space.json"
    path.write_bytes(path.read_bytes().replace(b"all orders", b"no orders"))


def put(instead: str, find: Callable[[Any], Path]) -> Callable[[Any], object]:
    """Put a folder, or a link to an equal file, where a file was."""

    def forge(scene):
        path = find(scene)
        copy = path.rename(scene.elsewhere / path.name)
        path.mkdir() if instead == "folder" else path.symlink_to(copy)

    return forge


def model_file(name: str) -> Callable[[Any], Path]:
    return lambda scene: Path(registry.get_model(scene.good).artifact_location.removeprefix("file://")) / name


def result_file(scene) -> Path:
    return scene.artifact(scene.runs["good"], "evaluation/evaluation_result.json")


def evaluation_of_the_other_version(scene):
    registry.set_run_tags(scene.runs["good"], {"genie.evaluation.model_id": scene.bad})
    registry.set_model_tags(scene.bad, scene.marks)
    scene.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", scene.runs["bad"])


def rewritten(change, **more) -> Callable[[Any], object]:
    """Log a later evaluation that was invented, and take the mark off so that only the evidence is looked at."""
    return lambda scene: scene.versions.evaluate(scene.good, edit=change, **more)


def lying(result):
    """Give a wrong answer the findings of a right one."""
    first, *others = result.questions
    wrong = dataclasses.replace(first.answer, rows=((-1,),), result_sha256="0" * 64)
    return dataclasses.replace(result, questions=(dataclasses.replace(first, answer=wrong), *others))


def asking_a_model(result):
    facts = {
        "llm_mode": "settle", "llm_model": "openai:/m", "llm_prompt": "logic", "llm_prompt_version": "1",
        "llm_prompt_sha256": "1" * 64, "llm_rows": "hidden",
    }  # fmt: skip
    return {**result.judges, "schema_accuracy": {**result.judges["schema_accuracy"], **facts}}


def invented_opinion(result):
    """Let a model's word, given to no request at all, settle what evidence left open."""
    first, *others = result.questions
    opinion = {
        "outcome": "passed", "failure_type": None, "rationale": "fine", "confidence": 0.9, "answer_sha256": "2" * 64,
        "problem": None, "problem_text": "", "mode": "settle", "model": "openai:/m", "prompt": "logic",
        "prompt_version": "1", "request_sha256": "3" * 64, "settled": True, "deterministic": {"outcome": "abstained"},
    }  # fmt: skip
    finding = dataclasses.replace(first.findings["schema_accuracy"], opinion=opinion)
    other_sql = dataclasses.replace(first.answer, sql=(first.answer.sql or "").replace("count(*)", "count(o_orderkey)"))
    changed = dataclasses.replace(first, answer=other_sql, findings={**first.findings, "schema_accuracy": finding})
    return dataclasses.replace(result, questions=(changed, *others), judges=asking_a_model(result), catalog=None)


def judge_left_out(result):
    questions = tuple(
        dataclasses.replace(q, findings={k: v for k, v in q.findings.items() if k != "asset_routing"})
        for q in result.questions
    )
    return dataclasses.replace(result, questions=questions)


def question_left_out(result):
    return dataclasses.replace(result, questions=result.questions[1:])


def rows_in_parquet(scene):
    """Store the evaluation's rows in Parquet, honestly, under a new run."""
    path = scene.artifact(scene.runs["good"], "evaluation/evaluation_result.json")
    data, rows = result_files(parse_result(path.read_bytes()), 0)
    assert rows is not None
    run_id = scene.versions.evaluate(scene.good, params={"genie.evaluation_sha256": sha256_of_bytes(data)})
    scene.artifact(run_id, "evaluation/evaluation_result.json").write_bytes(data)
    scene.artifact(run_id, "evaluation/evaluation_result.parquet").write_bytes(rows)
    return run_id, rows


def parquet_edited(scene):
    run_id, rows = rows_in_parquet(scene)
    scene.artifact(run_id, "evaluation/evaluation_result.parquet").write_bytes(rows[:-9] + b"x" + rows[-8:])


def parquet_removed(scene):
    run_id, _ = rows_in_parquet(scene)
    scene.artifact(run_id, "evaluation/evaluation_result.parquet").unlink()


def trusted_benchmarks(count: int = 50, p0: int = 8) -> Callable[[Any], object]:
    def forge(scene):
        Path("benchmarks.json").write_bytes(scene.versions.benchmarks(count, p0).to_bytes())

    return forge


def parent_made_worse(scene):
    """Give right answers of the parent wrong findings, so that a version that is worse than it is not."""

    def worse(result):
        first, *others = result.questions
        finding = dataclasses.replace(first.findings["result_correctness"], outcome="failed", score=0.0)
        changed = dataclasses.replace(first, findings={**first.findings, "result_correctness": finding})
        return dataclasses.replace(result, questions=(changed, *others))

    scene.versions.evaluate(scene.good, edit=worse)
    scene.child = scene.versions.make("a child", parent=scene.good)
    scene.versions.evaluate(scene.child)


def champion_had_more(scene):
    champion = scene.versions.make("the champion")
    scene.versions.evaluate(champion, count=60, p0=9)
    # A later look at a part of the questions hides nothing.
    scene.versions.evaluate(champion, count=60, p0=9, scope="p0")
    scene.champion = champion
    for number, model in enumerate((champion, scene.good)):
        version = registry.register_model(model, "orders")
        if number == 0:
            registry.set_alias("orders", "champion", version.version)


def champion_of_the_parent(scene):
    """The version itself is registered nowhere; the one it comes from is, and its champion had more questions."""
    champion = scene.versions.make("the champion")
    scene.versions.evaluate(champion, count=60, p0=9)
    version = registry.register_model(champion, "orders")
    registry.set_alias("orders", "champion", version.version)
    registry.register_model(scene.good, "orders")
    child = scene.versions.make("a child", parent=scene.good)
    scene.versions.evaluate(child)
    registry.set_model_tags(child, scene.marks)
    scene.child = child


FORGERIES = [
    Forgery("a positive tag on a bad version", lambda s: registry.set_model_tags(s.bad, {f"{STAGE}verdict": "passed"}),
            ("verdict", "decision"), "q003", model="bad"),
    Forgery("a mark copied from another version", lambda s: registry.set_model_tags(s.bad, s.marks),
            ("verdict's claims", "decision"), "model: the verdict says", model="bad"),
    Forgery("a mark copied to another stage",
            lambda s: registry.set_model_tags(
                s.good, {k.replace("candidate", "production"): v for k, v in s.marks.items()}
            ),
            ("verdict's claims",), "stage: the verdict says candidate", stage="production"),
    Forgery("tag verdict_sha256", tag("verdict_sha256", "0" * 64), ("verdict",), "the mark says 000000000000"),
    Forgery("tag run_id of no run", tag("run_id", "0" * 32), ("verdict",), "the mark"),
    Forgery("tag run_id of another run", lambda s: tag("run_id", s.runs["good"])(s), ("verdict",), "the mark"),
    Forgery("tag run_id emptied", tag("run_id", ""), ("verdict",), "no gate run is named"),
    *(
        Forgery(f"tag {key}", tag(key, "forged"), ("mark's tags",), f"{STAGE}{key} is forged")
        for key in ("model_id", "evaluation_run_id", "evaluation_sha256", "config_sha256", "criteria_sha256",
                    "suite_sha256", "decided_at", "plugin_version", "git_commit", "ci_url")
    ),
    Forgery("verdict.json rewritten", lambda s: s.artifact(s.gate_run, "gate/verdict.json").write_bytes(
            s.artifact(s.gate_run, "gate/verdict.json").read_bytes() + b" "), ("verdict",), "the mark says"),
    Forgery("verdict.json removed", lambda s: s.artifact(s.gate_run, "gate/verdict.json").unlink(), ("verdict",),
            "names it, but"),
    Forgery("verdict.json that is none", verdict(lambda d, s: d.pop("gates")), ("verdict",), "is not a verdict"),
    Forgery("verdict of a bad version", verdict(of_bad, "bad"), ("decision",), "q003", model="bad"),
    Forgery("verdict says undecided", verdict(lambda d, s: d.update(outcome="undecided")), ("verdict's claims",),
            "outcome: the verdict says undecided"),
    Forgery("verdict of a dry run", verdict(lambda d, s: d.update(dry_run=True)), ("verdict's claims",), "dry run"),
    Forgery("verdict of a run with problems", verdict(lambda d, s: d.update(problems={"p0": "it did not run"})),
            ("verdict's claims",), "it did not run"),
    Forgery("verdict about a part of the questions", verdict(lambda d, s: d.update(scope="slice")),
            ("verdict's claims",), "scope"),
    Forgery("verdict of another config", verdict(lambda d, s: d["model"].update(behaviour_sha256="0" * 64)),
            ("verdict's claims",), "behaviour hash"),
    Forgery("verdict of other benchmarks", verdict(lambda d, s: d["evaluation"].update(benchmarks_sha256="0" * 64)),
            ("verdict's claims",), "benchmarks digest"),
    Forgery("verdict with more questions", verdict(lambda d, s: d["evaluation"].update(planned=500)),
            ("verdict's claims",), "planned questions: the verdict says 500"),
    Forgery("verdict with more P0 questions", verdict(lambda d, s: d["evaluation"].update(p0=80)),
            ("verdict's claims",), "P0 questions: the verdict says 80"),
    Forgery("verdict with a better share", verdict(better_share), ("verdict's numbers",), "computed is"),
    Forgery("verdict without a gate", verdict(without_a_gate), ("verdict's numbers",), "p0 is not among its gates"),
    Forgery("verdict with its own criteria", verdict(names("loose/criteria.yaml")), ("criteria",), "trusted are"),
    Forgery("verdict with criteria beside the trusted", verdict(names("gates/loose.yaml")), ("criteria",),
            "trusted are"),
    Forgery("verdict with criteria outside", verdict(names("../criteria.yaml")), ("criteria",), "trusted are"),
    Forgery("verdict with an edited gate file", verdict(with_other_gate_file), ("gate files",), "gates/test_p0.py"),
    Forgery("verdict decided in the future", verdict(decided_in_the_future), ("latest decision",), "no time at which"),
    Forgery("older mark brought back", older_mark_brought_back, ("latest decision",), "decided failed"),
    Forgery("result file edited", edited("evaluation/evaluation_result.json", b"\n", b"\n\n"), ("decision",),
            "was changed after the evaluation"),
    Forgery("result rows in Parquet edited", parquet_edited, ("decision",), "it was changed", options={"mark": "yes"}),
    Forgery("result rows in Parquet removed", parquet_removed, ("decision",), "parquet", options={"mark": "yes"}),
    Forgery("benchmarks of the run edited", edited("evaluation/benchmarks.json", b'"P0"', b'"P1"'), ("decision",),
            "different sets"),
    Forgery("benchmarks replaced by fewer", trusted_benchmarks(60, 8), ("benchmarks",), "not asked: q050",
            options={"benchmarks": "benchmarks.json"}),
    Forgery("benchmarks replaced by easier ones", trusted_benchmarks(50, 9), ("benchmarks",),
            "asked otherwise: q008 (priority)", options={"benchmarks": "benchmarks.json"}),
    Forgery("benchmarks with questions of one's own", trusted_benchmarks(40, 8), ("benchmarks",),
            "not among them: q040", options={"benchmarks": "benchmarks.json"}),
    Forgery("champion's questions left out", champion_had_more, ("champion's questions",), "q008"),
    Forgery("champion's questions left out, not registered", champion_of_the_parent, ("champion's questions",), "q008",
            model="child"),
    Forgery("config replaced", config_replaced, ("decision",), "was changed"),
    *(
        Forgery(f"{name} replaced by a {instead}", put(instead, model_file(name)), ("decision",),
                f"{name} of model m-") for name in ("MLmodel", "genie_space.json") for instead in ("folder", "link")
    ),
    Forgery("result replaced by a link", put("link", result_file), ("decision",), "a symbolic link stands in its"),
    Forgery("result replaced by a folder", put("folder", result_file), ("decision",), "a folder stands in its place"),
    Forgery("verdict.json replaced by a link", put("link", lambda s: s.artifact(s.gate_run, "gate/verdict.json")),
            ("verdict",), "a symbolic link stands in its place"),
    Forgery("evaluation of another version", evaluation_of_the_other_version, ("verdict's claims", "decision"),
            "not of", model="bad"),
    Forgery("later evaluation not looked at", later_bad_evaluation, ("latest evaluation",),
            "later complete evaluation"),
    Forgery("later evaluation called interrupted", retagged("genie.evaluation.status", "interrupted"),
            ("latest evaluation",), "although its tag says interrupted"),
    Forgery("later evaluation called a slice", retagged("genie.evaluation.scope", "slice"), ("latest evaluation",),
            "later complete evaluation"),
    Forgery("later evaluation taken off the model", retagged("genie.evaluation.model_id", None),
            ("latest evaluation",), "later complete evaluation"),
    Forgery("later evaluation rolled back", deleted, ("latest evaluation",), "that was deleted"),
    Forgery("later evaluation without its result", without_its_result, ("latest evaluation",), "its result is gone"),
    Forgery("evaluation dated in the future", started_later_than_now, ("latest evaluation",), "starts in the future"),
    Forgery("findings the answers do not bear out", rewritten(lying), ("findings",), "judged again failed",
            options={"mark": "yes"}),
    Forgery("a language model's word nobody gave", rewritten(invented_opinion), ("findings",),
            "schema_accuracy: recorded passed, judged again errored",
            options={"mark": "yes"}),
    Forgery("a parent made to look worse", parent_made_worse, ("baselines",),
            "q000 result_correctness: recorded failed, judged again passed", model="child", options={"mark": "yes"}),
    Forgery("a judge left out", rewritten(judge_left_out), ("decision",), "asset_routing", options={"mark": "yes"}),
    Forgery("a question left out", rewritten(question_left_out), ("decision",), "q000", options={"mark": "yes"}),
]  # fmt: skip


@pytest.mark.parametrize("case", FORGERIES, ids=str)
def test_verify_finds_what_was_forged_and_names_it(scene, case):
    case.forge(scene)
    options = dict(case.options)
    write_mark = bool(options.pop("mark", ""))
    found = verify(getattr(scene, case.model), case.stage, write_mark=write_mark, **options)
    wrong = {check.name: check.found for check in found.checks if check.outcome is not Outcome.PASSED}
    assert found.outcome is not Outcome.PASSED
    assert found.published is None
    assert set(case.detectors) <= set(wrong)
    assert case.says in "\n".join(wrong[name] for name in case.detectors)


def test_what_was_not_forged_is_verified_with_everything_that_is_trusted(scene):
    trusted_benchmarks()(scene)
    found = verify(scene.good, "candidate", suite="gates", benchmarks="benchmarks.json", champion=scene.good)
    assert {check.name: check.found for check in found.checks if check.outcome is not Outcome.PASSED} == {}
    assert {"mark's tags", "verdict's numbers", "benchmarks", "latest decision"} <= {c.name for c in found.checks}
    assert "1 complete" in found.notes[-1]


def test_rows_in_parquet_are_judged_again_like_rows_in_the_file(scene):
    rows_in_parquet(scene)
    found = verify(scene.good, write_mark=True)
    assert {check.name: check.found for check in found.checks if check.outcome is not Outcome.PASSED} == {}


def test_every_attempt_is_counted_also_under_other_ids(scene):
    twin = scene.versions.make("all orders")
    scene.versions.evaluate(twin, wrong=("q009",))
    scene.versions.evaluate(scene.good, state="interrupted", params={"genie.evaluation_sha256": None})
    notes = " ".join(verify(scene.good).notes)
    assert "1 interrupted" in notes
    assert "1 complete" in notes
    assert twin in notes
