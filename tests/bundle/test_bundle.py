"""The code and template.yaml say the same: routes, variables, policies, layers."""

import importlib
import inspect
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from local import template as local_template
from tests.bundle import document
from tests.bundle.document import ROOT, allowed, defaults, functions, resources, routes, variables
from tollgate import config
from tollgate.http.api import Access, Api

FILES = sorted(path.relative_to(ROOT / "functions") for path in (ROOT / "functions").rglob("*.py"))
NAMES = sorted(functions())
# Read by config.py with a default that suits; a deployment that wants another value adds them to the template.
OPTIONAL = {
    "JWT_ALGORITHM",
    "JWT_JWKS_URL",
    "JWT_PUBLIC_KEY",
    "JWT_AUDIENCE",
    "JWT_ISSUER",
    "RAZORPAY_BASE_URL",
    "OPENAI_BASE_URL",
    "GEMINI_BASE_URL",
    "GEMINI_CLIENT",
    "MARGIN_GUARD",
    "MARGIN_SHARE_PER_CENT",
    "USD_INR_PAISE",
    "ACADEMIC_DOMAINS",
    "DYNAMODB_CLIENT",
    "AWS_ENDPOINT_URL_DYNAMODB",
}
# Set by Lambda itself.
RUNTIME = {"AWS_EXECUTION_ENV", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
# Read by what the runtime or a library brings, not by us.
LIBRARIES = {"POWERTOOLS_LOG_LEVEL", "POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "TZ"}


def module_of(handler: str) -> ModuleType:
    return importlib.import_module(handler.rpartition(".")[0])


def handler_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts) + ".handler"


def title(module: ModuleType) -> str:
    return inspect.cleandoc(module.__doc__ or "").splitlines()[0]


def http() -> list[str]:
    return [name for name in NAMES if routes(functions()[name])]


def test_every_file_in_functions_is_a_function_and_every_function_a_file() -> None:
    assert sorted(map(handler_of, FILES)) == sorted(each["Handler"] for each in functions().values())


@pytest.mark.parametrize("name", http())
def test_a_functions_first_line_names_its_methods_and_path(name: str) -> None:
    function = functions()[name]
    told = re.match(
        r"((?:GET|POST|PUT|DELETE)(?:, (?:GET|POST|PUT|DELETE))*) (/\S+?)[:,]", title(module_of(function["Handler"]))
    )
    assert told, title(module_of(function["Handler"]))
    said = {(method, told[2]) for method in told[1].split(", ")}
    assert said == set(routes(function))


@pytest.mark.parametrize("name", http())
def test_a_functions_routes_are_those_of_the_template(name: str) -> None:
    function = functions()[name]
    app = module_of(function["Handler"]).app
    assert isinstance(app, Api)
    static, dynamic = app._static_routes, app._dynamic_routes  # noqa: SLF001 -- Powertools has no public list of them
    served = {(method, _shape(route.path)) for route in [*static, *dynamic] for method in _methods(route)}
    assert served == {(method, _shape(path)) for method, path in routes(function)}


def _shape(path: str) -> str:
    """A path without the names of its parameters."""
    return re.sub(r"<\w+>|\{\w+\}", "{}", path)


def _methods(route: Any) -> list[str]:  # noqa: ANN401 -- Powertools' route
    return [route.method] if isinstance(route.method, str) else list(route.method)


def test_no_route_is_served_twice() -> None:
    every = [route for function in functions().values() for route in routes(function)]
    assert len(every) == len(set(every))


def test_only_prices_and_webhooks_ask_nobody_who_they_are() -> None:
    access = {name: module_of(functions()[name]["Handler"]).app.access for name in http()}
    assert {name for name, each in access.items() if each is Access.PUBLIC} == {"Pricing", "Compare", "OpenApi", "Docs"}
    assert {name for name, each in access.items() if each is Access.SIGNATURE} == {"Webhook"}
    admin = {name for name in http() if all(path.startswith("/api/admin/") for _, path in routes(functions()[name]))}
    assert {name for name, each in access.items() if each is Access.ADMIN} == admin


def test_the_local_stack_serves_exactly_the_templates_routes() -> None:
    read = local_template.read(ROOT / "template.yaml")
    served = {(route.method, route.path, route.function.name) for route in read.routes}
    assert served == {(*route, name) for name, function in functions().items() for route in routes(function)}


# Environment


def settings_variables() -> set[str]:
    """Every variable that config.py reads."""
    source = inspect.getsource(config)
    return set(re.findall(r'_(?:setting|secret|listed|number|env)\("([A-Z_]+)"', source))


def test_every_field_of_the_settings_is_read_from_a_variable() -> None:
    kinds = [each for each in vars(config).values() if isinstance(each, type) and is_dataclass(each)]
    plain = [field.name for kind in kinds for field in fields(kind) if not is_dataclass(field.type)]
    assert len(plain) == len(settings_variables())


def test_every_variable_that_is_read_is_in_the_template_or_has_a_default_that_suits() -> None:
    given = {variable for function in functions().values() for variable in variables(function)}
    assert settings_variables() - given <= OPTIONAL | RUNTIME
    assert settings_variables() >= OPTIONAL - given


def test_every_variable_in_the_template_is_read() -> None:
    given = {variable for function in functions().values() for variable in variables(function)}
    assert given - settings_variables() - LIBRARIES == set()


@pytest.mark.parametrize("name", NAMES)
def test_secrets_reach_only_the_functions_that_use_them(name: str) -> None:
    function = functions()[name]
    own = set(function.get("Environment", {}).get("Variables", {}))
    source = (ROOT / "functions" / Path(*function["Handler"].split(".")[:-1])).with_suffix(".py").read_text("utf-8")
    asks_ai = "tollgate.ai.metered" in source
    pays = any(
        word in source for word in ("gateway", "checkout", "payments.webhooks", "reconcile", "refund", "renewals")
    )
    assert ("OPENAI_API_KEY" in own) == ("GEMINI_API_KEY" in own) == asks_ai
    assert ("RAZORPAY_KEY_SECRET" in own) <= pays


def test_no_secret_stands_in_the_template() -> None:
    for name, function in functions().items():
        for variable, value in variables(function).items():
            if re.search(r"SECRET|API_KEY", variable) and not variable.endswith("_NAME"):
                assert "resolve:secretsmanager" in str(value) or "resolve:ssm" in str(value), (name, variable)


# Policies


@pytest.mark.parametrize("name", NAMES)
def test_a_function_may_nothing_on_everything(name: str) -> None:
    for action, table in allowed(functions()[name]):
        assert "*" not in action
        assert "*" not in table


@pytest.mark.parametrize("name", ["Pricing", "Compare", "OpenApi", "Docs"])
def test_public_pages_may_touch_no_table(name: str) -> None:
    assert allowed(functions()[name]) == set()


def test_parsing_writes_users_and_the_log_and_reads_a_users_record_alone() -> None:
    granted = allowed(functions()["ParseResume"])
    actions = {
        table: {action for action, each in granted if each == table} for table in ("UsersTable", "UsageLogsTable")
    }
    assert actions == {
        "UsersTable": {"dynamodb:UpdateItem", "dynamodb:GetItem"},  # read before a kept reply is repeated
        "UsageLogsTable": {"dynamodb:PutItem"},
    }


@pytest.mark.parametrize("name", NAMES)
def test_tables_in_policies_exist(name: str) -> None:
    tables = set(resources("AWS::DynamoDB::Table"))
    granted = {table for action, table in allowed(functions()[name]) if action.startswith("dynamodb:")}
    assert {table.partition("/index/")[0] for table in granted} <= tables


# Everything else a function has


def test_every_function_mounts_the_shared_layer_and_logs_into_one_group_that_forgets() -> None:
    assert defaults()["Layers"] == [{"Ref": "SharedLayer"}]
    assert defaults()["LoggingConfig"] == {
        "LogGroup": {"Ref": "FunctionLogs"},
        "LogFormat": "JSON",
        "SystemLogLevel": "WARN",
    }
    assert defaults()["Tracing"] == "Active"
    assert defaults()["Runtime"] == "python3.13"
    for group in resources("AWS::Logs::LogGroup").values():
        assert group["RetentionInDays"] > 0
    for function in functions().values():
        assert {"Runtime", "LoggingConfig", "CodeUri"}.isdisjoint(function)


@pytest.mark.parametrize("name", NAMES)
def test_only_ai_functions_mount_the_ai_layer(name: str) -> None:
    function = functions()[name]
    layers = [each["Ref"] for each in function.get("Layers", ())]
    assert layers == (["AiLayer"] if function["Handler"].startswith("ai.") else [])


@pytest.mark.parametrize("name", http())
def test_a_function_behind_the_gateway_ends_before_the_gateway_gives_up(name: str) -> None:
    assert int(functions()[name].get("Timeout") or defaults()["Timeout"]) < 30


@pytest.mark.parametrize("name", sorted(resources("AWS::DynamoDB::Table")))
def test_tables_are_kept_and_can_be_restored_unless_they_hold_only_replies(name: str) -> None:
    table = resources("AWS::DynamoDB::Table")[name]
    kept = table.get("DeletionProtectionEnabled") and table.get("PointInTimeRecoverySpecification")
    assert bool(kept) == (name != "RepliesTable")
    assert document.template()["Resources"][name]["DeletionPolicy"] == ("Retain" if kept else "Delete")


@pytest.mark.parametrize("name", ["UsageLogsTable", "PaymentsTable", "RepliesTable", "NoticesTable", "RollupsTable"])
def test_what_is_not_for_ever_has_an_expiry(name: str) -> None:
    expiry = resources("AWS::DynamoDB::Table")[name]["TimeToLiveSpecification"]
    assert expiry == {"AttributeName": "expiresAt", "Enabled": True}


def test_users_and_subscriptions_never_expire() -> None:
    for name in ("UsersTable", "SubscriptionsTable"):
        assert "TimeToLiveSpecification" not in resources("AWS::DynamoDB::Table")[name]
