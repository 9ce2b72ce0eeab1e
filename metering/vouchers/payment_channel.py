"""Payment channels and vouchers as values: which contracts are taken, which vouchers, what is owed.

A payment channel is a contract that a viewer puts money into and that pays us up to the highest sum
that the viewer's session key signed. The money in it stays the viewer's: we can take no more than
was signed, and after a waiting period the viewer takes the rest back without asking us.

Every sum is cumulative, in stroops, since the contract was made:

    withdrawn <= accepted <= deposited

`deposited` is what ever was put in: the contract's balance and what it paid out. (Compared with the
balance alone, no voucher would be good after the first settling.) What lies between `withdrawn` and
`accepted` is ours and not collected; it is, below zero, the balance of the ledger account on the
payment channel's side.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from config.limits import VOUCHER_DELTA_STROOPS_MIN
from metering.ledger.ledger import Account, Transfer, hot_account, viewer_account
from metering.money import STROOPS_MAX, Stroops

_NOTHING = Stroops(0)


class ChannelState(StrEnum):
    """`closing` is for good: nothing is accepted any more, and what was is collected."""

    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class VoucherRefused(Exception):
    """The voucher changed nothing."""


class DeltaTooSmall(VoucherRefused):
    """It is for less than was signed before, or for hardly more."""

    def __init__(self, accepted: Stroops) -> None:
        super().__init__(f"vouchers grow by {VOUCHER_DELTA_STROOPS_MIN} stroops or more")
        self.accepted = accepted


class ExceedsDeposit(VoucherRefused):
    """It is for more than was ever put into the contract."""

    def __init__(self, deposited: Stroops) -> None:
        super().__init__("the contract holds less than that")
        self.deposited = deposited


class LastDoesNotFit(VoucherRefused):
    """The voucher to close with is for less than was collected, or for more than was accepted."""

    def __init__(self, collected: Stroops, accepted: Stroops) -> None:
        super().__init__("it is for what was collected or more, and what was accepted or less")
        self.collected = collected
        self.accepted = accepted


class NoLongerOpen(VoucherRefused):
    """The payment channel is being closed, or is closed."""


class NotSeenLately(VoucherRefused):
    """The contract could not be looked at for so long that it may be closing meanwhile."""


class BadVoucher(VoucherRefused):
    """Its signature is not by the payment channel's key, or for something else."""


class UnknownChannel(Exception):
    """No such payment channel is registered, or it is somebody else's."""


class AlreadyTaken(Exception):
    """Somebody else has registered the contract."""


@dataclass(frozen=True, slots=True)
class ContractState:
    """What a node says of a contract, as of ledger `ledger`; amounts in stroops of `token`.

    Attributes:
        wasm: SHA-256 of its code, as hex.
        payer: who put the money in and gets back what is left (`from`).
        recipient: whom it pays (`to`).
        key: whose signatures it takes.
        waiting_ledgers: how long the payer waits for what is left.
        closes_at: the ledger from which on the payer may take what is left; None: not closing.
    """

    wasm: str
    token: str
    payer: str
    recipient: str
    key: bytes
    waiting_ledgers: int
    withdrawn: int
    balance: int
    closes_at: int | None
    ledger: int

    @property
    def deposited(self) -> int:
        """All that was ever put in and not taken back."""
        return self.balance + self.withdrawn


@dataclass(frozen=True, slots=True)
class Voucher:
    """A sum that a payment channel's key has signed for; see `commitment`."""

    contract: str
    cumulative: Stroops
    signature: bytes


@dataclass(frozen=True, slots=True)
class PaymentChannel:
    """A registered payment channel.

    Attributes:
        owner: the account whose sessions it pays for.
        payer: the wallet that opened it.
        deposited: as of `seen_at`, when its contract was looked at last.
        collected_at: when the contract was seen to have paid last; before that, the registration.
        signed: the highest sum that was signed for, with its `signature`.
        closes_at: the ledger from which on its payer may take back what is left.
    """

    contract: str
    owner: str
    asset: str
    payer: str
    key: bytes
    waiting_ledgers: int
    deposited: Stroops
    seen_at: datetime
    collected_at: datetime
    signature: bytes
    signed: Stroops = _NOTHING
    withdrawn: Stroops = _NOTHING
    state: ChannelState = ChannelState.OPEN
    closes_at: int | None = None

    @property
    def accepted(self) -> Stroops:
        """What the viewer's account was given in all."""
        return max(self.signed, self.withdrawn)

    @property
    def uncollected(self) -> Stroops:
        """What is ours and still lies in the contract."""
        return Stroops(self.accepted - self.withdrawn)


def channel_account(contract: str, asset: str) -> Account:
    """The payment channel's side of the books: minus what is ours there, so it has no floor."""
    return Account(f"chain:channel:{contract}:{asset}", asset, floor=None)


def accounts_of(channel: PaymentChannel) -> tuple[Account, Account, Account]:
    """All that a payment channel's money moves between."""
    return (
        channel_account(channel.contract, channel.asset),
        viewer_account(channel.owner, channel.asset),
        hot_account(channel.asset),
    )


@dataclass(frozen=True, slots=True)
class Changed:
    """A payment channel after something happened, and the transfers that go with it."""

    channel: PaymentChannel
    transfers: tuple[Transfer, ...] = ()


def accept(channel: PaymentChannel, voucher: Voucher, seen_since: datetime) -> Changed:
    """Take a voucher whose signature is good. The same one again changes nothing.

    Args:
        channel: as it is stored, locked.
        voucher: of this payment channel.
        seen_since: the contract has to have been looked at since then.

    Raises:
        VoucherRefused: see its kinds.
    """
    if voucher.cumulative == channel.accepted:
        return Changed(channel)
    if channel.state is not ChannelState.OPEN:
        raise NoLongerOpen(channel.state.value)
    if voucher.cumulative < channel.accepted + VOUCHER_DELTA_STROOPS_MIN:
        raise DeltaTooSmall(channel.accepted)
    if voucher.cumulative > channel.deposited:
        raise ExceedsDeposit(channel.deposited)
    if channel.seen_at < seen_since:
        raise NotSeenLately(channel.seen_at.isoformat())
    after = replace(channel, signed=voucher.cumulative, signature=voucher.signature)
    return Changed(after, (_credited(channel, voucher.cumulative, "voucher"),))


def see(channel: PaymentChannel, found: ContractState, at: datetime) -> Changed:
    """Take over what the contract says, and book what it paid out since the last look.

    What it paid is told by its own `withdrawn`, whatever became of the transactions that we know
    of: so each stroop is booked once, also those of a transaction that nobody heard of again. If it
    paid for a voucher that was lost (with a backup's last minutes), the viewer has that to spend.
    """
    withdrawn = Stroops(max(channel.withdrawn, min(found.withdrawn, STROOPS_MAX)))
    after = replace(
        channel,
        deposited=Stroops(min(found.deposited, STROOPS_MAX)),
        seen_at=at,
        closes_at=found.closes_at,
        withdrawn=withdrawn,
        collected_at=at if withdrawn > channel.withdrawn else channel.collected_at,
    )
    after = replace(after, state=_state(after, found))
    moves = []
    if withdrawn > channel.accepted:
        moves.append(_credited(channel, withdrawn, "paid"))
    if withdrawn > channel.withdrawn:
        moves.append(_collected(channel, withdrawn))
    return Changed(after, tuple(moves))


def close(channel: PaymentChannel, last: Voucher | None) -> Changed:
    """The viewer wants it closed: nothing is accepted any more, and the rest goes back at once.

    `last` is for less than was accepted, for what was watched: what is left of the highest one
    becomes the viewer's own again, in the contract, with none of it left here. Its signature is
    good.

    Raises:
        VoucherRefused: `last` is for more than was accepted, or less than was collected.
    """
    if channel.state is not ChannelState.OPEN:
        return Changed(channel)
    closing = replace(channel, state=ChannelState.CLOSING)
    if last is None or last.cumulative == channel.accepted:
        return Changed(closing)
    if not channel.withdrawn <= last.cumulative < channel.accepted:
        raise LastDoesNotFit(channel.withdrawn, channel.accepted)
    side, viewer, _ = accounts_of(channel)
    back = Transfer(
        id=f"channel:{channel.contract}:returned",
        debit=viewer.id,
        credit=side.id,
        amount=Stroops(channel.accepted - last.cumulative),
        asset=channel.asset,
        cause="voucher_returned",
    )
    after = replace(closing, signed=last.cumulative, signature=last.signature)
    return Changed(after, (back,))


def _state(channel: PaymentChannel, found: ContractState) -> ChannelState:
    if channel.state is ChannelState.CLOSED or found.closes_at is None:
        return channel.state
    is_over = found.ledger >= found.closes_at
    # Taken back by its payer, or paid: in both nothing can be collected any more.
    if is_over and (found.balance == 0 or channel.uncollected <= 0):
        return ChannelState.CLOSED
    return ChannelState.CLOSING


def _credited(channel: PaymentChannel, cumulative: Stroops, event: str) -> Transfer:
    """The viewer can spend what was signed beyond what was before."""
    side, viewer, _ = accounts_of(channel)
    return Transfer(
        id=f"channel:{channel.contract}:{event}:{cumulative}",
        debit=side.id,
        credit=viewer.id,
        amount=Stroops(cumulative - channel.accepted),
        asset=channel.asset,
        cause="voucher",
    )


def _collected(channel: PaymentChannel, withdrawn: Stroops) -> Transfer:
    side, _, hot = accounts_of(channel)
    return Transfer(
        id=f"channel:{channel.contract}:withdrawn:{withdrawn}",
        debit=hot.id,
        credit=side.id,
        amount=Stroops(withdrawn - channel.withdrawn),
        asset=channel.asset,
        cause="channel_collected",
    )
