"""What may be asked of who has the keys: to sign a planned settlement, and to bid more for it.

Nobody hands the signer a destination, an amount or a transaction. It gets a settlement's id, reads
what was planned under it, builds the transaction itself and counts what it signs. So whoever gets
hold of the server's process gets hold of no key, and of a day's payouts at most.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from metering.settlement.outbox import SignedEnvelope


@dataclass(frozen=True, slots=True)
class SigningOrder:
    """Which settlement is to be signed, and when its transaction can be applied.

    Args:
        settlement: its id in the outbox.
        source: the account (G...) whose sequence number it uses: the one that it was planned with.
        sequence: that number.
        max_time: until when it can be applied, in seconds of ledger time; soon.
        ledger: the last one that had closed before.
    """

    settlement: str
    source: str
    sequence: int
    max_time: int
    ledger: int


class Reason(StrEnum):
    """Why nothing was signed."""

    UNKNOWN = "unknown_settlement"
    ENDED = "settlement_ended"
    ALTERED = "settlement_altered"  # it was signed, and does not say the same any more
    FOREIGN_SOURCE = "foreign_source"  # not the one that was planned, or not an account of ours
    FOREIGN_ASSET = "foreign_asset"
    NOT_SIGNED_HERE = "not_signed_here"  # what is to be bumped
    TOO_LATE = "too_late"  # could be applied too far in the future
    FEE_TOO_HIGH = "fee_too_high"
    DAILY_CAP = "daily_cap"
    MALFORMED = "malformed"  # it says something that no transaction can

    @property
    def passes(self) -> bool:
        """Whether the same order may be signed later."""
        return self in (Reason.DAILY_CAP, Reason.TOO_LATE)


class Refused(Exception):
    """The signer does not sign this, and never has."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail


class SignerAway(Exception):
    """No answer: whether something was signed is not known. The same order may be given again."""


class Signer(Protocol):
    """Whoever has the keys. An order that is given again has the same answer as before.

    Attributes:
        hot: the account (G...) that pays.
        channels: accounts that lend their sequence numbers, so that several transactions can be
            under way at once; their keys follow from that of the hot account.
    """

    @property
    def hot(self) -> str: ...

    @property
    def channels(self) -> tuple[str, ...]: ...

    async def sign(self, order: SigningOrder) -> SignedEnvelope:
        """The signed transaction of a settlement.

        A settlement is signed once. Ordered again, it has the transaction that it got first, with
        the sequence number and time of then, whatever the new order says: if that cannot be applied
        any more the settlement is dead, and what it pays is planned anew under another id.

        Raises:
            Refused: it is not what was planned, or too much.
            SignerAway: nobody knows.
        """

    async def bump(self, envelope: SignedEnvelope, fee: int) -> SignedEnvelope:
        """The same transaction with a higher bid, which the hot account pays (CAP-15).

        Args:
            envelope: what `sign` gave.
            fee: stroops for its operations and one more.

        Raises:
            Refused: it was not signed here, or the bid is too high.
            SignerAway: nobody knows.
        """
