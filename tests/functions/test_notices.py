"""What users are told: which mail follows from what, once each, to the newest address, and apart from whatever caused it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from local.mail import Outbox
from tests.functions import harness, jobs
from tests.functions.harness import START, World
from tests.functions.test_mandates import standing, told
from tests.functions.test_refunds import bought, dispute_event, refund_event
from tests.functions.test_review import kept as kept_for_review
from tollgate import calendar
from tollgate.notices import Kind, Notice
from tollgate.store import dynamodb, subscriptions
from tollgate.store import notices as kept
from tollgate.store.dynamodb import Engine, UnreachableError

MATCH = {"resume": "Asha Rao\nSkills\nPython, AWS", "jobDescription": "We look for a Python engineer who knows AWS."}


@dataclass(slots=True)
class Box:
    """One user's letter box, and a way to have SES go wrong."""

    outbox: Outbox
    ses: httpx2.Client

    def to(self, user: str) -> list[dict[str, Any]]:
        return [each for each in self.outbox.all() if each["to"].startswith(user)]

    def kinds(self, user: str) -> list[str]:
        return [each["kind"] for each in self.to(user)]

    def fail(self, *faults: str) -> None:
        assert self.ses.post("/_sim/faults", json=list(faults)).status_code == 200


@pytest.fixture
def box(outbox: Outbox, addresses: Mapping[str, str]) -> Iterator[Box]:
    with httpx2.Client(base_url=addresses["ses"], trust_env=False) as client:
        yield Box(outbox, client)


def notices(world: World) -> dict[str, dict[str, Any]]:
    """The user's notices as they lie there, by id."""
    ids = {each["dynamodb"]["Keys"]["id"]["S"] for each in world.changes("NoticesTable")}
    rows = [world.raw.get_item(TableName="NoticesTable", Key={"id": {"S": each}})["Item"] for each in ids]
    return {row["id"]: row for row in map(dynamodb.from_item, rows)}


def outcomes(world: World) -> dict[str, str | None]:
    return {row["kind"]: row.get("outcome") for row in notices(world).values()}


def deliver(world: World, *events: str, payment: str) -> None:
    bodies = world.events(payment)
    for each in events:
        assert world.webhook(bodies[each]).status == 200


# Which mail follows from what


def test_buying_a_plan_confirms_the_payment_and_tells_that_the_plan_has_started(world: World, box: Box) -> None:
    world.buy("pro", "yearly")
    assert box.to(world.user) == []  # the purchase itself waits for no mail
    assert world.feed() == []
    paid, started = box.to(world.user)
    assert (paid["kind"], started["kind"]) == ("payment", "started")
    assert paid["subject"] == "Payment received: ₹1,490 for Pro yearly"
    for body in (paid["text"], paid["html"]):
        assert "₹227.29" in body  # 18/118 of it
        assert "23 November 2026 to 23 November 2027" in body
        assert world.rows("SubscriptionsTable")[0]["razorpayPaymentId"] in body
    assert "unlimited" in started["text"]


def test_a_free_user_hears_nothing(world: World, box: Box) -> None:
    world.get("/api/subscription/status")
    world.feed()
    assert box.to(world.user) == []


def test_every_way_a_payment_comes_in_tells_of_it_once(world: World, box: Box) -> None:
    paid = world.pay(world.order("premium", "monthly")["orderId"])
    world.verify(paid)
    deliver(world, "payment.captured", "order.paid", payment=paid["razorpay_payment_id"])
    world.verify(paid)
    assert world.feed(twice=True) == []
    assert world.feed(twice=True) == []
    assert box.kinds(world.user) == ["payment", "started"]


def test_the_same_plan_again_is_a_renewal_and_not_a_start(world: World, box: Box) -> None:
    world.buy("pro", "monthly")
    world.feed()
    world.later(days=3)
    world.buy("pro", "monthly")
    world.feed()
    assert box.kinds(world.user) == ["payment", "started", "payment", "renewed"]
    again, renewed = box.to(world.user)[2:]
    assert "begins on 23 December 2026" in again["text"]
    assert "23 December 2026 to 23 January 2027" in renewed["text"]


def test_a_plan_bought_ahead_is_told_to_have_started_when_it_starts(world: World, box: Box) -> None:
    world.buy("premium", "monthly")
    world.feed()
    world.buy("pro", "monthly")
    world.feed()
    assert box.kinds(world.user) == ["payment", "started", "payment"]
    assert "begins on 23 December 2026" in box.to(world.user)[-1]["text"]
    world.at(START + timedelta(days=31))
    tidy(world)
    world.feed()
    assert box.kinds(world.user)[3:] == ["started"]  # and not that premium ended: something else runs
    assert outcomes(world)["expired"] == "outdated"


def tidy(world: World) -> None:
    """What the hourly job does, for this user's rows."""
    for row in world.rows("SubscriptionsTable"):
        if "dueAt" in row and row["dueAt"] <= calendar.iso(world.now):
            subscriptions.advance(row, world.now)


def test_a_plan_that_ran_out_is_told_once_and_only_if_nothing_follows(world: World, box: Box) -> None:
    world.buy("pro", "monthly")
    world.feed()
    world.at(START + timedelta(days=31))
    tidy(world)
    world.feed(twice=True)
    tidy(world)
    world.feed(twice=True)
    assert box.kinds(world.user) == ["payment", "started", "expired"]
    assert "ended on 23 December 2026" in box.to(world.user)[-1]["text"]


def test_an_upgrade_confirms_the_credit_and_does_not_say_that_the_old_plan_ended(world: World, box: Box) -> None:
    world.buy("pro", "monthly")
    world.later(days=10)
    world.buy("premium", "monthly")
    world.feed()
    assert sorted(box.kinds(world.user)) == ["payment", "payment", "started", "started"]
    assert "Credit from your earlier plan: ₹" in box.to(world.user)[-2]["text"]


def test_cancelling_is_confirmed_once_with_the_end_of_all_that_was_paid(world: World, box: Box) -> None:
    world.buy("pro", "monthly")
    world.buy("pro", "monthly")
    world.feed()
    assert world.post("/api/subscription/cancel", {"reason": "<b>no</b>"}).status == 200
    world.feed()
    world.post("/api/subscription/cancel", {})
    world.feed()
    cancelled = [each for each in box.to(world.user) if each["kind"] == "cancelled"]
    assert len(cancelled) == 1
    assert "23 January 2027" in cancelled[0]["text"]


def test_a_refund_tells_its_amount_and_whether_it_was_all(world: World, box: Box) -> None:
    payment = bought(world)
    for number, amount in enumerate((4_900, 10_000), start=1):
        for name in ("created", "processed", "processed"):
            world.webhook(refund_event(world, payment, amount, name, number))
    world.feed(twice=True)
    part, whole = [each for each in box.to(world.user) if each["kind"] == "refund"]
    assert "We have refunded ₹49. This is a part of your payment of ₹149." in part["text"]
    assert "We have refunded ₹100. Your whole payment is on its way back. The Pro monthly period" in whole["text"]


def test_a_lost_dispute_is_told(world: World, box: Box) -> None:
    payment = bought(world)
    for name in ("created", "lost", "lost"):
        world.webhook(dispute_event(world, payment, name))
    world.feed(twice=True)
    assert box.kinds(world.user).count("taken_back") == 1


def test_a_payment_that_fails_is_told_once_an_order_and_not_if_it_came_after_all(world: World, box: Box) -> None:
    order = world.order("pro", "monthly")["orderId"]
    for _ in range(2):
        failed = world.pay(order, outcome="fail")
        deliver(world, "payment.failed", payment=failed["payment"]["id"])
    world.feed()
    mails = box.to(world.user)
    assert [each["kind"] for each in mails] == ["payment_failed"]  # to the address that the order was made with
    assert order in mails[0]["text"]

    other = world.order("pro", "monthly")["orderId"]
    failed = world.pay(other, outcome="fail")
    world.verify(world.pay(other))
    deliver(world, "payment.failed", payment=failed["payment"]["id"])
    world.feed()
    assert box.kinds(world.user).count("payment_failed") == 1


def test_a_payment_kept_for_review_is_told_to_its_payer(world: World, box: Box) -> None:
    payment = kept_for_review(world)
    world.feed(twice=True)
    mails = [each for each in box.to(world.user) if each["kind"] == "payment_under_review"]
    assert len(mails) == 1
    assert payment in mails[0]["text"]
    assert "do not pay again" in mails[0]["text"]


# Mandates


def test_each_cycle_of_a_mandate_is_confirmed_and_told_as_a_renewal(world: World, box: Box) -> None:
    mandate = standing(world)
    seen = told(world, mandate)
    world.feed()
    assert box.kinds(world.user) == ["payment", "started"]
    world.at(datetime(2026, 12, 23, 6, 0, tzinfo=UTC))
    told(world, mandate, seen)
    tidy(world)
    world.feed(twice=True)
    assert box.kinds(world.user)[2:] == ["payment", "renewed"]


def test_a_renewal_that_fails_says_until_when_access_lasts_once_a_cycle_and_when_it_is_given_up(
    world: World, box: Box
) -> None:
    mandate = standing(world)
    seen = told(world, mandate)
    world.feed()
    world.sim("POST", f"/subscriptions/{mandate}/outcomes", always="fail")
    world.at(datetime(2026, 12, 22, 19, 0, tzinfo=UTC))
    for _ in range(4):
        seen = told(world, mandate, seen)
        world.feed()
        world.later(days=1)
    failed = [each for each in box.to(world.user) if each["kind"] == "payment_failed"]
    assert [each["subject"] for each in failed] == [
        "The renewal of your Pro monthly plan did not go through",
        "Your Pro monthly plan could not be renewed",
    ]
    assert "you keep your plan until 27 December 2026" in failed[0]["text"]  # 23 December, four days on


def test_a_renewal_that_the_bank_stopped_is_told(world: World, box: Box) -> None:
    mandate = standing(world)
    world.later(days=3)
    world.sim("POST", f"/subscriptions/{mandate}/cancel")
    told(world, mandate)
    world.feed(twice=True)
    mails = [each for each in box.to(world.user) if each["kind"] == "cancelled"]
    assert len(mails) == 1
    assert "Your bank or payment app stopped" in mails[0]["text"]


def test_a_mandate_that_its_user_cancels_is_told_once(world: World, box: Box) -> None:
    mandate = standing(world)
    world.feed()
    world.post("/api/subscription/cancel", {})
    told(world, mandate)
    world.feed()
    assert box.kinds(world.user).count("cancelled") == 1


# Usage


def test_alerts_at_eighty_and_a_hundred_per_cent_arrive_with_the_day_it_starts_again(world: World, box: Box) -> None:
    world.buy("pro", "monthly")
    world.feed()
    for _ in range(10):
        assert world.post("/api/ai/job-match", MATCH).status == 200
    world.feed()
    near, full = box.to(world.user)[2:]
    assert near["subject"] == "You have used 8 of 10 job matches"
    assert full["subject"] == "You have used all of your job matches: 10 of 10"
    assert "24 November 2026" in near["text"]
    assert "24 November 2026" in full["html"]


# Wishes


def test_whoever_turned_alerts_off_after_one_was_queued_does_not_get_it(world: World, box: Box) -> None:
    assert world.post("/api/ai/parse-resume", {"text": "Asha Rao, engineer"}).status == 200
    world.call("PUT", "/api/account/preferences", {"notifications": {"usageAlerts": False}})
    world.feed()
    assert box.to(world.user) == []
    assert outcomes(world) == {"usage_100": "unwanted"}


def test_without_expiry_mails_a_payment_is_confirmed_all_the_same(world: World, box: Box) -> None:
    off = {"notifications": {"usageAlerts": False, "subscriptionExpiry": False}}
    world.call("PUT", "/api/account/preferences", off)
    world.buy("pro", "monthly")
    world.feed()
    world.at(START + timedelta(days=31))
    tidy(world)
    world.feed()
    assert box.kinds(world.user) == ["payment", "started"]
    assert outcomes(world)["expired"] == "unwanted"


# Addresses


def test_mails_go_to_the_address_of_the_newest_token(world: World, box: Box) -> None:
    assert (
        world.post("/api/ai/parse-resume", {"text": "Asha Rao"}, token=world.token(email=f"{world.user}-a@e.in")).status
        == 200
    )
    world.feed()
    newer = world.token(email=f"{world.user}-b@e.in")
    order = world.post("/api/subscription/create-order", {"tier": "pro", "plan": "monthly"}, token=newer).json[
        "orderId"
    ]
    world.verify(world.pay(order))
    world.feed()
    assert [each["to"].removeprefix(world.user) for each in box.to(world.user)] == ["-a@e.in", "-b@e.in", "-b@e.in"]
    newest = world.token(email=f"{world.user}-c@e.in")
    assert world.post("/api/ai/job-match", MATCH, token=newest).status == 200
    assert (world.item() or {})["email"]["S"].endswith("-c@e.in")


def test_who_has_no_address_is_marked_and_holds_nobody_up(world: World, box: Box) -> None:
    nobody = world.token(email=None)
    assert world.post("/api/ai/parse-resume", {"text": "Asha Rao"}, token=nobody).status == 200
    assert world.feed() == []
    assert outcomes(world) == {"usage_100": "noAddress"}


def test_an_address_that_is_refused_is_marked_and_not_tried_again(world: World, box: Box) -> None:
    gone = world.token(email=f"{world.user}@nowhere.invalid")
    assert world.post("/api/ai/parse-resume", {"text": "Asha Rao"}, token=gone).status == 200
    assert world.feed() == []
    assert world.feed() == []
    assert outcomes(world) == {"usage_100": "failed"}
    row = next(iter(notices(world).values()))
    assert (row["tries"], row["reason"]) == (1, "MessageRejected")


def test_a_notice_that_cannot_be_written_is_marked_and_holds_nobody_up(world: World, box: Box) -> None:
    queue(world, "a", "b")
    broken = Notice(id=f"{world.user}#broken", user_id=world.user, kind=Kind.REFUND, at=world.now, facts={})
    kept.put(broken)
    queue(world, "c")
    assert len(world.feed()) == 1  # counted once, for the alarm
    assert world.feed() == []
    assert len(box.to(world.user)) == 3
    assert notices(world)[broken.id]["outcome"] == "failed"


def test_no_address_and_no_word_of_a_mail_is_logged(
    world: World, box: Box, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    world.buy("pro", "monthly")
    refused = world.token(email=f"{world.user}@nowhere.invalid")
    world.post("/api/ai/job-match", MATCH, token=refused)
    queue(world, "a")
    box.fail("TooManyRequestsException", "InternalServiceError")
    world.feed()
    world.feed()
    logged = "".join(capsys.readouterr()) + caplog.text
    assert "stream" in logged
    for word in ("@example.com", "nowhere.invalid", "₹149", "Payment received"):
        assert word not in logged


# Once, whatever happens


def queue(world: World, *names: str) -> None:
    """Notices of the user, as the settlement of a call queues them."""
    world.post(
        "/api/ai/enhance-content", {"section": "summary", "content": "I did things"}
    )  # so that there is a record
    for each in names:
        facts = {"limitType": "resumes", "used": 1, "limit": 1, "resetDate": "2026-12-01"}
        kind = Kind.USAGE_AT_LIMIT
        kept.put(Notice(id=f"{world.user}#{kind}#{each}", user_id=world.user, kind=kind, at=world.now, facts=facts))


def test_batches_told_twice_and_backwards_send_each_mail_once(world: World, box: Box) -> None:
    queue(world, "a", "b", "c")
    assert world.feed(twice=True, backwards=True) == []
    world.told.clear()
    assert world.feed(twice=True) == []
    assert len(box.to(world.user)) == 3


def test_two_consumers_at_once_send_each_mail_once(world: World, box: Box) -> None:
    queue(world, *map(str, range(8)))
    function = next(each for each in harness.served().functions if each.name == "SendNotices")
    batch = [each for each in world.changes("NoticesTable") if each["eventName"] == "INSERT"]
    harness.consume_at_once(lambda: harness.handler(function)({"Records": batch}, harness.context(function)), 4)
    assert world.feed() == []
    assert len(box.to(world.user)) == 8


def test_a_mail_that_fails_for_now_is_sent_later_and_delays_no_other(world: World, box: Box) -> None:
    queue(world, "a", "b", "c")
    box.fail("TooManyRequestsException")
    assert len(world.feed()) == 1
    assert len(box.to(world.user)) == 2
    assert world.feed() == []
    assert len(box.to(world.user)) == 3
    assert {row["outcome"] for row in notices(world).values()} == {"sent"}


class Crashing:
    """An engine in which the process dies at the write that a test says."""

    def __init__(self, engine: Engine, word: str, *, after: bool) -> None:
        self._engine, self._word, self._after = engine, word, after
        self.died = False

    def __call__(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        fits = operation == "update_item" and self._word in request["UpdateExpression"] and not self.died
        if fits and not self._after:
            self.died = True
            raise KeyboardInterrupt  # what no handler catches
        answer = self._engine(operation, request)
        if fits:
            self.died = True
            raise KeyboardInterrupt
        return answer

    def close(self) -> None:
        self._engine.close()


class Doubling:
    """An engine that makes each claim twice, as one does that lost the first answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if ":holder" in request.get("ExpressionAttributeValues", {}):
            self._engine(operation, request)
        return self._engine(operation, request)

    def close(self) -> None:
        self._engine.close()


class Dead:
    """An engine that does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        raise UnreachableError(f"{operation} of {len(request)} parts")

    def close(self) -> None:
        self._engine.close()


def die(world: World, word: str, *, after: bool) -> None:
    with dynamodb.using(Crashing(dynamodb.engine(), word, after=after)), pytest.raises(KeyboardInterrupt):
        world.feed()


@pytest.mark.parametrize(
    ("word", "after", "mails"), [("claimedUntil", False, 1), ("claimedUntil = :until", True, 1), ("outcome", True, 1)]
)
def test_a_sender_that_dies_has_its_mail_sent_once(world: World, box: Box, word: str, after: bool, mails: int) -> None:  # noqa: FBT001 -- a parameter of the test
    queue(world, "a")
    die(world, word, after=after)
    if after and word != "outcome":
        assert len(world.feed()) == 1  # somebody may still be at it
        assert box.to(world.user) == []
    world.later(seconds=91)
    assert world.feed() == []
    assert len(box.to(world.user)) == mails


def test_a_sender_that_dies_between_ses_and_the_mark_sends_twice_rather_than_never(world: World, box: Box) -> None:
    queue(world, "a")
    die(world, "outcome", after=False)
    assert len(box.to(world.user)) == 1
    world.later(seconds=91)
    assert world.feed() == []
    assert len(box.to(world.user)) == 2
    assert world.feed(twice=True) == []
    world.told.clear()
    assert world.feed() == []
    assert len(box.to(world.user)) == 2


def test_a_claim_whose_answer_was_lost_is_recognised(world: World, box: Box) -> None:
    queue(world, "a")
    with dynamodb.using(Doubling(dynamodb.engine())):
        assert world.feed() == []
    assert len(box.to(world.user)) == 1


def test_a_database_that_does_not_answer_delays_and_loses_nothing(world: World, box: Box) -> None:
    world.buy("pro", "monthly")
    with dynamodb.using(Dead(dynamodb.engine())):
        assert world.feed()
    assert world.feed() == []
    assert box.kinds(world.user) == ["payment", "started"]


def test_what_another_system_sold_is_no_news(world: World, box: Box) -> None:
    row = {
        "imported": True,
        "userId": world.user,
        "subscriptionId": "tgs_0",
        "tier": "pro",
        "plan": "monthly",
        "status": "active",
        "amount": 14_900,
        "anchorDay": 20,
        "razorpayPaymentId": "pay_old",
        "startDate": "2026-11-20T10:00:00Z",
        "endDate": "2026-12-20T10:00:00Z",
        "createdAt": "2026-11-20T10:00:00Z",
    }
    world.raw.put_item(TableName="SubscriptionsTable", Item=dynamodb.to_item(row))
    assert world.feed() == []
    assert notices(world) == {}
    world.raw.put_item(TableName="SubscriptionsTable", Item=dynamodb.to_item(row | {"status": "expired"}))
    assert world.feed() == []  # but what becomes of it here is news
    assert [each["kind"] for each in notices(world).values()] == ["expired"]


def test_two_periods_that_ran_out_unnoticed_are_told_of_as_one_end(world: World, box: Box) -> None:
    world.buy("pro", "monthly")
    world.feed()
    world.later(minutes=1)
    world.buy("pro", "monthly")
    world.feed()
    world.at(START + timedelta(days=100))
    tidy(world)
    world.feed()
    kinds = box.kinds(world.user)
    # What a purchase brings comes from two tables, in whichever order; the one end comes last.
    assert (sorted(kinds[:-1]), kinds[-1]) == (["payment", "payment", "renewed", "started"], "expired")
    assert "ended on 23 January 2027" in box.to(world.user)[-1]["text"]


# Reminders


def remind(world: World) -> None:
    jobs.run(world, "SendReminders")


def test_a_reminder_is_sent_once_and_tells_the_last_day(world: World, box: Box) -> None:
    world.buy("pro", "monthly")
    world.at(START + timedelta(days=27))
    for _ in range(2):
        remind(world)
        world.feed(twice=True)
    reminders = [each for each in box.to(world.user) if each["kind"] == "reminder"]
    assert [each["subject"] for each in reminders] == ["Your Pro monthly plan ends in 3 days"]
    assert "23 December 2026" in reminders[0]["text"]


@pytest.mark.parametrize("change", ["renews", "is refunded", "wants none"])
def test_a_reminder_that_is_not_true_any_more_is_not_sent(world: World, box: Box, change: str) -> None:
    payment = bought(world)
    world.at(START + timedelta(days=27))
    remind(world)
    if change == "renews":
        world.buy("pro", "monthly")
    elif change == "is refunded":
        world.webhook(refund_event(world, payment, 14_900))
    else:
        world.call("PUT", "/api/account/preferences", {"notifications": {"subscriptionExpiry": False}})
    world.feed()
    assert "reminder" not in box.kinds(world.user)
    assert outcomes(world)["reminder"] in {"outdated", "unwanted"}
