"""The journal's chain, made anew from the transfers and compared link by link."""

from collections.abc import Sequence
from typing import Protocol

from config.limits import JOURNAL_PAGE_MAX, JOURNAL_SEALS_MAX
from metering.audit.finding import Check, Finding
from metering.ledger.journal import (
    GENESIS,
    MARK_BYTES,
    Content,
    Kind,
    Line,
    Seal,
    closing_content,
)

# Positions begin with 1; somebody else might begin before.
_BEFORE_ALL = -(2**63)


class SealedJournal(Protocol):
    """What is read of a journal; see `journal.Journal`."""

    async def seals(self, after: int, limit: int) -> list[Seal]: ...

    async def lines(self, after: int, through: int, limit: int) -> list[Line]: ...

    async def closed_through(self) -> int: ...

    async def closing(self, number: int) -> Sequence[str]: ...


async def check_chain(journal: SealedJournal, noted: bytes | None = None) -> list[Finding]:
    """Look at every link and every transfer.

    Args:
        journal: in one snapshot.
        noted: the hash of a seal that somebody wrote down, which has to be in the chain.
    """
    walk = _Walk(journal, noted)
    await walk.through()
    return walk.findings()


class _Walk:
    """From the first link to the last; in memory are some seals and a page of transfers."""

    def __init__(self, journal: SealedJournal, noted: bytes | None) -> None:
        self._journal = journal
        self._noted = noted
        self._links = Check("J1", "each seal has the hash of what it says, and follows", "seals")
        self._contents = Check("J2", "sealed transfers are as they were sealed", "transfers")
        self._head = Check("J3", "the seal that was noted elsewhere is in the chain", "seals")
        self._number = 0
        self._previous = GENESIS
        self._position = _BEFORE_ALL
        self._closed = 0
        self._closed_transfers = 0
        self._noted_is_there = False

    async def through(self) -> None:
        self._closed = await self._journal.closed_through()
        while seals := await self._journal.seals(self._number, JOURNAL_SEALS_MAX):
            for seal in seals:
                self._link(seal)
                if seal.kind is not Kind.TRANSFERS:
                    await self._closing(seal)
                elif seal.last <= self._closed:
                    self._closed_transfers += seal.transfers
                    self._position = seal.last
                else:
                    await self._transfers(seal)

    def findings(self) -> list[Finding]:
        remark = ""
        if self._closed_transfers:
            remark = f"in exported files: {self._closed_transfers:,}"
        found = [self._links.finding(), self._contents.finding(remark)]
        if self._noted is not None:
            self._head.saw()
            otherwise = f"the chain was made anew: no seal has the hash {self._noted.hex()}"
            self._head.require(holds=self._noted_is_there, otherwise=otherwise)
            found.append(self._head.finding())
        return found

    def _link(self, seal: Seal) -> None:
        self._links.saw()
        if seal.number != self._number + 1:
            self._links.violated(f"seal {self._number + 1} is missing")
        elif seal.previous != self._previous:
            self._links.violated(f"seal {seal.number} does not follow seal {self._number}")
        elif seal.true_hash != seal.hash:
            self._links.violated(f"seal {seal.number} says something else than its hash")
        self._number = seal.number
        self._previous = seal.hash
        self._noted_is_there |= seal.hash == self._noted

    async def _closing(self, seal: Seal) -> None:
        content = closing_content(await self._journal.closing(seal.number))
        otherwise = f"seal {seal.number}: what a part was closed with was changed"
        self._contents.require(holds=content == seal.content, otherwise=otherwise)

    async def _transfers(self, seal: Seal) -> None:
        content, odd = Content(), ""
        while lines := await self._journal.lines(self._position, seal.last, JOURNAL_PAGE_MAX):
            for line in lines:
                hash_ = line.hash
                odd = odd or _difference(seal, content.transfers, line, hash_)
                content.add(line.position, hash_)
            self._position = lines[-1].position
        self._contents.saw(content.transfers)
        if content.transfers < seal.transfers and not odd:
            odd = f"what followed position {self._position} is missing"
        if content.transfers != seal.transfers or content.hash != seal.content:
            where = f"positions {seal.first} to {seal.last}"
            self._contents.violated(f"seal {seal.number} ({where}): {odd or 'was changed'}")
        self._position = seal.last


def _difference(seal: Seal, index: int, line: Line, hash_: bytes) -> str:
    """Why a transfer is not the one that was sealed in this place; nothing when it is."""
    mark = hash_[:MARK_BYTES]
    here, next_ = (
        seal.marks[at : at + MARK_BYTES] for at in (index * MARK_BYTES, (index + 1) * MARK_BYTES)
    )
    if mark == here:
        return ""
    name = f"{line.id} at position {line.position}"
    if mark == next_:
        return f"one before {name} is missing"
    return f"{name} was changed or added"
