"""The simulated models' brain: from a schema and a prompt to an answer. The same question gets the same answer."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Final, cast

from local.simulators.llm_lines import WEAK, about_lines
from local.simulators.llm_resume import read

type Json = dict[str, object]

_TOKEN_CHARS: Final = 4
_LONGEST_SKILL: Final = 40
_SIGNS: Final = tuple("-=<#[*~")
_BOUNDARY: Final = re.compile(
    r"[-=<#\[*~]{2,}\s*(?:END\s+)?(?P<label>[A-Za-z ]+?)\s+(?P<token>\w{8,})\s*[->=#\]*~]{2,}\s*"
)

_SKILLS: Final = {
    "Programming languages": "python java javascript typescript go golang rust kotlin swift php ruby scala c++"
    " c# sql r",
    "Frameworks": "django flask fastapi spring react angular vue next.js node.js express laravel rails .net"
    " pytorch tensorflow pandas numpy",
    "Cloud and infrastructure": "aws azure gcp docker kubernetes terraform lambda linux jenkins ansible helm nginx"
    " ci/cd serverless cloudformation",
    "Data and storage": "postgresql postgres mysql mongodb dynamodb redis kafka spark airflow snowflake elasticsearch"
    " hadoop etl",
    "Tools": "git jira excel tableau figma photoshop salesforce sap tally powerbi postman selenium pytest graphql rest"
    " grpc microservices",
    "People and process": "leadership communication agile scrum mentoring negotiation teamwork recruitment marketing"
    " sales accounting gst stakeholder planning",
}
_CATEGORY_OF: Final = {skill: name for name, skills in _SKILLS.items() for skill in skills.split()}


def tokens(text: str) -> int:
    """How many tokens a text counts: four characters make one, begun ones count."""
    return -(-len(text) // _TOKEN_CHARS)


def answer(schema: Json, user: str) -> str:
    """The JSON text of an answer that fits the schema (JSON Schema, or Gemini's in either spelling)."""
    facts = _facts(documents(user))
    return json.dumps(_fit(schema, facts, "", facts), ensure_ascii=False)


def documents(user: str) -> dict[str, str]:
    """What stands between boundary lines (`<<<LABEL token>>>` to `<<<END LABEL token>>>`), by label in small letters.

    Without such lines the whole prompt is the resume.
    """
    found: dict[str, str] = {}
    label, token, inside = "", "", list[str]()
    for line in user.splitlines():
        mark = _BOUNDARY.fullmatch(line) if line[:1] in _SIGNS else None
        if mark and token and mark["token"] == token:
            found[label] = "\n".join(inside)
            token = ""
        elif mark and not token:
            label, token, inside = mark["label"].lower(), mark["token"], []
        elif token:
            inside.append(line)
    return found or {"resume": user}


def _facts(given: dict[str, str]) -> Json:
    """Everything the brain can say about the texts, under the names that schemas use."""
    resume = given.get("resume") or next((text for text in given.values()), "")
    job, role = given.get("job", ""), given.get("target role", "")
    parsed, text = _parsed(resume), _as_text(resume)
    have, wanted = _skills_in(text), _skills_in(job)
    matched, missing = [each for each in wanted if each in have], [each for each in wanted if each not in have]
    better, changes = _enhanced(given.get("content") or text)
    found = about_lines(given.get("findings", ""))
    worded = cast("list[Json]", found.get("suggestions", []))
    advice = found.get("advice") or [each["text"] for each in worded]
    advice = advice or [f"If you have worked with {each}, say where." for each in missing[:5]]
    listed = _words(given["skills"]) if "skills" in given else have or _words(text)
    return parsed | {
        "resume": parsed,
        "warnings": [],
        "content": better,
        "changes": changes,
        "edits": about_lines(given.get("content", ""))["edits"],
        "summaries": _summaries(parsed, have, role),
        "categories": _categories(listed),
        "score": round(100 * len(matched) / len(wanted)) if wanted else 50,
        "matched": matched,
        "missing": missing,
        "suggestions": worded or [{"number": at, "text": text} for at, text in enumerate(cast("list[str]", advice), 1)],
        "advice": advice or ["Put a number on your strongest result."],
        "letter": _letter(parsed, matched or have, job, given.get("company", "")),
        "text": text,
    }


def _parsed(resume: str) -> Json:
    try:
        found = json.loads(resume)
    except (ValueError, RecursionError):
        return read(resume)
    return cast("Json", found) if isinstance(found, dict) else read(_as_text(resume))


def _as_text(document: str) -> str:
    """The document as lines; a JSON document as the texts in it."""
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        return document
    return "\n".join(_leaves(found))


def _leaves(value: object) -> list[str]:
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in _leaves(each)]
    if isinstance(value, list):
        return [leaf for each in value for leaf in _leaves(each)]
    return [] if value is None else [str(value)]


def _skills_in(text: str) -> list[str]:
    """Known skills in the order of their appearance, written as the text writes them."""
    seen: dict[str, str] = {}
    for word in re.findall(r"[A-Za-z.+#/]+[A-Za-z+#]|\b[Rr]\b", text):
        if word.lower() in _CATEGORY_OF:
            seen.setdefault(word.lower(), word)
    return list(seen.values())


def _words(text: str) -> list[str]:
    parts = (part.strip() for part in re.split(r"[,;\n|]", text))
    return list(dict.fromkeys(part for part in parts if 1 < len(part) <= _LONGEST_SKILL))


def _categories(skills: list[str]) -> list[object]:
    groups: dict[str, list[str]] = {}
    for skill in skills:
        groups.setdefault(_CATEGORY_OF.get(skill.lower(), "Other"), []).append(skill)
    return [{"name": name, "skills": members, "keywords": members} for name, members in groups.items()]


def _enhanced(text: str) -> tuple[str, list[str]]:
    """The text with stronger openings, and what changed. Adds no fact."""
    lines, changes = [], []
    for line in text.strip().splitlines():
        body = re.sub(r"^\s*(?:[-*•]\s*)?", "", line)
        lead = line[: len(line) - len(body)]
        weak = next((phrase for phrase in WEAK if body.lower().startswith(f"{phrase} ")), None)
        if weak:
            changes.append(f"Replaced “{body[: len(weak)]}” by “{WEAK[weak]}”.")
            body = WEAK[weak] + body[len(weak) :]
        if body.split(" ")[0].isalpha():  # not an address
            body = body[:1].upper() + body[1:]
        lines.append(lead + body)
    return "\n".join(lines), changes or ["Checked the wording; capitalised the beginnings of sentences."]


def _summaries(resume: Json, skills: list[str], role: str) -> list[str]:
    label = _label(resume)
    known = ", ".join(skills[:4]) or "the field"
    recent = cast("list[Json]", resume.get("work") or [{}])[0]
    where = f", most recently at {recent['name']}" if recent.get("name") else ""
    return [
        f"{label} with hands-on experience in {known}{where}.",
        f"{label} who turns requirements into working results{where}; at home in {known}.",
        f"Practised in {known}. {label} looking for {role or 'the next responsibility'}.",
    ]


def _label(resume: Json) -> str:
    basics = resume.get("basics")
    first = cast("list[Json]", resume.get("work") or [{}])[0]
    label = basics.get("label") if isinstance(basics, dict) else None
    return str(label or first.get("position") or "Professional")


def _letter(resume: Json, skills: list[str], job: str, company: str) -> str:
    basics = resume.get("basics")
    name = basics.get("name") if isinstance(basics, dict) else None
    named = re.search(r"(?:company|at|join)\s*:?\s+([A-Z][\w&]*(?:\s[A-Z][\w&]*){0,2})", job)
    to = company or (named[1] if named else "your company")
    return (
        f"Dear hiring team,\n\nI am applying for the position at {to}. As a {_label(resume).lower()} I have worked"
        f" with {', '.join(skills[:5]) or 'the tools you name'}, and I would bring that experience to your team.\n\n"
        f"I would be glad to talk about it.\n\nYours sincerely,\n{name or 'The applicant'}"
    )


def _fit(node: Json, value: object, name: str, facts: Json) -> object:
    """The value in the schema's shape; what is missing is filled in from the facts, by name."""
    kind, nullable = _kind(node)
    if "enum" in node:
        choices = [each for each in cast("list[object]", node["enum"]) if each is not None]
        return value if value in choices else (None if nullable and value is None else choices[0])
    if value is None and nullable:
        return None
    return _SHAPES[kind](node, value, name, facts)


def _kind(node: Json) -> tuple[str, bool]:
    """The type in lower case, and whether null may stand for it. Gemini's old client sends types as numbers."""
    numbered = ["", "string", "number", "integer", "boolean", "array", "object"]
    found, nullable = node.get("type", node.get("type_", "string")), bool(node.get("nullable"))
    if isinstance(found, list):
        return str(next(each for each in found if each != "null")), True
    if isinstance(found, int):
        return numbered[found], nullable
    return str(found).lower(), nullable


def _object(node: Json, value: object, _name: str, facts: Json) -> Json:
    fields = cast("dict[str, Json]", node.get("properties", {}))
    given = cast("Json", value) if isinstance(value, dict) else {}
    return {
        name: _fit(field, given.get(name, _fallback(field, name, facts, known=bool(given))), name, facts)
        for name, field in fields.items()
    }


def _fallback(field: Json, name: str, facts: Json, *, known: bool) -> object:
    """What to say under a name that the facts do not have: nothing where nothing may stand."""
    if name in facts and not known:
        return facts[name]
    kind, _ = _kind(field)
    return {} if kind == "object" and not known else None


def _array(node: Json, value: object, name: str, facts: Json) -> list[object]:
    items = cast("Json", node.get("items", {}))
    given = value if isinstance(value, list) else facts.get(name)
    return [_fit(items, each, name, facts) for each in given] if isinstance(given, list) else []


def _string(_node: Json, value: object, _name: str, _facts: Json) -> str:
    if isinstance(value, dict):
        return str(value.get("name") or value.get("text") or "")
    return "" if value is None else str(value)


def _number(_node: Json, value: object, name: str, facts: Json) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    seed = sha256(f"{name}{facts['text']}".encode()).digest()[0]
    return seed % 101 if "score" in name.lower() else seed % 10


def _boolean(_node: Json, value: object, _name: str, _facts: Json) -> bool:
    return bool(value)


_SHAPES: Final = {
    "object": _object,
    "array": _array,
    "string": _string,
    "number": _number,
    "integer": _number,
    "boolean": _boolean,
}
