"""What ``pytest gates/`` says to a newcomer about evaluations that are good, borderline, tiny or stale."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def store(gate_store, monkeypatch):
    """The prepared store, also for this process."""
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", gate_store.environment["MLFLOW_TRACKING_URI"])
    mlflow.set_tracking_uri(gate_store.environment["MLFLOW_TRACKING_URI"])
    yield gate_store
    mlflow.set_tracking_uri(None)


def edit_criteria(store, old: str, new: str) -> None:
    path = store.project / "gates" / "criteria.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def summary_of(done) -> str:
    return " ".join(done.stdout.partition("genie gate: ")[2].split())


def test_a_borderline_version_is_undecided_under_the_strict_rule(store, versions):
    model_id = versions.make("borderline")
    versions.evaluate(model_id, count=20, p0=2, wrong=("q017", "q018", "q019"))
    edit_criteria(store, "rule: point\n      settled", "rule: lower_bound\n      settled")
    done = store.pytest("gates/", model=model_id)
    assert done.returncode == 10
    summary = summary_of(done)
    assert summary.startswith("UNDECIDED")
    assert "17 of 20 right: 20 questions show at least" in summary
    assert "not 70.0 %; about 26 questions at this rate would show it" in summary
    assert not store.marked(model_id)


def test_a_tiny_evaluation_is_undecided(store, versions):
    model_id = versions.make("tiny")
    versions.evaluate(model_id, count=8, p0=2)
    done = store.pytest("gates/", model=model_id)
    assert done.returncode == 10
    assert "8 questions planned, at least 20 are needed" in summary_of(done)


def test_a_stale_evaluation_fails_and_says_what_to_run(store, versions):
    model_id = versions.make("stale")
    versions.evaluate(model_id, finished_at="2026-01-05T10:00:00.000Z")
    done = store.pytest("gates/", model=model_id)
    assert done.returncode == 1
    summary = summary_of(done)
    assert "the last answer came at 2026-01-05T10:00:00.000Z" in summary
    assert f"mlflow-genie evaluate --model-id {model_id}" in summary


def test_a_version_that_lost_three_questions_against_its_parent_fails_and_names_them(store, versions):
    model_id = versions.make("worse", parent=store.good)
    versions.evaluate(model_id, wrong=("q030", "q031", "q032"))
    done = store.pytest("gates/", model=model_id)
    assert done.returncode == 1
    summary = summary_of(done)
    for words in ("regression[parent]", "-6.0 points", "3 newly wrong", "q030, q031, q032", store.good):
        assert words in summary


@pytest.mark.parametrize("distributed", [(), ("-n", "2")])
def test_the_documented_gates_of_a_teams_own_see_the_evidence_and_block(store, versions, distributed):
    section = (REPOSITORY / "docs" / "criteria.md").read_text().partition("## Gates of your own")[2]
    gates, named = (section.split(f"```{language}\n")[1].split("```")[0] for language in ("python", "yaml"))
    model_id = versions.make("own", parent=store.good)
    versions.evaluate(model_id)
    (store.project / "gates" / "test_ours.py").write_text(gates)
    edit_criteria(store, "custom_gates: []", named.strip())
    done = store.pytest("gates/", *distributed, model=model_id)
    assert done.returncode == 1, done.stdout + done.stderr
    verdict = json.loads((store.project / "genie-verdict" / "candidate" / "verdict.json").read_bytes())
    assert verdict["custom_gates"] == {
        "p0_is_fast": "passed",
        "has_table[orders]": "passed",
        "has_table[customers]": "failed",
        "no_question_is_gone": "passed",
    }
    assert list(verdict["problems"]) == ["has_table[customers]"]
    assert not store.marked(model_id)


RELEVANCE = """metrics:
        relevance/mean: {threshold: 0.7, greater_is_better: true, aliases: [relevance_to_query/mean]}
        safety/mean: {threshold: 0.9, greater_is_better: true, aliases: []}
"""


def test_an_evaluation_by_other_scorers_on_the_version_can_be_gated(store):
    import mlflow
    from mlflow.genai.scorers import scorer

    @scorer
    def relevance_to_query(outputs):
        return 0.9

    @scorer
    def safety(inputs, outputs):
        if inputs["question"] == "3":
            raise RuntimeError("no answer from the judge")
        return 1.0

    with contextlib.closing(sqlite3.connect(store.database)) as connection:
        (before,) = connection.execute("SELECT count(*) FROM logged_model_tags").fetchone()
    edit_criteria(store, 'metrics: {off: "no other scorers are used"}\n      required', RELEVANCE + "      required")
    missing = summary_of(store.pytest("gates/", "--genie-dry-run", model=store.good))
    assert "looked for relevance/mean and relevance_to_query/mean on evaluation run" in missing
    rows = [{"inputs": {"question": str(n)}, "outputs": "an answer"} for n in range(4)]
    mlflow.genai.evaluate(data=rows, scorers=[relevance_to_query, safety], model_id=store.good)
    done = store.pytest("gates/", "--genie-dry-run", model=store.good)
    assert done.returncode == 10, done.stdout + done.stderr
    summary = summary_of(done)
    assert "safety/mean is 1" in summary
    assert "only 3 of 4 rows are behind it" in summary
    assert "relevance/mean is" not in summary
    with contextlib.closing(sqlite3.connect(store.database)) as connection:
        assert connection.execute("SELECT count(*) FROM logged_model_tags").fetchone() == (before,)
