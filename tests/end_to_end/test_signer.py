"""The key of the account that pays is where no other process of the server is."""

import os
import shutil
import signal
from base64 import b32decode
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from metering.signer.keys import Keys
from tests.end_to_end.conftest import StartServer
from tests.end_to_end.process_memory import memory
from tests.end_to_end.running_server import (
    Client,
    RunningServer,
    client_of,
    descendants,
    eventually,
    may_look_into_others,
)

pytestmark = pytest.mark.end_to_end


async def test_the_key_is_in_the_signer_alone_and_moves_there_from_where_it_was(
    start: StartServer,
) -> None:
    """Goal: nobody but the signer has the key, also while it is used, and after an update.
    Method: a server pays its channel accounts, its signer is killed, and all its processes' memory
    is searched. Then its files are put where they lay before, and it goes on with the same account.
    """
    server = await start()
    await eventually(lambda: _has_paid(server, 1), 60, "the channel accounts are made")
    guard, worker = await eventually(lambda: _signer(server), 60, "a signer")
    os.kill(worker, signal.SIGKILL)
    new = await eventually(lambda: _another(server, worker), 60, "another signer")
    seed = (server.data / "signer" / "stellar-hot-seed").read_text().strip()
    needles = (seed.encode(), b32decode(seed)[1:33])
    others = {server.process.pid, *server.descendants()} - {guard, new}
    assert len(others) > 5
    assert [each for each in others if _remembers(each, needles)] == []
    if may_look_into_others():  # so it would have been found elsewhere, too
        await eventually(lambda: _is_there(new, needles), 60, "the key in the signer's memory")
    await server.stop()

    (server.data / "signer" / "stellar-hot-seed").rename(server.data / "secrets/stellar-hot-seed")
    shutil.rmtree(server.data / "signer")
    (server.data / "localnet" / "localnet.state").rename(server.data / "localnet.state")
    server = await start()
    async with client_of(server) as client:
        await eventually(lambda: _has_account(client), 60, "its account is on the chain")
        told = {
            each["name"]: each["detail"] for each in (await client.get("/ready"))["dependencies"]
        }
    assert told["signer"] == f"has the key of {Keys(seed).hot}"
    assert not (server.data / "secrets" / "stellar-hot-seed").exists()
    assert (server.data / "signer" / "stellar-hot-seed").read_text().strip() == seed


async def _signer(server: RunningServer) -> tuple[int, int] | None:
    """The process that starts signers, and the one that has the keys; processes come and go."""
    for each in server.descendants():
        with suppress(OSError):
            is_signer = b"metering.signer" in Path(f"/proc/{each}/cmdline").read_bytes()
            if is_signer and len(below := descendants(each)) == 1:
                return each, below[0]
    return None


async def _another(server: RunningServer, before: int) -> int | None:
    found = await _signer(server)
    return None if found is None or found[1] == before else found[1]


async def _has_paid(server: RunningServer, times: int) -> bool | None:
    log = (server.data.parent / "server.log").read_text()
    return log.count('"code": "tx_success"') >= times or None


async def _has_account(client: Client) -> bool | None:
    found = (await client.get("/ready"))["dependencies"]
    return {each["name"]: each["ok"] for each in found}["stellar"] or None


async def _is_there(process: int, needles: Sequence[bytes]) -> bool | None:
    return _remembers(process, needles) or None


def _remembers(process: int, needles: Sequence[bytes]) -> bool:
    return any(needle in piece for piece in memory(process) for needle in needles)
