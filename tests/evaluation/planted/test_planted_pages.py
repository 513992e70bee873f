"""What a person sees of the planted faults in MLflow's own pages, in a real browser that is clicked in."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from mlflow_genie_plugin.evaluation.judges import JUDGES

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

EIGHT = tuple(judge.name for judge in JUDGES.choose())
SHOWN = ("filter_left_out", "table_misspelt")
PLAN = yaml.safe_load((Path(__file__).parent / "faults.yaml").read_text(encoding="utf-8"))
_PATIENCE_SECONDS = 60.0
_BUTTON = """
    (window.found = [...document.querySelectorAll('button')].find(each => /^Assess/.test(each.innerText))) !== undefined
"""
# Every assessment is folded up at first.
_UNFOLD = """
    [...document.querySelectorAll('[data-component-id$="toggle-assessment-expanded"]')].map(each => each.click()).length
"""


class Browser:
    """A page of a browser without a window, driven through a pair of pipes (Chromium's DevTools protocol)."""

    def __init__(self, command):
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (theirs_in, theirs_out)]

        def connect():
            # The browser reads commands from descriptor 3 and answers on 4.
            for target, end in enumerate(ends, start=3):
                os.dup2(end, target)

        self._process = subprocess.Popen(
            [*command, "--remote-debugging-pipe", "about:blank"],
            preexec_fn=connect, pass_fds=(3, 4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for end in ends:
            os.close(end)
        os.close(theirs_in)
        os.close(theirs_out)
        self._left, self._number, self._session = b"", 0, None
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(item["targetId"] for item in targets if item["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]

    def call(self, method, **params):
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._left:
                chunk = os.read(self._in, 1 << 16)
                assert chunk, "the browser ended"
                self._left += chunk
            raw, _, self._left = self._left.partition(b"\0")
            answer = json.loads(raw)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def run(self, script):
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, script):
        """Wait until a script gives something true, and return it."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not (found := self.run(script)):
            assert time.monotonic() < deadline, f"never true: {script}\n{self.run('document.body.innerText')[:3000]}"
            time.sleep(0.3)
        return found

    def open(self, address):
        self.call("Page.navigate", url=address)

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def close(self):
        with contextlib.suppress(BrokenPipeError, AssertionError):
            self.call("Browser.close")
        self._process.terminate()
        self._process.wait(20)
        os.close(self._in)
        os.close(self._out)


@pytest.fixture(scope="module")
def browser(chromium, tmp_path_factory):
    opened = Browser([
        chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1900,1400",
        f"--user-data-dir={tmp_path_factory.mktemp('browser')}",
    ])  # fmt: skip
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def shown(bench):
    """An evaluation of a few of the planted faults, with traces."""
    few = [item for item in PLAN["questions"] if item["id"] in SHOWN]
    bench.script(few)
    return bench.evaluate(few, "--repeats", "3")


@pytest.fixture(scope="module")
def traces(shown, mlflow_ui):
    """Address of the evaluation run's traces."""
    return f"{mlflow_ui(os.environ['MLFLOW_TRACKING_URI'])}/#/experiments/0/runs/{shown.run_id}/traces"


@pytest.mark.parametrize("question", SHOWN)
def test_a_trace_shows_all_eight_judges_and_their_reasons(browser, traces, shown, question, tmp_path):
    import mlflow

    [trace] = mlflow.search_traces(
        locations=["0"], run_id=shown.run_id, include_spans=False, return_type="list",
        filter_string=f"tags.`genie.question_id` = '{question}'",
    )  # fmt: skip
    browser.open("about:blank")
    browser.open(f"{traces}?selectedEvaluationId={trace.info.trace_id}")
    browser.until(_BUTTON)
    browser.run("window.found.click()")
    browser.until(f"{json.dumps(EIGHT)}.every(name => document.body.innerText.includes(name))")
    assert browser.run(_UNFOLD) >= len(EIGHT)
    findings = shown.questions[question]["findings"]
    try:
        browser.until(" && ".join(_is_shown(findings[judge]["rationale"]) for judge in EIGHT))
    finally:
        browser.screenshot(tmp_path / "trace.png")


def _is_shown(text):
    """Return a script that tells whether a text is on the page, which shows it as Markdown: only words are compared."""
    words = re.sub(r"\W", "", text)
    return f"document.body.innerText.replace(/\\W/g, '').includes({json.dumps(words)})"
