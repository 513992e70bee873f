"""What does Genie's own evaluation run say of the answer?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.evaluation.failure_types import FAILURE_TYPES
from mlflow_genie_plugin.evaluation.finding import Finding, abstained, errored, failed, passed

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase

JUDGE = "native_assessment"
NEEDS_REVIEW = ("fail", "abstain")


class NativeAssessment:
    """Repeats the assessment of a native run beside our own findings; it decides nothing for the other judges.

    GOOD passes and BAD fails. NEEDS_REVIEW means that Genie could not decide: it fails, or abstains when the evaluation
    was asked to let it; both count against the model.
    """

    name = JUDGE
    version = "1"

    def judge(self, case: JudgedCase) -> Finding:
        native = case.answer.native
        if native is None:
            return abstained(self.name, "NOT_NATIVE", "the question was not asked by an evaluation run of Genie's own")
        if case.answer.status != "COMPLETED":
            reason = case.answer.error or "no reason was given"
            return errored(
                self.name,
                f"the run has no answer ({case.answer.status}): {reason}",
                failure_type=f"ANSWER_{case.answer.status}",
            )
        reasons = list(native["reasons"])
        evidence: dict[str, Any] = {
            "assessment": native["assessment"],
            "reasons": reasons,
            "is_manual": native["is_manual"],
            "expected_sql_differs": native["expected_sql_differs"],
            "run_id": native["run_id"],
        }
        because = f" ({', '.join(reasons)})" if reasons else ""
        if native["expected_sql_differs"]:
            because += "; it held the answer against the space's own SQL, which is not the benchmark's"
        match native["assessment"]:
            case "GOOD":
                return passed(self.name, f"Genie's own run found the answer good{because}", **evidence)
            case "BAD":
                code = next((reason for reason in reasons if reason in FAILURE_TYPES), "NATIVE_BAD")
                return failed(self.name, code, f"Genie's own run found the answer bad{because}", **evidence)
            case "NEEDS_REVIEW":
                text = f"Genie's own run could not decide and wants a person to look{because}"
                if native.get("needs_review", "fail") == "abstain":
                    return abstained(self.name, "NEEDS_REVIEW", text, **evidence)
                return failed(self.name, "NEEDS_REVIEW", text, **evidence)
            case other:
                said = "no assessment" if other is None else f"an assessment this version does not know, {other!r}"
                return errored(self.name, f"Genie's own run gave {said}", failure_type="NO_ASSESSMENT", **evidence)
