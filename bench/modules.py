"""Which installed packages each function loads, at import and by the end of its first request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench import report
from bench.fresh import BARE, EAGERLY, Figures, start, subjects
from bench.report import Goal
from bench.session import Session

AI_SDKS = frozenset({"openai", "google", "grpc"})


def modules(session: Session) -> list[Goal]:
    """Print and save them."""
    found: dict[str, Figures] = {}
    for each in subjects(session.ground):
        if figures := start(session, each):
            found[each.name] = figures
        report.progress(f"modules: {each.name}")
    _listed(found)
    report.save("modules", session.facts, found)
    return _verdicts(session, found)


def _listed(found: Mapping[str, Mapping[str, Any]]) -> None:
    report.say("\nInstalled packages: loaded by the import | loaded by the first request; and modules in all")
    width = max(map(len, found))
    for name, run in found.items():
        at_import, later = _names(run["at import"]), _names(run["later"])
        report.say(f"{name.ljust(width)}  {run['modules']:>5}  {' '.join(at_import)} | {' '.join(later) or '–'}")


_SHORT = {"aws_lambda_powertools": "powertools"}


def _names(packages: Iterable[str]) -> list[str]:
    """Without the companions that always come along."""
    hidden = ("_", "typing_", "annotated_", "google_")
    return [_SHORT.get(each, each) for each in packages if not each.startswith(hidden)]


def _verdicts(session: Session, found: Mapping[str, Mapping[str, Any]]) -> list[Goal]:
    loaded = {name: {*run["at import"], *run["later"]} for name, run in found.items()}
    asked = [
        each
        for each in subjects(session.ground)
        if each.function and each.name in found and not each.name.endswith(EAGERLY)
    ]
    public = [
        each.name for each in asked if each.handler in {"subscription.pricing.handler", "subscription.compare.handler"}
    ]
    selling = [each.name for each in asked if not each.handler.startswith("ai.")]
    floor = loaded[BARE[1][0]]  # Powertools itself loads a few modules of botocore, but neither boto3 nor a client
    return [
        _absent("pricing and compare load no boto3", public, loaded, {"boto3"}),
        Goal(
            "pricing and compare load no package that bare Powertools does not",
            "; ".join(f"{name}: {', '.join(sorted(loaded[name] - floor)) or 'none'}" for name in public),
            all(loaded[name] <= floor for name in public),
        ),
        _absent("no request to the API loads boto3", [each.name for each in asked if each.scenario], loaded, {"boto3"}),
        _absent("no function outside ai/ loads an AI SDK", selling, loaded, AI_SDKS),
        _absent(
            "status loads no pydantic, razorpay, requests or jwt",
            [name for name in ("status",) if name in found],
            loaded,
            {"pydantic", "razorpay", "requests", "jwt"},
        ),
    ]


def _absent(text: str, names: Sequence[str], loaded: Mapping[str, set[str]], unwanted: Iterable[str]) -> Goal:
    present = {name: sorted(loaded[name] & set(unwanted)) for name in names if loaded[name] & set(unwanted)}
    found = (
        "; ".join(f"{name}: {', '.join(each)}" for name, each in present.items()) or f"none in {len(names)} requests"
    )
    return Goal(text, found, not present if names else None)
