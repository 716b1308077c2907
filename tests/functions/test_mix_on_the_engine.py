"""The mix on the real engine: random histories of calls that are answered, fail over, are given back or die, some at once."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functions.harness import World
from tests.functions.problems import problem
from tests.functions.test_admission import a_call, leases
from tests.functions.test_database_faults import Faults, faults
from tests.functions.test_races import at_once
from tollgate import ids
from tollgate.ai import mix
from tollgate.metering import Action, Admission
from tollgate.plans import Ai
from tollgate.store import admission
from tollgate.store.dynamodb import to_attribute

__all__ = ["faults"]
ENHANCE = "/api/ai/enhance-content"
BODY = {"section": "Work", "content": "- Responsible for billing of 40 shops"}
OTHER = {Ai.GPT4O: Ai.GEMINI, Ai.GEMINI: Ai.GPT4O}
OUTCOMES = ("answered", "answered", "answered", "instead", "back", "dies")


def ended(call: Admission) -> admission.Ended:
    return admission.Ended(rows=[], micro_usd=0, chosen=call.lease.chosen)


def chosen(call: Admission) -> Ai:
    service = call.lease.chosen
    assert service is not None
    return service


def answer(call: Admission, service: Ai) -> Ai:
    admission.settle(call, ended(call), service)
    return service


def served(world: World) -> mix.Block:
    kept = (world.item() or {})["mix"]["L"]
    log = [int(each["N"]) if "N" in each else each["S"] for each in kept]
    return mix.fold(log)[0]


def finish(world: World, counted: list[Ai]) -> None:
    """Call on until the block ends and nothing is owed: then the share is exact."""
    while (block := served(world)).calls or block.owed:
        call = admission.admit(a_call(world, Action.ENHANCE_CONTENT))
        counted.append(answer(call, chosen(call)))
    assert counted.count(Ai.GPT4O) * 10 == len(counted) * 3


def sweep(world: World) -> None:
    world.later(minutes=5)
    call = admission.admit(a_call(world, Action.ENHANCE_CONTENT))
    admission.sweep(call)
    admission.give_back(call, ended(call))
    assert leases(world) == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(OUTCOMES), st.sampled_from([0, 1, 2])), max_size=25))
def test_calls_that_died_are_undone_when_they_are_swept(world: World, calls: list[tuple[str, int]]) -> None:
    world.user = f"user-{ids.token(10)}"
    world.buy("pro", "monthly")
    counted: list[Ai] = []
    for outcome, affinity in calls:
        call = admission.admit(a_call(world, Action.ENHANCE_CONTENT, affinity=affinity))
        match outcome:
            case "answered":
                counted.append(answer(call, chosen(call)))
            case "instead":
                counted.append(answer(call, OTHER[chosen(call)]))
            case "back":
                admission.give_back(call, ended(call))
    sweep(world)
    finish(world, counted)


def test_calls_that_die_among_others_at_once_are_undone_exactly(world: World) -> None:
    world.buy("pro", "monthly")
    fates = [OUTCOMES[number * 7 % 11 % len(OUTCOMES)] for number in range(60)]

    def one(number: int) -> Ai | None:
        call = admission.admit(a_call(world, Action.ENHANCE_CONTENT, affinity=number % 3))
        match fates[number]:
            case "answered":
                return answer(call, chosen(call))
            case "instead":
                return answer(call, OTHER[chosen(call)])
            case "back":
                admission.give_back(call, ended(call))
        return None

    counted = [each for each in at_once(one, 60, 12) if isinstance(each, Ai)]
    world.later(minutes=5)
    # And many find the dead at once: each is undone once.
    others = [each for each in at_once(lambda _: swept(world), 12, 12) if isinstance(each, Admission)]
    for call in others:
        admission.give_back(call, ended(call))
    assert leases(world) == []
    world.later(hours=1)
    finish(world, counted)


def swept(world: World) -> Admission:
    call = admission.admit(a_call(world, Action.ENHANCE_CONTENT))
    admission.sweep(call)
    return call


@pytest.mark.parametrize("dead", [1, 3, 7])
def test_ten_answers_have_three_of_gpt4o_however_many_calls_died_between(world: World, dead: int) -> None:
    world.buy("pro", "monthly")
    for _ in range(dead):
        admission.admit(a_call(world, Action.ENHANCE_CONTENT, affinity=mix.ALWAYS))
    world.later(minutes=5)
    first = world.post(ENHANCE, BODY).json["meta"]["aiService"]  # sweeps when it ends
    asked = [world.post(ENHANCE, BODY).json["meta"]["aiService"] for _ in range(19)]
    assert Counter([first, *asked]) == {"gpt4o": 6, "gemini": 14}


def test_a_call_under_a_preference_that_died_leaves_the_mix_alone(world: World) -> None:
    world.buy("pro", "monthly")
    answer(first := admission.admit(a_call(world)), chosen(first))
    before = served(world)
    world.post("/api/subscription/ai-preference", {"preference": "gpt4o"})
    call = admission.admit(a_call(world))
    assert (call.lease.chosen, call.routed) == (None, Ai.GPT4O)
    world.later(minutes=5)
    admission.sweep(last := admission.admit(a_call(world)))
    admission.give_back(last, ended(last))
    assert served(world) == before


def test_an_admission_found_again_by_its_lease_has_its_own_choice_and_not_a_later_ones(world: World) -> None:
    world.buy("pro", "monthly")
    call = a_call(world, Action.ENHANCE_CONTENT, affinity=mix.LAST)
    assert admission.admit(call).routed is Ai.GEMINI
    later = admission.admit(a_call(world, Action.ENHANCE_CONTENT, affinity=mix.ALWAYS))
    assert later.routed is Ai.GPT4O
    again = admission.admit(call)
    assert (again.lease.chosen, again.routed) == (Ai.GEMINI, Ai.GEMINI)
    # And the other way round.
    assert admission.admit(later.call).routed is Ai.GPT4O


def test_an_admission_found_again_after_a_change_of_preference_is_still_the_mixs(world: World) -> None:
    world.buy("pro", "monthly")
    call = a_call(world, Action.ENHANCE_CONTENT, affinity=mix.ALWAYS)
    admission.admit(call)
    world.post("/api/subscription/ai-preference", {"preference": "gemini"})
    assert admission.admit(call).routed is Ai.GPT4O
    fixed = a_call(world, Action.ENHANCE_CONTENT)
    admission.admit(fixed)
    world.post("/api/subscription/ai-preference", {"preference": "auto"})
    assert (admission.admit(fixed).lease.chosen, admission.admit(fixed).routed) == (None, Ai.GEMINI)


def test_an_answer_to_an_admission_that_got_lost_goes_where_the_mix_sent_it(world: World, faults: Faults) -> None:
    world.buy("pro", "monthly")
    services = []
    for _ in range(10):
        faults.plan("update_item", "lost")
        services.append(world.post(ENHANCE, BODY).json["meta"]["aiService"])
    assert Counter(services) == {"gpt4o": 3, "gemini": 7}


def test_what_a_call_kept_is_gone_when_it_ends(world: World) -> None:
    world.buy("pro", "monthly")
    world.post(ENHANCE, BODY)
    world.fail("refusal")
    problem(world.post(ENHANCE, BODY), 422, "content_refused")
    admission.admit(a_call(world))
    world.at(world.now + timedelta(minutes=5))
    world.post(ENHANCE, BODY)
    assert not [name for name in world.item() or {} if name.startswith(("mixed:", "lease#"))]


# The log, however many calls correct it


def entries(world: World) -> int:
    return len((world.item() or {})["mix"]["L"])


@pytest.mark.parametrize("outcome", ["back", "instead"])
def test_an_outage_of_hours_does_not_make_the_log_grow(world: World, outcome: str) -> None:
    world.buy("pro", "monthly")
    whole: list[object] = [*mix.FRESH]
    for _ in range(25):
        call = admission.admit(a_call(world, Action.ENHANCE_CONTENT))
        service = chosen(call)
        if outcome == "back":
            admission.give_back(call, ended(call))
            whole += [0, mix.GAVE_BACK[service]]
        else:
            answer(call, OTHER[service])
            whole += [0, mix.ANSWERED_INSTEAD[OTHER[service]]]
        assert entries(world) <= admission.LONG_LOG + 2
        assert served(world) == mix.fold(whole)[0]


def test_a_log_that_is_longer_than_one_request_can_fold_is_folded_piece_by_piece(world: World) -> None:
    world.buy("pro", "monthly")
    log = [*mix.FRESH, *([0, mix.GAVE_BACK[Ai.GEMINI]] * 300)]
    world.raw.update_item(
        TableName="UsersTable",
        Key={"userId": {"S": world.user}},
        UpdateExpression="SET mix = :log",
        ExpressionAttributeValues={":log": to_attribute(log)},
    )
    before = mix.fold(log)[0]
    assert world.post(ENHANCE, BODY).status == 200
    assert [row["success"] for row in world.usage()].count(True) == 1
    assert entries(world) < len(log) - 90
    assert (before.calls, served(world).calls) == (mix.BLOCK, mix.BLOCK - 1)
    for _ in range(8):
        assert world.post(ENHANCE, BODY).status == 200
    assert entries(world) <= admission.LONG_LOG + 2


def test_a_correction_that_folds_leaves_alone_what_others_have_added_meanwhile(world: World) -> None:
    world.buy("pro", "monthly")
    for _ in range(admission.LONG_LOG):
        answer(call := admission.admit(a_call(world, Action.ENHANCE_CONTENT)), chosen(call))
    early = admission.admit(a_call(world, Action.ENHANCE_CONTENT))
    late = admission.admit(a_call(world, Action.ENHANCE_CONTENT))
    before = entries(world)
    admission.give_back(early, ended(early))
    assert entries(world) == before + 1
    assert served(world).calls == mix.fold(late.mix)[0].calls + 1
