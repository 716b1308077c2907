"""What parse-resume takes from a model: a resume with gaps is one, anything else is not."""

import pytest
from pydantic import ValidationError

from ai.parse_resume import ParsedResume
from tollgate.ai.schema import gemini_schema, openai_schema
from tollgate.resumes.schema import Resume


def test_what_the_model_leaves_out_was_not_found() -> None:
    parsed = ParsedResume.model_validate_json('{"basics": {"name": "Asha Rao"}, "skills": [{"name": "Python"}]}')
    assert (parsed.basics.name, parsed.basics.email, parsed.work) == ("Asha Rao", None, [])
    assert parsed.skills[0].keywords == []


def test_the_names_of_older_resumes_are_understood() -> None:
    parsed = ParsedResume.model_validate_json('{"basics": {"name": "Asha"}, "work": [{"company": "Example Labs"}]}')
    assert parsed.work[0].name == "Example Labs"


@pytest.mark.parametrize("answer", ["{}", '{"foo": 1}', "[]", '"a resume"', '{"basics": 7}', '{"work": []}'])
def test_an_answer_that_is_no_resume_is_invalid(answer: str) -> None:
    with pytest.raises(ValidationError):
        ParsedResume.model_validate_json(answer)


def test_providers_are_asked_for_the_whole_shape() -> None:
    assert openai_schema(ParsedResume)["properties"] == openai_schema(Resume)["properties"]
    assert gemini_schema(ParsedResume)["properties"] == gemini_schema(Resume)["properties"]
