"""Every midnight in India: move the counts of days and months that are over to the users' history."""

from tollgate.jobs import job
from tollgate.resets import reset

handler = job("reset_usage", reset)
