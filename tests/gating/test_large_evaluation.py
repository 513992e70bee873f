from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import InvalidEvaluationError
from mlflow_genie_plugin.evaluation.finding import Finding
from mlflow_genie_plugin.evaluation.large_result import large_files, read_head
from mlflow_genie_plugin.evaluation.scores_file import read_scores
from mlflow_genie_plugin.gating.baseline import explained
from mlflow_genie_plugin.gating.criteria import parse_criteria
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.evidence import collect
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.report import terminal_lines
from mlflow_genie_plugin.gating.scored_questions import scored_questions
from mlflow_genie_plugin.gating.stored_benchmarks import many_stored_benchmarks, stored_benchmarks
from mlflow_genie_plugin.gating.surroundings import with_surroundings
from mlflow_genie_plugin.registry import ArtifactFile

SCORES = "evaluation/scores.parquet"
RESULT = "evaluation/evaluation_result.json"


@pytest.fixture
def criteria(criteria_bytes):
    return parse_criteria(criteria_bytes, "candidate")


@pytest.fixture
def model(tracking, versions):
    return versions.make()


def edited(**changes):
    """Return an edit that changes the question q020."""

    def edit(result):
        questions = tuple(
            dataclasses.replace(question, **changes) if question.question_id == "q020" else question
            for question in result.questions
        )
        return dataclasses.replace(result, questions=questions)

    return edit


def without_last(result):
    return dataclasses.replace(result, questions=result.questions[:-1])


def last_twice(result):
    questions = (*result.questions[:-2], result.questions[-1], result.questions[-1])
    return dataclasses.replace(result, questions=questions)


def both_ways(model, run, criteria):
    found = []
    for whole in (False, True):
        collected = with_surroundings(collect(model, run, whole=whole), criteria)
        found.append((collected, decide(criteria, collected.evidence)))
    return found


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"wrong": ("q003", "q020", "q049")},
        {"wrong": tuple(f"q{number:03d}" for number in range(10, 40))},
        {"timed_out": ("q021", "q022")},
        {"scope": "slice"},
        {"scope": "held_out"},
        {"scope": "p0"},
        {"state": "interrupted"},
        {"params": {"genie.evaluation_sha256": "0" * 64}},
        {"params": {"genie.benchmarks_sha256": "0" * 64}},
        {"edit": edited(question="Another?")},
        {"edit": edited(expected_sql="SELECT 1")},
        {"edit": edited(priority="P0")},
        {"edit": edited(question_id="q999")},
        {"edit": edited(findings={})},
        {"edit": without_last},
    ],
    ids=lambda asked: next(iter(asked), "right"),
)
def test_scores_decide_what_the_questions_decide(model, versions, criteria, asked):
    run = versions.evaluate(model, large=True, **asked)
    (scored, by_scores), (read, by_questions) = both_ways(model, run, criteria)
    assert by_scores == by_questions
    assert (scored.result, scored.about) == (None, dataclasses.replace(read.result, questions=()))


def test_a_large_evaluation_decides_what_a_small_one_decides(model, versions, criteria):
    wrong = tuple(f"q{number:03d}" for number in range(3, 40, 4))
    by_scores = both_ways(model, versions.evaluate(model, large=True, wrong=wrong), criteria)[0][1]
    small = versions.evaluate(model, wrong=wrong)
    without_runs = [dataclasses.replace(result, reason="") for result in by_scores]
    collected = with_surroundings(collect(model, small), criteria)
    assert [dataclasses.replace(result, reason="") for result in decide(criteria, collected.evidence)] == without_runs


def test_a_question_with_two_rows_blocks_whichever_way_it_is_read(model, versions, criteria):
    run = versions.evaluate(model, large=True, edit=last_twice)
    collected = with_surroundings(collect(model, run), criteria)
    found = {result.gate: result for result in decide(criteria, collected.evidence)}
    assert found["same_questions"].outcome is Outcome.FAILED
    assert "q049" in found["threshold[result_correctness]"].questions
    assert "stands there 2 times" in collect(model, run, whole=True).evidence.evaluation_problem


def rewritten(run, edit):
    """Change the rows of a run's stored scores and return the new file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(registry.download_run_artifact(run, SCORES)))
    rows = table.to_pylist()
    edit(rows)
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), buffer)
    return buffer.getvalue()


def make_right(rows):
    for row in rows:
        row.update(result_correctness="passed", result_correctness_score=1.0)


def outcomes(model, run, criteria, *, whole=False):
    collected = with_surroundings(collect(model, run, whole=whole), criteria)
    return collected.evidence, {result.gate: result for result in decide(criteria, collected.evidence)}


def test_forged_scores_are_no_evidence(model, versions, criteria):
    run = versions.evaluate(model, large=True, wrong=tuple(f"q{number:03d}" for number in range(10, 40)))
    assert outcomes(model, run, criteria)[1]["threshold[result_correctness]"].outcome is Outcome.FAILED
    registry.log_artifact(run, SCORES, rewritten(run, make_right))
    evidence, found = outcomes(model, run, criteria)
    assert "scores.parquet has sha256" in evidence.evaluation_problem
    assert "was changed" in evidence.evaluation_problem
    assert {result.outcome for result in found.values() if result.gate != "model_intact"} == {Outcome.UNDECIDED}


def test_forged_scores_that_the_result_file_names_change_the_digest_of_the_result_file(model, versions, criteria):
    run = versions.evaluate(model, large=True, wrong=tuple(f"q{number:03d}" for number in range(10, 40)))
    data, scores = registry.download_run_artifact(run, RESULT), rewritten(run, make_right)
    before = orjson.loads(data)
    data = data.replace(before["scores_file"]["sha256"].encode(), sha256_of_bytes(scores).encode())
    registry.log_artifacts(run, {RESULT: data, SCORES: scores})
    assert "50 passed findings of result_correctness, the result file counts 20" in (
        outcomes(model, run, criteria)[0].evaluation_problem
    )
    count = before["scores"]["result_correctness"]
    data = data.replace(orjson.dumps(count), orjson.dumps({**count, "score": 1.0, "passed": 50, "failed": 0}))
    registry.log_artifacts(run, {RESULT: data})
    _, found = outcomes(model, run, criteria)
    assert found["evaluation_intact"].outcome is Outcome.FAILED


def test_scores_that_were_forged_before_they_were_recorded_are_found_by_whoever_reads_the_questions(
    model, versions, criteria
):
    def swap(rows):
        first, second = rows[10], rows[20]
        for name in ("result_correctness", "result_correctness_score"):
            first[name], second[name] = second[name], first[name]

    template = versions.evaluate(model, large=True, wrong=("q010",))
    scores, data = rewritten(template, swap), registry.download_run_artifact(template, RESULT)
    named = orjson.loads(data)["scores_file"]["sha256"].encode()
    data = data.replace(named, sha256_of_bytes(scores).encode())
    run = versions.evaluate(
        model, large=True, wrong=("q010",), params={"genie.evaluation_sha256": sha256_of_bytes(data)}
    )
    registry.log_artifacts(run, {RESULT: data, SCORES: scores})
    assert outcomes(model, run, criteria)[1]["evaluation_intact"].outcome is Outcome.PASSED
    _, found = outcomes(model, run, criteria, whole=True)
    assert found["evaluation_intact"].outcome is Outcome.FAILED
    assert "result_correctness, result_correctness_score are not what" in found["evaluation_intact"].reason


@pytest.mark.parametrize("break_it", ["scores", "result", "head"])
def test_what_is_missing_or_broken_is_said_and_never_a_pass(model, versions, criteria, tmp_path, break_it):
    run = versions.evaluate(model, large=True)
    data = registry.download_run_artifact(run, RESULT)
    if break_it == "scores":
        for file in (tmp_path / "tracking").rglob("scores.parquet"):
            file.unlink()
    elif break_it == "result":
        registry.log_artifact(run, RESULT, data[:-1])
    else:
        registry.log_artifact(run, RESULT, data.replace(b'"status":"complete"', b'"status":"great"', 1))
    evidence, found = outcomes(model, run, criteria)
    assert evidence.evaluation is None
    assert {"scores": "scores.parquet", "result": "not written as", "head": "breaks its format"}[
        break_it
    ] in evidence.evaluation_problem
    assert {result.outcome for result in found.values() if result.gate != "model_intact"} == {Outcome.UNDECIDED}


def test_a_result_file_that_changes_while_it_is_read_is_no_evidence(model, versions, criteria, monkeypatch, tmp_path):
    from mlflow_genie_plugin.evaluation import large_result

    run = versions.evaluate(model, large=True)
    other = tmp_path / "other.json"
    other.write_bytes(registry.download_run_artifact(run, RESULT).replace(b'"complete"', b'"interrupted"', 1))
    glance = large_result.glance
    monkeypatch.setattr(
        large_result, "glance", lambda path: dataclasses.replace(glance(other), path=path, size=glance(path).size)
    )
    evidence, found = outcomes(model, run, criteria)
    assert evidence.evaluation is None
    assert "changed while it was read" in evidence.evaluation_problem
    assert {result.outcome for result in found.values() if result.gate != "model_intact"} == {Outcome.UNDECIDED}


def test_messages_name_the_questions_and_show_both_queries_and_no_other_question_is_read(model, versions, criteria):
    from mlflow_genie_plugin.gating.verdict import make_verdict

    wrong = ("q003", *(f"q{number:03d}" for number in range(20, 45)))
    texts = []
    for large in (True, False):
        run = versions.evaluate(model, large=large, wrong=wrong)
        collected = with_surroundings(collect(model, run), criteria)
        verdict = make_verdict(
            criteria, "criteria.yaml", collected.evidence, decide(criteria, collected.evidence), custom_gates={},
            problems={}, suite_files={}, dry_run=False, decided_at="2026-11-20T10:00:00.000Z", provenance={},
        )  # fmt: skip
        lines = terminal_lines(verdict, explained(verdict, collected))
        texts.append([line.replace(run, "RUN") for line in lines if "attempt" not in line and "RUN" not in line])
        if large:
            assert len(collected.rows._read) <= 2
    assert any("SELECT count(*)" in line for line in texts[0])
    assert [line for line in texts[0] if "evaluation run" not in line] == [
        line for line in texts[1] if "evaluation run" not in line
    ]


def test_a_gate_of_ones_own_sees_every_question(shared_gate_store, monkeypatch, versions):
    from mlflow_genie_plugin.gating.gate_session import GateSession, Request

    for name, value in shared_gate_store.environment.items():
        monkeypatch.setenv(name, value)
    model = versions.make("seen by a team's own gate")
    versions.evaluate(model, large=True)
    project = Path(shared_gate_store.project)
    request = Request(model, "candidate", None, True, project / "gates" / "criteria.yaml", project / "out", project)
    session = GateSession.start(request)
    assert session.collected.result is None
    assert len(session.evaluation_result().questions) == 50
    assert session.evaluation_result() is session.evaluation_result()
    worker = GateSession.in_worker(request, session.payload())
    assert len(worker.evaluation_result().questions) == 50


JUDGES = ("syntax_validity", "result_correctness", "repeatability")
findings = st.dictionaries(
    st.sampled_from(JUDGES),
    st.builds(
        lambda outcome, score, settled, failure, why, blame, fix: (outcome, score, settled, failure, why, blame, fix),
        st.sampled_from(["passed", "failed", "abstained", "errored"]),
        st.sampled_from([None, 0.0, 0.5, 1.0]),
        st.booleans(),
        st.sampled_from([None, "NOT_REPEATED", "wrong_filter"]),
        st.sampled_from(["", "rows are missing", 'a "quoted" word']),
        st.lists(st.sampled_from(["table a", "column b"]), max_size=2),
        st.sampled_from([None, "describe it"]),
    ),
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(findings, st.sampled_from([None, 0.0, 1.5, 3.25])), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
    st.sampled_from(["as the benchmarks", "in any order", "with one that is no benchmark"]),
    st.integers(1, 4),
    st.integers(1, 3),
)
def test_questions_from_scores_are_the_questions(
    versions, tmp_path_factory, given_questions, random, order, group, at_once
):
    from mlflow_genie_plugin.evaluation import scores_file
    from mlflow_genie_plugin.evaluation.result import EvaluationResult
    from mlflow_genie_plugin.gating.observe import observed_question

    benchmarks = versions.benchmarks(len(given_questions), 1)
    base = versions.question(benchmarks.benchmarks[0])
    questions = tuple(
        dataclasses.replace(
            base,
            question_id=benchmark.id,
            question=benchmark.question,
            priority=benchmark.priority,
            split=benchmark.split,
            expected_sql=benchmark.expected_sql,
            answer=dataclasses.replace(base.answer, latency_seconds=latency),
            findings={
                judge: Finding(judge, o, s, f, why, blame=b, fix=x, opinion={"settled": True} if settled else None)
                for judge in JUDGES
                if judge in one
                for o, s, settled, f, why, b, x in [one[judge]]
            },
        )
        for benchmark, (one, latency) in zip(benchmarks.benchmarks, given_questions, strict=True)
    )
    if order != "as the benchmarks":
        questions = tuple(random.sample(questions, len(questions)))
    if order == "with one that is no benchmark":
        questions = (*questions[:-1], dataclasses.replace(questions[-1], question_id="another"))
    result = EvaluationResult(
        "e" * 32, "m-" + "1" * 32, "0" * 32, "complete",
        {"content_sha256": "a" * 64, "behaviour_sha256": "b" * 64, "snapshot_sha256": "c" * 64},
        {"behaviour_sha256_before": "b" * 64, "behaviour_sha256_after": "b" * 64},
        {"name": "n", "sha256": "d" * 64, "total": len(questions), "planned": len(questions), "scope": "full"},
        {"kind": "conversation", "version": "1", "started_at": "2026-01-01T00:00:00.000Z",
         "finished_at": "2026-01-01T00:00:00.000Z"},
        {judge: {"version": "1"} for judge in JUDGES}, questions,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("large") / "evaluation_result.json"
    data = benchmarks.to_bytes()
    lean, stored = many_stored_benchmarks(data, benchmarks.sha256), stored_benchmarks(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores_file, "_GROUP", group)
        patch.setattr(scores_file, "_AT_ONCE", at_once)
        files = large_files(result, 10**6)
        path.write_bytes(files.result)
        large = read_head(path)
        scores = read_scores(files.scores, large.scores_file, JUDGES, large.size)
        found = scored_questions(scores, lean)
    assert [comparable(question) for question in found] == [
        comparable(observed_question(question, stored.entries.get(question.question_id, {}))) for question in questions
    ]
    assert list(found.latencies) == [question.answer.latency_seconds for question in questions]


def comparable(question):
    """A question without what only those that a judge objects to carry, and what a large set does not hold twice."""
    told = {
        name: finding
        if finding.settled or not (finding.outcome == "passed" or finding.not_asked)
        else dataclasses.replace(finding, reason="", blame=(), fix=None)
        for name, finding in question.findings.items()
    }
    entry = {name: value for name, value in question.entry.items() if name not in ("id", "question", "expected_sql")}
    return dataclasses.replace(question, findings=told, entry=entry)


def test_equal_findings_are_one_object(model, versions):
    run = versions.evaluate(model, large=True, wrong=("q010",))
    questions = collect(model, run).evidence.evaluation.questions
    assert len({id(question.findings) for question in questions}) == 2
    assert len({id(question.entry) for question in questions}) <= 4


def test_the_question_in_the_place_of_another_is_refused(model, versions, tmp_path):
    from mlflow_genie_plugin.gating.scored_questions import StoredRows

    run = versions.evaluate(model, large=True)
    rows = collect(model, run).rows
    assert rows.get("q049").question_id == "q049"
    assert rows.get("q050") is None
    large, scores = rows._large, rows._scores
    swapped = ["q001", "q000", *rows._ids[2:]]
    with pytest.raises(InvalidEvaluationError, match="where q001 should be, the result file has q000"):
        StoredRows(large, ArtifactFile(tmp_path), scores, swapped).get("q001")


@pytest.mark.parametrize("layout", ["lines", "indented", "unsorted keys"])
def test_a_stored_set_has_its_digest_however_it_is_written(versions, layout):
    benchmarks = versions.benchmarks(120, 3)
    data = benchmarks.to_bytes()
    if layout == "indented":
        data = orjson.dumps(orjson.loads(data), option=orjson.OPT_INDENT_2)
    if layout == "unsorted keys":
        data = data.replace(b'"expected_asset":"TABLE","expected_sql"', b'"expected_sql"').replace(
            b'"split":"train"}', b'"split":"train","expected_asset":"TABLE"}'
        )
        data = data.replace(b'"split":"held_out"}', b'"split":"held_out","expected_asset":"TABLE"}')
    many, whole = many_stored_benchmarks(data, benchmarks.sha256), stored_benchmarks(data)
    assert many.sha256 == whole.sha256 == benchmarks.sha256
    assert list(many.entries) == [benchmark.id for benchmark in benchmarks.benchmarks]
    assert many.texts["q007"] == ("q007", "How many orders have a key above 7?", whole.entries["q007"]["expected_sql"])
    assert {**many.entries["q007"], "id": "q007"}.items() <= whole.entries["q007"].items()


def test_a_large_set_is_never_held_twice(versions):
    import tracemalloc

    benchmarks = versions.benchmarks(5_000, 8)
    data, digest = benchmarks.to_bytes(), benchmarks.sha256
    tracemalloc.start()
    try:
        found = many_stored_benchmarks(data, digest)
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.sha256 == digest
    assert most - held < len(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"benchmarks": 3}',
        b'{"format_version":1,"name":"n","benchmarks":[\n{"id":"q"}\n]}\n',
        b'{"format_version":1,"name":"n","benchmarks":[\n{"id":"q","question":"?","expected_sql":"s"},\n\n]}\n',
        b'{"format_version":1,"name":"n","benchmarks":[\n,\n{"id":"q","question":"?","expected_sql":"s"}\n]}\n',
    ],
)
def test_what_is_no_stored_set_is_none(data):
    assert many_stored_benchmarks(data) is None


def test_a_set_that_was_changed_has_another_digest(versions):
    benchmarks = versions.benchmarks(30, 3)
    data = benchmarks.to_bytes()
    for changed in (
        data.replace(b"above 7?", b"above 8?"),
        data.replace(b",\n", b",\n\n", 1),
        json.dumps({**json.loads(data), "benchmarks": json.loads(data)["benchmarks"][1:]}).encode(),
    ):
        found = many_stored_benchmarks(changed, benchmarks.sha256)
        assert (found is not None and found.sha256 == benchmarks.sha256) == (b",\n\n" in changed)
