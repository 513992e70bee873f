import re

import pytest

from mlflow_genie_plugin.errors import SqlFailedError, UsageError
from mlflow_genie_plugin.workspace.metadata_statements import three_parts

PATH = "/api/2.0/sql/statements"


def table(columns, rows, *, truncated=False):
    return 200, {
        "statement_id": "s",
        "status": {"state": "SUCCEEDED"},
        "manifest": {
            "schema": {"columns": [{"name": name, "type_name": "STRING"} for name in columns]},
            "total_row_count": len(rows),
            "truncated": truncated,
        },
        "result": {"data_array": rows},
    }


def on_views(script, **views):
    def answer(query, body):
        return views[re.search(r"information_schema\.(\w+)", body["statement"])[1]]

    script.on("POST", PATH, answer)


def test_assets_are_read_in_batches_a_catalog(workspace, script):
    columns = [
        "table_catalog",
        "table_schema",
        "table_name",
        "column_name",
        "ordinal_position",
        "data_type",
        "is_nullable",
    ]
    on_views(script, columns=table(columns, [["c", "s", "t", "id", "0", "int", "NO"]]))
    identifiers = [f"One.sch.t{index}" for index in range(60)] + ["`Odd cat`.s.x", "one.SCH.T0"]
    rows = workspace.catalog.columns(identifiers, warehouse_id="w")
    assert len(rows) == 3
    assert rows[0] == dict(zip(columns, ["c", "s", "t", "id", "0", "int", "NO"], strict=True))
    bodies = [item[3] for item in script.sent("POST", PATH)]
    assert [re.search(r"FROM (`[^`]+`)", body["statement"])[1] for body in bodies] == ["`odd cat`", "`one`", "`one`"]
    assert [len(body["parameters"]) for body in bodies] == [2, 100, 20]
    assert all(body["warehouse_id"] == "w" for body in bodies)


def test_names_are_sent_as_parameters_never_as_text(workspace, script):
    on_views(script, columns=table(["table_name"], []))
    workspace.catalog.columns(["c.s.`x' OR 1=1 --`", "`c``; DROP`.s.t"], warehouse_id="w")
    for item in script.sent("POST", PATH):
        assert "OR 1=1" not in item[3]["statement"]
    assert "FROM `c``; drop`.information_schema" in script.sent("POST", PATH)[1][3]["statement"]


def test_tags_of_tables_and_columns_come_together(workspace, script):
    on_views(
        script,
        table_tags=table(
            ["catalog_name", "schema_name", "table_name", "tag_name", "tag_value"], [["c", "s", "t", "b", "1"]]
        ),
        column_tags=table(
            ["catalog_name", "schema_name", "table_name", "column_name", "tag_name", "tag_value"],
            [["c", "s", "t", "id", "a", None]],
        ),
    )
    assert [(row["column_name"], row["tag_name"]) for row in workspace.catalog.tags(["c.s.t"], warehouse_id="w")] == [
        (None, "b"),
        ("id", "a"),
    ]


def test_functions_come_with_their_parameters_in_order(workspace, script):
    names = [
        "specific_name",
        "routine_catalog",
        "routine_schema",
        "routine_name",
        "routine_definition",
        "data_type",
        "comment",
    ]
    on_views(
        script,
        routines=table(names, [["f", "c", "s", "f", "SELECT 1", "TABLE", "text"]]),
        parameters=table(
            ["specific_schema", "specific_name", "parameter_name", "data_type"],
            [["s", "f", "b", "int"], ["s", "f", "a", "date"]],
        ),
    )
    (row,) = workspace.catalog.routines(["c.s.f"], warehouse_id="w")
    assert row["parameters"] == [{"name": "b", "data_type": "int"}, {"name": "a", "data_type": "date"}]
    assert "specific_name" not in row


def test_what_was_cut_is_an_error_not_fewer_rows(workspace, script):
    on_views(script, columns=table(["table_name"], [["t"]], truncated=True))
    with pytest.raises(SqlFailedError, match="was cut"):
        workspace.catalog.columns(["c.s.t"], warehouse_id="w")


def test_nothing_asked_is_nothing_sent(workspace, script):
    assert workspace.catalog.columns([]) == workspace.catalog.tags([]) == workspace.catalog.routines([]) == []
    assert script.requests == []


@pytest.mark.parametrize("identifier", ["t", "s.t", "a.b.c.d", "a..c", "", "a.b."])
def test_what_is_not_a_three_part_name_is_refused(identifier):
    with pytest.raises(UsageError, match="three-part"):
        three_parts(identifier)
