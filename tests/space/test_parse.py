import json

import pytest

from mlflow_genie_plugin.errors import InvalidSpaceError, SpaceNotEditableError, TemplateSpaceError, UnreadableFileError
from mlflow_genie_plugin.space.config import Envelope, SpaceConfig
from mlflow_genie_plugin.space.parse import parse_space, read_space_file


def test_an_api_answer_gives_document_envelope_id_and_etag(full_space):
    answer = {
        "space_id": "01ef" * 8,
        "title": "Sales",
        "description": "d",
        "warehouse_id": "w",
        "parent_path": "/Users/a",
        "etag": "e1",
        "create_time": "2026-01-01T00:00:00Z",
        "serialized_space": json.dumps(full_space),
    }
    config = parse_space(json.dumps(answer))
    assert config.document == full_space
    assert config.envelope == Envelope("Sales", "d", "w", "/Users/a")
    assert (config.space_id, config.etag) == ("01ef" * 8, "e1")


def test_the_snapshot_artifact_keeps_its_envelope_apart(full_space):
    artifact = {
        "format_version": 1,
        "space_id": "ab" * 16,
        "etag": "e",
        "envelope": {"title": "T", "description": None, "warehouse_id": "w", "parent_path": None},
        "serialized_space": full_space,
    }
    config = parse_space(artifact)
    assert config == SpaceConfig(full_space, Envelope("T", None, "w", None), "ab" * 16, "e")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda document: {"genie_space": document},
        lambda document: {"genie_space": {"title": "T", "serialized_space": json.dumps(document)}},
        lambda document: {"exported_at": "x", "space": {"title": "T", "serialized_space": document}},
        lambda document: {"resources": {"genie_spaces": {"sales": {"title": "T", "serialized_space": document}}}},
        lambda document: {"spaces": [{"title": "T", "serialized_space": json.dumps(document)}]},
        lambda document: {"title": "T", "genie_space": document},
        lambda document: json.dumps(document),
    ],
)
def test_wrapped_exports_are_unwrapped(wrap, full_space):
    config = parse_space(json.dumps(wrap(full_space)))
    assert config.document == full_space
    assert config.envelope.title in ("T", None)


def test_the_title_of_a_wrapper_is_kept(full_space):
    assert parse_space({"title": "T", "genie_space": full_space}).envelope.title == "T"
    bundle = {"resources": {"genie_spaces": {"a": {"title": "B", "serialized_space": full_space}}}}
    assert parse_space(bundle).envelope.title == "B"


def test_an_export_of_several_spaces_is_refused(full_space):
    with pytest.raises(InvalidSpaceError, match="holds 2 spaces"):
        parse_space({"spaces": [full_space, full_space]})


def test_a_parsed_document_is_copied(full_space):
    config = parse_space(full_space)
    full_space["version"] = 9
    assert config.version == 2


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("<html>", "not JSON: Expecting value at line 1 column 1"),
        ('{"version": 2', "not JSON"),
        ("[]", "holds an array, not an object"),
        ("null", "holds null"),
        ("3", "holds a number"),
        ('"text"', "not JSON"),
        ('{"version": 1, "version": 2}', "the key 'version' stands twice"),
        ('{"version": 1, "config": {"a": 1, "b": 2, "a": 3}}', "the key 'a' stands twice"),
        ('{"version": NaN}', "NaN is no JSON number"),
        ('{"version": -Infinity}', "-Infinity is no JSON number"),
        ('{"version": 1e999}', "1e999 is too large"),
        ('{"version": "\\ud800"}', "half of a surrogate pair"),
        ("\ufeff{}", "byte order mark"),
        (b"\xef\xbb\xbf{}", "byte order mark (UTF-8)"),
        ('{"version": 2}'.encode("utf-16"), "byte order mark (UTF-16)"),
        ('{"version": "ä"}'.encode("latin-1"), "not UTF-8: byte 0xe4 at offset 13"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('{"version": ' + "1" * 5000 + "}", "a number with thousands of digits"),
        ({"version": float("nan")}, "JSON cannot express"),
        ({"version": {1, 2}}, "JSON cannot express"),
    ],
)
def test_what_is_not_strict_json_is_refused_with_the_reason(source, says):
    with pytest.raises(UnreadableFileError) as refusal:
        parse_space(source, what="the file")
    assert says in str(refusal.value)
    assert str(refusal.value).startswith(("the file", "serialized_space"))


def test_duplicate_keys_inside_the_serialized_string_are_found():
    with pytest.raises(UnreadableFileError, match="stands twice"):
        parse_space({"serialized_space": '{"version": 2, "version": 2}'})


@pytest.mark.parametrize("text", ['{"version": {{ v }}}', '{"version": ${v}}', '{% if x %}{"version": 2}{% endif %}'])
def test_a_template_that_is_not_json_is_called_a_template(text):
    with pytest.raises(TemplateSpaceError, match="template"):
        parse_space(text)


def test_a_syntax_error_far_from_a_placeholder_is_not_blamed_on_it():
    with pytest.raises(UnreadableFileError, match="not JSON"):
        parse_space('{"version": 2, "x": "${catalog}",, }')


@pytest.mark.parametrize("key", ["version", "config", "data_sources", "instructions", "benchmarks", "data_assets"])
@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: {"genie_space": value}])
def test_a_config_beside_the_one_in_serialized_space_is_refused_with_both_places(full_space, key, wrap):
    both = wrap({"title": "T", "serialized_space": json.dumps(full_space), key: full_space.get(key, {})})
    with pytest.raises(UnreadableFileError) as refusal:
        parse_space(json.dumps(both), what="sales.json")
    assert refusal.value.exit_code == 2
    assert f"sales.json holds two configs: one in serialized_space, one beside it in {key};" in str(refusal.value)
    assert "remove one of the two" in refusal.value.next_step


@pytest.mark.parametrize(
    "answer", [{"space_id": "x", "title": "t"}, {"serialized_space": ""}, {"serialized_space": None}]
)
def test_an_answer_without_configuration_names_the_missing_permission(answer):
    with pytest.raises(SpaceNotEditableError, match="CAN EDIT"):
        parse_space(answer)


@pytest.mark.parametrize(
    "document",
    [
        {"data_assets": [], "general_instructions": "x"},
        {"data_assets": [], "version": 1},
        {"space": {"data_assets": []}},
    ],
)
def test_the_data_assets_form_is_refused_with_a_way_out(document):
    with pytest.raises(InvalidSpaceError, match=r"no Genie space has.*export the space again"):
        parse_space(document)


def test_something_else_entirely_is_refused():
    with pytest.raises(InvalidSpaceError, match="is no space config"):
        parse_space({"name": "package", "dependencies": {}})
    with pytest.raises(InvalidSpaceError, match=r"other\.geniespace\.json"):
        parse_space({"genie_space": {"title": "x", "file_path": "other.geniespace.json"}})


def test_files_that_cannot_be_opened_are_named(tmp_path):
    with pytest.raises(UnreadableFileError, match=r"nothing\.json: No such file"):
        read_space_file(tmp_path / "nothing.json")
    with pytest.raises(UnreadableFileError, match="directory"):
        read_space_file(tmp_path)
