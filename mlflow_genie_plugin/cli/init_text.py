"""What ``mlflow-genie init`` says: the plan, what a person has to do, and what comes next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow_genie_plugin.scaffold.plan import InitPlan, Step

_STATES = {
    "new": "",
    "same": "there already",
    "older": "older than this version; refresh it with  init --upgrade",
    "edited": "changed by you, kept",
    "yours": "yours, kept",
    "foreign": "another file of that name is in the way",
    "blocked": "not a plain file, or in a folder that is a link",
    "gone": "no longer part of the suite; take it out with  init --upgrade",
    "left": "no longer part of the suite, and changed by you",
}
_REQUIRED = {
    "github": 'the check "genie-gates" in a ruleset or branch protection',
    "gitlab": '"Pipelines must succeed" in the merge request settings',
    "azure": "azure-pipelines/genie-gates.yml as a build validation policy",
}
_IDENTITIES = {
    "github": "environments genie-read, genie-verify, genie-production with DATABRICKS_HOST and DATABRICKS_CLIENT_ID",
    "gitlab": "variables DATABRICKS_HOST, DATABRICKS_ACCOUNT_ID and GENIE_READER|VERIFIER|WRITER_CLIENT_ID",
    "azure": "variable groups genie-read, genie-verify, genie-production with DATABRICKS_HOST and DATABRICKS_CLIENT_ID",
    "databricks-job": "service principals for the variables reader and verifier, and a volume for verdicts",
}


def plan_lines(plan: InitPlan) -> list[str]:
    """Return the plan: one line a file that is written, taken out, in the way or worth a word."""
    pipeline = f"{plan.ci}, protected branch {plan.branch}" if plan.ci else "no CI pipeline (choose one with --ci)"
    lines = [f"{plan.directory}: {pipeline}"]
    width = max(len(step.path) for step in plan.steps)
    lines += [f"  {_word(step):<8} {step.path:<{width}}  {_note(step)}".rstrip() for step in plan.steps]
    return lines


def by_hand(plan: InitPlan, owners: Sequence[str], criteria_problems: Sequence[str]) -> list[str]:
    """Return what init cannot or may not do itself."""
    return [
        *_shared_files(plan),
        *_owners(plan, owners),
        *_edited_gates(plan),
        *(f"gates/criteria.yaml, for this version: {problem}" for problem in criteria_problems),
    ]


def next_steps(plan: InitPlan) -> list[str]:
    """Return the steps from here to a required check."""
    steps = [
        "mlflow-genie benchmarks lint benchmarks.yaml                  (questions and their SQL)",
        "mlflow-genie snapshot SPACE_ID --domain DOMAIN                (gives the model id)",
        "mlflow-genie evaluate --model-id m-… --benchmarks benchmarks.yaml",
        "pytest gates/ --model-id=m-…",
    ]
    if plan.ci is None:
        return steps
    steps.append("write the model id into genie-version.txt")
    steps.append(f"set up {_IDENTITIES[plan.ci]}")
    if plan.ci in _REQUIRED:
        steps.append(f"commit, merge into {plan.branch}, and only then require {_REQUIRED[plan.ci]}")
    else:
        steps.append("databricks bundle deploy, then  databricks bundle run genie_gates --params model_id=m-…")
    steps.append("docs/ci.md of mlflow-genie-plugin describes each of them")
    return steps


def closing_lines(plan: InitPlan, todo: Sequence[str], steps: Sequence[str]) -> list[str]:
    """Return what was done, what is left to do by hand, and the next steps."""
    written, removed = len(plan.having("write")), len(plan.having("remove"))
    done = [f"wrote {written}"] if written else []
    done += [f"took out {removed}"] if removed else []
    lines = [f"{' and '.join(done).capitalize()} of {len(plan.steps)} files." if done else "Nothing to do."]
    if todo:
        lines += ["By hand:", *(f"  {text}" for text in todo)]
    if written:
        lines += ["Next:", *(f"  {number}. {text}" for number, text in enumerate(steps, start=1))]
    return lines


def _word(step: Step) -> str:
    if step.action == "write":
        return "write" if step.now is None else "replace"
    return {"remove": "remove", "conflict": "CONFLICT", "keep": "keep"}[step.action]


def _note(step: Step) -> str:
    return "" if step.action in ("write", "remove") else _STATES[step.state.value]


def _shared_files(plan: InitPlan) -> Iterator[str]:
    from mlflow_genie_plugin.scaffold.plan import State
    from mlflow_genie_plugin.scaffold.wanted import ADD_BY_HAND, Kind

    for step in plan.steps:
        if step.kind is not Kind.SHARED or step.state is not State.YOURS:
            continue
        needed, advice = ADD_BY_HAND[step.path]
        if needed not in (plan.directory / step.path).read_text(encoding="utf-8", errors="replace"):
            yield f"{step.path}: add {advice}"


def _owners(plan: InitPlan, owners: Sequence[str]) -> Iterator[str]:
    from mlflow_genie_plugin.scaffold.owners import PLACES, unowned

    if plan.ci not in PLACES or any(step.path.endswith("CODEOWNERS") for step in plan.having("write")):
        return
    place, paths = unowned(plan.directory, plan.ci)
    if place is None:
        yield f"code owners, or anyone may loosen the gates: mlflow-genie init --ci {plan.ci} --owners @ORG/TEAM"
    elif paths:
        names = " ".join(owners) or "@ORG/TEAM"
        yield f"{place} has no owner for these; add"
        yield from (f"    {path} {names}" for path in paths)


def _edited_gates(plan: InitPlan) -> Iterator[str]:
    from mlflow_genie_plugin.scaffold.plan import State
    from mlflow_genie_plugin.scaffold.wanted import Kind

    for step in plan.steps:
        if step.kind is Kind.GATE and step.action == "keep" and step.state in (State.EDITED, State.LEFT):
            yield (
                f"{step.path}: a packaged gate that was changed blocks every mark; "
                "move tests of yours to a file of their own, then run init --force"
            )
