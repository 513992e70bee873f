"""Who may write to which space: what makes one production, and what a version needs to enter it."""

from __future__ import annotations

import pytest

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.errors import ProtectedSpaceError
from mlflow_genie_plugin.flavor.load import read_snapshot
from mlflow_genie_plugin.gating.guard import is_production, require_verified
from mlflow_genie_plugin.settings import Settings

ELSEWHERE = "f" * 32
NOBODYS = Settings(production_spaces=frozenset())


@pytest.fixture
def snapshot(tracking, versions):
    return read_snapshot(versions.make())


def production(snapshot, space_id, settings=NOBODYS):
    return is_production(space_id, settings=settings, experiment_id=snapshot.model.experiment_id)


def test_a_space_is_production_when_the_settings_say_so(snapshot):
    named = Settings(production_spaces=frozenset({ELSEWHERE}))
    assert production(snapshot, ELSEWHERE, named)
    assert not production(snapshot, snapshot.space_id, named)
    # Nothing has to be looked up for that, so no outage can open it.
    assert is_production(ELSEWHERE, settings=named, experiment_id="no such experiment")


@pytest.mark.parametrize(
    ("tags", "own", "elsewhere"),
    [
        ({}, False, False),
        ({"stage": "production"}, True, False),
        ({"stage": "candidate"}, False, False),
        ({"stage": "archived", "genie.deployed_space_id": ELSEWHERE}, False, False),
        ({"stage": "production", "genie.deployed_space_id": ELSEWHERE}, False, True),
        ({"genie.deployed_space_id": ELSEWHERE}, False, False),
    ],
)
def test_a_space_is_production_when_a_version_in_that_stage_is_recorded_for_it(snapshot, tags, own, elsewhere):
    if tags:
        registry.set_model_tags(snapshot.model_id, tags)
    assert (production(snapshot, snapshot.space_id), production(snapshot, ELSEWHERE)) == (own, elsewhere)


def test_one_version_that_went_elsewhere_does_not_hide_another_that_stayed(snapshot, versions):
    went, stayed = snapshot.model_id, versions.make("another")
    registry.set_model_tags(went, {"stage": "production", "genie.deployed_space_id": ELSEWHERE})
    registry.set_model_tags(stayed, {"stage": "production"})
    assert production(snapshot, snapshot.space_id)


def refused(snapshot, **arguments):
    settings = Settings(production_spaces=frozenset({ELSEWHERE}))
    with pytest.raises(ProtectedSpaceError) as caught:
        require_verified(snapshot, ELSEWHERE, settings=settings, **arguments)
    return caught.value


def test_any_version_may_enter_an_ordinary_space(snapshot):
    require_verified(snapshot, snapshot.space_id, settings=NOBODYS)
    registry.set_model_tags(snapshot.model_id, {"stage": "production"})
    with pytest.raises(ProtectedSpaceError):
        require_verified(snapshot, snapshot.space_id, settings=NOBODYS)


def test_a_version_without_a_mark_is_refused_with_what_to_do(snapshot):
    error = refused(snapshot)
    assert error.what == f"space {ELSEWHERE} is production, and version {snapshot.model_id} has no mark for production"
    assert error.details == {"model_id": snapshot.model_id, "space_id": ELSEWHERE}
    gates = f"pytest gates/ --model-id={snapshot.model_id} --genie-stage=production"
    assert error.next_step == f"{gates}, or --break-glass REASON"


@pytest.mark.parametrize(
    ("stage", "verdict", "why"),
    [
        ("production", "failed", "has the mark failed for production"),
        ("production", "revoked", "has the mark revoked for production"),
        ("candidate", "passed", "has no mark for production"),
        ("production", "passed", "is marked, but that is not confirmed (verdict: no gate run is named"),
    ],
)
def test_a_mark_opens_only_when_it_is_positive_for_production_and_confirmed(snapshot, stage, verdict, why):
    registry.set_model_tags(snapshot.model_id, {f"genie.gate.{stage}.verdict": verdict})
    assert why in refused(read_snapshot(snapshot.model_id)).what


@pytest.mark.parametrize("reason", ["", "  ", None])
def test_glass_is_broken_with_a_reason_only(snapshot, reason):
    refused(snapshot, break_glass_reason=reason)
    settings = Settings(production_spaces=frozenset({ELSEWHERE}))
    require_verified(snapshot, ELSEWHERE, settings=settings, break_glass_reason="outage 12")
