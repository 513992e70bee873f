"""A language model to talk to: an OpenAI-compatible HTTP server whose answers, faults and delays a test scripts."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mlflow_genie_plugin.evaluation.finding import abstained, failed, passed
from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, StoredResult
from mlflow_genie_plugin.workspace.answer import Column

KEY = "sk-test-0123456789abcdef"


@dataclass
class Fault:
    """An answer that is not a completion: a status, a body as it is, headers, a delay, or a broken connection."""

    status: int = 200
    body: bytes | None = None
    headers: dict = field(default_factory=dict)
    seconds: float = 0.0
    drip: bool = False
    close: bool = False


@dataclass
class ScriptedModel:
    """Answers requests in order, the last one again and again; ``replies`` holds texts, Faults or functions."""

    url: str = ""
    replies: list = field(default_factory=list)
    requests: list = field(default_factory=list)
    most_at_once: int = 0
    seconds: float = 0.0
    _open: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, *replies):
        self.replies = list(replies)

    def say(self, outcome="passed", failure_type=None, rationale="it is so", confidence=0.9, **more):
        self.answer(reply(outcome, failure_type, rationale, confidence, **more))

    def _next(self, request):
        with self._lock:
            self.requests.append(request)
            item = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return item(request) if callable(item) else item


def reply(outcome="passed", failure_type=None, rationale="it is so", confidence=0.9, **more):
    return json.dumps(
        {"outcome": outcome, "failure_type": failure_type, "rationale": rationale, "confidence": confidence, **more}
    )


def completion(text, **choice):
    message = {"role": "assistant", "content": text, **choice.pop("message", {})}
    document = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "test-model",
        "choices": [{"index": 0, "finish_reason": "stop", **choice, "message": message}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
    return json.dumps(document).encode()


@pytest.fixture
def language_model():
    script = ScriptedModel()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments):
            pass

        def do_GET(self):
            self._send(404, b"{}", {})

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = {"path": self.path, "headers": dict(self.headers), "body": json.loads(body)}
            with script._lock:
                script._open += 1
                script.most_at_once = max(script.most_at_once, script._open)
            try:
                item = script._next(request)
                time.sleep(script.seconds + (item.seconds if isinstance(item, Fault) else 0))
            finally:
                # Before the first byte of the answer: its reader may ask again before this thread runs on.
                with script._lock:
                    script._open -= 1
            self._answer(item)

        def _answer(self, item):
            if not isinstance(item, Fault):
                self._send(200, completion(item) if isinstance(item, str) else item, {})
                return
            if item.close:
                self.close_connection = True
                return
            body = b'{"error": {"message": "no"}}' if item.body is None else item.body
            self._send(item.status, body, item.headers, drip=item.drip)

        def _send(self, status, body, headers, *, drip=False):
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                for at in range(0, len(body), 1 if drip else max(1, len(body))):
                    self.wfile.write(body[at : at + 1] if drip else body)
                    self.wfile.flush()
                    if drip:
                        time.sleep(0.05)
            except OSError:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_port}/v1"
    script.say()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield script
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def fault():
    return Fault


@pytest.fixture
def make_reply():
    return reply


@pytest.fixture
def make_completion():
    return completion


@pytest.fixture
def key():
    return KEY


@pytest.fixture
def make_endpoint(language_model):
    """``make_endpoint(timeout_seconds=1)``: an endpoint of the scripted model that does not pause long."""
    from mlflow_genie_plugin.evaluation.llm.chat import ChatEndpoint, chat_url
    from mlflow_genie_plugin.workspace.scrub import Scrubber

    def make(**changes):
        values = {
            "model": "openai:/test-model",
            "url": chat_url(language_model.url),
            "headers": lambda: {"Authorization": f"Bearer {KEY}"},
            "body": {"model": "test-model"},
            "timeout_seconds": 5.0,
            "deadline_seconds": 10.0,
            "pause_seconds": 0.01,
            "scrubber": Scrubber([KEY]),
        }
        return ChatEndpoint(**{**values, **changes})

    return make


@pytest.fixture
def make_model(make_endpoint):
    """``make_model({"completeness": "settle"})``: the scripted model with the packaged prompts."""
    from mlflow_genie_plugin.evaluation.llm.model import PromptedModel
    from mlflow_genie_plugin.evaluation.prompts import packaged_prompt

    def make(modes, *, rows=False, **changes):
        prompts = {judge: packaged_prompt(judge) for judge in modes}
        return PromptedModel(make_endpoint(**changes), modes, prompts, rows)

    return make


@pytest.fixture
def make_case():
    """``make_case(sql=…, rows=…)``: a question with an answer."""

    def make(
        question_id="q1",
        *,
        question="Revenue by month?",
        expected="SELECT 1 AS n",
        sql="SELECT 2 AS n",
        rows=(),
        **answer,
    ):
        table = {
            "columns": (Column("n", "LONG", "BIGINT"),),
            "rows": tuple(tuple(row) for row in rows),
            "row_count": len(rows),
        }
        return JudgedCase(
            Benchmark(question_id, question, expected),
            AnswerRecord(**{**table, "sql": sql, **answer}),
            StoredResult(**table),
        )

    return make


@pytest.fixture
def ask_about():
    """``ask_about(case, judge, opinionist)``: the judge's finding after the opinionist was asked."""
    from mlflow_genie_plugin.evaluation.judge import judge_case
    from mlflow_genie_plugin.evaluation.llm.settling import with_opinion

    def ask(case, judge, opinionist):
        return with_opinion(judge_case(case, [judge])[judge.name], case, opinionist)

    return ask


@pytest.fixture
def make_requests(make_case):
    """``make_requests(3)``: requests about different cases, as ``make_model`` asks them."""
    from mlflow_genie_plugin.evaluation.llm.request import Asked, request_for
    from mlflow_genie_plugin.evaluation.prompts import packaged_prompt

    def make(count, judge="completeness", model="openai:/test-model"):
        prompt = packaged_prompt(judge)
        asked = Asked("settle", model, prompt.name, prompt.version, prompt.sha256)
        finding = abstained(judge, "UNDETERMINED", "neither proved nor refuted")
        return [request_for(finding, make_case(f"q{i}", sql=f"SELECT {i} AS n"), asked) for i in range(count)]

    return make


class ScriptedJudge:
    """A deterministic judge that says what its test wants."""

    version = "1"

    def __init__(self, name, outcome):
        self.name, self.outcome = name, outcome

    def judge(self, case):
        if self.outcome == "passed":
            return passed(self.name, "proved", rows=3)
        if self.outcome == "failed":
            return failed(self.name, "wrong_filter", "a filter differs", confidence=1.0)
        if self.outcome == "broken":
            raise RuntimeError("broken")
        return abstained(self.name, "UNDETERMINED", "neither proved nor refuted", tried=2)


@pytest.fixture
def make_judge():
    return ScriptedJudge
