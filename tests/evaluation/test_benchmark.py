from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.errors import (
    GenieError,
    InvalidBenchmarksError,
    UnreadableFileError,
    UnsupportedFormatError,
    UsageError,
)
from mlflow_genie_plugin.evaluation.benchmark import (
    BenchmarkSet,
    parse_benchmarks,
    read_benchmarks,
    select,
    split_of,
)


def entry(name="q1", **changes):
    return {"id": name, "question": f"How many {name}?", "expected_sql": f"SELECT count(*) FROM a.b.{name}", **changes}


def as_file(*entries, **top):
    return json.dumps({"format_version": 1, "benchmarks": list(entries), **top}).encode()


def violations(data, variables=None):
    with pytest.raises(InvalidBenchmarksError) as caught:
        parse_benchmarks(data, variables, what="b.yaml")
    return {(item.rule, item.path) for item in caught.value.violations}, caught.value


def test_reads_yaml_with_the_defaults_spelled_out():
    text = """
format_version: 1
name: sales
benchmarks:
  - id: s_001
    question: "Revenue last year? "
    expected_sql: |
      SELECT sum(x)
      FROM a.b.c
  - {id: s_002, question: Top five?, expected_sql: SELECT 1, category: ranking, priority: P0, expected_asset: MV}
"""
    found = parse_benchmarks(text.encode())
    first, second = found.benchmarks
    assert found.name == "sales"
    assert (first.question, first.expected_sql) == ("Revenue last year?", "SELECT sum(x)\nFROM a.b.c")
    assert (first.priority, first.source, first.ordered, first.expected_asset) == ("P1", "user", False, None)
    assert first.split == split_of("Revenue last year?")
    assert (second.priority, second.ordered, second.expected_asset) == ("P0", True, "MV")


def test_all_violations_are_listed_with_paths():
    rules, error = violations(
        as_file(
            entry("q1"),
            entry("q1", question="Another?"),
            entry("q2", question="  how MANY q1 "),
            entry("q3", priority="p0"),
            entry("q4", expected_asset="MVV"),
            entry("q5", split="test"),
            entry("q6", expected_sql="  "),
            entry("q7", expected_sql="DROP TABLE a.b.c"),
            entry("q8", expected_sql="SELECT 1; SELECT 2"),
            entry("q9", expected_sql="SELECT 1 -- fine\n; DELETE FROM a.b.c"),
            entry("q10", answer=[{"format": "SQL", "content": ["SELECT 1"]}]),
            entry("q11", quesion="typo"),
            entry("", question="No id?"),
            {"id": "q12", "question": "No SQL?"},
            entry("q13", question=7),
            "text",
            entry("q14", expected_sql="SELECT a FROM ${catalog}.b.c"),
        )
    )
    place = "$.benchmarks[{}]{}".format
    assert {
        ("duplicate-id", place(1, ".id")),
        ("duplicate-question", place(2, ".question")),
        ("unknown-priority", place(3, ".priority")),
        ("unknown-expected_asset", place(4, ".expected_asset")),
        ("unknown-split", place(5, ".split")),
        ("empty-expected_sql", place(6, ".expected_sql")),
        ("sql-not-a-query", place(7, ".expected_sql")),
        ("sql-not-a-query", place(8, ".expected_sql")),
        ("sql-not-a-query", place(9, ".expected_sql")),
        ("two-answers", place(10, ".answer")),
        ("unknown-key", place(11, ".quesion")),
        ("schema-pattern", place(12, ".id")),
        ("schema-required", place(13, ".expected_sql")),
        ("schema-type", place(14, ".question")),
        ("schema-type", place(15, "")),
        ("unfilled-variable", place(16, ".expected_sql")),
    } == rules
    assert "did you mean 'question'?" in str(error)
    assert "did you mean 'P0'?" in str(error)
    assert "add --variable catalog=VALUE" in str(error)


def test_yaml_violations_name_their_line():
    text = "format_version: 1\nbenchmarks:\n- id: a\n  question: A?\n  expected_sql: SELECT 1\n  priority: P9\n"
    _, error = violations(text.encode())
    assert "'P9' is not one of P0, P1, P2 (line 6)" in str(error)


@pytest.mark.parametrize(
    "answer", [[], [{"format": "SQL", "content": ["SELECT 1"]}] * 2, [{"format": "TEXT", "content": ["x"]}], "SELECT 1"]
)
def test_an_answer_must_be_exactly_one_sql(answer):
    question = {"id": "a", "question": ["A", "?"], "answer": answer}
    rules, _ = violations(as_file(question))
    assert {rule for rule, _ in rules} <= {"two-answers", "no-answer", "answer-format"}
    assert len(rules) == 1


def test_the_benchmarks_of_a_space_export_are_read():
    questions = [
        {"id": "0" * 32, "question": ["How ", "many?"], "answer": [{"format": "SQL", "content": ["SELECT\n", "1"]}]}
    ]
    space = {"version": 2, "benchmarks": {"questions": questions}}
    bare = parse_benchmarks(json.dumps(space).encode())
    wrapped = parse_benchmarks(json.dumps({"space_id": "x", "serialized_space": json.dumps(space)}).encode())
    assert bare.sha256 == wrapped.sha256
    assert bare.benchmarks[0].expected_sql == "SELECT\n1"


def test_golden_queries_by_domain_are_read_and_violations_name_the_domain():
    data = yaml.safe_dump(
        {"cost": [entry("cost_001", required_tables=["a.b.c"])], "jobs": [entry("jobs_001")]}
    ).encode()
    found = parse_benchmarks(data, what="golden-queries.yaml")
    assert [item.id for item in found.benchmarks] == ["cost_001", "jobs_001"]
    assert found.benchmarks[0].more["domain"] == "cost"
    assert found.name == "golden-queries"
    rules, _ = violations(yaml.safe_dump({"cost": [entry("cost_001", priority="P7")]}).encode())
    assert rules == {("unknown-priority", "$.cost[0].priority")}


@pytest.mark.parametrize("data", [b"[]", b"7", b"text", b"{}", b"a: 1", b"null", b"format_version: 1"])
def test_what_is_no_benchmarks_file_is_refused(data):
    with pytest.raises(InvalidBenchmarksError):
        parse_benchmarks(data)


def test_an_empty_mapping_is_said_to_hold_nothing():
    with pytest.raises(InvalidBenchmarksError) as caught:
        parse_benchmarks(b"{}")
    assert [v.message for v in caught.value.violations] == ["this is no benchmarks file: it holds nothing"]


@pytest.mark.parametrize("data", [b'{"format_version": 1, "benchmarks": []}', b"cost: []"])
def test_a_file_without_questions_is_refused(data):
    with pytest.raises(InvalidBenchmarksError):
        parse_benchmarks(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b"a: [", "not YAML at line"),
        (b"a: 1\na: 2", "stands twice"),
        (b'{"a": 1, "a": 2}', "stands twice"),
        (b"\xff\xfea", "byte order mark"),
        (b"\xe4", "not UTF-8"),
        (b"a: !!python/object:os.system x", "tag"),
        (b"base: &b {x: 1}\nc:\n  <<: *b", "merge keys"),
        (b"a: .nan", "no number that JSON knows"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(data, message):
    with pytest.raises(UnreadableFileError, match=message):
        parse_benchmarks(data)


def test_an_alias_bomb_is_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(UnreadableFileError, match="more than"):
        parse_benchmarks("\n".join(lines).encode())


def test_another_format_version_is_refused():
    with pytest.raises(UnsupportedFormatError):
        parse_benchmarks(b"format_version: 2\nbenchmarks: []")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UnreadableFileError, match="No such file"):
        read_benchmarks(tmp_path / "none.yaml")


def test_variables_are_filled_and_kept():
    data = as_file(
        entry(expected_sql="SELECT 1 FROM ${catalog}.${schema}.t"), variables={"catalog": "dev", "schema": "s"}
    )
    found = parse_benchmarks(data, {"catalog": "main", "unused": "x"})
    assert found.benchmarks[0].expected_sql == "SELECT 1 FROM main.s.t"
    assert found.variables == {"catalog": "main", "schema": "s"}
    assert found.sha256 != parse_benchmarks(data).sha256


def test_digest_ignores_formatting_order_and_name_but_no_content(tmp_path):
    entries = [entry(f"q{i}", priority="P1") for i in range(20)]
    shuffled = random.Random(7).sample([{**item, "source": "user"} for item in entries], len(entries))
    for item in shuffled:
        del item["priority"]
    path = tmp_path / "other.yaml"
    path.write_text(yaml.safe_dump({"format_version": 1, "benchmarks": shuffled}, sort_keys=True, width=40))
    one, other = parse_benchmarks(as_file(*entries)), read_benchmarks(path)
    assert one.sha256 == other.sha256
    assert parse_benchmarks(one.to_bytes()).sha256 == one.sha256
    for change in ({"priority": "P0"}, {"expected_sql": "SELECT 2"}, {"expected_asset": "MV"}, {"notes": "x"}):
        changed = parse_benchmarks(as_file(*entries[:-1], {**entries[-1], **change}))
        assert changed.sha256 != one.sha256


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=30, unique=True), st.text(max_size=20))
def test_adding_a_question_moves_no_other(questions, added):
    before = {question: split_of(question) for question in questions}
    after = {question: split_of(question) for question in [added, *questions]}
    assert all(after[question] == split for question, split in before.items())


@given(st.text(alphabet=st.characters(codec="ascii"), min_size=1, max_size=30))
def test_split_ignores_case_spacing_and_final_punctuation(text):
    assert split_of(text) == split_of(f"  {text.upper()} ?")


def test_splits_are_close_to_their_shares():
    splits = [split_of(f"question number {i}") for i in range(4000)]
    assert abs(splits.count("train") / 4000 - 0.6) < 0.03
    assert abs(splits.count("val") / 4000 - 0.2) < 0.03


@pytest.fixture(scope="module")
def scoped():
    return parse_benchmarks(
        as_file(
            entry("a", priority="P0", split="train"),
            entry("b", split="held_out", required_tables=["x.y.z"]),
            entry("c", split="val", required_columns=["net_amount"], expected_sql="SELECT 1 FROM `Main`.s.T"),
        )
    )


@pytest.mark.parametrize(
    ("scope", "patched", "ids"),
    [
        ("full", [], "abc"),
        ("p0", [], "a"),
        ("held_out", [], "b"),
        ("slice", ["x.y.z"], "b"),
        ("slice", ["MAIN.S.t"], "c"),
        ("slice", ["main.s.t.col"], "c"),
        ("slice", ["k.l.m.net_amount"], "c"),
        ("slice", ["a.b.a", "z"], "ab"),
    ],
)
def test_scopes_choose_their_questions(scoped: BenchmarkSet, scope, patched, ids):
    assert "".join(item.id for item in select(scoped, scope, patched)) == ids


@pytest.mark.parametrize(
    ("scope", "patched"), [("all", []), ("slice", []), ("full", ["x"]), ("slice", ["not.in.any"]), ("", [])]
)
def test_a_scope_that_cannot_be_meant_is_refused(scoped, scope, patched):
    with pytest.raises(UsageError):
        select(scoped, scope, patched)


SPACES = Path(__file__).parents[3] / "shared" / "spaces"


@pytest.mark.skipif(not SPACES.is_dir(), reason="the collection of public spaces is not on this machine")
@pytest.mark.parametrize("path", sorted(SPACES.glob("*.json")), ids=lambda path: path.stem[-30:])
def test_real_exports_are_read_or_refused_with_reasons(path):
    try:
        read = bool(read_benchmarks(path).benchmarks)
    except GenieError as error:
        read = len(str(error)) > 40
    assert read


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_arbitrary_documents_are_refused_and_never_a_crash(value):
    data = json.dumps({"format_version": 1, "benchmarks": value}).encode()
    with pytest.raises(GenieError):
        parse_benchmarks(data)
