"""Both ways to DynamoDB do the same: the thin engine and boto3, on a real engine and on a wire that fails."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from local import database, tables
from tests.contracts import wire
from tests.contracts.wire import DROP, HANG, Say, Wire, error
from tollgate import clock, ids
from tollgate.config import Settings, settings
from tollgate.store import dynamodb
from tollgate.store.boto import Boto
from tollgate.store.dynamodb import ATTEMPTS, DatabaseError, Engine, UnreachableError, send
from tollgate.store.signing import Credentials
from tollgate.store.thin import Thin

TABLE = "Things"
REGION = "ap-south-1"
SECONDS = 0.3  # to read an answer, where the test waits for it in vain
WHO = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_SESSION_TOKEN": "a session's",
    "AWS_REGION": REGION,
}
GET = {"TableName": TABLE, "Key": {"id": {"S": "1"}}}

type Json = dict[str, Any]
type Make = Callable[[str], Engine]


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """The process's environment with these, and afterwards as before."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def thin(url: str, **options: Any) -> Thin:  # noqa: ANN401 -- the engine's own
    made = {"read_seconds": SECONDS, "pause": lambda _seconds: None, **options}
    return Thin(Credentials("local", "local", "a session's"), REGION, url, **made)


def boto(url: str) -> Boto:
    with environment(**WHO, AWS_DEFAULT_REGION=REGION, AWS_ENDPOINT_URL_DYNAMODB=url):
        return Boto(read_seconds=SECONDS)


@pytest.fixture(params=[thin, boto])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes the engine that is tried; closes what it made."""
    made: list[Engine] = []

    def build(url: str) -> Engine:
        made.append(request.param(url))
        return made[-1]

    yield build
    for each in made:
        each.close()


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    """A real engine with one table."""
    with database.running() as found:
        raw = tables.client(found.endpoint)
        raw.create_table(
            TableName=TABLE,
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "owner")],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "owners",
                    "KeySchema": [
                        {"AttributeName": "owner", "KeyType": "HASH"},
                        {"AttributeName": "id", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        raw.close()
        yield found.endpoint


@pytest.fixture
def engine(make: Make, place: str) -> Engine:
    return make(place)


@pytest.fixture
def line() -> Iterator[Wire]:
    with wire.running() as made:
        yield made


def key() -> Json:
    return {"id": {"S": ids.token(12)}}


def put(engine: Engine, item: Json, **more: object) -> Json:
    return engine("put_item", {"TableName": TABLE, "Item": item, **more})


def item_of(engine: Engine, its: Json) -> Json | None:
    return engine("get_item", {"TableName": TABLE, "Key": its, "ConsistentRead": True}).get("Item")


def fails(engine: Engine, operation: str, request: Mapping[str, Any]) -> DatabaseError:
    with pytest.raises(DatabaseError) as caught:
        engine(operation, request)
    return caught.value


# On a real engine


def test_an_item_is_kept_as_it_was_written(engine: Engine) -> None:
    its = key()
    item = {
        **its,
        "name": {"S": '₹ — मुद्रा 😀 "quoted" \\ \u2028 \x00'},
        "count": {"N": "12345678901234567890"},
        "flags": {"L": [{"BOOL": True}, {"NULL": True}, {"M": {"": {"S": ""}}}]},
        "long": {"S": "x" * 300_000},
    }
    assert put(engine, item) == {}
    assert item_of(engine, its) == item
    assert item_of(engine, key()) is None


def test_what_was_deleted_is_gone(engine: Engine) -> None:
    its = key()
    put(engine, its)
    engine("delete_item", {"TableName": TABLE, "Key": its})
    assert item_of(engine, its) is None


def test_an_update_tells_the_new_item(engine: Engine) -> None:
    its = key()
    put(engine, {**its, "n": {"N": "1"}})
    answer = engine(
        "update_item",
        {
            "TableName": TABLE,
            "Key": its,
            "UpdateExpression": "SET n = n + :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            "ReturnValues": "ALL_NEW",
        },
    )
    assert answer == {"Attributes": {**its, "n": {"N": "2"}}}


@pytest.mark.parametrize("told", [True, False])
def test_a_condition_that_does_not_hold_tells_what_was_there_if_asked(engine: Engine, told: bool) -> None:  # noqa: FBT001 -- a case
    item = {**key(), "n": {"N": "1"}}
    put(engine, item)
    wish = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if told else {}
    request = {"TableName": TABLE, "Item": item, "ConditionExpression": "attribute_not_exists(id)", **wish}
    failed = fails(engine, "put_item", request)
    assert (failed.code, failed.status) == ("ConditionalCheckFailedException", 400)
    assert failed.item == (item if told else None)
    assert failed.reasons == ()


def test_a_transaction_is_done_as_a_whole(engine: Engine) -> None:
    first, second = key(), key()
    puts = [{"Put": {"TableName": TABLE, "Item": each}} for each in (first, second)]
    assert engine("transact_write_items", {"TransactItems": puts, "ClientRequestToken": ids.token(24)}) == {}
    assert (item_of(engine, first), item_of(engine, second)) == (first, second)


def test_a_cancelled_transaction_says_of_each_write_why_and_does_none(engine: Engine) -> None:
    there, new = {**key(), "n": {"N": "7"}}, key()
    put(engine, there)
    condition = {"ConditionExpression": "attribute_not_exists(id)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    puts = [
        {"Put": {"TableName": TABLE, "Item": new}},
        {"Put": {"TableName": TABLE, "Item": there, **condition}},
    ]
    failed = fails(engine, "transact_write_items", {"TransactItems": puts})
    assert failed.code == "TransactionCanceledException"
    assert [reason["Code"] for reason in failed.reasons] == ["None", "ConditionalCheckFailed"]
    assert [reason.get("Item") for reason in failed.reasons] == [None, there]
    assert item_of(engine, new) is None


def test_pages_follow_each_other(engine: Engine) -> None:
    owner = {"owner": {"S": ids.token(12)}}
    for number in range(5):
        put(engine, {"id": {"S": f"{owner['owner']['S']}-{number}"}, **owner})
    request = {
        "TableName": TABLE,
        "IndexName": "owners",
        "KeyConditionExpression": "#owner = :owner",
        "ExpressionAttributeNames": {"#owner": "owner"},
        "ExpressionAttributeValues": {":owner": owner["owner"]},
        "Limit": 3,
    }
    first = engine("query", request)
    second = engine("query", {**request, "ExclusiveStartKey": first["LastEvaluatedKey"]})
    assert (first["Count"], second["Count"]) == (3, 2)
    assert [each["id"]["S"][-1] for each in (*first["Items"], *second["Items"])] == list("01234")
    assert "LastEvaluatedKey" not in second


def test_several_items_are_read_at_once(engine: Engine) -> None:
    items = [key() for _ in range(3)]
    for each in items:
        put(engine, each)
    answer = engine("batch_get_item", {"RequestItems": {TABLE: {"Keys": [*items, key()]}}})
    assert sorted(each["id"]["S"] for each in answer["Responses"][TABLE]) == sorted(each["id"]["S"] for each in items)
    assert answer["UnprocessedKeys"] == {}


def test_a_table_that_is_not_there_and_a_request_that_makes_no_sense_are_refused(engine: Engine) -> None:
    assert fails(engine, "get_item", {"TableName": "Nothing", "Key": key()}).code == "ResourceNotFoundException"
    odd = {"TableName": TABLE, "Key": key(), "UpdateExpression": "SET n = :missing"}
    refused = fails(engine, "update_item", odd)
    assert (refused.code, refused.status) == ("ValidationException", 400)
    assert refused.message


# On a wire


def test_requests_follow_each_other_on_one_connection(make: Make, line: Wire) -> None:
    asking = make(line.url)
    for _ in range(20):
        assert asking("get_item", GET) == {}
    assert (line.connections, len(line.requests)) == (1, 20)


def test_a_request_is_json_signed_for_the_session(make: Make, line: Wire) -> None:
    make(line.url)("get_item", GET)
    headers, _ = line.requests[0]
    assert line.bodies() == [GET]
    assert headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert headers["x-amz-security-token"] == "a session's"
    assert headers["host"] == line.url.removeprefix("http://")
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=local/")
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, " in headers["authorization"]


@pytest.mark.parametrize(
    "stumble",
    [
        error("InternalServerError", 500),
        Say(503, b"<html>not here</html>"),
        error("ProvisionedThroughputExceededException"),
        error("ThrottlingException"),
        error("RequestLimitExceeded"),
        error("TransactionInProgressException"),
        DROP,
        HANG,
        Say(200, b'{"Item": {}}', ends="half"),
    ],
    ids=lambda plan: plan if isinstance(plan, str) else f"{plan.status} {plan.body[:60]!r} {plan.ends}",
)
def test_what_may_pass_is_tried_again(make: Make, line: Wire, stumble: wire.Plan) -> None:
    line.plan = [stumble, Say(200, b'{"Item": {"id": {"S": "1"}}}')]
    assert make(line.url)("get_item", GET) == {"Item": GET["Key"]}
    assert line.bodies() == [GET, GET]


@pytest.mark.parametrize("status", [400, 500])
def test_what_does_not_pass_is_given_up_after_some_attempts(make: Make, line: Wire, status: int) -> None:
    code = "ThrottlingException" if status == 400 else "InternalServerError"
    line.plan = [error(code, status)] * 9
    failed = fails(make(line.url), "get_item", GET)
    assert (failed.code, failed.status, failed.message, len(line.requests)) == (code, status, "so planned", ATTEMPTS)


def test_what_stands_between_us_and_dynamodb_fails_under_its_status(make: Make, line: Wire) -> None:
    line.plan = [Say(502, b"<html>bad gateway</html>")] * ATTEMPTS
    failed = fails(make(line.url), "get_item", GET)
    assert (failed.code, failed.status, failed.is_the_services) == ("502", 502, True)


@pytest.mark.parametrize(
    "code", ["ConditionalCheckFailedException", "ValidationException", "TransactionCanceledException"]
)
def test_a_refusal_is_not_tried_again(make: Make, line: Wire, code: str) -> None:
    line.plan = [error(code)]
    assert fails(make(line.url), "get_item", GET).code == code
    assert len(line.requests) == 1


@pytest.mark.parametrize("plan", [HANG, DROP])
def test_who_gives_no_answer_is_unreachable(make: Make, line: Wire, plan: wire.Plan) -> None:
    line.plan = [plan] * 9
    with pytest.raises(UnreachableError):
        make(line.url)("get_item", GET)


def test_where_nobody_listens_is_unreachable(make: Make) -> None:
    with pytest.raises(UnreachableError):
        make("http://127.0.0.1:9")("get_item", GET)


@pytest.mark.parametrize("ends", ["announced", "silently"])
def test_a_connection_that_was_closed_meanwhile_is_replaced_by_a_new_one(make: Make, line: Wire, ends: str) -> None:
    line.plan = [Say(ends=ends)] * 3
    asking = make(line.url)
    for _ in range(3):
        asking("get_item", GET)
    assert (line.connections, len(line.requests)) == (3, 3)


# The thin engine alone


@pytest.mark.parametrize("body", [b"no json", b"", b"[]", b'"text"', b"\xff"])
def test_what_is_no_answer_of_dynamodbs_is_none(line: Wire, body: bytes) -> None:
    line.plan = [Say(200, body)] * ATTEMPTS
    with closing_thin(line.url) as asking, pytest.raises(UnreachableError):
        asking("get_item", GET)  # where boto3 would make an empty answer of it: no item, no user, no order


def test_the_waits_grow_and_are_longer_for_the_throttled(line: Wire) -> None:
    waits: list[float] = []
    with closing_thin(line.url, pause=waits.append) as asking:
        for _ in range(200):
            line.plan = [error("InternalServerError", 500)] * 2
            asking("get_item", GET)
        failed = list(waits)
        waits.clear()
        for _ in range(200):
            line.plan = [error("ThrottlingException")] * 2
            asking("get_item", GET)
    for found, first in ((failed, 0.025), (waits, 1.0)):
        assert first / 2 < max(found[::2]) <= first
        assert first < max(found[1::2]) <= 2 * first


@contextmanager
def closing_thin(url: str, **options: Any) -> Iterator[Thin]:  # noqa: ANN401 -- the engine's own
    made = thin(url, **options)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("hours", [-7, 3])
def test_a_clock_that_is_wrong_is_set_by_dynamodbs_once(line: Wire, hours: int) -> None:
    theirs = datetime(2026, 11, 23, 10, tzinfo=UTC)
    refused = error("InvalidSignatureException")
    line.plan = [Say(400, refused.body, date=format_datetime(theirs, usegmt=True))]
    with closing_thin(line.url, now=lambda: theirs + timedelta(hours=hours)) as asking:
        asking("get_item", GET)
        asking("get_item", GET)
    assert [headers["x-amz-date"] for headers, _ in line.requests[1:]] == ["20261123T100000Z"] * 2


def test_a_signature_that_is_wrong_at_the_right_time_is_refused(line: Wire) -> None:
    line.plan = [error("InvalidSignatureException")] * 9
    with closing_thin(line.url) as asking:
        assert fails(asking, "get_item", GET).code == "InvalidSignatureException"
    assert len(line.requests) == 1


def test_another_refusal_sets_no_clock(line: Wire) -> None:
    refused = error("ValidationException")
    line.plan = [Say(400, refused.body, date="Mon, 23 Nov 2020 10:00:00 GMT")]
    with closing_thin(line.url) as asking:
        assert fails(asking, "get_item", GET).code == "ValidationException"
    assert len(line.requests) == 1


def test_a_journey_of_our_clock_does_not_reach_the_signature(line: Wire) -> None:
    clock.travel(timedelta(days=400))
    try:
        with closing_thin(line.url) as asking:
            asking("get_item", GET)
    finally:
        clock.travel(timedelta(0))
    assert line.requests[0][0]["x-amz-date"][:8] in {
        f"{clock.system() - timedelta(minutes=minutes):%Y%m%d}" for minutes in (0, 5)
    }


def test_a_kept_connection_that_turns_out_to_be_closed_costs_no_attempt(line: Wire) -> None:
    stumbles = [error("InternalServerError", 500)] * (ATTEMPTS - 1)
    line.plan = [Say(), DROP, *stumbles, Say()]
    with closing_thin(line.url) as asking:
        asking("get_item", GET)
        assert asking("get_item", GET) == {}
    assert line.plan == []


def test_threads_share_an_engine_and_each_gets_its_own_answer(place: str) -> None:
    items = [{**key(), "n": {"N": str(number)}} for number in range(8)]
    wrong: list[object] = []
    with closing_thin(place, read_seconds=3) as asking:

        def work(item: Json) -> None:
            for _ in range(25):
                put(asking, item)
                found = item_of(asking, {"id": item["id"]})
                if found != item:
                    wrong.append(found)

        workers = [threading.Thread(target=work, args=(item,)) for item in items]
        for each in workers:
            each.start()
        for each in workers:
            each.join()
    assert wrong == []


def test_only_who_can_prove_to_be_dynamodb_is_asked(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    with wire.running(serving) as line:
        with closing_thin(line.url) as stranger, pytest.raises(UnreachableError):
            stranger("get_item", GET)
        assert line.requests == []
        with closing_thin(line.url, tls=ssl.create_default_context(cafile=certificate)) as friend:
            assert friend("get_item", GET) == friend("get_item", GET) == {}
        assert len(line.requests) == 2


def self_signed(folder: Path) -> Path:
    """A certificate of this machine, with its key."""
    from ipaddress import ip_address  # noqa: PLC0415 -- only here

    from cryptography import x509  # noqa: PLC0415 -- only here
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 -- only here
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 -- only here
    from cryptography.x509.oid import NameOID  # noqa: PLC0415 -- only here

    private, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")]),
    )
    now = clock.system()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    file = folder / "here.pem"
    plain = serialization.NoEncryption()
    own = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(own + made.public_bytes(serialization.Encoding.PEM))
    return file


# Which of them


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({}, Thin),
        ({"DYNAMODB_CLIENT": "boto3"}, Boto),
        ({"AWS_ACCESS_KEY_ID": ""}, Boto),
        ({"AWS_SECRET_ACCESS_KEY": ""}, Boto),
        ({"AWS_REGION": ""}, Boto),
    ],
)
def test_the_thin_engine_is_used_where_the_environment_says_all_it_needs(changed: dict[str, str], kind: type) -> None:
    before = dynamodb.use(None)
    settings.cache_clear()
    try:
        with environment(**{"AWS_DEFAULT_REGION": REGION, "DYNAMODB_CLIENT": "thin", **WHO, **changed}):
            assert isinstance(dynamodb.engine(), kind)
    finally:
        settings.cache_clear()
        if made := dynamodb.use(before):
            made.close()


def test_without_an_endpoint_the_regions_own_is_asked() -> None:
    with closing_thin("") as asking:
        there = asking.connections
        assert (there._host, there._port, bool(there._tls)) == ("dynamodb.ap-south-1.amazonaws.com", None, True)  # noqa: SLF001 -- as above


def test_no_credential_shows_in_a_text_of_the_settings() -> None:
    with environment(**{**WHO, "AWS_SECRET_ACCESS_KEY": "very secret", "AWS_SESSION_TOKEN": "very long"}):
        shown = repr(Settings())
    assert "very secret" not in shown
    assert "very long" not in shown


# What `send` makes of it


def test_a_transaction_has_a_token_of_its_own_so_that_trying_again_does_it_once(line: Wire) -> None:
    line.plan = [DROP]
    before = dynamodb.use(thin(line.url))
    try:
        send("transact_write_items", TransactItems=[])
        send("transact_write_items", TransactItems=[])
    finally:
        if made := dynamodb.use(before):
            made.close()
    first, again, other = (body["ClientRequestToken"] for body in line.bodies())
    assert first == again != other
