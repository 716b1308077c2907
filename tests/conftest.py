"""For all tests: nothing leaves this machine, and no policy allows what nothing asks for."""

import ipaddress
import sys

from tests.privileges import pytest_sessionfinish, pytest_testnodedown
from tests.watching import pytest_runtest_call

__all__ = ["pytest_runtest_call", "pytest_sessionfinish", "pytest_testnodedown"]

HERE = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "", None}  # noqa: S104 -- names of this machine, nobody listens on them


def _is_here(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in HERE:
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _stay_here(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook, since nothing can get around it: neither a library's own socket nor a name that is looked up."""
    if event == "socket.getaddrinfo" and not _is_here(arguments[0]):
        raise AssertionError(f"a test looked up {arguments[0]!r}")
    if event == "socket.connect" and isinstance(arguments[1], tuple) and not _is_here(arguments[1][0]):
        raise AssertionError(f"a test connected to {arguments[1]!r}")


sys.addaudithook(_stay_here)
