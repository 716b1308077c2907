"""What the stack is told, and which simulators follow from it."""

from pathlib import Path

import pytest

from local import settings, stack, template


def test_the_environment_wins_over_the_file_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(
        "# mine\nexport PORT=4000\nJWT_SECRET='a b'\nOPENAI_API_KEY=\nDATA_DIR=\"/tmp/x\"\n", encoding="utf-8"
    )
    read = settings.read({"PORT": "5000", "GEMINI_API_KEY": ""}, file)
    assert read.port == 5000
    assert read.values["JWT_SECRET"] == "a b"
    assert read.values["OPENAI_API_KEY"] == "local-key"
    assert read.values["GEMINI_API_KEY"] == "local-key"
    assert read.data == Path("/tmp/x")  # noqa: S108 -- only a name, nothing is written there


def test_without_settings_every_provider_is_simulated_on_port_3000() -> None:
    read = settings.read({}, None)
    assert read.port == 3000
    assert all(read.simulated(provider) for provider in stack.PROVIDERS)


@pytest.mark.parametrize(
    "given",
    [
        {"RAZORPAY_BASE_URL": "https://example.com"},
        {"RAZORPAY_KEY_ID": "rzp_test_1"},
        {"RAZORPAY_KEY_SECRET": "real"},
        {"RAZORPAY_BASE_URL": "https://example.com", "RAZORPAY_KEY_ID": "rzp_test_local"},
    ],
)
def test_an_address_or_a_real_key_stops_that_simulator_alone(given: dict[str, str]) -> None:
    read = settings.read(given, None)
    assert [provider for provider in stack.PROVIDERS if read.simulated(provider)] == ["OPENAI", "GEMINI"]


def test_the_local_keys_themselves_are_no_real_keys() -> None:
    read = settings.read({"RAZORPAY_KEY_ID": "rzp_test_local", "RAZORPAY_KEY_SECRET": "local-key-secret"}, None)
    assert read.simulated("RAZORPAY")


def test_functions_find_the_simulators_where_they_run() -> None:
    read = template.read(Path(__file__).parent / "fixtures" / "template.yaml")
    chosen = settings.read({"LEVEL": "INFO", "GEMINI_BASE_URL": "http://g"}, None)
    simulators = {"RAZORPAY": "http://r", "OPENAI": "http://o"}
    found = stack.variables(chosen, read, "http://d", simulators, "http://front")
    expected = {
        "RAZORPAY_BASE_URL": "http://r",
        "OPENAI_BASE_URL": "http://o/v1",
        "GEMINI_BASE_URL": "http://g",
        "RAZORPAY_KEY_ID": "rzp_test_local",
        "JWT_SECRET": "local-secret",
        "AWS_ENDPOINT_URL_DYNAMODB": "http://d",
        "AWS_ACCESS_KEY_ID": "local",
        "ITEMS_TABLE": "tollgate-local-items",
        "LEVEL": "INFO",
    }
    assert expected.items() <= found.items()


def test_functions_see_our_variables_and_all_that_the_file_holds_but_not_the_rest_of_the_shell(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("MARGIN=5\nGEMINI_CLIENT=sdk\n", encoding="utf-8")
    shell = {"GEMINI_CLIENT": "rest", "JWT_ISSUER": "me", "EDITOR": "vi"}
    found = settings.read(shell, file).for_functions([])
    assert {"MARGIN": "5", "GEMINI_CLIENT": "rest", "JWT_ISSUER": "me"}.items() <= found.items()
    assert "EDITOR" not in found


def test_a_secret_that_only_the_cloud_knows_is_not_set_here_unless_given() -> None:
    read = template.read(Path(__file__).parent / "fixtures" / "template.yaml")
    assert "KEPT_SECRET" not in stack.variables(settings.read({}, None), read, "http://d", {}, "http://front")
    mine = settings.read({"KEPT_SECRET": "mine"}, None)
    assert stack.variables(mine, read, "http://d", {}, "http://front")["KEPT_SECRET"] == "mine"


def test_ones_own_aws_account_is_left_alone_unless_its_database_was_named() -> None:
    read = template.read(Path(__file__).parent / "fixtures" / "template.yaml")
    mine = {"AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "mine too", "AWS_SESSION_TOKEN": "t"}
    found = stack.variables(settings.read(mine, None), read, "http://d", {}, "http://front")
    assert (found["AWS_ACCESS_KEY_ID"], found.get("AWS_SESSION_TOKEN")) == ("local", None)
    chosen = settings.read({**mine, "AWS_ENDPOINT_URL_DYNAMODB": "http://theirs"}, None)
    found = stack.variables(chosen, read, "http://theirs", {}, "http://front")
    assert (found["AWS_ACCESS_KEY_ID"], found["AWS_SESSION_TOKEN"]) == ("mine", "t")
