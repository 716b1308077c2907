"""The catalogue says what the specification says, and is the only place a tier has to be added to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tollgate import entitlements, metering, plans
from tollgate.http import catalogue
from tollgate.metering import Action
from tollgate.plans import Unit

ROOT = Path(__file__).parents[2]

# The pricing page, typed again by hand: nothing below is derived from the code.
PAGE = """
tier      plan       rupees  lasts      per hour  ai      renews
free      lifetime        0  for ever         10  gemini  no
one-time  one-time       49  30 days          20  gpt4o   no
student   quarterly      99  3 months        100  hybrid  no
pro       monthly       149  1 months        100  hybrid  yes
pro       yearly       1490  12 months       100  hybrid  yes
premium   monthly       249  1 months        500  gpt4o   yes
premium   yearly       2490  12 months       500  gpt4o   yes
lifetime  lifetime      499  for ever        500  gpt4o   no
"""

LIMITS: dict[str, dict[str, int | tuple[int, str] | None]] = {
    "free": {"resumes": (1, "month"), "atsScans": 0, "jobMatches": 0, "coverLetters": 0},
    "one-time": {"resumes": (1, "pass"), "atsScans": (1, "pass"), "jobMatches": (3, "day"), "coverLetters": 0},
    "student": {"resumes": None, "atsScans": (5, "month"), "jobMatches": (10, "day"), "coverLetters": (5, "month")},
    "pro": {"resumes": None, "atsScans": (5, "month"), "jobMatches": (10, "day"), "coverLetters": (5, "month")},
    "premium": {"resumes": None, "atsScans": None, "jobMatches": None, "coverLetters": None},
    "lifetime": {"resumes": None, "atsScans": None, "jobMatches": None, "coverLetters": None},
}

FEATURES: dict[str, set[str]] = {
    "free": set(),
    "one-time": {"ats-score", "job-match", "all-templates"},
    "student": {"ats-score", "job-match", "cover-letter", "all-templates", "portfolio", "unlimited-resumes"},
    "pro": {"ats-score", "job-match", "cover-letter", "all-templates", "portfolio", "unlimited-resumes"},
    "premium": {
        "ats-score",
        "job-match",
        "cover-letter",
        "all-templates",
        "portfolio",
        "unlimited-resumes",
        "analytics",
        "priority-support",
    },
    "lifetime": {
        "ats-score",
        "job-match",
        "cover-letter",
        "all-templates",
        "portfolio",
        "unlimited-resumes",
        "analytics",
        "priority-support",
    },
}

RANKS = ["free", "one-time", "student", "pro", "premium", "lifetime"]


def page() -> list[list[str]]:
    lines = PAGE.strip().splitlines()[1:]
    return [
        line.replace("for ever", "for_ever").replace(" days", "d").replace(" months", "m").split() for line in lines
    ]


def lasts(plan: plans.Plan) -> str:
    if plan.lasts.for_ever:
        return "for_ever"
    return f"{plan.lasts.days}d" if plan.lasts.days else f"{plan.lasts.months}m"


def test_the_catalogue_is_the_pricing_page() -> None:
    sold = [
        [
            tier.id,
            plan.id,
            str(plan.price_paise // 100),
            lasts(plan),
            str(tier.calls_per_hour),
            tier.ai.value,
            "yes" if plan.auto_renews else "no",
        ]
        for tier in plans.TIERS
        for plan in tier.plans
    ]
    assert sold == page()
    assert all(plan.price_paise % 100 == 0 for tier in plans.TIERS for plan in tier.plans)


def test_there_are_six_tiers_and_eight_plans_from_the_lowest_rank_to_the_highest() -> None:
    assert [tier.id for tier in plans.TIERS] == RANKS
    assert sorted(RANKS, key=plans.RANK.__getitem__) == RANKS
    assert sum(len(tier.plans) for tier in plans.TIERS) == 8
    assert plans.BASE.id == "free"


@pytest.mark.parametrize("tier", RANKS)
def test_the_limits_of_each_tier_are_those_of_the_table(tier: str) -> None:
    held = {unit.value: limit for unit, limit in plans.tier(tier).limits.items()}
    for unit, wanted in LIMITS[tier].items():
        match wanted:
            case None | 0:
                assert held[unit].count == wanted
            case (count, window):
                assert (held[unit].count, held[unit].window.value) == (count, window)
    assert set(held) == set(LIMITS[tier])


@pytest.mark.parametrize("tier", RANKS)
def test_the_features_of_each_tier_are_those_of_the_table(tier: str) -> None:
    assert {feature.value for feature in entitlements.get_tier_features(tier)} == FEATURES[tier]


def test_only_premium_and_lifetime_are_premium_and_only_the_hybrid_tiers_choose_their_ai() -> None:
    assert {tier.id for tier in plans.TIERS if tier.premium} == {"premium", "lifetime"}
    assert {tier.id for tier in plans.TIERS if tier.chooses_ai} == {"pro", "student"}
    assert {tier.id for tier in plans.TIERS if tier.is_pass} == {"one-time"}
    assert {tier.id for tier in plans.TIERS if not tier.gives_credit} == {"one-time"}
    assert {tier.id for tier in plans.TIERS if tier.academic} == {"student"}


def test_a_year_costs_ten_months() -> None:
    for tier in (plans.tier("pro"), plans.tier("premium")):
        month, year = tier.plan("monthly"), tier.plan("yearly")
        assert month is not None
        assert year is not None
        assert year.price_paise == 10 * month.price_paise


def test_a_premium_tier_counts_the_days_job_matches_by_the_day_even_without_a_limit() -> None:
    assert {plans.tier(tier).limits[Unit.JOB_MATCHES].window.value for tier in RANKS} == {"day"}


def test_an_unknown_plan_is_not_found_and_an_unknown_tier_is_an_error() -> None:
    assert plans.find("pro", "weekly") is None
    assert plans.find("gold", "monthly") is None
    assert plans.find("", "") is None
    with pytest.raises(KeyError):
        plans.tier("gold")


def test_offers_are_what_costs_money_cheapest_first() -> None:
    prices = [plan.price_paise for _, plan in plans.offers()]
    assert prices == [4_900, 9_900, 14_900, 24_900, 49_900, 149_000, 249_000]


def test_pricing_is_flat_for_tiers_with_one_plan_and_nested_for_the_others() -> None:
    shown = json.loads(json.dumps(catalogue.pricing()))
    assert list(shown) == RANKS
    assert shown["free"]["amount"] == 0
    assert shown["lifetime"]["amountPaise"] == 49_900
    assert set(shown["pro"]) == set(shown["premium"]) == {"monthly", "yearly"}
    assert shown["premium"]["yearly"]["amount"] == 2_490
    for entry in (shown["one-time"], shown["student"], shown["pro"]["monthly"]):
        assert set(entry) == {"amount", "amountPaise", "currency", "plan", "features", "limits"}
        assert entry["amountPaise"] == entry["amount"] * 100
        assert entry["currency"] == "INR"
    assert shown["one-time"]["limits"]["resumes"] == {"limit": 1, "window": "pass"}
    assert shown["pro"]["monthly"]["limits"]["jobMatches"] == {"limit": 10, "window": "day"}
    assert shown["premium"]["monthly"]["limits"]["resumes"]["limit"] is None


def test_the_comparison_has_a_value_for_every_tier_in_every_row() -> None:
    table = json.loads(json.dumps(catalogue.comparison()))
    assert table["tiers"] == RANKS
    assert all(list(row["values"]) == RANKS for row in table["rows"])
    rows = {row["feature"]: row["values"] for row in table["rows"]}
    assert rows["resumes"] == dict(
        zip(RANKS, ["1/month", "1 in all", "unlimited", "unlimited", "unlimited", "unlimited"], strict=True),
    )
    assert rows["atsScans"] == dict(
        zip(RANKS, [False, "1 in all", "5/month", "5/month", "unlimited", "unlimited"], strict=True)
    )
    assert rows["jobMatches"]["one-time"] == "3/day"
    assert rows["coverLetters"]["one-time"] is False
    assert rows["analytics"] == dict(zip(RANKS, [False, False, False, False, True, True], strict=True))


def run(script: str, package: Path, seed: str = "0") -> str:
    env = {"PYTHONPATH": str(package), "PYTHONHASHSEED": seed, "PATH": os.defpath}
    done = subprocess.run(  # noqa: S603 -- our own interpreter and script
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_process_gives_one_catalogue_the_same_revision() -> None:
    # Records carry it: were it another in each process, each would take the others' terms for out of date.
    script = "from tollgate import plans; print(plans.REVISION)"
    revisions = {run(script, ROOT / "layers/shared", seed) for seed in ("0", "1", "2", "3")}
    assert revisions == {plans.REVISION}


def edited(old: str, new: str, tmp_path: Path) -> Path:
    """A copy of the layer with one text edit of the catalogue."""
    layer = tmp_path / "shared"
    shutil.copytree(ROOT / "layers/shared", layer, ignore=shutil.ignore_patterns("__pycache__"))
    catalogue = layer / "tollgate/plans.py"
    text = catalogue.read_text(encoding="utf-8")
    assert text.count(old) == 1
    catalogue.write_text(text.replace(old, new), encoding="utf-8")
    return layer


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rupees(149)", "rupees(159)"),
        ("cover_letters=NONE,\n        perks=TEMPLATES", "cover_letters=NONE,\n        perks=PORTFOLIO"),
        ("calls_per_hour=20,", "calls_per_hour=21,"),
        ("job_matches=per_day(3)", "job_matches=per_day(4)"),
    ],
)
def test_a_changed_catalogue_has_another_revision(old: str, new: str, tmp_path: Path) -> None:
    script = "from tollgate import plans; print(plans.REVISION)"
    assert run(script, edited(old, new, tmp_path)) != plans.REVISION


NEW_TIER = """    Tier(
        id="team",
        name="Team",
        ai=Ai.HYBRID,
        calls_per_hour=7,
        resumes=per_day(2),
        ats_scans=per_month(3),
        job_matches=in_all(4),
        cover_letters=NONE,
        perks=TEMPLATES,
        plans=(Plan("weekly", rupees(120), Lasts(days=7)), Plan("monthly", rupees(240), MONTH)),
    ),
    Tier(
        id="premium",
"""

PROBE = """
import json
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from tollgate import entitlements, metering, plans, purchases, subscriptions
from tollgate.http import catalogue
from tollgate.metering import Action
from tollgate.plans import Feature, Unit
from tollgate.users import User

now = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
nobody = User(id="u", created_at=now)
tier, plan = plans.find("team", "weekly")
quote = purchases.quote(nobody, tier, plan, now)
member = purchases.grant(nobody, subscriptions.bought("s", "team", "weekly", now), quote.credit, now)
pro = replace(nobody, subscriptions=(subscriptions.bought("p", "pro", "monthly", now),))
spent = member
for _ in range(2):
    spent = entitlements.increment_usage(spent, Unit.RESUMES, now)
busy = replace(member, counters=MappingProxyType({f"rate#{int(now.timestamp()) // 3600}": 7}))
full = nobody
full = entitlements.increment_usage(full, Unit.RESUMES, now)
print(json.dumps({
    "pricing": catalogue.pricing()["team"]["weekly"]["amount"],
    "compared": catalogue.comparison()["tiers"],
    "row": next(r["values"]["team"] for r in catalogue.comparison()["rows"] if r["feature"] == "resumes"),
    "gates": [entitlements.can_access_feature(member, feature, now) for feature in
              (Feature.ALL_TEMPLATES, Feature.ATS_SCORE, Feature.JOB_MATCH, Feature.COVER_LETTER, Feature.PORTFOLIO)],
    "limit": [entitlements.get_usage_limit(member, Unit.RESUMES, now).count,
              entitlements.get_remaining_usage(member, Unit.ATS_SCANS, now)],
    "service": entitlements.get_ai_service(member, now),
    "payable": quote.payable,
    "ends": quote.ends_at.isoformat(),
    "replaces pro": purchases.quote(pro, tier, plan, now).credit.given > 0,
    "admitted": metering.denial(member, Action.PARSE_RESUME, now),
    "quota": metering.denial(spent, Action.PARSE_RESUME, now),
    "rate": metering.denial(busy, Action.PARSE_RESUME, now),
    "not in plan": metering.denial(member, Action.COVER_LETTER, now),
    "terms": metering.terms_of(member, now),
}))
"""


def test_a_tier_added_to_the_catalogue_alone_is_sold_compared_gated_limited_routed_and_admitted(tmp_path: Path) -> None:
    layer = edited('    Tier(\n        id="premium",\n', NEW_TIER, tmp_path)
    seen = json.loads(run(PROBE, layer))
    terms = seen.pop("terms")
    assert seen == {
        "pricing": 120,
        "compared": ["free", "one-time", "student", "pro", "team", "premium", "lifetime"],
        "row": "2/day",
        "gates": [True, True, True, False, False],
        "limit": [2, 3],
        "service": "hybrid",
        "payable": 12_000,
        "ends": "2026-11-30T06:30:00+00:00",
        "replaces pro": True,
        "admitted": None,
        "quota": "quota",
        "rate": "rate",
        "not in plan": "not_in_plan",
    }
    assert terms["tier"] == "team"
    assert terms["rate"] == 7
    assert terms["pass"] == "s"
    assert terms["resumes"] == {"day": 1, "month": 0, "pass": 0, "limit": 2}
    assert terms["jobMatches"] == {"day": 0, "pass": 1, "limit": 4}
    assert terms["coverLetters"]["limit"] == 0


def test_every_action_that_costs_a_unit_costs_the_one_the_pricing_page_counts() -> None:
    assert {action.value: unit.value for action, unit in metering.UNIT_OF.items()} == {
        "resume-parse": "resumes",
        "job-match": "jobMatches",
        "cover-letter": "coverLetters",
        "ats-scan": "atsScans",
    }
    assert {action.value for action in Action} == {
        "resume-parse",
        "resume-enhance",
        "summary-generate",
        "skills-categorize",
        "job-match",
        "cover-letter",
        "ats-scan",
    }
