"""The same endpoint written plainly, as the application this replaces describes it: check, call, increment.

Six database calls through boto3's resource, four of them before the upstream. It is not safe: two requests at once pass the
same check. It neither validates nor grounds the answer, does not fail over, and gives nothing back.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import boto3
import jwt
import openai
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from bench.context import Context
from bench.ground import Event
from bench.peers import loop
from bench.warm_process import Replay, boto

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

SECRET = os.environ["JWT_SECRET"]
UNLIMITED = 10**9
UPSTREAM = "upstream"

app = APIGatewayHttpResolver()
logger = Logger(service="plain")
dynamodb = boto3.resource("dynamodb")
users = dynamodb.Table(os.environ["USERS_TABLE"])
subscriptions = dynamodb.Table(os.environ["SUBSCRIPTIONS_TABLE"])
logs = dynamodb.Table(os.environ["USAGE_LOGS_TABLE"])
told = loop.job()
made: list[str] = []  # requests to the database, and where the provider is asked
dynamodb.meta.client.meta.events.register_first("before-send.dynamodb", lambda **_: made.append("database"))
client = openai.OpenAI(api_key="bench", base_url=f"{told['upstream']}/v1", max_retries=0)


@app.post("/api/ai/parse-resume")
def parse() -> dict[str, object]:
    token = (app.current_event.headers["authorization"] or "").removeprefix("Bearer ")
    user_id = jwt.decode(token, SECRET, algorithms=["HS256"], options={"enforce_minimum_key_length": False})["sub"]
    now = datetime.now(UTC)
    user: dict[str, Any] = users.get_item(Key={"userId": user_id}).get("Item", {})
    subscriptions.get_item(Key={"userId": user_id, "subscriptionId": "current"})
    rate_key = {"userId": f"rate#{user_id}#{now:%Y%m%d%H}"}
    rate: dict[str, Any] = users.get_item(Key=rate_key).get("Item", {})
    if int(rate.get("calls", 0)) >= UNLIMITED or int(user.get("used", 0)) >= UNLIMITED:
        return {"error": "limit reached"}
    one = {":one": 1}
    users.update_item(Key=rate_key, UpdateExpression="ADD calls :one", ExpressionAttributeValues=one)
    made.append(UPSTREAM)
    answer = client.chat.completions.create(**told["body"])
    users.update_item(Key={"userId": user_id}, UpdateExpression="ADD used :one", ExpressionAttributeValues=one)
    tokens = answer.usage.total_tokens if answer.usage else 0
    logs.put_item(Item={"userId": user_id, "timestamp": now.isoformat(), "action": "resume-parse", "tokens": tokens})
    logger.info("parsed", tokens=tokens)
    return {"resume": json.loads(answer.choices[0].message.content or "{}")}


def handler(event: Event, context: object) -> dict[str, Any]:
    """Lambda's door."""
    return app.resolve(event, cast("LambdaContext", context))


def main() -> None:
    """Serve rounds."""
    event = told["events"][0]
    subject = Replay(boto(dynamodb.meta.client), handler, event, 200) if told["stubbed"] else handler

    def call() -> None:
        reply = subject(event, Context())
        if reply["statusCode"] != HTTPStatus.OK:
            raise RuntimeError(reply["body"])

    def facts() -> dict[str, float]:
        made.clear()
        call()
        return {"database before": made.index(UPSTREAM), "database": made.count("database")}

    loop.serve(call, told["calls"], facts=facts)


if __name__ == "__main__":
    main()
