"""Looks every two seconds whether somebody was shut out who is still being answered."""

import asyncio

from api.auth.bearer import Bearers
from config.limits import BEARER_SWEEP_SECONDS
from config.tasks import cancel, spawn


class Watch:
    """The loop behind `Bearers.hang_up`."""

    def __init__(self, bearers: Bearers) -> None:
        self._bearers = bearers
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = spawn(self._run(), name="who was shut out")

    async def stop(self) -> None:
        await cancel(self._task)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(BEARER_SWEEP_SECONDS)
            await self._bearers.hang_up()
