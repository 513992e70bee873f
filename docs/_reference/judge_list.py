"""The list of judges, read from their register and the packaged criteria."""

from __future__ import annotations


def judge_table() -> str:
    """Return one row per judge: name, version, and its target in the packaged criteria of stage production."""
    from importlib.resources import files

    import yaml

    from mlflow_genie_plugin.evaluation.judges import JUDGES

    text = files("mlflow_genie_plugin.suite").joinpath("criteria.yaml").read_text(encoding="utf-8")
    targets = yaml.safe_load(text)["stages"]["production"]["full"]["judges"]
    lines = ["| judge | version | packaged target (production) | stuck below |", "|---|---|---|---|"]
    for judge in JUDGES.choose(JUDGES.names()):
        target = targets.get(judge.name, {})
        if "target" in target:
            numbers = f"{target['target']:.0%} | {target['floor']:.0%}".replace("%", " %")
        else:
            numbers = "not gated |"
        lines.append(f"| `{judge.name}` | {judge.version} | {numbers} |")
    return "\n".join(lines)
