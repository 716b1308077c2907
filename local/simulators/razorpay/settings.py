"""What the simulated account is told at its start, and the switches that can be turned while it runs."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Settings:
    """The account's keys and addresses; amounts are paise, `webhook_spacing` is real seconds between deliveries."""

    key_id: str = "rzp_test_local"
    key_secret: str = field(default="local-key-secret", repr=False)
    webhook_secret: str = field(default="local-webhook-secret", repr=False)
    webhook_url: str | None = None
    public_url: str = "http://127.0.0.1:3001"
    other_key_id: str = "rzp_test_other"  # a second account, to prove that ids do not cross from one to the other
    other_key_secret: str = field(default="other-key-secret", repr=False)
    webhook_spacing: float = 0.3
    max_amount: int = 50_000_000


@dataclass(slots=True)
class Switches:
    """What Razorpay may do one way or the other; `PATCH /_sim/options` turns them."""

    list_lag_seconds: int = 0  # how long lists miss a new object, while fetching it by id already works
    unique_receipts: bool = False  # refuse an order whose receipt was used before
    capture_manually: bool = False  # the account's capture setting
    refunds_wait: bool = False  # refunds stay pending until they are settled by hand
    authenticated_event: bool = True  # an immediate start also says `subscription.authenticated`
    settle_automatically: bool = True  # captured money is settled two working days later
    odd_bodies: bool = False  # webhooks with sorted keys and escaped slashes, against receivers that re-serialise
