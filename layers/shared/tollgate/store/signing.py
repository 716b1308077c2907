"""AWS Signature Version 4 for DynamoDB's one kind of request: POST / with a JSON body.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime

CONTENT_TYPE = "application/x-amz-json-1.0"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs. `token` is a session's, as Lambda's roles have it; empty where there is none."""

    key_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


class Signer:
    """Signs requests to one host of one region."""

    def __init__(self, credentials: Credentials, region: str, host: str) -> None:
        self._credentials = credentials
        self._region = region
        self._session = {"x-amz-security-token": credentials.token} if credentials.token else {}
        self._host = host
        self._key = ("", b"")  # the day's, since it takes four hashes to make

    def headers(self, target: str, body: bytes, at: datetime) -> dict[str, str]:
        """All that the request has to carry; `target` is the API's version and operation, `at` an instant in UTC."""
        time = at.strftime("%Y%m%dT%H%M%SZ")
        signed = {
            "content-type": CONTENT_TYPE,
            "host": self._host,
            "x-amz-date": time,
            **self._session,
            "x-amz-target": target,
        }
        return {**signed, "authorization": self._authorization(signed, body, time)}

    def _authorization(self, signed: dict[str, str], body: bytes, time: str) -> str:
        names = ";".join(signed)  # written in the alphabet's order above
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{time[:8]}/{self._region}/dynamodb/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._key_of(time[:8]), text.encode(), "sha256").hex()
        who = f"Credential={self._credentials.key_id}/{scope}"
        return f"AWS4-HMAC-SHA256 {who}, SignedHeaders={names}, Signature={signature}"

    def _key_of(self, day: str) -> bytes:
        known, key = self._key
        if known == day:
            return key
        key = f"AWS4{self._credentials.secret}".encode()
        for part in (day, self._region, "dynamodb", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        self._key = (day, key)
        return key
