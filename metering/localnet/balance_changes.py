"""What calls of contracts moved of assets, read from the events of the assets' contracts."""

from dataclasses import dataclass

from stellar_sdk import Address, StrKey, scval
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.entries import NATIVE
from metering.localnet.events import asset_contract
from metering.localnet.record import Record

# Topics between the event's name and the asset's: who it is taken from and given to (CAP-67).
_HOLDERS = {
    "transfer": ("source", "target"),
    "mint": ("target",),
    "burn": ("source",),
    "clawback": ("source",),
}

_CODE_CHARACTERS_MAX = 12


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """An amount that left one holder and came to another.

    `kind` is the event's name; of what is minted or burned, source or target is empty: it is the
    issuer's. `asset` is `native` or `CODE:ISSUER`; `target_id` a multiplexed destination's.
    """

    kind: str
    asset: str
    amount: int
    source: str = ""
    target: str = ""
    target_id: int | None = None


def balance_changes(record: Record, operation: int, passphrase: str) -> list[BalanceChange]:
    """The changes that one operation of a transaction made; none where it failed.

    Args:
        record: the transaction.
        operation: which of its operations, from 0.
        passphrase: the network's; events of other contracts than the assets' own are left out.
    """
    meta = stellar_xdr.TransactionMeta.from_xdr(record.meta_xdr).v4
    assert meta is not None, "the network writes metas of version 4"
    if operation >= len(meta.operations):
        return []
    read = [_read(event, passphrase) for event in meta.operations[operation].events]
    return [change for change in read if change is not None]


def _read(event: stellar_xdr.ContractEvent, passphrase: str) -> BalanceChange | None:
    assert event.body.v0 is not None
    assert event.contract_id is not None
    topics, data = event.body.v0.topics, event.body.v0.data
    named = _HOLDERS.get(_name(topics[0])) if topics else None
    if named is None or len(topics) != len(named) + 2 or topics[-1].str is None:
        return None
    asset = topics[-1].str.sc_string.decode("utf-8", "replace")
    contract = event.contract_id.contract_id.hash
    if not _is_asset(asset) or asset_contract(asset, passphrase) != contract:
        return None
    addresses = [_address(topic) for topic in topics[1:-1]]
    amount, target_id = _amount(data)
    holders = dict(zip(named, addresses, strict=True))
    return BalanceChange(
        kind=_name(topics[0]), asset=asset, amount=amount, target_id=target_id, **holders
    )


def _name(topic: stellar_xdr.SCVal) -> str:
    return "" if topic.sym is None else topic.sym.sc_symbol.decode("ascii", "replace")


def _is_asset(text: str) -> bool:
    code, _, issuer = text.partition(":")
    named = code.isascii() and code.isalnum() and len(code) <= _CODE_CHARACTERS_MAX
    return text == NATIVE or (named and StrKey.is_valid_ed25519_public_key(issuer))


def _address(topic: stellar_xdr.SCVal) -> str:
    assert topic.address is not None, "an asset's contract names addresses"
    return Address.from_xdr_sc_address(topic.address).address


def _amount(data: stellar_xdr.SCVal) -> tuple[int, int | None]:
    """The amount, and the id when that is a number."""
    if data.map is None:
        return scval.from_int128(data), None
    told = scval.to_native(data)
    assert isinstance(told, dict)
    id_ = told.get("to_muxed_id")
    return told["amount"], id_ if isinstance(id_, int) else None
