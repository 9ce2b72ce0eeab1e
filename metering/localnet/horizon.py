"""The documents of Stellar's Horizon API that classic payments need (Stellar docs, "Horizon")."""

import base64
from collections.abc import Iterable
from typing import Any

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.closing import OPERATIONS_PER_LEDGER_MAX
from metering.localnet.entries import BASE_RESERVE, Account, Datum, TrustLine, datum_key
from metering.localnet.fees import distribution
from metering.localnet.header import PROTOCOL_VERSION, TOTAL_COINS, Header
from metering.localnet.horizon_links import links, lists, time_text
from metering.localnet.horizon_payments import BeforeHistory, asset_fields
from metering.localnet.network import Status, Submission
from metering.localnet.paging import Page
from metering.localnet.reading import Reading
from metering.localnet.record import Record
from metering.localnet.rpc import VERSION
from metering.localnet.validity import BASE_FEE
from metering.money import format_amount
from metering.settlement.stellar_result import ResultCodes, read_result

Document = dict[str, Any]

_FLAGS = stellar_xdr.AccountFlags

# Horizon, "Submit a transaction asynchronously".
STATUS_CODES = {
    Status.PENDING: 201,
    Status.DUPLICATE: 409,
    Status.ERROR: 400,
    Status.TRY_AGAIN_LATER: 503,
}


def problem(status: int, kind: str, title: str, extras: Document | None = None) -> Document:
    """An error as problem+json (RFC 9457), with Horizon's types."""
    document: Document = {
        "type": f"https://stellar.org/horizon-errors/{kind}",
        "title": title,
        "status": status,
        "detail": title,
    }
    return document if extras is None else document | {"extras": extras}


def missing() -> Document:
    """What Horizon says when there is no such thing."""
    return problem(404, "not_found", "Resource Missing")


def refused(envelope_xdr: str, result: stellar_xdr.TransactionResult) -> Document:
    """A transaction that was not accepted, or failed: with its result codes."""
    extras = {
        "envelope_xdr": envelope_xdr,
        "result_codes": _codes(read_result(result)),
        "result_xdr": result.to_xdr(),
    }
    return problem(400, "transaction_failed", "Transaction Failed", extras)


def failed(record: Record, envelope_xdr: str) -> Document:
    """A transaction that is part of a ledger and did nothing there."""
    return refused(envelope_xdr, stellar_xdr.TransactionResult.from_xdr(record.result_xdr))


def _codes(codes: ResultCodes) -> Document:
    document: Document = {"transaction": codes.transaction}
    if codes.inner is not None:
        document["inner_transaction"] = codes.inner
    if codes.operations:
        document["operations"] = list(codes.operations)
    return document


def root(reading: Reading) -> Document:
    """`GET /`."""
    latest = reading.latest
    return {
        "horizon_version": VERSION,
        "core_version": VERSION,
        "network_passphrase": reading.passphrase,
        "current_protocol_version": PROTOCOL_VERSION,
        "supported_protocol_version": PROTOCOL_VERSION,
        "core_supported_protocol_version": PROTOCOL_VERSION,
        "history_latest_ledger": latest.sequence,
        "history_latest_ledger_closed_at": time_text(latest.close_time),
        "history_elder_ledger": reading.oldest_ledger,
        "core_latest_ledger": latest.sequence,
        "ingest_latest_ledger": latest.sequence,
    }


def account(reading: Reading, entry: Account, base: str) -> Document:
    """`GET /accounts/{id}`; `base` is the server's own URL."""
    own = f"/accounts/{entry.id}"
    owned = reading.entries.owned_by(entry.id)
    lines = [_credit(line) for line in owned if isinstance(line, TrustLine)]
    data = {
        datum.name.decode("ascii"): base64.b64encode(datum.value).decode("ascii")
        for datum in owned
        if isinstance(datum, Datum)
    }
    low, medium, high = entry.thresholds
    signers = [_signer(key, weight) for key, weight in entry.signers]
    return {
        "id": entry.id,
        "account_id": entry.id,
        "paging_token": entry.id,
        "sequence": str(entry.sequence),
        "subentry_count": entry.subentries,
        "last_modified_ledger": entry.modified,
        "last_modified_time": _modified(reading, entry),
        "thresholds": {"low_threshold": low, "med_threshold": medium, "high_threshold": high},
        "flags": {f.name.lower()[: -len("_FLAG")]: bool(entry.flags & f) for f in _FLAGS},
        "balances": [*lines, _native(entry)],
        "signers": [*signers, _signer(entry.id, entry.master_weight)],
        "data": data,
        "num_sponsoring": entry.sponsoring,
        "num_sponsored": 0,
        "home_domain": entry.home_domain.decode("utf-8", "replace"),
        "_links": links(
            base,
            self=own,
            **lists(own, "transactions", "operations", "payments", "effects", "offers", "trades"),
            data=f"{own}/data/{{key}}",
        ),
    }


def _modified(reading: Reading, entry: Account) -> str | None:
    """None of what changed last before everything that is remembered."""
    header = reading.header(entry.modified)
    return None if header is None else time_text(header.close_time)


def _credit(line: TrustLine) -> Document:
    return {
        "balance": format_amount(line.balance),
        "limit": format_amount(line.limit),
        **asset_fields(line.asset),
        "buying_liabilities": format_amount(0),
        "selling_liabilities": format_amount(0),
        "last_modified_ledger": line.modified,
        "is_authorized": line.authorized,
        "is_authorized_to_maintain_liabilities": line.flags != 0,
        "is_clawback_enabled": False,
    }


def _native(entry: Account) -> Document:
    return {
        "balance": format_amount(entry.balance),
        "asset_type": "native",
        "buying_liabilities": format_amount(0),
        "selling_liabilities": format_amount(0),
    }


def _signer(key: str, weight: int) -> Document:
    return {"key": key, "weight": weight, "type": "ed25519_public_key"}


def datum(reading: Reading, account_id: str, name: str) -> Document | None:
    """`GET /accounts/{id}/data/{name}`."""
    entry = reading.entry(datum_key(account_id, name.encode()))
    if not isinstance(entry, Datum):
        return None
    return {"value": base64.b64encode(entry.value).decode("ascii")}


def submission(answer: Submission) -> Document:
    """`POST /transactions_async`."""
    document: Document = {"hash": answer.hash, "tx_status": answer.status.value}
    if answer.result is not None:
        document["error_result_xdr"] = answer.result.to_xdr()
    return document


def fee_stats(reading: Reading) -> Document:
    """`GET /fee_stats`."""
    figures = distribution(reading.fees)
    return {
        "last_ledger": str(reading.latest.sequence),
        "last_ledger_base_fee": str(BASE_FEE),
        "ledger_capacity_usage": str(reading.usage),
        "fee_charged": figures,
        "max_fee": figures,
    }


def ledgers(reading: Reading, page: Page, base: str) -> list[Document]:
    """`GET /ledgers`: the records of one page, idle ledgers too.

    Raises:
        BadQuery: the cursor is no number.
        BeforeHistory: the cursor goes back from before what is remembered.
    """
    oldest = max(reading.oldest_ledger, reading.history.first_header.sequence)
    latest, toid = reading.latest.sequence, page.toid
    known: Iterable[int]
    if page.descending:
        newest = latest if toid is None else min(latest, (toid - 1) >> 32)
        if newest < oldest:
            raise BeforeHistory
        known = range(newest, max(oldest, newest - page.limit + 1) - 1, -1)
    else:
        first = oldest if toid is None else max(oldest, (toid >> 32) + 1)
        known = range(first, min(latest, first + page.limit - 1) + 1)
    headers = [reading.header(sequence) for sequence in known]
    return [ledger(reading, header, base) for header in headers if header is not None]


def ledger(reading: Reading, header: Header, base: str) -> Document:
    """`GET /ledgers/{sequence}`."""
    records = reading.records_of(header.sequence)
    successful = [record for record in records if record.successful]
    own = f"/ledgers/{header.sequence}"
    return {
        "id": header.hash.hex(),
        "hash": header.hash.hex(),
        "prev_hash": header.previous_hash.hex(),
        "paging_token": str(header.sequence << 32),
        "sequence": header.sequence,
        "successful_transaction_count": len(successful),
        "failed_transaction_count": len(records) - len(successful),
        "operation_count": sum(record.operations for record in successful),
        "tx_set_operation_count": sum(record.operations for record in records),
        "closed_at": time_text(header.close_time),
        "total_coins": format_amount(TOTAL_COINS),
        "fee_pool": format_amount(header.fee_pool),
        "base_fee_in_stroops": BASE_FEE,
        "base_reserve_in_stroops": BASE_RESERVE,
        "max_tx_set_size": OPERATIONS_PER_LEDGER_MAX,
        "protocol_version": PROTOCOL_VERSION,
        "header_xdr": header.xdr().to_xdr(),
        "_links": links(
            base, self=own, **lists(own, "transactions", "operations", "payments", "effects")
        ),
    }
