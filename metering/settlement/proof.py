"""What a creator gets to check a payout from the chain alone, and how it is checked.

The transaction on the chain has the root of its statement as memo. The proof says what one
payment's leaf says, and leads from it to that root.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.limits import SETTLEMENT_PAYMENTS_MAX
from metering.settlement import statement
from metering.settlement.outbox import Payment, Settlement

_DOCUMENT = "tollcast payout proof"
_HASH_BYTES = 32
# A tree of a hundred leaves is seven high.
_PATH_MAX = SETTLEMENT_PAYMENTS_MAX.bit_length()


class MalformedProof(ValueError):
    """Not a proof as `proof_document` writes it."""


@dataclass(frozen=True, slots=True)
class Returns:
    """What came back, seen from one payout.

    Args:
        reclaim: the id of the payment that took it back, since nobody claimed it; None when nobody
            has, and then it was paid or is claimable still.
        reclaim_hash: of that one's transaction.
        paid_again_by: the payout that carried its money after that; None when none has yet, or the
            transfers of that time are in an archive by now.
        pays_again: the payouts that came back before, whose money this one carried.
    """

    reclaim: str | None = None
    reclaim_hash: str | None = None
    paid_again_by: str | None = None
    pays_again: Sequence[str] = ()


_NOTHING_CAME_BACK = Returns()


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that was read.

    Args:
        said: what is said of the payment, by name and in order.
        index: of its operation, from 0 on.
        size: how many there are.
        path: from its leaf to the root, from the bottom up.
        root: the memo of the transaction.
        hashes: of the transaction and its bumps: one of them is on the chain.
        network: its passphrase.
        claimable: whether it was left to be claimed.
        reclaimed: whether it came back, since nobody claimed it.
        paid_again_by: the payout that paid it again then, if one has.
        pays_again: payouts that came back before, and that this one pays again.

    The last three are the server's word; what they name has a proof of its own.
    """

    said: Mapping[str, str]
    index: int
    size: int
    path: Sequence[bytes]
    root: bytes
    hashes: Sequence[str]
    network: str
    claimable: bool
    reclaimed: bool = False
    paid_again_by: str | None = None
    pays_again: Sequence[str] = ()

    @property
    def is_sound(self) -> bool:
        """Whether the payment is part of what the root stands for."""
        leaf = statement.leaf(self.said)
        return statement.is_proven(leaf, self.index, self.size, self.path, self.root)


def proof_document(
    settlement: Settlement, payment: Payment, network: str, returns: Returns = _NOTHING_CAME_BACK
) -> dict[str, object]:
    """A payment's proof, as JSON has it.

    Args:
        settlement: signed.
        payment: one of its payments.
        network: the passphrase.
        returns: what came back of it, and of those before it.
    """
    assert settlement.signed is not None, "what is on no chain cannot be proven"
    leaves, index = statement.leaves(settlement), settlement.payments.index(payment)
    return {
        "document": _DOCUMENT,
        "payment": statement.fields(settlement, payment),
        "leaf": leaves[index].hex(),
        "index": index,
        "size": len(leaves),
        "path": [each.hex() for each in statement.proof(leaves, index)],
        "root": statement.root(leaves).hex(),
        "transactionHash": settlement.signed.hash,
        "bumpHashes": [bump.hash for bump in settlement.bumps],
        "network": network,
        "state": settlement.state.value,
        "claimable": payment.claimable,
        "reclaimedBy": returns.reclaim,
        "reclaimTransactionHash": returns.reclaim_hash,
        "paidAgainBy": returns.paid_again_by,
        "paysAgain": list(returns.pays_again),
    }


def read_proof(document: object) -> Proof:
    """Read what `proof_document` made.

    Raises:
        MalformedProof: something else.
    """
    try:
        return _read(document)
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedProof(f"not a proof: {error}") from None


def _read(document: object) -> Proof:
    if not isinstance(document, dict) or document["document"] != _DOCUMENT:
        raise MalformedProof("not a proof of ours")
    said = document["payment"]
    names = statement.NAMES if "form" in said else statement.OLD_NAMES
    if set(said) != set(names) or not all(isinstance(each, str) for each in said.values()):
        raise MalformedProof("another payment than we know")
    path = [_hash(each) for each in document["path"]]
    if len(path) > _PATH_MAX:
        raise MalformedProof("too long a path")
    return Proof(
        said={name: said[name] for name in names},
        index=int(document["index"]),
        size=int(document["size"]),
        path=path,
        root=_hash(document["root"]),
        hashes=[
            _hash(each).hex() for each in (document["transactionHash"], *document["bumpHashes"])
        ],
        network=str(document["network"]),
        claimable=bool(document["claimable"]),
        # Proofs of older versions do not say.
        reclaimed=document.get("reclaimedBy") is not None,
        paid_again_by=_id(document.get("paidAgainBy")),
        pays_again=[each for each in map(_id, document.get("paysAgain", ())) if each],
    )


def _id(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise MalformedProof("a payout has a text as its id")
    return value


def _hash(text: str) -> bytes:
    read = bytes.fromhex(text)
    if len(read) != _HASH_BYTES:
        raise MalformedProof("a hash has 32 bytes")
    return read
