"""Plain values to attributes and back, exactly; what has no place in a table is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollgate.plans import Unit
from tollgate.store.dynamodb import from_attribute, from_item, to_attribute, to_item

INTEGERS = st.integers(-(10**37), 10**37)
PLAIN = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_a_value_comes_back_equal_and_of_the_same_type(value: object) -> None:
    back = from_attribute(to_attribute(value))
    assert back == value
    assert type(back) is type(value)


@given(st.dictionaries(st.text(max_size=8), PLAIN, max_size=5))
def test_an_item_comes_back(values: dict[str, object]) -> None:
    assert from_item(to_item(values)) == values


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        (None, {"NULL": True}),
        (True, {"BOOL": True}),
        (False, {"BOOL": False}),
        (0, {"N": "0"}),
        (-7, {"N": "-7"}),
        ("", {"S": ""}),
        ((), {"L": []}),
        ((1, "a"), {"L": [{"N": "1"}, {"S": "a"}]}),
        (MappingProxyType({"a": 1}), {"M": {"a": {"N": "1"}}}),
        (Decimal("0.006925"), {"N": "0.006925"}),
        (Unit.RESUMES, {"S": "resumes"}),
    ],
)
def test_values_are_written_as_dynamodb_means_them(value: object, attribute: dict[str, object]) -> None:
    assert to_attribute(value) == attribute


@pytest.mark.parametrize("text", ["0.006925", "-1.5", "1E+3"])
def test_a_number_with_a_fraction_is_a_decimal(text: str) -> None:
    assert from_attribute({"N": text}) == Decimal(text)


@pytest.mark.parametrize("value", [1.5, float("nan"), {1, 2}, b"x", datetime(2026, 1, 1, tzinfo=UTC), object()])
def test_what_has_no_place_in_a_table_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        to_attribute(value)
    with pytest.raises(TypeError):
        to_attribute({"deep": [value]})
