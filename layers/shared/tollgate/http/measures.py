"""The one line that a request leaves in the log: what happened, and in the same line its metrics, as CloudWatch reads them."""

from __future__ import annotations

import json
import sys
from datetime import datetime

from aws_lambda_powertools.metrics import MetricUnit

from tollgate.config import trace_id

SERVICE = "tollgate"

_line = json.JSONEncoder(separators=(",", ":")).encode


class Measures:
    """Metrics of the request that is being answered, until its line is written. A process answers one request at a time.

    The form is CloudWatch's embedded metric format: the log is read by people and queries, the metrics in it by CloudWatch.
    """

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._units: dict[str, str] = {}
        self._values: dict[str, list[float]] = {}

    def add_metric(self, name: str, unit: MetricUnit, value: float) -> None:
        """Measure something; a second value under a name goes beside the first."""
        self._units[name] = unit.value
        self._values.setdefault(name, []).append(value)

    def write(self, message: str, at: datetime, **facts: str | float | None) -> None:
        """Write the line, and forget its metrics. Facts that are None are left out; CloudWatch bills by the byte."""
        units, values = self._units, self._values
        self._units, self._values = {}, {}
        said = {name: value for name, value in facts.items() if value is not None}
        directive = {
            "Namespace": self._namespace,
            "Dimensions": [["service"]],
            "Metrics": [{"Name": name, "Unit": unit} for name, unit in units.items()],
        }
        traced = {"xray_trace_id": trace} if (trace := trace_id()) else {}
        whole = {
            "message": message,
            "service": SERVICE,
            **said,
            **traced,
            "_aws": {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [directive]},
            **values,
        }
        sys.stdout.write(_line(whole) + "\n")  # one write a line: Lambda takes each for an entry of the log
