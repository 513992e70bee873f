import dataclasses

from mlflow_genie_plugin.space.catalog import Capture, UcMetadata, diff_metadata, uc_sha256


def column(name, data_type="INT", comment=None, table="orders", schema="sales"):
    return {
        "table_catalog": "main",
        "table_schema": schema,
        "table_name": table,
        "column_name": name,
        "data_type": data_type,
        "comment": comment,
    }


def tag(name, value, column_name=None):
    return {"catalog_name": "main", "schema_name": "s", "table_name": "t", "column_name": column_name,
            "tag_name": name, "tag_value": value}  # fmt: skip


def routine(name, definition, data_type="INT"):
    return {"routine_catalog": "main", "routine_schema": "s", "routine_name": name,
            "routine_definition": definition, "data_type": data_type}  # fmt: skip


def metadata(columns=(), tags=(), routines=()):
    return UcMetadata(Capture("ok", tuple(columns)), Capture("ok", tuple(tags)), Capture("ok", tuple(routines)))


def test_each_kind_is_compared_by_its_key():
    before = metadata(
        [column("a"), column("b"), column("c", comment="x")],
        [tag("pii", "no"), tag("pii", "no", "a"), tag("owner", "x")],
        [routine("f", "1"), routine("g", "1")],
    )
    after = metadata(
        [column("c", comment="y"), column("a", "BIGINT"), column("d")],
        [tag("pii", "yes"), tag("pii", "no", "a")],
        [routine("f", "2"), routine("g", "1", "DOUBLE")],
    )
    difference = diff_metadata(before, after)
    assert difference["changed"] is True
    assert [row["column_name"] for row in difference["columns"]["added"]] == ["d"]
    assert [row["column_name"] for row in difference["columns"]["removed"]] == ["b"]
    assert difference["columns"]["changed"] == [
        {"key": "main.sales.orders.a", "changes": {"data_type": {"before": "INT", "after": "BIGINT"}}},
        {"key": "main.sales.orders.c", "changes": {"comment": {"before": "x", "after": "y"}}},
    ]
    assert difference["columns"]["change_count"] == 4
    assert difference["tags"]["changed"] == [
        {"key": "main.s.t.pii", "changes": {"tag_value": {"before": "no", "after": "yes"}}}
    ]
    assert difference["tags"]["change_count"] == 2
    assert {entry["key"] for entry in difference["routines"]["changed"]} == {"main.s.f", "main.s.g"}


def test_equal_tables_in_two_schemas_are_not_mixed_up():
    before = metadata([column("a", schema="x"), column("a", "STRING", schema="y")])
    after = metadata([column("a", "STRING", schema="x"), column("a", schema="y")])
    assert len(diff_metadata(before, after)["columns"]["changed"]) == 2


def test_a_failed_read_is_not_comparable_and_never_everything_removed():
    before = metadata([column("a")])
    after = dataclasses.replace(before, columns=Capture("failed", (), "permission denied"))
    difference = diff_metadata(before, after)
    assert difference["columns"] == {
        "comparable": False,
        "reason": "columns could not be read after: permission denied",
    }
    assert difference["changed"] is None
    unasked = diff_metadata(UcMetadata(), before)
    assert unasked["columns"] == {"comparable": False, "reason": "columns was not requested before"}
    assert diff_metadata(before, before)["changed"] is False


def test_the_hash_ignores_the_order_of_rows_and_tells_a_failure_from_an_empty_catalog():
    one, other = metadata([column("a"), column("b")]), metadata([column("b"), column("a")])
    assert uc_sha256(one) == uc_sha256(other)
    hashes = {
        uc_sha256(UcMetadata()),
        uc_sha256(metadata()),
        uc_sha256(dataclasses.replace(metadata(), columns=Capture("failed", (), "x"))),
        uc_sha256(one),
        uc_sha256(metadata([column("a"), column("b", comment="new")])),
    }
    assert len(hashes) == 5
