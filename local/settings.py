"""What the local stack is told: the environment, then `.env`, then its own defaults."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Only for this machine: the simulators take them, nothing else would.
LOCAL_VALUES: Mapping[str, str] = {
    "JWT_SECRET": "local-secret",
    "RAZORPAY_KEY_ID": "rzp_test_local",
    "RAZORPAY_KEY_SECRET": "local-key-secret",
    "RAZORPAY_WEBHOOK_SECRET": "local-webhook-secret",
    "OPENAI_API_KEY": "local-key",
    "GEMINI_API_KEY": "local-key",
}
_KEYS: Mapping[str, tuple[str, ...]] = {
    "RAZORPAY": ("RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET"),
    "OPENAI": ("OPENAI_API_KEY",),
    "GEMINI": ("GEMINI_API_KEY",),
}
# What a function may see of this machine's own environment beside the settings: how to reach the internet.
_PASSED_ON = (
    *("PATH", "HOME", "LANG", "TMPDIR"),
    *("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"),
)
# What a function may be told through the shell although the template does not declare it: the cloud's defaults suffice there.
_OURS = ("JWT_", "RAZORPAY_", "OPENAI_", "GEMINI_", "ACADEMIC_", "DYNAMODB_", "POWERTOOLS_")
_LAST_PORT = 65535


class Unusable(Exception):  # noqa: N818 -- reads as what the setting is
    """A setting has a value that cannot be used; the message names both."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All values by name; those that were given, by whatever way; the names that stand in `.env`."""

    values: Mapping[str, str]
    given: Mapping[str, str]
    written: frozenset[str] = frozenset()

    @property
    def port(self) -> int:
        """Where the API listens; 0 lets the system choose."""
        given = self.values.get("PORT", "3000")
        if not given.isdecimal() or int(given) > _LAST_PORT:
            raise Unusable(f"PORT must be a number from 0 to {_LAST_PORT}")
        return int(given)

    @property
    def data(self) -> Path:
        """Where the database, the logs and the clock's setting are kept."""
        return Path(self.values.get("DATA_DIR", str(ROOT / ".local" / "data"))).expanduser().resolve()

    @property
    def database(self) -> str | None:
        """Somebody else's DynamoDB, to be used instead of the embedded one."""
        return self.values.get("AWS_ENDPOINT_URL_DYNAMODB") or None

    @property
    def chatty(self) -> bool:
        """Whether everything the functions log is shown in the terminal too."""
        return self.values.get("LOG", "") not in {"", "0"}

    def simulated(self, provider: str) -> bool:
        """Whether a provider's simulator is wanted: no address and no real key was given for it."""
        if self.given.get(f"{provider}_BASE_URL"):
            return False
        return all(self.values.get(key) == LOCAL_VALUES[key] for key in _KEYS[provider])

    def for_functions(self, declared: Iterable[str]) -> dict[str, str]:
        """What functions see of the settings: the variables their template declares, our own, and all that `.env` holds."""
        known = {*declared, *LOCAL_VALUES, *self.written, *(name for name in self.given if name.startswith(_OURS))}
        return {name: self.values[name] for name in known & self.values.keys()}

    def passed_on(self) -> dict[str, str]:
        """What functions get of this machine's environment."""
        return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def read(environment: Mapping[str, str] | None = None, file: Path | None = ROOT / ".env") -> Settings:
    """The settings; an empty variable counts as not set."""
    written = _file(file) if file is not None and file.exists() else {}
    there = os.environ if environment is None else environment
    given = written | {name: value for name, value in there.items() if value}
    return Settings({**LOCAL_VALUES, **given}, given, frozenset(written))


def _file(path: Path) -> dict[str, str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.removeprefix("export ").partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): _unquoted(value.strip()) for name, _, value in pairs if value.strip()}


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
