"""Ledger headers, chained by hash."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.entries import BASE_RESERVE
from metering.localnet.record import Record
from metering.localnet.validity import BASE_FEE

PROTOCOL_VERSION = 25
TOTAL_COINS = 10**18  # 100 billion lumens, as on Stellar's networks

_NO_HASH = stellar_xdr.Hash(bytes(32))


@dataclass(frozen=True, slots=True)
class Header:
    """A closed ledger. `closed_ms` is exact; on the wire close times are whole seconds."""

    sequence: int
    closed_ms: int
    previous_hash: bytes
    transactions_hash: bytes
    results_hash: bytes
    entries_hash: bytes
    fee_pool: int

    @property
    def close_time(self) -> int:
        return self.closed_ms // 1000

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.xdr().to_xdr_bytes()).digest()

    def xdr(self) -> stellar_xdr.LedgerHeader:
        return stellar_xdr.LedgerHeader(
            ledger_version=stellar_xdr.Uint32(PROTOCOL_VERSION),
            previous_ledger_hash=stellar_xdr.Hash(self.previous_hash),
            scp_value=stellar_xdr.StellarValue(
                tx_set_hash=stellar_xdr.Hash(self.transactions_hash),
                close_time=stellar_xdr.TimePoint(stellar_xdr.Uint64(self.close_time)),
                upgrades=[],
                ext=stellar_xdr.StellarValueExt(stellar_xdr.StellarValueType.STELLAR_VALUE_BASIC),
            ),
            tx_set_result_hash=stellar_xdr.Hash(self.results_hash),
            bucket_list_hash=stellar_xdr.Hash(self.entries_hash),
            ledger_seq=stellar_xdr.Uint32(self.sequence),
            total_coins=stellar_xdr.Int64(TOTAL_COINS),
            fee_pool=stellar_xdr.Int64(self.fee_pool),
            inflation_seq=stellar_xdr.Uint32(0),
            id_pool=stellar_xdr.Uint64(0),
            base_fee=stellar_xdr.Uint32(BASE_FEE),
            base_reserve=stellar_xdr.Uint32(BASE_RESERVE),
            max_tx_set_size=stellar_xdr.Uint32(1000),
            skip_list=[_NO_HASH] * 4,
            ext=stellar_xdr.LedgerHeaderExt(0),
        )


def idle(last: Header, ledgers: int, close_ms: int) -> Header:
    """The header of a ledger without transactions, `ledgers` after the last one that had some.

    Idle ledgers are numbered and timed, not kept: each links to the last ledger that changed
    anything, so that an idle week costs nothing.
    """
    if ledgers == 0:
        return last
    return Header(
        sequence=last.sequence + ledgers,
        closed_ms=last.closed_ms + ledgers * close_ms,
        previous_hash=last.hash,
        transactions_hash=transactions_hash(last.hash, ()),
        results_hash=results_hash(()),
        entries_hash=last.entries_hash,
        fee_pool=last.fee_pool,
    )


def transactions_hash(previous: bytes, envelopes: Sequence[str]) -> bytes:
    """Hash of a transaction set (`TransactionSet`), from the envelopes in base64."""
    return hashlib.sha256(_transaction_set(previous, envelopes).to_xdr_bytes()).digest()


def results_hash(results: Sequence[stellar_xdr.TransactionResultPair]) -> bytes:
    """Hash of a ledger's results (`TransactionResultSet`)."""
    listed = stellar_xdr.TransactionResultSet(list(results))
    return hashlib.sha256(listed.to_xdr_bytes()).digest()


def result_pair(record: Record) -> stellar_xdr.TransactionResultPair:
    """The hash of a transaction with its result."""
    return stellar_xdr.TransactionResultPair(
        stellar_xdr.Hash(bytes.fromhex(record.hash)),
        stellar_xdr.TransactionResult.from_xdr(record.result_xdr),
    )


def close_meta_xdr(header: Header, records: Sequence[Record]) -> stellar_xdr.LedgerCloseMeta:
    """`LedgerCloseMeta` (version 0): the header with everything that was applied."""
    history = stellar_xdr.LedgerHeaderHistoryEntry(
        stellar_xdr.Hash(header.hash), header.xdr(), stellar_xdr.LedgerHeaderHistoryEntryExt(0)
    )
    processing = [
        stellar_xdr.TransactionResultMeta(
            result_pair(record),
            stellar_xdr.LedgerEntryChanges.from_xdr(record.fee_meta_xdr),
            stellar_xdr.TransactionMeta.from_xdr(record.meta_xdr),
        )
        for record in records
    ]
    envelopes = [record.envelope_xdr for record in records]
    return stellar_xdr.LedgerCloseMeta(
        0,
        v0=stellar_xdr.LedgerCloseMetaV0(
            ledger_header=history,
            tx_set=_transaction_set(header.previous_hash, envelopes),
            tx_processing=processing,
            upgrades_processing=[],
            scp_info=[],
        ),
    )


def _transaction_set(previous: bytes, envelopes: Sequence[str]) -> stellar_xdr.TransactionSet:
    read = [stellar_xdr.TransactionEnvelope.from_xdr(envelope) for envelope in envelopes]
    return stellar_xdr.TransactionSet(stellar_xdr.Hash(previous), read)
