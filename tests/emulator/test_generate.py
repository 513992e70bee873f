from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import pytest

from mlflow_genie_plugin.emulator.generate import generate_tables, run_own_sql
from mlflow_genie_plugin.emulator.sample import sample_document
from mlflow_genie_plugin.errors import TemplateSpaceError
from mlflow_genie_plugin.sql_engine.engine import SqlEngine

SPACES = Path(__file__).resolve().parents[3] / "shared" / "spaces"
TODAY = dt.date(2025, 6, 15)


@pytest.fixture
def engine():
    with SqlEngine() as engine:
        yield engine


@pytest.fixture
def types(engine):
    def types(identifier):
        return {column.name: column.type_text for column in engine.columns(identifier)}

    return types


def space(*statements, tables=("lake.web.visits",), **sources):
    """A space of bare tables with these queries as trusted examples."""
    examples = [{"question": [f"question {n}"], "sql": [sql]} for n, sql in enumerate(statements)]
    return {
        "version": 2,
        "data_sources": {"tables": [{"identifier": name} for name in tables], **sources},
        "instructions": {"example_question_sqls": examples},
    }


def test_types_follow_how_the_sql_uses_a_column(engine, types):
    document = space(
        """SELECT page, DATE_TRUNC('week', seen), SUM(clicks), AVG(load_seconds), MAX(kind), ANY_VALUE(labels)
        FROM lake.web.visits
        WHERE is_bot = false AND browser IN ('Firefox', 'Safari') AND LOWER(page) LIKE '%checkout%' AND rank_no > 3
          AND started >= '2025-01-01' AND finished > CURRENT_TIMESTAMP() - INTERVAL 1 DAY
          AND ARRAY_CONTAINS(labels, 'vip')
          AND report_year = YEAR(CURRENT_DATE()) AND flagged
        GROUP BY ALL"""
    )
    generate_tables(engine, document, today=TODAY)
    found = types("lake.web.visits")
    assert {name: found[name] for name in ("page", "browser", "kind")} == dict.fromkeys(
        ("page", "browser", "kind"), "STRING"
    )
    assert found["seen"] == found["started"] == "DATE"
    assert found["clicks"] == found["rank_no"] == found["report_year"] == "BIGINT"
    assert found["load_seconds"] == "DOUBLE"
    assert found["is_bot"] == found["flagged"] == "BOOLEAN"
    assert found["labels"] == "ARRAY<STRING>"


def test_column_configs_and_descriptions_count_too(engine, types):
    document = space()
    document["data_sources"]["tables"][0]["description"] = ["Visits of the shop's pages"]
    document["data_sources"]["tables"][0]["column_configs"] = [
        {"column_name": "channel code", "description": ["Code of the channel"], "build_value_dictionary": True},
        {"column_name": "opened", "description": ["Date of the visit"]},
        {"column_name": "revenue_usd"},
    ]
    generate_tables(engine, document, today=TODAY)
    assert types("lake.web.visits") == {"channel code": "STRING", "opened": "DATE", "revenue_usd": "DOUBLE"}
    (table,) = [table for table in engine.tables() if table.full_name == "lake.web.visits"]
    assert table.comment == "Visits of the shop's pages"
    assert engine.columns("lake.web.visits")[0].comment == "Code of the channel"


def test_queries_find_rows_although_their_conditions_are_narrow(engine):
    document = space(
        "SELECT * FROM lake.web.visits "
        "WHERE country = 'Åland' AND device = 'Fridge' AND score > 12345 AND day = DATE'2019-02-28'",
        "SELECT v.day FROM lake.web.visits v JOIN lake.web.pages p ON v.page_id = p.page_id "
        "WHERE p.title = 'Checkout' AND v.country = 'Niue'",
        tables=("lake.web.visits", "lake.web.pages"),
    )
    generate_tables(engine, document, today=TODAY)
    assert [outcome.rows > 0 for outcome in run_own_sql(engine, document)] == [True, True]


def test_joined_keys_have_one_type_and_meet(engine, types):
    document = space(
        "SELECT COUNT(*) FROM lake.web.visits v JOIN lake.web.pages p ON v.page_id = p.id WHERE p.id = 'HOME'",
        tables=("lake.web.visits", "lake.web.pages"),
    )
    generate_tables(engine, document, today=TODAY)
    assert types("lake.web.visits")["page_id"] == types("lake.web.pages")["id"] == "STRING"
    lost = engine.execute("SELECT COUNT(*) FROM lake.web.visits v LEFT ANTI JOIN lake.web.pages p ON v.page_id = p.id")
    assert lost.rows == ((0,),)


def test_the_one_side_of_a_join_spec_is_unique(engine):
    document = space(tables=("lake.web.visits", "lake.web.pages"))
    document["instructions"]["join_specs"] = [
        {
            "left": {"identifier": "lake.web.visits", "alias": "v"},
            "right": {"identifier": "lake.web.pages", "alias": "p"},
            "sql": ["`v`.`page` = `p`.`code`", "--rt=FROM_RELATIONSHIP_TYPE_MANY_TO_ONE--"],
        }
    ]
    generate_tables(engine, document, today=TODAY)
    counts = engine.execute("SELECT COUNT(*) = COUNT(DISTINCT code), COUNT(*) > 1 FROM lake.web.pages").rows
    assert counts == ((True, True),)
    assert engine.execute("SELECT COUNT(*) > COUNT(DISTINCT page) FROM lake.web.visits").rows == ((True,),)


def test_the_same_space_gives_the_same_rows():
    document = space("SELECT country, SUM(amount) FROM lake.web.visits WHERE day > '2024-01-01' GROUP BY 1")
    contents = []
    for _ in range(2):
        with SqlEngine() as engine:
            generate_tables(engine, document, today=TODAY)
            contents.append(engine.execute("SELECT * FROM lake.web.visits").rows)
    assert contents[0] == contents[1]
    assert len(set(contents[0])) > 20


def test_measure_makes_a_metric_view_of_whatever_list_it_stands_in(engine):
    document = space(
        "SELECT region, MEASURE(`Total Sales`) FROM lake.web.kpis WHERE region = 'EMEA' GROUP BY ALL",
        "SELECT MEASURE(conversion_rate) FROM lake.web.kpis",
        tables=("lake.web.kpis",),
    )
    report = generate_tables(engine, document, today=TODAY)
    assert [(asset.identifier, asset.kind) for asset in report.made] == [("lake.web.kpis", "METRIC VIEW")]
    assert {m.name for m in engine.metric_view("lake.web.kpis").measures} == {"Total Sales", "conversion_rate"}
    assert [outcome.error for outcome in run_own_sql(engine, document)] == [None, None]


def test_a_listed_metric_view_without_sql_is_guessed_from_its_columns(engine):
    document = space(tables=())
    names = [{"column_name": name} for name in ("store_name", "total_revenue", "units_sold")]
    document["data_sources"]["metric_views"] = [{"identifier": "lake.web.kpis", "column_configs": names}]
    generate_tables(engine, document, today=TODAY)
    view = engine.metric_view("lake.web.kpis")
    assert [column.name for column in view.dimensions] == ["store_name"]
    assert engine.execute("SELECT store_name, MEASURE(total_revenue) FROM lake.web.kpis GROUP BY ALL").row_count > 1


def test_a_function_takes_the_arguments_of_its_calls(engine):
    document = space(
        "SELECT page, hits FROM lake.web.top_pages(10, '2025-01-01') WHERE hits > 5",
        "SELECT * FROM lake.web.top_pages(3)",
        tables=(),
    )
    document["instructions"]["sql_functions"] = [{"identifier": "lake.web.top_pages"}, {"identifier": "lake.web.idle"}]
    report = generate_tables(engine, document, today=TODAY)
    assert [outcome.error for outcome in run_own_sql(engine, document)] == [None, None]
    routine = next(routine for routine in engine.routines() if routine.name == "lake.web.top_pages")
    assert [(p.type_text, p.default is None) for p in routine.parameters] == [("INT", True), ("DATE", False)]
    assert "unknown" in next(asset.note for asset in report.made if asset.identifier == "lake.web.idle")


def test_an_example_runs_with_its_parameters_defaults(engine):
    document = space("SELECT page FROM lake.web.visits WHERE clicks >= :least AND day >= :since LIMIT 5")
    document["instructions"]["example_question_sqls"][0]["parameters"] = [
        {"name": "least", "type_hint": "INTEGER", "default_value": {"values": ["40"]}},
        {"name": "since", "type_hint": "DATE", "default_value": {"values": ["2024-05-01"]}},
    ]
    generate_tables(engine, document, today=TODAY)
    (outcome,) = run_own_sql(engine, document)
    assert outcome.error is None
    assert outcome.rows > 0


def test_a_template_is_refused_with_every_placeholder_or_filled(engine):
    document = space(
        "SELECT x FROM ${catalog}.{{ SCHEMA }}.visits", tables=("${catalog}.{{ SCHEMA }}.visits", "<your-catalog>.a.b")
    )
    with pytest.raises(TemplateSpaceError) as refused:
        generate_tables(engine, document)
    for token in ("${catalog}", "{{ SCHEMA }}", "<your-catalog>"):
        assert token in str(refused.value)
    assert engine.tables() == ()
    values = {"catalog": "lake", "{{ SCHEMA }}": "web", "your-catalog": "other"}
    report = generate_tables(engine, document, placeholders=values)
    assert {asset.identifier for asset in report.made} == {"lake.web.visits", "other.a.b"}
    assert report.document["data_sources"]["tables"][0]["identifier"] == "lake.web.visits"
    assert "${catalog}" in json.dumps(document)


def test_what_exists_is_left_alone(sample_engine):
    before = sample_engine.execute("SELECT COUNT(*) FROM samples.tpch.orders").rows
    report = generate_tables(sample_engine, sample_document())
    assert report.made == ()
    assert "samples.tpch.orders" in report.kept
    assert "samples.tpch.top_customers" in report.kept
    assert sample_engine.execute("SELECT COUNT(*) FROM samples.tpch.orders").rows == before


def test_a_name_without_three_parts_is_refused_and_the_rest_is_made(engine):
    report = generate_tables(engine, space(tables=("visits", "lake.web", "lake.web.visits")), today=TODAY)
    assert [identifier for identifier, _ in report.refused] == ["visits", "lake.web"]
    assert [asset.identifier for asset in report.made] == ["lake.web.visits"]
    assert "not made visits: not a name of three parts" in report.render()


def test_names_and_texts_cannot_break_out_of_the_script(engine):
    name = 'od"d; DROP TABLE x'
    document = space(tables=(f"lake.web.`{name}`",))
    document["data_sources"]["tables"][0].update(
        description=["it's; DROP TABLE y"],
        column_configs=[{"column_name": 'a"b', "description": ["'; DROP TABLE z; --"]}],
    )
    generate_tables(engine, document, today=TODAY)
    assert engine.execute(f'SELECT `a"b` FROM lake.web.`{name}`').row_count > 10


@pytest.mark.parametrize(
    "document", [{}, {"data_sources": []}, {"data_sources": {"tables": [None, 3, {"identifier": 5}]}}]
)
def test_a_document_that_names_nothing_makes_nothing(engine, document):
    assert generate_tables(engine, document).made == ()


@pytest.fixture(scope="module")
def loaded():
    """Load every space with tables of its own; file name → (report, outcomes of its own SQL)."""
    if not SPACES.is_dir():
        pytest.skip("no folder with exported spaces of other people beside the repository")
    found = {}
    for path in sorted(SPACES.glob("*.json")):
        document = json.loads(path.read_text())
        inner = document.get("serialized_space", document)
        document = json.loads(inner) if isinstance(inner, str) else inner
        with SqlEngine() as engine:
            try:
                report = generate_tables(engine, document, today=TODAY)
            except TemplateSpaceError as template:
                names = template.details["placeholders"]
                values = {name: re.sub(r"\W+", "", name).lower() for name in names}
                report = generate_tables(engine, document, placeholders=values, today=TODAY)
            found[path.stem] = (report, run_own_sql(engine, report.document))
    return found


def test_every_table_of_every_space_is_made(loaded):
    assert len(loaded) >= 25
    assert {name: report.refused for name, (report, _) in loaded.items() if report.refused} == {}


def test_nearly_all_of_their_own_sql_runs_and_finds_rows(loaded):
    outcomes = [outcome for _, outcomes in loaded.values() for outcome in outcomes]
    ran = [outcome for outcome in outcomes if outcome.error is None]
    assert len(ran) / len(outcomes) >= 0.95
    assert sum(bool(outcome.rows) for outcome in ran) / len(ran) >= 0.95


def test_a_taxi_space_a_version_1_export_and_one_with_metric_views_run_completely(loaded):
    for part, kinds in (
        ("nyc_taxi_genie", {"TABLE"}),
        ("cost_intelligence", {"TABLE", "METRIC VIEW", "FUNCTION"}),
        ("campaign_reach_qa", {"TABLE", "METRIC VIEW"}),
    ):
        (name,) = [name for name in loaded if part in name]
        report, outcomes = loaded[name]
        assert {asset.kind for asset in report.made} == kinds
        assert [outcome for outcome in outcomes if outcome.error or not outcome.rows] == []
