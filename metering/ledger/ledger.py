"""The double-entry ledger: its values, its rules, and what every implementation of it must do.

Money is never created: a transfer takes from one account and gives to another, so that all
balances of an asset sum to zero. A transfer is never changed; a mistake is corrected by a transfer
back. Reserving is moving: a hold is a transfer from a viewer to the session's own account, charging
one from there to the creator, releasing one back. (Rejected: columns for pending and posted amounts
in each account, as TigerBeetle has them. They save accounts, and cost a second kind of balance that
every rule, report and check would have to know.)
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from config.limits import LEDGER_PAGE_MAX
from metering.money import NATIVE, STROOPS_MAX, Stroops, checked_asset


class BadTransfer(ValueError):
    """A transfer of nothing, of more than 64 bits, without an id, or to the account it is from."""


class LedgerRefusal(Exception):
    """The ledger's rules forbid it; nothing was posted."""


class UnknownAccount(LedgerRefusal):
    """No such account was opened."""

    def __init__(self, account: str) -> None:
        super().__init__(f"no account {account}")
        self.account = account


class AssetMismatch(LedgerRefusal):
    """An account takes part in transfers of its own asset only."""

    def __init__(self, account: str) -> None:
        super().__init__(f"{account} holds another asset")
        self.account = account


class WouldOverdraw(LedgerRefusal):
    """An account would fall below its floor."""

    def __init__(self, account: str) -> None:
        super().__init__(f"{account} has too little")
        self.account = account


class ConflictingTransfer(LedgerRefusal):
    """Another transfer was posted under this id."""

    def __init__(self, transfer_id: str) -> None:
        super().__init__(f"another transfer has the id {transfer_id}")
        self.transfer_id = transfer_id


@dataclass(frozen=True, slots=True)
class Account:
    """Something that can hold one asset, and how low its balance may go (None: no floor)."""

    id: str
    asset: str
    floor: int | None = 0

    def __post_init__(self) -> None:
        checked_asset(self.asset)


def viewer_account(owner: str, asset: str) -> Account:
    """What a viewer can spend."""
    return Account(f"viewer:{owner}:{asset}", asset)


def hold_account(session: str, asset: str) -> Account:
    """What a playback session has reserved for media that had no time to be watched yet."""
    return Account(f"hold:{session}", asset)


def creator_account(owner: str, asset: str) -> Account:
    """What a creator has earned and not been paid."""
    return Account(f"creator:{owner}:{asset}", asset)


def treasury_account(asset: str) -> Account:
    """The operator's own money: play money is handed out of it."""
    return Account(f"treasury:{asset}", asset)


def hot_account(asset: str) -> Account:
    """The other side of what lies on the chain: minus what we hold there, so it has no floor."""
    return Account(f"chain:hot:{asset}", asset, floor=None)


def deposit_chain_account(asset: str) -> Account:
    """As `hot_account`, of an address for deposits whose key only the operator has."""
    return Account(f"chain:deposit:{asset}", asset, floor=None)


def suspense_account(asset: str) -> Account:
    """What came in and belongs to nobody known, until the operator says to whom."""
    return Account(f"suspense:{asset}", asset)


def sender_account(address: str) -> Account:
    """As `hot_account`, of the lumens of a channel account (G...), which pays fees with them."""
    return Account(f"chain:sender:{address}:{NATIVE}", NATIVE, floor=None)


def channel_loss_account(asset: str) -> Account:
    """What payment channels cost the operator: minus what was given for vouchers that can no longer
    be collected, so it has no floor.
    """
    return Account(f"expense:channel_losses:{asset}", asset, floor=None)


def inflight_account(payout: str, asset: str) -> Account:
    """A payout that was sent and whose fate is not known yet."""
    return Account(f"inflight:{payout}", asset)


@dataclass(frozen=True, slots=True)
class Transfer:
    """`amount` of `asset` moves from `debit` to `credit`.

    `id` is made from what caused the transfer (such as `ses_…:12:hold`), so that the same event
    can only ever be posted once. `cause` is the word that statements show for it: `hold`, `post`.
    """

    id: str
    debit: str
    credit: str
    amount: Stroops
    asset: str
    cause: str

    def __post_init__(self) -> None:
        if not 0 < self.amount <= STROOPS_MAX:
            raise BadTransfer(f"{self.amount} stroops cannot be transferred")
        if self.debit == self.credit or not self.id:
            raise BadTransfer(f"{self.id!r} moves nothing: from {self.debit} to {self.credit}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A posted transfer and its place in the ledger; places grow within each account."""

    position: int
    transfer: Transfer


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account holds, and up to which place of the journal: none of its transfers is behind
    that yet, and all that follow will be. 0 where there was none.
    """

    balance: Stroops
    position: int


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What `check` found; all empty in a sound ledger."""

    unbalanced: dict[str, int] = field(default_factory=dict)  # asset -> sum that is not zero
    drifted: dict[str, int] = field(default_factory=dict)  # account -> balance minus transfers
    overdrawn: dict[str, int] = field(default_factory=dict)  # account -> balance below its floor

    @property
    def sound(self) -> bool:
        """Whether every rule holds."""
        return not (self.unbalanced or self.drifted or self.overdrawn)


class Ledger(Protocol):
    """What `ledger_memory` and `ledger_postgres` both do, as `tests/conformance` shows."""

    async def open_accounts(self, accounts: Sequence[Account]) -> None:
        """Make accounts that do not exist yet.

        Raises:
            AssetMismatch: one exists with another asset.
        """

    async def post(self, transfers: Sequence[Transfer]) -> frozenset[str]:
        """Post all transfers or none; those already posted are left as they are.

        Accounts need to respect their floors after the whole batch, not in between.

        Returns:
            The ids that were new.

        Raises:
            ConflictingTransfer, UnknownAccount, AssetMismatch, WouldOverdraw: looked for in this
            order; nothing was posted.
        """

    async def balance(self, account: str) -> Stroops:
        """What an account holds.

        Raises:
            UnknownAccount: it was never opened.
        """

    async def balances(self, prefix: str) -> dict[str, Stroops]:
        """What each account holds whose name begins with `prefix`, in the order of names."""

    async def standings(self, prefix: str, at_least: Stroops) -> dict[str, Standing]:
        """As `balances`, of accounts that hold so much; both of the same moment.

        What sessions draw from viewers, and hold, is in no account's position: only those that earn
        and those that take no part in sessions stand where this says.
        """

    async def transfers_of(
        self, account: str, after: int = 0, limit: int = LEDGER_PAGE_MAX
    ) -> list[Entry]:
        """An account's transfers in the order in which they were posted. Reads everybody's until
        there are enough: for tests and audits.

        Args:
            account: its name.
            after: the position of the last one already seen.
            limit: how many at most, up to `LEDGER_PAGE_MAX`.
        """

    async def check(self) -> LedgerReport:
        """Add up the whole ledger anew. Reads every transfer: for tests and audits."""


def movements(transfers: Iterable[Transfer]) -> dict[str, int]:
    """By how many stroops a batch changes each account; their sum is zero."""
    changes: defaultdict[str, int] = defaultdict(int)
    for transfer in transfers:
        changes[transfer.debit] -= transfer.amount
        changes[transfer.credit] += transfer.amount
    return dict(changes)


def unrepeated(transfers: Iterable[Transfer]) -> dict[str, Transfer]:
    """A batch by id, each once.

    Raises:
        ConflictingTransfer: two of them share an id and nothing else.
    """
    by_id: dict[str, Transfer] = {}
    for transfer in transfers:
        if by_id.setdefault(transfer.id, transfer) != transfer:
            raise ConflictingTransfer(transfer.id)
    return by_id
