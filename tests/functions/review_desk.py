"""What waits for an administrator, and what they decide about it."""

from __future__ import annotations

from typing import Any

from tests.functions.harness import Reply, World

type Json = dict[str, Any]

LIST = "/api/admin/flagged-payments"


def listed(world: World, name: str) -> Json | None:
    """The entry of that name among what waits for a person, looked for page by page."""
    path = LIST
    while path:
        reply = world.get(path, token=world.token("boss", role="admin"))
        assert reply.status == 200, reply.body
        for each in reply.json:
            if each["paymentId"] == name:
                found: Json = each
                return found
        path = reply.headers.get("link", "").partition(">")[0].lstrip("<")
    return None


def resolve(world: World, name: str, action: str) -> Reply:
    return world.post(f"{LIST}/{name}/resolve", {"action": action}, token=world.token("boss", role="admin"))
