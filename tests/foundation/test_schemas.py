import pytest

from mlflow_genie_plugin.errors import UnsupportedFormatError
from mlflow_genie_plugin.schemas import is_valid, json_path, load_schema, require_format_version, violations_of

NAMES = ["space", "genie_space", "benchmarks", "evaluation_result", "criteria", "verdict", "opinion"]


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_itself_valid_and_refuses_a_list(name):
    import jsonschema

    jsonschema.Draft202012Validator.check_schema(load_schema(name))
    assert not is_valid([], name)
    assert violations_of([], name)[0].path == "$"


def test_every_violation_is_listed_with_its_path():
    tables = [{"identifier": 1}, {"identifier": "a.b.c", "description": "x"}]
    document = {"version": 2, "data_sources": {"tables": tables}}
    paths = [violation.path for violation in violations_of(document, "space")]
    assert paths == ["$.data_sources.tables[0].identifier", "$.data_sources.tables[1].description"]


def test_the_compiled_validator_and_the_one_of_record_agree_on_a_valid_document():
    assert is_valid({"version": 2, "data_sources": {}}, "space")
    assert violations_of({"version": 2, "data_sources": {}}, "space") == []


def test_paths_are_json_paths():
    assert json_path(["a", 0, "b c", "d"]) == "$.a[0]['b c'].d"


@pytest.mark.parametrize("document", [{}, {"format_version": 2}, {"format_version": "1"}, {"format_version": True}, []])
def test_an_unknown_format_version_is_refused(document):
    with pytest.raises(UnsupportedFormatError, match="this version of mlflow-genie reads 1"):
        require_format_version(document, 1, "the file")


def test_the_known_format_version_is_read():
    require_format_version({"format_version": 1}, 1, "the file")
