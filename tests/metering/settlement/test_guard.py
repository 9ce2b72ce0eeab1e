"""A chain that is not the one our books are about is refused, whatever it calls itself."""

import pytest

from config.postgres import Database
from metering.settlement.chain import Tip, WrongNetwork
from metering.settlement.guard import (
    KnownNetwork,
    Mark,
    MemoryNetworkBook,
    NetworkBook,
    NetworkGuard,
)
from metering.settlement.guard_postgres import PostgresNetworkBook

NAME = "Some Network"


class Node:
    """A chain whose ledgers have hashes, of which it keeps some."""

    def __init__(self, salt: str = "", *, ledger: int = 1000, oldest: int = 1) -> None:
        self.salt = salt
        self.tip = Tip(ledger, 1_700_000_000, oldest)
        self.tells_hashes = True

    async def hash_of(self, ledger: int) -> str | None:
        return f"{self.salt}{ledger}" if self.tells_hashes else None


async def admit(guard: NetworkGuard, node: Node, name: str = NAME) -> None:
    await guard.admit(name, node.tip, node.hash_of)


@pytest.fixture
async def guard() -> NetworkGuard:
    guard = NetworkGuard(MemoryNetworkBook())
    await admit(guard, Node(ledger=1000))
    return guard


async def test_the_same_chain_is_admitted_at_any_height(guard: NetworkGuard) -> None:
    for ledger in (1000, 1001, 5000, 4990):
        await admit(guard, Node(ledger=ledger))
    forgetful = Node(ledger=10**6, oldest=9 * 10**5)
    await admit(guard, forgetful)


async def test_another_network_is_refused(guard: NetworkGuard) -> None:
    with pytest.raises(WrongNetwork, match="the books are about"):
        await admit(guard, Node(ledger=2000), "Another Network")


async def test_a_chain_that_began_anew_is_refused_although_no_hash_is_told(
    guard: NetworkGuard,
) -> None:
    reset = Node("reset ", ledger=987)
    reset.tells_hashes = False
    with pytest.raises(WrongNetwork, match="it was reset"):
        await admit(guard, reset)
    await admit(guard, Node(ledger=988))


async def test_a_chain_that_began_anew_and_caught_up_has_other_hashes(guard: NetworkGuard) -> None:
    for ledger in (1000, 1003, 10**6):
        with pytest.raises(WrongNetwork, match="was 1000, and is reset 1000 now"):
            await admit(guard, Node("reset ", ledger=ledger))


async def test_the_newest_ledger_is_remembered_as_well(guard: NetworkGuard) -> None:
    await admit(guard, Node(ledger=3000))
    elsewhere = Node("fork ", ledger=3500, oldest=2000)
    with pytest.raises(WrongNetwork, match="ledger 3000"):
        await admit(guard, elsewhere)


async def test_a_node_that_was_admitted_is_watched_without_asking_it(guard: NetworkGuard) -> None:
    await guard.watch(Tip(5000, 1_700_000_000, 1))
    await guard.watch(Tip(4990, 1_700_000_000, 1))
    for look in (guard.watch, lambda tip: admit(guard, Node(ledger=tip.ledger))):
        with pytest.raises(WrongNetwork, match="at ledger 5000"):
            await look(Tip(1001, 1_700_000_000, 1))


async def test_a_book_keeps_the_network_that_it_knew_first(database: Database) -> None:
    books: tuple[NetworkBook, ...] = (MemoryNetworkBook(), PostgresNetworkBook(database))
    first = KnownNetwork(NAME, Mark(5, "five"), Mark(5, "five"))
    later = KnownNetwork(NAME, Mark(5, "five"), Mark(9, None))
    for book in books:
        assert await book.known() is None
        await book.remember(first)
        await book.remember(later)
        assert await book.known() == later
    # Another process, which saw nothing yet when it looked, and one that is behind.
    await books[1].remember(KnownNetwork("Another Network", Mark(1, None), Mark(99, None)))
    await books[1].remember(KnownNetwork(NAME, Mark(5, "five"), Mark(7, None)))
    assert await books[1].known() == later
