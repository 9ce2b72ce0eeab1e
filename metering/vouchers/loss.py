"""What a payment channel cost us: vouchers that were accepted and can no longer be collected.

That happens when its payer's waiting period is over before we collected, and the payer took back
everything. What was given for the vouchers is spent. In the books it is still a claim against the
payment channel, until the operator gives it up: then it is an expense, booked once.
"""

from dataclasses import dataclass
from datetime import datetime

from metering.ledger.ledger import Transfer, channel_loss_account
from metering.money import Stroops
from metering.vouchers.payment_channel import ChannelState, PaymentChannel, channel_account


class NothingLost(Exception):
    """The payment channel is not over, or all that was accepted was collected."""


class OtherAmount(Exception):
    """Something else is lost than the operator said."""


@dataclass(frozen=True, slots=True)
class WriteOff:
    """That the operator gave it up: why in words, who and when."""

    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Loss:
    """What one payment channel cost us; all sums in stroops of `asset`.

    Args:
        contract: its address.
        owner: the account whose sessions it paid for.
        payer: the wallet that took back what it had signed for.
        accepted: what was signed for, since the contract was made.
        collected: what of that it paid.
        written_off: None as long as it is a claim in our books.
    """

    contract: str
    owner: str
    payer: str
    asset: str
    accepted: Stroops
    collected: Stroops
    written_off: WriteOff | None = None

    @property
    def amount(self) -> Stroops:
        """What is lost."""
        return Stroops(self.accepted - self.collected)

    @property
    def transfer(self) -> Transfer:
        """What makes it an expense; the same each time."""
        return Transfer(
            id=f"channel:{self.contract}:written_off",
            debit=channel_loss_account(self.asset).id,
            credit=channel_account(self.contract, self.asset).id,
            amount=self.amount,
            asset=self.asset,
            cause="channel_written_off",
        )


def loss_of(channel: PaymentChannel, written_off: WriteOff | None = None) -> Loss:
    """What is lost.

    Raises:
        NothingLost: nothing is, as far as is known.
    """
    if channel.state is not ChannelState.CLOSED or channel.uncollected <= 0:
        raise NothingLost(channel.contract)
    return Loss(
        contract=channel.contract,
        owner=channel.owner,
        payer=channel.payer,
        asset=channel.asset,
        accepted=channel.accepted,
        collected=channel.withdrawn,
        written_off=written_off,
    )
