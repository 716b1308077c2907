"""POST /api/ai/generate-summary: two or three summaries for the head of a resume. Costs no unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from aws_lambda_powertools.event_handler import Response
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from tollgate.ai import inputs, mix, outputs
from tollgate.ai.metered import Task, ask
from tollgate.app import build_ai
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.bodies import Body
from tollgate.http.idempotency import replayable
from tollgate.metering import Action
from tollgate.resumes.schema import ResumeOrText

MOST: Final = 3
ENOUGH: Final = 2


def _some(texts: list[str]) -> list[str]:
    if not any(texts):
        raise ValueError("no summary")
    return outputs.several(texts)


class Summaries(BaseModel):
    """What the model answers."""

    model_config = ConfigDict(strict=True)

    summaries: Annotated[list[outputs.Paragraph], BeforeValidator(outputs.at_most(MOST)), AfterValidator(_some)]


TASK = Task(
    action=Action.GENERATE_SUMMARY,
    instructions=(
        "You write the summary at the head of a resume: three variants of at most 45 words each, in the language of the "
        "resume, without first person. One leads with experience, one with results, one with strengths. Use only facts and "
        "figures that RESUME states; add up no years. TARGET ROLE, where given, is the job to write towards."
    ),
    answer=Summaries,
    max_output_tokens=400,
    affinity=mix.ALWAYS,
)


class SummaryRequest(Body):
    """The resume, and the role the summary should suit."""

    resume: ResumeOrText
    target_role: inputs.FewWords | None = None


app = Api(Access.USER, largest_body=inputs.LARGEST_TEXTS)


@app.post("/api/ai/generate-summary", middlewares=[replayable])
def summarise() -> Response[dict[str, Any]]:
    body = app.body(SummaryRequest)
    resume = inputs.resume_text(body.resume).text
    data = inputs.given(resume=inputs.for_model(resume), target_role=body.target_role)
    answer = ask(app, TASK, data)
    summaries, warnings = checked(answer.output.summaries, resume, body.target_role or "")
    return answer.reply({"summaries": summaries, "warnings": warnings})


def checked(summaries: Sequence[str], resume: str, role: str) -> tuple[list[str], list[str]]:
    """The summaries that hold to the resume; where fewer than two do, the others follow with what they made up."""
    texts = [outputs.without_addresses(text, resume) for text in summaries]
    claims = {text: outputs.unsupported(text, resume, role) for text in texts}
    kept = sorted(claims, key=lambda text: bool(claims[text]))
    faithful = [text for text in kept if not claims[text]]
    kept = faithful if len(faithful) >= ENOUGH else kept
    return kept, [each for at, text in enumerate(kept) for each in outputs.warnings(f"summaries[{at}]", claims[text])]


handler = entrypoint(app, build_ai)
