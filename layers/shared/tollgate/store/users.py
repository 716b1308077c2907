"""The users table: one item a user, holding what was bought, what it allows and what was used. One method is one request."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tollgate import calendar, metering
from tollgate.config import settings
from tollgate.counters import pass_counters
from tollgate.store import records
from tollgate.store.dynamodb import ConditionFailedError, from_item, send, to_attribute, to_item
from tollgate.users import User

ACCEPTED = "(attribute_not_exists(signedOutAt) OR signedOutAt < :issued)"  # `User.must_accept`, as a write's condition


def fresh(user_id: str, email: str | None, now: datetime) -> User:
    """A user of whom nothing is written yet. The record comes with the first thing that has to be kept."""
    return User(id=user_id, email=email, created_at=calendar.whole_second(now))


def get(user_id: str) -> User | None:
    """The user as last written, read consistently; None where nothing is written."""
    answer = send("get_item", TableName=settings().tables.users, Key=key(user_id), ConsistentRead=True)
    return records.to_user(from_item(answer["Item"])) if "Item" in answer else None


def key(user_id: str) -> dict[str, Any]:
    """The key of a user's item."""
    return {"userId": to_attribute(user_id)}


def refresh_terms(user: User, now: datetime) -> None:
    """Write down what the user's plan allows from `now` on. Does nothing where somebody changed the record meanwhile."""
    change = _Change(user)
    change.set_terms(metering.terms_of(user, now))
    try:
        send("update_item", **change.request())
    except ConditionFailedError:
        return


def change(user: User, before: User | None, now: datetime) -> dict[str, Any]:
    """The update that writes what was bought or chosen, if nobody else changed it since `before` was read."""
    change = _Change(before or fresh(user.id, user.email, now))
    change.set(records.bought(replace(user, version=change.before.version + 1)))
    change.set_terms(metering.terms_of(user, now))
    change.set_once({"createdAt": calendar.iso(user.created_at)})
    if before and user.email and user.email != before.email:
        change.set({"email": user.email})
    else:
        change.set_once({"email": user.email})  # a newer one may have come since
    return change.request()


def save(user: User, before: User | None, now: datetime) -> None:
    """Write what was chosen. Raises ConditionFailedError where somebody changed the record since `before` was read."""
    send("update_item", **change(user, before, now))


def sign_out(user_id: str, issued_at: datetime, now: datetime) -> datetime:
    """Accept no token any more that was issued until now, and say until when: one write, also where nothing is written yet.

    That is never before the token that asks, whose issuer's clock may be ahead of ours: it is to end too. Raises Unauthorized
    where that token is accepted no more, so that it cannot end newer ones, and AccountDeleted.
    """
    at = max(calendar.whole_second(now), issued_at)
    try:
        send(
            "update_item",
            TableName=settings().tables.users,
            Key=key(user_id),
            UpdateExpression=(
                "SET signedOutAt = :at, createdAt = if_not_exists(createdAt, :created), version = if_not_exists(version, :zero)"
            ),
            ConditionExpression=f"attribute_not_exists(deletedAt) AND {ACCEPTED}",
            ExpressionAttributeValues=to_item(
                {
                    ":at": int(at.timestamp()),
                    ":issued": int(issued_at.timestamp()),
                    ":created": calendar.iso(calendar.whole_second(now)),
                    ":zero": 0,
                }
            ),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ConditionFailedError as refused:
        (record,) = refused.items
        known = records.to_user(record or {})
        if known.signed_out_at != at:  # else the answer to this very write was lost, and it was tried again
            known.must_accept(issued_at)
        known.must_be_open()
    return at


class _Change:
    """An update of what was bought or chosen, on condition that the record is as it was read."""

    def __init__(self, before: User) -> None:
        self.before = before
        self.names: dict[str, str] = {"#until": "until"}
        self.values: dict[str, object] = {":seen": before.version, ":until": before.terms.get("until", 0)}
        self.sets: list[str] = []
        self.removes: list[str] = []

    def set(self, values: Mapping[str, object]) -> None:
        for name, value in values.items():
            self.names[f"#{name}"] = name
            self.values[f":{name}"] = value
            self.sets.append(f"#{name} = :{name}")

    def set_once(self, values: Mapping[str, object]) -> None:
        for name, value in values.items():
            if value is None:
                continue  # not known yet: a null would stand in the way of what comes later
            self.values[f":{name}"] = value
            self.sets.append(f"{name} = if_not_exists({name}, :{name})")

    def set_terms(self, terms: Mapping[str, object]) -> None:
        self.set({"terms": terms})
        if terms["pass"] != self.before.terms.get("pass"):  # a new pass counts from zero
            self.names |= {f"#gone{index}": name for index, name in enumerate(pass_counters())}
            self.removes += [f"#gone{index}" for index in range(len(pass_counters()))]

    def request(self) -> dict[str, Any]:
        removes = f" REMOVE {', '.join(self.removes)}" if self.removes else ""
        known = "version = :seen AND terms.#until = :until"
        return {
            "TableName": settings().tables.users,
            "Key": key(self.before.id),
            "UpdateExpression": f"SET {', '.join(self.sets)}{removes}",
            "ConditionExpression": known if self.before.terms else f"attribute_not_exists(terms) OR ({known})",
            "ExpressionAttributeNames": self.names,
            "ExpressionAttributeValues": to_item(self.values),
        }
