"""One history: what people and schedules do, in which order, and what goes wrong; then whether all of it still holds.

A `Plan` is a value and follows from its seed; it can be cut down and lived again. `live` lives it on the real handlers.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property, partial
from random import Random
from typing import Any

from local import gateway as front
from local.gateway import Request
from local.simulators.razorpay import control_payers
from local.simulators.razorpay.wire import Refusal
from local.streams import wanted
from local.template import Function
from tests.functions import harness
from tests.simulation import consumers, desk, renewals
from tests.simulation.baton import Baton, Died, Task, drawn
from tests.simulation.broken import BrokenError
from tests.simulation.consumers import Reader
from tests.simulation.lags import Lags
from tests.simulation.seen import Seen
from tests.simulation.store import Store
from tests.simulation.streams import Consumer, record
from tests.simulation.tables import Row
from tests.simulation.upstream import Ai, Database, Gateway, Ses
from tollgate import calendar, invariants
from tollgate.ai import endings
from tollgate.ai.provider import ErrorKind
from tollgate.config import settings
from tollgate.invariants import Facts, Told
from tollgate.letters import Sender
from tollgate.metering import UNIT_OF, Action
from tollgate.payments import mandates
from tollgate.plans import Unit
from tollgate.store import dynamodb, history
from tollgate.store.dynamodb import from_item
from tollgate.store.notices import LEASE
from tollgate.subscriptions import Subscription
from tollgate.users import User

type Json = dict[str, Any]

SECONDS_IN = {"minute": 60, "hour": 3600, "day": 86_400}
SKEW = timedelta(seconds=5)  # that an environment's clock may be ahead of what is judged by
IST = timedelta(hours=5, minutes=30)
ENDLESS = float("inf")
RESUME = "Asha Rao\nEngineer at Acme from 2020 to 2024\nPython, SQL\nLed a team of four and cut costs by 20%"
JOB = "Acme is looking for an engineer who knows Python and SQL and has led a team for years. Apply to Acme now."
BODIES: dict[str, Json] = {
    "/api/ai/parse-resume": {"text": RESUME},
    "/api/ai/enhance-content": {"section": "work", "content": "- Led a team"},
    "/api/ai/cover-letter": {"resume": RESUME, "jobDescription": JOB},
    "/api/ai/job-match": {"resume": RESUME, "jobDescription": JOB},
}
ANSWERS: dict[str, Json] = {
    "ParsedResume": {"basics": {"name": "Asha Rao"}},
    "Edits": {"edits": []},
    "Written": {"letter": "Dear team, I am an engineer at Acme and know Python and SQL. " * 8 + "Asha Rao"},
    "Worded": {"suggestions": []},
}
ACTS = {**renewals.ACTS, **desk.ACTS}  # beside the ones of a life's own
JOBS = {
    "expire": "ExpireSubscriptions",
    "reset": "ResetUsage",
    "remind": "SendReminders",
    "reconcile": "ReconcilePayments",
    "report": "DailyReport",
}


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that somebody does. `faults` are (which I/O, what happens there)."""

    kind: str
    user: int = 0
    says: tuple[tuple[str, Any], ...] = ()
    faults: tuple[tuple[int, str], ...] = ()
    skew: float = 0.0

    def get(self, name: str, otherwise: Any = None) -> Any:  # noqa: ANN401 -- whatever the act says
        return dict(self.says).get(name, otherwise)

    def __str__(self) -> str:
        said = " ".join(f"{name}={value}" for name, value in self.says)
        faults = "".join(f" !{kind}@{number}" for number, kind in self.faults)
        return f"{self.kind}(u{self.user} {said}){faults}{f' skew {self.skew:+.1f}' if self.skew else ''}"


@dataclass(frozen=True, slots=True)
class Round:
    """Acts that happen at once, and the seconds until the next ones."""

    acts: tuple[Act, ...]
    then: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole history. `listens` names the readers of streams that take part; `reports`: the books are compared at its end."""

    seed: int
    theme: str
    start: float
    rounds: tuple[Round, ...]
    listens: tuple[str, ...] = ()
    reports: bool = False

    def __str__(self) -> str:
        begins = f"{datetime.fromtimestamp(self.start, UTC):%Y-%m-%d %H:%M:%S}"
        lines = [" ".join([f"seed {self.seed} {self.theme} from {begins}", *self.listens])]
        for each in self.rounds:
            lines += [f"  {' || '.join(map(str, each.acts))}", f"    +{each.then:.0f} s"]
        return "\n".join(lines)


class Known(Facts):
    """Facts that are looked at many times."""

    @cached_property
    def user(self) -> User | None:  # the same, found once
        return super().user

    @cached_property
    def timeline(self) -> list[Subscription]:  # the same, found once
        return super().timeline

    @cached_property
    def payments(self) -> dict[str, Mapping[str, Any]]:  # the same, found once
        return super().payments

    @cached_property
    def granted(self) -> dict[str, Mapping[str, Any]]:  # the same, found once
        return super().granted


@dataclass(slots=True)
class Asked:
    """An AI call as its caller saw it."""

    task: Task
    user: str
    path: str
    at: float
    key: str = ""
    before: Row | None = None
    status: int = 0


@dataclass(slots=True)
class Ground:
    """What all histories of a process stand on: the baton, the providers, SES and the way to Razorpay."""

    baton: Baton
    gateway: Gateway
    ai: dict[str, Ai]
    ses: Ses
    tables: Any


class Clock:
    """The simulated world's clock, as the environment of the running task has it."""

    def __init__(self, baton: Baton) -> None:
        self._baton = baton

    def now(self) -> datetime:
        task = self._baton.current
        return datetime.fromtimestamp(self._baton.seconds + (task.skew if task else 0.0), UTC)

    def monotonic(self) -> float:
        return self._baton.seconds

    def sleep(self, seconds: float) -> None:
        self._baton.sleep(seconds)


class Context:
    """What Lambda hands a handler beside the event."""

    def __init__(self, baton: Baton, task: Task, function: Function, request_id: str) -> None:
        self._baton, self._task = baton, task
        self.aws_request_id = request_id
        self.function_name = function.name
        self.memory_limit_in_mb = function.memory
        self.invoked_function_arn = f"arn:aws:lambda:ap-south-1:000000000000:function:{function.name}"

    def get_remaining_time_in_millis(self) -> int:
        spent = self._baton.seconds - self._task.began
        return max(0, int((self._task.seconds - spent) * 1000))


@cache
def functions() -> Mapping[str, Function]:
    return {each.name: each for each in harness.served().functions}


@cache
def place_of(function: str) -> tuple[Callable[[Json, Any], Any], Any]:
    """The function's handler, and its resolver where it has one."""
    module, _, name = functions()[function].handler.rpartition(".")
    loaded = importlib.import_module(module)
    return getattr(loaded, name), getattr(loaded, "app", None)


@dataclass(slots=True)
class Life:
    """A history that is being lived."""

    plan: Plan
    ground: Ground
    store: Store = field(init=False)
    random: Random = field(init=False)
    orders: dict[str, list[Json]] = field(default_factory=dict)
    proofs: dict[str, list[Json]] = field(default_factory=dict)
    acknowledged: dict[str, set[str]] = field(default_factory=dict)
    reports: list[Json] = field(default_factory=list)
    delivered: set[int] = field(default_factory=set)
    waiting: list[str] = field(default_factory=list)
    decided: dict[str, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    before: dict[str, Facts] = field(default_factory=dict)
    readers: list[Reader] = field(default_factory=list)
    statuses: list[tuple[Act, int, Json]] = field(default_factory=list)
    number: int = 0
    judged: int = -1
    plain: dict[int, tuple[Row, Json]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    seen: Callable[[Life, Act, int, Json], None] | None = None

    def __post_init__(self) -> None:
        ground = self.ground
        self.random = drawn(self.plan.seed)
        baton = ground.baton
        baton.random, baton.seconds, baton.current = drawn(self.plan.seed + 1), self.plan.start, None
        lags = (
            Lags()
            if self.plan.theme == "oracle"
            else Lags.seeded(drawn(self.plan.seed + 2), index=30 if self.plan.seed % 16 == 0 else 1)
        )
        self.store = Store(ground.tables, self._now, lags, self._isolated if len(self.users()) > 1 else None)
        dynamodb.use(Database(baton, self.store))
        self.readers = [
            Reader(name, source, Consumer(self.store, source.table))
            for name in self.plan.listens
            for source in functions()[name].sources
        ]
        endings._waiting.clear()  # noqa: SLF001 -- what a process keeps ends with it

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.ground.baton.seconds, UTC)

    def _isolated(self, seen: Seen) -> None:
        """Q12: what one person asks for reads and writes no row of another's. Raises BrokenError."""
        task = self.ground.baton.current
        if task is None or not task.user:
            return
        touched = [change.after or change.before for change in seen.changes]
        if task.reads_own:
            touched += shown(seen.answer or {})
        owners = {item["userId"]["S"] for item in touched if item and "userId" in item}
        if owners - {task.user} and not self._ends_what_was_not_booked(owners, seen):
            raise BrokenError(f"Q12 {task.name} touched a row of {max(owners - {task.user})}'s by {seen.operation}")

    def _ends_what_was_not_booked(self, owners: set[str], seen: Seen) -> bool:
        """Whether this ends one person's call and nothing else: one that the database did not take and the process carries."""
        ended = set[str]()
        for change in seen.changes:
            before, after = change.before or {}, change.after or {}
            ended |= (
                {after["requestId"]["S"]} if "requestId" in after else set()
            )  # its row in the log, if it cost anything
            ended |= {name.rpartition("#")[2] for name in before.keys() - after.keys() if name.startswith("lease#")}
        whose = {each.user for each in self.asked if each.task.request_id in ended}
        return len(owners) == 1 and whose == owners

    # Doing

    def live(self) -> None:
        """All of it, and what comes after. Raises Broken."""
        for each in self.plan.rounds:
            self.round(each)
        self.rest()

    def round(self, each: Round) -> None:
        baton = self.ground.baton
        if self.random.random() < 0.5:
            baton.thaw()
        frozen = [task for task in baton.tasks if task.parked]
        self.ground.gateway.engine.now()  # mandates charge by the clock, whoever asks
        for act in each.acts:
            self._act(act)
        self._run()
        self._listen()
        for task in frozen:
            task.parked = False
        if frozen:
            self._run()
            self._listen()
        self._pass(each.then)

    def _act(self, act: Act) -> None:
        if done := ACTS.get(act.kind):
            done(self, act)
        else:
            getattr(self, f"_{act.kind}")(act)

    def _pass(self, seconds: float) -> None:
        """Let time pass; what a reader failed at is told again before it is too old."""
        wait = LEASE.total_seconds()
        if seconds > wait and self._is_behind():
            self.ground.baton.seconds += wait
            seconds -= wait
            self._listen()
        self.ground.baton.seconds += seconds

    def _listen(self, *, fails: float = 0.3) -> None:
        """Streams are read all the time; what failed is told again."""
        if not self.readers:
            return
        if self.random.random() < fails:
            kind = self.random.choice(("dies before", "dies after", "throttled", "unheard", "twice"))
            self._alone(Act("stream", -1, faults=((self.random.randrange(1, 6), kind),)))
        if self.random.random() < fails / 2:
            self._stream(Act("stream", -1))  # and another one, who is told the same at the same time
            self._alone(Act("stream", -1))
        for _ in range(3):
            if self._is_behind():
                self._alone(Act("stream", -1))

    def _is_behind(self) -> bool:
        return any(each.consumer.is_behind for each in self.readers)

    def _run(self, *, judged: bool = True) -> None:
        for task in self.ground.baton.run():
            if task.error is not None and not isinstance(task.error, Died):
                raise task.error
        if judged and self.store.writes != self.judged:
            self.judged = self.store.writes
            for user in self.users():
                self.check(user)

    def users(self) -> list[str]:
        return sorted({self.user(act) for each in self.plan.rounds for act in each.acts if act.user >= 0})

    def user(self, act: Act) -> str:
        return f"user-{self.plan.seed}-{act.user}"

    def invoke(self, act: Act, function: str, make: Callable[[str], Json], then: Callable[[Task, Any], None]) -> Task:
        """Have a function be invoked; `then` is told what it answered, should it live."""
        baton, known = self.ground.baton, functions()[function]
        handle, resolver = place_of(function)
        self.number += 1
        request_id = f"req-{self.plan.seed}-{self.number}"

        def work() -> None:
            answer = handle(make(request_id), Context(baton, task, known, request_id))
            then(task, answer)

        task = Task(f"{act} #{self.number}", work, dict(act.faults), act.skew, known.timeout, request_id, resolver)
        baton.start(task)
        return task

    def call(self, act: Act, method: str, path: str, body: object = None, **options: Any) -> Task:  # noqa: ANN401 -- see request
        found = harness.router().find(method, path)
        if found is None:
            raise BrokenError(f"no route {method} {path}")
        route, parameters = found

        def make(request_id: str) -> Json:
            request = self._request(act, method, path, body, **options)
            return front.event(request, route, parameters, now=self._now(), request_id=request_id)

        def then(task: Task, result: Any) -> None:  # noqa: ANN401 -- a handler's
            status = int(result["statusCode"])
            told = json.loads(result["body"]) if result.get("body") else {}
            told = {"listed": told} if isinstance(told, list) else told
            task.replayed = "Idempotent-Replayed" in result.get("headers", {})
            self._answered(act, task, status, told, options.get("then"))

        task = self.invoke(act, route.function.name, make, then)
        if "raw" not in options and act.user >= 0:
            task.user = self.user(act)
            task.reads_own = act.kind != "verify"  # whose an order is has to be looked at before it is refused
        return task

    def _request(
        self,
        act: Act,
        method: str,
        path: str,
        body: object,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        then: object = None,
    ) -> Request:
        del then
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json", "content-length": str(len(content)), "host": "api.example.com"}
        if raw is None:
            sent["authorization"] = self.bearer(self.user(act))
        return Request(method, path, "", tuple((sent | dict(headers or {})).items()), content)

    def bearer(self, user: str, role: str = "") -> str:
        """What the user's requests carry now."""
        return f"Bearer {token(user, int(self.ground.baton.seconds) // 3600, role)}"

    def _answered(
        self, act: Act, task: Task, status: int, told: Json, then: Callable[[Task, int, Json], None] | None
    ) -> None:
        self.log.append(f"{task.name}: {status} {told.get('code', '')} {'; '.join(task.struck)}")
        if status == 500:
            raise BrokenError(f"S1 {task.name} answered 500")
        if then:
            then(task, status, told)
        if self.seen:
            self.seen(self, act, status, told)

    # What people do

    def _order(self, act: Act) -> None:
        body = {"tier": act.get("tier"), "plan": act.get("plan"), "autoRenew": act.get("renews", False)}

        def then(_: Task, status: int, told: Json) -> None:
            if status == 200:
                self.orders.setdefault(self.user(act), []).append(told)

        self.call(act, "POST", "/api/subscription/create-order", body, then=then)

    def _pay(self, act: Act) -> None:
        made = self.orders.get(self.user(act), [])
        if not made:
            return
        order = made[-1 - int(act.get("which", 0) * len(made)) % len(made)]
        if "orderId" not in order:
            return
        attempt = {name: value for name, value in act.says if name in {"outcome", "amount", "force"}}
        if attempt.get("amount"):
            attempt["amount"] = max(100, order["amount"] - 100)
        paid = self.ground.gateway.engine.account.order(order["orderId"])["status"] == "paid"
        if paid and not attempt.get("force"):
            return
        try:
            proof = self.ground.gateway.pay(order["orderId"], **attempt)
        except Refusal as refused:
            self.log.append(f"{act}: {refused}")
            return
        if "razorpay_signature" in proof:
            self.proofs.setdefault(self.user(act), []).append(proof)
        self.log.append(f"{act}: {proof['payment']['id']} {proof['payment']['status']}")

    def _verify(self, act: Act) -> None:
        own = act.get("whose", act.user) == act.user
        made = self.proofs.get(self.user(replace(act, user=act.get("whose", act.user))), [])
        if not made:
            return
        proof = made[-1 - int(act.get("which", 0) * len(made)) % len(made)]
        body = {name: value for name, value in proof.items() if name.startswith("razorpay_")}

        def then(_: Task, status: int, told: Json) -> None:
            if status in {200, 202} and not own:
                raise BrokenError(f"Q12 {act} was told that another's payment is theirs")
            paid = proof["razorpay_payment_id"]
            # Of a consent alone the period is told that it will renew: nothing was paid.
            if (status == 200 and told["razorpayPaymentId"] == paid) or told.get("code") == "payment_under_review":
                self.acknowledged.setdefault(self.user(act), set()).add(paid)

        self.call(act, "POST", "/api/subscription/verify-payment", body, then=then)

    def _deliver(self, act: Act) -> None:
        made = self.ground.gateway.engine.account.post.deliveries
        waiting = [place for place in range(len(made)) if act.get("again") or place not in self.delivered]
        waiting = waiting or list(range(len(made)))
        about = act.get("about", "")
        waiting = [place for place in waiting if made[place].event.startswith(about)] or waiting
        if waiting:
            self._webhook(act, waiting[int(act.get("pick", 0) * len(waiting)) % len(waiting)])

    def _webhook(self, act: Act, place: int) -> None:
        delivery = self.ground.gateway.engine.account.post.deliveries[place]
        event_id = act.get("header") or delivery.event_id
        headers = {"x-razorpay-signature": signed(delivery.body), "x-razorpay-event-id": event_id}

        def then(_: Task, status: int, __: Json) -> None:
            if status == 200:
                self.delivered.add(place)
                if delivery.event in {"payment.captured", "refund.processed", "subscription.charged"}:
                    body = json.loads(delivery.body)
                    paid = body["payload"]["payment"]["entity"]
                    owner = self._owner(body["payload"].get("subscription", {}).get("entity"), paid)
                    if owner:
                        self.acknowledged.setdefault(owner, set()).add(paid["id"])

        task = self.call(act, "POST", "/api/subscription/webhook", raw=delivery.body, headers=headers, then=then)
        task.name = f"{task.name} {delivery.event}"

    def _owner(self, mandate: Json | None, payment: Json) -> str | None:
        """Whose payment it is, by the notes that we had made of what it pays for; None where that settles nothing."""
        order = self.ground.gateway.engine.account.orders.get(payment.get("order_id") or "")
        if mandate is None and (not order or payment.get("invoice_id")):
            return None
        notes = (mandate or order or {})["notes"]
        return str(notes["userId"]) if isinstance(notes, dict) and "userId" in notes else None

    def _refund(self, act: Act) -> None:
        account = self.ground.gateway.engine.account
        taken = [each for each in account.payments.values() if each["captured"] and each["refund_status"] != "full"]
        if taken:
            chosen = taken[int(act.get("pick", 0) * len(taken)) % len(taken)]
            left = chosen["amount"] - chosen["amount_refunded"]
            part = {"amount": left // 2} if act.get("part") and left // 2 >= 100 else {}
            try:
                self.ground.gateway.refund(chosen["id"], **part)
            except Refusal as refused:  # as of what was paid more than half a year ago
                self.log.append(f"{act}: {refused}")
                return
            self.log.append(f"{act}: {chosen['id']} {part or 'all'}")

    def _dispute(self, act: Act) -> None:
        """A payer's bank takes a payment back, or turns a dispute that there is."""
        account, gateway = self.ground.gateway.engine.account, self.ground.gateway
        if turn := act.get("turn"):
            standing = [each for each in account.disputes.values() if each["status"] in {"open", "under_review"}]
            if standing:
                chosen = standing[int(act.get("pick", 0) * len(standing)) % len(standing)]
                gateway.command(control_payers.turn_dispute, {"id": chosen["id"], "turn": turn})
                self.log.append(f"{act}: {chosen['id']} {turn}")
            return
        taken = [each for each in account.payments.values() if each["captured"] and not each["amount_refunded"]]
        disputed = {each["payment_id"] for each in account.disputes.values()}
        free = [each for each in taken if each["id"] not in disputed]
        if free:
            chosen = free[int(act.get("pick", 0) * len(free)) % len(free)]
            gateway.command(control_payers.dispute, {"id": chosen["id"]})
            self.log.append(f"{act}: {chosen['id']}")

    def _ai(self, act: Act) -> None:
        path = act.get("path")
        headers = {"idempotency-key": act.get("key")} if act.get("key") else {}
        known: list[Asked] = []
        task = self.call(
            act,
            "POST",
            path,
            BODIES[path],
            headers=headers,
            then=lambda _, status, __: self._heard(known[0], status),
        )
        before = self._record(self.user(act)) if self.plan.theme == "oracle" else None
        asked = Asked(task, self.user(act), path, self.ground.baton.seconds, act.get("key", ""), before)
        known.append(asked)
        self.asked.append(asked)
        for name, kinds in (("gpt4o", act.get("gpt4o", ())), ("gemini", act.get("gemini", ()))):
            self.ground.ai[name].errors[task.request_id] = [ErrorKind(kind) for kind in kinds]

    def _record(self, user: str) -> Row | None:
        rows = self.store.tables["UsersTable"].rows.values()
        return next((row for row in rows if row.item["userId"] == {"S": user}), None)

    def _heard(self, asked: Asked, status: int) -> None:
        """Note the answer. Raises Broken where a refusal took something, and where a reply is repeated after its day."""
        asked.status = status
        before, after = asked.before, self._record(asked.user)
        if self.plan.theme == "oracle" and status in {403, 429} and before and after and before.item != after.item:
            raise BrokenError(f"Q5 {asked.task.name} was refused and changed the record")
        if asked.task.replayed:
            same = [each for each in self.asked if (each.key, each.path) == (asked.key, asked.path)]
            fresh = [each for each in same if each is not asked and asked.at - each.at <= SECONDS_IN["day"] + 120]
            if not fresh:
                raise BrokenError(f"S6 {asked.task.name} was answered with what is older than a day")

    def _status(self, act: Act) -> None:
        self.call(act, "GET", "/api/subscription/status")

    def _usage(self, act: Act) -> None:
        self.call(act, "GET", "/api/subscription/usage")

    # What schedules do

    def _job(self, act: Act) -> None:
        name = act.get("name")
        task = self.invoke(act, JOBS[name], lambda _: {}, self._reported)
        work = task.work

        def forgiving() -> None:
            try:
                work()
            except Exception as error:
                if type(error).__name__ != "ProviderUnavailable" or not task.struck:
                    raise  # a schedule that is refused by a busy database comes again

        task.work = forgiving

    def _reported(self, task: Task, report: Json) -> None:
        self.log.append(f"{task.name}: {report} {'; '.join(task.struck)}")
        self.reports.append(report)
        if report.get("unsound"):
            raise BrokenError(f"S12 {task.name} says that {report['unsound']} users are unsound, and nobody is")

    def _stream(self, act: Act) -> None:
        for reader in self.readers:
            batch = reader.consumer.batch(reader.source.batch)
            told = [each for each in batch if wanted(each, reader.source)]
            if told:
                self._consume(act, reader, told)
            elif batch:
                reader.consumer.done()

    def _consume(self, act: Act, reader: Reader, batch: list[Json]) -> None:
        def then(_: Task, answer: Json) -> None:
            failed = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
            reader.consumer.done(min(failed) if failed else None)

        self.invoke(act, reader.function, lambda _: {"Records": batch}, then)

    # After all of it

    def rest(self) -> None:
        """Faults off: everything is delivered, schedules run, leases time out. Raises BrokenError."""
        baton = self.ground.baton
        baton.thaw()
        if baton.tasks:
            self._run()
        for minutes in (0, 1, 35, 60, 24 * 60):
            self._pass(60.0 * minutes)
            self._deliver_all()
            if self._is_open():
                self._alone(Act("job", -1, (("name", "reconcile"),)))
            self._listen()
        self._deliver_all()  # what a mandate charged in the meantime
        for number in range(1 + max((act.user for each in self.plan.rounds for act in each.acts), default=0)):
            if self._has_leases(f"user-{self.plan.seed}-{number}"):
                self._alone(Act("ai", number, (("path", "/api/ai/enhance-content"),)))
        if self.plan.theme == "calendar":
            for name in ("expire", "reset"):
                self._alone(Act("job", -1, (("name", name),)))
        if self.plan.reports:
            self._report()
        self._listen()
        self._pass(100)
        self._listen(fails=0)
        for user in self.users():
            self.check(user, at_rest=True)
        self._check_rest()

    def _report(self) -> None:
        """S12: where everything was told, the daily report finds nothing wrong and has nothing to repair."""
        self._alone(Act("job", -1, (("name", "report"),)))
        wrong = {name for name in ("differences", "repaired", "failed", "unfinished") if self.reports[-1][name]}
        if wrong or not self.reports[-1]["days"]:
            raise BrokenError(f"S12 the report is {self.reports[-1]}")

    def _is_open(self) -> bool:
        """Whether the reconciler has anything to look at by now."""
        now = calendar.iso(self._now() + SKEW)
        return any("open" in row and row["lookAt"] <= now for row in self._rows("PaymentsTable"))

    def _has_leases(self, user: str) -> bool:
        rows = [row for row in self._rows("UsersTable") if row["userId"] == user]
        return any(name.startswith("lease#") for row in rows for name in row)

    def _alone(self, act: Act) -> None:
        seen, self.seen = self.seen, None
        self._act(act)
        self._run(judged=False)
        self.seen = seen

    def _deliver_all(self) -> None:
        self.ground.gateway.engine.now()
        for place in range(len(self.ground.gateway.engine.account.post.deliveries)):
            if place not in self.delivered:
                seen, self.seen = self.seen, None
                self._webhook(Act("deliver", -1), place)
                self._run(judged=False)
                self.seen = seen
                if place not in self.delivered:
                    raise BrokenError(f"a delivery is never taken: {self.log[-1]}")

    # Judging

    def facts(self, user: str) -> Facts:
        """Everything there is of a user now."""
        rows = self._rows("PaymentsTable")
        paid = self._payments_of(user)
        slots = set(mandates.slots_of("test", user))
        ledger = {
            row["id"]: row
            for row in rows
            if row.get("userId") == user or ("userId" not in row and row["id"] in paid) or row["id"] in slots
        }
        record = next((row for row in self._rows("UsersTable") if row["userId"] == user), None)
        return Known(
            user_id=user,
            now=self._now() + SKEW,
            record=record,
            periods=[row for row in self._rows("SubscriptionsTable") if row["userId"] == user],
            ledger=ledger,
            usage=[
                row
                for row in self._rows("UsageLogsTable")
                if row["userId"] == user and row.get("expiresAt", ENDLESS) > self.ground.baton.seconds
            ],
            gateway=paid,
            acknowledged=self.acknowledged.get(user, set()),
        )

    def _rows(self, table: str) -> list[Json]:
        """What lies in a table. A row is a value, so that it is read once."""
        found = []
        for row in self.store.tables[table].rows.values():
            known = self.plain.get(id(row))
            if known is None or known[0] is not row:
                known = self.plain[id(row)] = (row, from_item(row.item))
            found.append(known[1])
        return found

    def _payments_of(self, user: str) -> dict[str, Told]:
        account = self.ground.gateway.engine.account
        whose = {
            each["id"]
            for shelf in (account.orders, account.subscriptions)
            for each in shelf.values()
            if isinstance(each["notes"], dict) and each["notes"].get("userId") == user
        }
        invoices = {each["id"] for each in account.invoices.values() if each["subscription_id"] in whose}
        return {
            each["id"]: Told(
                amount=each["amount"],
                currency=each["currency"],
                captured=bool(each["captured"]),
                refunded=each["amount_refunded"],
            )
            for each in account.payments.values()
            if each["order_id"] in whose or each["invoice_id"] in invoices
        }

    def check(self, user: str, *, at_rest: bool = False) -> None:
        """Raise Broken for what does not hold."""
        now = self.facts(user)
        found = invariants.broken(now, at_rest=at_rest)
        if user in self.before:
            found += invariants.broken_by(self.before[user], now)
        self.before[user] = now
        if found:
            raise BrokenError("\n".join(map(str, found)))

    def _check_rest(self) -> None:
        rows = self._rows("UsageLogsTable")
        self._check_calls([row for row in rows if "requestId" in row])
        ledger = {row["id"]: row for row in self._rows("PaymentsTable")}
        renewals.check_rest(self, ledger)
        desk.check_rest(self, ledger)
        self._check_expiry()
        if self.plan.theme == "calendar":
            self._check_history()
        if "SendNotices" in self.plan.listens:
            mail = settings().mail
            sender = Sender(address=mail.sender, app_url=mail.app_url)
            consumers.check_mails(self.store.streams["NoticesTable"], self.ground.ses, sender)
        if "RollUp" in self.plan.listens:
            consumers.check_figures(
                self._rows("RollupsTable"),
                self._rows("SubscriptionsTable"),
                self._rows("PaymentsTable"),
                self.store.streams["UsageLogsTable"],
            )
        if "QueueNotices" in self.plan.listens:
            self._check_notices()

    def _check_calls(self, rows: list[Json]) -> None:
        """S2, S3: what was billed is logged, and no living call is taken for dead."""
        for each in self.asked:
            task, name = each.task, each.task.request_id
            own = [row for row in rows if row["requestId"] == name]
            lived = each.status == 200 and not task.late and len(task.struck) <= 1
            if lived and any(row.get("errorMessage") == "lost" for row in own):
                raise BrokenError(f"S2 {task.name} lived and was taken for dead")
            kept = self.ground.baton.seconds - each.at < 89 * SECONDS_IN["day"]  # then the log forgets
            clean = not task.struck and not task.dead and kept
            billed = sum(provider.billed[name] for provider in self.ground.ai.values())
            logged = sum(row.get("costMicroUsd", 0) for row in own)
            if clean and billed != logged:
                raise BrokenError(f"S3 {task.name}: {billed} micro-dollars were billed and {logged} are logged")

    def _check_history(self) -> None:
        """S7: what closed windows say, with what is still counted, is what the log says, month by month."""
        log, users = self._rows("UsageLogsTable"), self._rows("UsersTable")
        for user in users:
            if self.ground.baton.seconds - self.plan.start > 80 * SECONDS_IN["day"]:
                return
            counted: Counter[tuple[str, str]] = Counter()
            for row in log:
                if row["userId"] == user["userId"] and row["timestamp"].startswith(history.WINDOW):
                    month = row["timestamp"].removeprefix(history.WINDOW)
                    counted.update({(unit.value, month): row.get(unit.value, 0) for unit in Unit})
            for name, count in user.items():
                unit, _, stamp = name.partition("#")
                if unit in set(Unit) and stamp[:1].isdigit():
                    counted[unit, stamp[:7]] += count
            done: Counter[tuple[str, str]] = Counter()
            most: Counter[tuple[str, str]] = (
                Counter()
            )  # a call that died is given back to a window only while that is open
            swept = {row.get("requestId") for row in log if row.get("errorMessage") == "lost"}
            for row in log:
                unit_ = (
                    UNIT_OF.get(Action(row["action"])) if row["userId"] == user["userId"] and "action" in row else None
                )
                if unit_ is not None and (row["success"] or row["requestId"] in swept):
                    at = datetime.fromisoformat(row["timestamp"].partition("#")[0])
                    place = unit_.value, f"{at + IST:%Y-%m}"
                    most[place] += 1
                    done[place] += row["requestId"] not in swept
            passes = any(row["tier"] == "one-time" for row in self._rows("SubscriptionsTable"))
            if not passes and not done <= counted <= most:
                raise BrokenError(f"S7 windows say {dict(+counted)} and the log {dict(+done)}")

    def _check_notices(self) -> None:
        """S5: streams told all over again bring nothing new: nothing was missed the first time."""
        known = {str(each.key["id"]["S"]) for each in self.store.streams["NoticesTable"]}  # also what has expired since
        for table in ("SubscriptionsTable", "PaymentsTable"):
            consumer = Consumer(self.store, table)
            records = [record(each) for each in [*consumer._changes]]  # noqa: SLF001 -- also what is too old to be read
            if records:
                self.invoke(Act("stream", -1), "QueueNotices", partial(_told, records), _nothing)
                self._run(judged=False)
        missed = {row["id"] for row in self._rows("NoticesTable")} - known
        # Whether a period began or goes on depends on what else was told by then.
        missed = {name for name in missed if name.replace("#renewed#", "#started#") not in known}
        if missed:
            raise BrokenError(f"S5 nobody was told of {sorted(missed)}")

    def _check_expiry(self) -> None:
        """S4: what is to expire does so within two years."""
        latest = self.ground.baton.seconds + 2 * 365 * SECONDS_IN["day"]
        for table in self.store.tables.values():
            for row in table.rows.values():
                stamp = row.item.get(table.expiry, {}).get("N") if table.expiry else None
                if stamp is not None and float(stamp) > latest:
                    raise BrokenError(f"S4 a row of {table.name} is kept until {stamp}")


def shown(answer: Json) -> list[Json]:
    """The items that an answer shows."""
    found = [*answer.get("Items", ())]
    found += [each["Item"] for each in answer.get("Responses", ()) if isinstance(each, dict) and "Item" in each]
    if isinstance(tables := answer.get("Responses"), dict):
        found += [item for items in tables.values() for item in items]
    return found + [answer[name] for name in ("Item", "Attributes") if name in answer]


def _told(records: list[Json], _: str) -> Json:
    return {"Records": records}


def _nothing(_: Task, __: Any) -> None:  # noqa: ANN401 -- whatever it answered
    """Nobody asks."""


@cache
def token(user: str, hour: int, role: str = "") -> str:
    """A token like the frontend's, good for that hour."""
    claims = {"iat": hour * 3600, "exp": hour * 3600 + 7200} | ({"role": role} if role else {})
    return harness.signed_token({"sub": user, "email": f"{user}@example.com", **claims})


def signed(body: bytes) -> str:
    return hmac.new(harness.WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()


__all__ = ["Act", "BrokenError", "Ground", "Life", "Plan", "Round", "replace", "timedelta"]
