"""The names that gates are made of: stages, judges, scopes. The gates themselves follow from ``rules/register.py``.

To add a judge, add it to ``JUDGE_VERSIONS`` and its line to ``gates/criteria.yaml``; every gate that is asked per judge
follows. To add a rule, see ``rules/rule.py``.
"""

from __future__ import annotations

STAGES = ("candidate", "experiment", "production")

# Versions as this plugin has them (a test holds them against the judges): importing the judges to ask them would cost
# every gate run half a second.
JUDGE_VERSIONS = {
    "syntax_validity": "3",
    "schema_accuracy": "2",
    "logical_accuracy": "3",
    "semantic_equivalence": "3",
    "completeness": "2",
    "result_correctness": "4",
    "asset_routing": "3",
    "repeatability": "2",
}
JUDGES = tuple(JUDGE_VERSIONS)

# A slice holds only some P0 questions and a P0 run nothing else, so neither can answer what the other is asked.
SCOPES = ("full", "held_out", "slice", "p0")

P0_GATE = "p0"
