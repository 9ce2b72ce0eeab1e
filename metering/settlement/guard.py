"""Which chain our money is on: remembered, so that another one is never taken for it.

A passphrase names a network, but a test network is reset every few months under the same one, and a
local one when its state is lost. Then ledgers count from one again, and whatever the books say of
the chain is wrong. So the newest ledger that was seen is remembered, and the first one.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from config.limits import NETWORK_LAG_LEDGERS
from metering.settlement.chain import Tip, WrongNetwork

# The hash (hex) of a ledger; None when the node cannot tell it.
HashOf = Callable[[int], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Mark:
    """A ledger by number, and its hash when that could be told."""

    ledger: int
    hash: str | None


@dataclass(frozen=True, slots=True)
class KnownNetwork:
    """The chain that our books are about."""

    passphrase: str
    first: Mark
    last: Mark


class NetworkBook(Protocol):
    """Remembers one network for good."""

    async def known(self) -> KnownNetwork | None:
        """What is remembered. May raise one of `config.postgres.UNAVAILABLE`."""

    async def remember(self, network: KnownNetwork) -> None:
        """Replaces what is remembered; may raise the same."""


class MemoryNetworkBook:
    """Implements `NetworkBook` for as long as the process lives."""

    def __init__(self) -> None:
        self._known: KnownNetwork | None = None

    async def known(self) -> KnownNetwork | None:
        return self._known

    async def remember(self, network: KnownNetwork) -> None:
        self._known = network


class NetworkGuard:
    """Asked by whoever talks to a node: before anything else is said to it, and now and then."""

    def __init__(self, book: NetworkBook) -> None:
        self._book = book

    async def admit(self, passphrase: str, tip: Tip, hash_of: HashOf) -> None:
        """Compare a node with what is known, and remember how far it is.

        Raises:
            WrongNetwork: it is on another chain, or so far behind that this cannot be told.
        """
        known = await self._book.known()
        if known is None:
            mark = Mark(tip.ledger, await hash_of(tip.ledger))
            await self._book.remember(KnownNetwork(passphrase, mark, mark))
            return
        _compare_names(known, passphrase)
        _compare_heights(known, tip)
        for mark in (known.first, known.last):
            await _compare(mark, tip, hash_of)
        if tip.ledger > known.last.ledger:
            last = Mark(tip.ledger, await hash_of(tip.ledger))
            await self._book.remember(replace(known, last=last))

    async def watch(self, tip: Tip) -> None:
        """The same of a node that was admitted, without asking it for anything.

        Raises:
            WrongNetwork: it went back.
        """
        known = await self._book.known()
        if known is None:
            return
        _compare_heights(known, tip)
        if tip.ledger > known.last.ledger:
            await self._book.remember(replace(known, last=Mark(tip.ledger, None)))


def _compare_names(known: KnownNetwork, passphrase: str) -> None:
    if known.passphrase != passphrase:
        raise WrongNetwork(
            f"the books are about the network {known.passphrase!r}, and this is {passphrase!r}"
        )


def _compare_heights(known: KnownNetwork, tip: Tip) -> None:
    if known.last.ledger - tip.ledger > NETWORK_LAG_LEDGERS:
        raise WrongNetwork(
            f"the chain was at ledger {known.last.ledger} and is at {tip.ledger} now:"
            " it was reset, or this node is far behind"
        )


async def _compare(mark: Mark, tip: Tip, hash_of: HashOf) -> None:
    if mark.hash is None or not tip.oldest_ledger <= mark.ledger <= tip.ledger:
        return
    there = await hash_of(mark.ledger)
    if there is not None and there != mark.hash:
        raise WrongNetwork(f"ledger {mark.ledger} was {mark.hash}, and is {there} now")
