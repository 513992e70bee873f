"""Try to tell two queries apart; what many databases cannot tell apart is taken as the same, with a confidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import SqlFailedError, UnsafeSqlError
from mlflow_genie_plugin.evaluation.canonical.query import canonical_query
from mlflow_genie_plugin.evaluation.frozen import unstoppable
from mlflow_genie_plugin.evaluation.refuter.bags import Matcher, says_something
from mlflow_genie_plugin.evaluation.refuter.definitions import MissingDefinitionError
from mlflow_genie_plugin.evaluation.refuter.pair import Pair
from mlflow_genie_plugin.evaluation.refuter.refutation import (
    DIFFERENT,
    EQUIVALENT,
    Refutation,
    confidence_of,
    unknown,
)
from mlflow_genie_plugin.evaluation.refuter.tables import Constraints
from mlflow_genie_plugin.evaluation.refuter.witness import ROW_LIMIT, SECONDS, differs, shrink, write_down
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.evaluation.warehouse_messages import in_a_sentence
from mlflow_genie_plugin.sql_dialect import SqlParseError, require_read_only
from mlflow_genie_plugin.sql_engine.scratch import ScratchDatabase, ScratchRows, scratch

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.refuter.integrity import Data

DATABASES = 8
THOROUGH_DATABASES = 16
# Below this many databases that say something, agreement is a coincidence.
ENOUGH_INFORMATIVE = 3
_SHRINKING_TRIALS = 28
# Databases without NULLs, or with few of them, that are tried with the same number in all rows: small, then large.
_LEVELLED = (0, 2, 7)


@dataclass
class _Tally:
    """What the databases so far gave."""

    matcher: Matcher = field(default_factory=Matcher)
    run: int = 0
    informative: int = 0
    failures: list[str] = field(default_factory=list)
    ties: int = 0


def refute(
    expected_sql: str,
    actual_sql: str,
    schema: SpaceSchema | None = None,
    *,
    databases: int = DATABASES,
    constraints: Constraints | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Refutation:
    """Decide whether two Databricks queries mean the same, by evidence.

    Args:
        expected_sql: The right query.
        actual_sql: The query to judge.
        schema: Tables, metric views and functions; None infers tables and columns from the queries.
        databases: How many databases to generate; twice as many when too few of them say something.
        constraints: Keys and references known from elsewhere.
        parameters: Values of ``:name`` parameters.

    Returns:
        ``different`` with a witness; ``equivalent`` by canonical form or by agreement; ``unknown`` when a query cannot
        run, cannot be made to give the same rows twice, or gives nothing to compare. The same arguments give the same
        refutation.
    """
    known, values = constraints or Constraints(), dict(parameters or {})
    try:
        for sql in (expected_sql, actual_sql):
            require_read_only(sql)
        forms = [canonical_query(sql, schema) for sql in (expected_sql, actual_sql)]
        if forms[0] is not None and forms[0] == forms[1]:
            return Refutation(EQUIVALENT, 1.0, "both queries have the same canonical form", proof="canonical")
        for sql, which in ((expected_sql, "the expected query"), (actual_sql, "the answer's query")):
            if (name := unstoppable(sql)) is not None:
                return unknown(f"{which} uses {name}, which gives other values at every run")
        pair = Pair(expected_sql, actual_sql, schema, known, values)
        pair.translated  # noqa: B018 raises here, not halfway
    except (SqlParseError, MissingDefinitionError) as error:
        return unknown(str(error))
    except UnsafeSqlError as error:
        return unknown(error.what)
    except SqlFailedError as error:
        return unknown(f"a query cannot be run on generated data: {in_a_sentence(error.what)}")
    tally = _Tally()
    enough = ENOUGH_INFORMATIVE * 2 if pair.has_limit else ENOUGH_INFORMATIVE
    with scratch(list(pair.scratch_tables.values())) as database:
        pair.forget_rows()
        for number in range(databases * 2):
            if number >= databases and tally.informative >= enough:
                break
            if number >= 6 and tally.run == 0:
                break  # neither query ever ran
            found = _try(pair, database, number, tally)
            if found is not None:
                return found
            if tally.failures and "STATEMENT_TIMEOUT" in tally.failures[-1]:
                return _agreement(tally)
        return _try_levelled(pair, database, tally) or _agreement(tally)


def _try_levelled(pair: Pair, database: ScratchDatabase, tally: _Tally) -> Refutation | None:
    """Run both queries where every row is average; return the refutation when they differ.

    Agreement there is no further evidence: what the queries keep is all or nothing.
    """
    if not pair.averaged or pair.has_limit:
        return None  # with a LIMIT the ties would decide
    aside = _Tally(tally.matcher, tally.run, tally.informative)
    for number in _LEVELLED:
        found = _try_data(pair, database, pair.levelled(pair.generator.database(number)), number, aside)
        if found is not None:
            return found
    return None


def _try(pair: Pair, database: ScratchDatabase, number: int, tally: _Tally) -> Refutation | None:
    """Run both queries on one database; return the refutation when they differ."""
    return _try_data(pair, database, pair.generator.database(number), number, tally)


def _try_data(
    pair: Pair, database: ScratchDatabase, data: Data, number: int, tally: _Tally, attempts: int = 3
) -> Refutation | None:
    try:
        with database.within(SECONDS):
            one, other = pair.run(database, data, ROW_LIMIT)
            if one.truncated or other.truncated:
                tally.failures.append(f"a result has more than {ROW_LIMIT:,} rows")
                return None
            tally.run += 1
            if tally.matcher.agree(one.rows, other.rows, (len(one.columns), len(other.columns))):
                tally.informative += says_something(one.rows) or says_something(other.rows)
                return None
            if not differs(pair, database, data):
                if not pair.leaves_order_open:
                    # Each database agrees by itself, but under another order of columns than those before.
                    return _witnessed(pair, database, data, number, tally, shrinking=False)
                tally.ties += 1
                return None
        return _witnessed(pair, database, data, number, tally, shrinking=True)
    except SqlFailedError as error:
        if "SCALAR_SUBQUERY_TOO_MANY_ROWS" in error.what and attempts and any(len(rows) > 1 for rows in data.values()):
            # Both queries may be fine where a name or a maximum belongs to one row only.
            less = pair.generator.told_apart(data, pair.scalar_tables)
            return _try_data(
                pair, database, pair.generator.halved(data) if less == data else less, number, tally, attempts - 1
            )
        tally.failures.append(error.what)
        return None


def _witnessed(
    pair: Pair, database: ScratchDatabase, data: Data, number: int, tally: _Tally, *, shrinking: bool
) -> Refutation:
    def still(less: Data) -> bool:
        if not pair.generator.holds(less):
            return False
        try:
            return differs(pair, database, less)
        except SqlFailedError:
            return False  # without these rows a query fails, so they stay

    with database.within(SECONDS * 2):
        small = shrink(data, still, _SHRINKING_TRIALS) if shrinking else data
        results = pair.run(database, small, ROW_LIMIT)
    rows = sum(map(len, small.values()))
    return Refutation(
        DIFFERENT,
        1.0,
        f"on a generated database of {rows} row{'' if rows == 1 else 's'} the results differ ({_difference(results)})",
        proof="witness",
        witness=write_down(pair, small, number, results),
        databases=tally.run,
        informative=tally.informative,
    )


def _difference(results: tuple[ScratchRows, ScratchRows]) -> str:
    """Return in a few words how the expected result and the answer's differ."""
    widths, counts = (
        [len(each) for each in sizes] for sizes in zip(*((r.columns, r.rows) for r in results), strict=True)
    )
    if widths[0] != widths[1]:
        return f"{widths[0]} and {widths[1]} columns"
    if counts[0] != counts[1]:
        return f"{counts[0]:,} and {counts[1]:,} rows"
    if counts[0] == widths[0] == 1:
        wanted, got = (_cell(each.rows[0][0]) for each in results)
        return f"{wanted} and {got}" if wanted != got else "1 row each"
    return f"{counts[0]:,} row{'' if counts[0] == 1 else 's'} each"


def _cell(value: Any) -> str:
    if value is None:
        return "NULL"
    return (f"{value:f}" if isinstance(value, Decimal) else str(value))[:40]


def _columns(count: int) -> str:
    return f"{count} column{'' if count == 1 else 's'}"


def _agreement(tally: _Tally) -> Refutation:
    if tally.run == 0:
        why = in_a_sentence(tally.failures[0]) if tally.failures else "no database could be made"
        return unknown(f"a query cannot be run on generated data: {why}")
    if tally.informative < ENOUGH_INFORMATIVE:
        why = "the results hold nothing to compare"
        if tally.ties:
            why = "ties decide the results"
        elif tally.failures:
            why = f"the queries failed on the others ({in_a_sentence(tally.failures[0])})"
        return unknown(
            f"only {tally.informative} of {tally.run + len(tally.failures)} generated databases say something: {why}",
            tally.run,
            tally.informative,
        )
    if tally.matcher.extra_columns:
        return Refutation(
            DIFFERENT,
            1.0,
            f"the answer adds {_columns(tally.matcher.extra_columns)}; "
            f"the rest agrees on {tally.informative} generated databases",
            databases=tally.run,
            informative=tally.informative,
            extra_columns=tally.matcher.extra_columns,
        )
    return Refutation(
        EQUIVALENT,
        confidence_of(tally.informative),
        f"the results agree on {tally.informative} generated databases that say something",
        proof="databases",
        databases=tally.run,
        informative=tally.informative,
    )
