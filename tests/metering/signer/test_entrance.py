"""Questions and answers over sockets: who may ask, and what is said."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from config.clock import ManualClock
from config.limits import SIGNER_ANSWER_BYTES_MAX, SIGNER_CALLERS_MAX, SIGNER_QUESTION_BYTES_MAX
from config.tasks import cancel, spawn
from metering.settlement.outbox import Settlement
from metering.settlement.signer import Reason, Refused, SignerAway
from metering.signer.collecting import CollectingOrder, Verb
from metering.signer.desk import attend
from metering.signer.entrance import HandedDown, Listening
from metering.signer.local_signer import LocalSigner
from metering.signer.messages import WhoPays, write_question
from metering.signer.register import Entry, MemoryRegister
from metering.signer.remote_signer import RemoteSigner
from tests.metering.signer.plans import KEYS, NOW_MS, PASSPHRASE, SEED, Plans, order, pay, plan

CONTRACT = "CAAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQC526"
_SECONDS_MAX = 20


class AwayPlans(Plans):
    """Plans in a database that is away, for one of them."""

    async def settlement(self, settlement_id: str) -> Settlement | None:
        if settlement_id == "set_away":
            raise SignerAway("the database is away")
        return await super().settlement(settlement_id)


class FullRegister(MemoryRegister):
    """On a disk that is full, for one of them."""

    def add(self, entry: Entry) -> None:
        if entry.settlement == "set_full":
            raise OSError("the disk is full")
        super().add(entry)


def signer(plans: Plans) -> LocalSigner:
    return LocalSigner(SEED, PASSPHRASE, plans, register=FullRegister(), clock=ManualClock(NOW_MS))


@asynccontextmanager
async def listening(path: Path, clients: set[int], plans: Plans) -> AsyncIterator[None]:
    entrance = Listening(path, clients)
    serving = spawn(entrance.open(partial(attend, signer(plans))), name="entrance")
    async with asyncio.timeout(_SECONDS_MAX):
        while not path.exists():  # noqa: ASYNC110 - the file system gives no event
            await asyncio.sleep(0)
    yield
    await cancel(serving)


async def test_everything_that_may_be_asked_is_answered_at_a_socket(tmp_path: Path) -> None:
    path, plans = tmp_path / "socket", AwayPlans()
    door = partial(asyncio.open_unix_connection, path, limit=SIGNER_ANSWER_BYTES_MAX)
    settlement = plans.add(plan("set_1", *[pay(1, claimable=True)] * 100))
    here = signer(plans)
    async with asyncio.timeout(_SECONDS_MAX), listening(path, {os.geteuid()}, plans):
        far = await RemoteSigner.meet(door)
        assert (far.hot, far.channels) == (KEYS.hot, KEYS.channels)
        signed = await far.sign(order(settlement))
        assert signed == await here.sign(order(settlement))
        assert await far.bump(signed, 20_000) == await here.bump(signed, 20_000)
        collecting = CollectingOrder(CONTRACT, Verb.CLOSE, 10, bytes(64), 1, 100)
        assert await far.authorize(collecting) == await here.authorize(collecting)
        with pytest.raises(Refused) as refused:
            await far.sign(order(plan("set_2", pay(1))))
        assert refused.value.reason is Reason.UNKNOWN
        for name, reason in (("set_away", "database"), ("set_full", "disk is full")):
            with pytest.raises(SignerAway, match=reason):
                await far.sign(order(plans.add(plan(name, pay(1)))))
    with pytest.raises(SignerAway):
        await far.sign(order(settlement))


@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="only Linux tells who it is")
async def test_strangers_are_hung_up_on(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    door = partial(asyncio.open_unix_connection, path, limit=SIGNER_ANSWER_BYTES_MAX)
    async with asyncio.timeout(_SECONDS_MAX), listening(path, {os.geteuid() + 1}, Plans()):
        with pytest.raises(SignerAway):
            await RemoteSigner.meet(door)


async def test_what_is_handed_down_is_attended_to_until_nobody_can_come_any_more() -> None:
    ours, theirs = socket.socketpair()
    serving = spawn(HandedDown(theirs).open(partial(attend, signer(Plans()))), name="entrance")
    async with asyncio.timeout(_SECONDS_MAX):
        for said, answers in (
            (write_question(WhoPays()), True),
            (b"x" * (SIGNER_QUESTION_BYTES_MAX * 2), False),
            (b"nothing that is known\n", True),
        ):
            here, there = socket.socketpair()
            with there:
                socket.send_fds(ours, [b"\0"], [there.fileno()])
            reader, writer = await asyncio.open_connection(sock=here)
            writer.write(said)
            assert bool(await _rest(reader)) is answers
            writer.close()
        ours.close()
        await serving
    theirs.close()


async def test_no_more_than_some_are_let_in_at_once() -> None:
    ours, theirs = socket.socketpair()
    serving = spawn(HandedDown(theirs).open(partial(attend, signer(Plans()))), name="entrance")
    callers = []
    for _ in range(SIGNER_CALLERS_MAX + 1):
        here, there = socket.socketpair()
        with there:
            socket.send_fds(ours, [b"\0"], [there.fileno()])
        callers.append(await asyncio.open_connection(sock=here))
    async with asyncio.timeout(_SECONDS_MAX):
        assert await callers[-1][0].read() == b""
        for reader, writer in callers[:-1]:
            writer.write(write_question(WhoPays()))
            assert (await reader.readline()).startswith(b'{"accounts"')
        for _, writer in callers:
            writer.close()
        ours.close()
        await serving
    theirs.close()


async def _rest(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:  # it hung up before it had read everything
        return b""
