from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from databricks.sdk.errors import BadRequest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.emulator.export_rules import accept_export, stored_form
from mlflow_genie_plugin.space.fingerprint import content_hash

A, B = "0" * 31 + "1", "0" * 31 + "2"
MARK = "--rt=FROM_RELATIONSHIP_TYPE_MANY_TO_ONE--"


def tables(*items):
    return {"version": 2, "data_sources": {"tables": list(items)}}


def instructions(**kinds):
    return {"version": 2, "data_sources": {}, "instructions": kinds}


def join(sql, left="o", right="c"):
    sides = {
        "left": {"identifier": "a.b.orders", "alias": left},
        "right": {"identifier": "a.b.customers", "alias": right},
    }
    return instructions(join_specs=[{"id": A, **sides, "sql": sql}])


REFUSED = [
    ({"data_sources": {}}, "Invalid export proto: ExportConverter supports versions 1 and 2, but got 0"),
    ({"version": 3}, "Invalid export proto: ExportConverter supports versions 1 and 2, but got 3"),
    (
        tables({"identifier": "a.b.d"}, {"identifier": "a.b.c"}),
        "Invalid export proto: data_sources.tables must be sorted by identifier",
    ),
    (
        instructions(example_question_sqls=[{"id": B}, {"id": A}]),
        "Invalid export proto: instructions.example_question_sqls must be sorted by id",
    ),
    (
        instructions(sql_functions=[{"id": B, "identifier": "a.b.f"}, {"id": A, "identifier": "a.b.g"}]),
        "Invalid export proto: instructions.sql_functions must be sorted by (id, identifier)",
    ),
    (
        tables({"identifier": "a.b.c", "column_configs": [{"column_name": "y"}, {"column_name": "x"}]}),
        "Invalid export proto: data_sources.tables[0].column_configs must be sorted by column_name",
    ),
    (
        instructions(sql_snippets={"expressions": [{"id": A, "sql": ["1"], "alias": "x"}]}),
        "Invalid export proto: instructions.sql_snippets.expressions[0].display_name is required but missing",
    ),
    (
        tables({"identifier": "a.b.c", "column_configs": [{"column_name": "x", "get_example_values": True}]}),
        (
            "data_sources.tables[0].column_configs[0] uses version 1 fields "
            "(get_example_values, build_value_dictionary) but the export version is 2. "
            "Use enable_format_assistance and enable_entity_matching for version 2."
        ),
    ),
    (
        {"version": 2, "config": {"sample_questions": [{"question": ["a"]}]}},
        (
            "Failed to parse export proto: sample_question.id must be provided and non-empty. "
            "Expected lowercase 32-hex UUID without hyphens."
        ),
    ),
    (
        {"version": 2, "config": {"sample_questions": [{"id": "q1", "question": ["a"]}]}},
        "Invalid id for sample_question.id: 'q1'. Expected lowercase 32-hex UUID without hyphens",
    ),
    (
        instructions(sql_functions=[{"id": A.upper().replace("0", "F"), "identifier": "a.b.f"}]),
        (
            "Invalid id for sql_function.id: 'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF1'. "
            "Expected lowercase 32-hex UUID without hyphens"
        ),
    ),
    (join(["o.id = c.id"]), "Failed to parse export proto: o.id = c.id (of class java.lang.String)"),
    (
        join(["o.id = c.id AND o.x = c.x", MARK]),
        "Failed to parse export proto: o.id = c.id AND o.x = c.x (of class java.lang.String)",
    ),
    (join(["x.id = c.id", MARK]), "Failed to parse export proto: x.id = c.id (of class java.lang.String)"),
    (
        tables({"identifier": "a.b.c", "description": "words"}),
        'Invalid serialized_space: Expected an array for description but found "words"',
    ),
    (
        instructions(text_instructions=[{"id": A, "content": "words"}]),
        'Invalid serialized_space: Expected an array for content but found "words"',
    ),
    ({"version": 2, "title": "x"}, "Invalid serialized_space: Unknown field 'title'"),
    ({"version": 2, "general_instructions": []}, "Invalid serialized_space: Unknown field 'general_instructions'"),
    (
        instructions(sql_functions=[{"id": A, "identifier": "a.b.f", "name": "f"}]),
        "Invalid serialized_space: Unknown field 'name'",
    ),
    (
        instructions(text_instructions=[{"id": A, "content": []}, {"id": B, "content": []}]),
        "text_instructions must contain at most one item",
    ),
    (
        instructions(sql_functions=[{"id": f"{n:032x}", "identifier": "a.b.f"} for n in range(51)]),
        "Exceeded maximum number (50) of certified answer inputs",
    ),
    ([], "Invalid JSON in field 'serialized_space'"),
]


@pytest.mark.parametrize(("document", "message"), REFUSED, ids=[message[:60] for _, message in REFUSED])
def test_the_server_refuses_with_its_own_words(make_space, client, document, message):
    before = len(client.genie.list_spaces().spaces)
    with pytest.raises(BadRequest, match=f"^{re.escape(message)}$"):
        client.api_client.do(
            "POST",
            "/api/2.0/genie/spaces",
            body={"warehouse_id": "w", "serialized_space": json.dumps(document)},
        )
    assert len(client.genie.list_spaces().spaces) == before


def test_text_that_is_not_json_is_refused(client):
    with pytest.raises(BadRequest, match="Invalid JSON in field 'serialized_space'"):
        client.genie.create_space("w", "{")


def test_an_update_is_held_to_the_same_rules_and_changes_nothing_when_refused(client, make_space):
    space = make_space(title="kept")
    with pytest.raises(BadRequest, match="Unknown field 'x'"):
        client.genie.update_space(space.space_id, title="new", serialized_space='{"version":2,"x":1}')
    after = client.genie.get_space(space.space_id, include_serialized_space=True)
    assert (after.title, after.serialized_space, after.etag) == ("kept", space.serialized_space, space.etag)


@pytest.mark.parametrize(
    "condition", ["o.customer = c.id", "`o`.`customer` = `c`.`id`", "c.id=o.customer", "O.customer = C.id"]
)
def test_a_plain_equality_between_the_two_sides_is_a_join(condition):
    document = join([condition, MARK])
    assert accept_export(json.dumps(document)) == document


ids = st.lists(st.integers(1, 2**100).map("{:032x}".format), unique=True, max_size=6)


@given(ids, ids, st.booleans())
def test_storing_twice_is_storing_once_and_means_the_same(samples, benchmarks, old):
    flags = {"get_example_values": True} if old else {"enable_format_assistance": True}
    document = {
        "version": 1 if old else 2,
        "config": {"sample_questions": [{"id": item, "question": ["q"]} for item in samples]},
        "data_sources": {
            "tables": [{"identifier": "a.b.c", "column_configs": [{"column_name": "x", **flags}]}],
        },
        "benchmarks": {"questions": [{"id": item, "question": ["q"]} for item in benchmarks]},
    }
    once = stored_form(document)
    assert stored_form(once) == once
    assert content_hash(once) == content_hash(document)


SHARED = sorted((Path(__file__).parents[3] / "shared" / "spaces").glob("*.json"))


@pytest.mark.skipif(not SHARED, reason="the collection of exported spaces is not on this machine")
def test_real_spaces_that_the_server_accepts_mean_the_same_after_it_stored_them():
    from mlflow_genie_plugin.emulator.api_errors import ApiError
    from mlflow_genie_plugin.errors import GenieError
    from mlflow_genie_plugin.space.parse import read_space_file

    accepted = 0
    for path in SHARED:
        try:
            document = read_space_file(path).document
            stored = accept_export(json.dumps(document))
        except (ApiError, GenieError):
            continue
        accepted += 1
        assert content_hash(stored) == content_hash(document), path.name
    assert accepted >= 5
