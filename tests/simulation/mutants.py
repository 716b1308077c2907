# ruff: noqa: E501, ISC004 -- what is planted stands here line by line, as it would in the product
"""Whether the simulation would notice: twenty-three bugs, each planted in a copy of the product and looked for.

`python -m tests.simulation.mutants` prints the table; names as arguments plant only those.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYER = "layers/shared/tollgate"
SEEDS = 10_000


@dataclass(frozen=True, slots=True)
class Bug:
    """A bug: what it is called, and what is written instead of what. `instead` says where it is the nearest to be had here."""

    name: str
    patches: tuple[tuple[str, str, str], ...]  # file below the layer, what stands there, what is put there
    instead: str = ""


NO_PAYMENT_CONDITION = (
    "store/payments.py",
    '            "ConditionExpression": "attribute_not_exists(id)",\n',
    "",
)
NO_ORDER_CONDITION = (
    "store/payments.py",
    '        "ConditionExpression": "attribute_not_exists(paymentId)",\n',
    "",
)
NO_VERSION_CONDITION = (
    "store/users.py",
    'known = "version = :seen AND terms.#until = :until"',
    'known = "version = :seen AND terms.#until = :until OR attribute_exists(userId)"',
)

BUGS = (
    Bug(
        "event id first, then act",
        (
            (
                "payments/webhooks.py",
                "    try:\n        with patience(SECONDS_FOR_RAZORPAY):\n",
                "    from tollgate.store.dynamodb import from_item, send\n"
                "    from tollgate.config import settings\n"
                '    name = f"first{received.entry.event}"\n'
                "    table = settings().tables.payments\n"
                '    if "Item" in send("get_item", TableName=table, Key=ledger.key(name), ConsistentRead=True):\n'
                '        return "seen"\n'
                '    send("put_item", TableName=table, Item={**ledger.key(name), "kind": {"S": "event"}})\n'
                "    try:\n        with patience(SECONDS_FOR_RAZORPAY):\n",
            ),
        ),
    ),
    Bug(
        "check, then add",
        (
            NO_PAYMENT_CONDITION,
            NO_ORDER_CONDITION,
            NO_VERSION_CONDITION,
        ),
        "the grant's three conditions are gone, the check before it stays",
    ),
    Bug(
        "add without reservation id",
        (("store/admission.py", 'f"attribute_not_exists(#lease) AND {ACCEPTED}', 'f"{ACCEPTED}'),),
    ),
    Bug(
        "refund to the current period",
        (
            (
                "store/admission.py",
                "    return {name: step for name, step in lease.counters().items() if name in user.counters and name not in gone}\n",
                "    unit = UNIT_OF.get(lease.action)\n"
                "    moved = {rate_counter(now): 1, **{counter(unit, Window(w), now): s for w, s in lease.steps.items() if s and unit}}\n"
                "    return {name: step for name, step in moved.items() if name not in others and gone is not None}\n",
            ),
        ),
    ),
    Bug(
        "settle without condition",
        (("store/admission.py", '["attribute_exists(#lease)"]', '["attribute_exists(userId)"]'),),
    ),
    Bug(
        "token instead of condition",
        (
            NO_PAYMENT_CONDITION,
            NO_ORDER_CONDITION,
            NO_VERSION_CONDITION,
            (
                "store/payments.py",
                '    transact(\n        put_new(row),\n        {"Update": paid},',
                "    import hashlib\n"
                "    send_once(\n        hashlib.sha256(payment.id.encode()).hexdigest()[:32],\n"
                '        put_new(row),\n        {"Update": paid},',
            ),
            (
                "store/payments.py",
                "def transact(*writes",
                "def send_once(token: str, *writes: dict[str, Any]) -> None:\n"
                "    items: Sequence[Any] = writes\n"
                '    send("transact_write_items", TransactItems=items, ClientRequestToken=token)\n\n\n'
                "def transact(*writes",
            ),
        ),
    ),
    Bug(
        "decision from an index",
        (
            (
                "store/subscriptions.py",
                '        ConditionExpression=" AND ".join(as_found),\n',
                '        ConditionExpression=" AND ".join(as_found) + " OR attribute_exists(userId)",\n',
            ),
        ),
        "the expiry job writes what the index says of a row, whatever the row says",
    ),
    Bug(
        "expiry trusted",
        (
            (
                "http/idempotency.py",
                "            if self._fresh is None and self._is_old(kept):\n",
                "            if False:\n",
            ),
        ),
        "a reply is repeated for as long as its row is there",
    ),
    Bug(
        "month in UTC",
        (("calendar.py", "return india(now).date().isoformat()[:7]", "return now.date().isoformat()[:7]"),),
    ),
    Bug(
        "200 on a failed write",
        (
            (
                "payments/webhooks.py",
                "    except MalformedPaymentError as error:\n        return _keep_unread(received, str(error))\n",
                "    except MalformedPaymentError as error:\n        return _keep_unread(received, str(error))\n"
                '    except Exception:\n        return "failed"\n',
            ),
        ),
    ),
    Bug(
        "only the header's id tells repetitions",
        (
            (
                "../../../functions/webhooks/razorpay.py",
                "    outcome = webhooks.handle(event)\n",
                "    from dataclasses import replace\n"
                '    told = app.current_event.headers.get("x-razorpay-event-id") or ""\n'
                "    event = replace(event, digest=told)\n"
                "    if _known(event.entry.event):\n"
                '        return {"status": "seen"}\n'
                "    outcome = webhooks.handle(event)\n",
            ),
            (
                "../../../functions/webhooks/razorpay.py",
                "app = Api(",
                "def _known(name):\n"
                "    from tollgate.config import settings\n"
                "    from tollgate.store import payments as ledger\n"
                "    from tollgate.store.dynamodb import send\n"
                '    found = send("get_item", TableName=settings().tables.payments, Key=ledger.key(name), ConsistentRead=True)\n'
                '    return "Item" in found\n\n\n'
                "app = Api(",
            ),
        ),
    ),
    Bug(
        "amount not compared",
        (("payments/settle.py", "        Reason.AMOUNT_DIFFERS: payment.amount != order.amount,\n", ""),),
    ),
    Bug(
        "unconditional cursor",
        (
            (
                "store/history.py",
                '        "ConditionExpression": " AND ".join(as_read),\n',
                '        "ConditionExpression": "attribute_exists(userId) OR " + " AND ".join(as_read),\n',
            ),
        ),
        "no job here has a cursor; closing windows moves counts off the record without looking whether they are as read",
    ),
    Bug(
        "expiry in milliseconds",
        (
            (
                "store/usage_log.py",
                '"expiresAt": int((at + KEPT).timestamp())',
                '"expiresAt": int((at + KEPT).timestamp() * 1000)',
            ),
        ),
    ),
    Bug(
        "plan from the token",
        (
            (
                "store/admission.py",
                '        "terms.#until > :now",\n',
                '        "(terms.#until > :now OR terms.#until > :zero)",\n',
            ),
            (
                "metering.py",
                "isinstance(until, int) and int(now.timestamp()) < until",
                "isinstance(until, int)",
            ),
        ),
        "tokens carry no plan here; the plan as of an earlier day decides, however long ago it ended",
    ),
    Bug(
        "lease shorter than the time-out",
        (("metering.py", "LEASE_SECONDS = 90", "LEASE_SECONDS = 3"),),
    ),
    Bug(
        "partial batch not reported",
        (
            (
                "streams.py",
                '        return {"batchItemFailures": [{"itemIdentifier": sequence} for sequence in failures]}\n\n    return handler\n\n\ndef _consumed',
                '        return {"batchItemFailures": []}\n\n    return handler\n\n\ndef _consumed',
            ),
        ),
    ),
    Bug(
        "late settle counted twice",
        (("store/admission.py", ' | {"ConditionExpression": "attribute_not_exists(userId)"}', ""),),
    ),
    Bug(
        "quota reset by the job only",
        (
            (
                "counters.py",
                '            return f"{unit}#{calendar.month_stamp(now)}"\n',
                '            return f"{unit}#month"\n',
            ),
        ),
    ),
    Bug(
        "rate checked after quota is taken",
        (
            (
                "store/admission.py",
                '        "(attribute_not_exists(#rate) OR #rate < terms.#hourly)",\n',
                '        "terms.#hourly > :zero",\n',
            ),
            (
                "store/admission.py",
                "            return _admission(call, _take(call))\n",
                "            taken = _take(call)\n"
                '            if taken[rate_counter(call.at)] > taken["terms"]["rate"]:\n'
                "                user = records.to_user(taken)\n"
                "                raise refusal(Denial.RATE, user, call.action, call.at, settings().academic_domains)\n"
                "            return _admission(call, taken)\n",
            ),
        ),
    ),
    Bug(
        "a charge granted twice",
        (
            NO_PAYMENT_CONDITION,
            (
                "store/mandates.py",
                '"ConditionExpression": "changes = :seen",',
                '"ConditionExpression": "changes = :seen OR attribute_exists(id)",',
            ),
            ("payments/renewals.py", "        Reason.DUPLICATE_PAYMENT: charge.cycle in mandate.cycles,\n", ""),
        ),
    ),
    Bug(
        "a notice marked as sent before it is",
        (
            (
                "../../../functions/streams/send_notices.py",
                "        message = app.post().send(",
                "        _end(claim, Outcome.SENT, now)\n        message = app.post().send(",
            ),
        ),
    ),
    Bug(
        "a roll-up that adds twice",
        (
            (
                "store/rollups.py",
                '            "ConditionExpression": "revision = :seen" if revision else "attribute_not_exists(series)",\n'
                "            **seen,\n",
                "            **({} if seen else {}),\n",
            ),
        ),
    ),
)


def planted(bug: Bug, place: Path) -> None:
    """Write the bug into the copy at this place. Raises LookupError where the product has changed under it."""
    for name, there, instead in bug.patches:
        path = (place / LAYER / name).resolve()
        text = path.read_text()
        if there not in text:
            raise LookupError(f"{bug.name}: {name} has no {there!r}")
        path.write_text(text.replace(there, instead, 1))


def hunted(bug: Bug, source: Path, jobs: int, seeds: int = SEEDS) -> tuple[str, float]:
    """What the simulation says of the bug, and in how many seconds."""
    with tempfile.TemporaryDirectory() as kept:
        place = Path(kept)
        for part in ("layers", "functions"):
            shutil.copytree(source / part, place / part, ignore=shutil.ignore_patterns("__pycache__"))
        planted(bug, place)
        command = [sys.executable, "-m", "tests.simulation", "--first", "--seeds", str(seeds), "--jobs", str(jobs)]
        begun = time.monotonic()
        environment = {**os.environ, "TOLLGATE_SOURCE": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 -- ourselves
    found = re.search(r"^seed \d+: .*$", done.stdout, re.MULTILINE)
    if found:
        return found[0], time.monotonic() - begun
    return ("NOT FOUND" if "0 broken" in done.stdout else f"ERROR {done.stderr[-300:]}"), time.monotonic() - begun


def main(arguments: list[str]) -> int:
    """Plant them one by one. Not 0 where one is not found."""
    missed = 0
    wanted = [each for each in BUGS if not arguments or any(name in each.name for name in arguments)]
    print("| bug | found at | by | s |\n|---|---|---|---|")  # noqa: T201 -- a command
    for bug in wanted:
        try:
            said, seconds = hunted(bug, ROOT, os.cpu_count() or 1)
        except LookupError as error:
            said, seconds = f"ERROR {error}", 0.0
        missed += not said.startswith("seed")
        seed, _, why = said.partition(": ")
        note = f" ({bug.instead})" if bug.instead else ""
        print(f"| {bug.name}{note} | {seed} | {why[:110]} | {seconds:.0f} |", flush=True)  # noqa: T201 -- a command
    print(f"{len(wanted) - missed} of {len(wanted)} found")  # noqa: T201 -- a command
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
