"""What the settlement worker needs of a chain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from metering.money import NATIVE, Stroops
from metering.settlement.lifecycle import Answered
from metering.settlement.outbox import SignedEnvelope
from metering.settlement.sending import Found, NotFound


class ChainUnreachable(Exception):
    """The chain gave no usable answer; nothing is known, so try again later."""


class WrongNetwork(Exception):
    """The node belongs to another network than the configured one: nothing is sent there."""


class UnknownHotAccount(Exception):
    """The hot account does not exist on the chain."""


@dataclass(frozen=True, slots=True)
class SettledAsset:
    """What is paid out: lumens, or an issuer's asset."""

    code: str = NATIVE
    issuer: str | None = None

    @property
    def name(self) -> str:
        """As the ledger calls it: `XLM`, or `CODE:ISSUER`."""
        return self.code if self.issuer is None else f"{self.code}:{self.issuer}"


LUMENS = SettledAsset()


@dataclass(frozen=True, slots=True)
class OnChain:
    """An account's holdings: `spendable` leaves its reserve alone; `ledger` changed it last."""

    balance: Stroops
    spendable: Stroops
    ledger: int


class Thresholds(NamedTuple):
    """How much weight an operation of each kind needs (Stellar docs, "Signatures and Multisig")."""

    low: int
    medium: int
    high: int


@dataclass(frozen=True, slots=True)
class ChainAccount:
    """An account as the chain has it.

    `signers` are weights by key (SEP-23: G..., T..., X..., P...), the account's own master key
    among them, also with a weight of zero.
    """

    address: str
    sequence: int
    thresholds: Thresholds
    signers: Mapping[str, int]
    home_domain: str


@dataclass(frozen=True, slots=True)
class Tip:
    """How far a node is: its latest ledger, when that closed, and the oldest one it still has.

    `close_time` in seconds since 1970, of ledger time: it may run up to a minute ahead of ours.
    """

    ledger: int
    close_time: int
    oldest_ledger: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What accounts had when a ledger had closed; who is not named had nothing, or did not exist.

    `held` is in stroops by address and asset; `sequences` by address.
    """

    ledger: int
    held: Mapping[tuple[str, str], Stroops]
    sequences: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SeenTransaction:
    """A transaction as the chain has it, whoever made it.

    Args:
        source: the account (G...) whose sequence number it used.
        sequence: that number.
        payer: the account that paid its fee; of a bump another one, perhaps.
        fee: what was taken, in stroops.
        memo: 32 bytes as hex (MEMO_HASH); empty when it has another memo, or none.
    """

    source: str
    sequence: int
    payer: str
    fee: int
    memo: str


class Chain(Protocol):
    """Knows no keys. Every method may raise `ChainUnreachable` or `WrongNetwork`."""

    async def holdings(self, address: str) -> OnChain | None:
        """What an account holds of the settled asset; None when it does not exist."""

    async def account(self, address: str) -> ChainAccount | None:
        """Who may sign for an account, and its sequence number; None when it does not exist."""

    async def obstacles(self, addresses: Sequence[str]) -> dict[str, str]:
        """Addresses that could not be paid, with the operation code that would come of it."""

    async def claimable(self, ids: Sequence[str]) -> set[str]:
        """Those of these claimable balances (`transaction.claimable_id`) that are there."""

    async def fee_p80(self) -> int:
        """Stroops an operation that four of five transactions paid lately at most."""

    async def tip(self) -> Tip:
        """How far the node is."""

    async def send(self, envelope: SignedEnvelope) -> Answered:
        """Hand an envelope to the network; what goes wrong on the way is part of the answer."""

    async def look(self, envelope: SignedEnvelope) -> Found | NotFound:
        """Ask for an envelope by its hash, after reading its source's sequence number."""
