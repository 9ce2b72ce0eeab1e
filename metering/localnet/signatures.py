"""Whose signatures a transaction carries, and whether their weights are enough."""

from collections.abc import Iterable
from enum import IntEnum

from stellar_sdk import Keypair, StrKey
from stellar_sdk.exceptions import BadSignatureError

from metering.localnet.entries import Account
from metering.localnet.envelope import Signature
from metering.localnet.operation import (
    AccountMerge,
    BumpSequence,
    ClaimClaimableBalance,
    Operation,
    SetOptions,
    SetTrustLineFlags,
)

_WEIGHT_MAX = 255


class Level(IntEnum):
    """Which of an account's thresholds has to be met; the index into `Account.thresholds`."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2


def level_of(operation: Operation) -> Level:
    """The threshold that an operation needs (Stellar docs, "Signatures": thresholds)."""
    match operation:
        case SetOptions() if operation.changes_signers:
            return Level.HIGH
        case AccountMerge():
            return Level.HIGH
        case BumpSequence() | ClaimClaimableBalance() | SetTrustLineFlags():
            return Level.LOW
        case _:
            return Level.MEDIUM


class SignatureCheck:
    """The signatures of one transaction; remembers which of them were of use.

    As stellar-core's SignatureChecker: weights are summed until the threshold is met, and a
    signature that was never needed makes the transaction invalid (txBAD_AUTH_EXTRA).
    """

    def __init__(self, signed: bytes, signatures: Iterable[Signature]) -> None:
        self._signed = signed
        self._signatures = tuple(signatures)
        self._used: set[int] = set()

    def enough(self, account: Account, level: Level) -> bool:
        """True when the signatures reach this account's threshold; one is always needed."""
        return self._reach(dict(account.weights), account.thresholds[level])

    def signed_by(self, address: str) -> bool:
        """True when the key behind an address signed, for accounts that do not exist yet."""
        return self._reach({address: 1}, 0)

    @property
    def all_used(self) -> bool:
        return len(self._used) == len(self._signatures)

    def _reach(self, weights: dict[str, int], needed: int) -> bool:
        total = 0
        for index, signature in enumerate(self._signatures):
            signer = self._signer(signature, weights)
            if signer is None:
                continue
            self._used.add(index)
            total += min(weights.pop(signer), _WEIGHT_MAX)
            if total >= needed:
                return True
        return False

    def _signer(self, signature: Signature, weights: dict[str, int]) -> str | None:
        for address in weights:
            if StrKey.decode_ed25519_public_key(address)[-4:] != signature.hint:
                continue
            try:
                Keypair.from_public_key(address).verify(self._signed, signature.signature)
            except BadSignatureError:
                continue
            return address
        return None
