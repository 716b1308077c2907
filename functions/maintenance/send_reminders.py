"""Every morning at 9 in India: queue the reminders of plans that end in 7, 3 or 1 days."""

from tollgate.jobs import job
from tollgate.reminders import remind

handler = job("send_reminders", remind)
