"""Private facts in resumes: found as people write them, and nothing else taken for one."""

import pytest

from tests.samples import make
from tollgate.resumes.personal import redacted
from tollgate.resumes.text import clean


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Date of Birth: 14/07/1994", "date of birth"),
        ("DOB - 14 July 1994", "date of birth"),
        ("D.O.B. : 14-07-1994", "date of birth"),
        ("Date of Birth  14th July, 1994", "date of birth"),
        ("- Date of Birth : 01.01.1990", "date of birth"),
        ("Place of birth: Patna", "date of birth"),
        ("जन्म तिथि: 14/07/1994", "date of birth"),
        ("Age: 29 years", "age"),
        ("Gender: Female", "gender"),
        ("Sex - M", "gender"),
        ("Gender Male", "gender"),
        ("Marital Status: Unmarried", "marital status"),
        ("Status: Single", "marital status"),
        ("Father's Name: Ram Rao", "family"),
        ("Father’s / Husband’s Name: Ram Rao", "family"),
        ("S/O Ram Prasad", "family"),
        ("Religion: Hindu", "religion or caste"),
        ("Category: OBC", "religion or caste"),
        ("Caste: General", "religion or caste"),
        ("Blood Group: O+", "body"),
        ("Passport No: N1234567", "identity number"),
        ("Passport: N1234567, valid till 2030", "identity number"),
        ("Aadhaar Number - 2345 6789 0123", "identity number"),
        ("Aadhar Card No.: 234567890123", "identity number"),
        ("PAN: ABCPE1234F", "identity number"),
        ("Voter ID: ABC1234567", "identity number"),
        ("Photo", "photograph"),
        ("[Passport size photograph]", "photograph"),
        ("Date of Birth\n14 July 1994", "date of birth"),
        ("Father's Name\nRam Prasad", "family"),
    ],
)
def test_private_facts_are_found_as_they_are_written(line: str, kind: str) -> None:
    found = redacted(f"Asha Rao\n{line}\nEngineer")
    assert (found.text, found.kinds) == ("Asha Rao\nEngineer", (kind,))
    assert found.warnings == (f"private_data_removed: {kind}",)


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("DOB: 14/07/1994, Gender: Male, Nationality: Indian", "Nationality: Indian"),
        ("asha@example.com | DOB: 14/07/1994 | Pune", "asha@example.com | Pune"),
        ("Holder of Aadhaar 2345 6789 0123", "Holder of Aadhaar"),
        ("PAN ABCPE1234F and GST expert", "PAN and GST expert"),
        ("Engineer born on 14 July 1994 in Pune", "Engineer in Pune"),
        ("House No. 27, Shanti Nagar, Ward 4, Patna, Bihar 800001", "Patna, Bihar"),
        ("Address: House No. 27, Shanti Nagar, Patna, Bihar 800001, India", "Patna, Bihar, India"),
        ("Address: Kochi, Kerala", "Kochi, Kerala"),
        ("#12, 3rd Cross, Indiranagar, Bengaluru 560038 | a@b.example", "Indiranagar, Bengaluru | a@b.example"),
        ("14 Oak Road, Leeds LS1 4AP", "Leeds"),
        ("123 Main Street, Springfield, IL 62704", "Springfield, IL"),
        ("Address:\n12/4, Shanti Nagar, Ward 4\nNear Post Office, Patna, Bihar 800001", "Patna, Bihar"),
    ],
)
def test_of_a_line_only_the_private_part_goes_and_of_an_address_the_town_stays(line: str, left: str) -> None:
    assert redacted(f"Asha Rao\n{line}\nEngineer").text == f"Asha Rao\n{left}\nEngineer"


@pytest.mark.parametrize(
    "line",
    [
        "Passport services clerk, 2019 - 2021",
        "- Sold 14 flats in Sector 12, Noida 201301 within a year",
        "Kept churn flat 3 years running, won two awards, led the team",
        "Category: Best Startup",
        "Status: Completed",
        "Gender studies, University of Pune",
        "Father of the open source project",
        "Email address: a@b.example",
        "Communication: fluent in English",
        "- Aged receivables cut by ₹32 crore",
        "Age-friendly design, 2020",
        "Whitefield, Bengaluru",
        "Mumbai 400076",
        "- Handled 2345 6789 orders",
        "Photo editing, Illustrator",
        "Panchkula, Haryana",
        "Address verification for 200 borrowers",
        "Notice period: 60 days",
        "9 years of experience",
    ],
)
def test_what_only_looks_private_stays(line: str) -> None:
    assert redacted(f"Asha\n{line}\nEnd").text == f"Asha\n{line}\nEnd"
    assert redacted(line).warnings == ()


@pytest.mark.parametrize("name", make.RESUMES)
def test_of_the_samples_only_the_biodata_holds_private_facts(name: str) -> None:
    text = clean(make.text(name)).text
    kinds = redacted(text).kinds
    assert kinds == (
        ("address", "date of birth", "family", "marital status", "religion or caste") if "biodata" in name else ()
    )
    assert redacted(text).text == text or kinds


def test_what_follows_a_label_that_stood_alone_is_a_value_and_no_bullet_and_no_paragraph() -> None:
    text = "Passport\n- Built a passport scanner"
    assert redacted(text).text == text
    text = "Residence\n" + "Many words that tell a story of work. " * 4
    assert redacted(text).text == text


@pytest.mark.parametrize(
    "unit", ["no ", "a, ", "1 ", "| ", "father's name ", "flat 1, ", "1 a a a ", "pin ", ": ", "2345 6789 "]
)
def test_a_long_text_is_looked_through_in_time_that_grows_with_its_length(unit: str) -> None:
    redacted((unit * 50_000)[:50_000])
    redacted((unit.strip() + "\n") * 5_000)
