"""`tollgate sign-out --user …`: sign a user out everywhere, who cannot do it, in the tables that the environment names."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tollgate import calendar, clock
from tollgate.errors import Refusal, Unauthorized
from tollgate.store import users
from tollgate.store.dynamodb import DatabaseError


def main(arguments: Sequence[str]) -> int:
    """The command. 1 where somebody could not be signed out; whoever comes after is all the same."""
    parser = argparse.ArgumentParser(
        prog="tollgate sign-out",
        description="The table is that of USERS_TABLE, of the account and region in AWS's usual variables; "
        "AWS_ENDPOINT_URL_DYNAMODB leads elsewhere, as to the local stack's.",
    )
    parser.add_argument("--user", action="append", required=True, help="whom; may be given again")
    failed = 0
    for name in parser.parse_args(arguments).user:
        now = calendar.whole_second(clock.now())
        try:
            users.sign_out(name, now, now)
        except Unauthorized:
            pass  # it is so already
        except (Refusal, DatabaseError) as error:
            sys.stderr.write(f"{name}: {error}\n")
            failed = 1
            continue
        sys.stdout.write(f"{name}: tokens issued until {calendar.iso(now)} are refused\n")
    return failed
