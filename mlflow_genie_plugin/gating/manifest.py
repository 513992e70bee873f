"""The names that gates are made of: stages, judges, scopes. The gates themselves follow from ``rules/register.py``.

To add a judge, add its name to ``JUDGES`` and its line to ``gates/criteria.yaml``; every gate that is asked per judge
follows. To add a rule, see ``rules/rule.py``.
"""

from __future__ import annotations

STAGES = ("candidate", "experiment", "production")

JUDGES = (
    "syntax_validity",
    "schema_accuracy",
    "logical_accuracy",
    "semantic_equivalence",
    "completeness",
    "result_correctness",
    "asset_routing",
    "repeatability",
)

# A slice holds only some P0 questions and a P0 run nothing else, so neither can answer what the other is asked.
SCOPES = ("full", "held_out", "slice", "p0")

P0_GATE = "p0"
