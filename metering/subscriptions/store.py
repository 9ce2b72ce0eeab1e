"""What subscriptions need of a store, and the values that it gives."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from metering.ledger.ledger import Account
from metering.subscriptions.subscription import Kind, Look, Plan, Subscription


class AlreadySubscribed(Exception):
    """The account has a subscription; its plan can be changed."""


class ChangedMeanwhile(Exception):
    """The subscription is not any more what was looked at: look again."""


class Due(NamedTuple):
    """A subscription to look at, and what its owner can spend."""

    kept: "Kept"
    balance: int


class Kept(NamedTuple):
    """A subscription as it is stored."""

    subscription: Subscription
    revision: int


@dataclass(frozen=True, slots=True)
class Told:
    """Something that an owner was told."""

    kind: Kind
    month: int
    at: datetime


class SubscriptionStore(Protocol):
    """Every method may also raise one of `config.postgres.UNAVAILABLE`; what then was done or not
    can be done again.
    """

    async def begin(self, look: Look, now: datetime) -> None:
        """Store a new subscription, and take its first fee, all or nothing. Again is as once.

        Raises:
            AlreadySubscribed: the account has one.
            WouldOverdraw: it has too little.
        """

    async def advance(self, kept: Kept, look: Look, now: datetime) -> None:
        """Store what a look came to, and take the fee, all or nothing.

        Raises:
            ChangedMeanwhile: somebody else did.
            WouldOverdraw: the account has too little by now.
        """

    async def current(self, account: str) -> Kept | None:
        """The account's subscription that has not ended."""

    async def latest(self, account: str) -> Subscription | None:
        """The account's newest subscription, whatever became of it."""

    async def due(self, now: datetime, limit: int) -> list[Due]:
        """Subscriptions to look at, those that wait for longest first."""

    async def told(self, account: str, limit: int) -> list[Told]:
        """What an account was told, the newest first."""

    async def used_seconds(self, subscription: Subscription) -> int:
        """Of the month under way: what was watched, and what open sessions may still watch."""

    async def grant(self, session_id: str, subscription: Subscription, seconds: int) -> None:
        """Let a session that is about to begin have so many seconds of the month. Again is as
        once.
        """


def pool_name(plan: Plan, began: datetime) -> str:
    """What is divided together: fees of one amount, of months that began in one calendar month."""
    return f"{plan.name}:{plan.fee}:{plan.asset}:{began:%Y-%m}"


def pool_account(pool: str, asset: str) -> Account:
    """The ledger's account of fees that were paid and not divided yet."""
    return Account(f"pool:{pool}", asset)
