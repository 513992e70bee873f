import json

import pytest


@pytest.fixture
def space_id():
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID

    return SAMPLE_SPACE_ID


@pytest.fixture
def workspace(local_workspace, tracking):
    """The local workspace, signed in to over HTTP by the real SDK; the tracking store is fresh."""
    from mlflow_genie_plugin.workspace.auth import connect

    return connect()


@pytest.fixture
def live_document(local_workspace, space_id):
    """Return a function that gives the space's document as stored, whatever a lagging read shows."""

    def document():
        return json.loads(local_workspace.control.space(space_id)["serialized_space"])

    return document


@pytest.fixture
def edit(local_workspace, space_id, live_document):
    """Return a function that edits the space as a person in the browser would: drops the last n examples."""

    def edit(drop=1):
        document = live_document()
        del document["instructions"]["example_question_sqls"][-drop:]
        local_workspace.control.edit_space(space_id, document)
        return document

    return edit


@pytest.fixture
def writes(local_workspace):
    """Return a function that lists the writes the workspace received."""

    def writes():
        return [r for r in local_workspace.control.requests() if r["method"] in ("PATCH", "PUT", "DELETE")]

    return writes
