"""Events of classic operations, in the form of the Stellar Asset Contract's (CAP-67)."""

from functools import lru_cache

from stellar_sdk import Address, Asset, StrKey, scval
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.context import Context
from metering.localnet.entries import NATIVE
from metering.localnet.envelope import Envelope
from metering.localnet.xdr_values import split_asset

# How many assets' contract ids are remembered, which are two hashes each.
_CONTRACTS_KEPT = 256


@lru_cache(_CONTRACTS_KEPT)
def asset_contract(asset: str, passphrase: str) -> bytes:
    """The id of an asset's contract (CAP-46-6), whether or not it was ever deployed.

    Args:
        asset: `native` or `CODE:ISSUER`.
        passphrase: the network's.
    """
    described = Asset.native() if asset == NATIVE else Asset(*split_asset(asset))
    return StrKey.decode_contract(described.contract_id(passphrase))


def moved(
    context: Context,
    asset: str,
    route: tuple[str, str],
    amount: int,
    muxed: stellar_xdr.SCVal | None = None,
) -> stellar_xdr.ContractEvent:
    """An amount went from one holder to another.

    What comes from the asset's issuer is a `mint`, what goes there a `burn`; between the issuer
    and itself it is a `transfer`, as between any others.

    Args:
        context: the operation's.
        asset: `native` or `CODE:ISSUER`.
        route: from and to: accounts (G...) or claimable balances (B...).
        amount: stroops of the asset.
        muxed: whom of those behind the destination it is for, see `destination_id`.
    """
    source, target = route
    issuer = split_asset(asset)[1]
    minted, burned = source == issuer != target, target == issuer != source
    name = "mint" if minted else "burn" if burned else "transfer"
    holders = [target] if minted else [source] if burned else [source, target]
    topics = [scval.to_symbol(name), *map(_address, holders), scval.to_string(asset)]
    data = scval.to_int128(amount)
    if muxed is not None and not burned:
        # A map's keys are in order.
        data = _map({"amount": data, "to_muxed_id": muxed})
    return event(asset_contract(asset, context.passphrase), topics, data)


def destination_id(context: Context, muxed: int | None) -> stellar_xdr.SCVal | None:
    """Whom of those behind a classic account a payment is for; None when that is not said.

    A multiplexed destination goes before the transaction's memo.
    """
    if muxed is not None:
        return scval.to_uint64(muxed)
    memo = context.transaction.memo
    told: stellar_xdr.SCVal | None = None
    if memo.id is not None:
        told = scval.to_uint64(memo.id.uint64)
    elif memo.text is not None:
        told = scval.to_string(memo.text)
    elif memo.hash is not None or memo.ret_hash is not None:
        hashed = memo.hash or memo.ret_hash
        assert hashed is not None
        told = scval.to_bytes(hashed.hash)
    return told


def authorized(context: Context, asset: str, holder: str, may: bool) -> stellar_xdr.ContractEvent:
    """A trust line's issuer allowed it to hold the asset, or no longer does."""
    topics = [scval.to_symbol("set_authorized"), _address(holder), scval.to_string(asset)]
    return event(asset_contract(asset, context.passphrase), topics, scval.to_bool(may))


def fee_charged(envelope: Envelope, fee: int, passphrase: str) -> stellar_xdr.TransactionEvent:
    """The fee of a transaction, taken before any transaction of its ledger is applied."""
    topics = [scval.to_symbol("fee"), _address(envelope.fee_source)]
    taken = event(asset_contract(NATIVE, passphrase), topics, scval.to_int128(fee))
    stage = stellar_xdr.TransactionEventStage.TRANSACTION_EVENT_STAGE_BEFORE_ALL_TXS
    return stellar_xdr.TransactionEvent(stage, taken)


def event(
    contract: bytes, topics: list[stellar_xdr.SCVal], data: stellar_xdr.SCVal
) -> stellar_xdr.ContractEvent:
    """An event as a contract emits it."""
    return stellar_xdr.ContractEvent(
        ext=stellar_xdr.ExtensionPoint(0),
        contract_id=stellar_xdr.ContractID(stellar_xdr.Hash(contract)),
        type=stellar_xdr.ContractEventType.CONTRACT,
        body=stellar_xdr.ContractEventBody(0, stellar_xdr.ContractEventV0(topics, data)),
    )


def _address(holder: str) -> stellar_xdr.SCVal:
    return scval.to_address(Address(holder))


def _map(values: dict[str, stellar_xdr.SCVal]) -> stellar_xdr.SCVal:
    return scval.to_map({scval.to_symbol(name): value for name, value in values.items()})
