from importlib.resources import files

import pytest

from mlflow_genie_plugin.errors import UnsupportedFormatError
from mlflow_genie_plugin.schemas import is_valid, json_path, load_schema, require_format_version, violations_of
from mlflow_genie_plugin.schemas.wording import PATTERNS

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


def every_pattern(schema):
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for item in schema.values():
            yield from every_pattern(item)
    elif isinstance(schema, list):
        for item in schema:
            yield from every_pattern(item)


def test_every_pattern_of_every_schema_is_said_in_words():
    schemas = files("mlflow_genie_plugin.schemas").iterdir()
    names = [item.name.removesuffix(".schema.json") for item in schemas if item.name.endswith(".schema.json")]
    used = {pattern for name in names for pattern in every_pattern(load_schema(name))}
    assert used == set(PATTERNS)


@pytest.mark.parametrize(
    ("criteria", "path", "said", "fix"),
    [
        ({"stages": {"prodction": {}}}, "$.stages.prodction", "unknown key 'prodction'", "did you mean 'production'?"),
        ({"stages": {"candidate": {}}}, "$.stages.production", "production is required but missing", ""),
        (
            {"stages": {"candidate": {"full": {"custom_gates": [7]}}}},
            "$.stages.candidate.full.custom_gates[0]",
            "7 is not text",
            "",
        ),
        ({"format_version": 1, "stages": []}, "$.stages", "[] is not a mapping", ""),
    ],
)
def test_what_is_wrong_is_said_where_it_is_to_be_mended(criteria, path, said, fix):
    found = {violation.path: violation for violation in violations_of({"format_version": 1, **criteria}, "criteria")}
    assert (found[path].message, found[path].fix) == (said, fix)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"priority": "P7"}, "'P7' is not one of P0, P1, P2"),
        ({"ordered": "yes"}, "'yes' is not true or false"),
        ({"question": ""}, "it is empty"),
        ({"id": "a b"}, "'a b' is not a name of letters, digits and _ . : - only, at most 200 of them"),
    ],
)
def test_values_are_described_without_the_schema(changes, said):
    entry = {"id": "q", "question": "q", "expected_sql": "q", **changes}
    assert said in [v.message for v in violations_of({"format_version": 1, "benchmarks": [entry]}, "benchmarks")]
