"""Text out of files: what stands in a resume is found, in reading order, and what nobody sees is not."""

import re

import pytest

from tests.samples import make
from tollgate.resumes.documents import (
    BrokenDocumentError,
    Document,
    DocumentRefusedError,
    DocumentTooLargeError,
    EncryptedDocumentError,
    NoTextError,
    WrongKindError,
    extract,
)


def squeezed(text: str) -> str:
    """Only letters and digits, so that line breaks and spacing do not matter; matras of Indian scripts stay."""
    return re.sub(r"[\s|.,:;()\-\u2013\u2022\xb7]+", "", text).casefold()


def read(name: str, kind: str) -> Document:
    match kind:
        case "pdf":
            return extract(make.pdf(name), "pdf")
        case "docx":
            return extract(make.docx(name), "docx")
        case _:
            return extract(make.docx(name, "table"), "docx")


WORDS = ("one", "two", "three")

FILES = [(name, kind) for name in make.RESUMES for kind in ("pdf", "docx", "docx table")]
FILES = [(name, kind) for name, kind in FILES if kind != "pdf" or name in make.IN_PDF]


@pytest.mark.parametrize(("name", "kind"), FILES)
def test_every_fact_of_a_resume_is_found(name: str, kind: str) -> None:
    text = squeezed(read(name, kind).text)
    shown = make.as_printed if kind == "pdf" else str
    missing = [fact for fact in make.facts(name) if squeezed(shown(fact)) not in text]
    assert missing == []


@pytest.mark.parametrize(("name", "kind"), FILES)
def test_every_line_and_cell_comes_out_whole(name: str, kind: str) -> None:
    text = squeezed(read(name, kind).text)
    shown = make.as_printed if kind == "pdf" else str
    missing = [part for part in make.fragments(name) if squeezed(shown(part)) not in text]
    assert missing == []


@pytest.mark.parametrize("name", make.IN_PDF)
def test_a_pdf_is_read_in_the_order_of_its_author(name: str) -> None:
    text = extract(make.pdf(name), "pdf").text.casefold()
    places: list[int] = []
    for phrase in make.truth(name)["order"]:
        places.append(text.find(phrase.casefold(), places[-1] if places else 0))
    assert -1 not in places, dict(zip(make.truth(name)["order"], places, strict=True))


@pytest.mark.parametrize("name", make.RESUMES)
def test_a_docx_is_read_in_the_order_of_its_author(name: str) -> None:
    text = extract(make.docx(name), "docx").text.casefold()
    order = make.truth(name)["order"]
    if name == "maya_chen_pm":
        order = order[1:8]  # the plain layout has no sidebar; sections follow each other
    places = [0]
    for phrase in order:
        places.append(text.find(phrase.casefold(), places[-1]))
    assert -1 not in places


@pytest.mark.parametrize("order", ["columns", "down the page"])
def test_two_columns_are_read_one_after_the_other_however_the_file_was_written(order: make.Order) -> None:
    document = extract(make.pdf("maya_chen_pm", order), "pdf")
    text = document.text.casefold()
    places = [text.find(phrase.casefold()) for phrase in make.truth("maya_chen_pm")["order"]]
    assert places == sorted(places)
    assert "columns" in document.warnings


@pytest.mark.parametrize(("name", "kind"), [(n, k) for n, k in FILES if make.truth(n)["rows"] and k != "docx table"])
def test_a_table_is_read_row_by_row(name: str, kind: str) -> None:
    lines = [squeezed(line) for line in read(name, kind).text.splitlines()]
    for row in make.truth(name)["rows"]:
        assert squeezed("".join(row)) in lines


def test_a_bullet_that_wraps_is_one_line_and_starts_with_a_dash() -> None:
    lines = extract(make.pdf("maya_chen_pm"), "pdf").text.splitlines()
    assert "- Led pricing research with 140 interviews that raised average contract value by 22%." in lines


def test_running_heads_and_page_numbers_are_dropped() -> None:
    pieces = [
        make.Piece(text, 60, y, page=page)
        for page in range(3)
        for y, text in (
            (40, "Vikram Nair | vikram.nair@example.com"),
            (100, f"Experience number {WORDS[page]} in payments"),
            (120, f"Another line about year {2015 + page} and work"),
            (140, f"Closing words of part {WORDS[page]}"),
            (800, f"Page {page + 1} of 3"),
        )
    ]
    text = extract(make.printed(pieces), "pdf").text
    assert text.count("vikram.nair@example.com") == 1
    assert "of 3" not in text
    assert [year for year in ("2015", "2016", "2017") if year in text] == ["2015", "2016", "2017"]


def test_words_broken_at_the_end_of_a_line_are_whole_again() -> None:
    lines = ("Responsible for the devel-", "opment of a full-", "time scheduling service")
    text = extract(make.printed([make.Piece(line, 60, 60 + 14 * at) for at, line in enumerate(lines)]), "pdf").text
    assert "development of a full-time scheduling" in text


def test_a_heading_set_letter_by_letter_is_a_word() -> None:
    letters = [make.Piece(letter, 60 + 14 * at, 60) for at, letter in enumerate("EDUCATION")]
    text = extract(make.printed([*letters, make.Piece("B.Tech, Anna Valley College", 60, 80)]), "pdf").text
    assert "EDUCATION" in text


def test_a_link_behind_a_word_is_told() -> None:
    text = extract(make.printed([make.Piece("Asha Rao, software engineer", 60, 60)], extra=make.linked), "pdf").text
    assert "https://example.com/asha" in text


# What nobody sees


@pytest.mark.parametrize("trick", make.PDF_TRICKS)
def test_hidden_text_in_a_pdf_is_left_out_and_reported(trick: str) -> None:
    honest = extract(make.pdf("asha_rao_fresher"), "pdf")
    document = extract(make.injected_pdf(trick), "pdf")
    assert "previous instructions" not in document.text
    assert document.text == honest.text
    assert set(document.warnings) - set(honest.warnings) == {"hidden_text_removed"}


@pytest.mark.parametrize("trick", make.DOCX_TRICKS)
def test_hidden_text_in_a_docx_is_left_out_and_reported(trick: str) -> None:
    honest = extract(make.docx("asha_rao_fresher"), "docx")
    document = extract(make.injected_docx(trick), "docx")
    assert document.text == honest.text
    assert "hidden_text_removed" in document.warnings
    assert "hidden_text_removed" not in honest.warnings


def test_white_letters_on_a_dark_ground_are_seen() -> None:
    for document in (extract(make.white_on_dark(), "pdf"), extract(make.white_on_dark_docx(), "docx")):
        assert "Open to relocation from March" in document.text
        assert "hidden_text_removed" not in document.warnings


def test_no_honest_file_is_accused_of_hiding() -> None:
    accused = [(name, kind) for name, kind in FILES if "hidden_text_removed" in read(name, kind).warnings]
    assert accused == []


# Files that are refused


def test_a_scan_is_refused_with_a_way_out() -> None:
    with pytest.raises(NoTextError, match="paste the text"):
        extract(make.scan(), "pdf")


def test_a_scan_with_recognised_text_is_read_and_marked() -> None:
    document = extract(make.scan(recognised=True), "pdf")
    assert "asha.rao@example.com" in document.text
    assert "scanned_text_layer" in document.warnings
    assert "hidden_text_removed" not in document.warnings


def test_an_encrypted_pdf_is_refused() -> None:
    with pytest.raises(EncryptedDocumentError):
        extract(make.encrypted(), "pdf")


def test_an_encrypted_word_file_is_refused() -> None:
    container = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500 + "EncryptedPackage".encode("utf-16-le")
    with pytest.raises(EncryptedDocumentError):
        extract(container, "docx")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("kind", ["pdf", "docx"])
def test_a_broken_file_is_refused_or_read_but_never_a_crash(kind: str, share: float) -> None:
    data = make.pdf("asha_rao_fresher") if kind == "pdf" else make.docx("asha_rao_fresher")
    with pytest.raises((BrokenDocumentError, NoTextError)):
        extract(data[: int(len(data) * share)], "pdf" if kind == "pdf" else "docx")


def outcome(data: bytes, kind: str) -> str:
    try:
        extract(data, "pdf" if kind == "pdf" else "docx")
    except DocumentRefusedError as refused:
        return refused.code
    return "read"


@pytest.mark.parametrize("kind", ["pdf", "docx"])
def test_any_damage_is_read_or_refused_and_never_a_crash(kind: str) -> None:
    data = make.pdf("maya_chen_pm") if kind == "pdf" else make.docx("asha_rao_fresher")
    outcomes = {outcome(make.damaged(data, seed), kind) for seed in range(80)}
    assert outcomes >= {"document_broken"}
    assert all(found == "read" or found.startswith("document_") for found in outcomes)


def test_a_docx_with_a_part_under_a_password_is_refused() -> None:
    data = bytearray(make.docx("asha_rao_fresher"))
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 8] |= 1
        at = data.find(b"PK\x01\x02", at + 1)
    with pytest.raises(EncryptedDocumentError):
        extract(bytes(data), "docx")


@pytest.mark.parametrize("data", [b"", b"hello", b"\0" * 5000, b"%PDF-1.7\nnot really", b"PK\x03\x04garbage"])
def test_bytes_that_are_no_document_are_refused(data: bytes) -> None:
    for kind in ("pdf", "docx"):
        with pytest.raises(DocumentRefusedError) as refused:
            extract(data, "pdf" if kind == "pdf" else "docx")
        assert refused.value.code.startswith("document_")


def test_a_docx_sent_as_pdf_is_refused_by_name() -> None:
    with pytest.raises(WrongKindError, match="is a DOCX"):
        extract(make.docx("asha_rao_fresher"), "pdf")
    with pytest.raises(WrongKindError, match="is a PDF"):
        extract(make.pdf("asha_rao_fresher"), "docx")


def test_a_zip_that_is_no_word_document_is_refused() -> None:
    with pytest.raises(WrongKindError, match="ZIP archive"):
        extract(make.zipped({"photo.jpg": b"x"}), "docx")


def test_more_pages_than_a_resume_has_are_refused() -> None:
    assert extract(make.many_pages(30), "pdf").pages == 30
    with pytest.raises(DocumentTooLargeError):
        extract(make.many_pages(31), "pdf")


@pytest.mark.parametrize("megabytes", [5, 30, 100])
def test_a_zip_bomb_is_refused(megabytes: int) -> None:
    with pytest.raises(DocumentTooLargeError):
        extract(make.zip_bomb(megabytes), "docx")


def test_more_markup_than_a_resume_has_is_refused_however_little_it_says() -> None:
    assert extract(make.long_winded(3), "docx").text == "Asha Rao, asha@example.com, engineer"
    with pytest.raises(DocumentTooLargeError):
        extract(make.long_winded(6), "docx")


def test_a_page_that_unpacks_without_end_is_refused() -> None:
    with pytest.raises(DocumentTooLargeError):
        extract(make.packed_pdf_bomb(), "pdf")


def test_an_entity_bomb_is_refused() -> None:
    with pytest.raises(BrokenDocumentError):
        extract(make.entity_bomb(), "docx")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_docx_that_declares_entities_is_refused_whatever_they_say(encoding: str) -> None:
    with pytest.raises(BrokenDocumentError):
        extract(make.declared_docx(encoding), "docx")
