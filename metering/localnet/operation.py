"""Operations as values."""

from dataclasses import dataclass

from stellar_sdk import xdr as stellar_xdr


@dataclass(frozen=True, slots=True)
class CreateAccount:
    source: str
    destination: str
    starting_balance: int


@dataclass(frozen=True, slots=True)
class Payment:
    """The ids are those of multiplexed addresses (CAP-27); None for plain ones."""

    source: str
    destination: str
    asset: str
    amount: int
    source_id: int | None = None
    destination_id: int | None = None


@dataclass(frozen=True, slots=True)
class AccountMerge:
    """An account ends; all its lumens go to another. The ids are as in a payment."""

    source: str
    destination: str
    source_id: int | None = None
    destination_id: int | None = None


@dataclass(frozen=True, slots=True)
class CreateClaimableBalance:
    """An amount is laid by for those who may claim it, each with a condition."""

    source: str
    asset: str
    amount: int
    claimants: tuple[tuple[str, stellar_xdr.ClaimPredicate], ...]


@dataclass(frozen=True, slots=True)
class ClaimClaimableBalance:
    """`balance` is the hash (hex) in the balance's id; `source_id` as in a payment."""

    source: str
    balance: str
    source_id: int | None = None


@dataclass(frozen=True, slots=True)
class ChangeTrust:
    source: str
    asset: str
    limit: int


@dataclass(frozen=True, slots=True)
class SetTrustLineFlags:
    """An issuer changes what it allows an account; `set` and `clear` are TrustLineFlags."""

    source: str
    trustor: str
    asset: str
    clear: int
    set: int


@dataclass(frozen=True, slots=True)
class SetOptions:
    """None leaves as it is; `unsupported` means inflation, or other kinds of signers."""

    source: str
    master_weight: int | None
    thresholds: tuple[int | None, int | None, int | None]
    home_domain: bytes | None
    signer: tuple[str, int] | None
    set_flags: int
    clear_flags: int
    unsupported: bool

    @property
    def changes_signers(self) -> bool:
        """True when the high threshold is asked for (Stellar docs, "Signatures": thresholds)."""
        weights = (self.master_weight, *self.thresholds, self.signer)
        return any(value is not None for value in weights)


@dataclass(frozen=True, slots=True)
class ManageData:
    source: str
    name: bytes
    value: bytes | None


@dataclass(frozen=True, slots=True)
class BumpSequence:
    source: str
    bump_to: int


@dataclass(frozen=True, slots=True)
class InvokeHostFunction:
    """A call of a contract, or the making of one, and who agreed to it (CAP-46)."""

    source: str
    function: stellar_xdr.HostFunction
    auth: tuple[stellar_xdr.SorobanAuthorizationEntry, ...]


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A valid operation that this network does not have: it fails with op_not_supported."""

    source: str
    kind: str


Operation = (
    CreateAccount
    | Payment
    | AccountMerge
    | CreateClaimableBalance
    | ClaimClaimableBalance
    | ChangeTrust
    | SetTrustLineFlags
    | SetOptions
    | ManageData
    | BumpSequence
    | InvokeHostFunction
    | Unsupported
)
