"""An engine that listens somewhere, asked in its own wire format and without any client in between."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.simulation.values import SETS, a_set
from tollgate.store.dynamodb import DatabaseError

type Json = dict[str, Any]
type Outcome = tuple[str, Any]

_SIGNED = "AWS4-HMAC-SHA256 Credential=local/20260101/ap-south-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
_HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "Authorization": _SIGNED,
    "X-Amz-Date": "20260101T000000Z",
}


class Remote:
    """An engine of ours in front of what listens there."""

    def __init__(self, endpoint: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=20)

    def __call__(self, operation: str, request: Mapping[str, Any]) -> Json:
        """See `Engine`."""
        name = "".join(part.title() for part in operation.split("_"))
        body = json.dumps(request, default=lambda raw: base64.b64encode(raw).decode())
        self._connection.request("POST", "/", body, {**_HEADERS, "X-Amz-Target": f"DynamoDB_20120810.{name}"})
        reply = self._connection.getresponse()
        answer: Json = json.loads(reply.read())
        if reply.status != http.client.OK:
            said: str = answer.get("message") or answer.get("Message") or ""
            raise DatabaseError(
                str(answer["__type"]).rpartition("#")[2],
                said,
                item=answer.get("Item"),
                reasons=answer.get("CancellationReasons", ()),
            )
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def outcome(engine: Callable[[str, Mapping[str, Any]], Json], operation: str, request: Mapping[str, Any]) -> Outcome:
    """What came of a request, to be held against another engine's: values, codes and items, no wording and no chance order."""
    try:
        return "done", _answer(engine(operation, request))
    except DatabaseError as error:
        reasons = [(each["Code"], plain(each.get("Item"))) for each in error.reasons]
        return error.code, (plain(error.item), reasons)


def _answer(answer: Json) -> Json:
    found: Json = plain({name: value for name, value in answer.items() if name not in {"Responses", "UnprocessedKeys"}})
    responses = answer.get("Responses")
    if isinstance(responses, dict):  # a batch comes in any order
        found["Responses"] = {name: sorted(map(plain, items), key=repr) for name, items in responses.items()}
    elif responses is not None:
        found["Responses"] = [plain(each) for each in responses]
    return found


def plain(value: Any) -> Any:  # noqa: ANN401 -- whatever is in an answer
    """An answer with its maps and sets in one order."""
    if isinstance(value, Mapping):
        if len(value) == 1:
            ((kind, members),) = value.items()
            if kind in SETS and isinstance(members, list):
                return a_set(kind, [base64.b64encode(m).decode() if isinstance(m, bytes) else m for m in members])
            if kind == "B" and isinstance(members, bytes):
                return {"B": base64.b64encode(members).decode()}
        return {name: plain(value[name]) for name in sorted(value)}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value
