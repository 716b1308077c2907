"""What is private stays here: canaries looked for in everything that the simulated providers were sent."""

import base64
import io
import json
from typing import Any

import docx
import pytest

from tests.functions.harness import World
from tests.functions.problems import problem
from tests.samples import make

BIODATA = """Zara Canaria
Junior Engineer
Flat No. 302, Kanarivilla Residency, 14 Finch Road, Pune 411001 | zara.canaria@example.com | +91 98450 77123
D.O.B.: 14/07/1994, Gender: Female, Marital Status: Divorcée
Father's Name  Bird Canaria
Religion: Jainfinch
Category: OBC
Aadhaar No: 2345 6789 0123
PAN: ABCPE1234F
Passport No. N1234567
Permanent Address:
7/11 Budgie Lane, Parrot Nagar
Near Cockatoo Temple, Patna, Bihar 800001
Photo
Experience
Site Engineer, Patliputra Road Works Ltd  08/2017 - 12/2020
- Supervised 22 km of highway
- Checked bills of 14 contractors with Aadhaar 3456 7890 1234
Skills
AutoCAD, Surveying
"""
PRIVATE = (
    "14/07/1994",
    "Female",
    "Divorc",
    "Bird Canaria",
    "Jainfinch",
    "OBC",
    "2345 6789 0123",
    "3456 7890 1234",
    "ABCPE1234F",
    "N1234567",
    "Kanarivilla",
    "No. 302",
    "Finch Road",
    "411001",
    "Budgie",
    "Parrot Nagar",
    "Cockatoo",
    "800001",
)
CONTACT = ("zara.canaria@example.com", "98450 77123")
KEPT = ("Patliputra Road Works Ltd", "22 km", "AutoCAD")
JOB = make.job("graduate_engineer")
TASKS: dict[str, dict[str, Any]] = {
    "enhance-content": {"section": "Experience", "content": BIODATA},
    "generate-summary": {"resume": BIODATA},
    "categorize-skills": {"resume": BIODATA},
    "job-match": {"resume": BIODATA, "jobDescription": JOB},
    "cover-letter": {"resume": BIODATA, "jobDescription": JOB},
    "ats-scan": {"text": BIODATA, "jobDescription": JOB},
}


def sent(world: World) -> str:
    """Every byte of what both providers were asked."""
    asked = [each.get("/_sim/requests").json()["requests"] for each in (world.openai, world.gemini)]
    return "\n".join(json.dumps(request, ensure_ascii=False) for requests in asked for request in requests)


@pytest.fixture
def premium(world: World) -> World:
    world.buy("premium", "monthly")
    return world


@pytest.mark.parametrize("script", ["ok", "500"])
@pytest.mark.parametrize("task", TASKS)
def test_no_task_sends_private_data_or_contact_to_any_provider(premium: World, task: str, script: str) -> None:
    premium.fail(script, at="gpt4o")
    reply = premium.post(f"/api/ai/{task}", TASKS[task])
    assert reply.status == 200, reply.body
    asked = sent(premium)
    assert [each for each in (*PRIVATE, *CONTACT) if each in asked] == []
    assert all(each in asked for each in KEPT)
    assert "Pune" in asked or task == "enhance-content"  # which shows whole lines or none


def test_reading_a_resume_sends_contact_and_nothing_private_and_says_what_was_left_out(premium: World) -> None:
    for body in ({"text": BIODATA}, as_file()):
        reply = premium.post("/api/ai/parse-resume", body)
        assert reply.status == 200, reply.body
        asked = sent(premium)
        assert [each for each in PRIVATE if each in asked] == []
        assert all(each in asked for each in (*CONTACT, *KEPT, "Patna, Bihar"))
        (warning,) = (each for each in reply.json["warnings"] if each.startswith("private_data_removed"))
        assert warning == (
            "private_data_removed: address, date of birth, family, gender, identity number, marital status, photograph,"
            " religion or caste"
        )
        assert not [each for each in PRIVATE if each in json.dumps(reply.json, ensure_ascii=False)]


def as_file() -> dict[str, str]:
    return {"file": base64.b64encode(_docx()).decode(), "contentType": "docx"}


def _docx() -> bytes:
    document = docx.Document()
    for line in BIODATA.splitlines():
        document.add_paragraph(line)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def test_a_resume_without_private_data_has_no_such_warning(premium: World) -> None:
    reply = premium.post("/api/ai/parse-resume", {"text": make.text("vikram_nair_java")})
    assert not [each for each in reply.json["warnings"] if "private" in each]


def test_a_line_that_the_model_does_not_see_stays_as_it_is(premium: World) -> None:
    content = "Date of Birth: 14/07/1994\n- Responsible for billing of 40 shops\nzara.canaria@example.com"
    reply = premium.post("/api/ai/enhance-content", {"section": "Profile", "content": content})
    assert reply.json["content"] == content.replace("Responsible for", "Led")
    assert "1994" not in sent(premium)


@pytest.mark.parametrize(("path", "name"), [("ats-scan", "text"), ("job-match", "resume")])
def test_a_finding_that_quotes_a_line_quotes_nothing_personal(premium: World, path: str, name: str) -> None:
    resume = (
        "Zara Canaria\nEngineer\nEXPERIENCE\n- Answered letters to zara.canaria@example.com about PAN ABCPE1234F\n"
        "SKILLS\nJava | zara.canaria@example.com | DOB: 14/07/1994"
    )
    reply = premium.post(f"/api/ai/{path}", {name: resume, "jobDescription": "Engineer\nRequired:\n- Java\n- Kotlin"})
    assert reply.status == 200, reply.body
    assert "zara.canaria@example.com" in json.dumps(reply.json)  # the user's own line, told to the user
    asked = sent(premium)
    assert not [each for each in ("zara.canaria", "ABCPE1234F", "1994") if each in asked]
    assert "FINDINGS" in asked


def test_a_json_resume_brings_no_private_data_along(premium: World) -> None:
    resume = {
        "basics": {
            "name": "Zara Canaria",
            "image": "https://photos.example/zara.jpg",
            "birthDate": "1994-07-14",
            "summary": "Engineer. Born on 14 July 1994.",
            "location": {"address": "7/11 Budgie Lane", "postalCode": "800001", "city": "Patna"},
        },
        "skills": [{"name": "AutoCAD"}],
        "meta": {"passport": "N1234567"},
    }
    reply = premium.post("/api/ai/generate-summary", {"resume": resume})
    assert reply.status == 200, reply.body
    asked = sent(premium)
    assert not [each for each in ("photos.example", "1994", "Budgie", "800001", "N1234567") if each in asked]
    assert "Patna" in asked


def test_skills_that_are_none_of_a_models_business_go_under_other(premium: World) -> None:
    skills = ["Python", "PAN: ABCPE1234F", "zara.canaria@example.com"]
    reply = premium.post("/api/ai/categorize-skills", {"skills": skills})
    grouped = {skill: group["name"] for group in reply.json["categories"] for skill in group["skills"]}
    assert set(grouped) == set(skills)
    assert grouped["PAN: ABCPE1234F"] == "Other"
    assert "ABCPE1234F" not in sent(premium)
    assert "zara.canaria" not in sent(premium)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("generate-summary", {"resume": "Date of Birth: 14/07/1994\nPAN: ABCPE1234F"}),
        ("enhance-content", {"section": "x", "content": "zara.canaria@example.com\n+91 98450 77123"}),
        ("categorize-skills", {"skills": ["PAN: ABCPE1234F"]}),
        ("parse-resume", {"text": "Date of Birth: 14/07/1994"}),
    ],
)
def test_a_text_of_nothing_but_personal_details_is_refused_and_costs_nothing(
    world: World, path: str, body: dict[str, Any]
) -> None:
    reply = world.post(f"/api/ai/{path}", body)
    problem(reply, 422, "invalid_request")
    assert world.upstream() == {"gpt4o": 0, "gemini": 0}
    assert world.steps == []
