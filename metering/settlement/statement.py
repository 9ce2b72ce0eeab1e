"""What a settlement pays, as one hash that its transaction carries as memo.

A Merkle tree as of RFC 6962, section 2.1, over the payments in order. Whoever gets a payment can
check with its proof that the transaction on the chain commits to exactly this payment, and to which
part of the journal it pays: what was earned between two of its positions. The journal is a chain of
seals, the last of which is named too.
"""

import hashlib
from collections.abc import Mapping, Sequence

from metering.settlement.outbox import Payment, Settlement

_SEPARATOR = "\n"

# The forms that statements had; what was signed in one stays to be checked in it.
_WITHOUT_RANGE = 1
_WITH_RANGE = 2


OLD_NAMES = ("id", "creator", "address", "amount", "asset")
NAMES = ("form", *OLD_NAMES, "kind", "earnedAfter", "earnedUntil", "sealed")
"""What is said of a payment, in the order in which it is hashed."""


def leaves(settlement: Settlement) -> list[bytes]:
    """The hashes of a settlement's payments."""
    return [leaf(fields(settlement, payment)) for payment in settlement.payments]


def fields(settlement: Settlement, payment: Payment) -> dict[str, str]:
    """What is said of one payment, by name and in order."""
    said = {
        "id": payment.id,
        "creator": payment.creator,
        "address": payment.address,
        "amount": str(payment.amount),
        "asset": settlement.asset,
    }
    if settlement.statement == _WITHOUT_RANGE:
        return said
    assert settlement.statement == _WITH_RANGE, "a form of ours"
    return {
        "form": f"tollcast payment {_WITH_RANGE}",
        **said,
        "kind": payment.kind.value,
        "earnedAfter": str(payment.earned_after),
        "earnedUntil": str(payment.earned_until),
        "sealed": settlement.sealed,
    }


def leaf(said: Mapping[str, str]) -> bytes:
    """The hash of what is said of one payment: its values, a line each."""
    return hashlib.sha256(b"\0" + _SEPARATOR.join(said.values()).encode()).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The hash of all payments; of at least one."""
    if len(leaves) == 1:
        return leaves[0]
    half = _split(len(leaves))
    return _node(root(leaves[:half]), root(leaves[half:]))


def proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of one leaf, from the bottom up (RFC 6962, 2.1.1)."""
    if len(leaves) == 1:
        return []
    half = _split(len(leaves))
    if index < half:
        return [*proof(leaves[:half], index), root(leaves[half:])]
    return [*proof(leaves[half:], index - half), root(leaves[:half])]


def is_proven(leaf_: bytes, index: int, size: int, path: Sequence[bytes], root_: bytes) -> bool:
    """True when `path` leads from the leaf at `index` of `size` to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, hash_ = index, size - 1, leaf_
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            hash_ = _node(sibling, hash_)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            hash_ = _node(hash_, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and hash_ == root_


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
