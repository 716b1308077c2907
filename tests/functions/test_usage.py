"""GET /api/subscription/usage: what is used, what is left, when it returns."""

from datetime import UTC, datetime

from tests.functions.harness import World

PATH = "/api/subscription/usage"


def test_a_newcomer_has_used_nothing(world: World) -> None:
    reply = world.get(PATH)
    assert (reply.status, world.steps) == (200, ["GetItem"])
    assert reply.json == {
        "resumesUsed": 0,
        "resumesLimit": 1,
        "atsScansUsed": 0,
        "atsScansLimit": 0,
        "jobMatchesUsed": 0,
        "jobMatchesLimit": 0,
        "coverLettersUsed": 0,
        "coverLettersLimit": 0,
        "limits": {
            "resumes": {"limit": 1, "window": "month"},
            "atsScans": {"limit": 0, "window": "month"},
            "jobMatches": {"limit": 0, "window": "day"},
            "coverLetters": {"limit": 0, "window": "month"},
        },
        "remaining": {"resumes": 1, "atsScans": 0, "jobMatches": 0, "coverLetters": 0},
        "resetDate": "2026-12-01",
        "dailyResetDate": "2026-11-24",
        "totalResumesGenerated": 0,
    }


def test_a_parsed_resume_counts_in_its_month_and_for_ever_in_the_total(world: World) -> None:
    world.post("/api/ai/parse-resume", {"text": "Asha Rao, engineer"})
    shown = world.get(PATH).json
    assert (shown["resumesUsed"], shown["remaining"]["resumes"], shown["totalResumesGenerated"]) == (1, 0, 1)
    world.at(datetime(2026, 11, 30, 18, 29, 59, tzinfo=UTC))  # the last second of November in India
    assert (world.get(PATH).json["resumesUsed"], world.get(PATH).json["resetDate"]) == (1, "2026-12-01")
    world.at(datetime(2026, 11, 30, 18, 30, tzinfo=UTC))
    shown = world.get(PATH).json
    assert (shown["resumesUsed"], shown["totalResumesGenerated"], shown["resetDate"]) == (0, 1, "2027-01-01")


def test_on_an_unlimited_plan_use_is_counted_and_nothing_runs_out(world: World) -> None:
    world.buy("premium", "monthly")
    world.post("/api/ai/parse-resume", {"text": "Asha Rao, engineer"})
    shown = world.get(PATH).json
    assert (shown["resumesUsed"], shown["resumesLimit"], shown["remaining"]["resumes"]) == (1, None, None)
    assert shown["limits"]["jobMatches"] == {"limit": None, "window": "day"}
