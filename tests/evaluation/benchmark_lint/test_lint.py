from __future__ import annotations

import pytest

from mlflow_genie_plugin.emulator.sample import sample_benchmarks, sample_document
from mlflow_genie_plugin.errors import SqlFailedError
from mlflow_genie_plugin.evaluation.benchmark_lint.lint import lint_benchmarks
from mlflow_genie_plugin.space.parse import parse_space
from mlflow_genie_plugin.workspace.answer import Column, QueryResult


def entry(question="How many rows are there in the table of things?", sql="SELECT COUNT(*) FROM a.b.t", **more):
    return {"question": question, "expected_sql": sql, **more}


@pytest.fixture
def lint():
    def run(*entries, config=None, **options):
        import orjson

        named = [{"id": f"q{i}", **item} for i, item in enumerate(entries)]
        data = orjson.dumps({"format_version": 1, "benchmarks": named})
        return lint_benchmarks(data, "b.json", config=None if config is None else parse_space(config), **options)

    return run


def rules(found, path="$.benchmarks[0]"):
    return {item.rule for item in found.findings if item.path.startswith(path)}


def space(*, examples=(), samples=(), tables=("a.b.t",), snippets=()):
    return {
        "version": 2,
        "config": {"sample_questions": [{"id": f"{i:032x}", "question": [q]} for i, q in enumerate(samples)]},
        "data_sources": {"tables": [{"identifier": name} for name in tables]},
        "instructions": {
            "example_question_sqls": [
                {"id": f"{i:032x}", "question": [q], "sql": [sql]} for i, (q, sql) in enumerate(examples)
            ],
            "sql_snippets": {"measures": [{"id": f"{i:032x}", "sql": [sql]} for i, sql in enumerate(snippets)]},
        },
    }


@pytest.mark.parametrize(
    ("question", "sql", "rule"),
    [
        ("What was the revenue last month?", "SELECT SUM(x) FROM a.b.t WHERE d >= '2024-05-01'", "stale-date"),
        ("Revenue YTD", "SELECT SUM(x) FROM a.b.t WHERE d >= DATE'2024-01-01'", "stale-date"),
        ("Orders in the last 7 days", "SELECT COUNT(*) FROM a.b.t WHERE d > '2024-05-01'", "stale-date"),
        ("Revenue this year", "SELECT SUM(x) FROM a.b.t WHERE YEAR(d) = 2024", "stale-date"),
        ("Revenue this quarter", "SELECT SUM(x) FROM a.b.t", "no-date"),
        ("All of it", "SELECT * FROM a.b.t", "select-star"),
        ("Everything", "SELECT t.*, 1 FROM a.b.t", "select-star"),
        ("Some names", "SELECT n FROM a.b.t LIMIT 5", "limit-without-order"),
        ("A sample", "SELECT n FROM a.b.t ORDER BY rand() LIMIT 5", "non-deterministic"),
        ("Top 5 names by x", "SELECT n FROM a.b.t ORDER BY x DESC LIMIT 5", "unordered-ranking"),
    ],
)
def test_doubtful_sql_is_named(lint, question, sql, rule):
    assert rule in rules(lint(entry(question, sql)))


@pytest.mark.parametrize(
    ("question", "sql", "more"),
    [
        ("Revenue last month", "SELECT SUM(x) FROM a.b.t WHERE d >= add_months(current_date(), -1)", {}),
        ("Revenue in May 2024", "SELECT SUM(x) FROM a.b.t WHERE d >= '2024-05-01'", {}),
        ("The latest order", "SELECT MAX(d) FROM a.b.t", {}),
        ("Top 5 by x", "SELECT n FROM a.b.t ORDER BY x DESC LIMIT 5", {"ordered": True}),
        ("Top 5 by x", "SELECT n FROM a.b.t ORDER BY x DESC LIMIT 5", {"category": "ranking"}),
        ("Top 5 by x in any order", "SELECT n FROM a.b.t ORDER BY x DESC LIMIT 5", {"ordered": False}),
        ("Late ones", "SELECT * FROM a.b.late(5)", {}),
        ("All", "WITH c AS (SELECT n FROM a.b.t) SELECT * FROM c", {}),
        ("How many?", "SELECT COUNT(*) FROM a.b.t", {}),
        ("Sales of the last 30 days", "SELECT n FROM a.b.sales(30) ORDER BY n", {}),
    ],
)
def test_sound_sql_is_left_alone(lint, question, sql, more):
    assert rules(lint(entry(question, sql, **more))) == set()


def test_an_unreadable_file_and_broken_entries_are_findings_and_the_rest_is_still_looked_at(lint):
    assert [item.rule for item in lint_benchmarks(b"a: [", "b.yaml").findings] == ["unreadable"]
    found = lint(
        entry(), {"question": "no sql"}, entry("Drop it", "DROP TABLE a.b.t"), entry("All", "SELECT * FROM a.b.t")
    )
    assert found.has_errors
    assert found.checked == 2
    assert "sql-not-a-query" in rules(found, "$.benchmarks[2]")
    assert rules(found, "$.benchmarks[3]") == {"select-star"}


def test_variables_need_values(lint):
    item = entry(sql="SELECT COUNT(*) FROM ${c}.b.t")
    assert "unfilled-variable" in rules(lint(item))
    assert rules(lint(item, variables={"c": "a"})) == set()


def test_the_same_question_in_other_words_and_the_same_sql_are_repeated(lint):
    found = lint(
        entry("What was the total revenue in 1995?", "SELECT SUM(x) FROM a.b.t WHERE y = 1995", split="train"),
        entry("Show me the revenue in total for 1995", "SELECT SUM(z) FROM a.b.t WHERE y = 1995", split="train"),
        entry("What was the total revenue in 1996?", "SELECT SUM(x) FROM a.b.t WHERE y = 1996", split="train"),
        entry("Something else", "select sum(T.X) as total from a.b.t as T where 1996 = T.y", split="train"),
    )
    assert rules(found, "$.benchmarks[1]") == {"near-duplicate"}
    assert rules(found, "$.benchmarks[2]") == set()
    assert rules(found, "$.benchmarks[3]") == {"same-sql"}


def test_a_question_repeated_across_splits_is_a_leak_and_an_error_when_held_out(lint):
    pair = [entry("Total revenue in 1995", "SELECT 1"), entry("Revenue in total for 1995", "SELECT 2")]
    found = lint({**pair[0], "split": "train"}, {**pair[1], "split": "held_out"})
    assert [(item.rule, item.severity) for item in found.findings if item.path.endswith("split")] == [
        ("split-leak", "error")
    ]
    found = lint({**pair[0], "split": "train"}, {**pair[1], "split": "val"})
    assert not found.has_errors


def test_what_the_space_teaches_is_a_leak(lint):
    config = space(
        examples=[("What is our income?", "SELECT SUM(x) AS income FROM a.b.t")],
        samples=["How many things are there per kind?"],
        snippets=["SUM(t.x)"],
    )
    found = lint(
        entry("Total of x", "select sum(X) from a.b.t", split="train"),
        entry("Is our income what?", "SELECT 2 FROM a.b.t", split="held_out"),
        entry("How many things per kind are there?", "SELECT 3 FROM a.b.t", split="held_out"),
        entry("Unseen by anybody", "SELECT 4 FROM a.b.t", split="train"),
        config=config,
    )
    severities = {(item.path, item.rule): item.severity for item in found.findings}
    assert severities["$.benchmarks[0].expected_sql", "leak-sql"] == "warning"
    assert severities["$.benchmarks[1].question", "leak-question"] == "error"
    assert severities["$.benchmarks[2].question", "leak-question"] == "warning"
    assert rules(found, "$.benchmarks[3]") == set()
    assert "too-easy" in rules(found, "$")


def test_a_set_that_only_lists_tables_is_too_easy(lint):
    found = lint(*[entry(f"List {word}", f"SELECT {word} FROM a.b.t") for word in "abcdef"])
    assert "too-easy" in rules(found, "$")


def test_assets_without_a_question_and_assets_outside_the_space_are_named(lint):
    found = lint(entry(sql="SELECT COUNT(*) FROM a.b.other"), config=space(tables=("a.b.t", "a.b.u")))
    named = [item.message for item in found.findings if item.rule == "asset-without-question"]
    assert named == ["no question uses a.b.t", "no question uses a.b.u"]
    assert "outside-space" in rules(found)


@pytest.mark.parametrize(("tables", "size", "wanted"), [(3, "small", 10), (4, "medium", 15), (9, "large", 20)])
def test_how_many_questions_are_wanted_follows_the_size_of_the_space(lint, tables, size, wanted):
    coverage = lint(entry(), config=space(tables=[f"a.b.t{i}" for i in range(tables)])).to_json()["coverage"]
    assert (coverage["size"], coverage["questions_wanted"]) == (size, wanted)


def test_priorities_and_splits_of_the_set(lint):
    found = lint(*[entry(f"Item number {i}", f"SELECT SUM(c{i}) FROM a.b.t", split="train") for i in range(20)])
    assert {"no-p0", "no-held-out", "split-shares"} <= rules(found, "$")
    found = lint(*[entry(f"Item number {i}", f"SELECT {i} FROM a.b.t", priority="P0") for i in range(20)])
    assert "many-p0" in rules(found, "$")


class Warehouse:
    """Runs nothing: gives the result that a test wrote down for a statement."""

    def __init__(self, results):
        self.results = results

    def execute(self, sql, **_options):
        result = self.results[sql]
        if isinstance(result, str):
            raise SqlFailedError(result)
        rows, count = result
        return QueryResult((Column("n", "LONG"),), rows, count, truncated=count > len(rows))


def test_executed_sql_that_fails_or_proves_nothing_is_named(lint):
    results = {
        "SELECT a FROM a.b.t": "no such column",
        "SELECT b FROM a.b.t": ((), 0),
        "SELECT c FROM a.b.t": (((None,),), 1),
        "SELECT d FROM a.b.t": (((1,),), 9000),
        "SELECT e FROM a.b.t": (((1,),), 1),
    }
    found = lint(*[entry(f"Give {sql[7]}", sql) for sql in results], sql=Warehouse(results))
    by_question = [rules(found, f"$.benchmarks[{i}]") for i in range(5)]
    assert by_question == [{"sql-fails"}, {"sql-empty"}, {"sql-null"}, {"sql-truncated"}, set()]
    assert [item.severity for item in found.findings if item.rule == "sql-fails"] == ["error"]


def test_the_sample_has_no_invalid_question_and_every_question_is_looked_at():
    found = lint_benchmarks(sample_benchmarks(), "sample.yaml", config=parse_space(sample_document()))
    assert found.checked == 64
    assert not {"unreadable", "invalid", "unparsable", "outside-space"} & {item.rule for item in found.findings}


def test_lines_and_ids_lead_to_the_place():
    data = b"format_version: 1\nbenchmarks:\n- id: one\n  question: All\n  expected_sql: SELECT * FROM a.b.t\n"
    message = next(item.message for item in lint_benchmarks(data, "b.yaml").findings if item.rule == "select-star")
    assert message.startswith("one: ")
    assert message.endswith("(line 3)")


def test_thousands_of_questions_are_looked_at_in_seconds(lint):
    import time

    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]
    entries = [
        entry(f"{words[i % 10]} {words[i // 10 % 10]} {words[i // 100 % 10]} of {i}", f"SELECT SUM(c{i}) FROM a.b.t")
        for i in range(2000)
    ]
    start = time.process_time()
    lint(*entries)
    assert time.process_time() - start < 30
