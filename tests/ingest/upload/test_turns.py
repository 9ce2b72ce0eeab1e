"""The newest request works on an upload; older ones are cut and waited for."""

import asyncio
from functools import partial

import pytest

from config.tasks import cancel, spawn
from ingest.upload.turns import Turns
from ingest.upload.upload import UploadBusy


def _cut(task: asyncio.Task[object]) -> None:
    task.cancel()


async def test_the_newest_is_the_only_one_inside() -> None:
    turns = Turns()
    inside: list[int] = []
    most = 0
    entered = [asyncio.Event() for _ in range(6)]

    async def request(number: int) -> None:
        nonlocal most
        this = asyncio.current_task()
        assert this is not None
        async with turns.take("upl", partial(_cut, this)):
            inside.append(number)
            most = max(most, len(inside))
            try:
                entered[number].set()
                await asyncio.Event().wait()  # until it is cut
            finally:
                await asyncio.sleep(0)
                inside.remove(number)

    first = spawn(request(1), name="first")
    await entered[1].wait()
    later = [spawn(request(number), name=str(number)) for number in range(2, 6)]
    async with asyncio.timeout(30):
        await entered[5].wait()

    assert inside == [5]
    assert first.done()
    assert all(task.done() for task in later[:-1])
    assert most == 1
    assert turns.taken("upl")
    await cancel(later[-1])
    assert not turns.taken("upl")


async def test_who_does_not_end_keeps_others_out() -> None:
    turns = Turns(wait_seconds_max=0.05)

    async with turns.take("upl", lambda: None):
        with pytest.raises(UploadBusy):
            async with turns.take("upl", lambda: None):
                pytest.fail("two are inside")
        async with turns.take("other", lambda: None):
            pass

    async with turns.take("upl", lambda: None):
        pass
