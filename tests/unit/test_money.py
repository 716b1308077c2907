"""Paise are whole; a share of them is never rounded up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tollgate import money

PAISE = st.integers(0, 10**9)


def test_rupees_are_a_hundred_paise() -> None:
    assert money.rupees(149) == 14_900


@given(st.integers(0, 10**7))
def test_whole_rupees_are_shown_whole(amount: int) -> None:
    shown = money.in_rupees(money.rupees(amount))
    assert shown == amount
    assert isinstance(shown, int)


def test_paise_are_shown_after_the_point() -> None:
    assert money.in_rupees(14_950) == 149.5
    assert money.in_rupees(1) == 0.01


@given(PAISE, st.integers(1, 10**9), st.data())
def test_the_shares_of_a_whole_never_add_up_to_more_than_it(amount: int, whole: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, whole))
    first, second = money.share(amount, part, whole), money.share(amount, whole - part, whole)
    assert isinstance(first, int)
    assert amount - 1 <= first + second <= amount
    assert money.share(amount, whole, whole) == amount
    assert money.share(amount, 0, whole) == 0
