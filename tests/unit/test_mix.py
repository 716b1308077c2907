"""Of every ten counted calls exactly three go to gpt4o, whatever is called, given back or answered by the other."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.factories import NOW
from tollgate.ai import mix
from tollgate.ai.mix import ALWAYS, ANSWERED_INSTEAD, GAVE_BACK, LAST, PACED
from tollgate.plans import Ai

AFFINITIES = st.sampled_from([LAST, PACED, ALWAYS])
OTHER = {Ai.GPT4O: Ai.GEMINI, Ai.GEMINI: Ai.GPT4O}


class Caller:
    """A user's hybrid calls, on a log as the store keeps it."""

    def __init__(self) -> None:
        self.log: list[object] = [*mix.FRESH]

    def call(self, affinity: int = LAST) -> Ai:
        self.log.append(affinity)
        return mix.fold(self.log)[1]

    def calls(self, affinities: Sequence[int]) -> list[Ai]:
        return [self.call(affinity) for affinity in affinities]

    def give_back(self, service: Ai) -> None:
        self.log.append(GAVE_BACK[service])

    def fail_over(self, service: Ai) -> Ai:
        self.log.append(ANSWERED_INSTEAD[OTHER[service]])
        return OTHER[service]

    def compact(self) -> None:
        self.log = [mix.fold(self.log)[0].text()]


def blocks(services: Sequence[Ai]) -> list[int]:
    whole = len(services) // 10 * 10
    return [list(services[at : at + 10]).count(Ai.GPT4O) for at in range(0, whole, 10)]


@given(st.lists(AFFINITIES, max_size=120))
def test_every_ten_calls_have_exactly_three_whatever_the_tasks(affinities: list[int]) -> None:
    services = Caller().calls(affinities)
    assert set(blocks(services)) <= {3}


@pytest.mark.parametrize("affinity", [LAST, PACED, ALWAYS])
def test_of_one_task_any_ten_in_a_row_have_exactly_three(affinity: int) -> None:
    services = Caller().calls([affinity] * 100)
    assert {services[at : at + 10].count(Ai.GPT4O) for at in range(91)} == {3}


def test_the_task_that_gains_most_takes_a_slot_while_one_is_free() -> None:
    for lead in range(8):
        services = Caller().calls([LAST] * lead + [ALWAYS] * 3)
        assert services[lead:] == [Ai.GPT4O] * 3


def test_tasks_that_gain_little_take_only_what_nobody_else_can_take_any_more() -> None:
    assert Caller().calls([LAST] * 10) == [Ai.GEMINI] * 7 + [Ai.GPT4O] * 3


def test_tasks_that_gain_something_are_spread_over_the_block() -> None:
    services = Caller().calls([PACED] * 10)
    assert [at for at, service in enumerate(services) if service is Ai.GPT4O] == [0, 4, 7]


@given(st.lists(st.tuples(AFFINITIES, st.booleans()), max_size=150))
def test_a_call_that_is_given_back_does_not_count(calls: list[tuple[int, bool]]) -> None:
    caller, counted = Caller(), []
    for affinity, answered in calls:
        service = caller.call(affinity)
        if answered:
            counted.append(service)
        else:
            caller.give_back(service)
    assert set(blocks(counted)) <= {3}


@given(st.lists(AFFINITIES, min_size=10, max_size=10), st.sets(st.integers(0, 9), max_size=10))
def test_a_failover_is_counted_as_what_answered_and_made_up_for_in_the_next_block(
    affinities: list[int], failing: set[int]
) -> None:
    caller = Caller()
    answered = []
    for at, affinity in enumerate(affinities):
        service = caller.call(affinity)
        answered.append(caller.fail_over(service) if at in failing else service)
    surplus = answered.count(Ai.GPT4O) - 3
    following = caller.calls([LAST] * 20)
    assert blocks(following)[0] == max(3 - surplus, 0)
    rest = max(surplus - 3, 0)
    assert blocks(following)[1] == 3 - min(rest, 3)


@given(
    st.lists(st.tuples(AFFINITIES, st.sampled_from(["answered", "instead", "back"]), st.integers(0, 5)), max_size=80)
)
def test_once_all_calls_have_ended_and_debts_are_repaid_the_share_is_exact(
    calls: list[tuple[int, str, int]],
) -> None:
    caller = Caller()
    running: list[tuple[int, str, Ai]] = []
    counted: list[Ai] = []

    def end(at: int) -> None:
        for each in [each for each in running if each[0] <= at]:
            running.remove(each)
            match each[1]:
                case "answered":
                    counted.append(each[2])
                case "instead":
                    counted.append(caller.fail_over(each[2]))
                case _:
                    caller.give_back(each[2])

    for at, (affinity, outcome, lasts) in enumerate(calls):
        running.append((at + lasts, outcome, caller.call(affinity)))
        end(at)
    end(10**6)
    block, _ = mix.fold(caller.log)
    while block.calls or block.owed:
        counted.append(caller.call(LAST))
        block, _ = mix.fold(caller.log)
    assert counted.count(Ai.GPT4O) * 10 == len(counted) * 3


@given(
    st.lists(
        st.tuples(AFFINITIES, st.sampled_from(["answered", "instead", "back", "dies", "unmixed"]), st.integers(0, 9)),
        max_size=80,
    ),
    st.sets(st.integers(0, 80)),
)
def test_a_call_that_died_is_undone_by_what_it_kept_whatever_happened_since(
    calls: list[tuple[int, str, int]], folds: set[int]
) -> None:
    caller = Caller()
    counted: list[Ai] = []
    dead: list[tuple[int, list[object], Ai]] = []
    for at, (affinity, outcome, found_after) in enumerate(calls):
        if outcome == "unmixed":
            assert mix.chosen(caller.log) is None  # what a call under a preference keeps
            continue
        kept = [affinity, *caller.log]
        service = caller.call(affinity)
        assert mix.chosen(kept) is service
        match outcome:
            case "answered":
                counted.append(service)
            case "instead":
                counted.append(caller.fail_over(service))
            case "back":
                caller.give_back(service)
            case _:
                dead.append((at + found_after, kept, service))
        for each in [each for each in dead if each[0] <= at]:
            dead.remove(each)
            found = mix.chosen(each[1])
            assert found is each[2]
            caller.give_back(found)
        if at in folds:
            caller.compact()
    for _, kept, service in dead:
        found = mix.chosen(kept)
        assert found is service
        caller.give_back(found)
    block, _ = mix.fold(caller.log)
    while block.calls or block.owed:
        counted.append(caller.call(LAST))
        block, _ = mix.fold(caller.log)
    assert counted.count(Ai.GPT4O) * 10 == len(counted) * 3


def test_a_call_of_which_nothing_was_kept_was_not_the_mixs() -> None:
    assert mix.chosen(()) is None


@given(
    st.lists(st.tuples(AFFINITIES, st.sampled_from(["answered", "instead", "back"])), max_size=60),
    st.sets(st.integers(0, 60)),
)
def test_a_log_that_was_folded_on_the_way_gives_what_the_whole_log_gives(
    calls: list[tuple[int, str]], folds: set[int]
) -> None:
    whole, folded = Caller(), Caller()
    for at, (affinity, outcome) in enumerate(calls):
        services = {caller.call(affinity) for caller in (whole, folded)}
        assert len(services) == 1
        (service,) = services
        for caller in (whole, folded):
            if outcome == "instead":
                caller.fail_over(service)
            elif outcome == "back":
                caller.give_back(service)
        if at in folds:
            folded.compact()
    assert mix.fold(whole.log)[0] == mix.fold(folded.log)[0]


@given(st.lists(AFFINITIES, min_size=11, max_size=40))
def test_a_fold_can_be_told_from_every_earlier_fold_of_the_same_log(affinities: list[int]) -> None:
    # Whoever folds does it on condition that nobody did since: two states of one log never look alike.
    log = [*mix.FRESH, *affinities]
    states = [mix.fold(log[: at + 1])[0].text() for at in range(len(log))]
    assert len(set(states)) == len(states)


@given(st.builds(mix.Block, st.integers(0, 10**9), st.integers(0, 20), st.integers(0, 20), st.integers(-99, 99)))
def test_a_block_survives_being_written(block: mix.Block) -> None:
    assert mix.read(block.text()) == block


def test_the_split_is_seven_and_three() -> None:
    assert (mix.BLOCK, mix.SLOTS) == (10, 3)
    assert NOW.tzinfo is not None
