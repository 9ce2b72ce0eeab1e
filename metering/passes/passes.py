"""What a pass is: who may watch what until when, and whose the price of it is.

A pass is good from when it is bought, for whole hours, on the content that it was bought for. One
that was bought for a broadcast is good for the later broadcasts of the same source as well: an
encoder that was away for too long comes back as other content, and nobody pays for that. What the
source has sent before is not part of it.

Its price leaves the viewer's account in one transfer, and reaches in the same batch those who share
what the content earns, as the split says that holds when it is bought: the platform's part rounded
down, each share its exact one rounded down or up, all together the price. In between is an account
that holds nothing before and after. Nothing is given back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from config.limits import PRICE_SECONDS_MAX
from metering.ledger.ledger import Account, Transfer, creator_account, viewer_account
from metering.money import Stroops
from metering.shares.splits import Split, platform_account

_MINUTE, _HOUR = 60, 3600
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Content:
    """What somebody wants to watch. `source` is None but for what a source sent; `began` is when
    that was.
    """

    id: str
    source: str | None
    began: datetime


@dataclass(frozen=True, slots=True)
class Pass:
    """One that was bought. `source` as of its content."""

    id: str
    account: str
    content: str
    source: str | None
    hours: int
    asset: str
    price: Stroops
    began: datetime

    @property
    def ends(self) -> datetime:
        """From this moment on it is good no more."""
        return self.began + timedelta(hours=self.hours)

    def is_good(self, content: Content, at: datetime) -> bool:
        """Whether its owner watches that content at that moment for nothing more."""
        if not self.began <= at < self.ends:
            return False
        if content.id == self.content:
            return True
        return (
            self.source is not None
            and content.source == self.source
            and content.began >= self.began
        )


@dataclass(frozen=True, slots=True)
class Part:
    """What a creator gets of a pass; more than nothing."""

    account: str
    amount: Stroops


@dataclass(frozen=True, slots=True)
class Sale:
    """A pass, and how its price is shared."""

    sold: Pass
    split: Split

    @property
    def fee(self) -> int:
        """The platform's part, in stroops."""
        fee, _ = self.split.parts(self.sold.price)
        return fee

    @property
    def parts(self) -> list[Part]:
        """The creators' parts, in the order of the shares."""
        _, amounts = self.split.parts(self.sold.price)
        return [
            Part(share.account, Stroops(amount))
            for share, amount in zip(self.split.shares, amounts, strict=True)
            if amount
        ]

    @property
    def accounts(self) -> list[Account]:
        """The accounts that its transfers are between."""
        asset = self.sold.asset
        creators = [creator_account(part.account, asset) for part in self.parts]
        viewer = viewer_account(self.sold.account, asset)
        return [viewer, passes_account(asset), platform_account(asset), *creators]

    @property
    def transfers(self) -> list[Transfer]:
        """All that is moved, as one batch."""
        asset = self.sold.asset
        viewer, between = viewer_account(self.sold.account, asset), passes_account(asset)
        moves = [
            ("price", viewer, between, int(self.sold.price), "pass"),
            ("fee", between, platform_account(asset), self.fee, "platform_fee"),
            *(
                (f"part:{part.account}", between, creator_account(part.account, asset),
                 int(part.amount), "pass_sold")
                for part in self.parts
            ),
        ]  # fmt: skip
        return [
            Transfer(f"{self.sold.id}:{what}", debit.id, credit.id, Stroops(amount), asset, cause)
            for what, debit, credit, amount, cause in moves
            if amount
        ]


@dataclass(frozen=True, slots=True)
class Sold:
    """How many passes a creator had a part of, and what came of them."""

    count: int
    amount: Stroops


def passes_account(asset: str) -> Account:
    """Between the viewer and those who share the price: holds nothing when a batch is posted."""
    return Account(f"passes:{asset}", asset)


def free_seconds(held: Pass, now: datetime) -> int:
    """How much of media a session that begins now has for nothing: what is left of the pass.

    Rounded up to whole minutes, and those of more than a day to whole hours: every number is a
    tariff of its own, which is kept for ever.
    """
    left = held.ends - now
    seconds = -(-left // timedelta(seconds=1))
    unit = _MINUTE if seconds <= _DAY else _HOUR
    return min(-(-seconds // unit) * unit, PRICE_SECONDS_MAX)
