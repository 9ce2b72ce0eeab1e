"""Makes receipts of sessions that were closed: in the background, and at once when asked for one.

Nothing has to happen when a session ends: whichever process ended it, also one that took it over
from one that crashed, its end is in the store, and so it is due.
"""

import asyncio
from typing import Protocol

import structlog

from config.limits import RECEIPT_SWEEP_MS, RECEIPT_VIEWERS_AT_ONCE, RECEIPTS_AT_ONCE
from config.tasks import happens, spawn
from metering.errors import MeterUnavailable, UnknownSession
from metering.receipts.receipt import ClosedSession, Receipt, Sign, make_receipt
from metering.receipts.store import ReceiptStore
from metering.session import SavedSession

log = structlog.get_logger(__name__)


class StillOpen(Exception):
    """A session has a receipt when it is over."""


class Sessions(Protocol):
    """Where sessions are looked up."""

    async def session(self, session_id: str) -> SavedSession | None: ...


class Receipts:
    """Several may run on one store: each receipt is made by one of them.

    Args:
        store: where receipts are kept.
        sessions: where sessions are.
        key: the public key of `sign`, as receipts name it.
        sign: with the server's key.
    """

    def __init__(self, store: ReceiptStore, sessions: Sessions, key: str, sign: Sign) -> None:
        self._store = store
        self._sessions = sessions
        self._key = key
        self._sign = sign
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = spawn(self._run(), "receipts")

    async def stop(self) -> None:
        """End after the receipts under way; what is due then, the next start makes."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def of(self, session_id: str) -> Receipt:
        """A closed session's receipt.

        Raises:
            UnknownSession: there never was one.
            StillOpen: see there.
            MeterUnavailable: the store does not answer.
        """
        while (receipt := await self._store.get(session_id)) is None:
            saved = await self._sessions.session(session_id)
            if saved is None:
                raise UnknownSession(session_id)
            if saved.closed_at is None:
                raise StillOpen(session_id)
            # Of a viewer all before this one come first; somebody else may make them meanwhile.
            await self._store.make(saved.session.viewer, RECEIPTS_AT_ONCE, self._make)
        return receipt

    async def make_due(self) -> int:
        """Make receipts of a bounded number of sessions that have none; how many there were."""
        count = 0
        for viewer in await self._store.due(RECEIPT_VIEWERS_AT_ONCE):
            count += await self._store.make(viewer, RECEIPTS_AT_ONCE, self._make)
            if self._stopping.is_set():
                break
        return count

    def _make(self, session: ClosedSession, previous: str | None) -> Receipt:
        return make_receipt(session, previous, self._key, self._sign)

    async def _run(self) -> None:
        well = True
        while not await happens(self._stopping, RECEIPT_SWEEP_MS / 1000):
            try:
                await self.make_due()
            except MeterUnavailable as error:
                if well:
                    log.warning("no receipts can be made", reason=str(error))
                well = False
            else:
                well = True
