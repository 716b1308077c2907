"""What a user paid against what their AI calls cost, per period, in paise. Pure.

The price includes GST; the gateway keeps a fee and the GST on it; the providers bill in dollars.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tollgate.counters import spent_counter
from tollgate.users import User

GST_PER_CENT = 18  # on software services; CBIC rate schedule, checked 2026-11-23
FEE_BASIS_POINTS = 236  # Razorpay's 2 % and 18 % GST on it; razorpay.com/pricing, checked 2026-11-23
WHOLE_BASIS_POINTS = 10_000
MICRO = 1_000_000


class Guard(StrEnum):
    """What happens once AI cost passes the set share of what a user paid."""

    OFF = "off"
    REPORT = "report"
    ENFORCE = "enforce"  # their calls go to gemini instead of being refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """One user's period. All in paise."""

    paid: int
    gst: int
    fee: int
    ai_cost: int

    @property
    def net(self) -> int:
        """What is left of the price before AI cost."""
        return self.paid - self.gst - self.fee

    @property
    def left(self) -> int:
        """What is left after it; below zero is a loss."""
        return self.net - self.ai_cost

    def passes(self, share_per_cent: int) -> bool:
        """Whether AI cost passes this share of what the user paid net. A period that cost nothing has nothing to protect."""
        return self.paid > 0 and self.ai_cost * 100 > self.net * share_per_cent


def margin(paid: int, spent_micro_usd: int, paise_per_usd: int) -> Margin:
    """The margin of a period of `paid` paise, credit used for it included, whose calls cost `spent_micro_usd`."""
    taxable = (paid * 100 * 2 + 100 + GST_PER_CENT) // (2 * (100 + GST_PER_CENT))  # rounded half up
    return Margin(
        paid=paid,
        gst=paid - taxable,
        fee=-(-paid * FEE_BASIS_POINTS // WHOLE_BASIS_POINTS),
        ai_cost=-(-spent_micro_usd * paise_per_usd // MICRO),
    )


def of_user(user: User, now: datetime, paise_per_usd: int) -> Margin:
    """The margin of the period that is running."""
    current = user.running(now)
    return margin(current.value if current else 0, user.counters.get(spent_counter(user, now), 0), paise_per_usd)
