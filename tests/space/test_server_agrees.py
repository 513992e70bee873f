"""The local workspace holds the server's rules a second time, written apart: what we call valid it must take."""

import copy
import json
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.emulator.api_errors import ApiError
from mlflow_genie_plugin.emulator.export_rules import accept_export
from mlflow_genie_plugin.space.fingerprint import hashes_of
from mlflow_genie_plugin.space.normalise import normalise_for_write
from mlflow_genie_plugin.space.parse import read_space_file
from mlflow_genie_plugin.space.validate import errors_of


def test_a_real_space_we_call_valid_is_taken_and_keeps_its_hashes(real_space):
    text = re.sub(r"\$\{(\w+)\}|\{\{(\w+)\}\}|<([\w-]+)>", "filled", read_space_file(real_space).to_json())
    document = normalise_for_write(json.loads(text))
    if errors_of(document):
        pytest.skip(f"breaks {errors_of(document)[0].rule}")
    stored = accept_export(json.dumps(document))
    assert stored["version"] == 2
    assert hashes_of(stored) == hashes_of(document)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_whatever_we_call_valid_the_server_takes_and_migrates_without_a_new_hash(space_tools, seed):
    choose = random.Random(seed)
    document = space_tools.full()
    if choose.random() < 0.5:
        document = space_tools.version_1_of(document)
    for _ in range(choose.randrange(3)):
        edits = list(space_tools.edits(document))
        choose.choice(edits)[0]()
    document = copy.deepcopy(document)
    space_tools.resplit(document.get("benchmarks", document), choose)
    if errors_of(document):
        return
    try:
        stored = accept_export(json.dumps(document))
    except ApiError as refusal:
        raise AssertionError(f"we said valid, the server says: {refusal}") from refusal
    assert hashes_of(stored) == hashes_of(document)
