"""What an invocation takes of the network, and what that costs."""

from dataclasses import dataclass

from stellar_sdk import xdr as stellar_xdr

from metering.localnet import CHANNEL_WASM_HASH
from metering.localnet.contracts.storage import Footprint
from metering.localnet.entries import Entries, Key
from metering.localnet.entry_xdr import entry_xdr, key_xdr

# A native model executes no instructions; the real contracts take some millions.
_INSTRUCTIONS = 5_000_000

# Stroops, mainnet in July 2026 (rs-soroban-sdk, cost_estimate.rs).
_PER_10_000_INSTRUCTIONS = 7
_PER_ENTRY_READ = 1563
_PER_ENTRY_WRITTEN = 2500
_PER_KILOBYTE_READ = 447
_PER_KILOBYTE_WRITTEN = 875
_HISTORY = 4059
_PER_KILOBYTE_OF_EVENTS = 5000
_KILOBYTE = 1024


@dataclass(frozen=True, slots=True)
class Resources:
    """What a transaction has to declare."""

    footprint: Footprint
    read_bytes: int
    written_bytes: int
    event_bytes: int

    @property
    def fee(self) -> int:
        """Stroops, without rent: what is kept here lives for good."""
        events = _kilobytes(self.event_bytes) * _PER_KILOBYTE_OF_EVENTS
        return fee_of(self._declared()) + events

    def xdr(self) -> stellar_xdr.SorobanTransactionData:
        """What becomes part of the transaction."""
        return stellar_xdr.SorobanTransactionData(
            ext=stellar_xdr.SorobanTransactionDataExt(0),
            resources=self._declared(),
            resource_fee=stellar_xdr.Int64(self.fee),
        )

    def _declared(self) -> stellar_xdr.SorobanResources:
        only = sorted(self.footprint.read - self.footprint.written)
        declared = stellar_xdr.LedgerFootprint(
            [*map(key_xdr, only), *_code_of(self.footprint)],
            [key_xdr(key) for key in sorted(self.footprint.written)],
        )
        return stellar_xdr.SorobanResources(
            footprint=declared,
            instructions=stellar_xdr.Uint32(_INSTRUCTIONS),
            disk_read_bytes=stellar_xdr.Uint32(self.read_bytes),
            write_bytes=stellar_xdr.Uint32(self.written_bytes),
        )


def fee_of(declared: stellar_xdr.SorobanResources) -> int:
    """Stroops that resources cost that a transaction declares, without its events."""
    read = len(declared.footprint.read_only) + len(declared.footprint.read_write)
    return (
        declared.instructions.uint32 * _PER_10_000_INSTRUCTIONS // 10_000
        + read * _PER_ENTRY_READ
        + len(declared.footprint.read_write) * _PER_ENTRY_WRITTEN
        + _kilobytes(declared.disk_read_bytes.uint32) * _PER_KILOBYTE_READ
        + _kilobytes(declared.write_bytes.uint32) * _PER_KILOBYTE_WRITTEN
        + _HISTORY
    )


def measure(
    entries: Entries, footprint: Footprint, events: tuple[stellar_xdr.ContractEvent, ...]
) -> Resources:
    """The resources of an invocation; `entries` are as it left them."""
    return Resources(
        footprint,
        sum(_size(entries, key) for key in footprint.read),
        sum(_size(entries, key) for key in footprint.written),
        sum(len(event.to_xdr_bytes()) for event in events),
    )


def _size(entries: Entries, key: Key) -> int:
    entry = entries.get(key)
    # A nonce is noted by a simulation before it is written.
    return len(key_xdr(key).to_xdr_bytes() if entry is None else entry_xdr(entry).to_xdr_bytes())


def _code_of(footprint: Footprint) -> list[stellar_xdr.LedgerKey]:
    """The code of payment channels: part of what a client sees, though not kept here."""
    if not any(key[0] == "contract data" for key in footprint.read):
        return []
    code = stellar_xdr.LedgerKeyContractCode(stellar_xdr.Hash(bytes.fromhex(CHANNEL_WASM_HASH)))
    return [stellar_xdr.LedgerKey(stellar_xdr.LedgerEntryType.CONTRACT_CODE, contract_code=code)]


def _kilobytes(size: int) -> int:
    return -(-size // _KILOBYTE)
