"""What the tasks ask of models: schemas that both providers take, and what is cut or refused of an answer."""

import json

import pydantic
import pytest

from ai import ats_scan, categorize_skills, cover_letter, enhance_content, generate_summary, job_match, parse_resume
from tollgate.ai import mix
from tollgate.ai.metered import Task
from tollgate.ai.schema import Schema, gemini_schema, openai_schema
from tollgate.metering import Action

TASKS: list[Task] = [
    each.TASK
    for each in (
        parse_resume,
        enhance_content,
        generate_summary,
        categorize_skills,
        job_match,
        cover_letter,
        ats_scan,
    )
]
every_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: str(task.action))
DEEPEST = 10  # levels of objects and lists; strict schemas may have no more


def nodes(node: Schema) -> list[Schema]:
    """The node and all below it."""
    found = [node]
    properties, items = node.get("properties", {}), node.get("items")
    assert isinstance(properties, dict)
    for each in [*properties.values(), *([items] if isinstance(items, dict) else [])]:
        found += nodes(each)
    return found


def depth(node: Schema) -> int:
    """How many levels of objects and lists stand in each other."""
    inner = [depth(each) for each in nodes(node) if each is not node]
    return 1 + max(inner, default=0)


def test_every_action_has_its_task() -> None:
    assert {task.action for task in TASKS} == set(Action)


def test_the_better_model_goes_first_to_what_people_read_most() -> None:
    affinity = {task.action: task.affinity for task in TASKS}
    assert {action for action, value in affinity.items() if value == mix.ALWAYS} == {
        Action.COVER_LETTER,
        Action.GENERATE_SUMMARY,
    }
    assert {action for action, value in affinity.items() if value == mix.PACED} == {
        Action.JOB_MATCH,
        Action.ENHANCE_CONTENT,
    }


@every_task
def test_openai_takes_the_schema(task: Task) -> None:
    for node in nodes(openai_schema(task.answer)):
        assert set(node) <= {"type", "description", "enum", "items", "properties", "required", "additionalProperties"}
        if node["type"] == "object":
            assert node["additionalProperties"] is False
            assert isinstance(node["properties"], dict)
            assert node["required"] == list(node["properties"])
    assert depth(openai_schema(task.answer)) <= DEEPEST


@every_task
def test_gemini_takes_the_schema(task: Task) -> None:
    for node in nodes(gemini_schema(task.answer)):
        assert set(node) <= {"type", "description", "enum", "nullable", "items", "properties", "required"}


@every_task
def test_an_answer_with_a_field_missing_is_none(task: Task) -> None:
    with pytest.raises(pydantic.ValidationError):
        task.answer.model_validate_json("{}")


@pytest.mark.parametrize(
    ("task", "field", "item", "most"),
    [
        (enhance_content.TASK, "edits", {"line": 1, "text": "x", "why": "y"}, 30),
        (generate_summary.TASK, "summaries", "A summary.", 3),
        (categorize_skills.TASK, "categories", {"name": "x", "skills": ["y"]}, 30),
        (job_match.TASK, "suggestions", {"number": 1, "text": "x"}, 24),
        (ats_scan.TASK, "advice", "Do it.", 8),
    ],
)
def test_a_list_that_never_ends_is_cut(task: Task, field: str, item: object, most: int) -> None:
    answer = task.answer.model_validate_json(json.dumps({field: [item] * 5_000}))
    assert len(getattr(answer, field)) <= most


def test_what_is_said_of_scores_is_not_even_a_field() -> None:
    for task in (job_match.TASK, ats_scan.TASK):
        assert not set(task.answer.model_fields) & {"score", "rules", "matched", "missing", "points"}
