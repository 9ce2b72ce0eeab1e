"""Seals the journal about once a second: what was posted can no longer be changed unseen."""

import asyncio

import structlog

from config import telemetry
from config.clock import Clock
from config.limits import JOURNAL_SEAL_MS, JOURNAL_SEAL_TRANSFERS_MAX
from config.postgres import UNAVAILABLE, PostgresError
from config.tasks import happens, spawn
from metering.ledger.journal import Journal, Seal

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

    async def seal_round(self) -> None:
        """Seal what there is (of one part); what comes meanwhile fills no seal, and waits."""
        while (seal := await self._seal()) is not None:
            if seal.transfers < JOURNAL_SEAL_TRANSFERS_MAX:
                return

    async def _seal(self) -> Seal | None:
        seal = await self._journal.seal(self._clock.wall_ms(), JOURNAL_SEAL_TRANSFERS_MAX)
        if seal is not None:
            _SEALED.set(seal.number)
            _POSITION.set(seal.last)
        return seal

    async def _run(self) -> None:
        well = True
        ending = False
        while not ending:
            ending = await happens(self._stopping, JOURNAL_SEAL_MS / 1000)
            try:
                await self.seal_round()
            except (*UNAVAILABLE, PostgresError) as error:
                if well:
                    log.warning("the journal cannot be sealed", reason=str(error))
                well = False
            else:
                well = True
