"""Thousands of payouts while answers get lost and ledgers come late: nobody is paid twice, nothing
is stuck, and chain and ledger agree to the stroop.

    python -m tests.metering.settlement.fault_matrix --settlements 10000 --api rpc --seed 1
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import structlog

from metering.ledger.ledger import Transfer, creator_account, treasury_account
from metering.money import Stroops
from metering.settlement.chain import SettledAsset
from metering.settlement.horizon import Horizon
from metering.settlement.outbox import Settlement, State
from metering.settlement.worker import SettlementWorker
from tests.metering.settlement.simulated import (
    MINIMUM,
    PASSPHRASE,
    XLM,
    Weather,
    World,
)
from tests.metering.settlement.simulated_horizon import SimulatedHorizon

APIS = ("rpc", "horizon")
LOST_ACKS = LATE = 0.3
CREATORS = 40
_EARN_AT_ONCE = 2
_PASS_MS = 3_000
# Two minutes that a lost envelope may take, again and again.
_PASSES_TO_REST = 2_000


@dataclass
class Matrix:
    """What was found. `wrong` says what no history may show."""

    settlements: Counter[str] = field(default_factory=Counter)
    payments: int = 0
    bids: int = 0
    sent_again: int = 0
    wrong: list[str] = field(default_factory=list)


class Faulty(World):
    """A world in which the treasury was filled once and for all."""

    def __init__(self, api: str, chance: random.Random) -> None:
        super().__init__(channels=4)
        self.api = api
        self.horizon = SimulatedHorizon(self.network, self.clock, self.node.weather)
        self.over_horizon = Horizon("http://horizon", PASSPHRASE, SettledAsset(), self.horizon)
        self.chance = chance

    def new_worker(self) -> SettlementWorker:
        """One that gets no play money, over the API that is asked for."""
        if not hasattr(self, "api"):
            return super().new_worker()
        chain = self.over_horizon if self.api == "horizon" else self.real_chain
        self.worker = SettlementWorker(
            self.stored,
            chain,
            self.signer,
            self.ledger,
            self.sources,
            self.clock,
            interval_ms=60_000,
            terms=self.terms,
            channels=len(self.channels),
        )
        return self.worker

    async def begin(self) -> None:
        for _ in range(3):
            await self.friendbot.fund(self.signer.hot)
        await self.play_money.replenish()
        for number in range(CREATORS):
            await self.add_creator(f"c{number}")
            account = creator_account(f"c{number}", "XLM")
            await self.ledger.open_accounts([account])
        self.new_worker()

    async def earn_some(self) -> None:
        """Some creators earn, out of the treasury."""
        treasury = treasury_account("XLM").id
        transfers = []
        for creator in self.chance.sample(list(self.payees.addresses), _EARN_AT_ONCE):
            amount = self.chance.randrange(MINIMUM, XLM // 100)
            self.earned[creator] = self.earned.get(creator, 0) + amount
            cause, account = f"{creator}:{self.earned[creator]}", creator_account(creator, "XLM").id
            earned = Transfer(cause, treasury, account, Stroops(amount), "XLM", "post")
            transfers.append(earned)
        await self.ledger.post(transfers)

    def set_weather(self, weather: Weather) -> None:
        self.node.weather = self.horizon.weather = weather


async def run(settlements: int, seed: int, api: str) -> Matrix:
    """Let so many settlements end under faults, then heal everything and look."""
    chance = random.Random(seed)
    world = Faulty(api, chance)
    await world.begin()
    faults = Weather(random=chance, lost_before=0.02, lost_after=LOST_ACKS, late=LATE)
    world.set_weather(faults)
    matrix = Matrix()
    while await _ended(world) < settlements:
        await world.earn_some()
        await _pass(world)
        _check_nobody_has_too_much(world, matrix)
    world.set_weather(Weather())
    for _ in range(_PASSES_TO_REST):
        if not await _pass(world):
            break
    await _judge(world, matrix)
    return matrix


async def _pass(world: Faulty) -> bool:
    more = await world.worker.run_once()
    world.clock.advance(_PASS_MS)
    world.network.advance(world.clock.wall_ms())
    return more


def _all(world: Faulty) -> list[Settlement]:
    return list(world.stored._settlements.values())  # type: ignore[attr-defined]  # in memory


async def _ended(world: Faulty) -> int:
    planned = len(world.stored._settlements)  # type: ignore[attr-defined]  # in memory
    return planned - len(await world.stored.unfinished())


def _check_nobody_has_too_much(world: Faulty, matrix: Matrix) -> None:
    for creator, earned in world.earned.items():
        if world.received(creator) > earned:
            matrix.wrong.append(f"{creator} was paid {world.received(creator)} of {earned}")


async def _judge(world: Faulty, matrix: Matrix) -> None:
    for settlement in _all(world):
        matrix.settlements[settlement.state.value] += 1
        matrix.payments += len(settlement.payments) * (settlement.state == State.APPLIED)
        matrix.bids += len(settlement.bumps)
    sent = world.horizon.sent if world.api == "horizon" else world.node.sent
    matrix.sent_again = len(sent) - len(set(sent))
    if await world.stored.unfinished():
        matrix.wrong.append("something is stuck under way")
    for creator, earned in world.earned.items():
        left = await world.ledger.balance(creator_account(creator, "XLM").id)
        if world.received(creator) + left != earned or left >= MINIMUM:
            matrix.wrong.append(f"{creator} earned {earned}, has {left}, was paid the rest")
    try:
        await world.check()
    except AssertionError as error:
        matrix.wrong.append(f"chain and ledger differ: {error}")


def main() -> int:
    """Run as many as asked for, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settlements", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--api", choices=APIS, default="rpc")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    began = time.monotonic()
    matrix = asyncio.run(run(asked.settlements, asked.seed, asked.api))
    lines = [
        f"{asked.api}, seed {asked.seed}: {dict(matrix.settlements)}",
        f"{matrix.payments} payments, {matrix.bids} higher bids, "
        f"{matrix.sent_again} envelopes sent again, {time.monotonic() - began:.0f} s",
        *(f"WRONG: {each}" for each in matrix.wrong),
        "failed" if matrix.wrong else "double 0, stuck 0, chain = ledger to the stroop",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if matrix.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
