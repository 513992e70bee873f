"""What registered versions have to say after a verdict, by the tags that they have, and what they may not say."""

from __future__ import annotations

import dataclasses

import pytest

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.errors import TrackingUnavailableError, UnverifiedWriteError
from mlflow_genie_plugin.gating.checks import Check
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome
from mlflow_genie_plugin.gating.version_marks import (
    TagChange,
    marks_versions,
    planned_changes,
    tag_versions,
    version_plan,
    versions_check,
    write_changes,
)
from mlflow_genie_plugin.registry import VersionRecord

OWN = "genie.gate.production"
TAGS = {
    f"{OWN}.verdict": "passed",
    f"{OWN}.run_id": "run",
    f"{OWN}.verdict_sha256": "f" * 64,
    f"{OWN}.model_id": "m-1",
    f"{OWN}.decided_at": "now",
    f"{OWN}.evaluation_run_id": "not copied",
}
COPIED = {key: value for key, value in TAGS.items() if not key.endswith("evaluation_run_id")}


def version(number="3", **tags):
    return VersionRecord("orders", number, "m-1", "", tags)


def changes(tags, outcome="passed", wanted=None, **present):
    found = planned_changes([version(**present)], tags, Outcome(outcome), wanted)
    assert all((change.name, change.version) == ("orders", "3") for change in found)
    return {change.key: change.value for change in found}


def test_a_mark_is_copied_and_what_is_there_already_is_left():
    assert changes(TAGS) == COPIED
    assert changes(TAGS, **COPIED) == {}
    assert changes(TAGS, **{**COPIED, f"{OWN}.run_id": "older"}) == {f"{OWN}.run_id": "run"}
    assert changes({}) == {}


@pytest.mark.parametrize(("outcome", "word"), [("passed", "approved"), ("failed", "rejected"), ("undecided", None)])
def test_an_approval_follows_the_verdict(outcome, word):
    tags = {**TAGS, f"{OWN}.verdict": outcome}
    found = changes(tags, outcome, "approval", approval="pending")
    assert found["approval"] == word
    assert found[f"{OWN}.approval_tag"] == "approval"
    assert changes(tags, outcome, "approval").get("approval") == word


def test_an_approval_that_went_by_another_name_or_is_asked_no_more_is_taken_away():
    before = {**COPIED, f"{OWN}.approval_tag": "old", "old": "approved"}
    assert changes(TAGS, "passed", "new", **before) == {"old": None, f"{OWN}.approval_tag": "new", "new": "approved"}
    assert changes(TAGS, "passed", None, **before) == {"old": None, f"{OWN}.approval_tag": None}
    assert changes(TAGS, "passed", "old", **before) == {}


def test_a_revoked_mark_of_a_later_stage_rejects_what_it_had_approved():
    own = "genie.gate.experiment"
    tags = {f"{own}.verdict": "failed", f"{OWN}.verdict": "revoked"}
    before = {f"{OWN}.verdict": "passed", f"{OWN}.approval_tag": "approval", "approval": "approved"}
    assert changes(tags, "failed", None, **before) == {**tags, "approval": "rejected"}
    assert changes(tags, "failed", None) == tags
    # A failure at this stage is said under this stage's name, not under the one that was revoked.
    assert changes(tags, "failed", "mine")["genie.gate.experiment.approval_tag"] == "mine"


def test_every_version_is_changed_on_its_own():
    versions = [version("1", **COPIED), version("2")]
    found = planned_changes(versions, TAGS, Outcome.PASSED, None)
    assert {change.version for change in found} == {"2"}
    assert len(found) == len(COPIED)


@pytest.mark.parametrize(
    ("value", "withdraws", "said"),
    [
        (None, True, "version 3 of orders: approval remove"),
        ("rejected", True, "version 3 of orders: approval set to 'rejected'"),
        ("revoked", True, "version 3 of orders: approval set to 'revoked'"),
        ("approved", False, "version 3 of orders: approval set to 'approved'"),
    ],
)
def test_a_change_says_what_it_does_and_whether_it_takes_something_back(value, withdraws, said):
    change = TagChange("orders", "3", "approval", value)
    assert (change.withdraws, str(change)) == (withdraws, said)


def test_a_pass_on_a_part_of_the_questions_changes_no_version(evidence, verdict_of):
    passed = verdict_of(evidence())
    assert marks_versions(passed)
    assert not marks_versions(dataclasses.replace(passed, scope="slice"))
    failed = dataclasses.replace(passed, outcome=Outcome.FAILED)
    assert marks_versions(dataclasses.replace(failed, scope="slice"))
    open_ = dataclasses.replace(passed, outcome=Outcome.UNDECIDED)
    assert not marks_versions(open_)
    undecided = (GateResult("p0", Outcome.UNDECIDED, "no answer"),)
    assert marks_versions(dataclasses.replace(open_, scope="slice", results=undecided))


@pytest.fixture
def model(tracking, versions):
    """A version that is a model and is registered nowhere yet."""
    return registry.get_model(versions.make())


def said(model, outcome, found):
    return versions_check(model, "production", None) == Check("registered versions", Outcome(outcome), found)


def test_a_model_that_is_registered_nowhere_needs_no_tags(model, evidence, verdict_of):
    assert tag_versions(model, TAGS, Outcome.PASSED, "approval") == ""
    assert version_plan(verdict_of(evidence()), model, "approval") == ""
    assert said(model, "passed", "the model is not registered")


def test_every_version_gets_its_tags_and_what_is_planned_is_what_is_written(model, evidence, verdict_of):
    verdict = verdict_of(evidence())
    for name in ("orders", "copy"):
        registry.register_model(model.model_id, name)
    told = version_plan(verdict, model, "approval")
    assert told.startswith("would change version 1 of ")
    for name in ("orders", "copy"):
        assert f"version 1 of {name}: genie.gate.candidate.verdict set to 'passed'" in told
        assert f"version 1 of {name}: approval set to 'approved'" in told
    assert "run_id" not in told
    assert version_plan(dataclasses.replace(verdict, scope="slice"), model, "approval") == ""
    assert said(model, "passed", "nothing else is claimed by 2 versions")
    assert tag_versions(model, TAGS, Outcome.PASSED, "approval") == ""
    for name in ("orders", "copy"):
        tags = registry.get_version(name, "1").tags
        assert tags == {**COPIED, f"{OWN}.approval_tag": "approval", "approval": "approved"}


@pytest.mark.parametrize("name", ["verdict", "run_id", "verdict_sha256", "model_id", "decided_at"])
def test_a_version_may_not_say_what_its_model_does_not(model, name):
    registry.register_model(model.model_id, "orders")
    marked = dataclasses.replace(model, tags=TAGS)
    registry.set_version_tags("orders", "1", COPIED)
    assert said(marked, "passed", "nothing else is claimed by 1 version")
    registry.set_version_tags("orders", "1", {f"{OWN}.{name}": "mine"})
    claims = f"version 1 of orders says {OWN}.{name} 'mine', the model "
    assert said(marked, "failed", f"{claims}{TAGS[f'{OWN}.{name}']!r}")
    bare = dataclasses.replace(marked, tags={key: value for key, value in TAGS.items() if key != f"{OWN}.{name}"})
    found = versions_check(bare, "production", None)
    assert found.outcome is Outcome.FAILED
    assert f"{claims}''" in found.found


def test_an_approval_needs_a_mark_also_under_a_name_that_only_the_version_knows(model):
    registry.register_model(model.model_id, "orders")
    registry.set_version_tags("orders", "1", {f"{OWN}.approval_tag": "Sign_Off", "Sign_Off": " APPROVED "})
    found = "version 1 of orders is approved (Sign_Off), and the model is not marked"
    assert said(model, "failed", found)
    for verdict, outcome in (("failed", "failed"), ("passed", "passed")):
        marked = dataclasses.replace(model, tags={f"{OWN}.verdict": verdict})
        assert versions_check(marked, "production", None).outcome == outcome
    # A job may wait for either name: the one that the criteria have now, and the one that was written to before.
    assert versions_check(model, "production", "approval").found == found
    registry.set_version_tags("orders", "1", {"Sign_Off": "rejected"})
    assert versions_check(model, "production", "approval").outcome == "passed"
    registry.set_version_tags("orders", "1", {"approval": "approved"})
    assert versions_check(model, "production", "approval").found == found.replace("Sign_Off", "approval")


def test_a_tag_that_has_to_go_is_taken_away_and_the_others_stay(model):
    registry.register_model(model.model_id, "orders")
    registry.set_version_tags("orders", "1", {"old": "approved", "mine": "stays"})
    assert tag_versions(model, TAGS, Outcome.PASSED, "old") == ""
    assert tag_versions(model, TAGS, Outcome.PASSED, None) == ""
    assert registry.get_version("orders", "1").tags == {**COPIED, "mine": "stays"}


def test_one_change_that_is_refused_keeps_no_other_from_being_tried_and_every_refused_one_is_named(model):
    registry.register_model(model.model_id, "orders")
    registry.set_version_tags("orders", "1", {"approval": "approved"})
    nobodys = (TagChange("nobody", "1", "approval", None), TagChange("nobody", "2", "approval", "approved"))
    with pytest.raises(TrackingUnavailableError) as caught:
        write_changes((*nobodys, TagChange("orders", "1", "approval", "rejected")))
    assert caught.value.what.startswith(
        "registered versions do not say what the verdict says (version 1 of nobody: approval remove; "
        "version 2 of nobody: approval set to 'approved'): "
    )
    assert "nobody" in caught.value.what.rpartition("): ")[2]
    assert caught.value.next_step
    assert registry.get_version("orders", "1").tags["approval"] == "rejected"


def test_what_somebody_else_writes_over_at_once_is_found(model, monkeypatch):
    from mlflow_genie_plugin.gating import version_marks

    registry.register_model(model.model_id, "orders")
    write = version_marks.set_version_tags

    def written_over(name, version, tags):
        write(name, version, dict.fromkeys(tags, "mine"))

    monkeypatch.setattr(version_marks, "set_version_tags", written_over)
    changes = (TagChange("orders", "1", "a", "approved"), TagChange("orders", "1", "b", "approved"))
    with pytest.raises(UnverifiedWriteError) as caught:
        write_changes((*changes, TagChange("orders", "1", "c", "mine")))
    assert caught.value.what == (
        "registered versions do not show what was written: version 1 of orders: a set to 'approved'; "
        "version 1 of orders: b set to 'approved'"
    )
    assert caught.value.next_step == "run the gates again; somebody else may write to these versions"
    found = tag_versions(model, TAGS, Outcome.PASSED, None)
    assert found.startswith("registered versions do not show what was written: ")


def test_what_a_registry_that_cannot_be_asked_would_be_told_is_not_known(model, evidence, verdict_of, monkeypatch):
    from mlflow_genie_plugin.gating import version_marks

    def unreachable(model_id):
        raise TrackingUnavailableError("nobody answers")

    monkeypatch.setattr(version_marks, "versions_of_model", unreachable)
    said = "which registered versions would be changed is not known: nobody answers"
    assert version_plan(verdict_of(evidence()), model, None) == said
    assert tag_versions(model, TAGS, Outcome.PASSED, None) == "nobody answers"
