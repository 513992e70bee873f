"""A browser that is driven over a pipe, and pages to look at in it."""

from __future__ import annotations

import base64
import itertools
import json
import os
import selectors
import shutil
import subprocess
import time

import pytest


class Browser:
    """A headless Chromium that speaks its DevTools protocol over a pipe: no port, no driver, no package."""

    def __init__(self, program: str, profile) -> None:
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        self._profile = profile
        self._numbers = itertools.count(1)
        self._buffer = b""
        self.events: list[dict] = []

        def connect() -> None:
            # Copies first: one of the pipes may itself be 3 or 4.
            reading, writing = os.dup(to_browser), os.dup(from_browser)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self._process = subprocess.Popen(
            [
                *(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"),
                *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
                *(f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"),
            ],
            preexec_fn=connect,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        target = self._send("Target.createTarget", {"url": "about:blank"})["targetId"]
        self._session = self._send("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params):
        return self._send(method, params, self._session)

    def frame(self) -> str:
        """Return the session of the frame on the page that lives in a process of its own; wait for it."""
        while True:
            for event in self.events:
                if event["method"] == "Target.attachedToTarget":
                    return event["params"]["sessionId"]
            self._receive()

    def run_in(self, session: str, expression: str):
        """Return the value of a JavaScript expression in a frame."""
        return self._send("Runtime.evaluate", {"expression": expression, "returnByValue": True}, session)["result"].get(
            "value"
        )

    def open(self, path, *, width=1280, height=900, dark=False, media="screen", scripts=True, mobile=False):
        """Open a file and wait until it is loaded; ``events`` is then what happened on the way."""
        self.events.clear()
        self.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.send("Emulation.setEmulatedMedia", media=media, features=scheme)
        self.send("Page.navigate", url=path if isinstance(path, str) else path.as_uri())
        self._wait_for("Page.loadEventFired")

    def run(self, expression: str):
        """Return the value of a JavaScript expression on the page."""
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def screenshot(self, path, *, whole=True) -> None:
        data = self.send("Page.captureScreenshot", captureBeyondViewport=whole, format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def pdf(self, path) -> None:
        data = self.send("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def complaints(self) -> list[str]:
        """Return what the browser complained about, and what it asked the network for, since the last ``open``."""
        said = [e["params"]["entry"]["text"] for e in self.events if e["method"] == "Log.entryAdded"]
        said += [
            str(e["params"])
            for e in self.events
            if e["method"] in {"Runtime.consoleAPICalled", "Runtime.exceptionThrown"}
        ]
        urls = [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return said + [
            url for url in urls if not url.startswith(("file:", "blob:", "data:", "about:", "http://127.0.0.1:"))
        ]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)
        os.close(self._in)
        os.close(self._out)

    def _send(self, method: str, params: dict, session: str | None = None):
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def _wait_for(self, method: str) -> None:
        while not any(event["method"] == method for event in self.events):
            self._receive()

    def _receive(self, seconds: float = 60) -> dict:
        deadline = time.monotonic() + seconds
        while b"\0" not in self._buffer:
            # select() itself cannot wait for a descriptor above 1023, however many a process may open.
            with selectors.DefaultSelector() as selector:
                selector.register(self._in, selectors.EVENT_READ)
                ready = selector.select(max(0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            part = os.read(self._in, 1 << 20)
            assert part, "the browser ended"
            self._buffer += part
        text, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(text)
        if "method" in message:
            self.events.append(message)
        return message


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if program := shutil.which(name):
            break
    else:
        if os.environ.get("GENIE_REQUIRE_BROWSER"):
            pytest.fail("no Chromium found, and GENIE_REQUIRE_BROWSER is set")
        pytest.skip("no Chromium on this machine")
    found = Browser(program, tmp_path_factory.mktemp("chromium"))
    yield found
    found.close()


HOSTILE = (
    "</pre></script><script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "' autofocus onfocus=alert(1) x='",
    '<a href="javascript:alert(1)">x</a><style>*{display:none}</style><iframe src=http://evil.example></iframe>',
    "{{ 7*7 }}{% raw %}<svg onload=alert(1)>",
    "total\u202eesrever\u2066 \u200bhidden\x1b[31m\x00\ud800",
)


@pytest.fixture
def make_sheet(evidence, verdict_of, versions):
    """A function that makes what a page says: ``count`` questions, the first ``wrong`` of them answered wrongly.

    Questions, queries, answers, reasons and cells are ``text`` where that is given.
    """
    import dataclasses

    from mlflow_genie_plugin.evaluation.finding import Finding
    from mlflow_genie_plugin.evaluation.result import EvaluationResult
    from mlflow_genie_plugin.gating.explain import explain
    from mlflow_genie_plugin.gating.explanation import Baseline
    from mlflow_genie_plugin.gating.html_report.sheet import PastRun, Sheet
    from mlflow_genie_plugin.gating.next_step import next_step
    from mlflow_genie_plugin.gating.observe import observed_finding
    from mlflow_genie_plugin.gating.question_observed import QuestionObserved
    from mlflow_genie_plugin.space.diff import diff_spaces
    from mlflow_genie_plugin.workspace.answer import Column

    def spoiled(row, text):
        side = {"columns": (Column(text, "STRING", "STRING"),), "rows": ((text,),)}
        findings = {
            name: dataclasses.replace(
                finding,
                rationale=text,
                blame=() if finding.passed else (f"measure '{text}'",),
                fix=None if finding.passed else text,
                evidence={"facets": [{"clause": text, "expected": text, "actual": text}]},
            )
            for name, finding in row.findings.items()
        }
        return dataclasses.replace(
            row,
            question=text,
            category=text,
            expected_sql=text,
            answer=dataclasses.replace(row.answer, sql=text, text=text, **side),
            expected=dataclasses.replace(row.expected, **side),
            findings=findings,
            arbitration={"verdict": text, "rule": "a", "confidence": "low", "rationale": text, "proposal": None},
        )

    def make(count=50, wrong=0, p0=8, text=None, baseline=True, stage="candidate", **changes):
        rows = []
        benchmarks = versions.benchmarks(count, p0).benchmarks
        judged = {right: versions.question(benchmarks[0], right=right) for right in (True, False)}
        for number, benchmark in enumerate(benchmarks):
            row = dataclasses.replace(
                judged[number >= wrong],
                question_id=benchmark.id,
                question=benchmark.question,
                priority=benchmark.priority,
                split=benchmark.split,
                expected_sql=benchmark.expected_sql,
            )
            said = row.findings["logical_accuracy"]
            if number < wrong:
                found = {"blame": ("measure 'orders'",), "fix": "correct it to: count(DISTINCT o_orderkey)"}
                said = Finding(
                    "logical_accuracy", "failed", 0.5, "wrong_aggregation", "the answer counts rows", **found
                )
            row = dataclasses.replace(
                row,
                category=("counting", "listing", "ranking")[number % 3],
                findings={**row.findings, "logical_accuracy": said},
                answer=dataclasses.replace(row.answer, latency_seconds=1.0 + number % 7),
            )
            rows.append(row if text is None else spoiled(row, text))
        observed = tuple(
            QuestionObserved(
                row.question_id,
                row.question,
                row.priority,
                True,
                {name: observed_finding(finding) for name, finding in row.findings.items()},
                expected_sql=row.expected_sql,
                latency_seconds=row.answer.latency_seconds,
                entry={"priority": row.priority, "category": row.category, "split": row.split},
                ruling=row.arbitration,
            )
            for row in rows
        )
        found = evidence(count=count, p0_count=p0, questions=observed)
        about = EvaluationResult(
            "e" * 32, "m-1", "s" * 32, "complete", {}, {}, {"planned": count, "scope": "full"},
            {"kind": "conversation", "version": "1", "started_at": "2026-11-20T09:00:00.000Z"},
            {name: {"version": "1"} for name in rows[0].findings}, (),
        )  # fmt: skip
        verdict = verdict_of(found, stage, **changes)
        label = text or "orders"
        spaces = [
            {
                "version": 2,
                "instructions": {"sql_snippets": {"measures": [{"id": "a" * 32, "display_name": label, "sql": [sql]}]}},
            }
            for sql in ("count(DISTINCT o_orderkey)", text or "count(*)")
        ]
        before = Baseline(
            "parent", "m-0", "genie-orders-iter1", {row.question_id: n % 3 != 1 for n, row in enumerate(rows)},
            diff_spaces(*spaces),
        )  # fmt: skip
        explanation = explain(verdict, found, {row.question_id: row for row in rows}, [before] if baseline else [])
        history = (PastRun("r" * 32, "2026-11-19 10:00", "candidate", "failed", "e" * 32, "c" * 40),)
        return Sheet(verdict, found, explanation, about, history, next_step=next_step(verdict))

    return make


@pytest.fixture(params=range(len(HOSTILE)))
def hostile(request):
    return HOSTILE[request.param]
