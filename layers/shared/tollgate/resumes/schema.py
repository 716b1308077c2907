"""A resume in the names of JSON Resume 1.0.0: what providers must answer, and what callers may send.

One set of models serves both. Providers see every field required and nullable; `tolerant` brings what people send
(older names, missing fields, single words for lists) into that shape first. Lengths are cut, not refused: a long
highlight is no reason to fail a parse that was paid for.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from tollgate.resumes.dates import partial_date

_LINE: Final = 200  # characters
_PROSE: Final = 3_000
_MAX_ENTRIES: Final = 40
_MAX_ITEMS: Final = 60
_EMPTY: Final = frozenset({"", "-", "n/a", "na", "none", "null", "nil", "unknown", "not specified", "not provided"})
_LONGEST_EMPTY: Final = max(map(len, _EMPTY))


def _words(value: object) -> object:
    """Numbers as text (a score of 8.7), white space as single spaces, nothing as None."""
    if not isinstance(value, str):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        value = str(value)
    text = " ".join(value.split())
    return None if len(text) <= _LONGEST_EMPTY and text.lower() in _EMPTY else text


def _cut(limit: int) -> Callable[[object], object]:
    def cut(value: object) -> object:
        text = _words(value)
        if not isinstance(text, str) or len(text) <= limit:
            return text
        return text[:limit].rpartition(" ")[0] or text[:limit]

    return cut


def _date(value: object) -> object:
    text = _words(value)
    return partial_date(text) if isinstance(text, str) else text


def _url(value: object) -> object:
    """Web addresses only: a `javascript:` link in a resume is an attack on whoever shows it."""
    text = _words(value)
    if not isinstance(text, str) or len(text) > 300:  # noqa: PLR2004 -- characters
        return None if isinstance(text, str) else text
    scheme, colon, _ = text.partition(":")
    named = bool(colon) and scheme.replace("+", "").replace("-", "").isalpha() and "." not in scheme
    return None if " " in text or (named and scheme.lower() not in ("http", "https")) else text


def _at_most(limit: int) -> Callable[[object], object]:
    def cut(value: object) -> object:
        if not isinstance(value, list):
            return value
        return [item for item in value if item is not None and _words(item) is not None][:limit]

    return cut


type Line = Annotated[str | None, BeforeValidator(_cut(_LINE))]
type Prose = Annotated[str | None, BeforeValidator(_cut(_PROSE))]
type Url = Annotated[str | None, BeforeValidator(_url)]
type PartialDate = Annotated[str | None, BeforeValidator(_date)]
type _Item = Annotated[str, BeforeValidator(_cut(_LINE))]
type _Sentence = Annotated[str, BeforeValidator(_cut(600))]
type Words = Annotated[list[_Item], BeforeValidator(_at_most(_MAX_ITEMS))]
type Sentences = Annotated[list[_Sentence], BeforeValidator(_at_most(_MAX_ITEMS))]
type Entries[T] = Annotated[list[T], BeforeValidator(_at_most(_MAX_ENTRIES))]


class _Part(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        strict=True,
        frozen=True,
        extra="ignore",
    )


class Location(_Part):
    city: Line
    region: Line
    country_code: Line


class Profile(_Part):
    network: Line
    username: Line
    url: Url


class Basics(_Part):
    name: Line
    label: Line
    email: Line
    phone: Line
    url: Url
    summary: Prose
    location: Location | None
    profiles: Entries[Profile]


class Work(_Part):
    name: Line
    position: Line
    location: Line
    start_date: PartialDate
    end_date: PartialDate
    summary: Prose
    highlights: Sentences


class Education(_Part):
    institution: Line
    area: Line
    study_type: Line
    start_date: PartialDate
    end_date: PartialDate
    score: Line
    courses: Words


class Skill(_Part):
    name: Line
    level: Line
    keywords: Words


class Project(_Part):
    name: Line
    description: Prose
    highlights: Sentences
    keywords: Words
    start_date: PartialDate
    end_date: PartialDate
    url: Url


class Certificate(_Part):
    name: Line
    issuer: Line
    date: PartialDate
    url: Url


class Award(_Part):
    title: Line
    awarder: Line
    date: PartialDate
    summary: Prose


class Publication(_Part):
    name: Line
    publisher: Line
    release_date: PartialDate
    url: Url


class Language(_Part):
    language: Line
    fluency: Line


class Volunteer(_Part):
    organization: Line
    position: Line
    start_date: PartialDate
    end_date: PartialDate
    summary: Prose
    highlights: Sentences


class Interest(_Part):
    name: Line
    keywords: Words


class Reference(_Part):
    name: Line
    reference: Prose


class Resume(_Part):
    basics: Basics
    work: Entries[Work]
    education: Entries[Education]
    skills: Entries[Skill]
    projects: Entries[Project]
    certificates: Entries[Certificate]
    awards: Entries[Award]
    publications: Entries[Publication]
    languages: Entries[Language]
    volunteer: Entries[Volunteer]
    interests: Entries[Interest]
    references: Entries[Reference]


# What people send

_OLDER_NAMES: Final[dict[type[BaseModel], dict[str, str]]] = {
    Basics: {"website": "url", "title": "label", "picture": ""},
    Work: {"company": "name", "employer": "name", "title": "position", "description": "summary", "website": ""},
    Education: {"gpa": "score", "cgpa": "score", "school": "institution", "degree": "studyType"},
    Project: {"title": "name", "summary": "description", "website": "url"},
    Certificate: {"title": "name"},
    Award: {"name": "title"},
    Publication: {"title": "name", "website": "url"},
    Language: {"name": "language", "level": "fluency"},
    Resume: {"certifications": "certificates", "experience": "work"},
}


def tolerant(value: object) -> object:
    """A JSON Resume as people write it, in the strict shape: what is missing is null or an empty list."""
    return _shaped(value, Resume) if isinstance(value, dict) else value


def _shaped(value: object, model: type[BaseModel]) -> object:
    names = _parts(model)
    if isinstance(value, str):  # "skills": ["Java"] stands for [{"name": "Java"}]
        value = {next(iter(names)): value}
    if not isinstance(value, dict):
        return value
    known = {name: part for name, part in value.items() if name in names and part is not None}
    for older, name in _OLDER_NAMES.get(model, {}).items():
        if name and older in value and name not in known:
            known[name] = value[older]
    return {name: _filled(known.get(name), *part) for name, part in names.items()}


@cache  # taking types apart costs ten times what shaping a resume does
def _parts(model: type[BaseModel]) -> Mapping[str, tuple[type[BaseModel] | None, bool]]:
    """Its fields, each with the model inside and whether it is a list."""
    return {field.alias or name: _kind(field.annotation) for name, field in model.model_fields.items()}


def _filled(value: object, inner: type[BaseModel] | None, many: bool) -> object:  # noqa: FBT001 -- as `_parts` has it
    if many:
        return [_shaped(item, inner) if inner else item for item in _items(value, inner)]
    if inner is None or (value is None and inner is not Basics):
        return value
    return _shaped({} if value is None else value, inner)


def _items(value: object, inner: type[BaseModel] | None) -> list[object]:
    """A list, whatever was sent for one: nothing, one thing, or lines of text."""
    if isinstance(value, list):
        return value
    if inner is None and isinstance(value, str):
        return [line.removeprefix("- ") for line in value.splitlines()]
    return [] if value is None else [value]


def _kind(hint: Any) -> tuple[type[BaseModel] | None, bool]:  # noqa: ANN401 -- a type, as typing describes it
    """The model inside a field's type, if there is one, and whether the field is a list."""
    many, inside = False, [hint]
    while inside:
        part = inside.pop()
        many = many or get_origin(part) is list
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part, many
        inside.extend(_opened(part))
    return None, many


def _opened(hint: Any) -> list[Any]:  # noqa: ANN401 -- likewise
    """What a type alias stands for, or the arguments of a generic."""
    origin = get_origin(hint)
    alias = origin if hasattr(origin, "__value__") else hint
    return [*get_args(hint), *([alias.__value__] if hasattr(alias, "__value__") else [])]


def _resume_or_text(value: object) -> object:
    return value.strip() if isinstance(value, str) else tolerant(value)


def _not_empty[T: Resume | str](value: T) -> T:
    filled = (
        bool(value) if isinstance(value, str) else any(value.model_dump(exclude={"basics"}).values()) or _named(value)
    )
    if not filled:
        raise ValueError("the resume is empty")
    return value


def _named(resume: Resume) -> bool:
    basics = resume.basics
    return any((basics.name, basics.label, basics.email, basics.summary))


type ResumeInput = Annotated[Resume, BeforeValidator(tolerant), AfterValidator(_not_empty)]
"""A JSON Resume object in a request body."""

type ResumeOrText = Annotated[Resume | str, BeforeValidator(_resume_or_text), AfterValidator(_not_empty)]
"""A JSON Resume object or plain text in a request body."""
