"""Does the answer use the assets that should answer the question?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mlflow_genie_plugin.evaluation.judge import JudgedCase, SpaceAssets, abstained, failed, passed, unanswered
from mlflow_genie_plugin.evaluation.result import Finding
from mlflow_genie_plugin.sql_dialect import AssetRef, SqlParseError, assets_in, has_measure

_WORDS = {"TABLE": "table", "MV": "metric view", "TVF": "function"}


@dataclass(frozen=True, slots=True, order=True)
class Asset:
    """An asset that a query uses: full name, kind (TABLE, MV, TVF), and whether the space lists it."""

    name: str
    kind: str
    in_space: bool = True

    def __str__(self) -> str:
        return f"{_WORDS[self.kind]} {self.name}"


class AssetRouting:
    """Passes when every expected asset is used and no other kind of asset takes part.

    Expected are the assets of the expected SQL; where the benchmark names a kind, those of that kind. Assets are read
    from the parsed query and held against the space's lists; common table expressions are none.
    """

    name = "asset_routing"
    version = "1"

    def judge(self, case: JudgedCase) -> Finding:
        if (finding := unanswered(self.name, case.answer)) is not None:
            return finding
        try:
            expected = assets_of_query(case.benchmark.expected_sql, case.assets)
            used = assets_of_query(case.answer.sql or "", case.assets)
        except SqlParseError as error:
            return abstained(self.name, "UNPARSABLE", f"the assets of the SQL cannot be told: {error}")
        kind = case.benchmark.expected_asset
        wanted = {asset for asset in expected if kind is None or asset.kind == kind}
        if not wanted:
            what = f"no {_WORDS[kind]} of the space" if kind else "no asset"
            return abstained(self.name, "NO_EXPECTED_ASSET", f"the expected SQL uses {what}; correct the benchmark")
        evidence: dict[str, Any] = {"expected": _names(wanted), "used": _names(used)}
        score = len(expected & used) / len(expected | used)
        outside = {asset for asset in used if not asset.in_space}
        missing = wanted - used
        foreign = {asset for asset in used if asset.kind not in {item.kind for item in expected}}
        if not (missing or foreign or outside - expected):
            return passed(self.name, "the expected assets are used", **evidence)
        score = min(score, 0.99)
        if outside - expected:
            return failed(
                self.name, "OUTSIDE_SPACE", f"the answer uses {_list(outside)}, which the space does not list",
                score=score, **evidence,
            )  # fmt: skip
        if missing and foreign:
            code = f"{min(foreign).kind}_INSTEAD_OF_{min(missing).kind}"
            text = f"the answer uses {_list(foreign)} instead of {_list(missing)}"
        elif missing:
            code, text = "MISSING_ASSET", f"the answer does not use {_list(missing)}"
        else:
            code, text = f"EXTRA_{min(foreign).kind}", f"the answer also uses {_list(foreign)}, another kind of asset"
        return failed(self.name, code, text, score=score, **evidence)


def assets_of_query(sql: str, assets: SpaceAssets) -> set[Asset]:
    """Return the assets a query uses, by kind.

    Raises:
        SqlParseError: The text is not one query.
    """
    references = assets_in(sql)
    # Exports may list a metric view among the tables; only a metric view understands MEASURE.
    measured = has_measure(sql) and len(references) == 1
    return {_asset(reference, assets, measured=measured) for reference in references}


def _asset(reference: AssetRef, assets: SpaceAssets, *, measured: bool) -> Asset:
    if reference.is_function:
        name, known = _full_name(reference.name, assets.functions)
        return Asset(name, "TVF", known)
    name, known = _full_name(reference.name, assets.metric_views)
    if known:
        return Asset(name, "MV")
    name, known = _full_name(reference.name, assets.tables)
    return Asset(name, "MV" if measured else "TABLE", known)


def _full_name(name: str, listed: Iterable[str]) -> tuple[str, bool]:
    """Return the three-part name of the one listed asset that ``name`` (perhaps written in part) can mean."""
    if name in listed:
        return name, True
    fitting = [full for full in listed if full.endswith(f".{name}")]
    return (fitting[0], True) if len(fitting) == 1 else (name, False)


def _names(assets: Iterable[Asset]) -> list[str]:
    return [str(asset) for asset in sorted(assets)]


def _list(assets: Iterable[Asset]) -> str:
    return ", ".join(_names(assets))
