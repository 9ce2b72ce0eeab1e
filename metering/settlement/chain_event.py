"""Movements of money in events of asset contracts (CAP-46-6, for classic payments CAP-67).

Anybody can write a contract whose events look like those of another one, so an event counts only if
the contract that emitted it is the one that the named asset has on this network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from stellar_sdk import Address, scval
from stellar_sdk import xdr as stellar_xdr

from metering.money import NATIVE, BadAsset, Stroops, checked_asset
from metering.settlement.stellar_entries import asset_named

_NATIVE_NAME = "native"
_ASSETS_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Movement:
    """From one address to another; `told_id` is a muxed id or a memo's, the event does not say."""

    source: str
    destination: str
    asset: str
    amount: Stroops
    told_id: int | None


def topics_about(address: str) -> list[list[str]]:
    """Filters for the events in which an address is paid or pays; five, which is RPC's limit."""
    who = scval.to_address(Address(address)).to_xdr()
    return [
        [_symbol("transfer"), who, "*", "*"],
        [_symbol("transfer"), "*", who, "*"],
        [_symbol("mint"), who, "*"],
        [_symbol("burn"), who, "*"],
        [_symbol("clawback"), who, "*"],
    ]


def fee_topics() -> list[list[str]]:
    """A filter for what every transaction of a node with classic events emits."""
    return [[_symbol("fee"), "*"]]


def _symbol(word: str) -> str:
    return scval.to_symbol(word).to_xdr()


def movement(contract: str, topics: Sequence[str], value: str, passphrase: str) -> Movement | None:
    """What an event moved; None when it is none of an asset's own contract.

    Args:
        contract: who emitted it (C...).
        topics, value: in base64.
        passphrase: of the network.

    Raises:
        ValueError and what `rpc_node` lists: it is no event at all.
    """
    kind, *parties, name = (stellar_xdr.SCVal.from_xdr(topic) for topic in topics)
    asset = _asset(name)
    if asset is None or _contract_of(asset, passphrase) != contract:
        return None
    route = _route(scval.from_symbol(kind), [_address(each) for each in parties], asset)
    if route is None:
        return None
    amount, told_id = _data(stellar_xdr.SCVal.from_xdr(value))
    return Movement(*route, asset=asset, amount=Stroops(amount), told_id=told_id)


@lru_cache(_ASSETS_REMEMBERED)
def _contract_of(asset: str, passphrase: str) -> str:
    return asset_named(asset).contract_id(passphrase)


def _asset(name: stellar_xdr.SCVal) -> str | None:
    if name.str is None:
        return None
    text = name.str.sc_string.decode("ascii", "replace")
    if text == _NATIVE_NAME:
        return NATIVE
    try:
        return checked_asset(text) if ":" in text else None
    except BadAsset:
        return None


def _route(kind: str, parties: list[str], asset: str) -> tuple[str, str] | None:
    """From whom to whom. What an issuer pays is minted, what it is paid burned."""
    issuer = asset.partition(":")[2]
    if kind == "transfer" and len(parties) == 2:
        return parties[0], parties[1]
    if kind == "mint" and len(parties) == 1:
        return issuer, parties[0]
    if kind in ("burn", "clawback") and len(parties) == 1:
        return parties[0], issuer
    return None


def _address(party: stellar_xdr.SCVal) -> str:
    return scval.from_address(party).address


def _data(value: stellar_xdr.SCVal) -> tuple[int, int | None]:
    if value.map is None:
        return scval.from_int128(value), None
    fields = {scval.from_symbol(each.key): each.val for each in value.map.sc_map}
    told = fields.get("to_muxed_id")
    told_id = None if told is None or told.u64 is None else scval.from_uint64(told)
    return scval.from_int128(fields["amount"]), told_id
