"""What a ledger holds: accounts, trust lines, data of contracts; and drafts of what may change."""

from dataclasses import dataclass, replace
from typing import Self

from stellar_sdk import StrKey
from stellar_sdk import xdr as stellar_xdr

NATIVE = "native"

# Minimum balance is (2 + subentries) of these (Stellar docs, "Accounts": minimum balance).
BASE_RESERVE = 5_000_000
INT64_MAX = 2**63 - 1

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """A Stellar account; balance in stroops of lumens."""

    id: str
    balance: int
    sequence: int
    subentries: int = 0
    signers: tuple[tuple[str, int], ...] = ()
    master_weight: int = 1
    thresholds: tuple[int, int, int] = (0, 0, 0)  # low, medium, high
    home_domain: bytes = b""
    flags: int = 0  # AccountFlags
    sponsoring: int = 0  # reserves that it keeps for claimants of balances it made
    modified: int = 0

    @property
    def key(self) -> Key:
        return account_key(self.id)

    @property
    def reserve(self) -> int:
        """Stroops that must stay in the account."""
        return (2 + self.subentries + self.sponsoring) * BASE_RESERVE

    @property
    def weights(self) -> dict[str, int]:
        """Every key that may sign for this account, with a weight above zero."""
        weights = {key: weight for key, weight in self.signers if weight > 0}
        if self.master_weight > 0:
            weights[self.id] = self.master_weight
        return weights


@dataclass(frozen=True, slots=True)
class TrustLine:
    """How much of an asset (`CODE:ISSUER`) an account holds, and will hold at most."""

    account: str
    asset: str
    balance: int
    limit: int
    flags: int = 1  # TrustLineFlags
    modified: int = 0

    @property
    def key(self) -> Key:
        return trust_line_key(self.account, self.asset)

    @property
    def authorized(self) -> bool:
        """Whether the issuer allows to pay and be paid."""
        return bool(self.flags & stellar_xdr.TrustLineFlags.AUTHORIZED_FLAG.value)


@dataclass(frozen=True, slots=True)
class ClaimableBalance:
    """An amount that waits for one of its claimants; `id` is the hash (hex) in its XDR's id.

    Its sponsor made it and keeps a reserve for each claimant.
    """

    id: str
    claimants: tuple[tuple[str, stellar_xdr.ClaimPredicate], ...]
    asset: str
    amount: int
    sponsor: str
    modified: int = 0

    @property
    def key(self) -> Key:
        return claimable_key(self.id)

    @property
    def address(self) -> str:
        """As a B... address (SEP-23)."""
        return StrKey.encode_claimable_balance(bytes(1) + bytes.fromhex(self.id))


@dataclass(frozen=True, slots=True)
class Datum:
    """A named value attached to an account (manage_data)."""

    account: str
    name: bytes
    value: bytes
    modified: int = 0

    @property
    def key(self) -> Key:
        return datum_key(self.account, self.name)


@dataclass(frozen=True, slots=True)
class ContractData:
    """One value that a contract keeps, or the nonce of an authorization that was used.

    `contract` is a C... address (for a nonce: whoever signed); `data_key` and `value` are SCVals
    in base64. What is not `persistent` ends for good with its time to live.
    """

    contract: str
    data_key: str
    persistent: bool
    value: str
    modified: int = 0

    @property
    def key(self) -> Key:
        return contract_data_key(self.contract, self.data_key, self.persistent)


@dataclass(frozen=True, slots=True)
class TimeToLive:
    """The last ledger in which a contract's entry is alive; `entry` is its key's hash in hex."""

    entry: str
    live_until: int
    modified: int = 0

    @property
    def key(self) -> Key:
        return time_to_live_key(self.entry)


Entry = Account | TrustLine | ClaimableBalance | Datum | ContractData | TimeToLive


@dataclass(frozen=True, slots=True)
class Change:
    """One entry before and after; None where it did not exist."""

    before: Entry | None
    after: Entry | None


def account_key(account: str) -> Key:
    return ("account", account)


def trust_line_key(account: str, asset: str) -> Key:
    return ("trust line", account, asset)


def claimable_key(balance: str) -> Key:
    return ("claimable balance", balance)


def datum_key(account: str, name: bytes) -> Key:
    return ("datum", account, name.hex())


def contract_data_key(contract: str, data_key: str, persistent: bool) -> Key:
    return ("contract data", contract, "persistent" if persistent else "temporary", data_key)


def time_to_live_key(entry: str) -> Key:
    return ("time to live", entry)


class Entries:
    """Entries by key. A draft reads through to what is below it until it is merged or dropped."""

    def __init__(self, below: Self | None = None) -> None:
        self._below = below
        self._here: dict[Key, Entry | None] = {}

    def draft(self) -> "Entries":
        """Changes on top of this, not yet part of it."""
        return Entries(self)

    def get(self, key: Key) -> Entry | None:
        if key in self._here:
            return self._here[key]
        return self._below.get(key) if self._below is not None else None

    def account(self, account: str) -> Account | None:
        entry = self.get(account_key(account))
        return entry if isinstance(entry, Account) else None

    def trust_line(self, account: str, asset: str) -> TrustLine | None:
        entry = self.get(trust_line_key(account, asset))
        return entry if isinstance(entry, TrustLine) else None

    def put(self, entry: Entry) -> None:
        self._here[entry.key] = entry

    def remove(self, key: Key) -> None:
        self._here[key] = None

    def changes(self) -> list[Change]:
        """What this draft changes, in the order of first touch; entries set back are left out."""
        below = self._below
        pairs = [(below.get(key) if below else None, after) for key, after in self._here.items()]
        return [Change(before, after) for before, after in pairs if before != after]

    def merge(self, ledger: int) -> None:
        """Make the draft part of what is below it, stamped as modified in `ledger`."""
        assert self._below is not None, "only a draft can be merged"
        for change in self.changes():
            if change.after is not None:
                self._below.put(replace(change.after, modified=ledger))
            elif change.before is not None:
                self._below.remove(change.before.key)

    def all(self) -> list[Entry]:
        """Every entry that exists here, in a draft too."""
        return [entry for entry in self._merged().values() if entry is not None]

    def _merged(self) -> dict[Key, Entry | None]:
        return self._here if self._below is None else self._below._merged() | self._here

    def prune(self) -> None:
        """Forget the marks of removed entries; not for drafts."""
        self._here = {key: entry for key, entry in self._here.items() if entry is not None}

    def owned_by(self, account: str) -> list[Entry]:
        """The trust lines and data of one account."""
        owned = (entry for entry in self.all() if isinstance(entry, TrustLine | Datum))
        return [entry for entry in owned if entry.account == account]
