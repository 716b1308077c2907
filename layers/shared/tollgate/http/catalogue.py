"""The pricing page and the comparison, as the API shows them. Needs the catalogue and nothing else."""

from tollgate import plans
from tollgate.money import in_rupees
from tollgate.plans import Feature, Limit, Plan, Tier, Unit, Window


def features(tier: Tier) -> list[str]:
    """What a tier opens, in the order of the pricing page."""
    return [feature.value for feature in Feature if feature in tier.features]


def pricing() -> dict[str, object]:
    """All plans by tier; a tier with several plans holds them by name."""
    return {tier.id: _prices(tier) for tier in plans.TIERS}


def _prices(tier: Tier) -> dict[str, object]:
    priced: dict[str, object] = {plan.id: _price(tier, plan) for plan in tier.plans}
    return priced if len(priced) > 1 else _price(tier, tier.plans[0])


def _price(tier: Tier, plan: Plan) -> dict[str, object]:
    return {
        "amount": in_rupees(plan.price_paise),
        "amountPaise": plan.price_paise,
        "currency": plans.CURRENCY,
        "plan": plan.id,
        "features": features(tier),
        "limits": plans.limits_of(tier),
    }


ROWS_OF_UNITS = {
    Unit.RESUMES: "Resumes",
    Unit.ATS_SCANS: "ATS scans",
    Unit.JOB_MATCHES: "Job matches",
    Unit.COVER_LETTERS: "Cover letters",
}
ROWS_OF_FEATURES = {
    Feature.ALL_TEMPLATES: "All templates",
    Feature.PORTFOLIO: "Portfolio",
    Feature.ANALYTICS: "Analytics",
    Feature.PRIORITY_SUPPORT: "Priority support",
}
PER = {Window.DAY: "/day", Window.MONTH: "/month", Window.PASS: " in all"}


def comparison() -> dict[str, object]:
    """The tiers as columns, what they give as rows."""
    rows = [
        *(
            _row(unit.value, label, {tier.id: allowance(tier.limits[unit]) for tier in plans.TIERS})
            for unit, label in ROWS_OF_UNITS.items()
        ),
        *(
            _row(feature.value, label, {tier.id: feature in tier.features for tier in plans.TIERS})
            for feature, label in ROWS_OF_FEATURES.items()
        ),
        _row("calls-per-hour", "AI calls per hour", {tier.id: tier.calls_per_hour for tier in plans.TIERS}),
        _row("ai-service", "AI service", {tier.id: tier.ai.value for tier in plans.TIERS}),
    ]
    return {"tiers": [tier.id for tier in plans.TIERS], "rows": rows}


def _row(feature: str, label: str, values: dict[str, object]) -> dict[str, object]:
    return {"feature": feature, "label": label, "values": values}


def allowance(limit: Limit) -> str | bool:
    """A limit in words; False where the plan gives none."""
    if limit.count is None:
        return "unlimited"
    return f"{limit.count}{PER[limit.window]}" if limit.count else False
