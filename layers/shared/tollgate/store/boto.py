"""DynamoDB through boto3: the engine to fall back on, and the one that the thin engine is checked against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tollgate.store.dynamodb import ATTEMPTS, CONNECT_SECONDS, READ_SECONDS, DatabaseError, UnreachableError


class Boto:
    """boto3's client behind our interface."""

    def __init__(self, read_seconds: float = READ_SECONDS) -> None:
        import boto3
        from botocore.config import Config

        self._client = boto3.client(
            "dynamodb",
            config=Config(
                user_agent="tollgate",  # composing boto3's own takes a tenth of a request's time
                parameter_validation=False,  # DynamoDB validates what it gets
                connect_timeout=CONNECT_SECONDS,
                read_timeout=read_seconds,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                max_pool_connections=2,
                tcp_keepalive=True,
            ),
        )

    def __call__(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """See `Engine`."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**request)
        except BotoCoreError as error:
            raise UnreachableError(type(error).__name__) from error
        except ClientError as error:
            raise _translated(error.response) from error
        del answer["ResponseMetadata"]  # botocore's own, not DynamoDB's
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _translated(response: Mapping[str, Any]) -> DatabaseError:
    said = response["Error"]
    return DatabaseError(
        said["Code"],
        said.get("Message", ""),
        status=response["ResponseMetadata"]["HTTPStatusCode"],
        item=response.get("Item"),
        reasons=response.get("CancellationReasons", ()),
    )
