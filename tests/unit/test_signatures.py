"""Razorpay's three signatures: the vectors of its documentation, and everything that is nearly one of them."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollgate.config import Razorpay
from tollgate.payments.gateway import Gateway, signed

SECRET = "EnLs21M47BllR3X8PSFtjtbd"
BODY = b'{"entity":"event","event":"payment.captured","contains":["payment"]}'
BODY_SIGNATURE = "ec2fe909d9f690dc4c84ea43fc3c9d09b32ea95620326737df897834c68c7ddb"

VECTORS = [
    (
        b"fake_order_id|fake_payment_id",
        "key_secret",
        "b2335e3b0801106b84a7faff035df56ecffde06918c9ddd1f0fafbb37a51cc89",
    ),
    (
        b"pay_IDZNwZZFtnjyym|sub_ID6MOhgkcoHj9I",
        SECRET,
        "601f383334975c714c91a7d97dd723eb56520318355863dcf3821c0d07a17693",
    ),
    (
        b"plink_IH3cNucfVEgV68|TSsd1989|paid|pay_IH3d0ara9bSsjQ",
        SECRET,
        "07ae18789e35093e51d0a491eb9922646f3f82773547e5b0f67ee3f2d3bf7d5b",
    ),
    (BODY, "whsec_test", BODY_SIGNATURE),
]


def a_gateway(key: str = "k", webhook: str = "w", previous: str = "") -> Gateway:
    return Gateway(
        Razorpay(
            base_url="http://127.0.0.1:1",
            key_id="rzp_test_1",
            key_secret=key,
            webhook_secret=webhook,
            webhook_secret_previous=previous,
        ),
    )


def sign(message: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(("message", "secret", "signature"), VECTORS)
def test_the_published_vectors_hold(message: bytes, secret: str, signature: str) -> None:
    assert signed(message, signature, secret)


@pytest.mark.parametrize(("message", "secret", "signature"), VECTORS)
def test_one_changed_byte_anywhere_does_not_hold(message: bytes, secret: str, signature: str) -> None:
    for at in range(len(message)):
        flipped = message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :]
        assert not signed(flipped, signature, secret)
    for at in range(len(signature)):
        other = "0" if signature[at] != "0" else "1"
        assert not signed(message, signature[:at] + other + signature[at + 1 :], secret)


@pytest.mark.parametrize(
    "given_signature",
    [
        "",
        " ",
        BODY_SIGNATURE.upper(),
        BODY_SIGNATURE[:-1],
        BODY_SIGNATURE + "0",
        BODY_SIGNATURE + "\n",
        f"sha256={BODY_SIGNATURE}",
        "é" * 64,
        "\ud800" * 64,
        "\x00" * 64,
        "0" * 1_000_000,
    ],
)
def test_what_is_nearly_a_signature_is_refused_without_an_error(given_signature: str) -> None:
    assert not signed(BODY, given_signature, "whsec_test")


@given(st.binary(max_size=300), st.text(max_size=80))
def test_no_text_that_razorpay_did_not_make_is_accepted(body: bytes, text: str) -> None:
    assert signed(body, text, "whsec_test") == (text == sign(body, "whsec_test"))


def test_an_empty_secret_signs_nothing() -> None:
    assert not signed(BODY, sign(BODY, ""), "")
    gateway = a_gateway(key="", webhook="", previous="")
    assert not gateway.is_webhook_signature(BODY, sign(BODY, ""))
    assert not gateway.is_payment_signature("order_1", "pay_1", sign(b"order_1|pay_1", ""))


def test_a_webhook_may_be_signed_with_the_present_or_the_previous_secret() -> None:
    gateway = a_gateway(webhook="new", previous="old")
    assert gateway.is_webhook_signature(BODY, sign(BODY, "new"))
    assert gateway.is_webhook_signature(BODY, sign(BODY, "old"))
    assert not gateway.is_webhook_signature(BODY, sign(BODY, "older"))
    assert not a_gateway(webhook="new").is_webhook_signature(BODY, sign(BODY, "old"))


def test_a_body_that_was_written_again_is_refused_even_if_it_means_the_same() -> None:
    body = b'{"event": "payment.captured", "note": "\\u20b9"}'
    signature = sign(body, "w")
    assert a_gateway().is_webhook_signature(body, signature)
    for again in (body.replace(b": ", b":"), body.replace(b"\\u20b9", "₹".encode()), body + b"\n"):
        assert not a_gateway().is_webhook_signature(again, signature)


def test_the_three_kinds_of_signature_do_not_stand_in_for_each_other() -> None:
    gateway = a_gateway()
    order, mandate, webhook = b"order_1|pay_1", b"pay_1|sub_1", b"order_1|pay_1"
    assert gateway.is_payment_signature("order_1", "pay_1", sign(order, "k"))
    assert not gateway.is_payment_signature("order_1", "pay_1", sign(webhook, "w"))
    assert not gateway.is_payment_signature("sub_1", "pay_1", sign(mandate, "k"))
    assert not gateway.is_payment_signature("order_1", "pay_1", sign(b"pay_1|order_1", "k"))
    assert not gateway.is_webhook_signature(order, sign(order, "k"))
