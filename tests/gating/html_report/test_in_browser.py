"""The page in a real browser: sizes, colours, paper, keyboard, and MLflow's sandboxed frame."""

from __future__ import annotations

import functools
import http.server
import json
import re
import threading

import pytest

from mlflow_genie_plugin.gating.html_report.page import report_page

pytestmark = pytest.mark.browser

# Every text with its own colour and the first background behind it that is not transparent.
CONTRAST = """
(() => {
  const numbers = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const part = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const found = {};
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; node = walker.nextNode();) {
    if (!node.data.trim()) continue;
    let holder = node.parentElement, ground = null, opacity = 1;
    const color = numbers(getComputedStyle(holder).color);
    for (let at = holder; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      opacity *= Number(style.opacity);
      const back = numbers(style.backgroundColor);
      if (!ground && (back.length < 4 || back[3] > 0)) ground = back;
    }
    ground = ground || numbers(getComputedStyle(document.documentElement).getPropertyValue('--paper'));
    const seen = color.slice(0, 3).map((v, i) => v * opacity + ground[i] * (1 - opacity));
    const [low, high] = [light(seen), light(ground)].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) found[holder.tagName + '.' + holder.className + ' ' + seen + ' on ' + ground] = ratio;
  }
  return JSON.stringify(found);
})()
"""


# The words of the checks that stand on two lines, without those that may be broken: after an underscore.
BROKEN_WORDS = r"""
[...document.querySelectorAll('.checks th, .checks .outcome, .checks .number small')].flatMap(cell => {
  const found = [], walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  for (let node; node = walker.nextNode();)
    for (const word of node.data.matchAll(cell.tagName === 'SMALL' ? /\S.*\S/g : /[^\s_]+_?/g)) {
      const range = document.createRange();
      range.setStart(node, word.index); range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) found.push(word[0]);
    }
  return found;
}).join(' | ')
"""


@pytest.fixture
def page(make_sheet, tmp_path):
    def write(name="report.html", **changes):
        path = tmp_path / name
        path.write_bytes(report_page(make_sheet(**{"count": 200, "wrong": 12, **changes})))
        return path

    return write


@pytest.mark.parametrize("width", [360, 590, 768, 1280])
@pytest.mark.parametrize("scripts", [True, False])
def test_it_fits_every_width_without_a_sound(browser, page, width, scripts):
    browser.open(page(), width=width, mobile=width < 500, scripts=scripts)
    layout = browser.send("Page.getLayoutMetrics")
    assert layout["cssContentSize"]["width"] <= width
    if scripts:
        heads = "[...document.querySelectorAll('.checks thead th:not(.chart)')].map(one => one.getBoundingClientRect())"
        assert browser.run(f"Math.min(...{heads}.map(box => box.width))") > 50
        assert browser.run(f"Math.max(...{heads}.map(box => box.height))") < 60
        assert browser.run(BROKEN_WORDS) == ""
    assert not browser.complaints()


@pytest.mark.parametrize("wrong", [0, 12])
def test_the_verdict_and_the_next_command_fit_the_first_frame_of_mlflow(browser, page, wrong):
    browser.open(page(wrong=wrong), width=590, height=625)
    assert browser.run("document.querySelector('header').getBoundingClientRect().bottom") < 625
    assert browser.run("document.querySelector('.next code').innerText.length") > 10


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("wrong", [0, 12])
def test_every_text_can_be_read_in_both_schemes(browser, page, dark, wrong):
    browser.open(page(wrong=wrong), dark=dark)
    browser.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert json.loads(browser.run(CONTRAST)) == {}
    ground = browser.run("getComputedStyle(document.body).backgroundColor")
    assert (int(re.findall(r"\d+", ground)[0]) < 128) is dark


def test_the_keyboard_reaches_links_and_questions_and_shows_where_it_is(browser, page):
    browser.open(page())
    seen = set()
    for _ in range(40):
        for kind in ("rawKeyDown", "keyUp"):
            browser.send("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        seen.add(browser.run("document.activeElement.tagName"))
        style = "getComputedStyle(document.activeElement)"
        assert browser.run(f"{style}.outlineStyle + ' ' + {style}.outlineWidth") == "solid 3px"
    assert {"A", "SUMMARY"} <= seen


def test_on_paper_everything_is_open_and_the_navigation_is_gone(browser, page, tmp_path):
    browser.open(page(), media="print")
    assert browser.run("getComputedStyle(document.querySelector('nav')).display") == "none"
    closed = "document.querySelector('details.question:not([open])')"
    assert browser.run(f"{closed}.querySelector('.body').getBoundingClientRect().height") > 50
    browser.pdf(tmp_path / "report.pdf")
    pdf = (tmp_path / "report.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert len(pdf) < 3_000_000


def test_nothing_in_a_models_text_runs_or_loads(browser, page, hostile):
    browser.open(page(count=60, wrong=30, text=hostile))
    assert browser.run("document.title").startswith("FAIL: genie-orders")
    assert (
        browser.run("document.scripts.length + document.images.length + document.forms.length") == 1
    )  # its own script
    assert not browser.complaints()


@pytest.fixture
def served(tmp_path):
    """The address of a folder, because a frame's content belongs to the place that its host page comes from."""
    handler = functools.partial(SilentHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class SilentHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_links_jump_in_mlflows_sandboxed_frame_too(browser, page, tmp_path, served):
    text = json.dumps(page().read_text("utf-8")).replace("</", "<\\/")
    (tmp_path / "host.html").write_text(
        "<link rel=icon href=data:,><body style='margin:0'>"
        "<iframe sandbox='allow-scripts' width=590 height=625 style='border:0'></iframe>"
        f"<script>const text = {text};"
        "document.querySelector('iframe').src = URL.createObjectURL(new Blob([text], {type: 'text/html'}));</script>",
        "utf-8",
    )
    browser.send("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True)
    try:
        browser.open(f"{served}/host.html", width=590, height=625)
        frame = browser.frame()
        link = "document.querySelector('nav a[href=\"#questions\"]')"
        while not browser.run_in(frame, f"document.readyState === 'complete' && {link} !== null"):
            pass
        assert browser.run_in(frame, "scrollY") == 0
        browser.run_in(frame, f"{link}.click()")
        top = "document.getElementById('questions').getBoundingClientRect().top"
        assert 0 <= browser.run_in(frame, top) < 100
        browser.screenshot(tmp_path / "frame.png", whole=False)
        assert not browser.complaints()
    finally:
        browser.send("Target.setAutoAttach", autoAttach=False, waitForDebuggerOnStart=False, flatten=True)
