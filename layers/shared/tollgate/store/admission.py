"""Admission on the user's record, and what follows it: one conditional write to let a call in, one transaction to end it.

See `tollgate.metering` for what the words mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from tollgate import calendar, metering, plans
from tollgate.ai import mix
from tollgate.config import settings
from tollgate.counters import counter, pass_counters, passed_hours, rate_counter, spent_counter, stale
from tollgate.errors import ProviderUnavailable
from tollgate.metering import UNIT_OF, WINDOWS_OF, Admission, Call, Denial, Lease, kept_mix
from tollgate.notices import Notice, usage_alert
from tollgate.plans import Ai, Unit, Window
from tollgate.refusals import refusal
from tollgate.store import notices, records, usage_log
from tollgate.store.due import shard
from tollgate.store.dynamodb import ConditionFailedError, from_item, send, to_item
from tollgate.store.history import DAYS, MONTHS
from tollgate.store.users import ACCEPTED, fresh, key, refresh_terms
from tollgate.users import CLOCKS_DIFFER, User

TERM_REFRESHES = 3
LOST = "lost"  # what the log says of a call that died on the way
LONG_LOG = 10  # entries of the mix after which a call that ends folds them into one
MOST_FOLDED = 100  # of them at once where each is named: DynamoDB takes an expression of 4 KB and no more


def admit(call: Call) -> Admission:
    """Take the plan's quota, the hourly rate and a place in the mix in one conditional write, all or nothing.

    Raises Unauthorized, AccountDeleted, FeatureNotInPlan, UsageLimitReached or RateLimited, decided from the record that the
    refused write returned; a refusal changes nothing. A write whose answer was lost and that was tried again is recognised by its
    lease and counts once.
    """
    for _ in range(TERM_REFRESHES):
        try:
            return _admission(call, _take(call))
        except ConditionFailedError as refused:
            record = refused.items[0]
        if record and call.lease in record:
            return _admission(call, record)
        user = records.to_user(record) if record else fresh(call.user_id, call.email, call.at)
        user.must_accept(call.issued_at)
        user.must_be_open()
        denied = metering.denial(user, call.action, call.at)
        if denied and not (record and sweep(_admission(call, record))):
            raise refusal(denied, user, call.action, call.at, settings().academic_domains)
        if record and not metering.terms_hold(user, call.at):
            refresh_terms(user, call.at)
    raise ProviderUnavailable("Your plan is changing at this moment; nothing was taken. Try again.")


def take_rate_slot(before: User, now: datetime) -> User:
    """Take one call of this clock hour and nothing else, and return the record as it then is. Raises RateLimited."""
    limit = before.tier(now).calls_per_hour
    request = {
        "TableName": settings().tables.users,
        "Key": key(before.id),
        "UpdateExpression": (
            "SET #rate = if_not_exists(#rate, :zero) + :one, terms = if_not_exists(terms, :base), "
            "createdAt = if_not_exists(createdAt, :created), version = if_not_exists(version, :zero)"
            f"{', email = :email' if before.email else ''}"
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
                **({":email": before.email} if before.email else {}),
            },
        ),
        "ReturnValues": "ALL_NEW",
    }
    try:
        answer = send("update_item", **request)
    except ConditionFailedError as error:
        raise refusal(Denial.RATE, before, metering.Action.ENHANCE_CONTENT, now, settings().academic_domains) from error
    return records.to_user(from_item(answer["Attributes"]))


def _take(call: Call) -> dict[str, Any]:
    expression = _admission_expression(call.unit, knows_email=bool(call.email))
    names = {
        "#lease": call.lease,
        "#kept": call.kept_mix,
        "#rate": rate_counter(call.at),
        "#affinity": str(call.affinity),
    }
    values: dict[str, object] = {
        ":now": int(call.at.timestamp()),
        ":issued": int(call.issued_at.timestamp()),
        ":created": calendar.iso(call.at),
        ":base": _base_terms(),
        ":revision": plans.REVISION,
        ":zero": 0,
        ":one": 1,
        ":fresh": mix.FRESH,
        ":unmixed": (),
        ":nothing": {},
        ":shard": shard(call.user_id),
        ":month_closes": calendar.iso(calendar.midnight(calendar.next_month(call.at))),
    }
    if call.unit:
        names |= {f"#{window}": counter(call.unit, window, call.at) for window in WINDOWS_OF[call.unit]}
        values |= {f":{window}": _base_steps(call.unit)[window] for window in WINDOWS_OF[call.unit]}
        values[":steps"] = _base_steps(call.unit)
        if Window.DAY in WINDOWS_OF[call.unit]:
            values[":day_closes"] = calendar.iso(calendar.midnight(calendar.next_day(call.at)))
        del values[":nothing"]
    if call.email:
        values[":email"] = call.email
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
def _admission_expression(unit: Unit | None, *, knows_email: bool) -> _Expression:
    sets = [
        "terms = if_not_exists(terms, :base)",
        "createdAt = if_not_exists(createdAt, :created)",
        "version = if_not_exists(version, :zero)",
        "#rate = if_not_exists(#rate, :zero) + :one",
        # When the first of the windows now counted in will close: whatever is open later is found then.
        f"{DAYS.shard} = if_not_exists({DAYS.shard}, :shard)",
        f"{MONTHS.at} = if_not_exists({MONTHS.at}, :month_closes)",
        "mix = list_append(if_not_exists(mix, :fresh), if_not_exists(terms.mix.#affinity, :unmixed))",
        # The call's own entry first: whether there is one tells whether the mix was asked.
        "#kept = list_append(if_not_exists(terms.mix.#affinity, :unmixed), if_not_exists(mix, :fresh))",
        f"#lease = {'if_not_exists(terms.#unit, :steps)' if unit else ':nothing'}",
    ]
    if knows_email:
        sets.append("email = :email")  # the token's is the newest
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
        if Window.DAY in WINDOWS_OF[unit]:
            sets.append(f"{DAYS.at} = if_not_exists({DAYS.at}, :day_closes)")
        if unit is Unit.RESUMES:
            sets.append("resumesGenerated = if_not_exists(resumesGenerated, :zero) + :one")
    admits_newcomers = unit is None or plans.BASE.limits[unit].count != 0
    condition = " AND ".join(allowed)
    if admits_newcomers:
        condition = f"{newcomer} OR ({condition})"
    return _Expression(
        "SET " + ", ".join(sets), f"attribute_not_exists(#lease) AND {ACCEPTED} AND ({condition})", names
    )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a call ended: the log row of each attempt, what they cost, and which service the mix had chosen (None where it was
    not asked). `overruled` says that the call was sent elsewhere on purpose: then it is not one of the mix's."""

    rows: Sequence[Mapping[str, Any]]
    micro_usd: int
    chosen: Ai | None
    overruled: bool = False

    def correction(self, answered: Ai | None) -> str | None:
        """What the mix has to be told at the end: nothing where the service it chose has answered."""
        if self.chosen is None or (answered is self.chosen and not self.overruled):
            return None
        if answered is None or self.overruled:
            return mix.GAVE_BACK[self.chosen]
        return mix.ANSWERED_INSTEAD[answered]


def settle(admission: Admission, ended: Ended, answered: Ai) -> None:
    """End an answered call: drop its lease, book its cost, write its log and queue what the user is to be told, all in one
    transaction."""
    _end(_endings(admission, ended.correction(answered)), admission, ended, usage_alert(admission))


def give_back(admission: Admission, ended: Ended) -> None:
    """End a call that nobody could answer: return what it took, once, to the windows it took it from; book and log it."""
    endings: list[_Ending] = []
    for others in ((), pass_counters()):  # without those of the pass where another pass began
        tried = _endings(admission, ended.correction(None))
        for ending in tried:
            ending.return_units(admission.lease, admission.user, admission.call.at, without=others)
        endings += tried
    _end(endings, admission, ended)


def _endings(admission: Admission, correction: str | None) -> list[_Ending]:
    """The ways to end a call, in the order in which they are tried: once the log of the mix is long, first one that folds it.

    While a service is down every call corrects the log. So those fold too, and it grows with what runs at once and no more.
    """
    plain = _cleared(admission)
    if correction:
        plain.append_to_mix(correction)
    if len(admission.mix) <= LONG_LOG:
        return [plain]
    folding = _cleared(admission)
    if correction:
        folding.replace_mix(admission.mix, correction)
    else:
        folding.fold_mix(admission.mix[:MOST_FOLDED])
    return [folding, plain]


def _cleared(admission: Admission) -> _Ending:
    ending = _Ending(admission.call.user_id, admission.lease)
    ending.remove(sorted(passed_hours(admission.user.counters, admission.call.at)))
    return ending


def _end(endings: Sequence[_Ending], admission: Admission, ended: Ended, notice: Notice | None = None) -> None:
    spent = spent_counter(admission.user, admission.call.at)
    for ending in endings:
        try:
            return _transact(ending, spent, ended, notice)
        except ConditionFailedError:
            continue
    return _book(admission, spent, ended)


def _book(admission: Admission, spent: str, ended: Ended) -> None:
    """Log and add up what a call cost whose lease is gone: once, whether it was ended before or swept as dead."""
    if not ended.rows:
        return
    puts = [_put(row) | {"ConditionExpression": "attribute_not_exists(userId)"} for row in ended.rows]
    adding = {
        "TableName": settings().tables.users,
        "Key": key(admission.call.user_id),
        "UpdateExpression": "SET #spent = if_not_exists(#spent, :nought) + :added",
        "ConditionExpression": "attribute_not_exists(deletedAt)",  # nothing is written about a deleted account
        "ExpressionAttributeNames": {"#spent": spent},
        "ExpressionAttributeValues": to_item({":nought": 0, ":added": ended.micro_usd}),
    }
    try:
        send("transact_write_items", TransactItems=[{"Update": adding}, *({"Put": put} for put in puts)])
    except ConditionFailedError:
        return  # it was ended before, rows and all


def sweep(admission: Admission) -> bool:
    """Return what earlier calls of the user took that died on the way, each once, and log them as lost; whether any was."""
    swept = [_reclaim(admission, lease) for lease in admission.dead_leases()]
    return any(swept)


def _reclaim(admission: Admission, lease: Lease) -> bool:
    ending = _Ending(admission.call.user_id, lease)
    if lease.chosen is not None:
        ending.append_to_mix(mix.GAVE_BACK[lease.chosen])
    ending.return_units(lease, admission.user, admission.call.at)
    row = usage_log.row(
        admission.call.user_id,
        lease.request_id,
        lease.action,
        lease.at,
        attempt=99,
        success=False,
        errorMessage=LOST,
        metadata={"billed": "unknown"},
    )
    try:
        _transact(ending, None, Ended(rows=[row], micro_usd=0, chosen=None))
    except ConditionFailedError:
        return False  # another request was quicker
    return True


class _Ending:
    """The update that ends a lease, built up clause by clause."""

    def __init__(self, user_id: str, lease: Lease) -> None:
        self.user_id = user_id
        self.names: dict[str, str] = {"#lease": lease.name, "#kept": kept_mix(lease.request_id)}
        self.values: dict[str, object] = {}
        self.sets: list[str] = []
        self.removes: list[str] = ["#lease", "#kept"]
        self.conditions: list[str] = ["attribute_exists(#lease)"]

    def remove(self, names: Sequence[str]) -> None:
        for name in names:
            alias = f"#old{len(self.names)}"
            self.names[alias] = name
            self.removes.append(alias)

    def add(self, name: str, amount: int) -> None:
        self.names["#added"] = name
        self.values |= {":added": amount, ":nought": 0}
        self.sets.append("#added = if_not_exists(#added, :nought) + :added")

    def append_to_mix(self, entry: str) -> None:
        self.sets.append("mix = list_append(mix, :entry)")
        self.values[":entry"] = [entry]

    def replace_mix(self, log: Sequence[object], entry: str) -> None:
        """Fold the whole log with one more entry: only while nobody has added to it, since what came later would be read anew."""
        self.sets.append("mix = :whole")
        self.conditions.append("mix[0] = :folded AND size(mix) = :length")
        self.values |= {":whole": [mix.fold([*log, entry])[0].text()], ":folded": log[0], ":length": len(log)}

    def fold_mix(self, log: Sequence[object]) -> None:
        """Fold the beginning of the log; what others have added to its end stays."""
        self.sets.append("mix[0] = :block")
        # From the end: an engine that takes the clauses one after the other must not shift what is still to go.
        self.removes += [f"mix[{index}]" for index in range(len(log) - 1, 0, -1)]
        self.conditions.append("mix[0] = :folded")
        self.values |= {":block": mix.fold(log)[0].text(), ":folded": log[0]}

    def return_units(self, lease: Lease, user: User, now: datetime, without: Sequence[str] = ()) -> None:
        taken = {name: step for name, step in _returned(lease, user, now).items() if name not in without}
        for index, (name, step) in enumerate(taken.items()):
            self.names[f"#taken{index}"] = name
            self.values[f":taken{index}"] = step
            # A counter whose window is over may have been cleared away meanwhile; then nothing is left to return to.
            self.sets.append(f"#taken{index} = if_not_exists(#taken{index}, :taken{index}) - :taken{index}")
            if name in pass_counters():
                self.conditions.append("terms.#pass = :pass")
                self.names["#pass"] = "pass"
                self.values[":pass"] = user.terms.get("pass")
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


def _returned(lease: Lease, user: User, now: datetime) -> dict[str, int]:
    """What a lease gives back, by counter: nothing to windows that are over, nor to a pass that has ended or began after it."""
    held = next((each for each in user.subscriptions if each.subscription_id == user.terms.get("pass")), None)
    others = () if held and lease.at >= held.start_date - CLOCKS_DIFFER else pass_counters()
    gone = {*stale(user.counters, now), *others}
    return {name: step for name, step in lease.counters().items() if name in user.counters and name not in gone}


def _transact(ending: _Ending, spent: str | None, ended: Ended, notice: Notice | None = None) -> None:
    if spent and ended.micro_usd:
        ending.add(spent, ended.micro_usd)
    puts = [{"Put": _put(row)} for row in ended.rows]
    told = [{"Update": notices.queue(notice)}] if notice else []
    send("transact_write_items", TransactItems=[{"Update": ending.request()}, *puts, *told])


def _put(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"TableName": settings().tables.usage_logs, "Item": to_item(row)}
