"""What a plan costs this user now, and that credit is conserved to the paisa through any history."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.factories import DAY, NOW, SECOND, a_subscription, a_user, after_using
from tollgate import entitlements, plans, purchases, subscriptions
from tollgate.errors import Conflict, InvalidRequest
from tollgate.plans import Unit
from tollgate.purchases import CreditGoneError, Quote
from tollgate.subscriptions import ENDED, Status, Subscription
from tollgate.users import User

PLANS = [(tier.id, plan.id) for tier, plan in plans.offers()]


def quote(user: User, tier: str, plan: str | None = None, now: datetime = NOW) -> Quote:
    found = plans.find(tier, plan or plans.tier(tier).plans[0].id)
    assert found is not None
    return purchases.quote(user, *found, now)


def bought(quoted: Quote, now: datetime, name: str = "new") -> Subscription:
    fresh = subscriptions.bought(name, quoted.tier, quoted.plan, now)
    return fresh.paid(
        amount=quoted.payable, credit=quoted.credit.used, order_id=f"order_{name}", payment_id=f"pay_{name}"
    )


def buy(user: User, tier: str, plan: str | None = None, now: datetime = NOW, name: str = "new") -> User:
    quoted = quote(user, tier, plan, now)
    return purchases.grant(user, bought(quoted, now, name), quoted.credit, now)


@pytest.mark.parametrize(("tier", "plan"), PLANS)
def test_a_newcomer_pays_the_price_of_the_pricing_page_and_it_begins_at_once(tier: str, plan: str) -> None:
    found = plans.find(tier, plan)
    assert found is not None
    quoted = quote(a_user(), tier, plan)
    assert (quoted.price, quoted.payable, quoted.credit.used) == (found[1].price_paise, found[1].price_paise, 0)
    assert quoted.starts_at == NOW
    assert quoted.ends_at == a_subscription(tier, plan).end_date


def test_free_is_not_for_sale() -> None:
    with pytest.raises(InvalidRequest):
        quote(a_user(), "free")


@pytest.mark.parametrize(("tier", "plan"), PLANS)
def test_nothing_can_be_bought_on_top_of_lifetime(tier: str, plan: str) -> None:
    with pytest.raises(Conflict):
        quote(a_user(tier="lifetime"), tier, plan)


def test_an_upgrade_credits_the_unused_seconds_and_charges_the_rest() -> None:
    pro = a_subscription("pro", "monthly")
    assert pro.end_date is not None
    now = NOW + 10 * DAY
    quoted = quote(a_user(pro), "premium", "monthly", now)
    credit = 14_900 * ((pro.end_date - now) // SECOND) // ((pro.end_date - NOW) // SECOND)
    assert quoted.credit.by_subscription == {"tgs_pro": credit}
    assert quoted.payable == 24_900 - credit
    assert quoted.starts_at == now


def test_an_upgrade_that_costs_next_to_nothing_costs_a_rupee_and_the_rest_stays_on_the_user() -> None:
    user = buy(a_user(), "pro", "yearly", name="year")
    quoted = quote(user, "premium", "monthly")
    assert (quoted.payable, quoted.credit.used, quoted.credit.left) == (100, 24_800, 149_000 - 24_800)
    upgraded = purchases.grant(user, bought(quoted, NOW), quoted.credit, NOW)
    assert upgraded.credit_balance == 149_000 - 24_800
    again = quote(upgraded, "premium", "yearly")
    assert (again.payable, again.credit.from_balance, again.credit.left) == (249_000 - 124_200, 124_200, 0)
    assert purchases.grant(upgraded, bought(again, NOW, "again"), again.credit, NOW).credit_balance == 0


def test_a_second_upgrade_credits_the_whole_value_of_the_first_not_what_was_charged_for_it() -> None:
    user = buy(a_user(), "student", name="s1")
    user = buy(user, "pro", "monthly", name="s2")
    assert [each.amount for each in user.subscriptions if each.tier == "pro"] == [14_900 - 9_900]
    assert quote(user, "premium", "monthly").credit.used == 14_900


def test_what_was_bought_ahead_is_credited_in_full_on_an_upgrade() -> None:
    user = buy(buy(a_user(), "pro", name="s1"), "student", name="s2")
    assert quote(user, "lifetime").credit.given == 14_900 + 9_900


def test_a_pass_gives_no_credit() -> None:
    user = buy(a_user(), "one-time", name="s1")
    quoted = quote(user, "pro", "monthly")
    assert (quoted.payable, quoted.credit.given, quoted.starts_at) == (14_900, 0, NOW)


def test_the_same_tier_and_a_lower_one_give_no_credit_for_what_is_running() -> None:
    user = buy(a_user(), "pro", "monthly", name="s1")
    for tier, plan in (("pro", "yearly"), ("student", "quarterly"), ("one-time", "one-time")):
        quoted = quote(user, tier, plan)
        assert quoted.credit.given == 0
        assert quoted.starts_at == user.subscriptions[0].end_date


def test_a_pass_is_refused_while_the_running_one_has_its_resume_unspent() -> None:
    user = buy(a_user(), "one-time", name="s1")
    with pytest.raises(Conflict):
        quote(user, "one-time")
    spent = after_using(user, Unit.RESUMES, 1)
    renewed = buy(spent, "one-time", now=NOW + DAY, name="s2")
    current = renewed.running(NOW + DAY)
    assert current is not None
    assert (current.subscription_id, current.start_date) == ("s2", NOW + DAY)
    assert [each.status for each in renewed.subscriptions] == [Status.REPLACED, Status.ACTIVE]
    assert renewed.credit_balance == 0


def test_other_use_of_a_pass_does_not_make_it_spent() -> None:
    user = after_using(buy(a_user(), "one-time", name="s1"), Unit.ATS_SCANS, 1)
    with pytest.raises(Conflict):
        quote(user, "one-time")


def test_a_new_pass_leaves_no_gap_before_the_one_bought_ahead() -> None:
    user = a_user()
    for name, tier in (("s0", "pro"), ("s1", "one-time"), ("s2", "one-time")):
        user = buy(user, tier, name=name)
    begins = user.subscriptions[1].start_date
    user = after_using(user, Unit.RESUMES, 1, begins + DAY)
    now = begins + 2 * DAY
    renewed = buy(user, "one-time", now=now, name="s3")
    assert [(each.subscription_id, each.is_active(now)) for each in renewed.subscriptions] == [
        ("s1", False),
        ("s2", True),
        ("s3", False),
    ]


def test_a_quote_is_honoured_later_as_long_as_what_it_credits_is_still_running() -> None:
    user = buy(a_user(), "pro", "monthly", name="s1")
    quoted = quote(user, "premium", "monthly")
    later = NOW + 20 * DAY
    granted = purchases.grant(user, bought(quoted, later), quoted.credit, later)
    current = granted.running(later)
    assert current is not None
    assert (current.tier, current.amount, current.credit, current.value) == ("premium", 10_000, 14_900, 24_900)
    assert granted.credit_balance == 0


def test_a_quote_is_not_honoured_once_what_it_credits_is_over_or_credited() -> None:
    user = buy(a_user(), "pro", "monthly", name="s1")
    first, second = quote(user, "premium", "monthly"), quote(user, "lifetime")
    upgraded = purchases.grant(user, bought(first, NOW), first.credit, NOW)
    with pytest.raises(CreditGoneError):
        purchases.grant(upgraded, bought(second, NOW, "s3"), second.credit, NOW)
    end = user.subscriptions[0].end_date
    assert end is not None
    with pytest.raises(CreditGoneError):
        purchases.grant(user, bought(first, end), first.credit, end)
    refunded = replace(user, subscriptions=(user.subscriptions[0].cut(NOW, Status.REFUNDED),))
    with pytest.raises(CreditGoneError):
        purchases.grant(refunded, bought(first, NOW), first.credit, NOW)


def test_a_quote_is_not_honoured_for_more_than_what_it_credits_is_worth_since_money_went_back() -> None:
    user, later = a_user(tier="pro"), NOW + 10 * DAY
    (held,) = user.subscriptions
    credit = quote(user, "premium", now=later).credit
    assert purchases.is_still_worth(user, credit, later)
    assert not purchases.is_still_worth(purchases.reduce(user, held.subscription_id, 1_000), credit, later)
    assert purchases.is_still_worth(user, purchases.NO_CREDIT, later)


def test_a_quote_is_not_honoured_where_what_it_credits_would_go_on_running() -> None:
    user = buy(buy(a_user(), "premium", "monthly", name="s1"), "pro", "monthly", name="s2")
    credit = purchases.Credit(by_subscription={"s2": 14_900})
    with pytest.raises(CreditGoneError):
        purchases.grant(user, a_subscription("pro", "yearly", name="s3"), credit, NOW)


def test_a_balance_is_left_alone_where_the_credit_covers_the_price() -> None:
    user = replace(buy(a_user(), "pro", "yearly", name="s1"), credit_balance=700)
    credit = quote(user, "premium", "monthly").credit
    assert (credit.from_balance, credit.used, credit.left) == (0, 24_800, 149_000 - 24_800)


def test_a_balance_is_spent_once() -> None:
    user = a_user(credit_balance=5_000)
    one, two = quote(user, "pro", "monthly"), quote(user, "student")
    assert (one.credit.from_balance, two.credit.from_balance) == (5_000, 5_000)
    granted = purchases.grant(user, bought(one, NOW), one.credit, NOW)
    assert granted.credit_balance == 0
    with pytest.raises(CreditGoneError):
        purchases.grant(granted, bought(two, NOW, "s2"), two.credit, NOW)


def test_what_is_replaced_without_having_been_quoted_goes_to_the_balance() -> None:
    user = buy(a_user(), "pro", "monthly", name="s1")
    quoted = quote(user, "premium", "monthly")
    extended = buy(user, "pro", "monthly", name="s2")
    granted = purchases.grant(extended, bought(quoted, NOW), quoted.credit, NOW)
    assert granted.credit_balance == 14_900


def test_upgrade_and_downgrade_without_a_quote_lose_nothing() -> None:
    user = buy(a_user(), "pro", "monthly", name="s1")
    up = purchases.upgrade_subscription(user, subscriptions.bought("new", "premium", "monthly", NOW), NOW)
    assert up.credit_balance == 14_900
    assert up.tier(NOW).id == "premium"
    down = purchases.downgrade_subscription(user, subscriptions.bought("new", "student", "quarterly", NOW), NOW)
    assert down.credit_balance == 0
    assert down.tier(NOW).id == "pro"
    assert [each.tier for each in down.scheduled(NOW)] == ["student"]


def test_a_refund_ends_exactly_the_period_it_paid_for_and_what_follows_moves_forward() -> None:
    user = a_user()
    for name, tier in (("s1", "premium"), ("s2", "pro"), ("s3", "student")):
        user = buy(user, tier, name=name)
    now = NOW + 5 * DAY
    left = purchases.revoke(user, "s1", now)
    assert [(each.subscription_id, each.status, each.start_date) for each in left.subscriptions] == [
        ("s1", Status.REFUNDED, NOW),
        ("s2", Status.ACTIVE, now),
        ("s3", Status.ACTIVE, left.subscriptions[1].end_date),
    ]
    ahead = purchases.revoke(user, "s2", now)
    assert ahead.tier(now).id == "premium"
    assert ahead.subscriptions[2].start_date == user.subscriptions[0].end_date
    assert purchases.revoke(user, "unknown", now) == user


def test_a_refund_gives_back_the_credit_that_went_into_the_period() -> None:
    user = buy(buy(a_user(), "pro", "monthly", name="s1"), "premium", "monthly", name="s2")
    left = purchases.revoke(user, "s2", NOW + DAY)
    assert left.credit_balance == 14_900
    assert left.tier(NOW + DAY).id == "free"


def revoked(user: User, name: str, now: datetime) -> tuple[User, Subscription]:
    """The user as the store keeps it once a period was revoked, and the period as it was granted."""
    granted = next(each for each in user.subscriptions if each.subscription_id == name)
    after = purchases.revoke(user, name, now)
    return replace(
        after, subscriptions=tuple(each for each in after.subscriptions if each.status not in ENDED)
    ), granted


def test_a_period_that_is_restored_runs_to_its_old_end_and_takes_its_credit_back() -> None:
    user = buy(buy(a_user(), "pro", "monthly", name="s1"), "premium", "monthly", name="s2")
    lost, granted = revoked(user, "s2", NOW + DAY)
    assert (lost.credit_balance, lost.tier(NOW + DAY).id) == (14_900, "free")
    back = purchases.restore(lost, granted, NOW + 3 * DAY)
    assert back.credit_balance == 0
    assert back.running(NOW + 3 * DAY) == granted
    assert purchases.restore(back, granted, NOW + 3 * DAY) == back


def test_what_a_restored_period_replaces_is_credited() -> None:
    lost, granted = revoked(buy(a_user(), "premium", "monthly", name="s1"), "s1", NOW + DAY)
    user = buy(lost, "pro", "monthly", NOW + DAY, name="s2")
    back = purchases.restore(user, granted, NOW + DAY)
    assert back.tier(NOW + DAY).id == "premium"
    assert back.credit_balance == 14_900


def test_restoring_never_takes_more_credit_than_there_is() -> None:
    user = buy(buy(a_user(), "pro", "monthly", name="s1"), "premium", "monthly", name="s2")
    lost, granted = revoked(user, "s2", NOW + DAY)
    spent = buy(lost, "student", now=NOW + DAY, name="s3")
    assert spent.credit_balance == 14_900 - 9_800
    back = purchases.restore(spent, granted, NOW + DAY)
    current = back.running(NOW + DAY)
    assert current is not None
    assert (current.tier, current.credit) == ("premium", 5_100)
    assert back.credit_balance == 9_900  # of the student plan that gave way


def test_restoring_what_is_past_or_under_lifetime_changes_nothing() -> None:
    lost, granted = revoked(buy(a_user(), "pro", "monthly", name="s1"), "s1", NOW + DAY)
    assert granted.end_date is not None
    assert purchases.restore(lost, granted, granted.end_date) is lost
    for_ever = buy(lost, "lifetime", now=NOW + DAY, name="s2")
    assert purchases.restore(for_ever, granted, NOW + 2 * DAY) is for_ever


def test_what_was_bought_ahead_and_is_restored_leaves_no_gap() -> None:
    user = buy(buy(a_user(), "premium", "monthly", name="s1"), "pro", "monthly", name="s2")
    lost, ahead = revoked(user, "s2", NOW + DAY)
    lost, _ = revoked(lost, "s1", NOW + DAY)
    back = purchases.restore(lost, ahead, NOW + 2 * DAY)
    assert back.tier(NOW + 2 * DAY).id == "pro"


@dataclass
class Till:
    """A user, what was ever bought, and the sums that have to agree, counted apart from the code under test."""

    now: datetime = NOW
    user: User = field(default_factory=a_user)
    orders: list[tuple[Quote, datetime]] = field(default_factory=list)
    book: dict[str, Subscription] = field(default_factory=dict)
    given: int = 0
    used: int = 0
    sold: int = 0

    def order(self, tier: str, plan: str) -> None:
        try:
            quoted = quote(self.user, tier, plan, self.now)
        except Conflict:
            return
        assert quoted.payable >= plans.MINIMUM_CHARGE_PAISE
        assert quoted.payable + quoted.credit.used == quoted.price
        assert quoted.credit.left >= 0
        assert quoted.credit.given == quoted.credit.used + quoted.credit.left
        assert 0 <= quoted.credit.from_balance <= self.user.credit_balance
        assert not (quoted.credit.from_balance and quoted.credit.left)  # the balance is touched only where it is used
        self.orders.append((quoted, self.now))

    def pay(self, index: int) -> None:
        if not self.orders:
            return
        quoted, then = self.orders.pop(index % len(self.orders))
        current = self.user.running(self.now)
        if current and current.end_date is None:
            return  # kept for review before anything is granted
        before = {each.subscription_id: each for each in self.user.subscriptions if not each.is_over(self.now)}
        try:
            after = purchases.grant(self.user, bought(quoted, self.now, f"s{self.sold}"), quoted.credit, self.now)
        except CreditGoneError:
            gone = not before.keys() >= quoted.credit.by_subscription.keys()
            assert gone or self.user.credit_balance < quoted.credit.from_balance or self._not_an_upgrade(quoted)
            return
        self.sold += 1
        self.book |= {each.subscription_id: each for each in after.subscriptions}
        replaced = {each.subscription_id for each in after.subscriptions if each.status is Status.REPLACED}
        assert replaced <= before.keys()
        for name in replaced:
            self.given += self._unused(before[name], then if name in quoted.credit.by_subscription else self.now)
        self.used += quoted.credit.used
        kept = tuple(each for each in after.subscriptions if each.status not in ENDED)  # as the store keeps it
        self.user = replace(after, subscriptions=kept)
        assert self.user.credit_balance >= 0
        assert self.given == self.used + self.user.credit_balance

    def refund(self, index: int) -> None:
        standing = [each for each in self.user.subscriptions if not each.is_over(self.now)]
        if not standing:
            return
        gone = standing[index % len(standing)]
        after = purchases.revoke(self.user, gone.subscription_id, self.now)
        self.book |= {each.subscription_id: each for each in after.subscriptions}
        self.given += gone.credit
        assert self.book[gone.subscription_id].status is Status.REFUNDED
        others = {each.subscription_id for each in standing} - {gone.subscription_id}
        assert others == {each.subscription_id for each in after.subscriptions if not each.is_over(self.now)}
        kept = tuple(each for each in after.subscriptions if each.status not in ENDED)
        self.user = replace(after, subscriptions=kept)
        assert self.given == self.used + self.user.credit_balance

    def _not_an_upgrade(self, quoted: Quote) -> bool:
        return plans.RANK[quoted.tier] <= plans.RANK[self.user.tier(self.now).id]

    @staticmethod
    def _unused(each: Subscription, now: datetime) -> int:
        if not plans.tier(each.tier).gives_credit or each.end_date is None:
            return 0
        left = (each.end_date - max(now, each.start_date)) // SECOND
        return (each.amount + each.credit) * left // ((each.end_date - each.start_date) // SECOND)

    def check(self) -> None:
        assert len(self.book) == self.sold
        standing = [each for each in self.book.values() if not each.is_over(self.now)]
        assert set(standing) == {each for each in self.user.subscriptions if not each.is_over(self.now)}
        assert sum(each.is_active(self.now) for each in standing) == (1 if standing else 0)
        assert all(
            each.value == subscriptions.bought("s", each.tier, each.plan, NOW).amount for each in self.book.values()
        )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("order"), st.sampled_from(PLANS)),
        st.tuples(st.just("pay"), st.integers(0, 7)),
        st.tuples(st.just("pay"), st.just(-1)),
        st.tuples(st.just("wait"), st.one_of(st.integers(0, 3 * 86_400), st.integers(0, 120 * 86_400))),
        st.tuples(st.just("spend"), st.just(0)),
        st.tuples(st.just("refund"), st.integers(0, 3)),
    ),
    max_size=25,
)


@settings(max_examples=400)
@given(STEPS)
def test_credit_is_conserved_to_the_paisa_through_any_history(steps: list[tuple[str, object]]) -> None:
    till = Till()
    for kind, what in steps:
        match kind, what:
            case "order", (str(tier), str(plan)):
                till.order(tier, plan)
            case "pay", int(index):
                till.pay(index)
            case "refund", int(index):
                till.refund(index)
            case "wait", int(seconds):
                till.now += timedelta(seconds=seconds)
            case _:
                till.user = after_using(till.user, Unit.RESUMES, 1, till.now)
        till.check()


@pytest.mark.parametrize(
    ("tier", "unit", "use", "offer"),
    [
        ("free", Unit.RESUMES, 1, ("one-time", "one-time", 4_900)),
        ("free", Unit.ATS_SCANS, 0, ("one-time", "one-time", 4_900)),
        ("free", Unit.COVER_LETTERS, 0, ("student", "quarterly", 9_900)),
        ("one-time", Unit.ATS_SCANS, 1, ("student", "quarterly", 9_900)),  # the pass still has its resume
        ("one-time", Unit.JOB_MATCHES, 3, ("student", "quarterly", 9_900)),
        ("one-time", Unit.RESUMES, 1, ("one-time", "one-time", 4_900)),
        ("student", Unit.JOB_MATCHES, 10, ("premium", "monthly", 15_000)),
        ("pro", Unit.ATS_SCANS, 5, ("premium", "monthly", 10_000)),
    ],
)
def test_the_offer_is_the_cheapest_plan_that_helps_at_what_this_user_would_pay(
    tier: str, unit: Unit, use: int, offer: tuple[str, str, int]
) -> None:
    user = after_using(a_user(tier=tier), unit, use)
    found = purchases.cheapest_offer(user, unit, NOW)
    assert found is not None
    assert (found.tier, found.plan, found.payable) == offer


def test_ten_matches_used_today_are_not_answered_with_a_plan_of_three() -> None:
    user = after_using(a_user(tier="pro"), Unit.JOB_MATCHES, 10)
    later = user.subscriptions[0].end_date
    assert later is not None
    expired = replace(user, counters={f"jobMatches#{later.date().isoformat()}": 10})
    found = purchases.cheapest_offer(expired, Unit.JOB_MATCHES, later)
    assert found is not None
    assert found.tier == "premium"


@given(st.sampled_from(["free", "one-time", "student", "pro"]), st.sampled_from(list(Unit)), st.integers(0, 12))
def test_following_the_offer_gives_one_more(tier: str, unit: Unit, use: int) -> None:
    user = after_using(a_user(tier=tier), unit, use)
    found = purchases.cheapest_offer(user, unit, NOW)
    assert found is not None
    after = purchases.grant(user, bought(found, NOW), found.credit, NOW)
    assert entitlements.get_remaining_usage(after, unit, NOW) != 0


def test_there_is_no_offer_for_whoever_has_everything() -> None:
    assert purchases.cheapest_offer(a_user(tier="lifetime"), Unit.RESUMES, NOW) is None


# What was replaced and goes back all the same


def test_what_is_replaced_says_what_it_gave() -> None:
    up = buy(buy(a_user(), "pro", "yearly", name="s1"), "premium", "monthly", name="s2")
    (gone,) = [each for each in up.subscriptions if each.status is Status.REPLACED]
    assert (gone.subscription_id, gone.credited) == ("s1", 149_000)
    unquoted = purchases.upgrade_subscription(
        a_user(tier="pro"), subscriptions.bought("new", "premium", "monthly", NOW), NOW
    )
    assert [each.credited for each in unquoted.subscriptions] == [14_900, 0]


def test_taking_back_takes_the_balance_first_and_then_what_the_credit_went_into() -> None:
    up = buy(buy(a_user(), "pro", "yearly", name="s1"), "premium", "monthly", name="s2")
    gone = up.subscriptions[0]
    held = replace(up, subscriptions=up.subscriptions[1:])
    assert held.credit_balance == 149_000 - 24_800
    after, taken, spent = purchases.take_back(held, gone)
    assert (after.credit_balance, spent) == (0, 24_800)
    assert taken == {"balance": 149_000 - 24_800, "s2": 24_800}
    assert [(each.credit, each.value) for each in after.subscriptions] == [(0, 100)]
    again = purchases.give_again(after, taken)
    assert (again.credit_balance, again.subscriptions) == (held.credit_balance, held.subscriptions)


def test_what_an_earlier_plan_had_put_in_is_not_taken() -> None:
    for credited, left in ((20_000, 0), (15_500, 400), (14_900, 1_000), (5_000, 1_000)):
        gone = a_subscription("premium", amount=10_000, credit=14_900, credited=credited, status=Status.REPLACED)
        after, taken, spent = purchases.take_back(a_user(credit_balance=1_000), gone)
        assert (after.credit_balance, spent) == (left, max(credited - 14_900 - 1_000, 0))
        assert purchases.give_again(after, taken).credit_balance == 1_000


def test_a_part_that_went_back_is_worth_nothing_any_more() -> None:
    user = buy(a_user(), "pro", "monthly", name="s1")
    part = purchases.reduce(user, "s1", 4_900)
    assert purchases.calculate_proration(part, NOW) == {"s1": 10_000}
    assert purchases.calculate_proration(purchases.reduce(user, "s1", 99_999), NOW) == {}
    assert purchases.reduce(user, "unknown", 1) is user


@dataclass
class Books:
    """A user and every period's own row, as the store keeps them."""

    user: User = field(default_factory=a_user)
    rows: dict[str, Subscription] = field(default_factory=dict)

    def keep(self, after: User) -> None:
        self.rows |= {each.subscription_id: each for each in after.subscriptions}
        standing = tuple(each for each in after.subscriptions if each.status not in ENDED)
        self.user = replace(after, subscriptions=standing)

    def refund(self, name: str, now: datetime) -> None:
        after = purchases.revoke(self.user, name, now)
        if after is not self.user:
            self.keep(after)
        elif self.rows[name].status is Status.REPLACED:
            self.keep(purchases.take_back(self.user, self.rows[name])[0])


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(PLANS), st.integers(0, 40)), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_when_all_the_money_went_back_no_credit_and_no_plan_is_left(
    buys: list[tuple[tuple[str, str], int]], order: object
) -> None:
    books, now, paid = Books(), NOW, dict[str, int]()
    for number, ((tier, plan), days) in enumerate(buys):
        now += days * DAY
        try:
            books.keep(buy(books.user, tier, plan, now, name=f"s{number}"))
        except Conflict:
            continue
        paid[f"s{number}"] = books.rows[f"s{number}"].amount
    names = list(paid)
    order.shuffle(names)  # type: ignore[attr-defined]  # -- hypothesis gives a random.Random
    for name in names:
        books.refund(name, now)
        del paid[name]
        held = sum(each.credit for each in books.user.subscriptions if not each.is_over(now))
        assert books.user.credit_balance >= 0
        assert books.user.credit_balance + held <= sum(paid.values())
    assert [each for each in books.user.subscriptions if not each.is_over(now)] == []
    assert books.user.credit_balance == 0


@pytest.mark.parametrize("order", list(permutations(("s0", "s1", "s2"))))
def test_a_chain_of_upgrades_that_all_go_back_leaves_nothing_in_whatever_order(order: tuple[str, ...]) -> None:
    books, later = Books(), NOW + 11 * DAY
    for name, tier, plan, at in (
        ("s0", "student", "quarterly", NOW),
        ("s1", "pro", "monthly", NOW),
        ("s2", "premium", "monthly", later),
    ):
        books.keep(buy(books.user, tier, plan, at, name=name))
    for name in order:
        books.refund(name, later)
    assert books.user.credit_balance == 0
    assert books.user.running(later) is None
