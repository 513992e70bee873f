from __future__ import annotations

import copy

import pytest

from mlflow_genie_plugin.emulator.answerer import answer
from mlflow_genie_plugin.emulator.catalog_view import (
    CatalogColumn,
    MetricView,
    Routine,
    RoutineParameter,
    StaticCatalog,
)
from mlflow_genie_plugin.emulator.sample import sample_document

SHOPS, SALES, STAFF = "main.shop.shops", "main.shop.sales", "main.shop.staff"


@pytest.fixture
def catalog():
    def column(name, type_text="STRING"):
        return CatalogColumn(name, type_text)

    return StaticCatalog(
        tables={
            SHOPS: (column("shop_id", "BIGINT"), column("shop_name"), column("city"), column("area", "DOUBLE")),
            SALES: (
                column("sale_id", "BIGINT"),
                column("shop_id", "BIGINT"),
                column("sold_on", "DATE"),
                column("net_amount", "DOUBLE"),
                column("channel"),
                column("is_gift", "BOOLEAN"),
            ),
            STAFF: (column("staff_id", "BIGINT"), column("shop_id", "BIGINT"), column("salary", "DOUBLE")),
        },
        metric_views={
            "main.shop.kpis": MetricView(
                (column("city"), column("day", "DATE")), (column("footfall", "BIGINT"), column("conversion", "DOUBLE"))
            )
        },
        routines={
            "main.shop.best_shops": Routine(
                (RoutineParameter("top_n", "INT"), RoutineParameter("town", "STRING", "city of the shop", True)),
                "Shops with the highest sales",
            )
        },
        values={
            (SHOPS, "city"): ("Oslo", "New York", "Bergen"),
            (SALES, "channel"): ("WEB", "IN", "store"),
            ("main.shop.kpis", "city"): ("Oslo", "New York"),
        },
    )


@pytest.fixture
def shop():
    def matched(name, **fields):
        return {"column_name": name, "enable_format_assistance": True, "enable_entity_matching": True, **fields}

    def join(left, right):
        return {
            "left": {"identifier": left, "alias": left.split(".")[-1]},
            "right": {"identifier": right, "alias": right.split(".")[-1]},
            "sql": [
                f"`{left.split('.')[-1]}`.`shop_id` = `{right.split('.')[-1]}`.`shop_id`",
                "--rt=FROM_RELATIONSHIP_TYPE_MANY_TO_ONE--",
            ],
        }

    return {
        "version": 2,
        "data_sources": {
            "tables": [
                {"identifier": SALES, "column_configs": [matched("channel"), {"column_name": "sale_id"}]},
                {"identifier": SHOPS, "column_configs": [matched("city", synonyms=["town"])]},
                {"identifier": STAFF, "column_configs": [{"column_name": "salary", "synonyms": ["pay"]}]},
            ],
            "metric_views": [{"identifier": "main.shop.kpis", "column_configs": [matched("city", synonyms=["town"])]}],
        },
        "instructions": {
            "join_specs": [join(SALES, SHOPS), join(STAFF, SHOPS)],
            "sql_snippets": {
                "measures": [
                    {
                        "display_name": "Turnover",
                        "alias": "t",
                        "sql": ["SUM(sales.net_amount)"],
                        "synonyms": ["takings"],
                    }
                ],
                "filters": [{"display_name": "big shops", "sql": ["shops.area > 1000"]}],
                "expressions": [{"display_name": "sales year", "alias": "y", "sql": ["YEAR(sales.sold_on)"]}],
            },
        },
    }


@pytest.fixture
def sql(catalog):
    def sql(question, document):
        answered = answer(question, document, catalog)
        assert answered.sql is not None, answered.text
        return " ".join(answered.sql.split())

    return sql


@pytest.fixture
def clarification(catalog):
    def clarification(question, document):
        answered = answer(question, document, catalog)
        assert answered.sql is None, answered.sql
        assert answered.is_clarification
        return answered.text

    return clarification


# --- composing ------------------------------------------------------------------------------------------------------


def test_a_measure_is_grouped_along_a_join(sql, shop):
    assert sql("Turnover by city in 2024", shop) == (
        "SELECT shops.city, SUM(sales.net_amount) AS turnover FROM main.shop.sales AS sales "
        "JOIN main.shop.shops AS shops ON sales.`shop_id` = shops.`shop_id` "
        "WHERE sales.sold_on >= DATE'2024-01-01' AND sales.sold_on < DATE'2025-01-01' "
        "GROUP BY shops.city ORDER BY turnover DESC"
    )


def test_a_synonym_is_as_good_as_the_name(sql, shop):
    assert sql("takings by town", shop) == sql("turnover by city", shop)


def test_without_the_synonym_the_word_means_nothing(clarification, shop):
    del shop["instructions"]["sql_snippets"]["measures"][0]["synonyms"]
    assert '"takings"' in clarification("takings by city", shop)


def test_without_the_join_the_tables_cannot_be_related(clarification, shop):
    del shop["instructions"]["join_specs"][0]
    text = clarification("turnover by city", shop)
    assert "no join" in text
    assert "sales" in text
    assert "shops" in text


def test_two_facts_that_share_a_dimension_are_never_multiplied(clarification, shop):
    assert "no join" in clarification("turnover by staff", shop)


def test_a_changed_measure_changes_the_answer(sql, shop):
    before = sql("turnover", shop)
    shop["instructions"]["sql_snippets"]["measures"][0]["sql"] = ["SUM(sales.net_amount * 2)"]
    assert sql("turnover", shop) == before.replace("sales.net_amount", "sales.net_amount * 2")


def test_a_hidden_column_is_never_used(clarification, sql, shop):
    assert "AVG(staff.salary)" in sql("average salary", shop)
    shop["data_sources"]["tables"][2]["column_configs"][0]["exclude"] = True
    assert '"salary"' in clarification("average salary", shop)


def test_hidden_columns_of_the_sample_occur_in_no_list(ask):
    hidden = {
        config["column_name"]
        for table in sample_document()["data_sources"]["tables"]
        for config in table["column_configs"]
        if config.get("exclude")
    }
    answered = ask("Show the orders placed on 1995-01-02")
    assert "o_totalprice" in answered.sql
    assert not [name for name in hidden if name in answered.sql]


def test_values_are_found_only_where_entity_matching_is_on(sql, clarification, shop):
    assert "shops.city = 'New York'" in sql("turnover in new york", shop)
    shop["data_sources"]["tables"][1]["column_configs"][0].update(enable_entity_matching=False)
    shop["data_sources"].pop("metric_views")
    assert "york" in clarification("turnover in new york", shop)


def test_a_value_that_is_also_a_small_word_counts_only_in_capitals(sql, shop):
    assert "channel" not in sql("turnover in Oslo", shop)
    assert "sales.channel = 'IN'" in sql("turnover of channel IN", shop)


def test_a_literal_cannot_break_out_of_its_quotes(sql, shop):
    composed = sql("""turnover of city "x' OR 1=1 --" """, shop)
    assert composed.endswith(r"WHERE shops.city = 'x\' OR 1=1 --'")


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many shops are there?", "SELECT COUNT(*) AS shops_count FROM main.shop.shops AS shops"),
        ("number of different channels", "COUNT(DISTINCT sales.channel)"),
        ("average area of shops in Oslo", "AVG(shops.area)"),
        ("highest salary", "MAX(staff.salary)"),
        ("top 3 shops by turnover", "ORDER BY turnover DESC LIMIT 3"),
        ("Which city has the lowest turnover?", "ORDER BY turnover ASC LIMIT 1"),
        ("Which cities have the highest turnover?", "GROUP BY shops.city ORDER BY turnover DESC"),
        (
            "top 2 shops by area",
            "SELECT shops.shop_name, shops.area FROM main.shop.shops AS shops ORDER BY shops.area DESC LIMIT 2",
        ),
        ("turnover of big shops", "WHERE shops.area > 1000"),
        ("turnover not in Oslo", "WHERE shops.city <> 'Oslo'"),
        ("turnover in Oslo or Bergen", "WHERE shops.city IN ('Oslo', 'Bergen')"),
        ("Compare turnover in Oslo and Bergen", "GROUP BY shops.city"),
        ("turnover by sales year", "SELECT YEAR(sales.sold_on) AS sales_year"),
        ("monthly turnover", "DATE_TRUNC('MONTH', sales.sold_on) AS month"),
        ("turnover by day", "SELECT sales.sold_on AS day, SUM"),
        ("turnover in the last 30 days", "sales.sold_on >= date_sub(current_date(), 30)"),
        ("shops with more than 5 staff", "HAVING COUNT(*) > 5"),
        ("How many shops have at least 5 staff?", "SELECT COUNT(*) AS shops_count FROM ( SELECT shops.shop_id AS key"),
        ("shops without staff", "WHERE NOT EXISTS (SELECT 1 FROM main.shop.staff AS staff"),
        ("How many shops have sales in 2023?", "WHERE EXISTS (SELECT 1 FROM main.shop.sales AS sales"),
        ("average number of sales per shop", "COUNT(*) * 1.0 / COUNT(DISTINCT shops.shop_id)"),
        ("share of turnover from WEB", "100.0 * SUM(CASE WHEN sales.channel = 'WEB' THEN sales.net_amount ELSE 0 END)"),
        ("turnover of sales with is gift", "sales.is_gift = true"),
        ("staff with a salary between 1000 and 2000", "staff.salary BETWEEN 1000 AND 2000"),
        ("What channels are there?", "SELECT DISTINCT sales.channel FROM main.shop.sales AS sales"),
        ("number of sales and turnover by city", "COUNT(*) AS sales_count, SUM(sales.net_amount) AS turnover"),
    ],
)
def test_a_composed_query_says(sql, shop, question, expected):
    assert expected in sql(question, shop)


def test_sums_that_would_count_rows_twice_are_not_given(clarification, shop):
    assert "more than once" in clarification("total area by channel", shop)


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("What is the weather like?", "weather"),
        ("turnover by continent", "continent"),
        ("top 5 shops", "figure"),
        ("turnover by", None),
        ("shops", None),
        ("", "know"),
    ],
)
def test_what_cannot_be_grounded_is_asked_back_or_listed(catalog, shop, question, word):
    answered = answer(question, shop, catalog)
    if word is not None:
        assert answered.is_clarification
        assert word in answered.text
        assert answered.text.endswith("?")
    else:
        assert answered.sql is not None


def test_a_space_without_tables_asks_for_some(clarification):
    assert "no tables" in clarification("how many orders?", {"version": 2, "data_sources": {}})


# --- metric views ---------------------------------------------------------------------------------------------------


def test_a_metric_is_measured_by_a_dimension(sql, shop):
    assert sql("footfall by town in January 2024", shop) == (
        "SELECT city, MEASURE(footfall) AS footfall FROM main.shop.kpis "
        "WHERE day >= DATE'2024-01-01' AND day < DATE'2024-02-01' GROUP BY ALL ORDER BY footfall DESC"
    )


def test_a_metric_view_is_recognised_among_the_tables(sql, shop):
    expected = sql("conversion by city", shop)
    shop["data_sources"]["tables"] += shop["data_sources"].pop("metric_views")
    assert sql("conversion by city", shop) == expected


def test_without_the_metric_view_its_figures_are_unknown(clarification, shop):
    shop["data_sources"].pop("metric_views")
    assert '"footfall"' in clarification("footfall by city", shop)


def test_a_dimension_that_the_metric_view_lacks_is_asked_back(clarification, shop):
    assert "channel" in clarification("footfall by channel", shop)


# --- table functions ------------------------------------------------------------------------------------------------


def test_a_function_is_called_with_the_arguments_of_the_question(sql, shop):
    shop["instructions"]["sql_functions"] = [{"identifier": "main.shop.best_shops"}]
    assert sql("best 4 shops", shop) == "SELECT * FROM main.shop.best_shops(4)"
    assert sql("Which are the best 4 shops in Oslo?", shop) == "SELECT * FROM main.shop.best_shops(4, 'Oslo')"


def test_a_function_is_not_called_without_its_required_argument(catalog, shop):
    shop["instructions"]["sql_functions"] = [{"identifier": "main.shop.best_shops"}]
    assert "best_shops" not in (answer("best shops", shop, catalog).sql or "")


def test_a_function_is_not_called_for_what_it_does_not_speak_of(catalog, shop):
    shop["instructions"]["sql_functions"] = [{"identifier": "main.shop.best_shops"}]
    assert "best_shops" not in (answer("best 4 shops by salary", shop, catalog).sql or "")


def test_a_function_that_is_not_attached_is_not_called(catalog, shop):
    assert "best_shops" not in (answer("best 4 shops", shop, catalog).sql or "")


# --- steering by text -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "question", "expected"),
    [
        ("Payroll means SUM(staff.salary).", "payroll", "SELECT SUM(staff.salary) AS payroll"),
        ("When asked about payroll, use SUM(staff.salary).", "payroll", "SELECT SUM(staff.salary) AS payroll"),
        ("- **Gifts** means sales.is_gift = true", "turnover of gifts", "WHERE sales.is_gift = TRUE"),
        ("Wages means pay.", "average wages", "AVG(staff.salary)"),
        ("Synonyms: turnover = business, city = place", "business by place", "SUM(sales.net_amount) AS turnover"),
        ("Use sale_id instead of net_amount.", "total net amount", "SUM(sales.sale_id)"),
        ("Turnover means SUM(sales.net_amount) / 2.", "turnover", "SUM(sales.net_amount) / 2"),
    ],
)
def test_a_sentence_steers(sql, shop, sentence, question, expected):
    shop["instructions"]["text_instructions"] = [{"content": ["Our shops.\n", sentence + "\n", "Be brief."]}]
    assert expected in sql(question, shop)


def test_a_sentence_says_which_date_counts(catalog, sql, shop, clarification):
    two_dates = (*catalog.tables[SALES], CatalogColumn("paid_on", "DATE"))
    catalog.tables[SALES] = two_dates
    assert "Which date" in clarification("turnover in 2024", shop)
    shop["instructions"]["text_instructions"] = [{"content": ["For dates, use sales.paid_on."]}]
    assert "sales.paid_on >= DATE'2024-01-01'" in sql("turnover in 2024", shop)


def test_a_sentence_says_through_which_table_a_thing_is_reached(ask):
    document = sample_document()
    assert "customer" in ask("Revenue by nation", document).sql
    assert "supplier" in ask("Revenue by supplier nation", document).sql
    document["instructions"]["text_instructions"] = []
    assert "supplier" in ask("Revenue by nation", document).sql


# --- what must not matter -------------------------------------------------------------------------------------------


def test_benchmarks_are_never_looked_at(ask):
    document = sample_document()
    cheating = copy.deepcopy(document)
    cheating["benchmarks"] = {"questions": [{"question": ["Revenue by region"], "answer": [{"content": ["SELECT 1"]}]}]}
    assert ask("Revenue by region", cheating) == ask("Revenue by region", document)


def test_the_same_question_has_the_same_answer(ask):
    assert ask("Which nation has the highest revenue?") == ask("Which nation has the highest revenue?")


def test_version_1_flags_match_values_too(sql, shop):
    shop["data_sources"]["tables"][1]["column_configs"] = [{"column_name": "city", "build_value_dictionary": True}]
    assert "shops.city = 'Oslo'" in sql("turnover in Oslo", shop)


# --- a space nobody here wrote ---------------------------------------------------------------------------------------


@pytest.fixture
def taxi():
    """A space as small as many are: one table, bare column names, one sentence."""
    columns = ("fare_amount", "pickup_zip", "tpep_pickup_datetime", "trip_distance")
    return {
        "version": 2,
        "data_sources": {
            "tables": [{"identifier": "demo.taxi.trips", "column_configs": [{"column_name": name} for name in columns]}]
        },
        "instructions": {"text_instructions": [{"content": ["When asked about revenue, use SUM(fare_amount)."]}]},
    }


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "What is the average fare per trip?",
            "SELECT AVG(trips.fare_amount) AS average_fare_amount",
        ),
        (
            "How many trips were longer than 10 miles?",
            "FROM demo.taxi.trips AS trips WHERE trips.trip_distance > 10",
        ),
        ("What was the total revenue per pickup zip code?", "SUM(trips.fare_amount) AS revenue"),
        ("How many trips were there in February 2016?", "trips.tpep_pickup_datetime < DATE'2016-03-01'"),
        ("revenue by day", "CAST(trips.tpep_pickup_datetime AS DATE) AS day"),
        ("top 3 pickup zips by revenue", "GROUP BY trips.pickup_zip ORDER BY revenue DESC LIMIT 3"),
        ("longest trip", "ORDER BY trips.trip_distance DESC LIMIT 1"),
    ],
)
def test_a_small_foreign_space_is_answered(taxi, question, expected):
    types = {
        "fare_amount": "DOUBLE",
        "pickup_zip": "INT",
        "tpep_pickup_datetime": "TIMESTAMP",
        "trip_distance": "DOUBLE",
    }
    catalog = StaticCatalog(tables={"demo.taxi.trips": tuple(CatalogColumn(*item) for item in types.items())})
    answered = answer(question, taxi, catalog)
    assert answered.sql is not None, answered.text
    assert expected in " ".join(answered.sql.split())


def test_when_a_row_was_written_is_not_when_it_happened(catalog, sql, shop):
    catalog.tables[SALES] = (*catalog.tables[SALES], CatalogColumn("record_updated_timestamp", "TIMESTAMP"))
    assert "sales.sold_on >=" in sql("turnover in 2024", shop)


def test_an_average_is_asked_of_a_metric_only_when_it_measures_one(catalog, shop, clarification):
    view = catalog.metric_views["main.shop.kpis"]
    measures = (*view.measures, CatalogColumn("avg_queue", "DOUBLE"))
    catalog.metric_views["main.shop.kpis"] = view._replace(measures=measures)
    assert "MEASURE(avg_queue)" in answer("average queue by town", shop, catalog).sql
    assert "footfall" in clarification("average footfall by town", shop)
