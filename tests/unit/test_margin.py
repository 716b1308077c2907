"""What of a price is tax, to the paisa."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tollgate.margin import GST_PER_CENT, margin

AMOUNTS = st.integers(0, 10**9)


@given(AMOUNTS)
def test_of_any_amount_the_tax_and_what_is_taxed_are_the_amount(paise: int) -> None:
    told = margin(paise, 0, 0)
    taxed = told.paid - told.gst
    assert (told.paid, taxed + told.gst) == (paise, paise)
    assert abs(Fraction(taxed * GST_PER_CENT, 100) - told.gst) <= Fraction(1, 2) * Fraction(100 + GST_PER_CENT, 100)
