"""The judges: one file each, one line each."""

from mlflow_genie_plugin.evaluation.judge import JudgeRegister
from mlflow_genie_plugin.evaluation.judges.asset_routing import AssetRouting
from mlflow_genie_plugin.evaluation.judges.completeness import Completeness
from mlflow_genie_plugin.evaluation.judges.logical_accuracy import LogicalAccuracy
from mlflow_genie_plugin.evaluation.judges.native_assessment import NativeAssessment
from mlflow_genie_plugin.evaluation.judges.repeatability import Repeatability
from mlflow_genie_plugin.evaluation.judges.result_correctness import ResultCorrectness
from mlflow_genie_plugin.evaluation.judges.schema_accuracy import SchemaAccuracy
from mlflow_genie_plugin.evaluation.judges.semantic_equivalence import SemanticEquivalence
from mlflow_genie_plugin.evaluation.judges.syntax_validity import SyntaxValidity

JUDGES = JudgeRegister()
JUDGES.register(SyntaxValidity())
JUDGES.register(SchemaAccuracy())
JUDGES.register(LogicalAccuracy())
JUDGES.register(SemanticEquivalence())
JUDGES.register(Completeness())
JUDGES.register(ResultCorrectness())
JUDGES.register(AssetRouting())
JUDGES.register(Repeatability())
JUDGES.register(NativeAssessment(), by_default=False)
