"""The families of rules, in the order of every report. To add one, add its line."""

from __future__ import annotations

from mlflow_genie_plugin.gating.rules.checklist import Checklist
from mlflow_genie_plugin.gating.rules.coverage import Coverage
from mlflow_genie_plugin.gating.rules.drift import Drift
from mlflow_genie_plugin.gating.rules.freshness import Freshness
from mlflow_genie_plugin.gating.rules.handling import Handling
from mlflow_genie_plugin.gating.rules.integrity import Integrity
from mlflow_genie_plugin.gating.rules.latency import Latency
from mlflow_genie_plugin.gating.rules.metrics import Metrics
from mlflow_genie_plugin.gating.rules.p0 import P0
from mlflow_genie_plugin.gating.rules.post_deploy import PostDeploy
from mlflow_genie_plugin.gating.rules.regression import Regression
from mlflow_genie_plugin.gating.rules.required_logging import RequiredLogging
from mlflow_genie_plugin.gating.rules.rule import Rule
from mlflow_genie_plugin.gating.rules.slices import Slices
from mlflow_genie_plugin.gating.rules.thresholds import Thresholds
from mlflow_genie_plugin.gating.rules.versions import BenchmarkSets, Versions

RULES: tuple[type[Rule], ...] = (
    Integrity,
    Coverage,
    P0,
    Thresholds,
    Slices,
    Regression,
    Latency,
    Freshness,
    Drift,
    Versions,
    BenchmarkSets,
    Metrics,
    RequiredLogging,
    PostDeploy,
    Checklist,  # after every other: one of its rows says that they pass
    Handling,
)

_STEMS = {stem: family for family in RULES for stem in family.STEMS}


def packaged_stems() -> tuple[str, ...]:
    """Return the ids of every gate this version knows, asked or not, without the part in brackets."""
    return tuple(_STEMS)


def is_packaged(gate: str) -> bool:
    """Return whether a gate's id is one of this version's, whatever part of it is asked for."""
    return gate.partition("[")[0] in _STEMS


def family_of(gate: str) -> type[Rule]:
    """Return the family that decides a gate."""
    return _STEMS[gate.partition("[")[0]]
