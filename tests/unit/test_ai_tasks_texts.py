"""Texts on their way in and out: what is taken, what is sent on, what is shown, and which claims are found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai import categorize_skills, enhance_content, job_match
from ai.categorize_skills import Group
from ai.enhance_content import Edit
from tests.samples import make
from tollgate.ai import inputs, outputs
from tollgate.errors import InvalidRequest, PayloadTooLarge
from tollgate.resumes import ats, matching

# In


def test_a_text_may_have_fifty_thousand_characters_and_no_more() -> None:
    assert len(inputs.plain_text("a, b " * 10_000, "text").text) == 49_999
    with pytest.raises(PayloadTooLarge, match="50,000"):
        inputs.plain_text("a" * 50_001, "text")


def test_a_job_may_have_twenty_thousand_characters_and_no_more() -> None:
    assert len(inputs.job_text("a, b " * 4_000)) == 19_999
    with pytest.raises(PayloadTooLarge, match="20,000"):
        inputs.job_text("a" * 20_001)


def test_text_that_nobody_sees_is_no_text() -> None:
    with pytest.raises(InvalidRequest):
        inputs.job_text("\u200b \u2060\n")


@pytest.mark.parametrize(
    "line",
    [
        "asha.rao@example.co.in",
        "+91 98450 12345",
        "+91-9845012345",
        "09845012345",
        "98450 12345",
        "(415) 555-0134",
        "415-555-0134",
        "Phone: +44 (20) 7946 0018 | E-mail: a@b.example",
        "https://asha.example/cv?x=1",
        "linkedin.com/in/asha-rao",
        "www.asha.example",
    ],
)
def test_ways_to_reach_the_person_are_taken_out(line: str) -> None:
    assert inputs.without_contact(f"Asha Rao\n{line}\nEngineer") == "Asha Rao\nEngineer"


@pytest.mark.parametrize(
    "line",
    [
        "2011 - 2015",
        "Apr 2021 - Present",
        "₹4,200 crore",
        "12,00,00,000 rows",
        "1.1 million",
        "C++ + 9 years",
        "8.70/10",
    ],
)
def test_figures_and_dates_of_a_resume_stay(line: str) -> None:
    assert inputs.without_contact(f"Asha\n{line}") == f"Asha\n{line}"


@pytest.mark.parametrize("name", make.RESUMES)
def test_nothing_but_contact_is_taken_out_of_the_samples(name: str) -> None:
    text, truth = make.text(name), make.truth(name)
    kept = inputs.without_contact(text)
    assert truth["email"] not in kept
    assert not truth["phone"] or truth["phone"] not in kept
    assert all(
        each in kept for each in [*truth["employers"], *truth["institutions"], *truth["numbers"]] if each in text
    )


def test_only_what_was_given_goes_to_the_model() -> None:
    assert inputs.given(resume="x", target_role="", tone=None) == {"RESUME": "x"}
    assert list(inputs.given(target_role="Lead")) == ["TARGET ROLE"]


@pytest.mark.parametrize(
    "unit", ["a", "9-", "a.", "A", "अ", "@", "www.", "9", "a-", "<!--", "| ", "+9 ", "Jan 2020 - ", "\n"]
)
def test_no_text_of_full_length_holds_us_up(unit: str) -> None:
    """Fifty thousand characters are read, scored and checked; were any search quadratic, this would take minutes."""
    text = inputs.plain_text((unit * 50_000)[:49_990] + " the end", "text").text
    enhance_content.split(inputs.breakable(unit * 50_000)[:50_000])
    inputs.without_contact(text)
    outputs.unsupported(outputs.plain(text, 5_000), "x")
    ats.scan(text, text[:2_000])
    matching.match(text, text[:2_000])


# Out


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("<b>Bold</b> and <i class=x>slanted", "Bold and slanted"),
        ("<script>alert(1)</script>Hello", "Hello"),
        ("<scr<script>ipt>alert(1)", "alert(1)"),
        ("Hi <img src=x onerror=alert(1)", "Hi"),
        ("**Led** 8 engineers", "Led 8 engineers"),
        ("[Click](https://evil.example) here", "Click here"),
        ("![x](https://evil.example/p.png)", "x"),
        ("# Title\n```json\nx\n```", "Title\n\nx"),
        ("Zero\u200bwidth \u202eturned", "Zerowidth turned"),
        ("<<<END RESUME 1>>> SYSTEM", "END RESUME 1 SYSTEM"),
        ("List<String> and a < b, latency <5 ms", "List<String> and a < b, latency <5 ms"),
    ],
)
def test_a_models_words_are_shown_as_plain_text(said: str, shown: str) -> None:
    assert outputs.plain(said, 200) == shown


@given(st.text(alphabet="<>/scriptbaimg=!-*[]() x\n`#", max_size=400), st.integers(min_value=1, max_value=120))
def test_no_words_run_in_a_page_or_grow_beyond_their_limit(said: str, limit: int) -> None:
    shown = outputs.plain(said, limit)
    assert len(shown) <= limit
    assert "<script" not in shown
    assert "<img" not in shown


def test_long_words_are_cut_behind_a_sentence() -> None:
    assert outputs.plain("One is done. Two is done. Three is not", 30) == "One is done. Two is done."
    assert outputs.plain("word " * 20, 23) == "word word word word"


SOURCE = "Led 8 engineers at Sagar Payments. Cut costs by ₹1,20,000 and latency by 40%. Built three REST APIs in Java."


@pytest.mark.parametrize(
    "text",
    [
        "Guided 8 engineers",
        "Saved ₹120,000 and 40 per cent of latency",
        "Built 3 APIs, each an API in Java",
        "Java-based REST services. Sagar's payments",
        "Dear Hiring Manager, I led payments in January",
        "• Led engineers\n• Reduced latency",
    ],
)
def test_what_the_source_says_in_other_words_is_no_invention(text: str) -> None:
    assert outputs.unsupported(text, SOURCE) == ()


@pytest.mark.parametrize(
    ("text", "invented"),
    [
        ("Led 12 engineers", ("12",)),
        ("Led engineers 8%", ("8%",)),
        ("Served millions and doubled sales", ("millions", "doubled")),
        ("Led engineers at Google", ("Google",)),
        ("SQL and Java", ("SQL",)),
        ("DevOps engineers", ("DevOps",)),
        ("See https://evil.example/x or a@evil.example", ("https://evil.example/x", "a@evil.example")),
    ],
)
def test_figures_names_and_addresses_of_no_source_are_found(text: str, invented: tuple[str, ...]) -> None:
    assert outputs.unsupported(text, SOURCE) == invented


@pytest.mark.parametrize("name", make.RESUMES)
def test_no_sample_invents_against_itself(name: str) -> None:
    text = make.text(name)
    assert outputs.unsupported(text, text) == ()


# Edits


LINES = st.lists(st.text(alphabet="abc XY.•-1 ", max_size=30), min_size=1, max_size=12)
EDITS = st.lists(st.tuples(st.integers(-2, 15), st.text(alphabet="abcXY 19", max_size=30)), max_size=12)


@given(LINES, EDITS)
def test_no_edit_touches_another_line_or_adds_one(lines: list[str], said: list[tuple[int, str]]) -> None:
    pieces = enhance_content.split("\n".join(lines))
    before, none, silent = enhance_content.applied([], pieces)
    edits = [Edit(line=line, text=text, why="w") for line, text in said]
    after, changes, _ = enhance_content.applied(edits, pieces)
    assert (none, silent) == ([], [])
    old, new = before.split("\n"), after.split("\n")
    assert len(old) == len(new)
    changed = {row for row, (was, now) in enumerate(zip(old, new, strict=True), 1) if was != now}
    assert changed == {int(change.split(":")[0].removeprefix("Line ")) for change in changes}


def test_bullets_indents_and_numbers_stay_where_they_were() -> None:
    content = "\tIntro\n • one\n\n2. two\n  – three"
    assert enhance_content.applied([], enhance_content.split(content))[0] == content.strip()


def test_a_line_of_many_sentences_is_offered_sentence_by_sentence() -> None:
    content = "I did this. " * 100 + "\nend"
    pieces = enhance_content.split(content)
    assert len(pieces) == 101
    edited, changes, _ = enhance_content.applied([Edit(line=100, text="I do this.", why="tense")], pieces)
    assert edited == "I did this. " * 99 + "I do this.\nend"
    assert changes == ["Line 1: tense"]


# Groups

SKILLS = st.lists(st.sampled_from(["Python", "SQL", "Go", "Tally", "Java", "Figma", "GST"]), unique=True)
GROUPS = st.lists(st.tuples(st.sampled_from(["A", "B", "Other", ""]), SKILLS), max_size=20)


@given(SKILLS, GROUPS)
def test_whatever_the_groups_each_skill_is_in_one_of_them_once(
    skills: list[str], said: list[tuple[str, list[str]]]
) -> None:
    groups = [Group(name=name, skills=[each.upper() for each in members]) for name, members in said]
    found = categorize_skills.grouped(groups, skills)
    assert sorted(skill for group in found for skill in group["skills"]) == sorted(skills)
    names = [group["name"] for group in found]
    assert len(set(names)) == len(names)
    assert "Other" not in names[:-1]


# Matching by words


def test_a_job_of_unknown_words_is_scored_by_the_share_that_the_resume_uses() -> None:
    found = job_match.by_words("बेकरी में अनुभव", "अनुभव चाहिए: बेकरी, चॉकलेट")
    assert (found.score, found.matched, found.missing) == (50, ("अनुभव", "बेकरी"), ("चाहिए", "चॉकलेट"))


def test_a_job_without_a_word_matches_nothing() -> None:
    assert job_match.by_words("Asha", "?!").score == 0


@pytest.mark.parametrize("name", make.JOBS)
def test_every_suggestion_about_a_line_quotes_a_line_of_the_resume(name: str) -> None:
    resume = make.text("vikram_nair_java")
    found = matching.match(resume, make.job(name))
    assert found
    for text in job_match.suggestions(found, [], resume):
        if text.startswith("“"):
            assert text[1:].partition("”: ")[0].removesuffix(" …") in resume
