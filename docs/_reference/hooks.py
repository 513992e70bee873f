"""The parts of the documentation that are made from the program itself, so that they cannot be out of date.

A page says ``<!-- made by docs/_reference: NAME -->`` where such a part belongs; pages of single commands and the JSON
Schemas exist on the site only.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from commands import command_index, command_pages
from error_codes import with_exit_codes
from failure_types import failure_type_tables
from formats import schema_table
from gate_lines import gate_table
from judge_list import judge_table
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

_PLACE = re.compile(r"^<!-- made by docs/_reference: (\w+) -->$", re.MULTILINE)
_PARTS = {
    "commands": command_index,
    "failure_types": failure_type_tables,
    "formats": schema_table,
    "gates": gate_table,
    "judges": judge_table,
}
_SCHEMAS = Path(__file__).parents[2] / "mlflow_genie_plugin" / "schemas"


def on_config(config: Any) -> Any:
    """Put the pages of single commands below the list of commands in the navigation."""
    pages = [{name: f"commands/{name}.md"} for name in command_pages()]
    for tab in config.nav:
        for entries in tab.values():
            entries[:] = [{"Commands": [each, *pages]} if each == "commands/index.md" else each for each in entries]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add a page for each command and the JSON Schemas."""
    for name, text in command_pages().items():
        files.append(File.generated(config, f"commands/{name}.md", content=text))
    for path in sorted(_SCHEMAS.glob("*.schema.json")):
        files.append(File.generated(config, f"schemas/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:  # noqa: ARG001
    """Put each part where the page wants it."""
    if page.file.src_uri == "errors.md":
        markdown = with_exit_codes(markdown)
    return _PLACE.sub(lambda found: _part(found[1], page), markdown)


def _part(name: str, page: Any) -> str:
    if name not in _PARTS:
        raise PluginError(f"{page.file.src_uri} asks for {name}; there is {', '.join(_PARTS)}")
    return _PARTS[name]()
