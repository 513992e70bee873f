from __future__ import annotations

import dataclasses
import itertools
import subprocess
import sys
import time
import unicodedata
from html.parser import HTMLParser

import pytest

from mlflow_genie_plugin.gating.explanation import Group
from mlflow_genie_plugin.gating.html_report.interval import drawing, required_value, scale_of
from mlflow_genie_plugin.gating.html_report.page import MOST_BYTES, report_page
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome
from mlflow_genie_plugin.gating.phrases import WORDS, label

VOID = {"meta", "br", "wbr", "line", "circle", "col", "img", "input", "link"}
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "h4", "p", "span", "strong", "small",
    "code", "pre", "bdi", "br", "wbr", "dl", "div", "dt", "dd", "nav", "a", "main", "section", "ul", "li", "details",
    "script", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td", "svg", "line", "circle",
    "figure", "figcaption",
}  # fmt: skip


class Read(HTMLParser):
    """Every element with its attributes, in order; complains about tags that do not match."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page.decode())
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        self.texts.append(data)

    def named(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


@pytest.mark.parametrize(("wrong", "count"), [(0, 50), (12, 200), (5000, 5000)])
def test_a_page_of_any_size_is_whole_small_and_quick(make_sheet, wrong, count):
    sheet = make_sheet(count=count, wrong=wrong)
    report_page(sheet)  # the first page also compiles the templates
    began = time.process_time()
    page = report_page(sheet)
    assert time.process_time() - began < 3
    assert len(page) < MOST_BYTES
    found = Read(page)
    newly, still = sheet.explanation.count(Group.NEWLY_WRONG), sheet.explanation.count(Group.P0_WRONG, Group.WRONG)
    assert newly + still == wrong
    assert f"newly wrong {newly:,} than parent" in found.text
    outcome = next(meta["content"] for meta in found.named("meta") if meta.get("name") == "genie:verdict")
    assert outcome == sheet.verdict.outcome.value
    assert found.text.startswith(f"{WORDS[sheet.verdict.outcome]}: genie-orders for candidate")
    assert (outcome == "failed") == bool(wrong)


def test_what_is_left_out_is_counted(make_sheet):
    sheet = make_sheet(count=5000, wrong=5000)
    found = Read(report_page(sheet))
    for group, items in sheet.explanation.groups.items():
        key = group.name.lower().replace("_", "-")
        assert any(attributes.get("id") == key for attributes in found.named("section"))
        assert f"{len(items):,}" in found.text
    assert "mlflow-genie report m-1 --json lists them all" in found.text


def test_huge_queries_and_cells_do_not_break_the_limit(make_sheet):
    sheet = make_sheet(count=300, wrong=300, text="<&\"'>" * 4_000)
    assert len(report_page(sheet)) < MOST_BYTES


def test_equal_sheets_give_equal_bytes(make_sheet):
    assert report_page(make_sheet(count=60, wrong=7)) == report_page(make_sheet(count=60, wrong=7))


def test_text_of_a_model_never_becomes_markup(make_sheet, hostile):
    sheet = make_sheet(count=60, wrong=30, text=hostile)
    verdict = dataclasses.replace(
        sheet.verdict,
        model={**sheet.verdict.model, "name": hostile},
        switched_off={hostile: hostile},
        problems={hostile: hostile},
        custom_gates={hostile: Outcome.FAILED},
        provenance={hostile: hostile},
    )
    history = tuple(dataclasses.replace(run, outcome=hostile, commit=hostile, stage=hostile) for run in sheet.history)
    page = report_page(dataclasses.replace(sheet, verdict=verdict, history=history, origin=hostile, next_step=hostile))
    found = Read(page)
    assert {tag for tag, _ in found.elements} <= ALLOWED
    for tag, attributes in found.elements:
        assert not any(name.startswith("on") or name in {"style", "src"} for name in attributes), (tag, attributes)
        assert attributes.get("href", "#").startswith("#")
    assert len(found.named("style")) == len(found.named("script")) == 1
    assert not [c for c in page.decode() if unicodedata.category(c)[0] == "C" and c not in "\n\t"]


def test_the_page_asks_nothing_of_the_network_and_says_so_itself(make_sheet):
    found = Read(report_page(make_sheet(wrong=3)))
    policy = next(m["content"] for m in found.named("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not {"src", "srcset", "action", "data"} & {name for _, attributes in found.elements for name in attributes}


def test_tables_have_captions_and_headers_and_headings_go_down_one_by_one(make_sheet):
    found = Read(report_page(make_sheet(count=200, wrong=12)))
    assert found.named("html")[0]["lang"] == "en"
    assert len(found.named("table")) == len(found.named("caption"))
    assert all(attributes.get("scope") in {"col", "row"} for attributes in found.named("th"))
    levels = [int(tag[1]) for tag, _ in found.elements if tag in {"h1", "h2", "h3", "h4"}]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {attributes["href"].removeprefix("#") for attributes in found.named("a")}
    targets |= {attributes["aria-labelledby"] for _, attributes in found.elements if "aria-labelledby" in attributes}
    assert targets <= set(ids)
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in found.named("svg"))


def test_without_rows_no_value_of_a_result_is_on_the_page(make_sheet):
    sheet = make_sheet(count=20, wrong=5)
    with_rows, without = report_page(sheet).decode(), report_page(dataclasses.replace(sheet, rows=False)).decode()
    assert "1000</td>" in with_rows
    assert "1000" not in without
    assert "Result rows are left out of this copy" in without


def test_a_version_without_evaluation_has_a_page(evidence, verdict_of):
    from mlflow_genie_plugin.gating.explain import explain
    from mlflow_genie_plugin.gating.html_report.sheet import Sheet

    found = evidence(model={"evaluation": None, "evaluation_problem": "it was never evaluated"})
    verdict = verdict_of(found)
    page = Read(report_page(Sheet(verdict, found, explain(verdict, found, {}))))
    assert "UNDECIDED" in page.text
    # Once as the verdict's sentence, once above the checks that it stops, and not once for each of them.
    assert page.text.count("there is no evaluation to look at: it was never evaluated") == 2
    stopped = [result.gate for result in verdict.results if result.outcome is not Outcome.PASSED]
    assert len(stopped) > 20
    assert f"This stops {len(stopped)} checks" in page.text
    joined = page.text.replace("_ ", "_")  # names may be broken at their underscores
    assert all(label(gate) in joined for gate in stopped)


def test_a_drawing_says_its_numbers_in_words_and_keeps_inside_its_frame():
    result = GateResult("g", Outcome.FAILED, "", "80.0 %", ">= 85.0 %", 0.8, (0.66, 0.89))
    scale = scale_of([result])
    made = drawing(result, scale)
    assert (scale.low, scale.high) == (0.6, 1.0)
    assert made.start < made.value < made.required < made.end
    assert made.words == "80.0 %, 95 % interval 66.0 % to 89.0 %, required >= 85.0 %"
    none = scale_of([dataclasses.replace(result, value=0.0, interval=(0.0, 0.0008))])
    assert (none.low, none.high) == (0.0, 1.0)  # a share of nothing is still a share, no difference
    assert drawing(dataclasses.replace(result, value=0.0, interval=(0.0, 0.0008)), none).zero is None
    worse = dataclasses.replace(result, value=-0.04, interval=(-0.12, 0.03), required=">= -2.0 %")
    scale = scale_of([worse])
    assert scale.low < -0.12
    assert scale.high > 0.03
    assert required_value("all") is None
    assert required_value(">= -2.0 %") == pytest.approx(-0.02)


def test_a_page_costs_a_gate_run_no_sql_parser():
    script = (
        "import sys, mlflow_genie_plugin.gating.html_report.page\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'sqlglot', 'mlflow', 'duckdb', 'pandas'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
