from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.errors import InvalidBenchmarksError, InvalidImportError, UnreadableFileError, UsageError
from mlflow_genie_plugin.evaluation.benchmark import parse_benchmarks
from mlflow_genie_plugin.evaluation.benchmark_import.candidate import Candidate
from mlflow_genie_plugin.evaluation.benchmark_import.csv_source import candidates_of_csv
from mlflow_genie_plugin.evaluation.benchmark_import.golden_source import candidates_of_golden
from mlflow_genie_plugin.evaluation.benchmark_import.plan import plan_import
from mlflow_genie_plugin.evaluation.benchmark_import.space_source import candidates_of_space
from mlflow_genie_plugin.space.parse import parse_space, read_space_file

GOLDEN = b"""\
cost:
  - id: cost_001
    question: What did we spend last month?
    expected_sql: |
      SELECT SUM(usage) FROM ${catalog}.${gold_schema}.usage
    expected_asset: metric_view
    category: aggregation
    priority: P0
    split: held_out
    required_tables: ["${catalog}.${gold_schema}.usage"]
    expected_facts: [one number]
    reviewed_by: ana
jobs:
  - id: jobs_001
    question: Which jobs failed?
    expected_sql: SELECT name FROM ${catalog}.${gold_schema}.jobs WHERE failed
  - id: jobs_002
    question: No SQL here
"""
CSV = """\
Question;expected_sql;Priority;tags;Owner
"How many ""open"" orders; per day?";"SELECT COUNT(*)
FROM a.b.orders WHERE status = 'open'";p0;x;ana
How many customers?;SELECT COUNT(*) FROM a.b.customers;;y|z;li
"""


def plan(candidates, existing=None, **options):
    return plan_import(candidates, existing, name="set", what="out.yaml", **options)


def read(data, variables=None):
    return {item.id: item for item in parse_benchmarks(data, variables, what="out.yaml").benchmarks}


def test_golden_queries_carry_every_known_field_and_keep_their_variables():
    found = plan(candidates_of_golden(GOLDEN, "golden.yaml"))
    document = yaml.safe_load(found.data)
    first = document["benchmarks"][0]
    assert first["expected_sql"] == "SELECT SUM(usage) FROM ${catalog}.${gold_schema}.usage"
    assert (first["expected_asset"], first["priority"], first["split"], first["domain"]) == (
        "MV",
        "P0",
        "held_out",
        "cost",
    )
    assert first["expected_facts"] == ["one number"]
    assert found.unknown_fields == {"reviewed_by": 1}
    assert found.unfilled == ("catalog", "gold_schema")
    assert [(item.question, item.reason) for item in found.skipped] == [("No SQL here", "it has no expected_sql")]
    assert set(read(found.data, {"catalog": "main", "gold_schema": "gold"})) == {"cost_001", "jobs_001"}


def test_values_of_variables_become_the_defaults_of_the_file():
    found = plan(candidates_of_golden(GOLDEN, "g"), variables={"catalog": "main", "gold_schema": "gold"})
    assert found.unfilled == ()
    assert "FROM main.gold.usage" in read(found.data)["cost_001"].expected_sql


def test_one_domain_alone_can_be_imported():
    found = plan(candidates_of_golden(GOLDEN, "g", ("jobs",)))
    assert [item.entry["id"] for item in found.taken] == ["jobs_001"]


def test_csv_with_quotes_newlines_semicolons_and_a_byte_order_mark():
    found = plan(candidates_of_csv(b"\xef\xbb\xbf" + CSV.encode(), "q.csv"))
    items = list(read(found.data).values())
    assert items[0].question == 'How many "open" orders; per day?'
    assert items[0].expected_sql == "SELECT COUNT(*)\nFROM a.b.orders WHERE status = 'open'"
    assert (items[0].priority, items[1].more["tags"]) == ("P0", ["y", "z"])
    assert found.unknown_fields == {"Owner": 2}


def test_csv_columns_with_other_names_are_mapped():
    data = b"Frage,Abfrage\nWie viele?,SELECT 1\n"
    with pytest.raises(InvalidImportError, match="--column question=HEADER"):
        candidates_of_csv(data, "q.csv")
    found = candidates_of_csv(data, "q.csv", {"question": "Frage", "expected_sql": "abfrage"})
    assert found[0].entry == {"question": "Wie viele?", "expected_sql": "SELECT 1"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"question,expected_sql\nq1,SELECT 1\nq2,SELECT \xe4\n", "line 3 is not UTF-8"),
        (b"question,expected_sql\nq1,SELECT 1,2\nq2,S\n", "line 2: 3 fields where the header has 2"),
        (b'question,expected_sql\nq1,S\n"q2" x,SELECT 1\n', "line 3: the quotes do not match"),
        (b'question,expected_sql\nq1,S\nq2,"SELECT 1\n', "line 3: the quotes do not match"),
        (b"question,expected_sql\nq1,\x00\n", "line 2 holds a NUL"),
        (b"question,question\nq1,q2\n", "2 columns hold the question"),
        (b"", "no column holds the question"),
    ],
)
def test_broken_csv_is_refused_with_its_line(data, message):
    with pytest.raises((InvalidImportError, UnreadableFileError), match=message):
        candidates_of_csv(data, "q.csv")


def test_a_digit_that_is_no_number_is_refused_and_not_told_to_stand_in_quotes():
    [skipped] = plan(candidates_of_csv("question,sql,expected_row_count\nq,SELECT 1,²\n".encode(), "q.csv")).skipped
    assert skipped.reason == "expected_row_count: '²' is not a whole number"


def test_a_space_gives_its_questions_and_says_why_not_the_others():
    answers = {"a": [{"format": "SQL", "content": ["SELECT 1\n", "FROM t"]}], "b": [], "c": [{"format": "TEXT"}]}
    questions = [{"id": key * 32, "question": [f"Q{key}?"], "answer": answer} for key, answer in answers.items()]
    config = parse_space({"version": 2, "data_sources": {"tables": []}, "benchmarks": {"questions": questions}})
    found = plan(candidates_of_space(config))
    assert read(found.data)["a" * 32].expected_sql == "SELECT 1\nFROM t"
    assert [item.reason for item in found.skipped] == ["it has no answer", "its answer has the format TEXT, not SQL"]


def test_every_benchmark_of_public_spaces_is_taken_or_skipped_with_a_reason():
    folder = Path(__file__).parents[4] / "shared" / "spaces"
    if not folder.is_dir():
        pytest.skip("the public spaces are not here")
    seen = 0
    for path in sorted(folder.glob("*.json")):
        try:
            config = read_space_file(path)
        except Exception:  # noqa: BLE001 - templates are another test's business
            continue
        if not config.counts()["benchmarks"]:
            continue
        found = plan(candidates_of_space(config))
        seen += len(found.taken)
        assert len(found.taken) + len(found.skipped) == config.counts()["benchmarks"], path.name
        assert not found.taken or len(read(found.data, dict.fromkeys(found.unfilled, "x"))) == len(found.taken)
    assert seen > 20


EXISTING = b"""\
# ours
format_version: 1
benchmarks:
  # do not touch
  - id: old
    question: How many customers?
    expected_sql: SELECT 1  # for now
"""


def test_merging_keeps_comments_and_questions_and_adds_the_rest():
    found = plan(candidates_of_csv(CSV.encode(), "q.csv"), EXISTING)
    assert found.data.startswith(EXISTING)
    assert len(read(found.data)) == 2
    assert "with another expected SQL (--force replaces that)" in found.skipped[0].reason


def test_force_replaces_the_sql_in_place():
    found = plan(candidates_of_csv(CSV.encode(), "q.csv"), EXISTING, force=True)
    text = found.data.decode()
    assert "    expected_sql: SELECT COUNT(*) FROM a.b.customers  # for now\n" in text
    assert text.startswith("# ours\nformat_version: 1\nbenchmarks:\n  # do not touch\n  - id: old\n")


def test_merging_into_domains_keeps_the_domains():
    existing = b"jobs:\n- id: j1\n  question: Old?\n  expected_sql: SELECT 1\n# tail\n"
    found = plan(candidates_of_golden(GOLDEN, "g"), existing)
    document = yaml.safe_load(found.data)
    assert [item["id"] for item in document["jobs"]] == ["j1", "jobs_001"]
    assert [item["id"] for item in document["cost"]] == ["cost_001"]
    assert b"# tail" in found.data


def test_importing_again_adds_nothing():
    once = plan(candidates_of_golden(GOLDEN, "g"))
    again = plan(candidates_of_golden(GOLDEN, "g"), once.data)
    assert (again.taken, again.data) == ((), b"")
    assert "the file has it as cost_001" in again.skipped[0].reason


def test_an_id_that_belongs_to_another_question_is_not_taken_over():
    found = plan([Candidate("x", {"id": "old", "question": "New?", "expected_sql": "SELECT 2"})], EXISTING)
    entry = found.taken[0].entry
    assert entry["id"] != "old"
    assert set(read(found.data)) == {"old", entry["id"]}


def test_sql_that_writes_is_not_taken():
    found = plan([Candidate("x", {"question": "New?", "expected_sql": "DELETE FROM t"}),
                  Candidate("y", {"question": "Other?", "expected_sql": "SELECT 1"})])  # fmt: skip
    assert "expected_sql cannot be used" in found.skipped[0].reason
    assert len(found.taken) == 1


def test_a_broken_file_or_an_export_is_not_merged_into():
    candidate = [Candidate("x", {"question": "q", "expected_sql": "SELECT 1"})]
    with pytest.raises(InvalidBenchmarksError):
        plan(candidate, b"format_version: 1\nbenchmarks:\n- id: a\n")
    export = json.dumps({"benchmarks": {"questions": [{"id": "a" * 32, "question": ["q"], "answer": [
        {"format": "SQL", "content": ["SELECT 1"]}]}]}})  # fmt: skip
    with pytest.raises(UsageError, match="space's export"):
        plan(candidate, export.encode())
    with pytest.raises(InvalidImportError, match="no benchmark questions"):
        plan([])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=20), st.text(max_size=10)), min_size=1, max_size=6), st.randoms()
)
def test_ids_do_not_depend_on_the_order_of_the_source(pairs, random):
    offered = [
        Candidate(str(i), {"question": f"q {a}", "expected_sql": f"SELECT {len(b)}"}) for i, (a, b) in enumerate(pairs)
    ]
    one = plan(offered)
    shuffled = list(offered)
    random.shuffle(shuffled)
    other = plan(shuffled)
    ids = {item.entry["question"]: item.entry["id"] for item in one.taken}
    assert len(set(ids.values())) == len(one.taken)
    for item in other.taken:
        assert ids.get(item.entry["question"], item.entry["id"]) == item.entry["id"]
