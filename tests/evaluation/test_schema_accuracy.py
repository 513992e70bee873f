from __future__ import annotations

import pytest

from mlflow_genie_plugin.evaluation.benchmark import Benchmark
from mlflow_genie_plugin.evaluation.judge import judge_case
from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SchemaColumn, SpaceSchema
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, StoredResult, stored_json, stored_result
from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.workspace.answer import Column, QueryResult

SCHEMA = SpaceSchema({
    "c.s.orders": SchemaAsset("c.s.orders", "TABLE", tuple(map(SchemaColumn, ("id", "total", "secret", "status")))),
    "c.s.m": SchemaAsset("c.s.m", "MV", (SchemaColumn("region"), SchemaColumn("revenue", "double", True))),
    "c.s.f": SchemaAsset("c.s.f", "TVF", (SchemaColumn("a"),), (SchemaColumn("n"),), 1),
    "c.s.dark": SchemaAsset("c.s.dark", "TABLE", None),
}, "the catalog shows no columns of c.s.dark")  # fmt: skip
ASSETS = SpaceAssets(frozenset({"c.s.orders", "c.s.dark"}), frozenset({"c.s.m"}), frozenset({"c.s.f"}))
CONFIG = SpaceConfig({
    "data_sources": {"tables": [{"identifier": "c.s.Orders", "column_configs": [
        {"column_name": "Secret", "exclude": True}, {"column_name": "id"}]}]},
})  # fmt: skip
ROWS = stored_result(QueryResult((Column("n", "LONG"),), ((1,),), 1), None)

RAN = {**stored_json(ROWS), "columns": ROWS.columns, "compiles": True}
EXPLAINED = {"compiles": True}
UNKNOWN = {}


def rejected(message):
    return {"compiles": False, "compile_error": message}


@pytest.fixture
def finding_of():
    def judge(sql, answer=RAN, schema=SCHEMA):
        case = JudgedCase(
            Benchmark("q", "How many?", "SELECT 1"),
            AnswerRecord(sql=sql, **answer),
            StoredResult(),
            ASSETS,
            schema,
            CONFIG,
        )
        return judge_case(case, JUDGES.choose(["schema_accuracy"]))["schema_accuracy"]

    return judge


NO_COLUMN = "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column with name `o`.`totl` cannot be resolved. SQLSTATE: 42703"
NO_TABLE = "[TABLE_OR_VIEW_NOT_FOUND] The table or view `c`.`s`.`order` cannot be found."

CASES = [
    # what the warehouse ran inside the space never fails
    ("SELECT id FROM c.s.orders", RAN, "passed", None, 1.0),
    ("SELECT id FROM c.s.orders", EXPLAINED, "passed", None, 1.0),
    ("SELECT totl FROM c.s.orders", RAN, "passed", None, 0.6),
    ("SELECT revenue FROM c.s.m", RAN, "passed", None, 0.6),
    ("SELECT * FROM c.s.f(1, 2)", RAN, "passed", None, 0.6),
    ("SELECT x FROM read_files('a')", RAN, "passed", None, 1.0),
    ("SELECT 1", RAN, "passed", None, 1.0),
    # outside the space it does
    ("SELECT id FROM c.s.secrets", RAN, "failed", "OUTSIDE_SPACE", 1.0),
    ("SELECT other.s.f(id) FROM c.s.orders", RAN, "failed", "OUTSIDE_SPACE", 1.0),
    ("SELECT totl FROM c.s.orders JOIN x.y.z", RAN, "failed", "OUTSIDE_SPACE", 1.0),
    ("SELECT id FROM c.s.secrets", UNKNOWN, "failed", "OUTSIDE_SPACE", 1.0),
    # what it rejected for a name fails, whoever finds the name
    ("SELECT o.totl FROM c.s.orders o", rejected(NO_COLUMN), "failed", "wrong_column", 1.0),
    ("SELECT id FROM c.s.order", rejected(NO_TABLE), "failed", "wrong_table", 1.0),
    ("SELECT id FROM c.s.order JOIN x.y.z", rejected("[TABLE_OR_VIEW_NOT_FOUND] `x`.`y`.`zz`"), "failed",
     "OUTSIDE_SPACE", 1.0),
    ("SELECT x.totl FROM read_files('a') x", rejected(NO_COLUMN), "failed", "wrong_column", 1.0),
    ("SELECT nosuch(id) FROM c.s.orders", rejected("[UNRESOLVED_ROUTINE] `nosuch`"), "failed", "UNRESOLVED_NAME", 1.0),
    ("SELECT left(id) FROM c.s.orders", rejected("[WRONG_NUM_ARGS.WITHOUT_SUGGESTION] left"), "failed",
     "tvf_parameter_error", 1.0),
    ("SELECT FROM WHERE", rejected(NO_COLUMN), "failed", "wrong_column", 1.0),
    # rejected for something else: names are fine or not on their own account
    ("SELECT id + FROM c.s.orders", rejected("[PARSE_SYNTAX_ERROR] x"), "abstained", "UNPARSABLE", None),
    ("SELECT id + 'x' FROM c.s.orders", rejected("[DATATYPE_MISMATCH] x"), "passed", None, 0.9),
    ("SELECT totl + 'x' FROM c.s.orders", rejected("[DATATYPE_MISMATCH] x"), "failed", "wrong_column", 0.9),
    # no warehouse was asked
    ("SELECT id FROM c.s.orders", UNKNOWN, "passed", None, 0.9),
    ("SELECT totl FROM c.s.orders", UNKNOWN, "failed", "wrong_column", 0.9),
    ("SELECT MEASURE(region) FROM c.s.m", UNKNOWN, "failed", "wrong_measure", 0.9),
    ("SELECT region, revenue FROM c.s.m", UNKNOWN, "failed", "wrong_measure", 0.9),
    ("SELECT * FROM c.s.f()", UNKNOWN, "failed", "tvf_parameter_error", 0.9),
    ("SELECT x FROM read_files('a')", UNKNOWN, "abstained", "NOT_CHECKED", None),
    # columns that nobody could read
    ("SELECT x FROM c.s.dark", RAN, "abstained", "NO_SCHEMA", None),
    ("SELECT x FROM c.s.dark", UNKNOWN, "abstained", "NO_SCHEMA", None),
    ("SELECT x FROM c.s.dark JOIN x.y.z", RAN, "failed", "OUTSIDE_SPACE", 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "answer", "outcome", "failure_type", "confidence"), CASES)
def test_the_warehouse_and_the_schema_are_heard_where_each_knows(
    finding_of, sql, answer, outcome, failure_type, confidence
):
    finding = finding_of(sql, answer)
    assert (finding.outcome.value, finding.failure_type) == (outcome, failure_type), finding.rationale
    assert finding.confidence == confidence
    assert (finding.score == 1.0) is (outcome == "passed")


@pytest.mark.parametrize("schema", [None, SpaceSchema({}, "the columns could not be read: no warehouse")])
def test_without_a_schema_nothing_passes_and_the_reason_is_said(finding_of, schema):
    finding = finding_of("SELECT id FROM c.s.orders", RAN, schema)
    assert (finding.outcome.value, finding.failure_type) == ("abstained", "NO_SCHEMA")
    assert ("no warehouse" if schema else "did not record") in finding.rationale
    assert finding_of("SELECT id FROM x.y.z", RAN, schema).failure_type == "OUTSIDE_SPACE"


def test_where_nobody_says_what_the_space_offers_nothing_is_outside_it():
    case = JudgedCase(Benchmark("q", "How many?", "SELECT 1"), AnswerRecord(sql="SELECT id FROM x.y.z"), StoredResult())
    finding = judge_case(case, JUDGES.choose(["schema_accuracy"]))["schema_accuracy"]
    assert (finding.outcome.value, finding.failure_type) == ("abstained", "NO_SCHEMA")


def test_the_reason_names_the_nearest_right_name_and_what_to_change(finding_of):
    finding = finding_of("SELECT o.totl, o.statuss FROM c.s.orders o", UNKNOWN)
    assert finding.rationale == ("c.s.orders has no column totl; did you mean total? (one more name does not fit)")
    assert finding.blame == ("column c.s.orders.total",)
    assert "synonyms of total" in finding.fix
    assert finding.score == pytest.approx(1 / 3)
    assert finding.evidence["problems"][1].endswith("did you mean status?")


def test_a_query_that_genie_itself_could_not_run_is_judged_and_an_outage_is_not(finding_of):
    failed = {"status": "FAILED", "error": NO_COLUMN, **rejected(NO_COLUMN)}
    finding = finding_of("SELECT o.totl FROM c.s.orders o", {**failed, "error_type": "SQL_EXECUTION_EXCEPTION"})
    assert (finding.outcome.value, finding.failure_type) == ("failed", "wrong_column")
    finding = finding_of("SELECT o.totl FROM c.s.orders o", {**failed, "error_type": "INTERNAL_ERROR"})
    assert (finding.outcome.value, finding.failure_type) == ("errored", "ANSWER_FAILED")


def test_doubts_about_what_the_warehouse_ran_are_kept(finding_of):
    finding = finding_of("SELECT totl FROM c.s.orders", RAN)
    assert finding.evidence["doubts"] == ["c.s.orders has no column totl; did you mean total?"]


def test_columns_that_the_space_hides_are_worth_a_word(finding_of):
    finding = finding_of("SELECT o.secret FROM c.s.orders o")
    assert finding.passed
    assert finding.evidence["hidden_columns"] == ["c.s.orders.secret"]
    assert "c.s.orders.secret is hidden from Genie" in finding.rationale
    assert "hidden_columns" not in finding_of("SELECT id FROM c.s.orders").evidence


def test_a_name_that_the_warehouse_rejects_is_one_fault_not_two(finding_of):
    case = JudgedCase(
        Benchmark("q", "How many?", "SELECT 1"),
        AnswerRecord(sql="SELECT o.totl FROM c.s.orders o", **rejected(NO_COLUMN)),
        StoredResult(), ASSETS, SCHEMA,
    )  # fmt: skip
    found = judge_case(case, JUDGES.choose(["syntax_validity", "schema_accuracy"]))
    assert [finding.outcome.value for finding in found.values()] == ["passed", "failed"]


def test_a_column_of_another_asset_is_found_there(finding_of):
    finding = finding_of("SELECT o.region FROM c.s.orders o", UNKNOWN)
    assert finding.rationale == "c.s.orders has no column region; c.s.m has one"
    assert finding.blame == ("table c.s.orders", "column c.s.m.region")
    assert finding.fix == "add an example SQL for this question that reads region from c.s.m"


def test_a_column_that_nothing_has_still_gets_an_advice(finding_of):
    finding = finding_of("SELECT o.qqqq FROM c.s.orders o", UNKNOWN)
    assert finding.rationale == "c.s.orders has no column qqqq"
    assert finding.fix == "add an example SQL for this question, with columns that the space has"


def test_a_table_that_does_not_exist_is_not_to_be_added_to_the_space(finding_of):
    finding = finding_of("SELECT id FROM c.s.order", rejected(NO_TABLE))
    assert finding.rationale.startswith("c.s.order does not exist; did you mean c.s.orders?")
    assert finding.blame == ("table c.s.orders",)
    assert finding.fix == "add an example SQL for this question that uses c.s.orders"
