"""Rows of one table: lists, details, and rankings by a column of their own."""

from __future__ import annotations

from mlflow_genie_plugin.emulator.answering.binding import CannotGroundError
from mlflow_genie_plugin.emulator.answering.concepts import Concept
from mlflow_genie_plugin.emulator.answering.conditions import where
from mlflow_genie_plugin.emulator.answering.join_tree import JoinTree
from mlflow_genie_plugin.emulator.answering.query_text import QueryText
from mlflow_genie_plugin.emulator.answering.scope import Scope
from mlflow_genie_plugin.emulator.answering.sql_text import spoken_alias
from mlflow_genie_plugin.emulator.answering.vocabulary import HINTS
from mlflow_genie_plugin.emulator.answering.words import phrase_of

RANKED_ROWS = 10  # shown when a plural is ranked and no number is given ("the most expensive parts")


def compose_rows(scope: Scope) -> str:
    """Return the SQL of a list.

    Raises:
        CannotGroundError: Something in it cannot be tied to the space.
    """
    request, query = scope.request, QueryText()
    main = request.subject or (request.context.pop(0) if request.context else request.columns[0])
    concept = scope.concept_of(main, "table", "column", "filter", "expression")
    homes = scope.resolution.home(concept)
    if not homes:
        raise CannotGroundError(f"{concept.name} uses no column of this space. What should be listed?")
    base = homes[0]
    tree = scope.tree(base)
    ranked = _ranked_column(scope, base)
    _select(scope, tree, query, concept, ranked)
    if ranked is not None:
        if ranked not in [expression for expression, _ in query.selected]:
            query.select(ranked, ranked.rsplit(".", 1)[-1].strip("`)"))
        query.order = [f"{ranked} {request.direction or 'DESC'}"]
        query.limit = request.limit or (1 if request.single and not request.plural else RANKED_ROWS)
    elif request.limit is not None:
        raise CannotGroundError("By which figure should they be ranked?")
    scope.connect_context(tree)
    query.where = where(scope, tree)
    query.distinct = request.distinct or tree.multiplies or concept.kind not in {"table", "filter"}
    if not query.selected:
        raise CannotGroundError(
            f"I see no columns of {scope.knowledge.tables[base].name}. What would you like to know?"
        )
    query.source, query.joins = tree.source(), tree.joins()
    return query.write()


def _select(scope: Scope, tree: JoinTree, query: QueryText, concept: Concept, ranked: str | None) -> None:
    request, table = scope.request, scope.knowledge.tables[tree.base]
    chosen = [scope.concept_of(mention, "expression", "column") for mention in request.columns]
    if concept.kind in {"column", "expression"} and concept not in chosen:
        chosen.insert(0, concept)
    label = scope.resolution.label(table)
    lists_entities = concept.kind in {"table", "filter"}
    if lists_entities and label is not None and (request.listing or ranked or not chosen):
        query.select(scope.column_sql(label), label.name)
    elif lists_entities and not chosen and ranked is None:
        for column in table.columns.values():
            query.select(scope.column_sql(column), column.name)
    elif lists_entities and ranked is not None and (key := tree.key(tree.base)):
        query.select(key, key.rsplit(".", 1)[-1].strip("`"))
    for item in chosen:
        for home in scope.resolution.home(item):
            tree.connect(home, scope.via(item, tree))
        sql = scope.column_sql(item.column) if item.column else scope.binder.write(item.sql)
        if sql not in [expression for expression, _ in query.selected]:
            query.select(sql, item.name if item.column else spoken_alias(item.name))


def _ranked_column(scope: Scope, base: str) -> str | None:
    """Return the SQL that rows are ranked by, if they are."""
    request = scope.request
    if request.rank is not None:
        concept = scope.concept_of(request.rank.mention, "column", "expression")
        return scope.column_sql(concept.column) if concept.column else scope.binder.write(concept.sql)
    if not request.direction:
        return None
    if request.extreme == "time":
        return scope.column_sql(scope.resolution.date_column([base], []))
    columns = scope.knowledge.tables[base].columns.values()
    hints = (request.extreme,) if request.extreme else ("price", "size") if request.single else ()
    for hint in hints:
        found = [c for c in columns if c.is_numeric and set(phrase_of(c.name)) & set(HINTS.get(hint, ()))]
        if len(found) == 1:
            return scope.column_sql(found[0])
    raise CannotGroundError("By which figure should they be ranked?")
