"""What a viewer signs to pay from a payment channel, and whether a signature is good.

The one-way-channel contract (stellar-experimental/one-way-channel, `Commitment`) takes an Ed25519
signature over the XDR of an `ScVal` map with the keys in their order: `amount` (i128, the sum of
all that was ever paid from this payment channel), `channel` (the contract), `domain` (a constant)
and `network` (SHA-256 of the passphrase). All of it but the amount is the same for each voucher of
a payment channel, and every length is fixed: so the bytes are laid out once, and a voucher is
checked here, in a tenth of a millisecond, without asking a node.

The signature is checked by libsodium on purpose. The contract is strict (`verify_strict` of
ed25519-dalek): it refuses keys of small order, for which nearly any signature fits. A verifier that
took them, as OpenSSL does, would give media away for vouchers that no contract ever pays.
"""

from hashlib import sha256

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from metering.money import STROOPS_MAX, Stroops
from metering.settlement.strkey import contract_key

KEY_BYTES, SIGNATURE_BYTES = 32, 64

# Stellar-contract.x: SCValType. Every union and every length is four bytes (RFC 4506).
_SCV_I128, _SCV_BYTES, _SCV_SYMBOL, _SCV_MAP, _SCV_ADDRESS = 10, 13, 15, 17, 18
_SC_ADDRESS_TYPE_CONTRACT = 1
_DOMAIN = b"chancmmt"
_ENTRIES = 4


def network_id(passphrase: str) -> bytes:
    """What a network is called in what is signed for it."""
    return sha256(passphrase.encode()).digest()


class Commitments:
    """What vouchers of one payment channel say.

    Args:
        contract: its address, `C…`.
        network: 32 bytes; see `network_id`.

    Raises:
        BadAddress: that is no contract's address.
    """

    __slots__ = ("_after", "_before")

    def __init__(self, contract: str, network: bytes) -> None:
        assert len(network) == KEY_BYTES, "a network's id is a SHA-256"
        self._before = b"".join(
            (_word(_SCV_MAP), _word(1), _word(_ENTRIES), _symbol(b"amount"), _word(_SCV_I128))
        )
        self._after = b"".join(
            (
                _symbol(b"channel"),
                _word(_SCV_ADDRESS),
                _word(_SC_ADDRESS_TYPE_CONTRACT),
                contract_key(contract),
                _symbol(b"domain"),
                _symbol(_DOMAIN),
                _symbol(b"network"),
                _word(_SCV_BYTES),
                _word(len(network)),
                network,
            )
        )

    def message(self, cumulative: int) -> bytes:
        """The 192 bytes to sign for a sum of `cumulative` stroops; only bytes 32 to 47 differ."""
        return self._before + cumulative.to_bytes(16, "big", signed=True) + self._after


class Verifier:
    """Checks vouchers of one payment channel, some 10,000 a second.

    Args:
        commitments: what they say.
        key: the payment channel's commitment key, 32 bytes.
    """

    __slots__ = ("_commitments", "_key")

    def __init__(self, commitments: Commitments, key: bytes) -> None:
        assert len(key) == KEY_BYTES, "an Ed25519 key has 32 bytes"
        self._commitments = commitments
        self._key = VerifyKey(key)

    def is_good(self, cumulative: Stroops, signature: bytes) -> bool:
        """Whether the contract would pay up to `cumulative` for this signature."""
        if len(signature) != SIGNATURE_BYTES or not 0 <= cumulative <= STROOPS_MAX:
            return False
        try:
            self._key.verify(self._commitments.message(cumulative), signature)
        except BadSignatureError:
            return False
        return True


def _word(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _symbol(name: bytes) -> bytes:
    """RFC 4506, 4.11: padded to a multiple of four."""
    return _word(_SCV_SYMBOL) + _word(len(name)) + name + bytes(-len(name) % 4)
