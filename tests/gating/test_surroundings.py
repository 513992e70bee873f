"""What is observed besides a version and its evaluation, as the criteria ask for it: other versions, metrics, logs."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.gating.criteria import load, parse_criteria
from mlflow_genie_plugin.gating.evidence import collect
from mlflow_genie_plugin.gating.observed import BaselineObserved, LiveObserved, MetricObserved
from mlflow_genie_plugin.gating.surroundings import with_surroundings

OFF = {"off": "not here"}
COMPARED = {"rule": "point", "tolerance": 0.02, "minimum_common": 0.8, "no_baseline": "allowed"}


class Noon:
    def monotonic(self):
        return 0.0

    def now(self):
        return datetime(2026, 11, 20, 12, tzinfo=UTC)

    def sleep(self, seconds):
        raise AssertionError("nobody waits here")


@pytest.fixture
def version(tracking, versions):
    """A function that makes a version, evaluated on three questions unless told otherwise."""

    def make(note="orders", parent=None, evaluated=True, **changes):
        model = versions.make(note, parent)
        if evaluated:
            versions.evaluate(model, **{"count": 3, "p0": 1, **changes})
        return model

    return make


@pytest.fixture
def around(criteria_bytes):
    """A function that observes what these lines of the criteria need for one version."""

    def make(model, collected=None, **lines):
        document = load(criteria_bytes, "criteria.yaml")
        none = dict.fromkeys(("regression", "metrics", "required_logging", "drift"), OFF)
        document["stages"]["candidate"]["full"] |= {**none, **lines}
        criteria = parse_criteria(yaml.safe_dump(document).encode(), "candidate")
        return with_surroundings(collected or collect(model), criteria, Noon())

    return make


def test_what_nothing_asks_for_is_not_looked_at(version, around):
    found = around(version())
    evidence = found.evidence
    assert (evidence.run, evidence.live, dict(evidence.metrics), dict(evidence.baselines)) == (None, None, {}, {})
    assert (evidence.observed_at, found.baselines) == ("2026-11-20T12:00:00.000Z", {})


def test_what_is_logged_on_the_run_is_seen_and_its_artifacts_where_some_are_asked(version, around):
    model = version()
    line = {"params": ["genie.model_id"], "metrics": [], "tags": [], "artifacts": []}
    run = around(model, required_logging=line).evidence.run
    assert run.params["genie.model_id"] == model
    assert run.tags["genie.evaluation.scope"] == "full"
    assert run.metrics["result_correctness/mean"] == 1.0
    assert run.artifacts is None
    line["artifacts"] = ["evaluation/benchmarks.json"]
    asked = around(model, required_logging=line).evidence.run
    assert asked.artifacts == ("evaluation/benchmarks.json", "evaluation/evaluation_result.json")
    unevaluated = version("another", evaluated=False)
    assert around(unevaluated, required_logging=line).evidence.run is None


@pytest.fixture
def compared(around):
    """A function that returns what was observed of one version to compare with, and where it came from."""

    def make(model, reference, collected=None):
        found = around(model, collected, regression={reference: COMPARED})
        return found.evidence.baselines[reference], found.baselines.get(reference)

    return make


def test_the_parent_is_compared_with_by_its_latest_complete_evaluation(version, versions, compared):
    parent = version("the parent")
    latest = versions.evaluate(parent, count=3, p0=1)
    versions.evaluate(parent, count=3, p0=1, state="interrupted")
    observed, other = compared(version(parent=parent), "parent")
    assert (observed.model_id, observed.absent, observed.problem) == (parent, "", "")
    assert observed.evaluation.run_id == other.run.run_id == latest
    assert other.model.model_id == parent


def test_a_version_may_have_no_parent_and_a_parent_no_evaluation(version, compared):
    first = version()
    assert compared(first, "parent") == (BaselineObserved(None, absent="the version has no parent"), None)
    parent = version("never evaluated", evaluated=False)
    observed, _ = compared(version("child", parent), "parent")
    assert (observed.model_id, observed.evaluation) == (parent, None)
    assert observed.problem


def test_of_a_version_that_is_not_intact_no_parent_is_known(version, compared):
    own = dataclasses.replace(collect(version(parent=version("the parent"))), snapshot=None)
    observed, other = compared(own.model.model_id, "parent", own)
    said = "which version is the parent is not known, because this one is not intact"
    assert (observed, other) == (BaselineObserved("parent", problem=said), None)


def test_a_parent_that_was_changed_is_a_problem_and_no_baseline(version, compared):
    parent = version("the parent")
    child = version(parent=parent)
    path = Path(registry.get_model(parent).artifact_location.removeprefix("file://")) / "genie_space.json"
    path.write_bytes(path.read_bytes().replace(b"the parent", b"the father"))
    observed, _ = compared(child, "parent")
    assert observed.model_id == parent
    assert "was changed" in observed.problem


def champion(model, name):
    registered = registry.register_model(model, name)
    registry.set_alias(name, "champion", registered.version)


def test_the_champion_is_the_one_of_the_registered_model(version, compared):
    own, other = version(), version("the champion")
    nobody = "the version is not registered, so it has no champion"
    assert compared(own, "champion") == (BaselineObserved(None, absent=nobody), None)
    registry.register_model(own, "b_orders")
    registry.register_model(own, "a_orders")
    nobody = "registered model a_orders, b_orders has no alias champion"
    assert compared(own, "champion") == (BaselineObserved(None, absent=nobody), None)
    champion(other, "b_orders")
    observed, found = compared(own, "champion")
    assert (observed.model_id, observed.problem, found.model.model_id) == (other, "", other)
    assert observed.evaluation is not None
    champion(other, "a_orders")
    assert compared(own, "champion")[0].model_id == other


def test_two_champions_are_none_and_the_champion_is_not_compared_with_itself(version, compared):
    own, other = version(), version("the champion")
    champion(own, "a_orders")
    itself = BaselineObserved(None, absent="the version is the champion itself")
    assert compared(own, "champion") == (itself, None)
    registry.register_model(own, "b_orders")
    champion(other, "b_orders")
    said = "the version is registered as a_orders, b_orders, which have different champions"
    assert compared(own, "champion") == (BaselineObserved("champion", problem=said), None)


def test_a_version_can_be_named(version, compared):
    own, other = version(), version("another")
    observed, found = compared(own, f"models:/{other}")
    assert (observed.model_id, observed.absent, observed.problem) == (other, "", "")
    assert found.model.model_id == other
    itself = BaselineObserved(None, absent=f"models:/{own} is the version itself")
    assert compared(own, f"models:/{own}") == (itself, None)
    observed, found = compared(own, "models:/nobody/1")
    assert (observed.model_id, observed.evaluation, found) == ("models:/nobody/1", None, None)
    assert "nobody" in observed.problem


def test_a_model_of_another_kind_is_a_problem_and_no_baseline(version, compared):
    import mlflow

    other = mlflow.create_external_model(name="another_kind", experiment_id="0").model_id
    observed, found = compared(version(), f"models:/{other}")
    assert (observed.model_id, observed.evaluation, found) == (other, None, None)
    assert other in observed.problem


RELEVANCE = {"relevance/mean": {"threshold": 0.7, "greater_is_better": True, "aliases": ["relevance_to_query/mean"]}}


def test_metrics_are_taken_from_the_evaluations_run_before_the_model(version, around):
    model = version()
    own = collect(model).run.run_id
    assert around(model, metrics=RELEVANCE).evidence.metrics == {}
    other = registry.create_run("scorers", experiment_id="0").run_id
    registry.log_metrics(other, {"relevance/mean": 0.5, "unasked/mean": 0.1}, model)
    on_model = {"relevance/mean": MetricObserved(0.5, f"run {other} of the model")}
    assert around(model, metrics=RELEVANCE).evidence.metrics == on_model
    registry.log_metrics(own, {"relevance_to_query/mean": 0.9})
    both = {**on_model, "relevance_to_query/mean": MetricObserved(0.9, f"evaluation run {own}")}
    assert around(model, metrics=RELEVANCE).evidence.metrics == both
    registry.log_metrics(own, {"relevance/mean": 0.8})
    both["relevance/mean"] = MetricObserved(0.8, f"evaluation run {own}")
    assert around(model, metrics=RELEVANCE).evidence.metrics == both


def test_of_several_runs_that_put_a_metric_on_the_model_the_newest_counts(version, around, monkeypatch):
    model, found = version(), []
    for moment, value in ((2000.0, 0.2), (3000.0, 0.3), (1000.0, 0.1)):
        run = registry.create_run("scorers", experiment_id="0").run_id
        with monkeypatch.context() as patch:
            patch.setattr("time.time", lambda moment=moment: moment)
            registry.log_metrics(run, {"relevance/mean": value}, model)
        found.append(run)
    newest = MetricObserved(0.3, f"run {found[1]} of the model")
    assert around(model, metrics=RELEVANCE).evidence.metrics == {"relevance/mean": newest}


def test_the_rows_behind_a_metric_are_counted_where_they_are_known(version, around):
    import mlflow
    from mlflow.entities import AssessmentSource

    model = version()
    own = collect(model).run.run_id
    registry.log_metrics(own, {"relevance/mean": 1.0})
    with mlflow.start_run(run_id=own):
        for _ in range(2):
            with mlflow.start_span("question") as span:
                pass
    mlflow.flush_trace_async_logging()
    source = AssessmentSource(source_type="CODE", source_id="scorer")
    mlflow.log_feedback(trace_id=span.trace_id, name="relevance", value=1.0, source=source)
    found = around(model, metrics=RELEVANCE).evidence.metrics["relevance/mean"]
    # Three questions were planned, two have a trace, and one of them has a value.
    assert found == MetricObserved(1.0, f"evaluation run {own}", rows=3, assessed=1)


def test_a_live_space_that_cannot_be_looked_at_is_a_problem(version, around, monkeypatch):
    for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_CONFIG_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", "/nowhere")
    model = version()
    live = around(model, drift={"same": "behaviour"}).evidence.live
    assert (live.content, live.behaviour) == (None, None)
    assert live.problem.endswith(f"; sign in to a workspace that has space {collect(model).evidence.space_id}")
    broken = dataclasses.replace(collect(model), snapshot=None)
    said = "the version is not intact, so there is nothing to compare the space with"
    assert around(model, broken, drift={"same": "behaviour"}).evidence.live == LiveObserved(problem=said)


def test_the_live_space_is_seen_as_it_is_now(around, local_workspace, tracking):
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID
    from mlflow_genie_plugin.snapshot.create import create_genie_model_version
    from mlflow_genie_plugin.workspace.auth import connect

    space = connect().spaces.get_space(SAMPLE_SPACE_ID)
    model = create_genie_model_version(SAMPLE_SPACE_ID, space.serialized_space, 1, "orders")
    hashes = collect(model).evidence.hashes
    seen = around(model, drift={"same": "behaviour"}).evidence.live
    assert seen == LiveObserved(hashes.content, hashes.behaviour)
    local_workspace.control.fault("genie.get_space", times=0, status=404, error_code="RESOURCE_DOES_NOT_EXIST")
    lost = around(model, drift={"same": "behaviour"}).evidence.live
    assert (lost.content, lost.behaviour) == (None, None)
    assert lost.problem
