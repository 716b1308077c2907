"""Subscriptions as the API offers them: made, looked at, cancelled, paused, and hardly ever changed."""

from collections.abc import Callable
from datetime import timedelta

from local.simulators.razorpay import checks, mandates
from local.simulators.razorpay.account import Account
from local.simulators.razorpay.cycles import Rhythm
from local.simulators.razorpay.mandate import Mandate, apply, tell
from local.simulators.razorpay.route import Call, Route
from local.simulators.razorpay.wire import Json, Refusal, moment, new_id, seconds

CREATE_FIELDS = {
    "plan_id",
    "total_count",
    "quantity",
    "start_at",
    "expire_by",
    "customer_notify",
    "customer_id",
    "addons",
    "offer_id",
    "notes",
    "notify_info",
}
EDIT_FIELDS = {
    "plan_id",
    "quantity",
    "remaining_count",
    "start_at",
    "offer_id",
    "schedule_change_at",
    "customer_notify",
}
EARLIEST_END, LATEST_END = 946_684_800, 4_765_046_400
LONGEST = timedelta(days=36_525)  # a hundred years
OPEN_FOR = timedelta(days=30 * 365)


def create(account: Account, call: Call) -> Json:
    body = call.body
    checks.only(body, CREATE_FIELDS)
    plan = account.find(account.plans, checks.required(body, "plan_id"), "plan")
    counts = checks.positive(body, "total_count"), checks.positive({"quantity": 1} | body, "quantity")
    start_at, expire_by = _future(call, "start_at"), _future(call, "expire_by")
    made = _entity(account, call, plan, counts) | {"notes": checks.notes(body)}
    made["expire_by"] = expire_by or seconds(call.now + OPEN_FOR)
    mandate = Mandate(made, plan, _addons(body.get("addons")))
    _limit(call, plan, counts[0], start_at)
    if start_at is not None:
        rhythm = Rhythm(moment(start_at), plan["period"], plan["interval"])
        made.update(charge_at=start_at, start_at=start_at, end_at=seconds(rhythm.boundary(counts[0] - 1)))
    account.subscriptions[made["id"]], account.mandates[made["id"]] = made, mandate
    until = min(made["expire_by"], start_at or made["expire_by"])
    account.agenda.at(moment(until), lambda _: mandates.expire(account, mandate))
    return made


def _entity(account: Account, call: Call, plan: Json, counts: tuple[int, int]) -> Json:
    subscription_id = new_id("sub")
    total_count, quantity = counts
    return {
        "id": subscription_id,
        "entity": "subscription",
        "plan_id": plan["id"],
        "customer_id": None,
        "status": "created",
        "current_start": None,
        "current_end": None,
        "ended_at": None,
        "quantity": quantity,
        "notes": [],
        "charge_at": None,
        "start_at": None,
        "end_at": None,
        "auth_attempts": 0,
        "total_count": total_count,
        "paid_count": 0,
        "customer_notify": checks.flag(call.body, "customer_notify", default=True),
        "created_at": seconds(call.now),
        "expire_by": None,
        "short_url": f"{account.settings.public_url}/checkout/{subscription_id}",
        "has_scheduled_changes": False,
        "change_scheduled_at": None,
        "source": "api",
        "remaining_count": total_count,
    }


def _addons(asked: object) -> tuple[tuple[str, int, int], ...]:
    """Addons as the lines they will be on the first invoice."""
    if not asked:
        return ()
    if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
        raise Refusal("The addons must be an array.", field="addons")
    items = [(checks.item(one.get("item")), checks.positive({"quantity": 1} | one, "quantity")) for one in asked]
    return tuple((item["name"], item["amount"], quantity) for item, quantity in items)


def _future(call: Call, field: str) -> int | None:
    """A time to come, if one is given."""
    if call.body.get(field) is None:
        return None
    value = checks.integer(call.body, field)
    if value > LATEST_END:
        raise Refusal(f"{field} must be between {EARLIEST_END} and {LATEST_END}", field=field)
    if value < seconds(call.now):
        what = "Link expire by" if field == "expire_by" else field
        raise Refusal(f"{what} cannot be lesser than the current time.", field=field)
    return value


def _limit(call: Call, plan: Json, total_count: int, start_at: int | None) -> None:
    """No subscription runs longer than a hundred years, nor beyond the year 2120."""
    start = moment(start_at) if start_at else call.now
    too_many = Refusal(f"end_time must be between {EARLIEST_END} and {LATEST_END}", field="total_count")
    try:
        last = Rhythm(start, plan["period"], plan["interval"]).boundary(total_count)
    except (OverflowError, ValueError) as problem:
        raise too_many from problem
    if last - start > LONGEST or seconds(last) > LATEST_END:
        raise too_many


def _mandate(account: Account, call: Call) -> Mandate:
    return find(account, call.path["subscription_id"])


def find(account: Account, subscription_id: str) -> Mandate:
    body = account.find(account.subscriptions, subscription_id, "sub")
    return account.mandates[body["id"]]


def fetch(account: Account, call: Call) -> Json:
    return _mandate(account, call).body


def listing(account: Account, call: Call) -> Json:
    def wanted(subscription: Json) -> bool:
        return bool(subscription["plan_id"] == call.query.get("plan_id", subscription["plan_id"]))

    return account.collection(account.subscriptions, call.query, call.now, wanted)


def cancel(account: Account, call: Call) -> Json:
    """At once, or when the running cycle ends: then nothing shows that it will."""
    mandate = _mandate(account, call)
    checks.only(call.body, {"cancel_at_cycle_end"})
    if mandate.is_final:
        raise Refusal(f"Subscription is not cancellable in {mandate.status} status.", field="status")
    if checks.flag(call.body, "cancel_at_cycle_end", default=False) and mandate.body["current_end"]:
        mandates.cancel_at_cycle_end(account, mandate)
    else:
        mandates.end(account, mandate, call.now)
    return mandate.body


def pause(account: Account, call: Call) -> Json:
    mandate = _mandate(account, call)
    checks.only(call.body, {"pause_at"})
    mandates.pause(account, mandate, "self", call.now)
    return mandate.body


def resume(account: Account, call: Call) -> Json:
    mandate = _mandate(account, call)
    checks.only(call.body, {"resume_at"})
    mandates.resume(account, mandate, "self", call.now)
    return mandate.body


def edit(account: Account, call: Call) -> Json:
    """Changes India's mandates refuse; what is left applies now (without money moving) or at the cycle's end."""
    mandate, body = _mandate(account, call), call.body
    checks.only(body, EDIT_FIELDS)
    _must_be_changeable(mandate, body)
    change: Json = {name: checks.positive(body, name) for name in ("quantity", "remaining_count") if name in body}
    if "plan_id" in body:
        change["plan"] = account.find(account.plans, body["plan_id"], "plan")
    if body.get("schedule_change_at", "now") == "cycle_end":
        mandate.change = change
        mandate.body.update(has_scheduled_changes=True, change_scheduled_at=mandate.body["current_end"])
    else:
        apply(mandate, change)
        tell(account, mandate.body, "updated", call.now)
    return mandate.body


def _must_be_changeable(mandate: Mandate, body: Json) -> None:
    if mandate.status not in {"authenticated", "active"}:
        raise Refusal("Can't update subscription when subscription is not in Authenticated or Active state")
    if mandate.attempt.method != "card":
        mode = "UPI" if mandate.attempt.method == "upi" else "emandate"
        raise Refusal(f"subscriptions cannot be updated when payment mode is {mode}")
    if not mandate.attempt.international and set(body) - {"offer_id"}:
        text = "Only offers can be updated for subscriptions when payment mode is domestic card"
        raise Refusal(text, field="offer_id")


def scheduled(account: Account, call: Call) -> Json:
    """The subscription as it will be after the change that is planned."""
    mandate = _with_a_change(account, call)
    change = mandate.change or {}
    plan = change.get("plan", mandate.plan)
    shown = {"plan_id": plan["id"]} | {name: change[name] for name in change if name != "plan"}
    return mandate.body | shown


def cancel_scheduled(account: Account, call: Call) -> Json:
    mandate = _with_a_change(account, call)
    mandate.change = None
    mandate.body.update(has_scheduled_changes=False, change_scheduled_at=None)
    return mandate.body


def _with_a_change(account: Account, call: Call) -> Mandate:
    mandate = _mandate(account, call)
    if mandate.change is None:
        raise Refusal("No scheduled changes found for the subscription.")
    return mandate


def _post(act: str, handle: Callable[[Account, Call], Json]) -> Route:
    return Route("POST", f"/subscriptions/{{subscription_id}}/{act}", handle)


ROUTES = [
    Route("POST", "/subscriptions", create),
    Route("GET", "/subscriptions", listing),
    Route("GET", "/subscriptions/{subscription_id}", fetch),
    Route("PATCH", "/subscriptions/{subscription_id}", edit),
    Route("GET", "/subscriptions/{subscription_id}/retrieve_scheduled_changes", scheduled),
    _post("cancel", cancel),
    _post("pause", pause),
    _post("resume", resume),
    _post("cancel_scheduled_changes", cancel_scheduled),
]
