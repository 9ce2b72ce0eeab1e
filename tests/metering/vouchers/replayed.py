"""Vouchers over HTTP, replayed, reordered and forged over eight connections: what is accepted is
the highest that there is money for, and nothing above the escrow.

    python -m tests.metering.vouchers.replayed --requests 10000 --seed 1
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from aiohttp import ClientSession, TCPConnector

from config.clock import ManualClock
from config.embedded_postgres import EmbeddedPostgres
from config.limits import VOUCHER_DELTA_STROOPS_MIN, VOUCHERS_PER_SECOND_MAX
from config.migrate import migrate
from config.postgres import Database
from metering.ledger.ledger import viewer_account
from metering.money import format_amount, parse_amount
from tests.api.channel_rig import DEPOSIT, Rig, rig_over
from tests.metering.vouchers.test_desk import CONTRACT

CONNECTIONS = 8
# Each voucher comes so often, in any order.
_REPLAYS = 4
# How many vouchers apart the copies of one are.
_APART = 50
# One in so many has the signature of another sum.
_FORGED = 20
_REFUSALS = ("delta_too_small", "amount_exceeds_deposit", "invalid_signature")


@dataclass
class Replayed:
    """What was found. `wrong` says what may never be."""

    answers: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    highest: int = 0
    accepted: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Request:
    stroops: int
    forged: bool


async def run(database: Database, requests: int, seed: int) -> Replayed:
    """Send so many requests to the routes over a migrated, empty database."""
    chance, clock, found = random.Random(seed), ManualClock(), Replayed()
    drawn = _drawn(requests, chance)
    async with rig_over(database, clock) as rig:
        await rig.register()
        rig.peers.clear()
        shares = (drawn[each::CONNECTIONS] for each in range(CONNECTIONS))
        await asyncio.gather(*(_connection(rig, clock, share, found) for share in shares))
        found.connections = len(rig.peers)
        genuine = (each.stroops for each in drawn if not each.forged)
        found.highest = max(stroops for stroops in genuine if stroops <= DEPOSIT)
        await _judge(rig, found)
    return found


def _drawn(requests: int, chance: random.Random) -> list[_Request]:
    """Sums that rise, each replayed and out of order by hundreds of requests; a tenth of them are
    for more than there is, and come at any time. They differ by what vouchers grow by.
    """
    each_once = -(-requests // _REPLAYS)
    there = DEPOSIT // VOUCHER_DELTA_STROOPS_MIN
    good = sorted(chance.sample(range(1, there + 1), each_once - each_once // 10))
    beyond = chance.sample(range(there + 1, there + 1 + each_once), each_once // 10)
    rising = list(enumerate(good))
    anywhere = [(chance.randrange(len(good)), each) for each in beyond]
    again = [(at + chance.random() * _APART, each) for at, each in (rising + anywhere) * _REPLAYS]
    stroops = [each * VOUCHER_DELTA_STROOPS_MIN for _, each in sorted(again)]
    return [_Request(each, chance.randrange(_FORGED) == 0) for each in stroops[:requests]]


async def _connection(
    rig: Rig, clock: ManualClock, share: Sequence[_Request], found: Replayed
) -> None:
    async with ClientSession(connector=TCPConnector(limit=1)) as session:
        for request in share:
            # As many a second as an account may send.
            clock.advance(1_000 // VOUCHERS_PER_SECOND_MAX + 1)
            voucher = rig.voucher(request.stroops)
            if request.forged:
                # By the key, for another sum: a voucher's sum is what is signed.
                voucher["cumulative"] = format_amount(request.stroops + VOUCHER_DELTA_STROOPS_MIN)
            status, answer = await rig.post(f"/{CONTRACT}/vouchers", voucher, session)
            _note(request, status, answer, found)


def _note(request: _Request, status: int, answer: dict[str, str], found: Replayed) -> None:
    word = "accepted" if status == 200 else str(answer.get("code"))
    found.answers[word] += 1
    if request.forged != (word == "invalid_signature"):
        found.wrong.append(f"{request} was answered with {word}")
    elif status == 200 and parse_amount(answer["accepted"]) < request.stroops:
        found.wrong.append(f"{request.stroops} was answered with {answer['accepted']}")
    elif status != 200 and word not in _REFUSALS:
        found.wrong.append(f"{request.stroops} was answered with {status} {word}")


async def _judge(rig: Rig, found: Replayed) -> None:
    """What is stored, and what can be spent, is the highest; which is not above the escrow."""
    kept = await rig.vouchers.channel(CONTRACT)
    assert kept is not None, "it was registered"
    found.accepted = kept.accepted
    if kept.accepted != found.highest:
        found.wrong.append(f"{kept.accepted} is accepted, the highest is {found.highest}")
    if kept.accepted > DEPOSIT:
        found.wrong.append(f"{kept.accepted} is accepted, {DEPOSIT} is there")
    held = await rig.ledger.balance(viewer_account(rig.owner, kept.asset).id)
    if held != kept.accepted:
        found.wrong.append(f"{held} can be spent of {kept.accepted}")
    if not (await rig.ledger.check()).sound:
        found.wrong.append("the ledger is not sound")


async def _run_alone(requests: int, seed: int) -> Replayed:
    """The same on a database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        database = await Database.connect(await server.start())
        try:
            await migrate(database)
            return await run(database, requests, seed)
        finally:
            await database.close()
            await server.stop()


def main() -> int:
    """Send as many as asked for, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    began = time.monotonic()
    found = asyncio.run(_run_alone(asked.requests, asked.seed))
    lines = [
        f"{found.answers.total()} requests over {found.connections} connections, "
        f"seed {asked.seed}: {dict(found.answers)}, {time.monotonic() - began:.0f} s",
        *(f"WRONG: {each}" for each in found.wrong),
        "failed"
        if found.wrong
        else f"accepted = the maximum ({found.accepted} stroops), "
        f"nothing above the escrow ({DEPOSIT} stroops)",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
