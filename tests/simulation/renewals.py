"""Renewal in a history: what people do about a mandate at the checkout, in their bank's app, and with us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.simulators.razorpay import control_payers
from local.simulators.razorpay.wire import Refusal
from tests.simulation.broken import BrokenError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.simulation.history import Act, Life

type Json = dict[str, Any]

CUSTOMERS = {
    "pause": control_payers.pause_by_customer,
    "resume": control_payers.resume_by_customer,
    "cancel": control_payers.cancel_by_customer,
    "recover": control_payers.recover,
    "charge": control_payers.charge,
}
CHARGING = frozenset({"authenticated", "active", "pending", "halted", "paused"})


def authorise(life: Life, act: Act) -> None:
    """Give the consent that was asked for last, and pay the first cycle where it is due at once."""
    name = _latest(life, act)
    told = _at_razorpay(life, act, control_payers.authorise, name, outcome=act.get("outcome", "success"))
    if told and "razorpay_signature" in told:
        life.proofs.setdefault(life.user(act), []).append(told)


def customer(life: Life, act: Act) -> None:
    """Do something in the bank's app, or have the charges to come fail or succeed."""
    name, does = _latest(life, act), act.get("does")
    if does in CUSTOMERS:
        _at_razorpay(life, act, CUSTOMERS[does], name)
    else:
        _at_razorpay(life, act, control_payers.plan_outcomes, name, always=does)


def _latest(life: Life, act: Act) -> str | None:
    """The mandate that a user was shown, the last one or one before it."""
    shown = [each["subscriptionId"] for each in life.orders.get(life.user(act), ()) if "subscriptionId" in each]
    return shown[-1 - int(act.get("which", 0) * len(shown)) % len(shown)] if shown else None


def _at_razorpay(life: Life, act: Act, does: Callable[[Any], Json], name: str | None, **body: object) -> Json | None:
    """What came of it; None where it cannot be done as things stand."""
    if name is None:
        return None
    try:
        told = life.ground.gateway.command(does, {"id": name}, **body)
    except Refusal as refused:
        life.log.append(f"{act}: {refused}")
        return None
    life.log.append(f"{act}: {name} {life.ground.gateway.engine.account.subscriptions[name]['status']}")
    return told


def cancel(life: Life, act: Act) -> None:
    """End what renews, in the account's settings."""
    life.call(act, "POST", "/api/subscription/cancel", {})


def renew(life: Life, act: Act) -> None:
    """Order the present plan once more by hand."""

    def then(_: object, status: int, told: Json) -> None:
        if status == 200:
            life.orders.setdefault(life.user(act), []).append(told)

    life.call(act, "POST", "/api/subscription/renew", then=then)


ACTS: Mapping[str, Callable[[Life, Act], None]] = {
    "authorise": authorise,
    "customer": customer,
    "cancel": cancel,
    "renew": renew,
}


def check_rest(life: Life, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """S8: nobody is charged by two mandates, nor by one that is to end or that we do not know. `rows` is the ledger."""
    charging: dict[str, str] = {}
    for name, mandate in life.ground.gateway.engine.account.mandates.items():
        if mandate.status not in CHARGING or mandate.ends_with_cycle:
            continue
        row = rows.get(name)
        if row is None or "cancelAt" in row:
            raise BrokenError(f"S8 {name} may charge and is {'to end' if row else 'not known'}")
        if row["status"] != mandate.status:
            raise BrokenError(f"S8 {name} is {mandate.status} and {row['status']} is written")
        if row["userId"] in charging:
            raise BrokenError(f"S8 {name} and {charging[row['userId']]} both charge {row['userId']}")
        charging[row["userId"]] = name
