"""An evaluation run in MLflow, by its names: what it is found by, what it records, and which files it holds."""

from __future__ import annotations

RESULT_ARTIFACT = "evaluation/evaluation_result.json"
ROWS_ARTIFACT = "evaluation/evaluation_result.parquet"
SCORES_ARTIFACT = "evaluation/scores.parquet"
BENCHMARKS_ARTIFACT = "evaluation/benchmarks.json"
STATUS_TAG = "genie.evaluation.status"
MODEL_TAG = "genie.evaluation.model_id"
DIGEST_PARAM = "genie.evaluation_sha256"
MODEL_PARAM = "genie.model_id"
BENCHMARKS_PARAM = "genie.benchmarks_sha256"
BEHAVIOUR_PARAM = "genie.behaviour_sha256"
CONTENT_PARAM = "genie.config_sha256"
