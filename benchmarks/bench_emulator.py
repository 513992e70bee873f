"""Requests a second of the local workspace, measured from another process over keep-alive connections."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import sys
import time

from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID, LocalWorkspace

SECONDS = 3.0


def measure(host: str, token: str, method: str, path: str, body: str | None, answers: multiprocessing.Queue) -> None:
    """Send one request after another for a while and report how many came back right."""
    connection = http.client.HTTPConnection(host)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path} answered {answer.status}")
        done += 1
    answers.put(done / (time.perf_counter() - started))


def main() -> None:
    clients = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    with LocalWorkspace(answerer=None) as workspace:
        workspace.control.script_answer(text="ok", times=0)
        space = f"/api/2.0/genie/spaces/{SAMPLE_SPACE_ID}"
        statement = {"warehouse_id": "5a3b1e0c0de00001", "statement": "SELECT 1"}
        calls = [
            ("GET", "/api/2.0/preview/scim/v2/Me", None),
            ("GET", space, None),
            ("GET", f"{space}?include_serialized_space=true", None),
            ("POST", f"{space}/start-conversation", json.dumps({"content": "q"})),
            ("POST", "/api/2.0/sql/statements", json.dumps(statement)),
        ]
        context = multiprocessing.get_context("spawn")
        for method, path, body in calls:
            answers = context.Queue()
            arguments = (workspace.url.removeprefix("http://"), workspace.token, method, path, body, answers)
            processes = [context.Process(target=measure, args=arguments) for _ in range(clients)]
            for process in processes:
                process.start()
            for process in processes:
                process.join()
            total = sum(answers.get() for _ in processes)
            print(f"{total:8.0f} requests/s  {method} {path[:90]}")


if __name__ == "__main__":
    main()
