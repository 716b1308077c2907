"""What Razorpay checks of a request body, with the texts it answers."""

import re
from typing import Any

from local.simulators.razorpay.wire import Json, Notes, Refusal

RECEIPT_LENGTH = 40
NOTES = 15
NOTE_LENGTH = 256
MINIMUM = 100
PAGE = 10
PAGE_CAP = 100


def only(body: Json, allowed: set[str]) -> None:
    """Refuse fields the endpoint does not know."""
    unknown = sorted(set(body) - allowed)
    if unknown:
        raise Refusal(f"{', '.join(unknown)} is/are not required and should not be sent")


def required(body: Json, field: str) -> Any:  # noqa: ANN401 -- whatever JSON holds
    if body.get(field) in (None, ""):
        raise Refusal(f"The {field.replace('_', ' ')} field is required.", field=field)
    return body[field]


def integer(body: Json, field: str) -> int:
    """A required JSON integer; floats, booleans and texts are refused."""
    value = required(body, field)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refusal(f"The {field.replace('_', ' ')} must be an integer.", field=field)
    return value


def paise(body: Json, field: str = "amount") -> int:
    value = integer(body, field)
    if value < MINIMUM:
        raise Refusal("The amount must be at least INR 1.00", field=field)
    return value


def rupees_only(body: Json) -> str:
    """The currency; this account takes INR alone."""
    currency = required(body, "currency")
    if currency != "INR":
        raise Refusal("Currency is not supported", field="currency")
    return str(currency)


def text(body: Json, field: str) -> str | None:
    """A text, if one is given."""
    value = body.get(field)
    if value is not None and not isinstance(value, str):
        raise Refusal(f"The {field.replace('_', ' ')} must be a string.", field=field)
    return value


def positive(body: Json, field: str) -> int:
    value = integer(body, field)
    if value < 1:
        raise Refusal(f"The {field.replace('_', ' ')} must be at least 1.", field=field)
    return value


def item(asked: object) -> Json:
    """What is sold, of a plan or an addon: a name, a price, perhaps a description."""
    if not isinstance(asked, dict):
        raise Refusal("The item field is required.", field="item")
    only(asked, {"name", "amount", "currency", "description"})
    required(asked, "name")
    return {
        "name": text(asked, "name"),
        "amount": paise(asked),
        "currency": rupees_only(asked),
        "description": text(asked, "description"),
    }


def receipt(body: Json) -> str | None:
    value = text(body, "receipt")
    if value is not None and len(value) > RECEIPT_LENGTH:
        raise Refusal(f"receipt: the length must be no more than {RECEIPT_LENGTH}.", field="receipt")
    return value


def notes(body: Json) -> Notes:
    """The notes as they are echoed: an object, or `[]` when there are none."""
    value = body.get("notes") or {}
    if not isinstance(value, dict):
        raise Refusal("notes should be an array", field="notes")
    if len(value) > NOTES:
        raise Refusal(f"Number of fields in notes should be less than or equal to {NOTES}.", field="notes")
    if any(len(str(part)) > NOTE_LENGTH for pair in value.items() for part in pair):
        raise Refusal(f"notes key or value may not be greater than {NOTE_LENGTH} characters.", field="notes")
    return value or []


def new_notes(body: Json) -> Notes:
    """The notes of an edit, which must bring some."""
    if "notes" not in body:
        raise Refusal("The notes field is required.", field="notes")
    return notes(body)


def known_id(value: object, prefix: str) -> str:
    """The id itself when it has the shape of one; whether it exists is another question."""
    if not isinstance(value, str) or not re.fullmatch(rf"{prefix}_[0-9A-Za-z]{{14}}", value):
        raise Refusal(f"{value} is not a valid id")
    return value


def flag(body: Json, field: str, *, default: bool) -> bool:
    """A boolean in one of the notations Razorpay takes; anything else counts as false, as has been reported."""
    value = body.get(field, default)
    return value in (True, 1, "1", "true")


def page(query: Json, cap: int = PAGE_CAP) -> tuple[int, int]:
    """How many to skip and how many to give."""
    count, skip = number(query, "count", PAGE), number(query, "skip", 0)
    if count < 1:
        raise Refusal("The count must be at least 1.", field="count")
    if skip < 0:
        raise Refusal("The skip must be at least 0.", field="skip")
    if count > cap:
        raise Refusal(f"The count may not be greater than {cap}.", field="count")
    return skip, count


def number(query: Json, field: str, default: int) -> int:
    """An integer of the query string."""
    value = str(query.get(field, default))
    if not re.fullmatch(r"-?\d{1,15}", value):
        raise Refusal(f"The {field} must be an integer.", field=field)
    return int(value)
