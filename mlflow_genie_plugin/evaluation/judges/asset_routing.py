"""Does the answer use the assets that should answer the question?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.evaluation.asset_use import WORDS, Asset, assets_of_query, made_of
from mlflow_genie_plugin.evaluation.finding import Finding, abstained, failed, passed
from mlflow_genie_plugin.evaluation.unanswered import unanswered
from mlflow_genie_plugin.evaluation.warehouse_messages import name_failure
from mlflow_genie_plugin.sql_dialect import SqlParseError

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase


class AssetRouting:
    """Passes when every expected asset is used and no other kind of asset takes part.

    Expected are the assets of the expected SQL; where the benchmark names a kind, those of that kind. Assets are read
    from the parsed query and held against the space's lists; common table expressions are none. Further assets of an
    expected kind are no fault, except the tables that an expected metric view or function is itself made of: they are
    read in its place. A function called in an expression can be expected, but takes nobody's place.
    """

    name = "asset_routing"
    version = "3"

    def judge(self, case: JudgedCase) -> Finding:
        if (finding := unanswered(self.name, case.answer)) is not None:
            return finding
        try:
            expected = assets_of_query(case.benchmark.expected_sql, case.assets, case.schema)
            names = [asset.name for asset in expected]
            used = assets_of_query(case.answer.sql or "", case.assets, case.schema, case.answer.parameters, names)
        except SqlParseError as error:
            return abstained(self.name, "UNPARSABLE", f"the assets of the SQL cannot be told: {error}")
        expected = {_settled(asset, used) for asset in expected}
        kind = case.benchmark.expected_asset
        wanted = {asset for asset in expected if kind is None or asset.kind == kind}
        if not wanted:
            what = f"no {WORDS[kind]} of the space" if kind else "no asset"
            return abstained(self.name, "NO_EXPECTED_ASSET", f"the expected SQL uses {what}; correct the benchmark")
        return self._held_against(case, expected, wanted, used)

    def _held_against(self, case: JudgedCase, expected: set[Asset], wanted: set[Asset], used: set[Asset]) -> Finding:
        evidence: dict[str, Any] = {"expected": _names(wanted), "used": _names(used)}
        used_names, expected_names = {asset.name for asset in used}, {asset.name for asset in expected}
        missing = {asset for asset in wanted if asset.name not in used_names}
        extra = {asset for asset in used if asset.name not in expected_names and asset.is_source}
        outside = {asset for asset in extra if not asset.in_space}
        foreign = {asset for asset in extra if asset.kind not in {item.kind for item in expected}}
        union = used_names | expected_names
        score = len(used_names & expected_names) / len(union)
        ingredients = {asset: made_of(asset.name, case.schema) for asset in wanted if asset.kind != "TABLE"}
        for asset in sorted(missing & ingredients.keys()):
            taken = {item for item in extra or used if item.name in ingredients[asset]}
            if taken:
                return self._failed(
                    f"{min(taken).kind}_INSTEAD_OF_{asset.kind}" if min(taken).kind != asset.kind else "MISSING_ASSET",
                    f"the answer reads {_list(taken)} itself instead of {asset}, which is made of that",
                    score, {asset}, evidence,
                )  # fmt: skip
        if outside:
            return self._failed(
                "OUTSIDE_SPACE", f"the answer uses {_list(outside)}, which the space does not list",
                score, missing, evidence,
                fix=f"say in the instructions to use {_list(missing or wanted)}{_or_add(case, outside)}",
            )  # fmt: skip
        foreign |= {item for item in extra if any(item.name in names for names in ingredients.values())}
        if missing and foreign:
            code = f"{min(foreign).kind}_INSTEAD_OF_{min(missing).kind}"
            code = code if min(foreign).kind != min(missing).kind else "MISSING_ASSET"
            return self._failed(
                code, f"the answer uses {_list(foreign)} instead of {_list(missing)}", score, missing, evidence
            )
        if missing:
            return self._failed("MISSING_ASSET", f"the answer does not use {_list(missing)}", score, missing, evidence)
        if foreign:
            same = any(item.kind in {asset.kind for asset in expected} for item in foreign)
            what = "from which the expected asset is made" if same else "another kind of asset"
            return self._failed(
                f"EXTRA_{min(foreign).kind}", f"the answer also uses {_list(foreign)}, {what}", score, foreign,
                evidence,
                fix=f"say in the instructions that {_list(wanted)} answers questions like this alone",
            )  # fmt: skip
        return passed(self.name, "the expected assets are used", **evidence)

    def _failed(
        self,
        code: str,
        text: str,
        score: float,
        blamed: set[Asset],
        evidence: dict[str, Any],
        fix: str | None = None,
    ) -> Finding:
        absent = {asset for asset in blamed if not asset.in_space}
        if fix is None and absent:
            fix = f"add {_list(absent)} to the space, or correct the expected SQL"
        if fix is None:
            fix = f"say in the description of {_list(blamed)} what it answers, or add an example query that uses it"
        return failed(self.name, code, text, score=min(score, 0.99), blame=_names(blamed), fix=fix, **evidence)


def _or_add(case: JudgedCase, outside: set[Asset]) -> str:
    """Return the other way to mend it, unless the warehouse says that there is no such table."""
    is_unknown = case.answer.compiles is False and name_failure(case.answer.compile_error) == "wrong_table"
    return "" if is_unknown else f", or add {_list(outside)} to the space"


def _settled(asset: Asset, used: Iterable[Asset]) -> Asset:
    """Return the asset under the full name that the answer uses, where the expected SQL has a short one."""
    fitting = [item for item in used if item.kind == asset.kind and item.name.endswith(f".{asset.name}")]
    return fitting[0] if len(fitting) == 1 else asset


def _names(assets: Iterable[Asset]) -> list[str]:
    return [str(asset) for asset in sorted(assets)]


def _list(assets: Iterable[Asset]) -> str:
    return ", ".join(_names(assets))
