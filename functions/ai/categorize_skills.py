"""POST /api/ai/categorize-skills: skills in groups, each skill in exactly one. Costs no unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tollgate.ai import inputs, mix, outputs
from tollgate.ai.metered import Task, ask
from tollgate.app import build_ai
from tollgate.errors import InvalidRequest
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.bodies import Body
from tollgate.http.idempotency import replayable
from tollgate.metering import Action
from tollgate.resumes.schema import Resume, ResumeOrText

MOST_SKILLS: Final = 150  # sent to a model; what a resume lists beyond goes under Other
MOST_GROUPS: Final = 15
OTHER: Final = "Other"


class Group(BaseModel):
    """A group and the skills in it."""

    model_config = ConfigDict(strict=True)

    name: outputs.Name
    skills: Annotated[list[outputs.Name], BeforeValidator(outputs.at_most(MOST_SKILLS))]


class Groups(BaseModel):
    """What the model answers."""

    model_config = ConfigDict(strict=True)

    categories: Annotated[list[Group], BeforeValidator(outputs.at_most(MOST_GROUPS * 2))]


TASK = Task(
    action=Action.CATEGORIZE_SKILLS,
    instructions=(
        "You put skills into three to eight groups as a recruiter of that trade would name them, such as Programming "
        "Languages, Clinical Skills or Accounting. SKILLS holds one skill a line: use each exactly once, spelled as it "
        "stands. Where RESUME is given instead, use the skills that it names, spelled as it spells them, and no others."
    ),
    answer=Groups,
    max_output_tokens=900,
    affinity=mix.LAST,
)


class SkillsRequest(Body):
    """A list of skills, or a resume that names them."""

    skills: Annotated[list[inputs.FewWords], Field(min_length=1, max_length=MOST_SKILLS)] | None = None
    resume: ResumeOrText | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> SkillsRequest:
        if (self.skills is None) == (self.resume is None):
            raise ValueError("send either skills or resume")
        return self


app = Api(Access.USER, largest_body=inputs.LARGEST_TEXTS)


@app.post("/api/ai/categorize-skills", middlewares=[replayable])
def categorize() -> Response[dict[str, Any]]:
    body = app.body(SkillsRequest)
    skills = listed(body)
    text = "" if skills else inputs.resume_text(body.resume or "").text
    shown = {"SKILLS": _shown(skills)} if skills else {"RESUME": inputs.for_model(text)}
    answer = ask(app, TASK, shown)
    groups = answer.output.categories
    return answer.reply({"categories": grouped(groups, skills or named_in(text, groups))})


def listed(body: SkillsRequest) -> list[str]:
    """The skills given one by one, each once; none where the resume has to be read for them."""
    if body.skills is not None:
        skills = _distinct(body.skills)
        if not skills:
            raise InvalidRequest(
                "There is no skill.", errors=[{"field": "skills", "message": "holds nothing to group"}]
            )
        return skills
    return _distinct(_skills_of(body.resume)) if isinstance(body.resume, Resume) else []


def _shown(skills: Sequence[str]) -> str:
    """The skills as a model sees them; what is personal among them goes under Other unseen."""
    shown = [skill for skill in skills[:MOST_SKILLS] if inputs.impersonal(skill) == skill]
    return inputs.for_model("\n".join(shown), "skills")


def _skills_of(resume: Resume) -> Iterable[str]:
    """A skill with keywords is a group's name already, and its keywords are the skills."""
    for skill in resume.skills:
        yield from skill.keywords or filter(None, [skill.name])


def named_in(text: str, groups: Sequence[Group]) -> list[str]:
    """The skills of the answer that the text names; a model may not add any."""
    said = _key(text)
    return _distinct(skill for group in groups for skill in group.skills if _key(skill) and _key(skill) in said)


def grouped(groups: Sequence[Group], skills: Sequence[str]) -> list[dict[str, Any]]:
    """Every skill exactly once: where the answer first puts it, or under Other."""
    left = {_key(skill): skill for skill in skills}
    found: dict[str, list[str]] = {}
    for group in groups:
        name = group.name if group.name and (group.name in found or len(found) < MOST_GROUPS) else OTHER
        taken = [left.pop(_key(skill)) for skill in group.skills if _key(skill) in left]
        if taken:
            found.setdefault(name, []).extend(taken)
    others = found.pop(OTHER, []) + list(left.values())
    if others:
        found[OTHER] = others
    return [{"name": name, "skills": members} for name, members in found.items()]


def _distinct(skills: Iterable[str]) -> list[str]:
    seen: dict[str, str] = {}
    for skill in skills:
        if skill:
            seen.setdefault(_key(skill), skill)
    return list(seen.values())


def _key(text: str) -> str:
    return " ".join(text.casefold().split())


handler = entrypoint(app, build_ai)
