"""A local Razorpay: its API, its webhooks and its checkout, without an account or a network."""

from local.simulators.razorpay.app import create
from local.simulators.razorpay.settings import Settings

__all__ = ["Settings", "create"]
