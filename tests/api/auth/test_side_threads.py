"""Work beside the loop waits in a queue that has an end."""

import asyncio
import threading

import pytest

from api.auth.side_threads import SideThreads
from api.errors import Problem


async def test_who_comes_when_too_many_wait_is_told_to_come_back() -> None:
    threads, go, begun = SideThreads("work", threads=1, waiting_max=2), threading.Event(), []

    def work(number: int) -> int:
        begun.append(number)
        assert go.wait(20)
        if number == 2:
            raise ValueError(number)
        return number

    async with asyncio.timeout(20):
        first, second = (asyncio.ensure_future(threads.run(work, n)) for n in (1, 2))
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await threads.run(work, 3)
        assert refused.value.status == 503
        go.set()
        assert await first == 1
        with pytest.raises(ValueError, match="2"):
            await second
        assert await threads.run(work, 4) == 4
    assert begun == [1, 2, 4]
    threads.stop()
