from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from mlflow_genie_plugin.errors import PermissionDeniedError, SqlFailedError
from mlflow_genie_plugin.evaluation.capture_schema import capture_schema, unique_by_joins
from mlflow_genie_plugin.evaluation.judge import judge_case
from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.evaluation.plan import plan_evaluation
from mlflow_genie_plugin.evaluation.recorded import judge_recorded
from mlflow_genie_plugin.evaluation.result_file import parse_result
from mlflow_genie_plugin.evaluation.runner import run_evaluation
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.space.parse import parse_space

PLACEHOLDERS = {"catalog": "health", "gold_schema": "gold", "feature_schema": "features"}
SPACES = Path(__file__).parents[3] / "shared" / "spaces"


def config(tables=(), views=(), functions=(), joins=()):
    return parse_space({
        "version": 2,
        "data_sources": {
            "tables": [{"identifier": name} for name in tables],
            "metric_views": [{"identifier": name} for name in views],
        },
        "instructions": {
            "sql_functions": [{"id": f"{i:032x}", "identifier": name} for i, name in enumerate(functions)],
            "join_specs": list(joins),
        },
    })  # fmt: skip


class Catalog:
    """A catalog port over plain rows; whatever is an exception is raised."""

    def __init__(self, columns=(), types=(), keys=(), signatures=(), views=None):
        self.rows = {"columns": columns, "types": types, "keys": keys, "signatures": signatures}
        self.views = views or {}

    def _give(self, kind):
        if isinstance(self.rows[kind], Exception):
            raise self.rows[kind]
        return list(self.rows[kind])

    def columns(self, identifiers, *, warehouse_id=None):
        return self._give("columns")

    def table_types(self, identifiers, *, warehouse_id=None):
        return self._give("types")

    def unique_keys(self, identifiers, *, warehouse_id=None):
        return self._give("keys")

    def signatures(self, identifiers, *, warehouse_id=None):
        return self._give("signatures")

    def metric_view(self, identifier, *, warehouse_id=None):
        found = self.views.get(identifier.replace("`", ""))
        if found is None:
            raise SqlFailedError(f"no view {identifier}")
        return found


def place(name):
    return dict(zip(("table_catalog", "table_schema", "table_name"), name.split("."), strict=True))


def column(table, name, data_type="int"):
    return {**place(table), "column_name": name, "data_type": data_type}


@pytest.fixture
def sample(local_workspace):
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID
    from mlflow_genie_plugin.workspace.auth import connect

    workspace = connect()
    live = workspace.spaces.get_space(SAMPLE_SPACE_ID)
    return capture_schema(parse_space(live.serialized_space), workspace.catalog, live.warehouse_id)


def test_the_sample_space_is_captured_whole(sample):
    assert sample.problem is None
    orders = sample.asset("samples.tpch.orders")
    assert (orders.kind, orders.unique_keys) == ("TABLE", (("o_orderkey",),))
    assert [(item.name, item.type_text) for item in orders.columns][3] == ("o_totalprice", "decimal(15,2)")
    assert sample.asset("samples.tpch.lineitem").unique_keys == (("l_orderkey", "l_linenumber"),)
    view = sample.asset("samples.tpch.order_metrics")
    assert view.kind == "MV"
    assert [item.name for item in view.columns if item.is_measure] == [
        "order_count", "total_order_value", "average_order_value", "customer_count", "open_order_value",
    ]  # fmt: skip
    assert "source: samples.tpch.orders" in view.definition
    function = sample.asset("samples.tpch.top_customers")
    assert [(item.name, item.type_text) for item in function.parameters] == [("how_many", "int"), ("segment", "string")]
    assert (function.kind, function.required_parameters) == ("TVF", 2)
    assert [item.name for item in function.columns] == ["customer_name", "nation", "total_order_value"]
    assert "FROM samples.tpch.orders" in function.definition
    assert SpaceSchema.from_json(json.loads(json.dumps(sample.to_json()))) == sample


def test_a_metric_view_among_the_tables_is_found_by_its_type():
    described = {
        "columns": [{"name": "d", "data_type": "date", "is_measure": False},
                    {"name": "m", "data_type": "bigint measure", "is_measure": None}],
        "definition": None,
    }  # fmt: skip
    schema = capture_schema(
        config(["c.s.v"]), Catalog([column("c.s.v", "d")], [{**place("c.s.v"), "table_type": "METRIC_VIEW"}],
                                   views={"c.s.v": described}),
    )  # fmt: skip
    assert schema.problem is None
    assert schema.assets["c.s.v"].kind == "MV"
    assert [(c.name, c.type_text, c.is_measure) for c in schema.assets["c.s.v"].columns] == [
        ("d", "date", False), ("m", "bigint", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("definition", "known"),
    [
        ("version: 1.1\nsource: c.s.t\nmeasures: [{name: M, expr: COUNT(1)}]\n", ["d", "M"]),
        ("version: 1.1\nsource: c.s.t\ndimensions: [", None),
        (None, None),
    ],
)
def test_what_is_a_measure_is_read_from_the_definition_and_never_guessed(definition, known):
    columns = [{"name": name, "data_type": "int", "is_measure": None} for name in ("d", "M")]
    catalog = Catalog(views={"c.s.v": {"columns": columns, "definition": definition}})
    schema = capture_schema(config(views=["c.s.v"]), catalog)
    found = schema.assets["c.s.v"].columns
    if known is None:
        assert found is None
        assert "nothing says which columns of the metric view c.s.v are measures" in schema.problem
    else:
        assert [(c.name, c.is_measure) for c in found] == [("d", False), ("M", True)]


def test_what_cannot_be_read_is_unknown_not_empty_and_the_reason_is_kept():
    denied = PermissionDeniedError("no SELECT on information_schema", next_step="ask")
    schema = capture_schema(config(["c.s.t", "short"], ["c.s.v"], ["c.s.f"]), Catalog(denied, denied, denied, denied))
    assert {name: (asset.kind, asset.columns) for name, asset in schema.assets.items()} == {
        "c.s.t": ("TABLE", None), "c.s.v": ("MV", None), "c.s.f": ("TVF", None),
    }  # fmt: skip
    for text in ("the columns could not be read: no SELECT", "short is not a three-part name",
                 "the catalog shows no columns of c.s.t", "the metric view c.s.v could not be described",
                 "the catalog shows no function c.s.f"):  # fmt: skip
        assert text in schema.problem


def test_keys_that_cannot_be_read_leave_the_columns():
    schema = capture_schema(config(["c.s.t"]), Catalog([column("c.s.t", "id")], keys=SqlFailedError("no such view")))
    assert [item.name for item in schema.assets["c.s.t"].columns] == ["id"]
    assert schema.problem == "the keys could not be read: no such view"


def join(left, right, condition, relation):
    return {
        "left": {"identifier": left[0], "alias": left[1]}, "right": {"identifier": right[0], "alias": right[1]},
        "sql": [condition, f"--rt=FROM_RELATIONSHIP_TYPE_{relation}--"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "relation", "keys"),
    [
        ("`o`.`cid` = `k`.`id`", "MANY_TO_ONE", [("c.s.k", ("id",))]),
        ("`k`.`id` = o.cid", "ONE_TO_MANY", [("c.s.o", ("cid",))]),
        ("o.cid = k.id", "ONE_TO_ONE", [("c.s.o", ("cid",)), ("c.s.k", ("id",))]),
        ("o.cid = k.id", "MANY_TO_MANY", []),
        ("o.cid = k.id", "UNSPECIFIED", []),
        ("o.a = k.a AND k.b = o.b", "MANY_TO_ONE", [("c.s.k", ("a", "b"))]),
        ("o.cid = k.id AND k.valid", "MANY_TO_ONE", []),
        ("o.cid > k.id", "MANY_TO_ONE", []),
        ("lower(o.cid) = k.id", "MANY_TO_ONE", []),
        ("o.cid = (", "MANY_TO_ONE", []),
    ],
)
def test_a_join_to_one_row_says_what_is_unique(condition, relation, keys):
    document = {"instructions": {"join_specs": [join(("c.s.O", "o"), ("c.s.k", "k"), condition, relation)]}}
    assert list(unique_by_joins(document)) == keys


def test_a_key_that_is_known_from_a_constraint_is_not_said_again():
    space = config(["c.s.o", "c.s.k"], joins=[join(("c.s.o", "o"), ("c.s.k", "k"), "o.cid = k.ID", "MANY_TO_ONE")])
    catalog = Catalog([column("c.s.o", "cid"), column("c.s.k", "id")],
                      keys=[{**place("c.s.k"), "constraint_name": "pk", "columns": ["id"]}])  # fmt: skip
    assert capture_schema(space, catalog).assets["c.s.k"].unique_keys == (("id",),)


def test_the_evaluation_keeps_the_schema_and_judges_by_it_again(live_model, few_questions, local_workspace):
    from mlflow_genie_plugin.gating.evidence import collect
    from mlflow_genie_plugin.gating.rejudge import rejudge
    from mlflow_genie_plugin.workspace.auth import connect

    plan = plan_evaluation(live_model, few_questions, traces=False, judges=["schema_accuracy", "asset_routing"])
    evaluation = run_evaluation(plan, connect())
    assert evaluation.result.score_of("schema_accuracy") == 1.0
    assert all(q.findings["schema_accuracy"].confidence == 1.0 for q in evaluation.result.questions)
    assert SpaceSchema.from_json(parse_result(evaluation.data).catalog).asset("samples.tpch.orders").columns
    statements = len(local_workspace.control.requests())
    again = judge_recorded(plan, evaluation.run_id)
    assert again.result.catalog == evaluation.result.catalog
    assert again.result.questions == evaluation.result.questions
    collected = collect(live_model, evaluation.run_id)
    verified = rejudge(collected)
    assert (verified.problem, verified.differing) == ("", {})
    assert {q.findings["schema_accuracy"].outcome for q in verified.evidence.evaluation.questions} == {"passed"}
    assert len(local_workspace.control.requests()) == statements
    without = rejudge(dataclasses.replace(collected, result=dataclasses.replace(collected.result, catalog=None)))
    assert {text for name, text in without.differing.items() if name.endswith("schema_accuracy")} != set()


PLANTED = [
    ("SELECT sum(l_extendprice) FROM samples.tpch.lineitem", "failed", "wrong_column"),
    ("SELECT customer_region, open_order_value FROM samples.tpch.order_metrics", "failed", "wrong_measure"),
    ("SELECT * FROM samples.tpch.top_customers(5)", "failed", "tvf_parameter_error"),
    ("SELECT count(*) FROM samples.tpch.order", "failed", "wrong_table"),
    ("SELECT count(*) FROM samples.tpch.partsupp", "failed", "OUTSIDE_SPACE"),
    ("SELECT c_phone FROM samples.tpch.customer LIMIT 1", "passed", None),
]


def test_planted_faults_are_typed_right_and_none_is_a_syntax_error(live_model, few_questions, local_workspace):
    from mlflow_genie_plugin.workspace.auth import connect

    for item, (sql, _, _) in zip(few_questions.benchmarks, PLANTED, strict=True):
        local_workspace.control.script_answer(question=item.question, sql=sql)
    names = ["schema_accuracy", "syntax_validity"]
    result = run_evaluation(plan_evaluation(live_model, few_questions, traces=False, judges=names), connect()).result
    found = [question.findings["schema_accuracy"] for question in result.questions]
    assert [(f.outcome.value, f.failure_type) for f in found] == [(outcome, code) for _, outcome, code in PLANTED]
    assert all(finding.blame for finding in found[:3])
    assert found[-1].evidence["hidden_columns"] == ["samples.tpch.customer.c_phone"]
    assert result.score_of("syntax_validity") == 1.0


def test_a_continued_evaluation_judges_by_the_schema_it_began_with(live_model, few_questions, monkeypatch):
    from mlflow_genie_plugin.errors import InterruptedEvaluationError, TrackingUnavailableError
    from mlflow_genie_plugin.evaluation import mlflow_logging, runner
    from mlflow_genie_plugin.workspace.auth import connect

    def down(*arguments, **options):
        raise TrackingUnavailableError("the tracking server is down", next_step="start it")

    plan = plan_evaluation(live_model, few_questions, traces=False, judges=["schema_accuracy"])
    with monkeypatch.context() as patch:
        patch.setattr(mlflow_logging, "store_evaluation", down)
        with pytest.raises(InterruptedEvaluationError):
            run_evaluation(plan, connect())
    monkeypatch.setattr(runner, "capture_schema", lambda *_: pytest.fail("the schema was read a second time"))
    result = run_evaluation(plan, connect()).result
    assert result.catalog["problem"] is None
    assert result.score_of("schema_accuracy") == 1.0


def test_an_unreadable_catalog_stops_no_evaluation_and_passes_nothing(live_model, few_questions, monkeypatch):
    from mlflow_genie_plugin.workspace.auth import connect
    from mlflow_genie_plugin.workspace.metadata import UnityCatalog

    def refuse(*arguments, **options):
        raise PermissionDeniedError("no access to information_schema", next_step="ask for it")

    monkeypatch.setattr(UnityCatalog, "_rows", refuse)
    plan = plan_evaluation(live_model, few_questions, traces=False, judges=["schema_accuracy"])
    result = run_evaluation(plan, connect()).result
    assert result.status == "complete"
    counts = result.counts_of("schema_accuracy")
    assert (counts.passed, counts.abstained) == (0, counts.planned)
    assert "no access to information_schema" in result.questions[0].findings["schema_accuracy"].rationale


@pytest.mark.parametrize(
    "name",
    [
        "databricks-solutions__adtech-solutions__campaign_reach_qa.json",
        "databricks__bundle-examples__nyc_taxi_genie.json",
        "prashsub__databricks-health-monitor__cost_intelligence_genie_export.json",
    ],
)
def test_the_own_sql_of_a_foreign_space_resolves_against_its_schema(name):
    if not SPACES.is_dir():
        pytest.skip("the folder of foreign spaces is not here")
    from mlflow_genie_plugin.emulator.generate import generate_tables
    from mlflow_genie_plugin.emulator.warehouse import Warehouse
    from mlflow_genie_plugin.evaluation.benchmark import Benchmark
    from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, StoredResult
    from mlflow_genie_plugin.space.parse import read_space_file
    from mlflow_genie_plugin.sql_engine.engine import SqlEngine
    from mlflow_genie_plugin.workspace.metadata import UnityCatalog

    class Local:
        """The SQL port of a warehouse in this process."""

        def __init__(self, warehouse):
            self.warehouse = warehouse

        def execute(self, sql, *, warehouse_id=None, parameters=None, row_limit=5000, timeout_seconds=120.0):
            return self.warehouse.execute(sql, parameters=parameters, row_limit=row_limit)

        def describe(self, identifier, *, warehouse_id=None):
            return json.loads(self.warehouse.execute(f"DESCRIBE TABLE EXTENDED {identifier} AS JSON").rows[0][0])

    with SqlEngine() as engine:
        document = generate_tables(engine, read_space_file(SPACES / name).document, placeholders=PLACEHOLDERS).document
        space = parse_space(document)
        schema = capture_schema(space, UnityCatalog(Local(Warehouse(engine))))
        assets = SpaceAssets.of(space)
        found = {}
        for sql in own_sql(document):
            if engine.explain(sql) is not None:
                continue
            # Without the warehouse's word, so that the schema decides alone.
            case = JudgedCase(Benchmark("q", "?", sql), AnswerRecord(sql=sql), StoredResult(), assets, schema, space)
            found[sql] = judge_case(case, JUDGES.choose(["schema_accuracy"]))["schema_accuracy"]
        assert found
        outside = [finding for finding in found.values() if finding.failure_type == "OUTSIDE_SPACE"]
        wrong = {sql: f.rationale for sql, f in found.items() if not f.passed and f not in outside}
        assert wrong == {}
        assert len(outside) <= len(found) / 2


def own_sql(document):
    for item in document.get("instructions", {}).get("example_question_sqls", []):
        yield "".join(item["sql"]) if isinstance(item["sql"], list) else item["sql"]
    for item in document.get("benchmarks", {}).get("questions", []):
        for answer in item.get("answer", []):
            yield "".join(answer.get("content", []))


def test_the_schema_is_frozen(sample):
    with pytest.raises(dataclasses.FrozenInstanceError):
        sample.problem = "x"
