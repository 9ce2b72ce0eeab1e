"""Both journals seal alike, and what they sealed is checked by a program that knows only the
definitions at the top of metering/ledger/journal.py.
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence

import pytest

from config.clock import ManualClock
from config.postgres import Database
from metering.ledger.journal import GENESIS, Journal, Seal
from metering.ledger.journal_memory import MemoryJournal
from metering.ledger.journal_postgres import PostgresJournal
from metering.ledger.ledger import Account, Ledger, Transfer
from metering.ledger.ledger_memory import MemoryLedger
from metering.ledger.ledger_postgres import PostgresLedger
from metering.ledger.sealer import Sealer
from metering.money import Stroops

NOW_MS = 1_800_000_000_123
HOT = Account("chain:hot:XLM", "XLM", floor=None)
# All that JSON has to write in another way, and some letters that it has not to.
ODD = Account('viewer:"\\/\b\f\n\r\t\x01\x7f\x85\u2028é漢😀:XLM', "XLM")


Books = tuple[Ledger, Journal]


@pytest.fixture
async def memory() -> Books:
    ledger = MemoryLedger(ManualClock())
    await ledger.open_accounts([HOT, ODD])
    return ledger, MemoryJournal(ledger)


@pytest.fixture
async def postgres(server_database: Database) -> Books:
    ledger = PostgresLedger(server_database)
    await ledger.open_accounts([HOT, ODD])
    return ledger, PostgresJournal(server_database)


@pytest.fixture(params=["memory", "postgres"])
def books(request: pytest.FixtureRequest) -> Books:
    made: Books = request.getfixturevalue(request.param)
    return made


def gift(name: str, amount: int = 1) -> Transfer:
    return Transfer(name, HOT.id, ODD.id, Stroops(amount), "XLM", "gift")


def sha256(*parts: str | bytes) -> bytes:
    return hashlib.sha256(
        b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    ).digest()


def recomputed(seals: Sequence[Seal], entries: Sequence[tuple[int, Transfer, int]]) -> list[bytes]:
    """The hashes of seals of transfers, from what the definitions say."""
    hashes = []
    before = bytes(32)
    for seal in seals:
        content = sha256(
            *(
                sha256(
                    json.dumps(
                        [at, t.id, t.debit, t.credit, t.amount, t.asset, t.cause, recorded],
                        ensure_ascii=False,
                    )
                )
                for at, t, recorded in entries
                if seal.first <= at <= seal.last
            )
        )
        head = ["transfers", seal.number, seal.first, seal.last, seal.transfers]
        before = sha256(json.dumps([*head, content.hex(), seal.sealed_us, before.hex()]))
        hashes.append(before)
    return hashes


async def test_transfers_are_sealed_in_runs_that_are_linked(books: Books) -> None:
    ledger, journal = books
    assert await journal.seal(NOW_MS, 10) is None
    assert await journal.head() is None
    names = ["plain", '"\\\b\f\n\r\t\x01\x1f\x7f\x85\u2028é漢😀', "c", "d", "e"]
    for i, name in enumerate(names):
        await ledger.post([gift(name, 2**62 if i == 2 else 1)])
    seals = [await journal.seal(NOW_MS + i, 2) for i in range(4)]
    assert [None if seal is None else seal.transfers for seal in seals] == [2, 2, 1, None]
    kept = await journal.seals(0, 10)
    assert kept == seals[:3]
    assert await journal.seals(1, 1) == kept[1:2]
    assert await journal.head() == kept[2]
    assert [seal.previous for seal in kept] == [GENESIS, *(seal.hash for seal in kept[:-1])]
    lines = await journal.lines(0, kept[2].last, 10)
    entries = await ledger.transfers_of(ODD.id)
    assert [line.position for line in lines] == [entry.position for entry in entries]
    whole = [
        (entry.position, entry.transfer, line.recorded_us)
        for entry, line in zip(entries, lines, strict=True)
    ]
    assert [seal.hash for seal in kept] == recomputed(kept, whole)
    assert [seal.true_hash for seal in kept] == [seal.hash for seal in kept]
    assert b"".join(seal.marks for seal in kept) == b"".join(line.hash[:4] for line in lines)
    assert await journal.lines(lines[0].position, lines[2].position, 1) == lines[1:2]
    assert await journal.closed_through() == 0


async def test_what_is_posted_while_it_is_sealed_is_in_one_seal(books: Books) -> None:
    ledger, journal = books
    sealer = Sealer(journal, ManualClock())
    await sealer.start()

    async def post(writer: int) -> None:
        for i in range(12):
            await ledger.post([gift(f"{writer}:{i}"), gift(f"{writer}:{i}:2")])

    async def seal() -> None:
        for _ in range(12):
            await journal.seal(NOW_MS, 7)

    await asyncio.gather(*(post(writer) for writer in range(4)), seal(), seal())
    await sealer.stop()
    seals = await journal.seals(0, 1_000)
    assert [seal.number for seal in seals] == list(range(1, len(seals) + 1))
    assert sum(seal.transfers for seal in seals) == 96
    edges = [position for seal in seals for position in (seal.first, seal.last)]
    assert edges == sorted(edges)
    for each in seals:
        lines = await journal.lines(each.first - 1, each.last, 1_000)
        assert len(lines) == each.transfers
        assert each.content == sha256(*(line.hash for line in lines))
