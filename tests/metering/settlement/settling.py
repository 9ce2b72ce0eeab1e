"""Lets a worker pay everyone who is due, on a network that runs in real time."""

import asyncio

from config.limits import SETTLEMENT_POLL_MS
from metering.settlement.worker import SettlementWorker


async def settle(worker: SettlementWorker) -> None:
    """Return when the outcome of each payout is known; the caller says for how long to wait."""
    while True:
        if not await worker.run_once():
            return
        await asyncio.sleep(SETTLEMENT_POLL_MS / 1000)
