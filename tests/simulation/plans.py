"""Which histories there are: a seed draws one. Short ones and many, each about one kind of trouble."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from random import Random
from typing import Any

from tests.simulation.baton import drawn
from tests.simulation.consumers import FIGURES, NOTICES
from tests.simulation.history import Act, Plan, Round

IST = timedelta(hours=5, minutes=30)
FIRST, LAST = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 11, 1, tzinfo=UTC)
DAY = 86_400.0
FAULTS = ("dies before", "dies after", "throttled", "conflict", "unreached", "unheard", "twice", "slow")
PRODUCTS = (
    ("pro", "monthly"),
    ("pro", "monthly"),
    ("premium", "monthly"),
    ("student", "quarterly"),
    ("pro", "yearly"),
    ("one-time", "one-time"),
    ("lifetime", "lifetime"),
)
PATHS = ("/api/ai/parse-resume", "/api/ai/parse-resume", "/api/ai/cover-letter", "/api/ai/enhance-content")
ERRORS = ("unavailable", "timeout", "rate_limited", "invalid_output", "refused", "truncated")
RENEWED = (("pro", "monthly"), ("pro", "monthly"), ("premium", "monthly"), ("pro", "yearly"))
THEMES = (
    *("money", "calls", "renewals", "calendar", "money", "calls"),
    *("oracle", "money", "renewals", "calls", "desk", "calendar"),
)
FEW = 0.35  # of the invocations meet a fault
BESIDE = 0.15  # of the histories are of two people
COMPARED = 0.03  # of the histories end with the daily report, and three times as many of those about schedules


def plan(seed: int) -> Plan:
    """The history of a seed."""
    random = drawn(seed)
    theme = THEMES[seed % len(THEMES)]
    start, rounds = _start(random), _MAKERS[theme](random)
    if theme != "oracle" and random.random() < BESIDE:
        rounds = _beside(random, rounds, [_of(1, each) for each in _MAKERS[theme](random)])
    compared = random.random() < COMPARED * (3 if theme == "calendar" else 1)
    return Plan(seed, theme, start, tuple(rounds), _listens(random, theme), compared and theme != "oracle")


def _listens(random: Random, theme: str) -> tuple[str, ...]:
    """Who reads the tables' streams meanwhile; nobody, in most histories that are about something else."""
    turn = random.random()
    if theme == "calendar":
        return NOTICES if turn < 0.4 else (NOTICES[0], *FIGURES) if turn < 0.7 else NOTICES[:1]
    if theme == "oracle" or turn > 0.1:
        return ()
    return NOTICES if turn < 0.04 else FIGURES


def _of(user: int, each: Round) -> Round:
    """The round, lived by another one."""
    return replace(each, acts=tuple(replace(act, user=user) if act.user >= 0 else act for act in each.acts))


def _beside(random: Random, one: list[Round], other: list[Round]) -> list[Round]:
    """Two people's rounds at once; now and then the second tries what the first has paid."""
    rounds = []
    for mine, yours in zip_longest(one, other, fillvalue=Round(())):
        acts = [*mine.acts, *yours.acts]
        if random.random() < 0.2:
            acts.append(_act(random, "verify", 1, whose=0))
        random.shuffle(acts)
        rounds.append(Round(tuple(acts), max(mine.then, yours.then)))
    return rounds


def _start(random: Random) -> float:
    """Some time of a year, often shortly before a day or a month ends in India."""
    day = FIRST + timedelta(days=random.randrange((LAST - FIRST).days))
    turn = random.random()
    if turn < 0.25:
        day = day.replace(day=1)
    if turn < 0.5:
        return (day - IST).timestamp() - random.uniform(1, 300)
    return day.timestamp() + random.uniform(0, DAY)


def _faults(random: Random, *, frozen: bool = False, share: float = FEW) -> tuple[tuple[int, str], ...]:
    if random.random() > share:
        return ()
    kinds = (*FAULTS, "frozen") if frozen else FAULTS
    return tuple((random.randrange(1, 7), random.choice(kinds)) for _ in range(1 + (random.random() < 0.2)))


def _act(random: Random, kind: str, user: int = 0, *, frozen: bool = False, share: float = FEW, **says: object) -> Act:
    skew = random.uniform(-5, 5) if random.random() < 0.3 else 0.0
    faults = _faults(random, frozen=frozen, share=share)
    return Act(kind, user, tuple(says.items()), faults, skew)


def _pause(random: Random) -> float:
    return random.choice((1.0, 20.0, 100.0, 700.0, 3700.0))


def _buying(random: Random, user: int) -> list[Round]:
    tier, cycle = random.choice(PRODUCTS)
    pays = Act("pay", user, (("outcome", random.choice(("success",) * 8 + ("fail", "late"))),))
    if random.random() < 0.08:
        pays = Act("pay", user, (("amount", True), ("force", True)))
    order = _act(random, "order", user, tier=tier, plan=cycle, share=0.15)
    rounds = [Round((order,), 1), Round((pays,), 1)]
    told = [_act(random, "verify", user, frozen=True)] if random.random() < 0.7 else []
    told += [_act(random, "deliver", user, pick=random.random(), frozen=True) for _ in range(random.randrange(4))]
    if random.random() < 0.2:
        told.append(_act(random, "job", -1, name="reconcile"))
    if random.random() < 0.3:
        told.append(_act(random, "verify", user))
    random.shuffle(told)
    return [*rounds, Round(tuple(told), _pause(random))] if told else rounds


def _money(random: Random) -> list[Round]:
    rounds = _buying(random, 0)
    for _ in range(random.randrange(1, 3)):
        turn = random.random()
        if turn < 0.45:
            rounds += _buying(random, 0)
        elif turn < 0.55:
            rounds += _disputed(random)
        elif turn < 0.8:
            refund = Act("refund", 0, (("pick", random.random()), ("part", random.random() < 0.4)))
            told = [_act(random, "deliver", 0, pick=random.random(), frozen=True) for _ in range(1, 4)]
            rounds += [Round((refund,), 1), Round(tuple(told), _pause(random))]
        else:
            told = [_act(random, "deliver", 0, pick=random.random(), header="once") for _ in range(3)]
            told.append(_act(random, "job", -1, name="reconcile"))
            rounds.append(Round(tuple(told), random.choice((700.0, 40 * DAY))))
    return rounds


def _disputed(random: Random) -> list[Round]:
    """A bank takes a payment back, and it is won or lost; told of in any order, beside a refund at times."""
    rounds = []
    for turn in ("", random.choice(("under_review", "lost", "won")), random.choice(("lost", "won"))):
        said = (("pick", random.random()), ("turn", turn))
        acts = [Act("dispute", 0, said)]
        if random.random() < 0.15:
            acts.append(Act("refund", 0, (("pick", random.random()), ("part", True))))
        told = [_act(random, "deliver", 0, pick=random.random(), frozen=True) for _ in range(random.randrange(3))]
        rounds.append(Round(tuple(acts), 1))
        rounds += [Round(tuple(told), _pause(random))] if told else []
    return rounds


def _call(random: Random, user: int = 0, path: str = "", **options: bool) -> Act:
    wrong: dict[str, object] = {}
    if random.random() < 0.3:
        wrong["gpt4o"] = wrong["gemini"] = (random.choice(ERRORS),)
    if random.random() < 0.1:
        wrong["key"] = random.choice(("one", "two"))
    share = 0.45
    return _act(random, "ai", user, path=path or random.choice(PATHS), share=share, **wrong, **options)  # type: ignore[arg-type]  # -- says


def _bought(random: Random, *products: tuple[str, str]) -> list[Round]:
    tier, cycle = random.choice(products)
    order = Act("order", 0, (("tier", tier), ("plan", cycle)))
    return [Round((order,)), Round((Act("pay"),)), Round((Act("verify"),), random.choice((1.0, 60.0)))]


def _calls(random: Random) -> list[Round]:
    owned = random.random() < 0.7
    rounds = _bought(random, ("pro", "monthly"), ("student", "quarterly"), ("one-time", "one-time")) if owned else []
    path = random.choice(PATHS[1:3]) if owned else PATHS[0]
    for _ in range(random.randrange(2, 4)):
        several = tuple(_call(random, path=path, frozen=True) for _ in range(random.randrange(1, 5)))
        rounds.append(Round(several, random.choice((1.0, 10.0, 100.0, 200.0, 3700.0))))
    if random.random() < 0.15:
        again = Act("ai", 0, (("path", "/api/ai/enhance-content"), ("key", "again")))
        rounds += [Round((again,), random.choice((60.0, 25 * 3600.0, 30 * 3600.0))), Round((again,))]
    return rounds


def _begun(random: Random) -> list[Round]:
    """Something bought ahead is given back just when it begins, beside the schedule that writes down that it did."""
    bought = [*_bought(random, ("premium", "monthly")), *_bought(random, ("pro", "monthly"))]
    bought[-1] = Round(bought[-1].acts, 31 * DAY)
    back = Round((Act("refund", 0, (("pick", 0.999),)),), 0.1)
    told = [_act(random, "deliver", 0, pick=0.999 - random.random() / 4) for _ in range(3)]
    told += [_act(random, "job", -1, name="expire", frozen=True) for _ in range(random.randrange(1, 3))]
    random.shuffle(told)
    late = Round((_act(random, "job", -1, name="expire"),), _pause(random))
    return [*bought, back, Round(tuple(told), random.choice((0.1, 1.0, 100.0))), late]


def _calendar(random: Random) -> list[Round]:
    """Schedules beside what they are about, over days."""
    if random.random() < 0.3:
        return _begun(random)
    rounds = _bought(random, ("pro", "monthly"), ("student", "quarterly"))
    end = 31 * DAY if random.random() < 0.6 else 92 * DAY
    if random.random() < 0.7:
        rounds.append(Round((_call(random), _call(random)), random.choice((5.0, 400.0, DAY))))
    jobs = ("expire", "reset", "reset", "remind", "reconcile")
    for leap in (random.choice((100.0, DAY)), random.choice((DAY, end)), 100.0):
        several = [
            _act(random, "job", -1, name=random.choice(jobs), frozen=True) for _ in range(random.randrange(1, 4))
        ]
        if random.random() < 0.5:
            several.append(_call(random))
        if random.random() < 0.3:
            rounds.append(Round((Act("refund", 0, (("pick", 0.0),)),), 1))
            several.append(_act(random, "deliver", 0, pick=0.999))
        if random.random() < 0.4:
            several.append(_act(random, "stream", -1))
        rounds.append(Round(tuple(several), leap))
    if random.random() < 0.3:
        books = [_act(random, "job", -1, name="report", frozen=True), _act(random, "deliver", 0, pick=random.random())]
        rounds.append(Round(tuple(books * (1 + (random.random() < 0.3))), 100.0))
    return rounds


def _told(random: Random, most: int) -> list[Act]:
    """Some events that come, most of them about the mandate, and at times the schedule that looks by itself."""
    told = []
    for _ in range(random.randrange(most + 1)):
        about: dict[str, Any] = {"about": "subscription."} if random.random() < 0.6 else {}
        about |= {"again": True} if random.random() < 0.15 else {}
        told.append(_act(random, "deliver", 0, pick=random.random(), frozen=True, **about))
    return [*told, _act(random, "job", -1, name="reconcile", frozen=True)] if random.random() < 0.2 else told


def _consented(random: Random, tier: str, plan: str) -> list[Round]:
    """A mandate is asked for and given, at once, late or not at all; told of by the browser and by events."""
    order = _act(random, "order", 0, tier=tier, plan=plan, renews=True, share=0.15)
    outcome = random.choice(("success",) * 8 + ("fail", "late"))
    told = [*_told(random, 3), *([_act(random, "verify", 0, frozen=True)] if random.random() < 0.6 else [])]
    random.shuffle(told)
    return [
        Round((order,)),
        Round((Act("authorise", 0, (("outcome", outcome),)),)),
        Round(tuple(told), _pause(random)),
    ]


def _cycle(random: Random, days: float) -> list[Round]:
    """The next charge falls due, and goes well or fails for some days; told of late, beside schedules."""
    rounds = []
    fails = random.random() < 0.4
    if fails:
        rounds.append(Round((Act("customer", 0, (("does", "fail"),)),)))
    rounds.append(Round((_act(random, "status"),), days * DAY))
    rounds.append(Round((*_told(random, 3), _act(random, "job", -1, name="expire")), random.choice((1.0, 3700.0))))
    if fails:
        rounds += [Round(tuple(_told(random, 2)), DAY) for _ in range(random.randrange(1, 4))]
        does = random.choice(("success", "recover", "fail"))
        rounds.append(Round((Act("customer", 0, (("does", does),)), *_told(random, 2)), random.choice((100.0, DAY))))
    return rounds


def _ended(random: Random) -> list[Round]:
    """Somebody does not want it any more, or not for now: with us or in the bank's app, beside what is told just then."""
    rounds = []
    for _ in range(random.randrange(1, 3)):
        does = random.choice(("pause", "resume", "cancel", "charge"))
        acts = [_act(random, "cancel", 0, frozen=True)] if random.random() < 0.5 else []
        if not acts or random.random() < 0.3:
            acts.append(Act("customer", 0, (("does", does),)))
        rounds.append(Round((*acts, *_told(random, 2)), _pause(random)))
    return rounds


def _upgraded(random: Random) -> list[Round]:
    """Another plan is bought under the mandate, by its own renewal or once."""
    tier, plan = random.choice((("premium", "monthly"), ("pro", "yearly"), ("lifetime", "lifetime")))
    bought = [
        Round((_act(random, "order", 0, tier=tier, plan=plan),)),
        Round((Act("pay"),)),
        Round((_act(random, "verify"), *_told(random, 2)), _pause(random)),
    ]
    return bought if tier == "lifetime" or random.random() < 0.4 else [*bought, *_consented(random, tier, plan)]


def _renewals(random: Random) -> list[Round]:
    """A plan that renews itself: cycles paid in time, late or not at all, and whoever ends it, changes it, wants money back."""
    tier, plan = random.choice(RENEWED)
    days = 366 if plan == "yearly" else 31
    rounds = _bought(random, (tier, plan)) if random.random() < 0.4 else []
    rounds += _consented(random, tier, plan)
    for _ in range(random.randrange(1, 3)):
        turn = random.random()
        if turn < 0.5:
            rounds += _cycle(random, days)
        elif turn < 0.7:
            rounds += _ended(random)
        elif turn < 0.8:
            rounds += _upgraded(random)
        elif turn < 0.85:
            rounds += _consented(random, tier, plan)
        elif turn < 0.95:
            back = Act("refund", 0, (("pick", random.random()), ("part", random.random() < 0.2)))
            rounds += [Round((back,)), Round(tuple(_told(random, 3)), _pause(random))]
        else:
            rounds += _disputed(random)
    return rounds


def _misfitting(random: Random) -> list[Round]:
    """Money that does not fit: of another amount, paid twice, for what has no end already, or that its payer wants back."""
    tier, plan = random.choice(PRODUCTS)
    pays = [Act("pay", 0, (("amount", True), ("force", True)))] if random.random() < 0.5 else [Act("pay")]
    if random.random() < 0.5:
        pays.append(Act("pay", 0, (("force", True),)))
    back = random.random()
    if back < 0.2:
        pays.append(Act("dispute", 0, (("pick", random.random()), ("turn", ""))))
    elif back < 0.3:
        pays.append(Act("refund", 0, (("pick", random.random()), ("part", random.random() < 0.5))))
    order = Act("order", 0, (("tier", tier), ("plan", plan)))
    heard = [_act(random, "deliver", 0, pick=random.random(), about="payment.", frozen=True) for _ in range(4)]
    heard.append(_act(random, "verify", 0))
    return [Round((order,)), *(Round((each,)) for each in pays), Round(tuple(heard), random.choice((1.0, 40.0)))]


def _desk(random: Random) -> list[Round]:
    """Payments kept for review, and administrators who decide at once, also otherwise, while more of the same is told."""
    rounds = _misfitting(random)
    if random.random() < 0.4:
        rounds += _misfitting(random)
    for _ in range(random.randrange(1, 3)):
        rounds.append(Round((_act(random, "listed", -1, share=0.1),)))
        action = random.choice(("grant", "grant", "refund", "refund", "dismiss"))
        pick = random.random()
        acts = [_act(random, "resolve", -1, pick=pick, action=action, frozen=True)]
        if random.random() < 0.5:
            other = random.choice((action, "grant", "refund"))
            acts.append(_act(random, "resolve", -1, pick=pick, action=other, frozen=True))
        acts += [_act(random, "deliver", 0, pick=random.random(), frozen=True) for _ in range(random.randrange(3))]
        if random.random() < 0.2:
            acts.append(Act("refund", 0, (("pick", random.random()), ("part", random.random() < 0.3))))
        if random.random() < 0.2:
            acts.append(_act(random, "job", -1, name="reconcile"))
        rounds.append(Round(tuple(acts), _pause(random)))
        if random.random() < 0.4:
            again = _act(random, "resolve", -1, pick=pick, action=action)
            rounds.append(Round((again, _act(random, "deliver", 0, pick=random.random())), _pause(random)))
    return rounds


def _oracle(random: Random) -> list[Round]:
    """One thing after the other, nothing goes wrong: the model has to say the same."""
    rounds: list[Round] = []
    for _ in range(random.randrange(5, 12)):
        turn = random.random()
        pause = random.choice((1.0, 60.0, 400.0, 3700.0, DAY, 9 * DAY, 33 * DAY))
        if turn < 0.3:
            tier, cycle = random.choice(PRODUCTS)
            rounds += [
                Round((Act("order", 0, (("tier", tier), ("plan", cycle))),)),
                Round((Act("pay"),)),
                Round((Act("verify"),), pause),
            ]
        elif turn < 0.4:
            rounds.append(Round((Act("status"),), pause))
        elif turn < 0.5:
            rounds.append(Round((Act("job", -1, (("name", random.choice(("expire", "reset"))),)),), pause))
        elif turn < 0.55:
            burst = Round((Act("ai", 0, (("path", random.choice((PATHS[0], PATHS[-1]))),)),), 1.0)
            rounds += [burst] * 12
        else:
            calls = [Round((Act("ai", 0, (("path", random.choice(PATHS)),)),), 1.0)] * random.randrange(1, 4)
            rounds += [*calls[:-1], Round(calls[-1].acts, pause)]
    return rounds


_MAKERS: dict[str, Callable[[Random], list[Round]]] = {
    "money": _money,
    "calls": _calls,
    "calendar": _calendar,
    "oracle": _oracle,
    "renewals": _renewals,
    "desk": _desk,
}
