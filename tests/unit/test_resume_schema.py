"""The JSON Resume shape: strict for providers, forgiving for people, and honest about what was made up."""

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.samples import make
from tollgate.ai.schema import gemini_schema, openai_schema
from tollgate.resumes.dates import partial_date
from tollgate.resumes.grounding import ground
from tollgate.resumes.rendering import as_text
from tollgate.resumes.schema import Resume, ResumeInput, ResumeOrText

ANY: TypeAdapter[Resume | str] = TypeAdapter(ResumeOrText)
ONE: TypeAdapter[Resume] = TypeAdapter(ResumeInput)


def resume(**parts: Any) -> Resume:  # noqa: ANN401 -- JSON, as people send it
    return ONE.validate_python({"basics": {"name": "Asha Rao"}, **parts})


def depth(node: Any) -> int:  # noqa: ANN401 -- JSON
    if not isinstance(node, dict):
        return 0
    inside = [*node.get("properties", {}).values(), node.get("items")]
    plain = "string" in str(node.get("type")).lower()
    return (not plain) + max((depth(part) for part in inside), default=0)


# For providers


def test_both_providers_understand_the_schema() -> None:
    for schema in (openai_schema(Resume), gemini_schema(Resume)):
        assert set(json.loads(json.dumps(schema))["properties"]) >= {"basics", "work", "education", "skills"}
        assert depth(schema) <= 4


def test_every_field_is_required_and_none_has_a_default() -> None:
    whole = Resume.model_json_schema()
    models = [whole, *(part for part in whole["$defs"].values() if "properties" in part)]
    for model in models:
        assert set(model["required"]) == set(model["properties"])
        assert not [field for field in model["properties"].values() if "default" in field]


def test_an_answer_with_a_field_missing_is_invalid() -> None:
    answer = json.loads(resume().model_dump_json())
    del answer["work"]
    with pytest.raises(ValidationError):
        Resume.model_validate_json(json.dumps(answer))


def test_an_answer_reads_back_as_it_was_written() -> None:
    full = resume(work=[{"name": "Neelgiri", "startDate": "2024-01", "highlights": ["Built x"]}], skills=["Java"])
    assert Resume.model_validate_json(full.model_dump_json()) == full


def test_a_long_text_is_cut_at_a_word_and_not_refused() -> None:
    cut = resume(work=[{"summary": "word " * 2000}]).work[0].summary
    assert cut is not None
    assert len(cut) <= 3000
    assert cut.endswith("word")


def test_a_list_without_end_is_cut() -> None:
    assert len(resume(work=[{"name": "x"}] * 500).work) == 40
    assert len(resume(skills=[{"name": "x", "keywords": ["y"] * 500}]).skills[0].keywords) == 60


@pytest.mark.parametrize("nothing", ["", "  ", "N/A", "null", "None", "-", "not provided"])
def test_words_for_nothing_are_null(nothing: str) -> None:
    assert resume(basics={"name": "A", "phone": nothing}).basics.phone is None


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "two words", "x" * 400]
)
def test_a_link_that_is_no_web_address_is_dropped(url: str) -> None:
    assert resume(basics={"name": "A", "url": url}).basics.url is None


@pytest.mark.parametrize("url", ["https://example.com/a?b=c", "linkedin.com/in/asha", "example.com:8080/x"])
def test_a_web_address_stays(url: str) -> None:
    assert resume(basics={"name": "A", "url": url}).basics.url == url


@pytest.mark.parametrize("wrong", [{"work": "x" * 10, "basics": 5}, {"basics": {"name": ["x"]}}, {"skills": [[1]]}])
def test_a_value_of_the_wrong_kind_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        ONE.validate_python(wrong)


# What people send


def test_older_names_are_understood() -> None:
    read = resume(
        basics={"name": "Asha", "website": "https://example.com"},
        work=[{"company": "Neelgiri", "website": "https://example.org", "title": "Engineer"}],
        education=[{"institution": "VIT", "gpa": 8.7}],
        certifications=[{"title": "AWS"}],
    )
    assert read.basics.url == "https://example.com"
    assert (read.work[0].name, read.work[0].position) == ("Neelgiri", "Engineer")
    assert read.education[0].score == "8.7"
    assert read.certificates[0].name == "AWS"


def test_single_words_stand_for_entries() -> None:
    read = resume(skills=["Java", {"name": "Data", "keywords": "SQL"}], languages=["Hindi"], interests="Chess")
    assert [skill.name for skill in read.skills] == ["Java", "Data"]
    assert read.skills[1].keywords == ["SQL"]
    assert read.languages[0].language == "Hindi"
    assert read.interests[0].name == "Chess"


def test_highlights_as_lines_of_text_become_a_list() -> None:
    assert resume(work=[{"name": "X", "highlights": "- Built a\n- Led b"}]).work[0].highlights == ["Built a", "Led b"]


def test_unknown_fields_are_ignored() -> None:
    assert resume(meta={"version": "1"}, basics={"name": "A", "image": "x.png"}).basics.name == "A"


def test_a_resume_may_be_text() -> None:
    assert ANY.validate_python("  Asha Rao\nEngineer ") == "Asha Rao\nEngineer"


@pytest.mark.parametrize("empty", ["", "   ", {}, {"basics": {}}, {"work": []}, {"foo": 1}])
def test_an_empty_resume_is_refused(empty: object) -> None:
    with pytest.raises(ValidationError, match="the resume is empty"):
        ANY.validate_python(empty)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2022", "2022"),
        ("2022-01", "2022-01"),
        ("2022-1-5", "2022-01-05"),
        ("2022-01-05T00:00:00Z", "2022-01-05"),
        ("Jan 2020", "2020-01"),
        ("January, 2020", "2020-01"),
        ("Sept. 2021", "2021-09"),
        ("Jan'20", "2020-01"),
        ("15th August 2019", "2019-08-15"),
        ("01/2020", "2020-01"),
        ("25/12/2019", "2019-12-25"),
        ("12/25/2019", "2019-12-25"),
        ("03/04/2020", "2020"),  # the third of April or the fourth of March
        ("05/05/2020", "2020-05-05"),
        ("Summer 2019", "2019"),
        ("present", None),
        ("Till date", None),
        ("soon", None),
        ("9999", None),
    ],
)
def test_dates_are_read_as_far_as_they_are_certain(written: str, meant: str | None) -> None:
    assert partial_date(written) == meant


# As text


def test_a_structured_resume_reads_like_one() -> None:
    text = as_text(
        resume(
            work=[
                {"name": "Neelgiri", "position": "Engineer", "startDate": "2021-04", "highlights": ["Cut costs by 12%"]}
            ],
            education=[{"institution": "VIT", "studyType": "B.Tech", "score": "8.7 CGPA", "endDate": "2020"}],
            skills=[{"name": "Languages", "keywords": ["Java", "SQL"]}],
        )
    )
    assert text.splitlines()[0] == "Asha Rao"
    assert "EXPERIENCE\nEngineer, Neelgiri, 2021-04 to present\n- Cut costs by 12%" in text
    assert "B.Tech, VIT, 2020, 8.7 CGPA" in text
    assert "Languages: Java, SQL" in text


def test_text_of_a_resume_holds_no_hidden_characters() -> None:
    assert as_text(resume(basics={"name": "Asha\u200b Rao\u202e"})) == "Asha Rao"


# Grounding

SOURCE = make.text("vikram_nair_java")


def grounded(**parts: Any) -> tuple[Resume, tuple[str, ...]]:  # noqa: ANN401 -- JSON
    return ground(resume(**{"basics": {"name": "Vikram Nair"}, **parts}), SOURCE)


def test_what_stands_in_the_source_gives_no_warning() -> None:
    read, warnings = grounded(
        basics={
            "name": "Vikram Nair",
            "email": "Vikram.Nair@example.com",
            "phone": "+91 99001 12233",
            "profiles": [{"network": "LinkedIn", "url": "https://www.linkedin.com/in/vikram-nair-example/"}],
        },
        work=[
            {
                "name": "Sagar Payments Pvt. Ltd.",
                "position": "Lead Software Engineer",
                "startDate": "2021-04",
                "highlights": ["Cut latency from 900 ms to 140 ms", "Saved ₹18 lakh"],
            }
        ],
    )
    assert warnings == ()
    assert read.basics.email == "Vikram.Nair@example.com"


def test_invented_contact_data_is_taken_out_and_named() -> None:
    read, warnings = grounded(
        basics={
            "name": "Vikram Nair",
            "email": "vikram@evil.example",
            "phone": "+91 11111 22222",
            "url": "https://evil.example",
            "profiles": [{"network": "X", "url": "https://evil.example/v"}],
        }
    )
    basics = read.basics
    assert (basics.email, basics.phone, basics.url, basics.profiles) == (None, None, None, [])
    assert warnings == (
        "not_in_source: basics.email: vikram@evil.example",
        "not_in_source: basics.phone: +91 11111 22222",
        "not_in_source: basics.url: https://evil.example",
        "not_in_source: basics.profiles[0]: https://evil.example/v",
    )


def test_invented_facts_are_kept_and_named_for_a_person_to_decide() -> None:
    read, warnings = grounded(
        work=[
            {
                "name": "Imaginary Corp",
                "position": "Astronaut",
                "startDate": "1999",
                "highlights": ["Saved 77% of costs"],
            }
        ],
        education=[{"institution": "Harbour University", "score": "9.9"}],
        skills=[{"name": "Languages", "keywords": ["Java 17", "COBOL"]}],
        certificates=[{"name": "Deep Sea Diver"}],
    )
    assert read.work[0].name == "Imaginary Corp"
    assert set(warnings) == {
        "not_in_source: work[0].name: Imaginary Corp",
        "not_in_source: work[0].position: Astronaut",
        "not_in_source: work[0].startDate: 1999",
        "not_in_source: work[0].highlights[0]: 77",
        "not_in_source: education[0].institution: Harbour University",
        "not_in_source: education[0].score: 9.9",
        "not_in_source: skills[0].keywords: COBOL",
        "not_in_source: certificates[0].name: Deep Sea Diver",
    }


def test_the_same_number_in_another_notation_is_not_invented() -> None:
    source = "Grew revenue to 1,20,000 and the score to 8.70"
    _, warnings = ground(
        resume(basics={"name": "Grew"}, work=[{"highlights": ["Grew revenue to 120000", "Score 8.7"]}]), source
    )
    assert [warning for warning in warnings if "highlights" in warning] == []
