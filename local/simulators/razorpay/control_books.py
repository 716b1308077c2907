"""What goes wrong in Razorpay's own books, on request: settled lines that are wrong, twice or nobody's, lost payments."""

from local.simulators.razorpay.account import Account
from local.simulators.razorpay.command import Command, Entry
from local.simulators.razorpay.wire import Json, Refusal, new_id, seconds

BOOKED = {"amount", "debit", "credit", "fee", "tax"}


def change_line(command: Command) -> Json:
    """Make the settled line of a payment or refund say something else."""
    unknown = sorted(set(command.body) - BOOKED)
    if unknown:
        raise Refusal(f"only {', '.join(sorted(BOOKED))} can be changed")
    line = _line(command.engine.account, command.path["id"])
    line.update(command.body)
    return line


def settle_again(command: Command) -> Json:
    """Settle a payment or refund once more, in a settlement of its own."""
    account = command.engine.account
    line = _line(account, command.path["id"])
    again = line | {"settlement_id": new_id("setl"), "settled_at": seconds(command.engine.now())}
    account.recon.append(again)
    return again


def add_lines(command: Command) -> list[Json]:
    """As many lines of which nobody knows, under `times`."""
    return [add_line(command) for _ in range(int(command.body.get("times", 1)))]


def add_line(command: Command) -> Json:
    """Settle something that nobody knows: an adjustment, or a payment of another business."""
    account, now = command.engine.account, seconds(command.engine.now())
    kind = str(command.body.get("type", "adjustment"))
    amount = int(command.body.get("amount", 1_000))
    line: Json = {
        "entity_id": command.body.get("entity_id") or new_id("pay" if kind == "payment" else "adj"),
        "type": kind,
        "debit": 0,
        "credit": amount,
        "amount": amount,
        "currency": "INR",
        "fee": 0,
        "tax": 0,
        "on_hold": False,
        "settled": True,
        "created_at": now,
        "settled_at": now,
        "settlement_id": new_id("setl"),
        "posted_at": None,
        "credit_type": "default",
        "notes": "{}",
        "payment_id": command.body.get("payment_id"),
        "dispute_id": command.body.get("dispute_id"),
    }
    account.recon.append(line)
    return line


def lose_payment(command: Command) -> Json:
    """Forget a payment, as if it had been made with another key."""
    lost: Json = command.engine.account.payments.pop(command.path["id"], {})
    return lost


def lose_refund(command: Command) -> Json:
    """Forget a refund, and that its payment had any."""
    account = command.engine.account
    lost: Json = account.refunds.pop(command.path["id"], {})
    if lost:
        account.payments[lost["payment_id"]].update(status="captured", amount_refunded=0, refund_status=None)
    return lost


def change_refund(command: Command) -> Json:
    """Make a refund say something else."""
    made = command.engine.account.refunds[command.path["id"]]
    made.update({name: value for name, value in command.body.items() if name in {"amount", "status"}})
    return made


def _line(account: Account, name: str) -> Json:
    found = next((line for line in account.recon if line["entity_id"] == name), None)
    if found is None:
        raise Refusal("The id provided does not exist")
    return found


TABLE: list[Entry] = [
    ("POST", "/settlements/lines", add_line),
    ("PUT", "/settlements/lines", add_lines),
    ("PATCH", "/settlements/lines/{id}", change_line),
    ("POST", "/settlements/lines/{id}/again", settle_again),
    ("DELETE", "/payments/{id}", lose_payment),
    ("DELETE", "/refunds/{id}", lose_refund),
    ("PATCH", "/refunds/{id}", change_refund),
]
