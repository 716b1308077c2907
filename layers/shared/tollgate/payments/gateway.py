"""Razorpay through its SDK, fenced: explicit time-outs, never its blind retry, its errors in our words.

The SDK keeps of an error only its text and retries POSTs without asking; the session below keeps status and code, and
refuses redirects. Creating an order has no idempotency at Razorpay, so a call whose outcome is unknown is never repeated here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tollgate.config import Razorpay
from tollgate.errors import Conflict, PaymentNotVerified, ProviderUnavailable
from tollgate.payments.orders import MalformedPaymentError, Payment, to_payment

if TYPE_CHECKING:
    import razorpay

CONNECT_SECONDS = 3.05
READ_SECONDS = 8.0


class GatewayError(Exception):
    """An answer of Razorpay's that is not a success: its status, and its code where it gave one."""

    def __init__(self, status: int, code: str | None) -> None:
        super().__init__(f"razorpay answered {status} {code or ''}".strip())
        self.status = status
        self.code = code


class Gateway:
    """Razorpay for one key. Built once a process; the connection is kept alive."""

    def __init__(self, settings: Razorpay) -> None:
        self._settings = settings
        self._client: razorpay.Client | None = None

    @property
    def key_id(self) -> str:
        return self._settings.key_id

    def create_order(self, amount: int, currency: str, receipt: str, notes: Mapping[str, str]) -> str:
        """Make an order of `amount` paise and return its id.

        Where the outcome is unknown (no answer, or an error of theirs) the order is looked for by its receipt and never made
        twice. Raises ProviderUnavailable.
        """
        body = {"amount": amount, "currency": currency, "receipt": receipt, "notes": dict(notes)}
        try:
            made = self._call(lambda client: client.order.create(body))
        except ProviderUnavailable:
            made = self._order_with(receipt)
        except GatewayError as error:
            made = self._order_with(receipt) if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else None
        order_id = made.get("id") if isinstance(made, dict) else None
        if not isinstance(order_id, str) or made.get("amount") != amount:
            raise ProviderUnavailable("Razorpay did not make the order; nothing was charged. Try again.")
        return order_id

    def _order_with(self, receipt: str) -> Any:  # noqa: ANN401 -- whatever Razorpay answers
        try:
            listed = self._call(lambda client: client.order.all({"receipt": receipt}))
        except GatewayError:
            return None
        items = listed.get("items") if isinstance(listed, dict) else None
        return items[0] if items else None

    def payments_of(self, order_id: str) -> list[Payment]:
        """All payments tried for an order. Raises ProviderUnavailable."""
        try:
            listed = self._call(lambda client: client.order.payments(order_id))
            return [to_payment(entity) for entity in listed["items"]]
        except (GatewayError, MalformedPaymentError, KeyError, TypeError) as error:
            raise ProviderUnavailable("Razorpay's answer could not be read; try again.") from error

    def fetch_payment(self, payment_id: str) -> Payment:
        """The payment as Razorpay has it now. Raises PaymentNotVerified where there is none, ProviderUnavailable."""
        try:
            return to_payment(self._call(lambda client: client.payment.fetch(payment_id)))
        except MalformedPaymentError as error:
            raise ProviderUnavailable("Razorpay's answer could not be read; try again.") from error
        except GatewayError as error:
            if error.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}:
                raise PaymentNotVerified("Razorpay does not know this payment.") from error
            raise ProviderUnavailable("Razorpay is not available; nothing was changed. Try again.") from error

    def refund(self, payment_id: str, amount: int) -> str:
        """Give `amount` paise of a payment back and return the refund's id; asked twice, it is given once.

        Raises Conflict where Razorpay will not, ProviderUnavailable where it does not answer.
        """
        once = {"X-Refund-Idempotency": f"refund-{payment_id}"}
        try:
            made = self._call(lambda client: client.payment.refund(payment_id, {"amount": amount}, headers=once))
        except GatewayError as error:
            if error.status == HTTPStatus.BAD_REQUEST:
                raise Conflict("Razorpay refuses this refund; look at the payment there.") from error
            raise ProviderUnavailable("Razorpay is not available; ask for the refund again.") from error
        return str(made["id"])

    def _call(self, request: Callable[[razorpay.Client], Any]) -> Any:  # noqa: ANN401 -- whatever Razorpay answers
        from requests import RequestException

        try:
            return request(self._sdk())
        except (RequestException, ValueError) as error:
            raise ProviderUnavailable("Razorpay did not answer; nothing was changed. Try again.") from error

    def _sdk(self) -> razorpay.Client:
        if self._client is None:
            self._client = _build(self._settings)
        return self._client

    def is_payment_signature(self, order_id: str, payment_id: str, signature: str) -> bool:
        """Whether Razorpay signed this payment of this order for our key."""
        return signed(f"{order_id}|{payment_id}".encode(), signature, self._settings.key_secret)

    def is_webhook_signature(self, body: bytes, signature: str) -> bool:
        """Whether Razorpay signed these very bytes with one of our webhook secrets."""
        return any(signed(body, signature, secret) for secret in self._settings.webhook_secrets)


def signed(message: bytes, signature: str, secret: str) -> bool:
    """Whether `signature` is the lower-case hex HMAC-SHA256 of the message. Takes the same time right or wrong."""
    expected = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    return bool(secret) and hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))


def _build(settings: Razorpay) -> razorpay.Client:
    import razorpay
    import requests

    class Session(requests.Session):
        def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401
            kwargs |= {"timeout": (CONNECT_SECONDS, READ_SECONDS), "allow_redirects": False}
            response = super().request(method, url, *args, **kwargs)
            if HTTPStatus(response.status_code).is_success:
                return response
            raise GatewayError(response.status_code, _code(response))

    client = razorpay.Client(session=Session(), auth=(settings.key_id, settings.key_secret), base_url=settings.base_url)
    client.cert_path = True  # the system's certificates; the SDK's own bundle is of 2015
    return client


def _code(response: Any) -> str | None:  # noqa: ANN401 -- a requests.Response, not loaded here
    try:
        error = response.json()["error"]
        return str(error["code"])
    except (ValueError, KeyError, TypeError):
        return None
