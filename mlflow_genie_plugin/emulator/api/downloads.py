"""Routes of whole query results as CSV, behind links that carry their own signature."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from mlflow_genie_plugin.emulator.api.conversations import ATTACHMENT, message_of
from mlflow_genie_plugin.emulator.api.routing import ApiRequest, Route
from mlflow_genie_plugin.emulator.api_errors import invalid, missing
from mlflow_genie_plugin.emulator.statements import statement_body


def generate_download(request: ApiRequest) -> Any:
    statement = request.world.conversations.result(message_of(request), request.path["attachment_id"])
    return {
        "download_id": statement.statement_id,
        "download_id_signature": _signature(request, statement.statement_id),
    }


def get_download(request: ApiRequest) -> Any:
    message_of(request)
    download_id = request.path["download_id"]
    signature = _signature(request, download_id)
    if not hmac.compare_digest(request.query.get("download_id_signature", ""), signature):
        raise invalid("Invalid download_id_signature.")
    statement = request.world.statements.get(download_id)
    body = statement_body(statement)
    if "result" in body:
        body["manifest"]["format"] = "CSV"
        link = f"{request.base_url}/local/downloads/{download_id}?signature={signature}"
        body["result"] = {
            "external_links": [
                {
                    "chunk_index": 0,
                    "row_offset": 0,
                    "row_count": len(statement.rows),
                    "external_link": link,
                    "expiration": "2099-01-01T00:00:00.000Z",
                }
            ]
        }
    return {"statement_response": body}


def download_rows(request: ApiRequest) -> Any:
    """Return a download's rows as CSV text; the link carries its own signature, as a presigned one does."""
    download_id = request.path["download_id"]
    if not hmac.compare_digest(request.query.get("signature", ""), _signature(request, download_id)):
        raise missing("The link has expired or is not valid.")
    import csv
    import io

    statement = request.world.statements.get(download_id)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column["name"] for column in statement.columns])
    writer.writerows(statement.rows)
    return text.getvalue()


def _signature(request: ApiRequest, download_id: str) -> str:
    key = request.world.identities.owner_token.encode()
    return hmac.new(key, download_id.encode(), hashlib.sha256).hexdigest()


ROUTES = [
    Route(
        "genie.generate_download_full_query_result",
        "POST",
        ATTACHMENT + "/downloads",
        generate_download,
        blocking=True,
    ),
    Route("genie.get_download_full_query_result", "GET", ATTACHMENT + "/downloads/{download_id}", get_download),
    Route("local.download", "GET", "/local/downloads/{download_id}", download_rows, open=True),
]
