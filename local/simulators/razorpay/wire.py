"""The small things every reply shares: ids, seconds, signatures, JSON and the error body."""

import hmac
import json
import secrets
import string
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from starlette.responses import JSONResponse

type Json = dict[str, Any]
type Notes = Json | list[Any]  # an object, or `[]` when there are none

ALPHABET = string.digits + string.ascii_letters
ID_LENGTH = 14
HEADERS = {
    "Cache-Control": "max-age=0, must-revalidate, no-store, nocache, private",
    "X-Frame-Options": "SAMEORIGIN",
}


class Refusal(Exception):  # noqa: N818 -- it is an answer, not a fault
    """Razorpay says no: a status and the error body that goes with it."""

    def __init__(self, description: str, *, field: str | None = None, status: int = 400) -> None:
        super().__init__(description)
        self.description = description
        self.field = field
        self.status = status


def new_id(prefix: str = "") -> str:
    """Fourteen base62 characters behind the prefix, as in `order_RB58MiP5SPFYyM`."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))
    return f"{prefix}_{drawn}" if prefix else drawn


def digits(length: int) -> str:
    """A bank's reference: random decimal digits, never a leading zero."""
    return str(secrets.randbelow(9 * 10 ** (length - 1)) + 10 ** (length - 1))


def seconds(moment: datetime) -> int:
    """Unix seconds, the only notation of time on this wire."""
    return int(moment.timestamp())


def moment(unix_seconds: int) -> datetime:
    return datetime.fromtimestamp(unix_seconds, UTC)


def sign(message: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), message, sha256).hexdigest()


def compact(content: Json) -> bytes:
    """JSON without spaces, keys in the order they were written."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def odd(content: Json) -> bytes:
    """The same content as some events carry it: sorted keys, escaped slashes and non-ASCII characters."""
    return json.dumps(content, separators=(",", ":"), sort_keys=True).replace("/", "\\/").encode()


def collection(items: list[Json]) -> Json:
    return {"entity": "collection", "count": len(items), "items": items}


def reply(content: Json | list[Json], status: int = 200) -> JSONResponse:
    return JSONResponse(content, status, HEADERS)


def error(refusal: Refusal) -> Json:
    """The full error body of a refused request."""
    body: Json = {
        "code": "BAD_REQUEST_ERROR",
        "description": refusal.description,
        "source": "business",
        "step": "payment_initiation",
        "reason": "input_validation_failed",
        "metadata": {},
    }
    if refusal.field is not None:
        body["field"] = refusal.field
    return {"error": body}


def bare_error(code: str, description: str) -> Json:
    return {"error": {"code": code, "description": description}}
