"""Stream of the notices table: send each notice as a mail, once, apart from whatever caused it."""

from datetime import datetime

from tollgate import app
from tollgate.config import settings
from tollgate.errors import ProviderUnavailable
from tollgate.letters import Mail, Sender
from tollgate.mails import UnwritableError, render
from tollgate.notices import Notice, is_outdated, is_wanted
from tollgate.post import AddressRefusedError
from tollgate.store import notices, payments, users
from tollgate.store.notices import Claim, Outcome
from tollgate.streams import Change, measure, stream
from tollgate.users import User


def send(change: Change, now: datetime) -> str:
    claim = notices.claim(str(change.key["id"]), now)
    if claim is None:
        return "done before"
    try:
        return _send(claim, now)
    except ProviderUnavailable:
        notices.let_go(claim)  # at once, so that the next try need not wait for the lease
        raise


def _send(claim: Claim, now: datetime) -> Outcome:
    notice = claim.notice
    user = users.get(notice.user_id)
    if user and not is_wanted(notice.kind, user.notifications):
        return _end(claim, Outcome.UNWANTED, now)
    if is_outdated(notice, user, now):
        return _end(claim, Outcome.OUTDATED, now)
    address = _address(notice, user)
    if address is None:
        return _end(claim, Outcome.NO_ADDRESS, now)
    try:
        message = app.post().send(_mail(notice), address, notice.kind)
    except AddressRefusedError as refused:
        return _end(claim, Outcome.FAILED, now, reason=str(refused))
    except UnwritableError:
        _end(claim, Outcome.FAILED, now, reason="unwritable")
        raise  # so that it is counted and alarms; told again, it holds nobody up
    return _end(claim, Outcome.SENT, now, messageId=message)


def _mail(notice: Notice) -> Mail:
    return render(notice, Sender(address=settings().mail.sender, app_url=settings().mail.app_url))


def _end(claim: Claim, outcome: Outcome, now: datetime, **told: str) -> Outcome:
    notices.end(claim, outcome, now, **told)
    if outcome is Outcome.FAILED:
        measure("send_notices", MailsFailed=1)
    return outcome


def _address(notice: Notice, user: User | None) -> str | None:
    """The user's newest address; of somebody who never bought anything, the one that the order was made with."""
    if user and user.email:
        return user.email
    order = payments.order(str(notice.facts["orderId"])) if "orderId" in notice.facts else None
    return order.email if order else None


handler = stream("send_notices", send)
