import json

import pytest

from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.space.parse import parse_space, read_space_file


def test_every_real_space_is_read_and_written_back_equal(real_space):
    config = read_space_file(real_space)
    original = json.loads(real_space.read_text(encoding="utf-8"))
    assert config.document == original
    assert json.loads(config.to_json()) == original
    assert list(json.loads(config.to_json(indent=2))) == list(original)


def test_unknown_keys_at_every_level_survive(full_space):
    full_space["new"] = {"empty": [], "n": 1.5}
    full_space["data_sources"]["volumes"] = [{"path": "/x"}]
    full_space["data_sources"]["tables"][0]["column_configs"][0]["later"] = None
    assert json.loads(parse_space(json.dumps(full_space)).to_json()) == full_space


@pytest.mark.parametrize("indent", [None, 2])
def test_a_document_that_is_not_ascii_keeps_its_text(indent):
    document = {"version": 2, "instructions": {"text_instructions": [{"id": "a", "content": ["Größe — 数 😀\u2028"]}]}}
    assert parse_space(json.dumps(document, indent=indent).encode()).document == document
    assert "😀" in parse_space(document).to_json(indent=indent)


def test_assets_counts_and_text_are_read_off(full_space):
    config = SpaceConfig(full_space)
    assert config.tables() == ["main.sales.customers", "main.sales.orders"]
    assert config.metric_views() == ["main.sales.revenue"]
    assert len(config.functions()) == 2
    assert config.instruction_text() == "Revenue is net.\nUse euros."
    assert config.counts() == {
        "tables": 2,
        "metric_views": 1,
        "columns": 4,
        "functions": 2,
        "examples": 3,
        "joins": 2,
        "snippets": 4,
        "instruction_characters": 26,
        "sample_questions": 3,
        "benchmarks": 3,
    }


def test_a_malformed_document_is_counted_without_failing():
    config = SpaceConfig({"version": 2, "data_sources": {"tables": "x"}, "instructions": [], "benchmarks": None})
    assert config.tables() == []
    assert set(config.counts().values()) == {0}
