"""Closing windows, as a value: what leaves the record, what its months get, and when to look again."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.factories import NOW, a_subscription, a_user, india
from tollgate import calendar, closing
from tollgate.counters import counter, rate_counter
from tollgate.metering import Action, Call, Lease, read_lease
from tollgate.plans import Unit, Window
from tollgate.subscriptions import Status

DAYS = st.integers(min_value=-70, max_value=0)
USES = st.lists(st.tuples(st.sampled_from(Unit), st.sampled_from([Window.DAY, Window.MONTH]), DAYS, st.integers(0, 9)))


@given(USES)
def test_every_count_is_either_kept_or_added_to_its_own_month(uses: list[tuple[Unit, Window, int, int]]) -> None:
    counters = {counter(unit, window, NOW + timedelta(days=days)): number for unit, window, days, number in uses}
    done = closing.closing(a_user(counters=counters), (), NOW)
    assert done
    kept = sum(number for name, number in counters.items() if name not in done.closed)
    assert sum(counters.values()) == kept + sum(sum(each.values()) for each in done.months.values())
    assert all(count > 0 for each in done.months.values() for count in each.values())


@given(USES)
def test_what_a_user_is_shown_does_not_depend_on_how_much_is_written_down(
    uses: list[tuple[Unit, Window, int, int]],
) -> None:
    counters = {counter(unit, window, NOW + timedelta(days=days)): number for unit, window, days, number in uses}
    user, months = a_user(counters=counters), closing.months_before(NOW, 4)
    done = closing.closing(user, (), NOW)
    assert done
    left = a_user(counters={name: count for name, count in counters.items() if name not in done.closed})
    assert closing.history(user, {}, months, NOW) == closing.history(left, done.months, months, NOW)


def test_the_next_look_is_at_the_end_of_the_windows_that_are_open() -> None:
    open_now = {counter(Unit.JOB_MATCHES, Window.DAY, NOW): 1, counter(Unit.RESUMES, Window.MONTH, NOW): 1}
    done = closing.closing(a_user(counters=open_now), (), NOW)
    assert done
    assert (done.closed, done.months) == ({}, {})
    assert (done.day_closes_at, done.month_closes_at) == (india("2026-11-24 00:00:00"), india("2026-12-01 00:00:00"))


def test_passes_hours_and_purchases_close_with_no_window() -> None:
    held = {"resumes#pass": 1, "spent#tgs_1": 12, rate_counter(NOW): 3, rate_counter(NOW - timedelta(hours=1)): 2}
    done = closing.closing(a_user(counters=held), (), NOW)
    assert done
    assert (dict(done.closed), dict(done.months)) == ({}, {})
    assert done.hours == {rate_counter(NOW - timedelta(hours=1))}
    assert (done.day_closes_at, done.month_closes_at) == (None, None)


def lease(age: timedelta) -> Lease:
    call = Call(user_id="u1", request_id="r", action=Action.JOB_MATCH, at=NOW - age)
    return read_lease(call.lease, {"day": 1})


def test_a_running_call_of_a_closed_window_is_waited_for_and_a_dead_one_is_not_use() -> None:
    midnight = india("2026-11-24 00:00:10")
    counters = {counter(Unit.JOB_MATCHES, Window.DAY, NOW): 4}
    user = a_user(counters=counters)
    at = midnight - timedelta(seconds=30)
    running = read_lease(Call(user_id="u1", request_id="r", action=Action.JOB_MATCH, at=at).lease, {"day": 1})
    assert closing.closing(user, (running,), midnight) is None
    done = closing.closing(user, (running,), midnight + timedelta(minutes=2))
    assert done
    assert (done.closed, done.months) == (counters, {"2026-11": {"jobMatches": 3}})
    assert closing.closing(user, (lease(timedelta(0)),), NOW) is not None  # it counts in a window that is open


def test_months_before_go_back_over_the_turn_of_a_year() -> None:
    assert closing.months_before(india("2026-02-01 00:00:00"), 3) == ["2026-01", "2025-12", "2025-11"]
    assert closing.months_before(india("2026-01-31 23:59:59"), 1) == ["2025-12"]


def test_a_day_in_india_begins_at_half_past_six_in_the_evening_before() -> None:
    assert calendar.midnight(calendar.next_day(NOW)) == india("2026-11-24 00:00:00")


@given(
    st.integers(-40, 80),
    st.booleans(),
    st.sampled_from([Status.ACTIVE, Status.EXPIRED, Status.SCHEDULED, Status.REFUNDED]),
)
def test_what_is_written_down_is_right_until_it_is_due_again(days: int, renews: bool, written: Status) -> None:  # noqa: FBT001 -- drawn
    period = a_subscription(start=NOW, auto_renew=renews, grace_days=4, status=written)
    now = NOW + timedelta(days=days)
    due_at = period.due_at(now)
    if due_at is None:
        assert period.standing(now) is period.standing(now + timedelta(days=3650))
    else:
        assert now < due_at
        assert period.standing(due_at - timedelta(seconds=1)) is period.standing(now)
        assert period.standing(due_at) is not period.standing(now)
