"""Every hour: write down which subscriptions have begun and which are over."""

from tollgate.expiry import expire
from tollgate.jobs import job

handler = job("expire_subscriptions", expire)
