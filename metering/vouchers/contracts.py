"""What is asked of the chain about payment channels: how contracts are, and what makes them pay."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from metering.settlement.outbox import SignedEnvelope
from metering.signer.collecting import Verb
from metering.vouchers.payment_channel import ContractState


class CallRefused(Exception):
    """A node that tried the call says that it would fail, or would cost too much."""


class NoFeeAccount(Exception):
    """The account that pays for transactions does not exist. Its text is its address."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A contract is to pay up to a voucher, and with `close` to give back the rest."""

    contract: str
    verb: Verb
    cumulative: int
    signature: bytes


class Contracts(Protocol):
    """Every method may raise `ChainUnreachable` or `WrongNetwork`."""

    async def read(self, contracts: Sequence[str]) -> dict[str, ContractState]:
        """How contracts are now; what is no payment channel by its own account is left out."""

    async def ask(self, ask: Ask) -> SignedEnvelope:
        """The signed transaction that asks a contract to pay, not sent yet.

        Raises:
            CallRefused: it would fail.
            NoFeeAccount: there is nobody to send it.
            Refused, SignerAway: as `CollectingSigner`.
        """
