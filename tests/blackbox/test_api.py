"""What the API does for its callers, seen from outside: over HTTP, on whichever stack it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.blackbox.conftest import Person
from tests.blackbox.places import FRONTEND, Place, later
from tests.bundle.document import ROOT

type Eventually = Callable[[Callable[[], bool]], None]

DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
ROUTES = [(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods]
PUBLIC = {"/api/subscription/pricing", "/api/subscription/compare", "/api/openapi.json", "/api/docs"}
WEBHOOK = "/api/subscription/webhook"
RESUME = "Asha Rao\nasha.rao@example.com\n\nExperience\nEngineer, Example Labs, 2021 - present\n\nSkills\nPython, AWS"
JOB = (ROOT / "tests" / "samples" / "jobs" / "java_backend.txt").read_text("utf-8")
TASKS = {
    "parse-resume": ({"text": RESUME}, "resume"),
    "enhance-content": ({"section": "work", "content": "Worked on the payments team."}, "content"),
    "generate-summary": ({"resume": RESUME}, "summaries"),
    "categorize-skills": ({"skills": ["Python", "AWS"]}, "categories"),
    "job-match": ({"resume": RESUME, "jobDescription": JOB}, "score"),
    "cover-letter": ({"resume": RESUME, "jobDescription": JOB}, "letter"),
    "ats-scan": ({"text": RESUME}, "score"),
}


def stranger(place: Place, method: str, path: str, **headers: str) -> httpx2.Response:
    """A request without a token."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.request(method, f"{place.url}{path}", headers=named, timeout=90, trust_env=False)


# Who may call


@pytest.mark.parametrize("path", sorted(PUBLIC))
def test_what_is_public_is_answered_without_a_token(place: Place, path: str) -> None:
    assert stranger(place, "GET", path).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [each for each in ROUTES if each[1] not in PUBLIC], ids=lambda part: part.strip("/")
)
def test_every_route_asks_who_is_calling(place: Place, method: str, path: str) -> None:
    refused = stranger(place, method, path.replace("{payment_id}", "pay_A1b2C3d4E5f6G7"))
    assert refused.status_code == (400 if path == WEBHOOK else 401)
    assert refused.headers["content-type"].startswith("application/problem+json")


def test_a_token_that_somebody_else_signed_or_that_is_over_is_refused(place: Place, person: Person) -> None:
    head, claims, signature = place.token("u").split(".")
    forged = stranger(
        place, "GET", "/api/subscription/status", authorization=f"Bearer {head}.{claims}.{signature[::-1]}"
    )
    assert (forged.status_code, forged.json()["code"]) == (401, "unauthorized")
    person.sign_in(later(-2))
    assert person.get("/api/subscription/status").status_code == 401


def test_an_address_that_is_no_route_is_the_gateways_404(place: Place) -> None:
    missing = stranger(place, "GET", "/api/subscription/nothing")
    assert (missing.status_code, missing.json()) == (404, {"message": "Not Found"})


def test_a_browser_may_call_from_the_frontends_origin_alone(place: Place) -> None:
    asked = {"access_control_request_method": "POST", "access_control_request_headers": "authorization"}
    here = stranger(place, "OPTIONS", "/api/subscription/cancel", origin=FRONTEND, **asked)
    assert here.status_code == 204
    assert here.headers["access-control-allow-origin"] == FRONTEND
    there = stranger(place, "OPTIONS", "/api/subscription/cancel", origin="https://evil.example", **asked)
    assert "access-control-allow-origin" not in there.headers


# Buying


def test_a_plan_that_is_paid_and_verified_is_there_at_once(person: Person) -> None:
    person.buys("pro", "monthly")
    status = person.status()
    assert (status["tier"], status["plan"], status["status"]) == ("pro", "monthly", "active")
    assert [each["tier"] for each in person.get("/api/subscription/history").json()] == ["pro"]


def test_a_payment_is_granted_once_however_often_it_is_told(person: Person) -> None:
    paid = person.pays("pro", "monthly")
    with ThreadPoolExecutor(3) as together:
        told = list(together.map(lambda _: person.post("/api/subscription/verify-payment", paid), range(3)))
    assert {each.status_code for each in told} == {200}
    assert len(person.get("/api/subscription/history").json()) == 1


def test_the_webhook_alone_grants_a_plan(person: Person, eventually: Eventually) -> None:
    person.pays("pro", "monthly")
    eventually(lambda: person.status()["tier"] == "pro")


def test_a_signature_that_is_not_razorpays_grants_nothing(place: Place, person: Person) -> None:
    paid = person.pays("pro", "monthly")
    forged = person.post("/api/subscription/verify-payment", paid | {"razorpay_signature": "0" * 64})
    assert forged.status_code == 400
    unsigned = httpx2.post(
        f"{place.url}{WEBHOOK}", content=b"{}", headers={"x-razorpay-signature": "0" * 64}, timeout=90, trust_env=False
    )
    assert (unsigned.status_code, unsigned.json()["code"]) == (400, "invalid_signature")


def test_an_event_that_is_not_known_is_taken_and_changes_nothing(place: Place) -> None:
    body = json.dumps({"entity": "event", "event": "invoice.paid", "payload": {}, "created_at": 1_790_000_000}).encode()
    headers = {"x-razorpay-signature": place.signed(body), "content-type": "application/json"}
    assert httpx2.post(f"{place.url}{WEBHOOK}", content=body, headers=headers, timeout=90, trust_env=False).is_success


def test_renewing_adds_time_and_cancelling_keeps_it(person: Person) -> None:
    person.buys("pro", "monthly")
    first = person.status()["endDate"]
    assert person.post("/api/subscription/renew", {}).status_code == 200
    cancelled = person.post("/api/subscription/cancel", {"reason": "none"})
    assert (cancelled.status_code, cancelled.json()["endDate"]) == (200, first)
    assert person.status()["tier"] == "pro"


# AI


@pytest.mark.parametrize("task", TASKS)
def test_a_task_is_answered(person: Person, task: str) -> None:
    person.buys("premium", "monthly")
    body, answer = TASKS[task]
    done = person.post(f"/api/ai/{task}", body)
    assert done.status_code == 200, done.text
    assert answer in done.json()
    assert done.json()["meta"]["aiService"] in {"gemini", "gpt4o"}


def test_a_resume_is_read_and_counted(person: Person) -> None:
    read = person.post("/api/ai/parse-resume", {"text": RESUME})
    assert (read.status_code, read.json()["resume"]["basics"]["email"]) == (200, "asha.rao@example.com")
    again = person.post("/api/ai/parse-resume", {"text": RESUME})
    assert (again.status_code, again.json()["code"]) == (403, "usage_limit_reached")
    assert person.get("/api/subscription/usage").json()["remaining"]["resumes"] == 0


def test_calls_at_once_get_what_is_left_and_no_more(person: Person) -> None:
    with ThreadPoolExecutor(3) as together:
        calls = list(together.map(lambda _: person.post("/api/ai/parse-resume", {"text": RESUME}), range(3)))
    assert sorted(each.status_code for each in calls) == [200, 403, 403]


def test_a_call_with_the_same_key_is_made_once(person: Person) -> None:
    first, second = (
        person.post("/api/ai/parse-resume", {"text": RESUME}, idempotency_key="once-and-no-more") for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"


def test_a_preference_is_kept(person: Person) -> None:
    person.buys("pro", "monthly")
    assert person.post("/api/subscription/ai-preference", {"preference": "gemini"}).status_code == 200
    assert person.get("/api/subscription/ai-config").json()["preference"] == "gemini"


# An account


def test_mails_can_be_declined(person: Person) -> None:
    declined = person.send("PUT", "/api/account/preferences", {"notifications": {"usageAlerts": False}})
    assert declined.status_code == 200
    assert person.get("/api/account/preferences").json()["notifications"]["usageAlerts"] is False


def test_an_account_can_be_taken_along_and_deleted(person: Person) -> None:
    person.buys("pro", "monthly")
    assert "pro" in person.get("/api/account/export").text
    assert person.send("DELETE", "/api/account", {"confirm": "delete"}).json()["status"] == "deleted"
    assert person.post("/api/subscription/create-order", {"tier": "pro", "plan": "monthly"}).status_code == 410


# What follows by itself


def test_whoever_paid_gets_a_mail(place: Place, person: Person, eventually: Eventually) -> None:
    person.buys("pro", "monthly")
    address = f"{person.name}@example.com"
    eventually(lambda: any(mail.to == address and "payment" in mail.subject.lower() for mail in place.mails()))


def test_what_was_paid_is_in_the_figures(person: Person, admin: Person, eventually: Eventually) -> None:
    person.buys("premium", "yearly")

    def shown() -> bool:
        return "premium" in admin.get("/api/admin/revenue").text

    eventually(shown)


@pytest.mark.parametrize(
    "path", sorted(path for method, path in ROUTES if path.startswith("/api/admin/") and method == "GET")
)
def test_figures_are_for_administrators(place: Place, person: Person, admin: Person, path: str) -> None:
    assert person.get(path).status_code == 403
    if path.endswith("margin"):
        person.buys("pro", "monthly")
        path += f"?userId={person.name}"
    if path.endswith("reports"):
        place.run("daily_report")
    assert admin.get(path).status_code == 200


@pytest.mark.parametrize("job", sorted(path.stem for path in (ROOT / "functions" / "maintenance").glob("[!_]*.py")))
def test_a_job_can_be_run_at_any_time(place: Place, job: str) -> None:
    place.run(job)


@pytest.mark.needs("the clock")
def test_a_plan_ends_by_itself(place: Place, person: Person) -> None:
    person.buys("pro", "monthly")
    assert place.move is not None
    place.move(later(62))
    try:
        person.sign_in(later(62))
        assert person.status()["tier"] == "free"
    finally:
        place.move(later(0))
