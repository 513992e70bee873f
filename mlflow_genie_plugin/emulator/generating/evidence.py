"""What the SQL of a space shows about its tables: columns, uses, literals, equal keys, joint conditions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from mlflow_genie_plugin.emulator.answering.words import word_set
from mlflow_genie_plugin.sql_dialect import normalise_name
from mlflow_genie_plugin.sql_dialect.assets import dotted_name, function_name, is_cte_reference, is_measure

Literal = str | float | bool
ColumnKey = tuple[str, str]

_DATE_TEXT = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATE_FUNCTIONS = word_set(
    """year month day quarter week weekofyear dayofweek dayofmonth dayofyear date_trunc trunc timestamp_trunc
    datediff date_diff date_add date_sub dateadd add_months last_day months_between date_format extract
    time_to_str timestampdiff timestampadd ts_or_ds_add ts_or_ds_diff date day_of_week day_of_month day_of_year
    week_of_year hour minute unix_timestamp"""
)
_NUMBER_FUNCTIONS = word_set(
    "sum avg median stddev variance round abs ceil floor sqrt percentile_approx percentile ln exp"
)
_TEXT_FUNCTIONS = word_set(
    "lower upper trim initcap concat concat_ws substring split length regexp_like regexp_extract"
)
_ARRAY_FUNCTIONS = (exp.ArrayContains, exp.Explode, exp.ArraySize, exp.ArrayToString)
# Functions of a date that are numbers: ``year = YEAR(current_date())`` says that the column is a number.
_CALENDAR_NUMBERS = (
    exp.Year,
    exp.Month,
    exp.Quarter,
    exp.Week,
    exp.DayOfMonth,
    exp.DayOfWeek,
    exp.DayOfYear,
    exp.Extract,
    exp.DateDiff,
)


@dataclass
class ColumnEvidence:
    """One column: its name as first written, votes for type families, and the literals it meets."""

    name: str
    votes: Counter[str] = field(default_factory=Counter)
    literals: list[Literal] = field(default_factory=list)
    is_measure: bool = False


@dataclass
class AssetEvidence:
    """A table, metric view or function that the SQL names; ``calls`` holds the arguments of a function's calls."""

    name: str
    columns: dict[str, ColumnEvidence] = field(default_factory=dict)
    calls: list[list[tuple[str, str]]] = field(default_factory=list)
    is_function: bool = False

    def column(self, name: str) -> ColumnEvidence:
        """Return the evidence of a column, new when it was not seen before."""
        return self.columns.setdefault(name.lower(), ColumnEvidence(name))


@dataclass
class Evidence:
    """Everything seen. ``recipes``: conditions of one query that a row of each table must meet together."""

    assets: dict[str, AssetEvidence] = field(default_factory=dict)
    equal: list[tuple[ColumnKey, ColumnKey]] = field(default_factory=list)
    recipes: list[dict[str, dict[str, Literal]]] = field(default_factory=list)

    def asset(self, name: str, *, is_function: bool = False) -> AssetEvidence:
        """Return the evidence of an asset, new when it was not seen before."""
        return self.assets.setdefault(normalise_name(name), AssetEvidence(name, is_function=is_function))


class Reader:
    """Adds evidence, statement by statement; ``known`` are the full names of the space, for SQL that shortens them."""

    def __init__(self, evidence: Evidence, known: list[str]) -> None:
        self.evidence = evidence
        self.known = [normalise_name(name) for name in known]

    def read(self, tree: exp.Expr) -> None:
        """Take everything a statement shows."""
        derived = {alias.lower() for node in tree.find_all(exp.CTE, exp.Subquery) for alias in _output_names(node)}
        for select in tree.find_all(exp.Select):
            sources = self.sources(select)
            for column in _own_columns(select):
                key = self.owner(column, select, sources, derived)
                if key is not None:
                    self.take(column, key)
            self.take_equal(select, sources, derived)
            self.take_recipe(select, sources, derived)

    def take_join(self, left: tuple[str, str], right: tuple[str, str], condition: exp.Expr) -> None:
        """Take the columns of a join spec; ``left`` and ``right`` are (identifier, alias)."""
        sources = {alias.lower(): normalise_name(identifier) for identifier, alias in (left, right)}
        for equality in [condition] if isinstance(condition, exp.EQ) else condition.find_all(exp.EQ):
            keys = [self.by_alias(side, sources) for side in (equality.this, equality.expression)]
            if keys[0] is not None and keys[1] is not None:
                self.evidence.equal.append((keys[0], keys[1]))

    def by_alias(self, node: exp.Expr, sources: dict[str, str]) -> ColumnKey | None:
        if not isinstance(node, exp.Column) or node.table.lower() not in sources:
            return None
        asset = sources[node.table.lower()]
        self.evidence.asset(asset).column(node.name)
        return asset, node.name.lower()

    # --- whose column

    def sources(self, select: exp.Select) -> dict[str, str]:
        """Return alias → asset of the tables in FROM; derived tables map to an empty name."""
        found: dict[str, str] = {}
        clauses = [select.args.get("from_") or select.args.get("from"), *(select.args.get("joins") or [])]
        for clause in clauses:
            node = clause.this if clause is not None else None
            if isinstance(node, exp.Table):
                found[node.alias_or_name.lower()] = self.asset_of(node)
            elif node is not None:
                found[node.alias_or_name.lower()] = ""
        return found

    def asset_of(self, table: exp.Table) -> str:
        if isinstance(table.this, exp.Identifier) and not table.args.get("db") and is_cte_reference(table):
            return ""
        if isinstance(table.this, exp.Func):
            return self.function_of(table)
        name = normalise_name(dotted_name(table))
        if name not in self.known:
            longer = [known for known in self.known if known.endswith("." + name)]
            name = longer[0] if len(longer) == 1 else name
        self.evidence.asset(name)
        return name

    def function_of(self, table: exp.Table) -> str:
        call: exp.Expr = table.this
        qualifier = [part.name for part in (table.args.get("catalog"), table.args.get("db")) if part is not None]
        if not qualifier and function_name(table.this) == "table" and table.this.expressions:
            call = table.this.expressions[0]
            if isinstance(call, exp.Dot):
                *before, call = call.flatten()
                qualifier = [part.name for part in before]
        if len(qualifier) != 2 or not isinstance(call, exp.Func):
            return ""
        name = normalise_name(".".join([*qualifier, function_name(call)]))
        asset = self.evidence.asset(name, is_function=True)
        asset.calls.append([_argument(argument) for argument in call.expressions])
        return name

    def owner(
        self, column: exp.Column, select: exp.Select, sources: dict[str, str], derived: set[str]
    ) -> ColumnKey | None:
        """Return the asset and name of a column, or None when it is an output alias or belongs to a derived table."""
        name = column.name.lower()
        if not name or isinstance(column.this, exp.Star):
            return None
        if column.table:
            outer: exp.Expr | None = select
            while isinstance(outer, exp.Select):
                reachable = sources if outer is select else self.sources(outer)
                if column.table.lower() in reachable:
                    asset = reachable[column.table.lower()]
                    return (asset, name) if asset else None
                outer = outer.find_ancestor(exp.Select)
            return None
        if _is_alias_reference(column, select):
            return None
        tables = [asset for asset in sources.values() if asset]
        if not tables or (len(tables) < len(sources) and name in derived):
            return None
        having = [asset for asset in tables if name in self.evidence.assets[asset].columns]
        return (having[0] if having else tables[0]), name

    # --- what it shows

    def take(self, column: exp.Column, key: ColumnKey) -> None:
        found = self.evidence.asset(key[0]).column(column.name)
        parent = column.parent
        if is_measure(parent) if isinstance(parent, exp.Anonymous) else False:
            found.is_measure = True
        for family, weight in _uses(column):
            found.votes[family] += weight
        for value in _literals_beside(column):
            found.literals.append(value)
            found.votes[family_of(value)] += 3

    def take_equal(self, select: exp.Select, sources: dict[str, str], derived: set[str]) -> None:
        for equality in select.find_all(exp.EQ):
            sides = (equality.this, equality.expression)
            if equality.find_ancestor(exp.Select) is select and all(isinstance(side, exp.Column) for side in sides):
                keys = [self.owner(side, select, sources, derived) for side in sides]
                if keys[0] is not None and keys[1] is not None and keys[0] != keys[1]:
                    self.evidence.equal.append((keys[0], keys[1]))

    def take_recipe(self, select: exp.Select, sources: dict[str, str], derived: set[str]) -> None:
        recipe: dict[str, dict[str, Literal]] = {asset: {} for asset in sources.values() if asset}
        where = select.args.get("where")
        ons = [join.args["on"] for join in select.args.get("joins") or [] if join.args.get("on") is not None]
        for condition in [where.this, *ons] if where is not None else ons:
            for part in condition.flatten() if isinstance(condition, exp.And) else [condition]:
                for column, value in satisfying(part.unnest()):
                    key = self.owner(column, select, sources, derived)
                    if key is not None and key[0] in recipe:
                        recipe[key[0]][key[1]] = value
        if recipe:
            self.evidence.recipes.append(recipe)


def family_of(value: Literal) -> str:
    """Return the type family a literal belongs to: BOOLEAN, NUMBER, DATE or STRING."""
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, float):
        return "NUMBER"
    return "DATE" if _DATE_TEXT.match(value) else "STRING"


def literal_of(node: exp.Expr | None) -> Literal | None:
    """Return the value of a literal, also a negative or a DATE'…' one; None for anything else."""
    if isinstance(node, exp.Literal):
        return str(node.this) if node.is_string else float(node.this)
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Neg) and isinstance(value := literal_of(node.this), float):
        return -value
    if isinstance(node, exp.Cast | exp.TsOrDsToDate | exp.Paren | exp.Lower | exp.Upper):
        return literal_of(node.this)
    return None


def satisfying(condition: exp.Expr) -> Iterator[tuple[exp.Column, Literal]]:
    """Yield (column, value) that make one condition true, where that is plain; the first branch of an OR is enough."""
    if isinstance(condition, exp.Or | exp.Paren):
        yield from satisfying(condition.this)
    elif isinstance(condition, exp.And):
        for part in condition.flatten():
            yield from satisfying(part)
    elif isinstance(condition, exp.Column):
        yield condition, True
    elif isinstance(condition, exp.Not) and isinstance(condition.this, exp.Column):
        yield condition.this, False
    elif isinstance(condition, exp.In) and (column := _bare(condition.this)) is not None:
        value = literal_of(condition.expressions[0]) if condition.expressions else None
        if value is not None:
            yield column, value
    elif isinstance(condition, exp.Like | exp.ILike) and (column := _bare(condition.this)) is not None:
        if isinstance(pattern := literal_of(condition.expression), str):
            yield column, pattern.replace("%", "").replace("_", "a") or "a"
    elif isinstance(condition, exp.Between) and (column := _bare(condition.this)) is not None:
        if (value := literal_of(condition.args.get("low"))) is not None:
            yield column, value
    elif (
        isinstance(condition, exp.EQ | exp.GT | exp.GTE | exp.LT | exp.LTE)
        and (column := _bare(condition.this)) is not None
    ):
        value = literal_of(condition.expression)
        if isinstance(value, float) and isinstance(condition, exp.GT | exp.LT):
            value += 1.0 if isinstance(condition, exp.GT) else -1.0
        if value is not None and not (isinstance(value, str) and isinstance(condition, exp.LT | exp.GT)):
            yield column, value


def _bare(node: exp.Expr) -> exp.Column | None:
    while isinstance(node, exp.Lower | exp.Upper | exp.Trim | exp.Paren):
        node = node.this
    return node if isinstance(node, exp.Column) else None


def _literals_beside(column: exp.Column) -> Iterator[Literal]:
    node: exp.Expr = column
    parent = column.parent
    while isinstance(parent, exp.Lower | exp.Upper | exp.Trim | exp.Paren):
        node, parent = parent, parent.parent
    beside: list[exp.Expr | None] = []
    if isinstance(parent, exp.In) and parent.this is node:
        beside = list(parent.expressions)
    elif isinstance(parent, exp.Between) and parent.this is node:
        beside = [parent.args.get("low"), parent.args.get("high")]
    elif isinstance(parent, exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE | exp.NullSafeEQ):
        beside = [parent.expression if parent.this is node else parent.this]
    elif isinstance(parent, exp.ArrayContains) and parent.this is node:
        beside = [parent.expression]
    elif isinstance(parent, exp.Coalesce):
        beside = list(parent.expressions)
    elif isinstance(parent, exp.Like | exp.ILike) and isinstance(pattern := literal_of(parent.expression), str):
        yield pattern.replace("%", "").replace("_", "a") or "a"
    elif isinstance(parent, exp.Case) and parent.this is node:
        beside = [branch.this for branch in parent.args.get("ifs") or []]
    yield from (value for item in beside if (value := literal_of(item)) is not None)


def _uses(column: exp.Column) -> Iterator[tuple[str, int]]:
    parent = column.parent
    if isinstance(parent, exp.Func) and parent.args.get("unit") is not column:
        name = function_name(parent)
        if isinstance(parent, _ARRAY_FUNCTIONS) and parent.this is column:
            yield "ARRAY", 5
        if name in _DATE_FUNCTIONS:
            yield "DATE", 3
        elif name in _NUMBER_FUNCTIONS:
            yield "NUMBER", 2
        elif name in _TEXT_FUNCTIONS:
            yield "STRING", 2
    if isinstance(parent, exp.Like | exp.ILike | exp.RegexpLike) and parent.this is column:
        yield "STRING", 3
    if isinstance(parent, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Mod | exp.Neg):
        other = parent.expression if parent.this is column else parent.this
        yield ("DATE", 3) if isinstance(other, exp.Interval) or _is_date(other) else ("NUMBER", 2)
    if isinstance(parent, exp.GT | exp.GTE | exp.LT | exp.LTE | exp.EQ | exp.Between):
        others = [parent.args.get(key) for key in ("this", "expression", "low", "high")]
        beside = [other for other in others if isinstance(other, exp.Expression) and other is not column]
        if any(_is_date(other) for other in beside):
            yield "DATE", 3
        elif any(isinstance(other, _CALENDAR_NUMBERS) for other in beside):
            yield "NUMBER", 3
    is_condition = parent is not None and parent.this is column if isinstance(parent, exp.If) else True
    if isinstance(parent, exp.Where | exp.And | exp.Or | exp.Not | exp.If) and is_condition:
        yield "BOOLEAN", 3
    if isinstance(parent, exp.Is) and isinstance(parent.expression, exp.Boolean):
        yield "BOOLEAN", 3


def _is_date(node: exp.Expr | None) -> bool:
    if node is None or isinstance(node, _CALENDAR_NUMBERS):
        return False
    dates = (
        exp.CurrentDate,
        exp.CurrentTimestamp,
        exp.DateAdd,
        exp.DateSub,
        exp.TsOrDsAdd,
        exp.AddMonths,
        exp.TimestampTrunc,
    )
    return isinstance(node, dates) or any(True for _ in node.find_all(exp.CurrentDate, exp.CurrentTimestamp))


def _own_columns(select: exp.Select) -> Iterator[exp.Column]:
    return (column for column in select.find_all(exp.Column) if column.find_ancestor(exp.Select) is select)


def _is_alias_reference(column: exp.Column, select: exp.Select) -> bool:
    name = column.name.lower()
    aliased = [item for item in select.expressions if isinstance(item, exp.Alias) and item.alias.lower() == name]
    if not aliased:
        return False
    node: exp.Expr | None = column
    while node is not None and node is not select:
        if node in aliased and any(node is item for item in aliased):
            return False  # inside its own definition: SUM(amount) AS amount
        if isinstance(node, exp.Where):
            return False
        node = node.parent
    return True


def _output_names(node: exp.Expr) -> list[str]:
    query = node.this
    return [item.alias_or_name for item in query.selects] if isinstance(query, exp.Query) else []


def _argument(node: exp.Expr) -> tuple[str, str]:
    named = isinstance(node, exp.Kwarg | exp.PropertyEQ)
    value = literal_of(node.expression if named else node)
    family = family_of(value) if value is not None else "DATE" if _is_date(node) else "STRING"
    if isinstance(value, float) and value.is_integer():
        family = "INTEGER"
    return (node.this.name if named else ""), family
