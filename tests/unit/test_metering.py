"""Admission as a decision: the terms a plan sets, why a call is refused, and what a running call holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.factories import DAY, NOW, SECOND, a_subscription, a_user, after_using
from tollgate import entitlements, metering, plans, subscriptions
from tollgate.ai import mix
from tollgate.counters import counter, rate_counter
from tollgate.metering import Action, Admission, Call, Denial
from tollgate.plans import Ai, Unit, Window
from tollgate.users import Preference, User

TIERS = [tier.id for tier in plans.TIERS]
COSTING = [Action.PARSE_RESUME, Action.JOB_MATCH, Action.COVER_LETTER, Action.ATS_SCAN]
FREE_OF_UNITS = [Action.ENHANCE_CONTENT, Action.GENERATE_SUMMARY, Action.CATEGORIZE_SKILLS]


def a_call(action: Action = Action.PARSE_RESUME, request_id: str = "r1") -> Call:
    return Call(user_id="u1", request_id=request_id, action=action, at=NOW)


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("tier", TIERS)
def test_a_fresh_user_is_admitted_to_exactly_what_the_plan_includes(tier: str, action: Action) -> None:
    unit = metering.UNIT_OF.get(action)
    included = unit is None or plans.tier(tier).limits[unit].count != 0
    assert metering.denial(a_user(tier=tier), action, NOW) == (None if included else Denial.NOT_IN_PLAN)


@pytest.mark.parametrize("action", COSTING)
@pytest.mark.parametrize("tier", TIERS)
def test_the_last_unit_is_admitted_and_the_next_is_not(tier: str, action: Action) -> None:
    user, unit = a_user(tier=tier), metering.UNIT_OF[action]
    count = entitlements.get_usage_limit(user, unit, NOW).count
    if not count:
        return
    assert metering.denial(after_using(user, unit, count - 1), action, NOW) is None
    assert metering.denial(after_using(user, unit, count), action, NOW) is Denial.QUOTA


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("tier", TIERS)
def test_the_hourly_limit_holds_for_every_action_and_ends_with_the_clock_hour(tier: str, action: Action) -> None:
    limit = plans.tier(tier).calls_per_hour
    allowed = metering.denial(a_user(tier=tier), action, NOW)
    full = a_user(tier=tier, counters={rate_counter(NOW): limit})
    assert metering.denial(full, action, NOW) == (allowed or Denial.RATE)
    assert metering.denial(full, action, NOW.replace(minute=59, second=59)) == (allowed or Denial.RATE)
    assert metering.denial(full, action, NOW.replace(minute=0) + timedelta(hours=1)) == allowed
    nearly = a_user(tier=tier, counters={rate_counter(NOW): limit - 1})
    assert metering.denial(nearly, action, NOW) == allowed


@pytest.mark.parametrize("action", FREE_OF_UNITS)
def test_actions_without_a_unit_are_open_to_everybody(action: Action) -> None:
    assert metering.UNIT_OF.get(action) is None
    assert metering.denial(after_using(a_user(), Unit.RESUMES, 9), action, NOW) is None


def test_the_hourly_count_carries_over_a_change_of_plan() -> None:
    user = a_user(counters={rate_counter(NOW): 10})
    assert metering.denial(user, Action.ENHANCE_CONTENT, NOW) is Denial.RATE
    upgraded = replace(user, subscriptions=(a_subscription("pro"),))
    assert metering.denial(upgraded, Action.ENHANCE_CONTENT, NOW) is None
    assert upgraded.counters[rate_counter(NOW)] == 10


@pytest.mark.parametrize("tier", TIERS)
def test_terms_say_what_the_plan_allows(tier: str) -> None:
    terms = metering.terms_of(a_user(tier=tier), NOW)
    allowed = plans.tier(tier)
    assert (terms["tier"], terms["rate"], terms["ai"]) == (tier, allowed.calls_per_hour, allowed.ai)
    for unit, limit in allowed.limits.items():
        steps = terms[unit.value]
        assert isinstance(steps, dict)
        assert steps.get("limit") == limit.count
        moved = {window for window, step in steps.items() if window != "limit" and step}
        assert moved == {limit.window.value}
    assert terms["mix"] == ({"0": [0], "1": [1], "2": [2]} if allowed.ai is Ai.HYBRID else {})


def test_a_preference_takes_the_user_out_of_the_mix() -> None:
    user = replace(a_user(tier="pro"), preference=Preference.GEMINI)
    terms = metering.terms_of(user, NOW)
    assert (terms["ai"], terms["mix"]) == ("gemini", {})


def test_terms_hold_until_the_plan_next_changes_by_the_clock() -> None:
    user = a_user(tier="pro")
    end = user.subscriptions[0].end_date
    assert end is not None
    assert user.terms["until"] == int(end.timestamp())
    assert metering.terms_hold(user, end - timedelta(microseconds=1))
    assert not metering.terms_hold(user, end)
    assert metering.terms_of(a_user(), NOW)["until"] == metering.FOR_EVER
    assert metering.terms_of(a_user(tier="lifetime"), NOW)["until"] == metering.FOR_EVER


def test_terms_of_an_older_catalogue_do_not_hold() -> None:
    user = a_user(tier="pro")
    assert not metering.terms_hold(replace(user, terms=MappingProxyType({**user.terms, "revision": "old"})), NOW)
    assert not metering.terms_hold(replace(user, terms=MappingProxyType({})), NOW)


@given(st.lists(st.sampled_from([t for t in TIERS if t != "free"]), max_size=4), st.integers(0, 300 * 86_400))
def test_while_terms_hold_they_say_what_the_record_and_the_clock_say(tiers: list[str], seconds: int) -> None:

    timeline: tuple[subscriptions.Subscription, ...] = ()
    for number, tier in enumerate(tiers):
        if all(each.end_date for each in timeline):
            timeline = subscriptions.place(timeline, a_subscription(tier, name=f"s{number}"), NOW)
    user, now = a_user(*timeline), NOW + timedelta(seconds=seconds)
    if metering.terms_hold(user, now):
        assert metering.terms_of(user, now) == user.terms


def test_every_unit_knows_the_windows_that_some_plan_counts_it_in() -> None:
    assert metering.WINDOWS_OF == {
        Unit.RESUMES: (Window.MONTH, Window.PASS),
        Unit.ATS_SCANS: (Window.MONTH, Window.PASS),
        Unit.JOB_MATCHES: (Window.DAY,),
        Unit.COVER_LETTERS: (Window.MONTH,),
    }


@pytest.mark.parametrize("request_id", ["r1", "a#b#c", "3f2a-88", ""])
@pytest.mark.parametrize("action", list(Action))
def test_a_lease_is_read_from_its_name_alone(action: Action, request_id: str) -> None:
    call = a_call(action, request_id)
    lease = metering.read_lease(call.lease, {"month": 1, "day": 0, "limit": 5, "pass": "x", "rate": 3})
    assert (lease.name, lease.at, lease.action, lease.request_id) == (call.lease, NOW, action, request_id)
    assert lease.steps == {"month": 1, "day": 0}


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("action", list(Action))
def test_a_lease_gives_back_exactly_what_was_taken_to_the_window_it_was_taken_from(tier: str, action: Action) -> None:
    unit = metering.UNIT_OF.get(action)
    steps = metering.steps(plans.tier(tier), unit) if unit else {}
    taken = metering.read_lease(a_call(action).lease, steps).counters()
    expected = {rate_counter(NOW): 1}
    if unit:
        expected |= {counter(unit, plans.tier(tier).limits[unit].window, NOW): 1}
    assert taken == expected


def test_a_lease_is_dead_once_no_function_can_still_be_running_it() -> None:
    lease = metering.read_lease(a_call().lease, {})
    assert not lease.is_dead(NOW + timedelta(seconds=metering.LEASE_SECONDS))
    assert lease.is_dead(NOW + timedelta(seconds=metering.LEASE_SECONDS) + timedelta(microseconds=1))


def an_admission(user: User, call: Call, *others: str) -> Admission:
    steps = metering.steps(user.tier(NOW), call.unit) if call.unit else {}
    leases = tuple(metering.read_lease(name, steps) for name in (*others, call.lease))
    return Admission(call=call, user=user, mix=mix.FRESH, leases=leases)


def test_an_admission_tells_how_the_unit_stands() -> None:
    user = after_using(a_user(tier="pro"), Unit.JOB_MATCHES, 4)
    usage = an_admission(user, a_call(Action.JOB_MATCH)).usage()
    assert usage is not None
    assert (usage.unit, usage.used, usage.limit.count, usage.remaining) == (Unit.JOB_MATCHES, 4, 10, 6)
    assert an_admission(user, a_call(Action.ENHANCE_CONTENT)).usage() is None


def test_an_admission_finds_its_own_lease_and_those_of_calls_that_died() -> None:
    dead = replace(a_call(request_id="dead"), at=NOW - DAY)
    alive = replace(a_call(request_id="alive"), at=NOW - SECOND)
    admission = an_admission(a_user(), a_call(), dead.lease, alive.lease)
    assert admission.lease.request_id == "r1"
    assert [each.request_id for each in admission.dead_leases()] == ["dead"]
    assert admission.service is Ai.GEMINI
