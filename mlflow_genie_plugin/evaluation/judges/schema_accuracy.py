"""Does every name in the answer's query exist in the space?"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.evaluation.finding import Finding, abstained, failed, passed
from mlflow_genie_plugin.evaluation.names.problem import KINDS, NameProblem, Resolution, nearest
from mlflow_genie_plugin.evaluation.names.resolution import resolve_names
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.evaluation.unanswered import unanswered
from mlflow_genie_plugin.evaluation.warehouse_messages import condition_of, in_a_sentence, name_failure
from mlflow_genie_plugin.sql_dialect import SqlParseError, normalise_name, parse_query

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase

_CERTAIN, _SCHEMA_ALONE, _WAREHOUSE_AGAINST_US = 1.0, 0.9, 0.6


class SchemaAccuracy:
    """Passes when all names resolve: tables, columns, measures, functions and their arguments.

    Names are looked up in the schema that was captured when the evaluation began. Two witnesses are heard, each where
    it knows better:

    - An asset that the space does not list fails, also when the warehouse ran the query.
    - Inside the space a query that the warehouse ran never fails: what we cannot resolve then is a doubt about our own
      reading (or the schema changed since). It passes with confidence 0.6 and the doubts in the evidence.
    - A query that the warehouse rejects for a name fails, also when we find nothing wrong with it.
    - Where no warehouse was asked, the schema decides alone, with confidence 0.9.

    Assets whose columns could not be read make it abstain, with the reason.
    """

    name = "schema_accuracy"
    version = "2"

    def judge(self, case: JudgedCase) -> Finding:
        answer = case.answer
        if (finding := unanswered(self.name, answer)) is not None:
            return finding
        accepted = answer.has_result or answer.compiles is True
        rejected = answer.compiles is False and not accepted
        said = name_failure(answer.compile_error) if rejected else None
        try:
            tree = parse_query(answer.sql or "")
        except SqlParseError as error:
            if said is not None:
                return self._rejected_by_warehouse(case, said, None)
            return abstained(self.name, "UNPARSABLE", f"the names of the SQL cannot be told: {error}")
        if case.assets == SpaceAssets() and case.config is None:
            return abstained(self.name, "NO_SCHEMA", "what the space offers is not known; judge with its configuration")
        found = resolve_names(tree, case.schema or SpaceSchema(), case.assets, answer.parameters)
        evidence = self._evidence(case, found)
        outside = [problem for problem in found.problems if problem.is_outside]
        if outside:
            return self._failed(_as_missing(outside[0], case, said), found, evidence, _CERTAIN)
        if found.problems and not accepted:
            problem = _found_elsewhere(found.problems[0], case.schema or SpaceSchema())
            return self._failed(problem, found, evidence, _CERTAIN if said else _SCHEMA_ALONE)
        if said is not None:
            return self._rejected_by_warehouse(case, said, found)
        if found.unknown_assets:
            assets = ", ".join(dict.fromkeys(found.unknown_assets))
            why = (case.schema.problem if case.schema is not None else None) or "the evaluation did not record them"
            return abstained(self.name, "NO_SCHEMA", f"the columns of {assets} are not known: {why}", **evidence)
        if found.problems:
            doubts = [str(problem) for problem in found.problems]
            return passed(
                self.name,
                f"the warehouse ran the query, although it does not fit the recorded schema: {doubts[0]}",
                confidence=_WAREHOUSE_AGAINST_US,
                doubts=doubts,
                **evidence,
            )
        if found.unchecked and not accepted:
            names = ", ".join(dict.fromkeys(found.unchecked))
            return abstained(
                self.name,
                "NOT_CHECKED",
                f"{names} cannot be resolved from the query alone",
                unchecked=names,
                **evidence,
            )
        if not found.references:
            return passed(self.name, "the query names nothing of a catalog", confidence=_CERTAIN, **evidence)
        text = f"all {found.references} names of the query exist in the space"
        hidden = evidence.get("hidden_columns")
        text += f"; {', '.join(hidden)} is hidden from Genie in the space" if hidden else ""
        return passed(self.name, text, confidence=_CERTAIN if accepted else _SCHEMA_ALONE, **evidence)

    def _failed(self, problem: NameProblem, found: Resolution, evidence: dict[str, Any], confidence: float) -> Finding:
        others = len(found.problems) - 1
        text = str(problem) + (f" ({others} more names do not fit)" if others > 1 else "")
        text += " (one more name does not fit)" if others == 1 else ""
        return failed(
            self.name,
            problem.failure_type,
            text,
            score=min(found.score, 0.99),
            confidence=confidence,
            blame=problem.blame,
            fix=problem.fix,
            problems=[str(each) for each in found.problems],
            suggestions=list(problem.suggestions),
            **evidence,
        )

    def _rejected_by_warehouse(self, case: JudgedCase, failure_type: str, found: Resolution | None) -> Finding:
        """Fail a query whose names only the warehouse finds fault with."""
        message = case.answer.compile_error or ""
        references = found.references if found is not None else 0
        name = re.search(r"`([^`]+)`(?:\.`[^`]+`)*", message)
        known = sorted(
            column.name
            for asset in (case.schema.assets.values() if case.schema else ())
            for column in asset.columns or ()
        )
        suggestions = nearest(name[0].split("`")[-2], known) if name and failure_type == "wrong_column" else ()
        hint = f"; did you mean {suggestions[0]}?" if suggestions else ""
        return failed(
            self.name,
            failure_type,
            f"the warehouse cannot resolve a name: {in_a_sentence(message)}{hint}",
            score=min(0.99, max(0.0, 1 - 1 / references)) if references else 0.0,
            confidence=_CERTAIN,
            fix="add an example SQL for this question, with names that the space has",
            condition=condition_of(message),
            suggestions=list(suggestions),
        )

    @staticmethod
    def _evidence(case: JudgedCase, found: Resolution) -> dict[str, Any]:
        evidence: dict[str, Any] = {"references": found.references}
        if hidden := sorted(".".join(column) for column in found.columns & hidden_columns(case)):
            evidence["hidden_columns"] = hidden
        return evidence


def hidden_columns(case: JudgedCase) -> set[tuple[str, str]]:
    """Return (asset, column) of the columns that the space's config excludes: Genie should not know them."""
    if case.config is None:
        return set()
    sources = case.config.document.get("data_sources") or {}
    return {
        (normalise_name(str(source.get("identifier"))), str(column.get("column_name")).lower())
        for kind in ("tables", "metric_views")
        for source in sources.get(kind) or ()
        for column in source.get("column_configs") or ()
        if column.get("exclude") is True
    }


def _as_missing(problem: NameProblem, case: JudgedCase, said: str | None) -> NameProblem:
    """Return an asset outside the space as one that does not exist at all, where the warehouse says so."""
    named = problem.name.rpartition(".")[2].lower() in (case.answer.compile_error or "").lower()
    if said not in ("wrong_table", "UNRESOLVED_NAME") or not named:
        return problem
    meant = problem.suggestions[:1]
    fix = (
        f"add an example SQL for this question that uses {meant[0]}"
        if meant
        else "add an example SQL for this question"
    )
    blame = tuple(f"{KINDS[kind]} {name}" for name in meant if (kind := _kind_of(name, case.assets)) is not None)
    return replace(problem, failure_type=said, message=f"{problem.name} does not exist", blame=blame, fix=fix)


def _kind_of(name: str, assets: SpaceAssets) -> str | None:
    kinds = {"TABLE": assets.tables, "MV": assets.metric_views, "TVF": assets.functions}
    return next((kind for kind, names in kinds.items() if name in names), None)


def _found_elsewhere(problem: NameProblem, schema: SpaceSchema) -> NameProblem:
    """Say which other asset of the space has the column that the asset in the query lacks."""
    if problem.failure_type != "wrong_column" or problem.fix is not None:
        return problem
    wanted = problem.name.rpartition(".")[2].lower()
    owners = sorted(
        name
        for name, asset in schema.assets.items()
        if any(column.name.lower() == wanted for column in asset.columns or ())
    )
    if len(owners) != 1:
        return replace(problem, fix="add an example SQL for this question, with columns that the space has")
    return replace(
        problem,
        message=f"{problem.message}; {owners[0]} has one",
        blame=(*problem.blame, f"column {owners[0]}.{wanted}"),
        fix=f"add an example SQL for this question that reads {wanted} from {owners[0]}",
    )
