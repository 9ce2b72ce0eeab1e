"""Seals the journal about once a second: what was posted can no longer be changed unseen."""

import asyncio

import structlog

from config import telemetry
from config.clock import Clock
from config.limits import JOURNAL_SEAL_MS, JOURNAL_SEAL_TRANSFERS_MAX
from config.postgres import UNAVAILABLE, PostgresError
from config.tasks import happens, spawn
from metering.journal import Journal, Seal

log = structlog.get_logger(__name__)

_SEALED = telemetry.gauge("journal_seal_number", "The number of the journal's last seal.")
_POSITION = telemetry.gauge("journal_sealed_position", "The last transfer that is sealed.")


class Sealer:
    """Owns the sealing of one journal. Several may run on it: each link is made by one of them."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = spawn(self._run(), "sealer")

    async def stop(self) -> None:
        """Seal what is there, and end."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def seal_all(self) -> None:
        """Seal everything that was posted by now."""
        seal: Seal | None = None
        while (more := await self._seal()) is not None:
            seal = more
        if seal is not None:
            _SEALED.set(seal.number)
            _POSITION.set(seal.last)

    async def _seal(self) -> Seal | None:
        return await self._journal.seal(self._clock.wall_ms(), JOURNAL_SEAL_TRANSFERS_MAX)

    async def _run(self) -> None:
        well = True
        ending = False
        while not ending:
            ending = await happens(self._stopping, JOURNAL_SEAL_MS / 1000)
            try:
                await self.seal_all()
            except (*UNAVAILABLE, PostgresError) as error:
                if well:
                    log.warning("the journal cannot be sealed", reason=str(error))
                well = False
            else:
                well = True
