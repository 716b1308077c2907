"""The alarms and the dashboard of template.yaml, read as the metrics they look at."""

import json
import re
from collections.abc import Iterator

from tests.bundle.document import Json, resources

ALARMS = resources("AWS::CloudWatch::Alarm")
STAGED = "Tollgate/${Stage}"  # the namespace of what our own code measures

type Metric = tuple[str, str, frozenset[tuple[str, str]]]  # namespace, name, dimensions


def metrics_of(alarm: Json) -> list[Metric]:
    """What an alarm looks at, directly or in its expression."""
    if "Metrics" not in alarm:
        return [_metric(alarm)]
    return [_metric(each["MetricStat"]["Metric"]) for each in alarm["Metrics"] if "MetricStat" in each]


def period_of(alarm: Json) -> int:
    """Seconds that one point of the alarm stands for."""
    if "Period" in alarm:
        return int(alarm["Period"])
    (period,) = {each["MetricStat"]["Period"] for each in alarm["Metrics"] if "MetricStat" in each}
    return int(period)


def _metric(told: Json) -> Metric:
    dimensions = frozenset((each["Name"], _plain(each["Value"])) for each in told["Dimensions"])
    return _plain(told["Namespace"]), told["MetricName"], dimensions


def _plain(value: str | Json) -> str:
    """`${X}` for a reference, whichever way it is written."""
    if isinstance(value, str):
        return value
    kind, target = next(iter(value.items()))
    return str(target) if kind == "Sub" else f"${{{target}}}"


def dashboard() -> list[Json]:
    """The widgets."""
    (board,) = resources("AWS::CloudWatch::Dashboard").values()
    widgets: list[Json] = json.loads(board["DashboardBody"]["Sub"])["widgets"]
    return widgets


def on_dashboard() -> Iterator[Metric]:
    """What the dashboard shows."""
    for widget in dashboard():
        for namespace, name, *rest in widget["properties"]["metrics"]:
            names = [each for each in rest if isinstance(each, str)]  # what else there is says how it is drawn
            yield namespace, name, frozenset(zip(names[::2], names[1::2], strict=True))


def sections(text: str) -> dict[str, str]:
    """The runbook's sections by the alarm they are about; a heading may name several."""
    found: dict[str, str] = {}
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        found |= dict.fromkeys(heading.split(", "), body)
    return found
