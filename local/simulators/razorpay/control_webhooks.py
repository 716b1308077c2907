"""What may happen to webhooks on their way, and what can be set in the Dashboard, on request."""

import random

from local.simulators.razorpay.command import Command, Entry
from local.simulators.razorpay.webhooks import Delivery, Endpoint
from local.simulators.razorpay.wire import Json, Refusal


def deliveries(command: Command) -> list[Json]:
    """All deliveries; with `naming`, ids with commas between, only those whose body has one of them."""
    names = [name.encode() for name in str(command.body.get("naming", "")).split(",")]
    made = command.engine.account.post.deliveries
    return [delivery.public() for delivery in made if any(name in delivery.body for name in names)]


def hold(command: Command) -> Json:
    """From now on nothing goes out, retries included, until it is released."""
    command.engine.account.post.hold = True
    return switches(command)


def release(command: Command) -> list[Json]:
    """Let what is held go: in its order, reversed, shuffled, or just the named event ids in the order named."""
    post = command.engine.account.post
    held = post.held()
    match command.body.get("order", "kept"):
        case "reversed":
            held.reverse()
        case "shuffled":
            random.Random(command.body.get("seed")).shuffle(held)  # noqa: S311 -- a shuffle, not a secret
        case "kept":
            pass
        case other:
            raise Refusal(f"order must be kept, reversed or shuffled, not {other}", field="order")
    if "event_ids" in command.body:
        place = {event_id: index for index, event_id in enumerate(command.body["event_ids"])}
        held = sorted((one for one in held if one.event_id in place), key=lambda one: place[one.event_id])
    post.release(held)
    return [delivery.public() for delivery in held]


def duplicate(command: Command) -> Json:
    """Send one event again, or with `copies` every further event that many times at once."""
    post = command.engine.account.post
    if "copies" in command.body:
        post.copies = int(command.body["copies"])
    else:
        for delivery in _named(command):
            post.duplicate(delivery)
    return switches(command)


def reorder(command: Command) -> Json:
    """Deliver the events of each act in reverse, or with `reversed: false` in their order again."""
    command.engine.account.post.reverse = bool(command.body.get("reversed", True))
    return switches(command)


def replay(command: Command) -> list[Json]:
    """The Dashboard's replay of what was never acknowledged within seven days, with the present secret."""
    post = command.engine.account.post
    chosen = _named(command) if command.body else post.deliveries
    again = [delivery for delivery in chosen if post.replayable(delivery)]
    for delivery in again:
        post.replay(delivery)
    return [delivery.public() for delivery in again]


def disable(command: Command) -> list[Json]:
    engine = command.engine
    for endpoint in _endpoints(command):
        engine.account.post.disable(endpoint, engine.now())
    return [endpoint.public() for endpoint in engine.account.post.endpoints]


def enable(command: Command) -> list[Json]:
    post = command.engine.account.post
    for endpoint in _endpoints(command):
        post.enable(endpoint)
    return [endpoint.public() for endpoint in post.endpoints]


def secret(command: Command) -> Json:
    """A new webhook secret; what was signed before keeps its signature."""
    for endpoint in _endpoints(command):
        endpoint.secret = str(command.body["secret"])
    return {"secret": command.body["secret"]}


def _endpoints(command: Command) -> list[Endpoint]:
    """The endpoint of this url, or all."""
    url = command.body.get("url")
    return [one for one in command.engine.account.post.endpoints if url in (None, one.url)]


def _named(command: Command) -> list[Delivery]:
    """The deliveries of one event id, or of the latest event of one name."""
    everything = command.engine.account.post.deliveries
    named = [one for one in everything if one.event_id == command.body.get("event_id")]
    if not named:
        named = [one for one in everything if one.event == command.body.get("event")][-1:]
    if not named:
        raise Refusal("there is no such event", status=404)
    return named


def switches(command: Command) -> Json:
    post = command.engine.account.post
    return {"hold": post.hold, "reversed": post.reverse, "copies": post.copies, "held": len(post.held())}


TABLE: list[Entry] = [
    ("GET", "/webhooks/deliveries", deliveries),
    ("POST", "/webhooks/hold", hold),
    ("POST", "/webhooks/release", release),
    ("POST", "/webhooks/duplicate", duplicate),
    ("POST", "/webhooks/reorder", reorder),
    ("POST", "/webhooks/replay", replay),
    ("POST", "/webhooks/disable", disable),
    ("POST", "/webhooks/enable", enable),
    ("POST", "/webhooks/secret", secret),
]
