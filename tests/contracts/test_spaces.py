import json

import pytest

from mlflow_genie_plugin.errors import ConflictError, SpaceNotFoundError, WorkspaceRefusedError
from mlflow_genie_plugin.space.fingerprint import content_hash
from mlflow_genie_plugin.space.normalise import normalise_for_write
from mlflow_genie_plugin.space.parse import parse_space


def hash_of(text):
    return content_hash(parse_space(text).document)


def test_a_space_that_can_be_read_is_listed(held):
    assert held.space_id in {summary.space_id for summary in held.workspace.spaces.list_spaces()}


def test_a_space_has_configuration_etag_and_warehouse(held):
    live = held.workspace.spaces.get_space(held.space_id)
    assert live.space_id == held.space_id
    assert json.loads(live.serialized_space)["version"] in (1, 2)
    assert live.etag
    assert live.warehouse_id
    assert live.title


def test_reading_twice_gives_the_same(held):
    one, two = (held.workspace.spaces.get_space(held.space_id) for _ in range(2))
    assert (one.etag, hash_of(one.serialized_space)) == (two.etag, hash_of(two.serialized_space))


def test_an_unknown_space_is_not_found(held):
    with pytest.raises(SpaceNotFoundError):
        held.workspace.spaces.get_space("0" * 31 + "1")


def test_permissions_name_principals_and_levels(held):
    permissions = held.workspace.spaces.get_permissions(held.space_id)
    assert permissions
    assert {p.principal_kind for p in permissions} <= {"user", "group", "service_principal"}
    assert all(p.level in {"CAN_VIEW", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"} for p in permissions)


def test_a_created_space_holds_what_was_sent(held, written):
    original = held.workspace.spaces.get_space(held.space_id)
    live = held.workspace.spaces.get_space(written.space_id)
    assert live.space_id != original.space_id
    assert hash_of(live.serialized_space) == hash_of(original.serialized_space)
    assert live.warehouse_id == original.warehouse_id


def test_an_update_with_the_fresh_etag_replaces_the_configuration(held, written):
    live = held.workspace.spaces.get_space(written.space_id)
    document = normalise_for_write(parse_space(live.serialized_space).document)
    document["instructions"].pop("example_question_sqls", None)
    held.workspace.spaces.update_space(written.space_id, serialized_space=json.dumps(document), etag=live.etag)
    after = held.workspace.spaces.get_space(written.space_id)
    assert hash_of(after.serialized_space) == content_hash(document)
    assert after.etag != live.etag


def test_an_update_with_a_stale_etag_is_a_conflict_and_changes_nothing(held, written):
    live = held.workspace.spaces.get_space(written.space_id)
    document = normalise_for_write(parse_space(live.serialized_space).document)
    document["instructions"].pop("example_question_sqls", None)
    held.workspace.spaces.update_space(written.space_id, serialized_space=json.dumps(document), etag=live.etag)
    with pytest.raises(ConflictError):
        held.workspace.spaces.update_space(written.space_id, serialized_space=live.serialized_space, etag=live.etag)
    after = held.workspace.spaces.get_space(written.space_id)
    assert hash_of(after.serialized_space) == content_hash(document)


def test_a_new_description_leaves_the_etag_as_it_is(held, written):
    before = held.workspace.spaces.get_space(written.space_id)
    held.workspace.spaces.update_space(written.space_id, description="another description")
    after = held.workspace.spaces.get_space(written.space_id)
    assert (after.description, after.etag) == ("another description", before.etag)


def test_a_configuration_that_breaks_the_rules_is_refused_with_the_servers_words(held, written):
    broken = json.dumps({"version": 2, "data_sources": {}, "general_instructions": "x"})
    with pytest.raises(WorkspaceRefusedError, match="general_instructions"):
        held.workspace.spaces.update_space(written.space_id, serialized_space=broken)
    with pytest.raises(WorkspaceRefusedError, match="versions 1 and 2"):
        held.workspace.spaces.update_space(written.space_id, serialized_space='{"version": 3}')
