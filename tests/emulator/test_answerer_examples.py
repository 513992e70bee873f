from __future__ import annotations

import pytest

from mlflow_genie_plugin.emulator.answerer import answer
from mlflow_genie_plugin.emulator.catalog_view import CatalogColumn, StaticCatalog
from mlflow_genie_plugin.emulator.sample import sample_document

TOP = "What are the top 10 customers by revenue?"


@pytest.fixture
def with_example():
    """Build a space of one table with one trusted example."""

    def build(question, sql, *parameters, guidance=None):
        example = {"question": [question], "sql": [sql], "parameters": list(parameters)}
        if guidance:
            example["usage_guidance"] = [guidance]
        return {
            "version": 2,
            "data_sources": {
                "tables": [
                    {
                        "identifier": "c.s.trips",
                        "column_configs": [
                            {"column_name": "city", "enable_entity_matching": True, "synonyms": ["town"]}
                        ],
                    }
                ]
            },
            "instructions": {"example_question_sqls": [example]},
        }

    return build


@pytest.fixture
def catalog():
    return StaticCatalog(
        tables={
            "c.s.trips": (
                CatalogColumn("trip_id", "BIGINT"),
                CatalogColumn("city", "STRING"),
                CatalogColumn("day", "DATE"),
            )
        },
        values={("c.s.trips", "city"): ("OSLO", "New York")},
    )


def parameter(name, hint, default=None):
    found = {"name": name, "type_hint": hint}
    return found if default is None else {**found, "default_value": {"values": [default]}}


@pytest.mark.parametrize(
    ("question", "how_many"),
    [
        (TOP, "10"),
        ("what are the top 3 customers by revenue", "3"),
        ("Top seven customers by revenue", "7"),
        ("Show me the top customers by turnover", "10"),
        ("best customers", "10"),
    ],
)
def test_another_wording_of_a_trusted_question_gets_its_sql_and_values(ask, question, how_many):
    answered = ask(question)
    assert "LIMIT :how_many" in answered.sql
    assert answered.parameters == {"how_many": how_many}
    assert answered.parameter_types == {"how_many": "INTEGER"}


@pytest.mark.parametrize(
    "question",
    [
        "What are the top 10 suppliers by revenue?",
        "What are the bottom 10 customers by revenue?",
        "What are the top 10 customers by revenue in 1995?",
        "What are the top 10 customers by revenue in FRANCE?",
        "What are the top 10 customers by account balance?",
    ],
)
def test_a_different_question_does_not_get_it(ask, question):
    assert "how_many" not in (ask(question).sql or "")


def test_a_changed_example_changes_the_answer(ask):
    document = sample_document()
    for example in document["instructions"]["example_question_sqls"]:
        example["sql"] = ["SELECT 1"]
    assert ask(TOP, document).sql == "SELECT 1"


def test_without_the_example_the_answer_is_composed_or_asked_back(ask):
    document = sample_document()
    document["instructions"]["example_question_sqls"] = []
    assert ask(TOP, document).parameters == {}
    assert ask("How did revenue grow from year to year?", document).is_clarification


def test_a_value_is_passed_as_the_catalog_spells_it(ask):
    assert ask("What is the revenue of france by year?").parameters == {"nation": "FRANCE"}


def test_dates_are_read_from_a_range(ask):
    question = "How many orders of each priority had a late delivery between 1994-01-01 and 1994-03-31?"
    assert ask(question).parameters == {"from_date": "1994-01-01", "to_date": "1994-03-31"}


def test_a_year_is_read_as_its_first_and_last_day(ask):
    answered = ask("How many orders of each priority had a late delivery in 1994?")
    assert answered.parameters == {"from_date": "1994-01-01", "to_date": "1994-12-31"}


def test_an_exclusive_end_is_the_day_after(with_example, catalog):
    document = with_example(
        "trips from 2024-01-01 to 2024-01-31",
        "SELECT * FROM c.s.trips WHERE day >= :start_day AND day < :end_day",
        parameter("start_day", "DATE"),
        parameter("end_day", "DATE"),
    )
    assert answer("trips in February 2024", document, catalog).parameters == {
        "start_day": "2024-02-01",
        "end_day": "2024-03-01",
    }


def test_a_missing_value_without_default_leaves_the_example_unused(with_example, catalog):
    document = with_example(
        "trips to OSLO", "SELECT * FROM c.s.trips WHERE city = :place", parameter("place", "STRING")
    )
    assert answer("trips to New York", document, catalog).parameters == {"place": "New York"}
    assert answer("trips to", document, catalog).parameters == {}


def test_a_quoted_text_that_no_column_holds_is_passed_as_written(with_example, catalog):
    document = with_example(
        'trips to "Rome"', "SELECT * FROM c.s.trips WHERE city = :place", parameter("place", "STRING", "Rome")
    )
    assert answer('trips to "Paris"', document, catalog).parameters == {"place": "Paris"}


def test_a_number_in_the_question_keeps_an_example_without_parameters_away(with_example, catalog):
    document = with_example("How many trips were there in 2023?", "SELECT 2023")
    assert answer("How many trips were there in 2023?", document, catalog).sql == "SELECT 2023"
    assert "2024" in answer("How many trips were there in 2024?", document, catalog).sql


def test_a_wording_in_the_usage_guidance_counts_as_the_question(with_example, catalog):
    document = with_example(
        "trips by town", "SELECT 'guided'", guidance='Use it for "urban mobility overview" as well.'
    )
    assert answer("urban mobility overview", document, catalog).sql == "SELECT 'guided'"
    assert answer("rural mobility overview", document, catalog).sql is None


def test_a_synonym_makes_two_wordings_alike(with_example, catalog):
    document = with_example("trips by city", "SELECT 'trusted'")
    assert answer("trips by town", document, catalog).sql == "SELECT 'trusted'"
    del document["data_sources"]["tables"][0]["column_configs"][0]["synonyms"]
    assert answer("trips by town", document, catalog).is_clarification


@pytest.mark.parametrize(
    "sql", ["DROP TABLE c.s.trips", "SELECT 1; SELECT 2", "not sql at all", "DELETE FROM c.s.trips"]
)
def test_an_example_that_is_no_single_query_is_never_answered_with(with_example, catalog, sql):
    answered = answer("trips by city", with_example("trips by city", sql), catalog)
    assert answered.sql is None
    assert "cannot be run" in answered.text
