"""The journal: transfers in the order of their positions, sealed into a chain of hashes.

Nobody can change, leave out or insert a transfer of a sealed run without changing the run's seal,
and no seal without changing all later ones. Who noted the last seal's hash elsewhere finds out
about a chain that was made anew as a whole.

Another program can check it with these definitions. All texts are UTF-8.

* A transfer's text is a JSON array as Python's `json.dumps(array, ensure_ascii=False)` writes it,
  one space behind each comma: [position, id, debit, credit, amount, asset, cause, recorded], where
  debit and credit are the names of the accounts that the money leaves and reaches, amount is in
  stroops, and recorded in microseconds since 1970-01-01T00:00:00Z. Its hash is SHA-256.
* The content of a seal of transfers is SHA-256 over their hashes (32 bytes each), joined.
* The content of a seal that closes a part is SHA-256 over the lines [hash of the exported file in
  hexadecimal, number of its transfers] and then [account, asset, balance] for each account that
  held something at the end, in the order of the names' bytes; each line ends with a newline.
* The content of a seal that closes a part of sessions is SHA-256 over a line for each of its files,
  [name, hash of the file in hexadecimal, number of its rows].
* A seal's text is [kind, number, first, last, transfers, content in hexadecimal, sealed, hash of
  the seal before in hexadecimal]; kind is "transfers", "closing" or "sessions", first and last are
  positions, sealed is as recorded above. Its hash is SHA-256. Before the first seal stand 32 bytes
  of zero.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple, Protocol

from metering.ledger.ledger import Transfer

GENESIS = bytes(32)
"""What the first seal follows."""

PART_BITS = 40
"""A part of the ledger has so many positions, in powers of two; see 0012_journal.sql."""

MARK_BYTES = 4


class Kind(StrEnum):
    """What a seal is about."""

    TRANSFERS = "transfers"
    CLOSING = "closing"
    SESSIONS = "sessions"


class Line(NamedTuple):
    """A transfer in its place, just as it is written there; its fields are those of its text.

    `recorded_us` in microseconds since 1970.
    """

    position: int
    id: str
    debit: str
    credit: str
    amount: int
    asset: str
    cause: str
    recorded_us: int

    @classmethod
    def of(cls, position: int, each: Transfer, recorded_us: int) -> "Line":
        fields = (each.id, each.debit, each.credit, each.amount, each.asset, each.cause)
        return cls(position, *fields, recorded_us)

    @property
    def text(self) -> str:
        """The canonical text, which is also its line of an exported file."""
        return array_text(*self)

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.text.encode()).digest()


@dataclass(frozen=True, slots=True)
class Seal:
    """One link of the chain.

    Attributes:
        number: 1 for the first, then without gaps.
        first, last: the positions that it is about. Of transfers, those of the first and the last
            one; of a closing, all that the part could have had.
        sealed_us: when, in microseconds since 1970.
        previous, hash: the chain.
        marks: the first bytes of each transfer's hash. They are no part of the chain: they tell
            which transfer of a broken seal was changed.
    """

    number: int
    kind: Kind
    first: int
    last: int
    transfers: int
    content: bytes
    sealed_us: int
    previous: bytes
    hash: bytes
    marks: bytes = b""

    @property
    def true_hash(self) -> bytes:
        """What `hash` is, if nothing was changed."""
        text = array_text(
            self.kind.value,
            self.number,
            self.first,
            self.last,
            self.transfers,
            self.content.hex(),
            self.sealed_us,
            self.previous.hex(),
        )
        return hashlib.sha256(text.encode()).digest()


class Journal(Protocol):
    """What `journal_memory` and `journal_postgres` both do, as `tests/conformance` shows."""

    async def seal(self, now_ms: int, limit: int) -> Seal | None:
        """Seal what follows the last sealed transfer, at most `limit` of them and of one part.

        Whatever has a position up to the seal's last one was posted: later transfers follow it.

        Returns:
            None when all are sealed, or another process is at it.
        """

    async def head(self) -> Seal | None:
        """The last seal; None when nothing was sealed."""

    async def seals(self, after: int, limit: int) -> list[Seal]:
        """Seals with higher numbers, in their order."""

    async def lines(self, after: int, through: int, limit: int) -> list[Line]:
        """Transfers with positions above `after` and up to `through`, in their order."""

    async def closed_through(self) -> int:
        """The last position of the parts that were closed; 0 when none was."""

    async def closing(self, number: int) -> Sequence[str]:
        """The lines that the content of a seal is made of which closed a part."""


class Content:
    """Gathers what a seal of transfers is made of, one line after the other."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._marks = bytearray()
        self.first = self.last = self.transfers = 0

    def add(self, position: int, hash_: bytes) -> None:
        """Add the hash of the transfer at a position."""
        self._hash.update(hash_)
        self._marks += hash_[:MARK_BYTES]
        self.first = self.first or position
        self.last = position
        self.transfers += 1

    @property
    def hash(self) -> bytes:
        return self._hash.digest()

    @property
    def marks(self) -> bytes:
        return bytes(self._marks)


def seal_of(lines: Sequence[Line], before: Seal | None, sealed_us: int) -> Seal:
    """The link for transfers that follow those of the last seal; at least one."""
    content = Content()
    for line in lines:
        content.add(line.position, line.hash)
    return _linked(content, before, sealed_us)


def _linked(content: Content, before: Seal | None, sealed_us: int) -> Seal:
    seal = Seal(
        number=1 if before is None else before.number + 1,
        kind=Kind.TRANSFERS,
        first=content.first,
        last=content.last,
        transfers=content.transfers,
        content=content.hash,
        sealed_us=sealed_us,
        previous=GENESIS if before is None else before.hash,
        hash=b"",
        marks=content.marks,
    )
    return replace(seal, hash=seal.true_hash)


def closing_content(lines: Iterable[str]) -> bytes:
    """The content of a seal that closes a part, from its lines."""
    hash_ = hashlib.sha256()
    for line in lines:
        hash_.update(f"{line}\n".encode())
    return hash_.digest()


def array_text(*fields: str | int) -> str:
    """A JSON array, as all that is hashed here is written."""
    return json.dumps(fields, ensure_ascii=False)
