"""Horizon's document of a transaction (Stellar docs, "Transactions")."""

import base64
from collections.abc import Iterable
from typing import Any

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.envelope import Parts, read_parts
from metering.localnet.horizon_links import links, lists, time_text
from metering.localnet.record import Record
from metering.toid import Place

Document = dict[str, Any]


def transaction(record: Record, base: str) -> Document:
    """`GET /transactions/{hash}`; `base` is the server's own URL."""
    parts, token = read_parts(record.envelope_xdr), Place(record.ledger, record.order).cursor
    own = f"/transactions/{record.hash}"
    return {
        "id": record.hash,
        "hash": record.hash,
        "paging_token": token,
        "successful": record.successful,
        "ledger": record.ledger,
        "created_at": time_text(record.created_at),
        "source_account": record.source,
        "source_account_sequence": str(record.sequence),
        "fee_account": parts.fee_source,
        "fee_charged": str(record.fee_charged),
        "max_fee": str(record.fee_max),
        "operation_count": record.operations,
        **_memo(parts.memo),
        "signatures": _signatures(parts.bump_signatures or parts.signatures),
        **_preconditions(parts.conditions),
        **_bump(record, parts),
        "envelope_xdr": record.envelope_xdr,
        "result_xdr": record.result_xdr,
        "result_meta_xdr": record.meta_xdr,
        "fee_meta_xdr": record.fee_meta_xdr,
        "_links": links(
            base,
            self=own,
            account=f"/accounts/{record.source}",
            ledger=f"/ledgers/{record.ledger}",
            **lists(own, "operations", "effects"),
            precedes=f"/transactions?order=asc&cursor={token}",
            succeeds=f"/transactions?order=desc&cursor={token}",
            transaction=own,
        ),
    }


def _bump(record: Record, parts: Parts) -> Document:
    if not record.is_fee_bump:
        return {}
    return {
        "fee_bump_transaction": {
            "hash": record.hash,
            "signatures": _signatures(parts.bump_signatures),
        },
        "inner_transaction": {
            "hash": record.inner_hash,
            "signatures": _signatures(parts.signatures),
            "max_fee": str(parts.fee),
        },
    }


def _preconditions(conditions: stellar_xdr.Preconditions) -> Document:
    """When it may be applied, as far as that is bound."""
    times = conditions.time_bounds
    if conditions.v2 is not None:
        times = conditions.v2.time_bounds
    if times is None:
        return {}
    bounds = {"min_time": str(times.min_time.time_point.uint64)}
    if times.max_time.time_point.uint64:
        bounds["max_time"] = str(times.max_time.time_point.uint64)
    return {"preconditions": {"timebounds": bounds}}


def _signatures(signatures: Iterable[bytes]) -> list[str]:
    return [base64.b64encode(each).decode("ascii") for each in signatures]


def _memo(memo: stellar_xdr.Memo) -> Document:
    document: Document = {"memo_type": "none"}
    if memo.id is not None:
        document = {"memo_type": "id", "memo": str(memo.id.uint64)}
    elif memo.text is not None:
        document = {
            "memo_type": "text",
            "memo": memo.text.decode("utf-8", "replace"),
            "memo_bytes": base64.b64encode(memo.text).decode("ascii"),
        }
    elif memo.hash is not None:
        document = {"memo_type": "hash", "memo": _base64(memo.hash)}
    elif memo.ret_hash is not None:
        document = {"memo_type": "return", "memo": _base64(memo.ret_hash)}
    return document


def _base64(hashed: stellar_xdr.Hash) -> str:
    return base64.b64encode(hashed.hash).decode("ascii")
