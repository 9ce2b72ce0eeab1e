"""The running network: its model, its clock and its state file, kept in step."""

import asyncio

import structlog

from config.clock import Clock
from config.limits import (
    LOCALNET_FRIENDBOT_ROUNDS_MAX,
    LOCALNET_HISTORY_BYTES_MAX,
    LOCALNET_INCLUSION_SECONDS_MAX,
)
from config.tasks import cancel, spawn
from metering.localnet.friendbot import gift_envelope
from metering.localnet.network import LocalNetwork, Status, Submission, genesis
from metering.localnet.record import Record
from metering.localnet.state_file import StateFile

log = structlog.get_logger(__name__)


class NetworkClock:
    """Time that never goes back, not even when the machine's clock is set back.

    Args:
        clock: the machine's.
        not_before_ms: time that the network has seen already, in an earlier run.
    """

    def __init__(self, clock: Clock, not_before_ms: int) -> None:
        self._clock = clock
        self._offset_ms = max(clock.wall_ms(), not_before_ms) - clock.monotonic_ms()

    def leap(self, by_ms: int) -> None:
        """Go ahead of the machine's clock, for good."""
        self._offset_ms += by_ms

    def now_ms(self) -> int:
        return self._clock.monotonic_ms() + self._offset_ms


class Node:
    """Advances the network and keeps each ledger on disk before anybody is told of it."""

    def __init__(self, network: LocalNetwork, state_file: StateFile, clock: NetworkClock) -> None:
        self.network = network
        self._state_file = state_file
        self._clock = clock
        self._submitted = asyncio.Event()
        self._closed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = spawn(self._close_ledgers(), "localnet ledgers")

    async def stop(self) -> None:
        await cancel(self._task)
        self._state_file.close()

    def advance(self) -> int:
        """Close the ledger that is due, if any; the network's time is now the returned one (ms)."""
        now_ms = self._clock.now_ms()
        closing = self.network.advance(now_ms)
        if closing is not None:
            self._state_file.save(closing, self.network.oldest_ledger)
            log.debug(
                "ledger closed",
                ledger=closing.header.sequence,
                transactions=len(closing.records),
            )
            self._closed.set()
            self._closed = asyncio.Event()
        return now_ms

    def forget(self, keep_ledgers: int) -> int:
        """Forget all but the newest ledgers; returns the oldest that is kept."""
        latest = self.network.latest(self.advance()).sequence
        self.network.forget_before(max(1, latest - keep_ledgers + 1))
        self._state_file.forget_before(self.network.oldest_ledger)
        return self.network.oldest_ledger

    def leap(self, seconds: int) -> int:
        """Let time pass that nobody has to wait for; returns the close time it is then."""
        self.advance()
        self._clock.leap(seconds * 1000)
        return self.network.latest(self.advance()).close_time

    def reset(self) -> None:
        """Begin the network anew under the same name, as Stellar's test networks are at times."""
        old = self.network
        state = genesis(old.passphrase, old.close_ms, self._clock.now_ms())
        self._state_file.create(state)
        self.network = LocalNetwork(state, LOCALNET_HISTORY_BYTES_MAX)
        self.network.traffic = old.traffic
        log.info("network begun anew")

    def submit(self, envelope: str, late_ledgers: int) -> Submission:
        """Take a transaction.

        Raises:
            MalformedEnvelope: not an envelope.
        """
        submission = self.network.submit(envelope, self.advance(), late_ledgers)
        self.submitted()
        return submission

    def submitted(self) -> None:
        """Something may be pending: see to it that its ledger closes in time."""
        self._submitted.set()

    async def included(self, hash_: str) -> Record | None:
        """Wait until a transaction is part of a ledger; None when that takes too long."""
        try:
            async with asyncio.timeout(LOCALNET_INCLUSION_SECONDS_MAX):
                while True:
                    self.advance()
                    record = self.network.transaction(hash_)
                    if record is not None:
                        return record
                    await self._closed.wait()
        except TimeoutError:
            return None

    async def give(self, address: str) -> Record | None:
        """Friendbot: lumens for an address. None when the network is too busy."""
        for _ in range(LOCALNET_FRIENDBOT_ROUNDS_MAX):
            now_ms = self.advance()
            submission = self.submit(gift_envelope(self.network, address, now_ms), 0)
            if submission.status == Status.PENDING:
                return await self.included(submission.hash)
            # Somebody else's gift is pending: one transaction an account at a time.
            await self.next_ledger()
        return None

    async def next_ledger(self) -> None:
        """Wait for one ledger to close, but not for ever: nothing may be pending any more."""
        try:
            async with asyncio.timeout(2 * self.network.close_ms / 1000):
                await self._closed.wait()
        except TimeoutError:
            return

    async def _close_ledgers(self) -> None:
        while True:
            now_ms = self.advance()
            due_ms = self.network.next_close_ms()
            if due_ms is None:
                self._submitted.clear()
                await self._submitted.wait()
            else:
                await asyncio.sleep(max(1, due_ms - now_ms) / 1000)
