"""Write public sets of query pairs as JSON lines for ``bench_refuter.py``.

Each line: ``{"left", "right", "equal", "schema", "set"}``, both queries in Databricks SQL; ``disputed`` says why a
label does not hold. ``schema`` holds, by table,
``columns`` (name → type), ``not_null``, ``keys`` and ``foreign_keys``, or is null. Give git directories of clones:

    python benchmarks/convert_pairs.py --verieql VeriEQL/.git --sqlsolver SQLSolver/.git \
        --nl2sql-bugs NL2SQL-Bugs-Benchmark/.git --sqlglot sqlglot/.git --output pairs/
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

Pair = dict[str, Any]

# Labels that a look at the pair shows not to hold for Databricks, by the first digits of the pair's sha256.
_LATER_RULE = "only together with a later rule of that optimizer"
_WHOLE_AVG = "holds where AVG of whole numbers is a whole number"
_UNALIGNED = "the file's lines do not pair up here"
_INNER_NAME = "the name inside EXISTS means the inner table, so the condition is always true"
DISPUTED = {
    "602f63b6a5d9": _LATER_RULE,
    "f1fc4a44c8f7": "SELECT * has one column more after the rewriting",
    "8042e029be34": "SELECT * has one column more after the rewriting",
    "08da08978a1d": "a left join filtered in WHERE loses rows; the witness is an account without contacts",
    "24fc8dfdc97d": "VALUES ((1), (2), (3)) is one row of three columns in Spark",
    "13b708d9451a": _UNALIGNED,
    "590ed567f3af": _UNALIGNED,
    "6da69c8d53aa": _UNALIGNED,
    "f325c949724e": _WHOLE_AVG,
    "5e969134ca88": _WHOLE_AVG,
    "954786107c48": _WHOLE_AVG,
    "44d47229f660": _WHOLE_AVG,
    "fa01de6e863e": _WHOLE_AVG,
    "e78b48bd4bd8": _WHOLE_AVG,
    "e8bb16855e73": _INNER_NAME,
    "5cf2b1da950d": _INNER_NAME,
    "a951900ee04c": _INNER_NAME,
    "de2ab875e9ce": "ROLLUP (a, b) is not ROLLUP (b, a)",
    "1fdff654756f": "found equal up to a bound; four rows tell = 4 from > 4",
    "ec4790337085": "the NATURAL JOIN already equates the columns",
    "f32b1bb0ad8d": "a * 100 / b is (a / b) * 100",
    "d4b9705c6ba4": "only the order of the columns differs",
}

_TYPES = {"int": "bigint", "integer": "bigint", "numeric": "double", "real": "double", "text": "string",
          "varchar": "string", "datetime": "timestamp", "boolean": "boolean", "date": "date", "bigint": "bigint",
          "float": "double", "double": "double", "decimal": "decimal(18,2)", "char": "string", "timestamp": "timestamp",
          "smallint": "bigint", "tinyint": "bigint", "bool": "boolean", "longtext": "string"}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name in ("verieql", "sqlsolver", "nl2sql-bugs", "sqlglot"):
        parser.add_argument(f"--{name}", type=Path, help="git directory of a clone")
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    makers = {"verieql": verieql, "sqlsolver": sqlsolver, "nl2sql_bugs": nl2sql_bugs, "sqlglot": sqlglot_fixtures}
    for name, make in makers.items():
        git = getattr(given, name)
        if git is None:
            continue
        pairs = list(make(git))
        text = "".join(json.dumps(pair) + "\n" for pair in pairs)
        (given.output / f"{name}.jsonl").write_text(text, encoding="utf-8")
        print(f"{name}: {len(pairs)} pairs")


def shown(git: Path, path: str) -> str:
    done = subprocess.run(["git", "--git-dir", str(git), "show", f"HEAD:{path}"], capture_output=True, check=True)
    return done.stdout.decode("utf-8", errors="replace")


def pair(left: str, right: str, equal: bool, schema: Any, name: str, dialect: str) -> Pair | None:
    try:
        texts = [_databricks(sql, dialect) for sql in (left, right)]
    except (SqlglotError, RecursionError):
        return None
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]
    found = {"left": texts[0], "right": texts[1], "equal": equal, "schema": schema, "set": name}
    return {**found, "disputed": DISPUTED[digest]} if digest in DISPUTED else found


def _databricks(sql: str, dialect: str) -> str:
    trees = sqlglot.parse(sql, read=dialect or None)
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise SqlglotError("not one query")
    return trees[0].sql("databricks", comments=False)


def verieql(git: Path) -> Iterator[Pair]:
    """Pairs of query optimizers and of the literature; a counterexample found by the prover makes them unequal."""
    for name, file in (("calcite", "calcite/calcite2"), ("literature", "literature/literature")):
        outcomes = {}
        for line in shown(git, f"experiments/2023_03_27/{name}.out").splitlines():
            if line.strip():
                row = json.loads(line)
                outcomes[row["index"]] = (row.get("states") or [None])[-1]
        for line in shown(git, f"benchmarks/{file}.jsonlines").splitlines():
            if not line.strip():
                continue
            row = json.loads(line)
            equal = outcomes.get(row["index"]) != "NEQ"
            found = pair(*row["pair"], equal, _verieql_schema(row), f"verieql-{name}", "mysql")
            if found is not None:
                yield found


def _verieql_schema(row: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        table.lower(): {
            "columns": {name.lower(): _TYPES[(kind or "int").lower()] for name, kind in columns.items()},
            "not_null": [], "keys": [], "foreign_keys": [],
        }
        for table, columns in row["schema"].items()
    }  # fmt: skip
    for constraint in row.get("constraint") or ():
        for kind, value in constraint.items():
            places = [item["value"].lower().split("__") for item in (value if isinstance(value, list) else [value])]
            if kind == "not_null":
                schema[places[0][0]]["not_null"].append(places[0][1])
            elif kind == "primary":
                schema[places[0][0]]["keys"].append([column for _, column in places])
            elif kind == "foreign":
                (table, column), (parent, parent_column) = places
                schema[table]["foreign_keys"].append([[column], parent, [parent_column]])
    return schema


def sqlsolver(git: Path) -> Iterator[Pair]:
    """Pairs that rewrite rules of optimizers claim to be equal."""
    for file, schema in (
        ("calcite/calcite_tests", "calcite_test"),
        ("db_rule_instances/spark_tests", "calcite_test"),
        ("prepared/rules.tpcc.calcite.txt", "tpcc"),
        ("prepared/rules.tpcc.spark.txt", "tpcc"),
        ("prepared/rules.tpch.calcite.txt", "tpch"),
        ("prepared/rules.tpch.spark.txt", "tpch"),
    ):
        tables = _ddl(shown(git, f"sqlsolver_data/schemas/{schema}.base.schema.sql"))
        lines = [line for line in shown(git, f"sqlsolver_data/{file}").splitlines() if line.strip()]
        for left, right in zip(lines[::2], lines[1::2], strict=False):
            found = pair(left, right, True, tables, f"sqlsolver-{file.rpartition('/')[2]}", "mysql")
            if found is not None:
                yield found


def _ddl(text: str) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for create in sqlglot.parse(text, read="mysql"):
        if not isinstance(create, exp.Create) or not isinstance(create.this, exp.Schema):
            continue
        table: dict[str, Any] = {"columns": {}, "not_null": [], "keys": [], "foreign_keys": []}
        for item in create.this.expressions:
            if isinstance(item, exp.ColumnDef):
                name = item.name.lower()
                kind = item.args["kind"].this.name.lower()
                table["columns"][name] = _TYPES.get(kind, "string")
                for constraint in item.args.get("constraints") or ():
                    if isinstance(constraint.kind, exp.PrimaryKeyColumnConstraint):
                        table["keys"].append([name])
                    elif isinstance(constraint.kind, exp.NotNullColumnConstraint) and not constraint.kind.args.get(
                        "allow_null"
                    ):
                        table["not_null"].append(name)
            elif isinstance(item, exp.PrimaryKey):
                table["keys"].append([key.name.lower() for key in item.expressions])
            elif isinstance(item, exp.ForeignKey):
                reference = item.args["reference"].this
                parents = [column.name.lower() for column in reference.expressions]
                table["foreign_keys"].append(
                    [[column.name.lower() for column in item.expressions], reference.this.name.lower(), parents]
                )
        schema[create.this.this.name.lower()] = table
    return schema


def nl2sql_bugs(git: Path) -> Iterator[Pair]:
    """A wrong and a right answer to the same question."""
    schemas = json.loads(shown(git, "prompts/schema_dev.json"))
    answers: dict[tuple[str, str], dict[bool, list[str]]] = defaultdict(lambda: {True: [], False: []})
    for row in json.loads(shown(git, "data/NL2SQL-Bugs.json")):
        answers[row["db_id"], row["question"]][row["label"]].append(row["sql"])
    for (database, _), by_label in answers.items():
        for right in by_label[True][:1]:
            for wrong in by_label[False]:
                schema = _sqlite_schema(schemas[database]["tables"])
                found = pair(right, wrong, False, schema, "nl2sql-bugs", "sqlite")
                if found is not None:
                    yield found


def _sqlite_schema(tables: dict[str, Any]) -> dict[str, Any]:
    schema = {}
    for name, table in tables.items():
        schema[name.lower()] = {
            "columns": {
                # SQLite keeps dates as text, and the queries use them as text.
                column["name"].lower(): "string"
                if column["type"].lower() in ("date", "datetime")
                else _TYPES.get(re.sub(r"\W.*", "", column["type"].lower()), "string")
                for column in table["columns"]
            },
            "not_null": [column["name"].lower() for column in table["columns"] if column["notnull"]],
            "keys": [[key.lower() for key in table["primary_keys"]]] if table["primary_keys"] else [],
            "foreign_keys": [
                [[key["from"].lower()], key["to_table"].lower(), [key["to_column"].lower()]]
                for key in table["foreign_keys"]
                if key["to_column"]
            ],
        }
    return schema


def sqlglot_fixtures(git: Path) -> Iterator[Pair]:
    """A query before and after an optimizer's rule."""
    small = {
        name: {"columns": dict.fromkeys(columns, "bigint"), "not_null": [], "keys": [], "foreign_keys": []}
        for name, columns in {"x": ("a", "b"), "y": ("b", "c"), "z": ("b", "c")}.items()
    }
    names = """merge_subqueries pushdown_predicates pushdown_projections eliminate_subqueries eliminate_joins
        optimize_joins unnest_subqueries optimizer qualify_columns isolate_table_selects eliminate_ctes
        pushdown_cte_alias_columns"""
    for name in names.split():
        yield from _fixture(shown(git, f"tests/fixtures/optimizer/{name}.sql"), small, f"sqlglot-{name}")
    for name in ("tpc-h/tpc-h", "tpc-ds/tpc-ds"):
        text = shown(git, f"tests/fixtures/optimizer/{name}.sql")
        yield from _fixture(text, None, f"sqlglot-{name.rpartition('/')[2]}")


def _fixture(text: str, schema: Any, name: str) -> Iterator[Pair]:
    blocks = [block for block in re.split(r";[ \t]*(?:\n|\Z)", text) if _without_comments(block).strip()]
    for before, after in _paired(blocks):
        wanted = re.search(r"^\s*(?:#|--) dialect: (\w+)", before, re.MULTILINE)
        dialect = wanted.group(1) if wanted else ""
        found = pair(_without_comments(before), _without_comments(after), True, schema, name, dialect)
        if found is None:
            continue
        if schema is not None and not _tables(found["left"]) <= set(schema):
            found["schema"] = None
        yield found


def _tables(sql: str) -> set[str]:
    """Return the tables of a query, CTEs left out; none for text that Databricks would not read either."""
    try:
        tree = sqlglot.parse_one(sql, read="databricks")
    except SqlglotError:
        return set()
    own = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    return {table.name.lower() for table in tree.find_all(exp.Table) if isinstance(table.this, exp.Identifier)} - own


def _paired(blocks: list[str]) -> Iterable[tuple[str, str]]:
    return zip(blocks[::2], blocks[1::2], strict=False)


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("#", "--")))


if __name__ == "__main__":
    main()
