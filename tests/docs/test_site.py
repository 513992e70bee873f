import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]


class _Page(HTMLParser):
    """The ids of a page, what it links to, and what a browser would fetch to show it."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.fetched = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if attributes.get("id"):
            self.ids.add(attributes["id"])
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        for name in ("src", "srcset", "poster"):
            if attributes.get(name):
                self.fetched.append(attributes[name])
        if tag == "link" and attributes.get("href") and attributes.get("rel") not in ("canonical", "next", "prev"):
            self.fetched.append(attributes["href"])


@pytest.fixture(scope="module")
def html(site):
    return {path: _Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html") if path.name != "404.html"}


def test_every_internal_link_and_anchor_of_the_site_leads_somewhere(site, html):
    broken = []
    for path, page in html.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            known = html.get(target)
            if not target.is_file() or (parts.fragment and known and unquote(parts.fragment) not in known.ids):
                broken.append(f"{path.relative_to(site)} -> {link}")
    assert broken == []


def test_no_page_asks_another_server_for_anything(site, html):
    asked = {link for page in html.values() for link in page.fetched if urlsplit(link).netloc}
    sheets = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    asked |= {link for text in sheets for link in re.findall(r"url\(['\"]?((?:https?:)?//[^)'\"]+)", text)}
    assert asked == set()


def test_search_finds_commands_errors_and_failure_types(site):
    index = json.loads((site / "search/search_index.json").read_text(encoding="utf-8"))
    titles = {entry["title"] for entry in index["docs"]}
    assert {"mlflow-genie snapshot", "benchmarks lint", "MG304", "Failure types"} <= titles


def test_every_command_and_option_is_on_the_site(site):
    from importlib import import_module

    import click

    from mlflow_genie_plugin.cli.main import COMMANDS

    missing = []
    for name, place in COMMANDS.items():
        module, _, attribute = place.partition(":")
        command = getattr(import_module(module), attribute)
        text = (site / "commands" / f"{name}.html").read_text(encoding="utf-8")
        family = [command, *(command.commands.values() if isinstance(command, click.Group) else [])]
        for each in family:
            names = [
                option.opts[-1] for option in each.params if isinstance(option, click.Option) and not option.hidden
            ]
            missing += [f"{name} {option}" for option in names if not re.search(rf"<code>{option}\b", text)]
    assert missing == []


def test_every_failure_type_and_judge_is_on_the_site(site):
    from mlflow_genie_plugin.evaluation.failure_types import FAILURE_TYPES
    from mlflow_genie_plugin.evaluation.judges import JUDGES

    types = (site / "failure-types.html").read_text(encoding="utf-8")
    judges = (site / "judges.html").read_text(encoding="utf-8")
    assert [name for name in FAILURE_TYPES if f"<code>{name}</code>" not in types] == []
    assert [name for name in JUDGES.names() if judges.count(f"<code>{name}</code>") < 2] == []


def test_every_gate_and_every_line_of_the_criteria_is_explained(pages):
    from mlflow_genie_plugin.gating.rules.register import RULES

    gates, criteria = pages["docs/gates.md"], pages["docs/criteria.md"]
    stems = [stem for family in RULES for stem in family.STEMS]
    lines = [line for family in RULES for line in family.LINES]
    assert [stem for stem in stems if not re.search(rf"^\| .*`{stem}\b.* \|", gates, re.MULTILINE)] == []
    assert [line for line in lines if not re.search(rf"`{line}\b", criteria)] == []


def test_the_schemas_on_the_site_are_the_packaged_ones(site):
    packaged = {path.name: path.read_bytes() for path in (ROOT / "mlflow_genie_plugin/schemas").glob("*.schema.json")}
    assert {path.name: path.read_bytes() for path in (site / "schemas").iterdir()} == packaged


def test_no_page_stands_twice_in_the_navigation():
    pages = re.findall(r"^ +- (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(pages) == sorted(set(pages))


def test_a_made_part_never_stays_an_empty_place(site):
    left = [path.name for path in site.rglob("*.html") if "made by docs/_reference" in path.read_text(encoding="utf-8")]
    assert left == []


def test_links_between_the_pages_also_hold_in_the_repository(pages):
    broken = []
    for page, text in pages.items():
        prose = re.sub(r"(?ms)^```.*?^```$|`[^`\n]*`", "", text)
        for link in re.findall(r"\]\(([^)\s]+)\)", prose):
            parts = urlsplit(link)
            if parts.path and not parts.scheme and not (ROOT / page).parent.joinpath(parts.path).exists():
                broken.append(f"{page} -> {link}")
    assert broken == []
