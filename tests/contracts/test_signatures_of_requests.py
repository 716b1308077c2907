"""Our signatures are botocore's, byte for byte, over random requests. SIGNATURES=100000 tries as many."""

from __future__ import annotations

import os
import random
import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from tollgate.store.signing import Credentials, Signer

COUNT = int(os.environ.get("SIGNATURES", "3000"))
PARTS = 10
BEGIN = datetime(2024, 2, 28, tzinfo=UTC)
TEXT = string.printable + "äöü€₹मुद्रा\u0000\u2028😀"
SECRET_LETTERS = string.ascii_letters + string.digits + "/+="
HOSTS = (
    "dynamodb.ap-south-1.amazonaws.com",
    "dynamodb.us-east-1.amazonaws.com",
    "127.0.0.1:8000",
    "vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com",
)
OPERATIONS = ("GetItem", "PutItem", "UpdateItem", "Query", "TransactWriteItems", "BatchGetItem")


def of_botocore(
    credentials: Credentials, region: str, headers: Mapping[str, str], body: bytes, at: datetime
) -> dict[str, str]:
    """What botocore puts on the same request."""
    host = headers["host"]
    scheme = "http" if ":" in host else "https"
    given = {name: headers[name] for name in ("content-type", "x-amz-target")}
    request = AWSRequest("POST", f"{scheme}://{host}/", headers=given, data=body)
    known = BotocoreCredentials(credentials.key_id, credentials.secret, credentials.token or None)
    signer = SigV4Auth(known, "dynamodb", region)
    # Its `add_auth` without the first line, which asks the system for the time.
    request.context["timestamp"] = at.strftime(SIGV4_TIMESTAMP)
    signer._modify_request_before_signing(request)  # noqa: SLF001 -- as above
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))  # noqa: SLF001 -- as above
    return {name.lower(): value for name, value in request.headers.items()}


def some(chance: random.Random, letters: str, most: int, least: int = 0) -> str:
    return "".join(chance.choices(letters, k=chance.randint(least, most)))


def signers(chance: random.Random) -> tuple[Credentials, str, Signer, str]:
    credentials = Credentials(
        key_id=some(chance, string.ascii_uppercase + string.digits, 20, 16),
        secret=some(chance, SECRET_LETTERS, 64, 1),
        token=chance.choice(("", some(chance, SECRET_LETTERS, 600, 20))),
    )
    region, host = chance.choice(("ap-south-1", "us-east-1", "eu-central-2")), chance.choice(HOSTS)
    return credentials, region, Signer(credentials, region, host), host


@pytest.mark.parametrize("part", range(PARTS))
def test_a_request_is_signed_as_botocore_signs_it(part: int) -> None:
    chance = random.Random(part)  # noqa: S311 -- a seed, so that a failure comes again
    for number in range(COUNT // PARTS):
        if number % 20 == 0:  # a signer meets many requests: its key is kept from one to the next
            credentials, region, signer, host = signers(chance)
        at = BEGIN + timedelta(seconds=chance.randrange(86_400 * 3 if number % 2 else 400_000_000))
        body = some(chance, TEXT, chance.choice((0, 40, 3_000))).encode()
        headers = signer.headers(f"DynamoDB_20120810.{chance.choice(OPERATIONS)}", body, at)
        expected = of_botocore(credentials, region, headers, body, at)
        seen: dict[str, Any] = {name: value for name, value in headers.items() if name != "host"}
        assert seen == expected, (part, number, host)


def test_nothing_of_the_credentials_shows_in_a_text_of_theirs() -> None:
    assert repr(Credentials("AKIAEXAMPLE", "very secret", "a token")) == "Credentials(key_id='AKIAEXAMPLE')"
