"""When a payment channel is collected from, and when that is late."""

from dataclasses import dataclass
from datetime import datetime

from metering.money import Stroops
from metering.signer.collecting import Verb
from metering.vouchers.payment_channel import ChannelState, PaymentChannel


@dataclass(frozen=True, slots=True)
class CollectingRules:
    """When a payment channel is collected from.

    Attributes:
        stroops: as soon as so much is ours there.
        seconds: after so long, however little it is.
    """

    stroops: Stroops
    seconds: int


def due(channel: PaymentChannel, rules: CollectingRules, now: datetime) -> Verb | None:
    """What to ask of the contract now; None: nothing."""
    if channel.state is ChannelState.CLOSING and channel.closes_at is None:
        return Verb.CLOSE  # the viewer asked us to, and gets the rest back without waiting
    if channel.state is ChannelState.CLOSED or channel.uncollected <= 0:
        return None
    if channel.state is ChannelState.CLOSING:
        return Verb.CLOSE
    waited = (now - channel.collected_at).total_seconds() >= rules.seconds
    return Verb.SETTLE if waited or channel.uncollected >= rules.stroops else None


def is_late(channel: PaymentChannel, ledger: int) -> bool:
    """Whether half of the waiting period has gone by and something of ours still lies there."""
    if channel.closes_at is None or channel.uncollected <= 0:
        return False
    return channel.closes_at - ledger < channel.waiting_ledgers / 2
