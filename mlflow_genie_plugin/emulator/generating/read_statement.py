"""Reading the SQL statements of a space for evidence: whose column is meant, and what the statement shows of it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from mlflow_genie_plugin.emulator.generating.evidence import ColumnKey, Evidence
from mlflow_genie_plugin.emulator.generating.literals import Literal, family_of, literal_of, literals_beside, satisfying
from mlflow_genie_plugin.emulator.generating.uses import is_date, uses_of
from mlflow_genie_plugin.sql_dialect import normalise_name
from mlflow_genie_plugin.sql_dialect.assets import dotted_name, function_name, is_cte_reference, is_measure


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
        for family, weight in uses_of(column):
            found.votes[family] += weight
        for value in literals_beside(column):
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
    family = family_of(value) if value is not None else "DATE" if is_date(node) else "STRING"
    if isinstance(value, float) and value.is_integer():
        family = "INTEGER"
    return (node.this.name if named else ""), family
