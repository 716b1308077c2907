"""The ceiling is never exceeded by rounding, and never reached before its time."""

from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tollgate.spend import NEAR, REACHED, Spend

DAY = date(2026, 11, 23)
CEILINGS = st.integers(1, 10**9)  # rupees
RATES = st.integers(1, 10**6)  # paise a dollar
SPENT = st.integers(0, 10**15)  # micro-dollars


def in_rupees(micro_usd: int, paise_per_usd: int) -> Fraction:
    return Fraction(micro_usd, 1_000_000) * Fraction(paise_per_usd, 100)


@given(CEILINGS, RATES, SPENT)
def test_what_is_not_at_the_ceiling_is_below_it_to_the_last_fraction_of_a_paisa(
    ceiling: int, rate: int, micro_usd: int
) -> None:
    spend = Spend(day=DAY, micro_usd=micro_usd)
    assert spend.reaches(REACHED, ceiling, rate) == (in_rupees(micro_usd, rate) >= ceiling)
    assert spend.reaches(NEAR, ceiling, rate) == (in_rupees(micro_usd, rate) >= ceiling * Fraction(4, 5))


@given(CEILINGS, RATES)
def test_the_first_micro_dollar_that_reaches_the_ceiling_closes_it_and_the_one_before_does_not(
    ceiling: int, rate: int
) -> None:
    least = -(-ceiling * 100 * 1_000_000 // rate)
    assert in_rupees(least - 1, rate) < ceiling <= in_rupees(least, rate)
    assert Spend(day=DAY, micro_usd=least).reaches(REACHED, ceiling, rate)
    assert not Spend(day=DAY, micro_usd=least - 1).reaches(REACHED, ceiling, rate)


@given(CEILINGS, RATES, SPENT, st.integers(0, 10**9))
def test_a_raised_ceiling_is_a_ceiling_of_that_height(ceiling: int, rate: int, micro_usd: int, more: int) -> None:
    raised, higher = Spend(day=DAY, micro_usd=micro_usd, raised_inr=more), Spend(day=DAY, micro_usd=micro_usd)
    assert raised.reaches(REACHED, ceiling, rate) == higher.reaches(REACHED, ceiling + more, rate)


def test_a_ceiling_lowered_to_nothing_is_reached_before_anything_is_spent() -> None:
    assert Spend(day=DAY, raised_inr=-500).reaches(REACHED, 500, 9_000)
