"""One answer beside its ground truth: all that a judge may look at, with the facts that several judges ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, StoredResult
from mlflow_genie_plugin.sql_dialect import SqlParseError, parse_query
from mlflow_genie_plugin.workspace.answer import QueryResult

if TYPE_CHECKING:
    from sqlglot import exp

    from mlflow_genie_plugin.evaluation.compare import Comparison
    from mlflow_genie_plugin.evaluation.facets.facet import FacetDiff
    from mlflow_genie_plugin.evaluation.refuter.refutation import Refutation
    from mlflow_genie_plugin.space.config import SpaceConfig


@dataclass(frozen=True)
class JudgedCase:
    """Everything a judge may look at: facts that were recorded, so that a case can be judged again at any time.

    It is a judge's port: what needs an engine is asked here, so that a judge sees the outcome and imports no engine.

    Attributes:
        benchmark: The question and its ground truth.
        answer: What Genie answered.
        expected: The result of the expected SQL, on the same warehouse.
        assets: What the space offers.
        schema: Columns and parameters of those assets; None when nobody looked.
        config: The space's configuration, to say what in it is to blame; None when it is not at hand.
        repeats: Further answers to the same question.
    """

    benchmark: Benchmark
    answer: AnswerRecord
    expected: StoredResult
    assets: SpaceAssets = field(default_factory=SpaceAssets)
    schema: SpaceSchema | None = None
    config: SpaceConfig | None = None
    repeats: tuple[AnswerRecord, ...] = ()

    @cached_property
    def answer_result(self) -> QueryResult | None:
        return self.answer.query_result()

    @cached_property
    def expected_result(self) -> QueryResult | None:
        return self.expected.query_result()

    @cached_property
    def comparison(self) -> Comparison | None:
        """How the two results compare, with their order where the benchmark asks for it; None without both rows."""
        from mlflow_genie_plugin.evaluation.compare import compare
        from mlflow_genie_plugin.evaluation.order_columns import compare_in_order

        expected, answer = self.expected_result, self.answer_result
        if expected is None or answer is None:
            return None
        if self.benchmark.ordered:
            return compare_in_order(self.benchmark.expected_sql, expected, answer)
        return compare(expected, answer)

    @cached_property
    def expected_tree(self) -> exp.Query:
        """The expected query's tree, shared by everyone: copy it before changing it. Raises SqlParseError."""
        return parse_query(self.benchmark.expected_sql)

    @cached_property
    def answer_tree(self) -> exp.Query:
        """The answer's tree with the values of its parameters; copy it before changing it. Raises SqlParseError."""
        from mlflow_genie_plugin.evaluation.bound_parameters import with_values

        tree = parse_query(self.answer.sql or "")
        return with_values(tree, self.answer.parameters) if self.answer.parameters else tree

    @cached_property
    def refutation(self) -> Refutation:
        """Whether generated databases tell the two queries apart; a cached fact, since three judges ask for it."""
        from mlflow_genie_plugin.evaluation.refuter.answer import refute_answer

        return refute_answer(self.benchmark.expected_sql, self.answer, self.schema, self.config)

    @cached_property
    def facets(self) -> FacetDiff:
        """How the two queries differ, with what in the space is to blame; ``problem`` says why that is not known."""
        from mlflow_genie_plugin.evaluation.blame.assign import with_blame
        from mlflow_genie_plugin.evaluation.facets.diff import diff_queries
        from mlflow_genie_plugin.evaluation.facets.facet import FacetDiff

        try:
            expected, answer = self.expected_tree, self.answer_tree
        except SqlParseError as error:
            return FacetDiff((), str(error))
        found = diff_queries(expected, answer, self.schema, ordered=self.benchmark.ordered)
        return with_blame(found, self.config, self.benchmark.question, self.schema)
