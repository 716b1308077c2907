"""Jobs of trades that no list of ours knows: what they ask for, in whatever form the resume says it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollgate.resumes import job, phrases
from tollgate.resumes.ats import scan
from tollgate.resumes.matching import Match, match

TODAY = date(2026, 11, 23)

JOBS = {
    "nursing": """Paediatric Nurse, Night Shift
About us: Little Steps Hospital is a growing group with a great team.
Essential:
- GNM or B.Sc. Nursing with valid state council registration
- 2+ years of experience in paediatric or neonatal wards
- Administer IV medication and monitor vital signs
- Vaccination schedules and growth charts
- Counselling of parents
Desirable:
- Lactation support
- Kangaroo mother care
What we offer:
- Free meals and hostel
- Provident fund
""",
    "accounting": """Accounts Payable Executive
Requirements:
- Vendor invoice processing and three-way matching
- Bank reconciliation
- GST and TDS on vendor payments
- Ageing reports and vendor statements
- Petty cash handling
Preferred:
- Tally Prime
- Expense claims audit
""",
    "sales": """Medical Representative, Cardiology Division
Must have:
- Doctor visits and chemist coverage in the assigned territory
- Product detailing with visual aids
- Secondary sales targets
- Tour plans and daily call reports
- Two-wheeler with valid licence
Good to have:
- Continuing medical education events
- Hospital tenders
""",
    "teaching": """Primary School Teacher (English)
You must have:
- B.Ed or D.El.Ed
- Lesson planning for classes 1 to 5
- Phonics and reading circles
- Classroom management
- Formative assessment and report cards
- Parent-teacher meetings
Nice to have:
- Smart boards
- Special educational needs
""",
    "logistics": """Warehouse Shift Supervisor
Responsibilities:
- Supervise loading and unloading of trucks
- Dispatch schedules and gate passes
- Cycle counting of stock with barcode scanners
- Forklift operations and safety drills
- Damage claims with transporters
Bonus:
- Cold chain storage
- E-way bills
""",
    "bakery": "We need a pastry chef for croissants, plated desserts and sourdough",
}
RESUMES = {
    "nursing": """Lina Thomas
Staff Nurse, Paediatrics
EXPERIENCE
Staff Nurse, Periyar Mission Hospital  Jan 2021 - Present
- Monitored vital signs of 14 children a shift in the pediatric ward.
- Administered IV medications and vaccinated 900 infants by the national vaccination schedule.
- Counselled parents and kept growth charts.
EDUCATION
GNM, St. Gregorios College of Nursing  2020
SKILLS
Neonatal wards, Kangaroo mother care, State council registration
""",
    "accounting": """Ravi Menon
Accounts Executive
EXPERIENCE
Accounts Executive, Malabar Traders  Apr 2021 - Present
- Processed 1,200 vendor invoices a month with three-way match against orders.
- Reconciled 6 bank accounts and prepared ageing reports and vendor statements.
- Filed TDS and GST on vendor payments; handled petty cash of ₹40,000.
SKILLS
Tally Prime
""",
    "sales": """Imran Sheikh
Medical Representative
EXPERIENCE
Medical Representative, Ganga Pharma  Jun 2022 - Present
- Visited 11 doctors a day and covered 140 chemists in the territory of Kanpur.
- Detailed 6 products with visual aids and met secondary sales targets by 112%.
- Sent daily call reports and monthly tour plans; own two-wheeler with licence.
""",
    "teaching": """Pooja Das
Primary Teacher
EXPERIENCE
Teacher, Sunrise School  Jun 2020 - Present
- Planned lessons for classes 1 to 4 and led phonics and reading circles.
- Managed classrooms of 38 pupils; wrote report cards after formative assessments.
- Held parent-teacher meetings.
EDUCATION
B.Ed, State University  2020
""",
    "logistics": """Anil Pawar
Shift Supervisor
EXPERIENCE
Warehouse Supervisor, Nilgiri Retail  Jan 2020 - Present
- Supervised the loading and unloading of 40 trucks and dispatch schedules.
- Counted stock in cycles with barcode scanners; operated forklifts; led safety drills.
- Settled damage claims with 14 transporters and issued gate passes.
""",
    "bakery": """Anna D'Souza
Chef
EXPERIENCE
Pastry Chef, Cafe Lila  2021 - 2024
- Baked croissants and plated desserts for 200 guests
""",
}
ASKED = {
    "nursing": {"IV medication", "vital signs", "growth charts", "Counselling", "parents"},
    "accounting": {"Vendor", "three-way matching", "Ageing reports", "vendor statements", "Petty cash handling"},
    "sales": {"Doctor visits", "chemist coverage", "visual aids", "Tour plans", "daily call reports"},
    "teaching": {"B.Ed or D.El.Ed", "Lesson planning", "Phonics", "reading circles", "report cards"},
    "logistics": {"loading", "unloading", "Dispatch schedules", "gate passes", "safety drills"},
    "bakery": {"pastry chef", "croissants", "plated desserts", "sourdough"},
}
WISHED = {
    "nursing": {"Lactation support", "Kangaroo mother care"},
    "accounting": {"Expense claims audit"},
    "sales": {"Hospital tenders"},
    "teaching": {"Smart boards", "Special educational needs"},
    "logistics": {"Cold chain storage", "E-way bills"},
}


def found(resume: str, wanted: str) -> Match:
    result = match(RESUMES[resume], JOBS[wanted], today=TODAY)
    assert result is not None
    return result


@pytest.mark.parametrize("name", JOBS)
def test_a_job_of_any_trade_is_read_as_its_requirements(name: str) -> None:
    terms = job.read(JOBS[name]).terms
    assert {term.label for term in terms if term.must} >= ASKED[name] - {"Vendor"}
    assert {term.label for term in terms if not term.must} >= WISHED.get(name, set())


def test_what_the_employer_offers_is_no_requirement() -> None:
    labels = " ".join(term.label for term in job.read(JOBS["nursing"]).terms).casefold()
    assert not [
        word
        for word in ("meals", "hostel", "provident", "little steps", "team", "experience", "years")
        if word in labels
    ]


@pytest.mark.parametrize("name", JOBS)
def test_a_job_is_answered_best_by_the_person_of_the_trade(name: str) -> None:
    scores = {other: found(other, name).score for other in RESUMES}
    assert max(scores, key=lambda other: scores[other]) == name
    assert scores[name] >= 50
    assert scores[name] >= 25 + max(score for other, score in scores.items() if other != name)


@pytest.mark.parametrize(
    ("name", "met", "missed"),
    [
        ("nursing", {"vital signs", "IV medication", "growth charts", "parents"}, {"Lactation support"}),
        ("accounting", {"three-way matching", "Ageing reports", "vendor statements"}, {"Expense claims audit"}),
        ("sales", {"Doctor visits", "visual aids", "Tour plans", "daily call reports"}, {"Hospital tenders"}),
        ("teaching", {"Phonics", "reading circles", "report cards", "Lesson planning"}, {"Smart boards"}),
        ("logistics", {"loading", "unloading", "gate passes", "safety drills"}, {"Cold chain storage"}),
    ],
)
def test_what_is_met_is_found_in_other_forms_and_what_is_not_is_named(
    name: str, met: set[str], missed: set[str]
) -> None:
    result = found(name, name)
    assert met <= set(result.matched)
    assert missed <= set(result.missing)
    advised = [each.advice for each in result.suggestions]
    assert any(next(iter(missed)) in each for each in advised)
    assert not any("beside ." in each or "  " in each for each in advised)


def test_what_is_required_counts_more_than_what_is_wished_for() -> None:
    text = "Florist\nMust have:\n- Bridal bouquets\nNice to have:\n- Funeral wreaths"
    required = match("A\nFlorist\nEXPERIENCE\n- Made bridal bouquets for 40 weddings", text)
    wished = match("A\nFlorist\nEXPERIENCE\n- Made funeral wreaths for 40 families", text)
    assert required is not None
    assert wished is not None
    assert required.score > wished.score + 10


def test_a_known_skill_counts_more_than_a_phrase_and_what_is_said_twice_more_than_once() -> None:
    terms = {
        term.label: term
        for term in job.read(
            "Clerk\nRequired:\n- Python\n- Filing cabinets\n- Stamp duty\n- Old stamp duty rules"
        ).terms
    }
    assert terms["Python"].weight > terms["Filing cabinets"].weight
    assert terms["Stamp duty"].weight > terms["Filing cabinets"].weight


def test_nobody_is_asked_for_fifty_things() -> None:
    many = "Clerk\nRequired:\n" + "\n".join(f"- Ledger{at} sorting{at}" for at in range(60))
    assert len(job.read(many).terms) == 18


def test_the_same_job_and_resume_have_the_same_answer() -> None:
    assert found("nursing", "nursing") == found("nursing", "nursing")
    assert scan(RESUMES["sales"], JOBS["sales"], today=TODAY) == scan(RESUMES["sales"], JOBS["sales"], today=TODAY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2+ years of experience in neonatal nursing", ["neonatal nursing"]),
        ("Ability to administer IV medication and monitor vital signs", ["IV medication", "vital signs"]),
        ("Strong knowledge of CBSE curriculum and phonics", ["CBSE curriculum", "phonics"]),
        ("Forklift licence (valid)", ["Forklift licence"]),
        ("Process improvement", ["Process improvement"]),
        ("Planning", ["Planning"]),
        ("Plan and organise", []),
        ("Good communication with the team", ["communication"]),
        ("", []),
        ("5 - 7 years", []),
    ],
)
def test_phrases_are_what_is_left_without_the_words_of_every_advertisement(text: str, expected: list[str]) -> None:
    assert phrases.phrases(text) == expected


@pytest.mark.parametrize(
    "forms",
    [
        "deliver delivers delivery deliveries delivering delivered",
        "teach teaches teacher teachers teaching taught",
        "plan plans planning planned planner",
        "inventory inventories",
        "nurse nurses nursing",
        "assess assessment assessments assessing",
        "vaccinate vaccinated vaccination vaccinations",
        "paediatric pediatrics",
        "class classes",
        "schedule schedules scheduling",
        "supply supplies supplying",
        "tax taxes taxation",
        "organise organize organised organization organisation",
        "visit visits visited",
    ],
)
def test_the_forms_of_a_word_are_one(forms: str) -> None:
    assert len({phrases.stem(form) for form in forms.split()}) == 1


@pytest.mark.parametrize(
    "pair", ["nurse nursery", "sales salt", "bus business", "GST guest", "plan plant", "patient patent"]
)
def test_different_words_stay_different(pair: str) -> None:
    one, other = pair.split()
    assert phrases.stem(one) != phrases.stem(other)


@given(st.text(max_size=300), st.text(max_size=200))
def test_any_job_and_any_resume_can_be_compared(text: str, wanted: str) -> None:
    result = match(text, wanted)
    assert result is None or 0 <= result.score <= 100


@given(st.sampled_from(sorted(JOBS)), st.data())
def test_a_missing_phrase_that_is_added_is_found_and_never_lowers_the_score(name: str, data: st.DataObject) -> None:
    before = found(name, name)
    missing = data.draw(st.sampled_from(before.missing))
    added = RESUMES[name] + f"\nSKILLS\nKnown: {missing.partition(' or ')[0]}"
    after = match(added, JOBS[name], today=TODAY)
    assert after is not None
    assert missing not in after.missing
    assert after.score >= before.score
