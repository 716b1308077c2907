"""The embedded database: it keeps its data, and never outlives whoever started it."""

import base64
import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from local import database, dynoxide, settings, tables, template
from local.dynoxide import Package
from local.template import Table, Template

READ = template.read(Path(__file__).parent / "fixtures" / "template.yaml")
ITEM = {"id": {"S": "1"}, "owner": {"S": "asha"}}
ITEMS = "tollgate-local-items"


def test_data_survives_a_restart(tmp_path: Path) -> None:
    with database.running(tmp_path / "data.sqlite") as engine:
        assert tables.create(engine.endpoint, READ) == [ITEMS]
        client = tables.client(engine.endpoint)
        client.put_item(TableName=ITEMS, Item=ITEM)
        client.close()
    with database.running(tmp_path / "data.sqlite") as engine:
        assert tables.create(engine.endpoint, READ) == [ITEMS]
        client = tables.client(engine.endpoint)
        found = client.query(
            TableName=ITEMS,
            IndexName="by-owner",
            KeyConditionExpression="#o = :o",
            ExpressionAttributeNames={"#o": "owner"},
            ExpressionAttributeValues={":o": {"S": "asha"}},
        )
        expiry = client.describe_time_to_live(TableName=ITEMS)["TimeToLiveDescription"]
        client.close()
    assert found["Items"] == [ITEM]
    assert expiry["AttributeName"] == "ttl"


def test_without_a_path_every_engine_starts_empty() -> None:
    with database.running() as one, database.running() as other:
        assert one.endpoint != other.endpoint
        tables.create(one.endpoint, READ)
        client = tables.client(other.endpoint)
        assert client.list_tables()["TableNames"] == []
        client.close()


def test_a_table_that_no_longer_fits_the_template_is_named() -> None:
    keys = [{"AttributeName": "other", "KeyType": "HASH"}]
    kinds = [{"AttributeName": "other", "AttributeType": "S"}]
    older = {"TableName": ITEMS, "KeySchema": keys, "AttributeDefinitions": kinds, "BillingMode": "PAY_PER_REQUEST"}
    with database.running() as engine:
        tables.create(engine.endpoint, Template((), (), (Table(older, None),), None))
        with pytest.raises(tables.Outdated, match=ITEMS):
            tables.create(engine.endpoint, READ)


def test_a_port_that_is_taken_is_not_fought_for() -> None:
    with database.running() as first:
        wanted = int(first.endpoint.rpartition(":")[2])
        assert database.free_port(wanted) != wanted


_OWNER = """
import sys, time
from local import database
with database.running() as engine:
    print(engine.endpoint, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_the_engine_ends_with_its_owner(end: signal.Signals, eventually: Callable[[Callable[[], bool]], None]) -> None:
    with subprocess.Popen(  # noqa: S603 -- this Python, with the text above
        [sys.executable, "-c", _OWNER], stdout=subprocess.PIPE, text=True, cwd=settings.ROOT
    ) as owner:
        assert owner.stdout is not None
        port = int(owner.stdout.readline().rpartition(":")[2])
        assert database.free_port(port) != port
        os.kill(owner.pid, end)
    eventually(lambda: database.free_port(port) == port)


def test_the_fallback_keeps_its_data_over_a_clean_stop(tmp_path: Path) -> None:
    for expected in ([], [ITEM]):
        with database.running(tmp_path / "data.sqlite", fallback=True) as engine:
            assert (engine.engine, bool(engine.lacks)) == ("ministack", True)
            tables.create(engine.endpoint, READ)
            client = tables.client(engine.endpoint)
            assert client.scan(TableName=ITEMS)["Items"] == expected
            client.put_item(TableName=ITEMS, Item=ITEM)
            client.close()


# Fetching dynoxide.


def a_machine_whose_npm_says(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = folder / "bin" / "npm"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")


def a_package(folder: Path) -> Path:
    packed = folder / "dynoxide-linux-x64-1.2.1.tgz"
    content = b"the engine"
    with tarfile.open(packed, "w:gz") as archive:
        member = tarfile.TarInfo("package/dynoxide")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return packed


def integrity(file: Path) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()


# npm pack's arguments, as Package calls it: the folder to pack into comes last.
COPY = 'for last; do :; done; cp "{}" "$last"/'


def test_the_engine_is_fetched_once_and_can_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = a_package(tmp_path)
    wanted = Package("@dynoxide/linux-x64", "1.2.1", integrity(packed), tmp_path / "home")
    a_machine_whose_npm_says(COPY.format(packed), tmp_path, monkeypatch)
    assert wanted.fetch().read_bytes() == b"the engine"
    assert os.access(wanted.binary, os.X_OK)
    packed.unlink()
    assert wanted.fetch() == wanted.binary


def test_a_file_other_than_the_pinned_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = a_package(tmp_path)
    pinned = integrity(packed)
    packed.write_bytes(packed.read_bytes() + b"!")
    wanted = Package("@dynoxide/linux-x64", "1.2.1", pinned, tmp_path / "home")
    a_machine_whose_npm_says(COPY.format(packed), tmp_path, monkeypatch)
    with pytest.raises(dynoxide.Unavailable, match="pinned"):
        wanted.fetch()
    assert not wanted.home.exists()


@pytest.mark.parametrize(("script", "why"), [("exit 1", "could not fetch"), ("exit 0", "could not fetch")])
def test_an_npm_that_gives_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, why: str
) -> None:
    a_machine_whose_npm_says(script, tmp_path, monkeypatch)
    with pytest.raises(dynoxide.Unavailable, match=why):
        Package("@dynoxide/linux-x64", "1.2.1", "sha512-", tmp_path / "home").fetch()


def test_a_machine_without_npm_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(dynoxide.Unavailable, match="npm is not installed"):
        Package("@dynoxide/linux-x64", "1.2.1", "sha512-", tmp_path / "home").fetch()
