"""What the tests of refusals share."""

from tests.functions.harness import Reply

FIELDS = {"type", "title", "status", "detail", "error", "code", "requestId"}


def problem(reply: Reply, status: int, code: str, **facts: object) -> dict[str, object]:
    """Assert that the reply is a whole problem document; its body."""
    assert (reply.status, reply.headers["content-type"]) == (status, "application/problem+json"), reply.body
    body: dict[str, object] = reply.json
    assert set(body) >= FIELDS
    assert (body["status"], body["code"]) == (status, code)
    assert all(isinstance(body[name], str) and body[name] for name in FIELDS - {"status"})
    assert body["error"] == body["detail"] or code == "internal_error"
    assert body["type"] == f"urn:tollgate:problem:{code}"
    assert {name: body[name] for name in facts} == facts
    assert "no-store" in reply.headers["cache-control"]
    return body


def fields(reply: Reply) -> list[str]:
    """The fields that an invalid request's reply complains of."""
    return [each["field"] for each in reply.json["errors"]]
