"""Every 15 minutes: look up unpaid orders at Razorpay and settle what was paid."""

from tollgate.jobs import job
from tollgate.payments.reconcile import reconcile

handler = job("reconcile_payments", reconcile)
