"""The same world as the functions' tests live in."""

from tests.functions.conftest import *  # noqa: F403 -- its fixtures, whichever those are
