from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.errors import UnreadableFileError, UsageError
from mlflow_genie_plugin.evaluation.yaml_edit import add_list, append_items, set_fields
from mlflow_genie_plugin.evaluation.yaml_source import read_source
from mlflow_genie_plugin.evaluation.yaml_text import to_yaml

FILE = """\
# whose questions these are
format_version: 1
benchmarks:
  # the first one matters
  - id: a   # its id
    question: "How many?"
    expected_sql: | # checked by Li
      SELECT 1
      FROM t

    # why it is here
    source: user # for now
  - {id: b, question: How much, expected_sql: "SELECT 2"}
  - id: c
    question: Which
    expected_sql: SELECT 3  # short
# the end
"""


def lines_gone(before, after):
    return [line for line in before.splitlines() if line not in after.splitlines()]


@pytest.mark.parametrize(
    ("index", "gone"),
    [
        (0, ["      SELECT 1", "      FROM t", "    source: user # for now"]),
        (1, ['  - {id: b, question: How much, expected_sql: "SELECT 2"}']),
        (2, ["    expected_sql: SELECT 3  # short"]),
    ],
)
def test_only_the_lines_of_the_changed_values_change(index, gone):
    changes = {"expected_sql": "SELECT x\nFROM y\n", "source": "arbiter_corrected"}
    after = set_fields(FILE, ("benchmarks", index), changes, "f.yaml")
    assert lines_gone(FILE, after) == gone
    assert {**yaml.safe_load(FILE)["benchmarks"][index], **changes} == yaml.safe_load(after)["benchmarks"][index]


def test_comments_behind_a_value_and_in_a_block_header_stay():
    after = set_fields(FILE, ("benchmarks", 0), {"expected_sql": "SELECT 9", "source": "x"}, "f.yaml")
    assert "source: x # for now" in after
    assert "expected_sql: SELECT 9 # checked by Li" in after
    after = set_fields(FILE, ("benchmarks", 2), {"expected_sql": "SELECT\n9\n"}, "f.yaml")
    assert "expected_sql: |  # short\n      SELECT\n      9\n# the end" in after


def test_an_appended_question_leaves_every_byte_before_it():
    after = append_items(FILE, ("benchmarks",), [{"id": "d", "question": "x: y?", "expected_sql": "SELECT 1\n"}], "f")
    start = FILE.index("# the end")
    assert after[:start] == FILE[:start]
    assert after.endswith("# the end\n")
    assert [item["id"] for item in yaml.safe_load(after)["benchmarks"]] == ["a", "b", "c", "d"]


def test_json_stays_json_with_its_indentation():
    text = json.dumps({"format_version": 1, "benchmarks": [{"id": "a", "expected_sql": "SELECT 1"}]}, indent=2)
    after = set_fields(text, ("benchmarks", 0), {"expected_sql": "a\nb\n", "source": "s"}, "f.json")
    assert json.loads(after)["benchmarks"] == [{"id": "a", "source": "s", "expected_sql": "a\nb\n"}]
    after = append_items(after, ("benchmarks",), [{"id": "b"}], "f.json")
    assert after == json.dumps(json.loads(after), indent=2) + "\n"


def test_windows_line_ends_stay():
    text = FILE.replace("\n", "\r\n")
    after = set_fields(text, ("benchmarks", 0), {"expected_sql": "SELECT x\nFROM y\n"}, "f.yaml")
    after = append_items(after, ("benchmarks",), [{"id": "d"}], "f.yaml")
    assert after.count("\n") == after.count("\r\n")
    assert lines_gone(text, after) == ["      SELECT 1", "      FROM t"]


def test_a_value_that_two_questions_share_is_not_edited():
    text = "benchmarks:\n- id: a\n  expected_sql: &sql SELECT 1\n- id: b\n  expected_sql: *sql\n"
    with pytest.raises(UsageError, match="without changing more"):
        set_fields(text, ("benchmarks", 0), {"expected_sql": "SELECT 2"}, "f.yaml")


def test_what_is_no_yaml_is_said():
    with pytest.raises(UnreadableFileError, match="not YAML"):
        set_fields("a: [", (), {"a": 1}, "f.yaml")


def test_a_new_list_is_added_at_the_end():
    after = add_list("a:\n- id: x # one\n", "b", [{"id": "y"}], "f.yaml")
    assert after == "a:\n- id: x # one\nb:\n- id: y\n"


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=40)


@settings(max_examples=150, deadline=None)
@given(
    old=TEXTS.filter(lambda text: not set("\u2028\u2029") & set(text)),
    new=TEXTS,
    style=st.sampled_from(["|", '"', "'", None]),
    indent=st.integers(2, 5),
)
def test_any_text_replaces_any_text_and_nothing_else(old, new, style, indent):
    """Also texts that YAML must quote: colons, hashes, leading blanks, tabs, words that mean true."""
    entry = yaml.dump({"expected_sql": old}, default_style=style, allow_unicode=True, indent=indent, width=1000)
    text = "# before\nbenchmarks:\n- id: q # the id\n" + "".join(f"  {line}\n" for line in entry.splitlines())
    text += "  notes: kept # here\n- id: r\n"
    try:
        value = read_source(text, "f").value
    except UnreadableFileError:
        return
    after = set_fields(text, ("benchmarks", 0), {"expected_sql": new}, "f")
    value["benchmarks"][0]["expected_sql"] = new
    assert read_source(after, "f").value == value
    assert after.startswith("# before\nbenchmarks:\n- id: q # the id\n")
    assert after.endswith("  notes: kept # here\n- id: r\n")


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        TEXTS | st.booleans() | st.integers() | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=5
    )
)
def test_what_is_written_reads_back(value):
    assert read_source(to_yaml({"k": value}), "f").value == {"k": value}
