"""Which gates there are: the list that a gate run is held against, whatever pytest collected.

To add a judge, add its name to ``JUDGES`` and its line to ``gates/criteria.yaml``; every gate that is asked per judge
follows. To add a rule, add its id here, its decision in ``decide.py`` and its test in ``gates/``.
"""

from __future__ import annotations

STAGES = ("candidate", "experiment", "production")

JUDGES = ("syntax_validity", "result_correctness", "asset_routing")

# What an evaluation of that scope can speak about. A slice holds only some P0 questions and a P0 run nothing else, so
# neither can answer the other's question.
SCOPE_MEASURES = {
    "full": frozenset({"judges", "p0"}),
    "held_out": frozenset({"judges"}),
    "slice": frozenset({"judges"}),
    "p0": frozenset({"p0"}),
}

# Rules that every evaluation is asked, in the order of the report.
INTEGRITY_GATES = (
    "model_intact",
    "evaluation_intact",
    "evaluation_complete",
    "accepted_scope",
    "same_model",
    "same_config",
    "same_questions",
    "enough_questions",
    "error_budget",
)
P0_GATE = "p0"
JUDGE_GATES = ("judged", "threshold")


def judge_gate(rule: str, judge: str) -> str:
    """Return the id of a rule asked for one judge: ``threshold[result_correctness]``."""
    return f"{rule}[{judge}]"


def packaged_gates() -> tuple[str, ...]:
    """Return the ids of every gate this version knows, asked or not."""
    return (*INTEGRITY_GATES, P0_GATE, *(judge_gate(rule, judge) for rule in JUDGE_GATES for judge in JUDGES))
