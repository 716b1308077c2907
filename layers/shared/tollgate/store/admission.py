"""Admission on the user's record, and what follows it: one conditional write to let a call in, one transaction to end it.

See `tollgate.metering` for what the words mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from tollgate import calendar, metering, plans
from tollgate.ai import mix
from tollgate.config import settings
from tollgate.counters import counter, rate_counter, stale
from tollgate.errors import ProviderUnavailable
from tollgate.metering import UNIT_OF, WINDOWS_OF, Admission, Call, Denial, Lease
from tollgate.plans import Ai, Unit, Window
from tollgate.refusals import refusal
from tollgate.store import records
from tollgate.store.dynamodb import ConditionFailedError, from_item, send, to_item
from tollgate.store.users import fresh, get, key, refresh_terms
from tollgate.users import User

TERM_REFRESHES = 3
LONG_LOG = 10  # entries of the mix after which a settled call folds them into one


def admit(call: Call) -> Admission:
    """Take the plan's quota, the hourly rate and a place in the mix in one conditional write, all or nothing.

    Raises FeatureNotInPlan, UsageLimitReached or RateLimited, decided from the record that the refused write returned; a
    refusal changes nothing. A write whose answer was lost and that was tried again is recognised by its lease and counts once.
    """
    for _ in range(TERM_REFRESHES):
        try:
            return _admission(call, _take(call))
        except ConditionFailedError as refused:
            record = refused.items[0]
        if record and call.lease in record:
            return _admission(call, record)
        user = records.to_user(record) if record else fresh(call.user_id, call.email, call.at)
        denied = metering.denial(user, call.action, call.at)
        if denied:
            raise refusal(denied, user, call.action, call.at)
        if record and not metering.terms_hold(user, call.at):
            refresh_terms(user, call.at)
    raise ProviderUnavailable("Your plan is changing at this moment; nothing was taken. Try again.")


def take_rate_slot(user_id: str, email: str | None, now: datetime) -> User:
    """Take one call of this clock hour and nothing else, and return the record as it then is. Raises RateLimited."""
    before = get(user_id) or fresh(user_id, email, now)
    limit = before.tier(now).calls_per_hour
    request = {
        "TableName": settings().tables.users,
        "Key": key(user_id),
        "UpdateExpression": (
            "SET #rate = if_not_exists(#rate, :zero) + :one, terms = if_not_exists(terms, :base), "
            "createdAt = if_not_exists(createdAt, :created), email = if_not_exists(email, :email), "
            "version = if_not_exists(version, :zero)"
        ),
        "ConditionExpression": "attribute_not_exists(#rate) OR #rate < :limit",
        "ExpressionAttributeNames": {"#rate": rate_counter(now)},
        "ExpressionAttributeValues": to_item(
            {
                ":zero": 0,
                ":one": 1,
                ":limit": limit,
                ":base": _base_terms(),
                ":created": calendar.iso(now),
                ":email": email,
            },
        ),
        "ReturnValues": "ALL_NEW",
    }
    try:
        answer = send("update_item", **request)
    except ConditionFailedError as error:
        raise refusal(Denial.RATE, before, metering.Action.ENHANCE_CONTENT, now) from error
    return records.to_user(from_item(answer["Attributes"]))


def _take(call: Call) -> dict[str, Any]:
    expression = _admission_expression(call.unit)
    names = {"#lease": call.lease, "#rate": rate_counter(call.at), "#affinity": str(call.affinity)}
    values: dict[str, object] = {
        ":now": int(call.at.timestamp()),
        ":created": calendar.iso(call.at),
        ":email": call.email,
        ":base": _base_terms(),
        ":revision": plans.REVISION,
        ":zero": 0,
        ":one": 1,
        ":fresh": mix.FRESH,
        ":unmixed": (),
        ":nothing": {},
    }
    if call.unit:
        names |= {f"#{window}": counter(call.unit, window, call.at) for window in WINDOWS_OF[call.unit]}
        values |= {f":{window}": _base_steps(call.unit)[window] for window in WINDOWS_OF[call.unit]}
        values[":steps"] = _base_steps(call.unit)
        del values[":nothing"]
    answer = send(
        "update_item",
        TableName=settings().tables.users,
        Key=key(call.user_id),
        UpdateExpression=expression.update,
        ConditionExpression=expression.condition,
        ExpressionAttributeNames={**expression.names, **names},
        ExpressionAttributeValues=to_item(values),
        ReturnValues="ALL_NEW",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    return from_item(answer["Attributes"])


@dataclass(frozen=True, slots=True)
class _Expression:
    update: str
    condition: str
    names: Mapping[str, str]


@cache
def _admission_expression(unit: Unit | None) -> _Expression:
    sets = [
        "terms = if_not_exists(terms, :base)",
        "createdAt = if_not_exists(createdAt, :created)",
        "email = if_not_exists(email, :email)",
        "version = if_not_exists(version, :zero)",
        "#rate = if_not_exists(#rate, :zero) + :one",
        "mix = list_append(if_not_exists(mix, :fresh), if_not_exists(terms.mix.#affinity, :unmixed))",
        f"#lease = {'if_not_exists(terms.#unit, :steps)' if unit else ':nothing'}",
    ]
    allowed = [
        "terms.revision = :revision",
        "terms.#until > :now",
        "(attribute_not_exists(#rate) OR #rate < terms.#hourly)",
    ]
    names = {"#until": "until", "#hourly": "rate"}
    newcomer = "attribute_not_exists(terms)"
    if unit:
        names |= {"#unit": unit.value, "#limit": "limit"}
        for window in WINDOWS_OF[unit]:
            step = f"terms.#unit.#step_{window}"
            names[f"#step_{window}"] = window.value
            sets.append(f"#{window} = if_not_exists(#{window}, :zero) + if_not_exists({step}, :{window})")
            within = f"attribute_not_exists(#{window}) OR #{window} < terms.#unit.#limit"
            nothing_in_plan = "terms.#unit.#limit > :zero"
            allowed.append(
                f"(attribute_not_exists(terms.#unit.#limit) OR {step} = :zero OR ({nothing_in_plan} AND ({within})))",
            )
        if unit is Unit.RESUMES:
            sets.append("resumesGenerated = if_not_exists(resumesGenerated, :zero) + :one")
    admits_newcomers = unit is None or plans.BASE.limits[unit].count != 0
    condition = " AND ".join(allowed)
    if admits_newcomers:
        condition = f"{newcomer} OR ({condition})"
    return _Expression("SET " + ", ".join(sets), f"attribute_not_exists(#lease) AND ({condition})", names)


@cache
def _base_terms() -> dict[str, object]:
    nobody = User(id="", created_at=calendar.EPOCH)
    return metering.terms_of(nobody, calendar.EPOCH)


def _base_steps(unit: Unit) -> dict[str, int]:
    return metering.steps(plans.BASE, unit)


def _admission(call: Call, record: dict[str, Any]) -> Admission:
    return Admission(
        call=call,
        user=records.to_user(record),
        mix=tuple(record.get("mix", mix.FRESH)),
        leases=records.leases(record),
    )


def settle(admission: Admission, service: Ai | None, answered: Ai | None, rows: Sequence[Mapping[str, Any]]) -> None:
    """End an answered call: drop its lease and write its log rows, in one transaction.

    `service` is what the mix chose (None where it did not choose) and `answered` what answered.
    """
    instead = service is not None and answered is not None and service is not answered
    update = _end_of_lease(admission)
    if instead and answered:
        update.append_to_mix(mix.ANSWERED_INSTEAD[answered])
    elif len(admission.mix) > LONG_LOG:
        update.fold_mix(admission.mix)
    try:
        _end(update, rows)
    except ConditionFailedError:
        _end_late(admission, rows)  # another call folded the mix first, or the sweep took this one for dead


def give_back(admission: Admission, service: Ai | None, rows: Sequence[Mapping[str, Any]]) -> None:
    """End a call that nobody could answer: return what it took, once, to the windows it took it from, and log it."""
    update = _end_of_lease(admission)
    if service is not None:
        update.append_to_mix(mix.GAVE_BACK[service])
    update.return_units(admission.lease, admission.user.counters, admission.user.terms.get("pass"))
    try:
        _end(update, rows)
    except ConditionFailedError:
        _end_late(admission, rows)  # another pass began, or it was given back before


def reclaim(admission: Admission, lease: Lease, row: Mapping[str, Any]) -> None:
    """Return what an earlier call of the user took that died on the way, once, and log it as lost."""
    update = _Ending(admission.call.user_id, lease.name)
    update.return_units(lease, admission.user.counters, admission.user.terms.get("pass"))
    try:
        _end(update, [row])
    except ConditionFailedError:
        return  # another request was quicker


class _Ending:
    """The update that ends a lease, built up clause by clause."""

    def __init__(self, user_id: str, lease: str) -> None:
        self.user_id = user_id
        self.names: dict[str, str] = {"#lease": lease}
        self.values: dict[str, object] = {}
        self.sets: list[str] = []
        self.removes: list[str] = ["#lease"]
        self.conditions: list[str] = ["attribute_exists(#lease)"]

    def remove(self, names: Sequence[str]) -> None:
        for name in names:
            alias = f"#old{len(self.names)}"
            self.names[alias] = name
            self.removes.append(alias)

    def append_to_mix(self, entry: str) -> None:
        self.sets.append("mix = list_append(mix, :entry)")
        self.values[":entry"] = [entry]

    def fold_mix(self, log: Sequence[object]) -> None:
        self.sets.append("mix[0] = :block")
        self.removes += [f"mix[{index}]" for index in range(1, len(log))]
        self.conditions.append("mix[0] = :folded")
        self.values |= {":block": mix.fold(log)[0].text(), ":folded": log[0]}

    def return_units(self, lease: Lease, counters: Mapping[str, int], held_pass: object) -> None:
        taken = {name: step for name, step in lease.counters().items() if name in counters}
        for index, (name, step) in enumerate(taken.items()):
            self.names[f"#taken{index}"] = name
            self.values[f":taken{index}"] = step
            self.sets.append(f"#taken{index} = #taken{index} - :taken{index}")
            if name.endswith(f"#{Window.PASS}"):
                self.conditions.append("terms.#pass = :pass")
                self.names["#pass"] = "pass"
                self.values[":pass"] = held_pass
        if UNIT_OF.get(lease.action) is Unit.RESUMES:
            self.sets.append("resumesGenerated = resumesGenerated - :resume")
            self.values[":resume"] = 1

    def request(self) -> dict[str, Any]:
        sets = "SET " + ", ".join(self.sets) + " " if self.sets else ""
        request: dict[str, Any] = {
            "TableName": settings().tables.users,
            "Key": key(self.user_id),
            "UpdateExpression": f"{sets}REMOVE {', '.join(self.removes)}",
            "ConditionExpression": " AND ".join(self.conditions),
            "ExpressionAttributeNames": self.names,
        }
        if self.values:
            request["ExpressionAttributeValues"] = to_item(self.values)
        return request


def _end_of_lease(admission: Admission) -> _Ending:
    ending = _Ending(admission.call.user_id, admission.call.lease)
    ending.remove(sorted(stale(admission.user.counters, admission.call.at)))
    return ending


def _end(ending: _Ending, rows: Sequence[Mapping[str, Any]]) -> None:
    puts = [{"Put": {"TableName": settings().tables.usage_logs, "Item": to_item(row)}} for row in rows]
    update = {"Update": {**ending.request(), "ReturnValuesOnConditionCheckFailure": "NONE"}}
    send("transact_write_items", TransactItems=[update, *puts])


def _end_late(admission: Admission, rows: Sequence[Mapping[str, Any]]) -> None:
    try:
        _end(_Ending(admission.call.user_id, admission.call.lease), rows)
    except ConditionFailedError:
        _log(rows)


def _log(rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        send("put_item", TableName=settings().tables.usage_logs, Item=to_item(row))
