"""The AI path without a task's own work on texts: what admission, routing, the SDK, the schema and the log cost."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from ai.parse_resume import TASK, ParseRequest
from tollgate.ai.metered import ask
from tollgate.http.api import Access, Api, entrypoint

app = Api(Access.USER)


@app.post("/api/ai/parse-resume")
def asking() -> Response[dict[str, Any]]:
    answer = ask(app, TASK, {"RESUME": app.body(ParseRequest).text or ""})
    return answer.reply({"resume": answer.output.model_dump(mode="json")})


handler = entrypoint(app)
