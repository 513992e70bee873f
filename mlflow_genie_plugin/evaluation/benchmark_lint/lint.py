"""All rules over one benchmarks file: every finding, the worst first within its place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.evaluation.benchmark_lint.coverage import Coverage, check_coverage, coverage_of
from mlflow_genie_plugin.evaluation.benchmark_lint.execution import check_execution
from mlflow_genie_plugin.evaluation.benchmark_lint.leakage import check_leakage
from mlflow_genie_plugin.evaluation.benchmark_lint.set_rules import check_set
from mlflow_genie_plugin.evaluation.benchmark_lint.sql_rules import check_sql
from mlflow_genie_plugin.evaluation.benchmark_lint.subject import read_subject
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.workspace.data_port import SqlPort


@dataclass(frozen=True)
class Lint:
    """What was found. ``checked`` is how many questions could be looked at; one that breaks the format is not."""

    findings: tuple[Violation, ...]
    checked: int
    coverage: Coverage
    executed: bool

    @property
    def has_errors(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return what was looked at, for machines; the findings themselves stand beside it."""
        return {"questions": self.checked, "executed": self.executed, "coverage": self.coverage.to_json()}


def lint_benchmarks(
    data: bytes,
    what: str,
    *,
    variables: Mapping[str, str] | None = None,
    config: SpaceConfig | None = None,
    sql: SqlPort | None = None,
    warehouse_id: str | None = None,
) -> Lint:
    """Look at a benchmarks file with every rule.

    Args:
        data: The file's bytes.
        what: What to call it in messages.
        variables: Values of ``${variables}``.
        config: The space, for leakage and for coverage of its assets.
        sql: Where to run the expected SQL; None runs nothing.
        warehouse_id: On which warehouse.

    Raises:
        GenieError: The warehouse cannot be reached.
    """
    subject = read_subject(data, what, variables)
    questions = subject.questions
    assets = None if config is None else SpaceAssets.of(config)
    coverage = coverage_of(questions, assets)
    findings = [*subject.violations, *check_set(questions)]
    for question in questions:
        findings += check_sql(question)
    if config is not None:
        findings += check_leakage(questions, config)
    findings += check_coverage(questions, coverage) if questions else ()
    if sql is not None:
        findings += check_execution(questions, sql, warehouse_id)
    order = {question.path: position for position, question in enumerate(questions, start=1)}
    findings.sort(key=lambda item: (_place(item.path, order), item.severity != "error"))
    return Lint(tuple(findings), len(questions), coverage, executed=sql is not None)


def _place(path: str, order: Mapping[str, int]) -> int:
    entry = path[: path.rfind("]") + 1] if "]" in path else path
    return order.get(entry, 0)
