import mlflow
import pytest

import mlflow_genie_plugin as genie
from mlflow_genie_plugin import registry
from mlflow_genie_plugin.errors import ModelNotFoundError, UsageError
from mlflow_genie_plugin.flavor.load import read_snapshot
from mlflow_genie_plugin.registry import ModelRecord
from mlflow_genie_plugin.snapshot.lineage import LIVE_SINCE, lineage, require_parent, verify_chain, versions_of_space

SPACE_ID = "1" * 32
DOCUMENT = {"version": 2, "data_sources": {}}


def record(model_id, parent="none", space="s"):
    params = {"parent_model_id": parent, "space_id": space, "snapshot_sha256": "x", "iteration": "1"}
    return ModelRecord(model_id, model_id, "0", params, {}, "", None, "READY", 0)


def getter(*records):
    known = {entry.model_id: entry for entry in records}

    def get(model_id):
        if model_id not in known:
            raise ModelNotFoundError(f"model {model_id} does not exist")
        return known[model_id]

    return get


def test_a_chain_goes_back_to_the_first_version():
    links = lineage("c", get=getter(record("c", "b"), record("b", "a"), record("a")))
    assert [link.model_id for link in links] == ["c", "b", "a"]
    assert [link.problem for link in links] == [None, None, None]


def test_a_missing_parent_ends_the_chain_with_a_problem():
    links = lineage("c", get=getter(record("c", "b")))
    assert [(link.model_id, link.problem) for link in links] == [
        ("c", None),
        ("b", "the chain is broken: model b does not exist"),
    ]


@pytest.mark.parametrize("chain", [[("a", "a")], [("a", "b"), ("b", "a")], [("a", "b"), ("b", "c"), ("c", "b")]])
def test_a_circle_is_reported_and_ends(chain):
    links = lineage("a", get=getter(*(record(*pair) for pair in chain)))
    assert "circle" in links[-1].problem
    assert len(links) == len(chain) + 1


def test_a_step_to_another_space_is_said_and_followed():
    links = lineage("b", get=getter(record("b", "a", space="t"), record("a", space="s")))
    assert links[1].problem == "the version after it is of another space, t"


def test_an_endless_chain_is_cut():
    def get(model_id):
        return record(model_id, str(int(model_id) + 1))

    links = lineage("0", get=get, limit=5)
    assert len(links) == 6
    assert "longer than 5" in links[-1].problem


def test_a_version_that_does_not_exist_is_an_error(tracking):
    with pytest.raises(ModelNotFoundError):
        lineage("m-" + "0" * 32)


def test_real_chains_are_verified_file_by_file(tracking):
    from pathlib import Path
    from urllib.parse import urlsplit

    first = genie.create_genie_model_version(SPACE_ID, DOCUMENT, 1, "sales")
    second = genie.create_genie_model_version(SPACE_ID, DOCUMENT, 2, "sales", parent_model_id=first)
    assert [link.problem for link in verify_chain(lineage(second))] == [None, None]
    folder = Path(urlsplit(registry.get_model(first).artifact_location).path)
    (folder / "genie_space.json").write_text("{}")
    assert "was changed" in verify_chain(lineage(second))[1].problem


def test_a_parent_that_was_deleted_is_a_broken_chain(tracking):
    first = genie.create_genie_model_version(SPACE_ID, DOCUMENT, 1, "sales")
    second = genie.create_genie_model_version(SPACE_ID, DOCUMENT, 2, "sales", parent_model_id=first)
    mlflow.MlflowClient().delete_logged_model(first)
    assert "broken" in lineage(second)[1].problem
    with pytest.raises(ModelNotFoundError):
        require_parent(read_snapshot(second))


def test_the_first_version_has_no_parent_to_go_back_to(tracking):
    first = genie.create_genie_model_version(SPACE_ID, DOCUMENT, 1, "sales")
    with pytest.raises(UsageError, match="no parent"):
        require_parent(read_snapshot(first))


def test_the_version_that_last_was_live_comes_first(tracking):
    first = genie.create_genie_model_version(SPACE_ID, DOCUMENT, 1, "sales")
    second = genie.create_genie_model_version(SPACE_ID, DOCUMENT, 2, "sales", parent_model_id=first)
    assert [entry.model_id for entry in versions_of_space(SPACE_ID)] == [second, first]
    later = registry.get_model(second).creation_timestamp + 1000
    registry.set_model_tags(first, {LIVE_SINCE: later})
    assert [entry.model_id for entry in versions_of_space(SPACE_ID)] == [first, second]
    registry.set_model_tags(first, {LIVE_SINCE: "soon"})
    assert [entry.model_id for entry in versions_of_space(SPACE_ID)] == [second, first]
