"""Which AI answers a user's calls, as the API shows it."""

from datetime import datetime

from tollgate import entitlements
from tollgate.ai.models import SERVICES, model_for
from tollgate.http.catalogue import features
from tollgate.plans import HYBRID_SPLIT, Ai
from tollgate.users import User

PER_CENT = 100


def ai_config(user: User, now: datetime) -> dict[str, object]:
    """The service in force, the models behind it today, how calls split, and what the user prefers."""
    service = entitlements.get_ai_service(user, now)
    models = {name: model_for(name, now).id for name in SERVICES}
    split = _split(service)
    return {
        "aiService": service.value,
        "model": models[max(split, key=lambda name: split[name])],
        "models": {name: models[name] for name in split if split[name]},
        "split": split,
        "preference": user.preference.value,
        "features": features(user.tier(now)),
    }


def _split(service: Ai) -> dict[str, int]:
    whole = sum(HYBRID_SPLIT.values())
    shares = HYBRID_SPLIT if service is Ai.HYBRID else {service.value: whole}
    return {name: shares.get(name, 0) * PER_CENT // whole for name in SERVICES}
