"""Sending mail through SES. One try a call: what SES took and did not confirm must not go out a second time unasked."""

from __future__ import annotations

from typing import Any

from tollgate.errors import ProviderUnavailable
from tollgate.letters import Mail

# What SES says of this mail or this address; anything else is about our account or about SES itself, and passes.
REFUSALS = frozenset({"MessageRejected", "BadRequestException", "InvalidParameterValue"})


class AddressRefusedError(Exception):
    """SES will never take this mail for this address. The reason is in SES's own word, without the address."""


class Post:
    """SES's v2 API."""

    def __init__(self, sender: str) -> None:
        self._sender = sender
        self._client: Any = None

    def send(self, mail: Mail, to: str, kind: str) -> str:
        """Send a mail, and return SES's id of it. Raises AddressRefusedError, or ProviderUnavailable where it may be tried
        again: then SES may, seldom, have taken it all the same."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._sesv2().send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": [to]},
                Content={"Simple": _simple(mail)},
                EmailTags=[{"Name": "kind", "Value": kind}],
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise (AddressRefusedError(code) if code in REFUSALS else ProviderUnavailable(f"SES: {code}")) from error
        except BotoCoreError as error:
            raise ProviderUnavailable(f"SES: {type(error).__name__}") from error
        return str(answer["MessageId"])

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()

    def _sesv2(self) -> Any:  # noqa: ANN401 -- boto3 makes its clients at run time
        if self._client is None:
            import boto3
            from botocore.config import Config

            retries = {"mode": "standard", "total_max_attempts": 1}
            self._client = boto3.client("sesv2", config=Config(connect_timeout=1, read_timeout=5, retries=retries))
        return self._client


def _simple(mail: Mail) -> dict[str, Any]:
    return {
        "Subject": _utf8(mail.subject),
        "Body": {"Text": _utf8(mail.text), "Html": _utf8(mail.html)},
    }


def _utf8(words: str) -> dict[str, str]:
    return {"Data": words, "Charset": "UTF-8"}
