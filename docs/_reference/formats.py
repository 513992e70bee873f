"""The list of file formats with their JSON Schemas."""

from __future__ import annotations

import json
from pathlib import Path

from mkdocs.exceptions import PluginError

# Schema → the page that explains the format, and who writes such a file.
PAGES = {
    "attestations": ("checklist.md#attestations", "`attest`"),
    "waivers": ("checklist.md#waivers", "`waive`"),
    "benchmarks": ("benchmarks-file.md", "you"),
    "benchmark_corrections": ("corrections.md#corrections-file", "`evaluate review`"),
    "criteria": ("criteria.md", "you"),
    "evaluation_result": ("evaluation-result.md", "`evaluate`"),
    "genie_space": ("flavor.md", "`snapshot`"),
    "init_record": ("ci.md", "`init`"),
    "opinion": ("language-model.md", "a language model"),
    "restore_plan": ("restore.md", "`restore --plan`, `rollback --plan`"),
    "space": ("flavor.md", "Genie; `space show -o`"),
    "verdict": ("verdict.md", "a gate run"),
}
_SCHEMAS = Path(__file__).parents[2] / "mlflow_genie_plugin" / "schemas"


def schema_table() -> str:
    """Return one row per schema: what the file is, who writes it, its page and its schema."""
    lines = ["| file | written by | explained in | schema |", "|---|---|---|---|"]
    for path in sorted(_SCHEMAS.glob("*.schema.json")):
        name = path.name.removesuffix(".schema.json")
        title = json.loads(path.read_text(encoding="utf-8"))["title"]
        if name not in PAGES:
            raise PluginError(f"{path.name} has no page: name it in docs/_reference/formats.py")
        page, writer = PAGES[name]
        text = page.partition("#")[0].removesuffix(".md").replace("-", " ")
        lines.append(f"| {title} | {writer} | [{text}]({page}) | [{path.name}](schemas/{path.name}) |")
    return "\n".join(lines)
