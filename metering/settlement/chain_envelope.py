"""Movements of money in classic transactions, by envelope and result, for nodes without events."""

from collections.abc import Iterator
from dataclasses import dataclass

from stellar_sdk import Asset, StrKey
from stellar_sdk import xdr as stellar_xdr

from metering.money import NATIVE, Stroops
from metering.settlement.chain import SeenTransaction
from metering.settlement.chain_event import Movement
from metering.settlement.stellar_result import merged, results_of

_NATIVE_TYPE = stellar_xdr.AssetType.ASSET_TYPE_NATIVE


@dataclass(frozen=True, slots=True)
class Told:
    """Whom a payment is for, of many behind one account: by its address, or by the memo."""

    muxed_id: int | None
    memo_id: int | None


def told_by(envelope: str, operation: int, recipient: str) -> Told:
    """What an envelope says of the recipient of an operation, counted from 0 on."""
    transaction = _transaction(envelope)
    destination = _destination(transaction.operations[operation].body)
    muxed = None if destination is None else destination.med25519
    memo = None if transaction.memo.id is None else transaction.memo.id.uint64
    if muxed is None or destination is None or _plain(destination) != recipient:
        return Told(None, memo)
    return Told(muxed.id.uint64, memo)


def seen_in(envelope: str, result: str) -> SeenTransaction:
    """Who made a transaction and paid for it, and its memo.

    Raises:
        ValueError and what `rpc_node` lists: it is none.
    """
    transaction = _transaction(envelope)
    source = _plain(transaction.source_account)
    bump = stellar_xdr.TransactionEnvelope.from_xdr(envelope).fee_bump
    memo = transaction.memo.hash
    return SeenTransaction(
        source=source,
        sequence=transaction.seq_num.sequence_number.int64,
        payer=source if bump is None else _plain(bump.tx.fee_source),
        fee=stellar_xdr.TransactionResult.from_xdr(result).fee_charged.int64,
        memo="" if memo is None else memo.hash.hex(),
    )


def movements(envelope: str, result: str) -> Iterator[tuple[int, Movement]]:
    """What a successful transaction moved, with the number from 0 on of each operation."""
    transaction = _transaction(envelope)
    results = results_of(stellar_xdr.TransactionResult.from_xdr(result))
    for number, (operation, outcome) in enumerate(
        zip(transaction.operations, results, strict=True)
    ):
        source = operation.source_account or transaction.source_account
        moved = _moved(_plain(source), operation.body, outcome)
        if moved is not None:
            yield number, moved


def _moved(
    source: str, body: stellar_xdr.OperationBody, outcome: stellar_xdr.OperationResult
) -> Movement | None:
    """From whom to whom, and how much: what arrives, where an exchange is on the way."""
    if body.create_account_op is not None:
        create = body.create_account_op
        created = StrKey.encode_ed25519_public_key(_key(create.destination.account_id))
        return _lumens(source, created, create.starting_balance.int64)
    if body.payment_op is not None:
        payment = body.payment_op
        target, amount = _plain(payment.destination), payment.amount.int64
        return Movement(source, target, _name(payment.asset), Stroops(amount), None)
    if body.path_payment_strict_receive_op is not None:
        received = body.path_payment_strict_receive_op
        target, amount = _plain(received.destination), received.dest_amount.int64
        return Movement(source, target, _name(received.dest_asset), Stroops(amount), None)
    if body.path_payment_strict_send_op is not None:
        sent = body.path_payment_strict_send_op
        target = _plain(sent.destination)
        return Movement(source, target, _name(sent.dest_asset), _arrived(outcome), None)
    if body.destination is not None:
        return _lumens(source, _plain(body.destination), merged(outcome))
    return None


def _lumens(source: str, destination: str, amount: int) -> Movement:
    return Movement(source, destination, NATIVE, Stroops(amount), None)


def _arrived(outcome: stellar_xdr.OperationResult) -> Stroops:
    assert outcome.tr is not None
    assert outcome.tr.path_payment_strict_send_result is not None
    success = outcome.tr.path_payment_strict_send_result.success
    assert success is not None, "it was successful"
    return Stroops(success.last.amount.int64)


def _destination(body: stellar_xdr.OperationBody) -> stellar_xdr.MuxedAccount | None:
    for paying in (
        body.payment_op,
        body.path_payment_strict_receive_op,
        body.path_payment_strict_send_op,
    ):
        if paying is not None:
            return paying.destination
    return body.destination


def _transaction(envelope: str) -> stellar_xdr.Transaction:
    read = stellar_xdr.TransactionEnvelope.from_xdr(envelope)
    if read.fee_bump is not None:
        inner = read.fee_bump.tx.inner_tx.v1
        assert inner is not None, "only such transactions are bumped"
        return inner.tx
    if read.v1 is None:
        raise ValueError("an envelope of protocol 12 or earlier")
    return read.v1.tx


def _plain(account: stellar_xdr.MuxedAccount) -> str:
    if account.med25519 is not None:
        return StrKey.encode_ed25519_public_key(account.med25519.ed25519.uint256)
    assert account.ed25519 is not None, "one of the two"
    return StrKey.encode_ed25519_public_key(account.ed25519.uint256)


def _key(account: stellar_xdr.PublicKey) -> bytes:
    assert account.ed25519 is not None, "accounts have no other kind of key"
    return account.ed25519.uint256


def _name(asset: stellar_xdr.Asset) -> str:
    if asset.type == _NATIVE_TYPE:
        return NATIVE
    read = Asset.from_xdr_object(asset)
    return f"{read.code}:{read.issuer}"
