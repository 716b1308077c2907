"""What the bench says of its goals, and that the page says what the figures say."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench import __main__ as bench
from bench import page
from bench.goals import GOALS, Goal, Line, Steps, judged
from bench.pictures import Bar, bars
from local.settings import ROOT

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def figures() -> Steps:
    """Those that the page in docs was made from."""
    return page.read(DOCS / page.FOLDER)


def a_goal(ours: float, most: float, reason: str = "because") -> Goal:
    def lines(goal: Goal, _: Steps) -> Iterator[Line]:
        yield Line(goal, "calls", f"{ours:g}", "–", "–", f"≤ {most:g}", ours <= most)

    return Goal("G0", "Calls", lines, lambda _: reason)


def changed(steps: Steps, name: str, *path: Any, to: object) -> Steps:  # noqa: ANN401 -- keys of JSON
    """The figures with one of them replaced."""
    copied: Any = copy.deepcopy(steps)
    place = copied[name]["results"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return copied  # type: ignore[no-any-return]


def line(steps: Steps, goal: str, what: str) -> Line:
    return next(each for each in judged(steps) if each.goal.id == goal and what in each.what)


def test_there_is_a_goal_for_each_number_from_1_to_15() -> None:
    assert [each.id for each in GOALS] == [f"G{number}" for number in range(1, 16)]


def test_a_missed_goal_says_not_met_and_a_met_one_says_met() -> None:
    (missed,) = a_goal(3, 2).judged({})
    (met,) = a_goal(2, 2).judged({})
    assert (missed.verdict, met.verdict) == ("not met", "met")


def test_a_goal_whose_figures_are_missing_says_not_measured_and_keeps_its_row() -> None:
    lines = judged({})
    assert {each.goal.id for each in lines} == {each.id for each in GOALS}
    assert {each.verdict for each in lines} == {"not measured"}


def test_a_page_without_figures_has_every_row_and_claims_nothing() -> None:
    text = page.text({})
    assert all(f"| {goal.id} |" in text for goal in GOALS)
    assert "| met |" not in text


def test_every_line_is_judged_from_the_figures_that_were_recorded(figures: Steps) -> None:
    more = changed(figures, "calls", "parse, steady", "before", to=2)
    assert line(figures, "G1", "before the provider").met
    assert line(more, "G1", "before the provider").verdict == "not met"
    slow = changed(figures, "histories", "pace", to=79.0)
    assert line(slow, "G15", "real handlers").verdict == "not met"
    assert line(changed(figures, "histories", "pace", to=80.0), "G15", "real handlers").met
    dear = changed(figures, "cost", "status", "all", to=1.61)
    assert line(dear, "G13", "status").verdict == "not met"
    large = changed(figures, "items", "pro monthly", "jobs run", "resting", to=1025)
    assert line(large, "G14", "at rest").verdict == "not met"


def test_a_peer_that_was_not_measured_leaves_its_lines_not_measured_and_the_others_as_they_were(figures: Steps) -> None:
    without: Any = copy.deepcopy(figures)
    del without["pace"]["results"]["LiteLLM proxy"]
    before, after = ([each for each in judged(steps) if each.goal.id == "G3"] for steps in (figures, without))
    changes = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert {(new.peer, new.verdict) for _, new in changes} == {("LiteLLM proxy: –", "not measured")}
    assert {old.peer.partition(":")[0] for old, _ in changes} == {"LiteLLM proxy"}


def test_each_missed_goal_has_its_reason_on_the_page(figures: Steps) -> None:
    text = page.text(figures)
    missed = {each.goal.id for each in judged(figures) if each.met is False}
    told = set(re.findall(r"^- \*\*(G\d+), ", text, re.MULTILINE))
    assert told == missed
    for goal in GOALS:
        if goal.id in missed:
            assert len(goal.reason(figures)) > 60, goal.id


def test_the_page_says_what_its_figures_say(figures: Steps) -> None:
    assert (DOCS / page.PAGE).read_text(encoding="utf-8") == page.text(figures), "run `python -m bench page`"


def test_the_pictures_show_what_its_figures_say(figures: Steps) -> None:
    drawn = page.pictures(figures)
    assert drawn
    assert {name: (DOCS / page.FOLDER / name).read_text(encoding="utf-8") for name in drawn} == drawn


def test_a_page_can_be_written_and_read_again(figures: Steps, tmp_path: Path) -> None:
    written = page.write(figures, tmp_path)
    assert written.read_text(encoding="utf-8") == page.text(page.read(tmp_path / page.FOLDER))


def test_the_page_says_of_each_peer_what_it_does_not_do(figures: Steps) -> None:
    told = page.text(figures).partition("what they do not do")[2].partition("\n## ")[0]
    for peer in ("Original design", "Bare Powertools", "FastAPI + Mangum", "LiteLLM", "floor", "Not measured here"):
        assert peer in told


def test_a_run_of_everything_goes_through_every_step_whose_figures_a_goal_needs() -> None:
    source = (ROOT / "bench" / "goals.py").read_text(encoding="utf-8")
    assert set(re.findall(r'_results\(steps, "(\w+)"\)', source)) <= set(bench.STEPS)


def test_a_picture_is_a_picture_whatever_its_names_are() -> None:
    drawn = bars('A < B & "C"', "note", " ms", [Bar("ours", 1.0, ours=True), Bar("theirs <1>", 2.0)], 1.5)
    root = ET.fromstring(drawn)  # noqa: S314 -- our own
    texts = [each.text for each in root.iter() if each.tag.endswith("text")]
    assert "theirs <1>" in texts
    assert "goal 1.5 ms" in texts
    ours, theirs = [float(each.attrib["width"]) for each in root.iter() if each.attrib.get("rx")]
    assert theirs == pytest.approx(2 * ours, rel=0.01)
