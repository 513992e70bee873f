"""Whether the right questions were asked: against the trusted ones, and against those that a champion had."""

from __future__ import annotations

import dataclasses

import pytest

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.errors import InvalidBenchmarksError, ModelNotFoundError
from mlflow_genie_plugin.evaluation.benchmark import BenchmarkSet
from mlflow_genie_plugin.gating.checks import Check
from mlflow_genie_plugin.gating.evidence import Collected, collect
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.questions import benchmarks_check, champion_check

ASKED, LOST = "benchmarks", "champion's questions"
MODEL = registry.ModelRecord("m-1", "genie-orders", "0", {}, {}, "", None, "READY", 0)


@pytest.fixture
def held(tracking, evidence, versions):
    """A function that holds the set that was asked (``evidence`` changed by keyword) against a trusted one."""

    def make(asked: BenchmarkSet, trusted: BenchmarkSet, data: bytes | None = None, **changes) -> Check:
        run = registry.create_run("evaluate", experiment_id="0")
        data = asked.to_bytes() if data is None else data
        if data:
            registry.log_artifacts(run.run_id, {"evaluation/benchmarks.json": data})
        digests = {"stored_benchmarks_sha256": asked.sha256, "benchmarks_sha256": asked.sha256}
        collected = Collected(MODEL, evidence(**{**digests, **changes}), run=run)
        return benchmarks_check(collected, trusted.to_bytes(), "main:orders.yaml")

    return make


def changed(benchmarks: BenchmarkSet, place: int, **changes) -> BenchmarkSet:
    items = list(benchmarks.benchmarks)
    items[place] = dataclasses.replace(items[place], **changes)
    return dataclasses.replace(benchmarks, benchmarks=tuple(items))


OTHERWISE = "the questions asked are not those of main:orders.yaml; "


def test_the_trusted_questions_are_confirmed_by_their_digest(held, versions):
    trusted = versions.benchmarks(3, 1)
    right = Check(ASKED, Outcome.PASSED, "the 3 questions asked are those of main:orders.yaml")
    assert held(trusted, trusted) == right
    shuffled = dataclasses.replace(trusted, benchmarks=trusted.benchmarks[::-1])
    assert held(shuffled, trusted) == right


@pytest.mark.parametrize("said", ["stored_benchmarks_sha256", "benchmarks_sha256"])
def test_one_digest_is_not_enough(held, versions, said):
    trusted = versions.benchmarks(3, 1)
    other = held(changed(trusted, 1, priority="P2"), trusted, **{said: trusted.sha256})
    assert other == Check(ASKED, Outcome.FAILED, f"{OTHERWISE}asked otherwise: q001 (priority)")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"question": "How many?"}, "question"),
        ({"expected_sql": "SELECT 1"}, "expected sql"),
        ({"expected_asset": "MV"}, "expected asset"),
        ({"priority": "P2", "split": "val"}, "priority, split"),
        ({"ordered": True}, "ordered"),
    ],
)
def test_what_was_asked_otherwise_is_named_with_the_field(held, versions, changes, said):
    trusted = versions.benchmarks(3, 1)
    found = held(changed(trusted, 2, **changes), trusted)
    assert found == Check(ASKED, Outcome.FAILED, f"{OTHERWISE}asked otherwise: q002 ({said})")


def test_what_was_left_out_and_what_was_added_is_named(held, versions):
    trusted = versions.benchmarks(4, 1)
    fewer = dataclasses.replace(trusted, benchmarks=trusted.benchmarks[:3])
    assert held(fewer, trusted).found == f"{OTHERWISE}not asked: q003"
    assert held(trusted, fewer).found == f"{OTHERWISE}not among them: q003"
    mixed = changed(changed(trusted, 3, id="q009"), 0, split="val")
    assert held(mixed, trusted).found == (
        f"{OTHERWISE}not asked: q003; not among them: q009; asked otherwise: q000 (split)"
    )


def test_another_set_with_the_same_questions_is_not_the_trusted_one(held, versions):
    trusted = versions.benchmarks(3, 1)
    found = held(changed(trusted, 0, category="odd"), trusted)
    assert found == Check(ASKED, Outcome.FAILED, f"{OTHERWISE}other columns, tags or notes")


@pytest.mark.parametrize("data", [b"", b"{"])
def test_a_set_that_cannot_be_read_is_not_the_trusted_one(held, versions, data):
    trusted = versions.benchmarks(3, 1)
    found = held(changed(trusted, 0, category="odd"), trusted, data)
    assert found.outcome is Outcome.FAILED
    assert found.found.startswith("the benchmark set of the run cannot be read: ")
    assert found.found.removeprefix("the benchmark set of the run cannot be read: ")


def test_without_an_evaluation_there_is_nothing_to_compare(evidence, versions):
    nothing = Check(ASKED, Outcome.UNDECIDED, "there is no evaluation whose questions could be compared")
    run = registry.RunRecord("r", "", "0", "FINISHED", {}, {}, {}, "")
    trusted = versions.benchmarks(3, 1).to_bytes()
    assert benchmarks_check(Collected(MODEL, evidence(model={"evaluation": None}), run=run), trusted, "x") == nothing
    assert benchmarks_check(Collected(MODEL, evidence()), trusted, "x") == nothing
    with pytest.raises(InvalidBenchmarksError, match=r"mine\.yaml"):
        benchmarks_check(Collected(MODEL, evidence()), b"{}", "mine.yaml")


@pytest.fixture
def version(tracking, versions):
    """A function that makes an evaluated version and says what there is to decide on."""

    def make(note="orders", count=3, p0=2, parent=None, **changes) -> Collected:
        model = versions.make(note, parent)
        versions.evaluate(model, count=count, p0=p0, **changes)
        return collect(model)

    return make


def champion(model_id: str, name: str = "orders") -> None:
    registered = registry.register_model(model_id, name)
    registry.set_alias(name, "champion", registered.version)


NOBODY = Check(LOST, Outcome.PASSED, "there is no champion to lose any")
HINT = "; if they were taken out on purpose, evaluate the champion on the new set"


def test_a_version_loses_nothing_against_nobody_or_itself(version):
    own = version()
    assert champion_check(own) == NOBODY
    registry.register_model(own.model.model_id, "orders")
    assert champion_check(own) == NOBODY
    champion(own.model.model_id)
    registry.set_model_tags(own.model.model_id, {"stage": "production"})
    assert champion_check(own, own.model.model_id) == NOBODY
    with pytest.raises(ModelNotFoundError):
        champion_check(own, "m-nobody")


def test_as_many_questions_as_the_champion_had_are_enough(version):
    own, other = version(), version("another")
    right = Check(LOST, Outcome.PASSED, f"none lost against {other.model.model_id}")
    assert champion_check(own, other.model.model_id) == right
    assert champion_check(version("more", count=4, p0=3), other.model.model_id) == right


@pytest.mark.parametrize(
    ("count", "p0", "said"),
    [
        (3, 1, "P0 questions of champion {0} are gone: q001"),
        (2, 2, "2 questions, champion {0} had 3"),
        (2, 1, "P0 questions of champion {0} are gone: q001; 2 questions, champion {0} had 3"),
    ],
)
def test_questions_that_the_champion_had_are_missed(version, count, p0, said):
    other = version("another").model.model_id
    found = champion_check(version(count=count, p0=p0), other)
    assert found == Check(LOST, Outcome.FAILED, said.format(other) + HINT)


def by_own_alias(own, other):
    registry.register_model(own, "orders")
    champion(other)


def by_parents_alias(own, other):
    # The version itself is not registered; only the one that it comes from is.
    registry.register_model(registry.get_model(own).params["parent_model_id"], "orders")
    champion(other)


def by_stage(own, other):
    registry.set_model_tags(other, {"stage": "production"})


@pytest.mark.parametrize("known", [by_own_alias, by_parents_alias, by_stage])
def test_a_champion_is_found_by_alias_and_by_stage(version, versions, known):
    other = version("another").model.model_id
    own = version("own", count=2, p0=1, parent=versions.make("the parent", versions.make("its parent")))
    assert champion_check(own) == NOBODY
    known(own.model.model_id, other)
    assert champion_check(own).outcome is Outcome.FAILED
    assert f"champion {other}" in champion_check(own).found
    # One that the verifier names does not take the place of those that are found.
    same = version("the same", count=2, p0=1).model.model_id
    assert champion_check(own, same).outcome is Outcome.FAILED


def test_every_champion_is_looked_at_once(version):
    own, first, second = version(), version("first").model.model_id, version("second").model.model_id
    for name, other in (("a", first), ("b", second)):
        registry.register_model(own.model.model_id, name)
        champion(other, name)
    by_stage(own.model.model_id, second)
    assert champion_check(own, first).found == f"none lost against {first}, {second}"


def test_a_registered_model_without_a_champion_hides_no_other(version):
    own, other = version(count=2), version("another").model.model_id
    registry.register_model(own.model.model_id, "a")
    registry.register_model(own.model.model_id, "b")
    champion(other, "b")
    assert champion_check(own).outcome is Outcome.FAILED


def test_what_the_champion_was_asked_last_in_part_or_not_to_the_end_hides_nothing(version, versions):
    other = version("another", count=5).model.model_id
    versions.evaluate(other, count=5, p0=2, scope="p0")
    versions.evaluate(other, count=2, p0=1, state="interrupted")
    found = champion_check(version(), other)
    assert found.found == f"3 questions, champion {other} had 5{HINT}"


def test_questions_that_cannot_be_read_leave_it_open(version, versions):
    other, never = version("another").model.model_id, versions.make("never evaluated")
    own = version()

    def without(**changes):
        evaluation = dataclasses.replace(own.evidence.evaluation, **changes) if changes else None
        evidence = dataclasses.replace(own.evidence, evaluation=evaluation)
        return dataclasses.replace(own, evidence=evidence)

    for collected, reference in ((own, never), (without(), other), (without(p0=None), other)):
        said = f"the questions of champion {reference} cannot be read"
        assert champion_check(collected, reference) == Check(LOST, Outcome.UNDECIDED, said)
