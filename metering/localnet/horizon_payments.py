"""Horizon's records of payments (Stellar docs, "Payments")."""

from collections.abc import Iterable, Iterator
from typing import Any

from stellar_sdk import MuxedAccount
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.balance_changes import BalanceChange, balance_changes
from metering.localnet.entries import NATIVE
from metering.localnet.envelope import read_parts
from metering.localnet.horizon_links import links, time_text
from metering.localnet.horizon_transactions import transaction
from metering.localnet.operation import AccountMerge, CreateAccount, InvokeHostFunction, Payment
from metering.localnet.paging import Page
from metering.localnet.reading import Reading
from metering.localnet.record import Record
from metering.localnet.xdr_values import split_asset
from metering.money import format_amount
from metering.toid import Place, place_of

Document = dict[str, Any]

_ARMS = {"Symbol": "Sym", "String": "Str", "Bool": "B"}


class BeforeHistory(Exception):
    """A page that goes back from before everything that is remembered."""


def payments(
    reading: Reading, address: str, page: Page, base: str, *, failed: bool, join: bool
) -> list[Document]:
    """`GET /accounts/{id}/payments`: the records of one page.

    Args:
        reading: the network.
        address: whose; payer or payee.
        page: which of them.
        base: the server's own URL.
        failed: payments of failed transactions too.
        join: each with its transaction.

    Raises:
        BadQuery: the cursor is no number.
        BeforeHistory: the cursor goes back from before what is remembered.
    """
    found: list[Document] = []
    toid = page.toid
    for record in _records(reading, page):
        if not (record.successful or failed) or address not in reading.history.payers(record):
            continue
        documents = list(_of_record(record, address, base, reading.passphrase))
        for document in reversed(documents) if page.descending else documents:
            place = int(document["paging_token"])
            if toid is not None and (place >= toid if page.descending else place <= toid):
                continue
            if join:
                document["transaction"] = transaction(record, base)
            found.append(document)
            if len(found) == page.limit:
                return found
    return found


def _records(reading: Reading, page: Page) -> Iterator[Record]:
    """The transactions that a page may come from, in its order."""
    toid = page.toid
    if page.descending:
        if toid is None:
            return reversed(reading.records(Place(0)))
        cursor = place_of(toid)
        if cursor.ledger < reading.oldest_ledger:
            raise BeforeHistory
        return reversed(reading.records(Place(0), Place(cursor.ledger, cursor.transaction + 1)))
    # Somebody who goes forward begins where history does, as on Horizon, and is not told of gaps.
    cursor = Place(0) if toid is None else place_of(toid)
    return iter(reading.records(Place(cursor.ledger, cursor.transaction)))


def _of_record(record: Record, address: str, base: str, passphrase: str) -> Iterator[Document]:
    for index, operation in enumerate(read_parts(record.envelope_xdr).operations):
        document: Document
        match operation:
            case CreateAccount():
                document, those = _created(operation), {operation.destination}
            case Payment():
                document, those = _paid(operation), {operation.destination}
            case AccountMerge():
                document, those = _merged(operation), {operation.destination}
            case InvokeHostFunction():
                changes = balance_changes(record, index, passphrase)
                those = {holder for c in changes for holder in (c.source, c.target)}
                if not changes:
                    continue
                document = _invoked(operation, changes)
            case _:
                continue
        if address in those | {operation.source}:
            yield _operation(record, index, operation.source, base) | document


def _operation(record: Record, index: int, source: str, base: str) -> Document:
    toid = Place(record.ledger, record.order, index + 1).cursor
    return {
        "id": toid,
        "paging_token": toid,
        "transaction_successful": record.successful,
        "source_account": source,
        "created_at": time_text(record.created_at),
        "transaction_hash": record.hash,
        "_links": links(
            base,
            self=f"/operations/{toid}",
            transaction=f"/transactions/{record.hash}",
            effects=f"/operations/{toid}/effects",
            succeeds=f"/effects?order=desc&cursor={toid}",
            precedes=f"/effects?order=asc&cursor={toid}",
        ),
    }


def _created(operation: CreateAccount) -> Document:
    return {
        "type": "create_account",
        "type_i": stellar_xdr.OperationType.CREATE_ACCOUNT.value,
        "starting_balance": format_amount(operation.starting_balance),
        "funder": operation.source,
        "account": operation.destination,
    }


def _paid(payment: Payment) -> Document:
    return {
        "type": "payment",
        "type_i": stellar_xdr.OperationType.PAYMENT.value,
        **asset_fields(payment.asset),
        **_party("from", payment.source, payment.source_id),
        **_party("to", payment.destination, payment.destination_id),
        "amount": format_amount(payment.amount),
    }


def _merged(merge: AccountMerge) -> Document:
    """Without an amount, as on Horizon: that is in the transaction's result."""
    return {
        "type": "account_merge",
        "type_i": stellar_xdr.OperationType.ACCOUNT_MERGE.value,
        **_party("account", merge.source, merge.source_id),
        **_party("into", merge.destination, merge.destination_id),
    }


def _invoked(operation: InvokeHostFunction, changes: list[BalanceChange]) -> Document:
    """A contract that was called, or made: its constructor may move money, too."""
    function = operation.function
    return {
        "type": "invoke_host_function",
        "type_i": stellar_xdr.OperationType.INVOKE_HOST_FUNCTION.value,
        "function": f"HostFunctionType{_words(function.type.name)}",
        "parameters": [_parameter(each) for each in _parameters(function)],
        "address": "",
        "salt": "",
        "asset_balance_changes": [_change(change) for change in changes],
    }


def _parameters(function: stellar_xdr.HostFunction) -> Iterable[stellar_xdr.SCVal]:
    """What is called, and with what."""
    call, made = function.invoke_contract, function.create_contract_v2
    if call is not None:
        return (
            stellar_xdr.SCVal(stellar_xdr.SCValType.SCV_ADDRESS, address=call.contract_address),
            stellar_xdr.SCVal(stellar_xdr.SCValType.SCV_SYMBOL, sym=call.function_name),
            *call.args,
        )
    return () if made is None else made.constructor_args


def _parameter(value: stellar_xdr.SCVal) -> Document:
    """With the name of its arm in Stellar-contract.x: `Address`, `Sym`, `I128`."""
    kind = _words(value.type.name.removeprefix("SCV_"))
    return {"type": _ARMS.get(kind, kind), "value": value.to_xdr()}


def _words(name: str) -> str:
    """`INVOKE_CONTRACT` as `InvokeContract`."""
    return name.title().replace("_", "")


def _change(change: BalanceChange) -> Document:
    told = {
        "from": change.source,
        "to": change.target,
        "destination_muxed_id": "" if change.target_id is None else str(change.target_id),
    }
    return {
        "type": change.kind,
        **asset_fields(change.asset),
        "amount": format_amount(change.amount),
        **{name: text for name, text in told.items() if text},
    }


def _party(name: str, address: str, muxed: int | None) -> Document:
    if muxed is None:
        return {name: address}
    return {
        name: address,
        f"{name}_muxed": MuxedAccount(address, muxed).account_muxed,
        f"{name}_muxed_id": str(muxed),
    }


def asset_fields(asset: str) -> Document:
    """`asset_type` and its like; `asset` is `native` or `CODE:ISSUER`."""
    if asset == NATIVE:
        return {"asset_type": NATIVE}
    code, issuer = split_asset(asset)
    kind = "credit_alphanum4" if len(code) <= 4 else "credit_alphanum12"
    return {"asset_type": kind, "asset_code": code, "asset_issuer": issuer}
