import pytest

from mlflow_genie_plugin.flavor.load import read_snapshot
from mlflow_genie_plugin.snapshot.create import create_snapshot
from mlflow_genie_plugin.snapshot.drift import compare_with_live


@pytest.fixture
def saved(workspace, space_id):
    return read_snapshot(create_snapshot(space_id, "sales", workspace=workspace, capture_uc=False).model_id)


def test_an_untouched_space_is_the_same(saved, workspace):
    report = compare_with_live(saved, workspace.spaces)
    assert (report.state, report.changes_behaviour) == ("same", False)
    assert report.render().startswith("same")


def test_an_edit_is_drift_with_its_difference(saved, workspace, edit):
    edit()
    report = compare_with_live(saved, workspace.spaces)
    assert (report.state, report.changes_behaviour) == ("drifted", True)
    assert [change.action for change in report.difference.changes] == ["removed"]
    assert "DRIFTED" in report.render()


def test_other_benchmarks_are_drift_that_cannot_change_answers(saved, workspace, live_document, local_workspace):
    document = live_document()
    del document["benchmarks"]["questions"][-1]
    local_workspace.control.edit_space(saved.space_id, document)
    report = compare_with_live(saved, workspace.spaces)
    assert (report.state, report.changes_behaviour) == ("drifted", False)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 403, "error_code": "PERMISSION_DENIED"},
        {"status": 404, "error_code": "RESOURCE_DOES_NOT_EXIST"},
        {"status": 401, "error_code": "UNAUTHENTICATED"},
    ],
)
def test_a_space_that_cannot_be_read_is_unknown_never_the_same(saved, workspace, local_workspace, fault):
    local_workspace.control.fault("genie.get_space", times=0, **fault)
    report = compare_with_live(saved, workspace.spaces)
    assert (report.state, report.changes_behaviour, report.difference) == ("unknown", None, None)
    assert report.reason in report.render()
