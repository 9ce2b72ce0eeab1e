"""The documents of Stellar's Horizon API that classic payments need (Stellar docs, "Horizon")."""

import base64
from datetime import UTC, datetime
from typing import Any

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.entries import Account, Datum, TrustLine, datum_key
from metering.localnet.fees import distribution
from metering.localnet.header import PROTOCOL_VERSION, TOTAL_COINS, Header
from metering.localnet.network import Status, Submission
from metering.localnet.reading import Reading
from metering.localnet.record import Record
from metering.localnet.rpc import VERSION
from metering.localnet.validity import BASE_FEE
from metering.localnet.xdr_values import split_asset
from metering.money import format_amount
from metering.settlement.stellar_result import ResultCodes, read_result

Document = dict[str, Any]

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
        "history_latest_ledger_closed_at": _time(latest.close_time),
        "history_elder_ledger": reading.oldest_ledger,
        "core_latest_ledger": latest.sequence,
        "ingest_latest_ledger": latest.sequence,
    }


def _links(base: str, **paths: str) -> Document:
    """HAL links, which the SDKs turn into methods; `{key}` in a path makes it a template."""
    return {
        name: {"href": base + path} | ({"templated": True} if "{" in path else {})
        for name, path in paths.items()
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
        "thresholds": {"low_threshold": low, "med_threshold": medium, "high_threshold": high},
        "flags": {
            "auth_required": False,
            "auth_revocable": False,
            "auth_immutable": False,
            "auth_clawback_enabled": False,
        },
        "balances": [*lines, _native(entry)],
        "signers": [*signers, _signer(entry.id, entry.master_weight)],
        "data": data,
        "num_sponsoring": 0,
        "num_sponsored": 0,
        "home_domain": entry.home_domain.decode("utf-8", "replace"),
        "_links": _links(base, self=own, data=f"{own}/data/{{key}}"),
    }


def _credit(line: TrustLine) -> Document:
    code, issuer = split_asset(line.asset)
    return {
        "balance": format_amount(line.balance),
        "limit": format_amount(line.limit),
        "asset_type": "credit_alphanum4" if len(code) <= 4 else "credit_alphanum12",
        "asset_code": code,
        "asset_issuer": issuer,
        "buying_liabilities": format_amount(0),
        "selling_liabilities": format_amount(0),
        "last_modified_ledger": line.modified,
        "is_authorized": True,
        "is_authorized_to_maintain_liabilities": True,
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


def transaction(record: Record, base: str) -> Document:
    """`GET /transactions/{hash}`."""
    return {
        "id": record.hash,
        "hash": record.hash,
        "paging_token": str(record.ledger << 32 | record.order << 12),
        "successful": record.successful,
        "ledger": record.ledger,
        "created_at": _time(record.created_at),
        "source_account": record.source,
        "source_account_sequence": str(record.sequence),
        "fee_charged": str(record.fee_charged),
        "max_fee": str(record.fee_max),
        "operation_count": record.operations,
        "envelope_xdr": record.envelope_xdr,
        "result_xdr": record.result_xdr,
        "result_meta_xdr": record.meta_xdr,
        "fee_meta_xdr": record.fee_meta_xdr,
        "_links": _links(
            base,
            self=f"/transactions/{record.hash}",
            account=f"/accounts/{record.source}",
        ),
    }


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
        "ledger_capacity_usage": "0",
        "fee_charged": figures,
        "max_fee": figures,
    }


def ledgers(latest: Header, transactions: int, base: str) -> Document:
    """`GET /ledgers`: a page that holds the ledger that closed last."""
    record = {
        "id": latest.hash.hex(),
        "hash": latest.hash.hex(),
        "prev_hash": latest.previous_hash.hex(),
        "paging_token": str(latest.sequence << 32),
        "sequence": latest.sequence,
        "successful_transaction_count": transactions,
        "closed_at": _time(latest.close_time),
        "total_coins": format_amount(TOTAL_COINS),
        "fee_pool": format_amount(latest.fee_pool),
        "base_fee_in_stroops": BASE_FEE,
        "protocol_version": PROTOCOL_VERSION,
        "header_xdr": latest.xdr().to_xdr(),
    }
    links = _links(base, self="/ledgers", next="/ledgers", prev="/ledgers")
    return {"_links": links, "_embedded": {"records": [record]}}


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
