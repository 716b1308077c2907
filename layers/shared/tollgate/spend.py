"""What all users' calls together cost the AI providers on a day of India's, against the ceiling on it. Pure."""

from dataclasses import dataclass
from datetime import date

from tollgate.money import rupees

MICRO = 1_000_000
NEAR, REACHED = 80, 100  # per cent of the ceiling at which somebody is told; at the second, calls are refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """A day's calls, as far as they are counted. By `raised_inr` an administrator moved the ceiling for that day alone."""

    day: date
    micro_usd: int = 0
    raised_inr: int = 0

    def reaches(self, per_cent: int, ceiling_inr: int, paise_per_usd: int) -> bool:
        """Whether that share of the ceiling is spent. Both sides are multiplied out, so that nothing is rounded."""
        return self.micro_usd * paise_per_usd * 100 >= rupees(ceiling_inr + self.raised_inr) * MICRO * per_cent
