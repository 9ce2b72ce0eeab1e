"""A transaction that is part of a ledger, and its meta as Stellar's XDR."""

from dataclasses import dataclass

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.entries import Change
from metering.localnet.entry_xdr import changes_xdr


@dataclass(frozen=True, slots=True)
class Record:
    """What the network remembers of an applied (or failed) transaction.

    `hash` and `inner_hash` in hex; `created_at` in seconds; the XDR fields in base64.
    """

    hash: str
    ledger: int
    order: int
    created_at: int
    source: str
    sequence: int
    fee_max: int
    fee_charged: int
    operations: int
    successful: bool
    is_fee_bump: bool
    inner_hash: str
    envelope_xdr: str
    result_xdr: str
    meta_xdr: str
    fee_meta_xdr: str

    @property
    def size(self) -> int:
        """Bytes that it takes in memory, roughly."""
        texts = (self.envelope_xdr, self.result_xdr, self.meta_xdr, self.fee_meta_xdr)
        return sum(len(text) for text in texts)


@dataclass(frozen=True, slots=True)
class Done:
    """What one operation changed, the events that it emitted, and what a contract returned."""

    changes: list[Change]
    events: tuple[stellar_xdr.ContractEvent, ...]
    value: stellar_xdr.SCVal | None = None


def meta_xdr(
    before: list[Change],
    operations: list[Done],
    events: list[stellar_xdr.TransactionEvent],
    ledger: int,
) -> stellar_xdr.TransactionMeta:
    """`TransactionMeta` of version 4 (CAP-67), as a node with EMIT_CLASSIC_EVENTS makes it.

    Args:
        before: the sequence number that was consumed.
        operations: what each operation did; empty when the transaction failed.
        events: those of the transaction itself.
        ledger: the ledger that it is part of.
    """
    none = stellar_xdr.ExtensionPoint(0)
    return stellar_xdr.TransactionMeta(
        4,
        v4=stellar_xdr.TransactionMetaV4(
            ext=none,
            tx_changes_before=changes_xdr(before, ledger),
            operations=[
                stellar_xdr.OperationMetaV2(
                    none, changes_xdr(done.changes, ledger), list(done.events)
                )
                for done in operations
            ],
            tx_changes_after=changes_xdr([], ledger),
            soroban_meta=_soroban_meta(operations),
            events=events,
            diagnostic_events=[],
        ),
    )


def _soroban_meta(operations: list[Done]) -> stellar_xdr.SorobanTransactionMetaV2 | None:
    """What a call of a contract returned: it is its transaction's only operation."""
    values = [done.value for done in operations if done.value is not None]
    if not values:
        return None
    none = stellar_xdr.SorobanTransactionMetaExt(0)
    return stellar_xdr.SorobanTransactionMetaV2(none, values[0])
