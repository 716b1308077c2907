"""Razorpay through its SDK, fenced: explicit time-outs, never its blind retry, its errors in our words.

The SDK keeps of an error only its text and retries POSTs without asking; the session below keeps status and code, and
refuses redirects. Creating an order has no idempotency at Razorpay, so a call whose outcome is unknown is never repeated here.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tollgate import plans
from tollgate.clock import monotonic
from tollgate.config import Razorpay
from tollgate.errors import Conflict, PaymentNotVerified, ProviderUnavailable
from tollgate.payments.mandates import Bill, Seen, to_bill, to_seen
from tollgate.payments.orders import MalformedPaymentError, Payment, to_payment

if TYPE_CHECKING:
    import razorpay

CONNECT_SECONDS = 3.05
READ_SECONDS = 8.0
LINES = 1000  # of a settlement's report, at most
REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})  # a product not enabled, too
PAGE, PAGES = 100, 10  # of Razorpay's lists, and how many are looked through
CLOCKS_DIFFER = 60  # seconds that Razorpay's clock may be behind ours
REFERENCE = "reference"  # the note by which what we made is found again

_until: ContextVar[float | None] = ContextVar("until", default=None)  # the monotonic second at which patience ends


class GatewayError(Exception):
    """An answer of Razorpay's that is not a success: its status, and its code where it gave one."""

    def __init__(self, status: int, code: str | None) -> None:
        super().__init__(f"razorpay answered {status} {code or ''}".strip())
        self.status = status
        self.code = code


class InvalidPlanError(Exception):
    """Razorpay does not take the plan, which another key or account may have made."""


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Whatever is asked of Razorpay in here may take so many seconds together; after that it counts as no answer."""
    token = _until.set(monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def _timeouts() -> tuple[float, float]:
    """The seconds to wait for a connection and for each answer on it. Raises ProviderUnavailable where none are left."""
    until = _until.get()
    if until is None:
        return CONNECT_SECONDS, READ_SECONDS
    left = until - monotonic()
    if left <= 0:
        raise ProviderUnavailable("Razorpay is slow; what it did not do yet is left for later.")
    return min(CONNECT_SECONDS, left), min(READ_SECONDS, left)


class Gateway:
    """Razorpay for one key. Built once a process; the connection is kept alive."""

    def __init__(self, settings: Razorpay) -> None:
        self._settings = settings
        self._client: razorpay.Client | None = None

    def prepare(self) -> None:
        """Load the SDK and build its client, before the first request needs them."""
        self._sdk()

    @property
    def key_id(self) -> str:
        return self._settings.key_id

    @property
    def mode(self) -> str:
        """The world that the key opens: live or test."""
        return "live" if self.key_id.startswith("rzp_live_") else "test"

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
        return next((each for each in items or () if each.get("receipt") == receipt), None)

    def payments_of(self, order_id: str) -> list[Payment]:
        """All payments tried for an order; none for an order that Razorpay does not know. Raises ProviderUnavailable."""
        try:
            listed = self._call(lambda client: client.order.payments(order_id))
            return [to_payment(entity) for entity in listed["items"]]
        except GatewayError as error:
            if error.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}:
                return []
            raise ProviderUnavailable("Razorpay is not available; nothing was changed. Try again.") from error
        except (MalformedPaymentError, KeyError, TypeError) as error:
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

    # Mandates

    def plan(self, reference: str, period: tuple[str, int], name: str, amount: int) -> str:
        """The id of Razorpay's plan whose notes carry this reference, made if there is none. Raises ProviderUnavailable."""
        every, interval = period
        body = {
            "period": every,
            "interval": interval,
            "item": {"name": name, "amount": amount, "currency": plans.CURRENCY},
            "notes": {REFERENCE: reference},
        }
        found = self._referred("plan", reference, {})
        made = found or self._asked(lambda client: client.plan.create(body))
        return str(made["id"])

    def create_subscription(self, plan_id: str, reference: str, options: Mapping[str, object], since: int) -> Seen:
        """Make a subscription whose notes carry our reference, as it stands at `since`, a second of 1970.

        Where the outcome is unknown it is looked for by that reference and never made twice. Raises ProviderUnavailable, and
        InvalidPlanError where Razorpay refuses, as for a plan that is not there.
        """
        try:
            made = self._call(lambda client: client.subscription.create({"plan_id": plan_id, **options}))
        except (ProviderUnavailable, GatewayError) as error:
            if isinstance(error, GatewayError) and error.status == HTTPStatus.BAD_REQUEST:
                raise InvalidPlanError from error
            made = self._referred("subscription", reference, {"from": since - CLOCKS_DIFFER})
            if made is None:
                raise ProviderUnavailable("Razorpay did not make the subscription; try again.") from error
        return _read(lambda: to_seen(made, since))

    def subscription_with(self, reference: str, since: int) -> Seen | None:
        """The subscription whose notes carry our reference, if one was made since then. Raises ProviderUnavailable."""
        found = self._referred("subscription", reference, {"from": since - CLOCKS_DIFFER})
        return _read(lambda: to_seen(found, since)) if found else None

    def fetch_subscription(self, subscription_id: str, now: int) -> Seen:
        """The subscription as Razorpay has it now. Raises ProviderUnavailable."""
        found = self._asked(lambda client: client.subscription.fetch(subscription_id))
        return _read(lambda: to_seen(found, now))

    def cancel_subscription(self, subscription_id: str, *, at_cycle_end: bool) -> None:
        """End a mandate: at once, or instead of its next charge. One that has ended is left. Raises ProviderUnavailable."""
        wish = {"cancel_at_cycle_end": at_cycle_end}
        try:
            self._call(lambda client: client.subscription.cancel(subscription_id, wish))
        except GatewayError as error:
            refused = error.status == HTTPStatus.BAD_REQUEST
            if refused and self.fetch_subscription(subscription_id, 0).is_final:
                return
            if refused and at_cycle_end:  # not in every state; what is paid lasts all the same
                self.cancel_subscription(subscription_id, at_cycle_end=False)
                return
            raise ProviderUnavailable("Razorpay is not available; it will be asked again.") from error

    def bills_of(self, subscription_id: str) -> list[Bill]:
        """The invoices of a subscription's cycles, oldest first; at most its last hundred. Raises ProviderUnavailable."""
        query = {"subscription_id": subscription_id, "count": PAGE}
        listed = self._asked(lambda client: client.invoice.all(query))
        return _read(lambda: [to_bill(each) for each in reversed(listed["items"]) if each.get("billing_end")])

    def bill(self, invoice_id: str) -> Bill:
        """One invoice. Raises ProviderUnavailable."""
        found = self._asked(lambda client: client.invoice.fetch(invoice_id))
        return _read(lambda: to_bill(found))

    def _referred(self, kind: str, reference: str, query: Mapping[str, object]) -> Any:  # noqa: ANN401 -- as Razorpay has it
        for skip in range(0, PAGES * PAGE, PAGE):
            page = {**query, "count": PAGE, "skip": skip}
            items = self._asked(partial(_listed, kind, page))["items"]
            for each in items:
                notes = each.get("notes")  # an empty list where there are none
                if isinstance(notes, Mapping) and notes.get(REFERENCE) == reference:
                    return each
            if len(items) < PAGE:
                break
        return None

    def _asked(self, request: Callable[[razorpay.Client], Any]) -> Any:  # noqa: ANN401 -- whatever Razorpay answers
        try:
            return self._call(request)
        except GatewayError as error:
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

    # Lists, for the daily check. Entities come as Razorpay has them: one that cannot be read is not to hide the others.

    def made_between(self, kind: str, since: datetime, until: datetime) -> list[dict[str, Any]]:
        """All payments, refunds or disputes made from `since` up to, not including, `until`, each once; none of what this
        account may not list. Raises ProviderUnavailable.
        """
        first, last = int(since.timestamp()), int(until.timestamp())
        query = {"from": first - 1, "to": last + 1}  # whether Razorpay counts the ends in is not documented
        found: dict[str, dict[str, Any]] = {}
        for skip in itertools.count(0, PAGE):
            page = {**query, "count": PAGE, "skip": skip}
            items = self._items(partial(_listed, kind, page), may_be_refused=kind == "dispute")
            found |= {str(each.get("id")): each for each in items}
            if len(items) < PAGE:
                break
        return [each for each in found.values() if first <= _second(each, first) < last]

    def settled_on(self, day: date) -> list[dict[str, Any]] | None:
        """The lines of what was settled on that day in India; None where this account may not see them.

        Raises ProviderUnavailable.
        """
        asked = {"year": day.year, "month": day.month, "day": day.day, "count": LINES}
        lines: list[dict[str, Any]] = []
        for skip in itertools.count(0, LINES):
            page = {**asked, "skip": skip}
            try:
                items = self._call(partial(_report, page))["items"]
            except GatewayError as error:
                if error.status in REFUSED:
                    return None
                raise ProviderUnavailable("Razorpay is not available; it will be asked again.") from error
            except (KeyError, TypeError) as error:
                raise ProviderUnavailable("Razorpay's answer could not be read; try again.") from error
            lines += items
            if len(items) < LINES:
                break
        return lines

    def entity(self, kind: str, name: str) -> dict[str, Any] | None:
        """A payment or dispute as Razorpay has it now; None where it knows of none. Raises ProviderUnavailable."""
        try:
            found: dict[str, Any] = self._call(lambda client: getattr(client, kind).fetch(name))
        except GatewayError as error:
            if error.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}:
                return None
            raise ProviderUnavailable("Razorpay is not available; it will be asked again.") from error
        return found

    def refunds_of(self, payment_id: str) -> list[dict[str, Any]]:
        """All refunds of a payment, at most its last hundred. Raises ProviderUnavailable."""
        return self._items(lambda client: client.payment.fetch_multiple_refund(payment_id, {"count": PAGE}))

    def _items(
        self, request: Callable[[razorpay.Client], Any], *, may_be_refused: bool = False
    ) -> list[dict[str, Any]]:
        try:
            return list(self._call(request)["items"])
        except GatewayError as error:
            if may_be_refused and error.status in REFUSED:
                return []
            raise ProviderUnavailable("Razorpay is not available; it will be asked again.") from error
        except (KeyError, TypeError) as error:
            raise ProviderUnavailable("Razorpay's answer could not be read; try again.") from error

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

    def is_mandate_signature(self, subscription_id: str, payment_id: str, signature: str) -> bool:
        """Whether Razorpay signed this payment of this subscription for our key; the ids stand in the other order."""
        return signed(f"{payment_id}|{subscription_id}".encode(), signature, self._settings.key_secret)

    def is_webhook_signature(self, body: bytes, signature: str) -> bool:
        """Whether Razorpay signed these very bytes with one of our webhook secrets."""
        return any(signed(body, signature, secret) for secret in self._settings.webhook_secrets)


def _listed(kind: str, page: Mapping[str, object], client: razorpay.Client) -> Any:  # noqa: ANN401 -- as Razorpay has it
    return getattr(client, kind).all(page)


def _report(page: Mapping[str, object], client: razorpay.Client) -> Any:  # noqa: ANN401 -- as Razorpay has it
    return client.settlement.report(page)


def _second(entity: Mapping[str, Any], otherwise: int) -> int:
    made = entity.get("created_at")
    return made if isinstance(made, int) else otherwise


def _read[T](parse: Callable[[], T]) -> T:
    try:
        return parse()
    except (MalformedPaymentError, KeyError, TypeError) as error:
        raise ProviderUnavailable("Razorpay's answer could not be read; try again.") from error


def signed(message: bytes, signature: str, secret: str) -> bool:
    """Whether `signature` is the lower-case hex HMAC-SHA256 of the message. Takes the same time right or wrong."""
    expected = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    return bool(secret) and hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))


def _build(settings: Razorpay) -> razorpay.Client:
    import razorpay
    import requests

    class Session(requests.Session):
        def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401 -- what `requests` takes
            kwargs |= {"timeout": _timeouts(), "allow_redirects": False}
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
