import copy
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.space.fingerprint import hashes_of
from mlflow_genie_plugin.space.normalise import normalise_for_write
from mlflow_genie_plugin.space.parse import read_space_file
from mlflow_genie_plugin.space.validate import validate_space


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_order_and_version_becomes_the_servers(space_tools, seed):
    document, choose = space_tools.full(), random.Random(seed)
    other = space_tools.version_1_of(document) if choose.random() < 0.5 else copy.deepcopy(document)
    space_tools.shuffle(other, choose)
    before = copy.deepcopy(other)
    assert normalise_for_write(other) == document
    assert other == before


def test_it_is_idempotent_keeps_the_hashes_and_drops_nothing(real_space):
    document = read_space_file(real_space).document
    once = normalise_for_write(document)
    assert normalise_for_write(once) == once
    assert hashes_of(once) == hashes_of(document)


@pytest.mark.parametrize(
    "sql",
    [
        ["`o`.`x` = `c`.`y`--rt=FROM_RELATIONSHIP_TYPE_ONE_TO_ONE--"],
        ["`o`.`x`", " = `c`.`y`", "--rt=FROM_RELATIONSHIP_TYPE_ONE_TO_ONE--"],
    ],
)
def test_a_joins_condition_and_marker_are_put_apart(full_space, sql):
    join = full_space["instructions"]["join_specs"][0]
    join["sql"] = sql
    written = normalise_for_write(full_space)
    assert written["instructions"]["join_specs"][0]["sql"] == [
        "`o`.`x` = `c`.`y`",
        "--rt=FROM_RELATIONSHIP_TYPE_ONE_TO_ONE--",
    ]
    assert hashes_of(written) == hashes_of(full_space)
    assert validate_space(written) == []


def test_what_is_invalid_for_another_reason_is_left_to_the_validator(space_tools):
    document = space_tools.version_1_of(space_tools.full())
    document["data_sources"]["tables"][0]["column_configs"][0]["enable_format_assistance"] = True
    document["instructions"]["sql_functions"] = [{"id": "b"}, {"identifier": "a.b.c"}, {"id": "a"}]
    document["unknown"] = {"z": [3, 1]}
    written = normalise_for_write(document)
    assert written["version"] == 1
    assert written["unknown"] == {"z": [3, 1]}
    assert written["instructions"]["sql_functions"] == document["instructions"]["sql_functions"]
    assert hashes_of(written) == hashes_of(document)
