"""The template, read as the cloud reads it."""

from pathlib import Path

from local import template

FIXTURE = Path(__file__).parent / "fixtures" / "template.yaml"
READ = template.read(FIXTURE)


def test_every_http_event_is_a_route() -> None:
    assert {(route.method, route.path, route.function.name) for route in READ.routes} == {
        ("GET", "/echo", "Echo"),
        ("POST", "/echo", "Echo"),
        ("GET", "/items/{id}", "Echo"),
        ("GET", "/items/latest", "Echo"),
        ("ANY", "/files/{path+}", "Echo"),
        ("POST", "/answers", "Answers"),
    }


def test_a_function_has_the_globals_and_its_own_settings() -> None:
    answers = next(function for function in READ.functions if function.name == "Answers")
    assert (answers.handler, answers.timeout, answers.memory) == ("shop/answers.handler", 2.0, 512)
    assert answers.code == FIXTURE.parent / "functions"
    assert answers.environment == {
        "ITEMS_TABLE": "tollgate-local-items",
        "STAGE_NAME": "tollgate-local-dev",
        "LEVEL": "DEBUG",
        "KEPT_SECRET": "{{resolve:secretsmanager:shop:SecretString:KEPT_SECRET}}",
        "OWN": "yes",
    }


def test_parameters_decide_conditions() -> None:
    production = template.read(FIXTURE, {"Stage": "prod"})
    assert {table.request["TableName"] for table in production.tables} == {"tollgate-local-items", "never"}
    assert production.functions[0].environment["LEVEL"] == "WARNING"


def test_a_table_keeps_its_keys_indexes_and_expiry() -> None:
    (table,) = READ.tables
    assert table.expiry == "ttl"
    assert table.request["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert [index["IndexName"] for index in table.request["GlobalSecondaryIndexes"]] == ["by-owner"]


def test_schedules_keep_their_payload() -> None:
    nightly = next(function for function in READ.functions if function.name == "Nightly")
    assert [(each.name, each.payload) for each in nightly.schedules] == [
        ("Daily", None),
        ("Monthly", '{"window": "month"}'),
    ]


def test_the_gateways_cors_comes_from_the_template() -> None:
    assert READ.cors == template.Cors(
        origins=("https://app.example.com",),
        methods=("GET", "POST"),
        headers=("authorization", "content-type"),
        exposed=("etag",),
        max_age=600,
    )


def test_intrinsics_are_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(
        """
Parameters: {Size: {Default: small}}
Mappings: {Sizes: {small: {rows: 5}}}
Resources:
  Rows: {Type: "AWS::DynamoDB::Table", Properties: {KeySchema: [], AttributeDefinitions: []}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: a.handler
      Environment:
        Variables:
          JOINED: !Join ["-", [a, !Ref Size, b]]
          MAPPED: !FindInMap [Sizes, !Ref Size, rows]
          CHOSEN: !Select [1, !Split [",", "x,y,z"]]
          SUB: !Sub ["${Rows}/${!kept}/${extra}/${Rows.Arn}", {extra: !Ref AWS::Region}]
          GONE: !Ref AWS::NoValue
          LONG: {"Fn::GetAtt": [F, Arn]}
""",
        encoding="utf-8",
    )
    (function,) = template.read(path).functions
    assert function.environment == {
        "JOINED": "a-small-b",
        "MAPPED": "5",
        "CHOSEN": "y",
        "SUB": "Rows/${kept}/ap-south-1/arn:aws:dynamodb:ap-south-1:000000000000:table/Rows",
        "LONG": "F.Arn",
    }
