"""What Stellar's own documents say an answer has: names, types, and words that are allowed.

Facts taken from OpenRPC "Stellar RPC" 27.1.1 (stellar-docs, openrpc/src/stellar-rpc) and OpenAPI
"Horizon" (stellar-docs, openapi/horizon/components). A name with `?` may be missing. Where the
documents and the servers differ, the servers are followed, and that is said at the place.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

type Shape = type | re.Pattern[str] | frozenset[str] | Maybe | Each | Mapping[str, Any]


@dataclass(frozen=True)
class Maybe:
    """That, or null."""

    shape: Any


@dataclass(frozen=True)
class Each:
    """A list of such."""

    shape: Any


def differences(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """What is wrong with an answer, each with where."""
    match shape:
        case Maybe():
            if value is not None:
                yield from differences(value, shape.shape, path)
        case Each():
            yield from _of_list(value, shape, path)
        case Mapping():
            yield from _of_object(value, shape, path)
        case _:
            wanted = _wanted(value, shape)
            if wanted is not None:
                yield f"{path}: {value!r} is {wanted}"


def _wanted(value: Any, shape: type | re.Pattern[str] | frozenset[str]) -> str | None:
    """What a plain value is not; None when it is."""
    match shape:
        case re.Pattern():
            fits = isinstance(value, str) and shape.fullmatch(value) is not None
            return None if fits else f"not like {shape.pattern}"
        case frozenset():
            return None if value in shape else f"none of {sorted(shape)}"
        case _:
            return None if type(value) is shape else f"no {shape.__name__}"


def _of_list(value: Any, shape: Each, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: is no list"
        return
    for place, each in enumerate(value):
        yield from differences(each, shape.shape, f"{path}[{place}]")


def _of_object(value: Any, shape: Mapping[str, Any], path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: is no object"
        return
    known = {name.rstrip("?"): each for name, each in shape.items()}
    for name in shape:
        if not name.endswith("?") and name not in value:
            yield f"{path}.{name}: is missing"
    for name, each in value.items():
        if name in known:
            yield from differences(each, known[name], f"{path}.{name}")
        else:
            yield f"{path}.{name}: no document knows it"


def words(*of: str) -> frozenset[str]:
    """One of these."""
    return frozenset(of)


HASH = re.compile(r"[a-f\d]{64}")
DIGITS = re.compile(r"[0-9]+")
BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
ADDRESS = re.compile(r"G[A-Z0-9]{55}")
MUXED = re.compile(r"M[A-Z0-9]{68}")
CONTRACT = re.compile(r"C[A-Z0-9]{55}")
CURRENCY = re.compile(r"[0-9]+\.[0-9]{7}")

# --- Stellar RPC ----------------------------------------------------------------------------------

_TIMES = {
    "latestLedger": int,
    "latestLedgerCloseTime": DIGITS,
    "oldestLedger": int,
    "oldestLedgerCloseTime": DIGITS,
}
_FEES = {
    **dict.fromkeys(("max", "min", "mode"), DIGITS),
    **{f"p{each}": DIGITS for each in (10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99)},
    "transactionCount": DIGITS,
    "ledgerCount": int,
}
_APPLIED = {
    "applicationOrder": int,
    "feeBump": bool,
    "envelopeXdr": BASE64,
    "resultXdr": BASE64,
    "resultMetaXdr": BASE64,
    "diagnosticEventsXdr?": Each(BASE64),
    "events": {
        "transactionEventsXdr": Each(BASE64),
        "contractEventsXdr": Each(Each(BASE64)),
        "diagnosticEventsXdr?": Each(BASE64),
    },
    "ledger": int,
}
_LEDGER = {
    "hash": HASH,
    "sequence": int,
    "ledgerCloseTime": DIGITS,
    "headerXdr": BASE64,
    "metadataXdr": BASE64,
}
_EVENT = {
    "type": words("contract", "system"),
    "ledger": int,
    "ledgerClosedAt": TIME,
    "contractId": CONTRACT,
    "id": re.compile(r"\d{19}-\d{10}"),
    "transactionIndex": int,
    "operationIndex": int,
    "inSuccessfulContractCall?": bool,  # deprecated
    "topic": Each(BASE64),
    "value": BASE64,
    "txHash": HASH,
}

RPC: Mapping[str, Mapping[str, Any]] = {
    "getEvents": {**_TIMES, "events": Each(_EVENT), "cursor": str},
    "getFeeStats": {"sorobanInclusionFee": _FEES, "inclusionFee": _FEES, "latestLedger": int},
    "getHealth": {"status": words("healthy"), **_TIMES, "ledgerRetentionWindow": int},
    "getLatestLedger": {
        "id": HASH,
        "protocolVersion": int,
        "sequence": int,
        "closeTime": DIGITS,
        "headerXdr": BASE64,
        "metadataXdr": BASE64,
    },
    "getLedgerEntries": {
        "latestLedger": int,
        "entries": Each(
            {
                "key": BASE64,
                "xdr": BASE64,
                "lastModifiedLedgerSeq": int,
                "liveUntilLedgerSeq?": int,
            }
        ),
    },
    "getLedgers": {**_TIMES, "ledgers": Each(_LEDGER), "cursor": DIGITS},
    "getNetwork": {"passphrase": str, "protocolVersion": int, "friendbotUrl?": str},
    "getTransactions": {
        "transactions": Each(
            # Here the servers say times in numbers, and elsewhere as text.
            {**_APPLIED, "status": words("SUCCESS", "FAILED"), "createdAt": int, "txHash": HASH}
        ),
        "latestLedger": int,
        "latestLedgerCloseTimestamp": int,
        "oldestLedger": int,
        "oldestLedgerCloseTimestamp": int,
        "cursor": DIGITS,
    },
    "getVersionInfo": {
        "version": str,
        "commitHash": str,
        "buildTimestamp": str,
        "captiveCoreVersion": str,
        "protocolVersion": int,
    },
}
FOUND = {
    **_TIMES,
    **_APPLIED,
    "status": words("SUCCESS", "FAILED"),
    "txHash": HASH,
    "createdAt": DIGITS,
}
NOT_FOUND = {**_TIMES, "status": words("NOT_FOUND"), "txHash": HASH}
SENT = {
    "hash": HASH,
    "status": words("PENDING", "DUPLICATE", "TRY_AGAIN_LATER", "ERROR"),
    "latestLedger": int,
    "latestLedgerCloseTime": DIGITS,
    "errorResultXdr?": BASE64,
    "diagnosticEventsXdr?": Each(BASE64),
}
_CHANGE = {
    # A number by the documents; the servers send these words, and the SDKs read them.
    "type": words("created", "updated", "deleted"),
    "key": BASE64,
    "before": Maybe(BASE64),
    "after": Maybe(BASE64),
}
SIMULATED = {
    "latestLedger": int,
    "minResourceFee": DIGITS,
    "results": Each({"xdr": BASE64, "auth": Each(BASE64)}),
    "transactionData": BASE64,
    "events?": Each(BASE64),
    "restorePreamble?": {"minResourceFee": DIGITS, "transactionData": BASE64},
    "stateChanges?": Each(_CHANGE),
}
SIMULATED_IN_VAIN = {"latestLedger": int, "error": str, "events?": Each(BASE64)}

# --- Horizon --------------------------------------------------------------------------------------

_LINK = {"href": str, "templated?": bool}


def _links(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, _LINK)


_ASSET = {
    "asset_type": words("native", "credit_alphanum4", "credit_alphanum12"),
    "asset_code?": re.compile(r"[A-Za-z0-9]{1,12}"),
    "asset_issuer?": ADDRESS,
}
_BALANCE = {
    **_ASSET,
    "balance": CURRENCY,
    "buying_liabilities": CURRENCY,
    "selling_liabilities": CURRENCY,
    "limit?": CURRENCY,
    "last_modified_ledger?": int,
    "is_authorized?": bool,
    "is_authorized_to_maintain_liabilities?": bool,
    "is_clawback_enabled?": bool,
}
TRUST_LINE = {
    **{name.rstrip("?"): shape for name, shape in _BALANCE.items()},
    "is_clawback_enabled?": bool,
}
ACCOUNT = {
    "_links": _links(
        *("self", "transactions", "operations", "payments", "effects", "offers", "trades", "data")
    ),
    "id": ADDRESS,
    "account_id": ADDRESS,
    "sequence": DIGITS,
    "sequence_ledger?": int,
    "sequence_time?": DIGITS,
    "subentry_count": int,
    "inflation_destination?": ADDRESS,
    "home_domain?": str,
    "last_modified_ledger": int,
    "last_modified_time": TIME,
    "thresholds": {"low_threshold": int, "med_threshold": int, "high_threshold": int},
    "flags": dict.fromkeys(
        ("auth_required", "auth_revocable", "auth_immutable", "auth_clawback_enabled"), bool
    ),
    "balances": Each(_BALANCE),
    "signers": Each(
        {
            "key": ADDRESS,
            "weight": int,
            "type": words("ed25519_public_key", "sha256_hash", "preauth_tx"),
        }
    ),
    "data": dict,
    "num_sponsoring": int,
    "num_sponsored": int,
    "paging_token": str,
}
TRANSACTION = {
    "_links": _links(
        *("self", "account", "ledger", "operations", "effects", "precedes", "succeeds"),
        "transaction",
    ),
    "id": HASH,
    "paging_token": DIGITS,
    "successful": bool,
    "hash": HASH,
    "ledger": int,
    "created_at": TIME,
    "source_account": ADDRESS,
    "source_account_sequence": DIGITS,
    "fee_account": ADDRESS,
    "fee_charged": DIGITS,
    "max_fee": DIGITS,
    "operation_count": int,
    "envelope_xdr": BASE64,
    "result_xdr": BASE64,
    "result_meta_xdr": BASE64,
    "fee_meta_xdr?": BASE64,
    "memo_type": words("none", "text", "id", "hash", "return"),
    "memo?": str,
    "memo_bytes?": BASE64,
    "signatures": Each(BASE64),
    "preconditions?": {"timebounds?": {"min_time?": DIGITS, "max_time?": DIGITS}},
    "fee_bump_transaction?": {"hash": HASH, "signatures": Each(BASE64)},
    "inner_transaction?": {"hash": HASH, "signatures": Each(BASE64), "max_fee": DIGITS},
}
LEDGER = {
    "_links": _links("self", "transactions", "operations", "payments", "effects"),
    "id": HASH,
    "paging_token": DIGITS,
    "hash": HASH,
    "prev_hash?": HASH,
    "sequence": int,
    "successful_transaction_count": int,
    "failed_transaction_count": int,
    "operation_count": int,
    "tx_set_operation_count": int,
    "closed_at": TIME,
    "total_coins": CURRENCY,
    "fee_pool": CURRENCY,
    "base_fee_in_stroops": int,
    "base_reserve_in_stroops": int,
    "max_tx_set_size": int,
    "protocol_version": int,
    "header_xdr": BASE64,
}
CLAIMABLE_BALANCE = {
    "_links": _links("self", "transactions", "operations"),
    "id": re.compile(r"[0-9a-f]{72}"),
    "paging_token": str,
    "asset": str,
    "amount": CURRENCY,
    "sponsor?": ADDRESS,
    "last_modified_ledger": int,
    "last_modified_time": TIME,
    "claimants": Each({"destination": ADDRESS, "predicate": dict}),
    # A number by the documents; the servers send this.
    "flags?": {"clawback_enabled": bool},
}
_DISTRIBUTION = {
    name: shape for name, shape in _FEES.items() if name not in ("transactionCount", "ledgerCount")
}
FEE_STATS = {
    "last_ledger": DIGITS,
    "last_ledger_base_fee": DIGITS,
    "ledger_capacity_usage": re.compile(r"[01](\.[0-9]+)?"),
    "fee_charged": _DISTRIBUTION,
    "max_fee": _DISTRIBUTION,
}
SUBMITTED = {
    "tx_status": words("ERROR", "PENDING", "DUPLICATE", "TRY_AGAIN_LATER"),
    "hash": HASH,
    "error_result_xdr?": BASE64,
}
PROBLEM = {"type": str, "title": str, "status": int, "detail": str, "extras?": dict}
_OPERATION = {
    "_links": _links("self", "transaction", "effects", "succeeds", "precedes"),
    "id": DIGITS,
    "paging_token": DIGITS,
    "transaction_successful": bool,
    "source_account": ADDRESS,
    # In one of the documents a text; in the others, and on the servers, a number.
    "type_i": int,
    "created_at": TIME,
    "transaction_hash": HASH,
    "transaction?": TRANSACTION,
}
_MOVED = {
    **_ASSET,
    "type": words("transfer", "mint", "burn", "clawback"),
    "from?": re.compile(f"{ADDRESS.pattern}|{CONTRACT.pattern}"),
    "to?": re.compile(f"{ADDRESS.pattern}|{CONTRACT.pattern}"),
    "amount": CURRENCY,
    "destination_muxed_id?": DIGITS,
}
PAYMENTS: Mapping[str, Mapping[str, Any]] = {
    "payment": {
        **_OPERATION,
        **_ASSET,
        "type": words("payment"),
        "from": ADDRESS,
        "from_muxed?": MUXED,
        "from_muxed_id?": DIGITS,
        "to": ADDRESS,
        "to_muxed?": MUXED,
        "to_muxed_id?": DIGITS,
        "amount": CURRENCY,
    },
    "create_account": {
        **_OPERATION,
        "type": words("create_account"),
        "starting_balance": CURRENCY,
        "funder": ADDRESS,
        "account": ADDRESS,
    },
    "account_merge": {
        **_OPERATION,
        "type": words("account_merge"),
        "account": ADDRESS,
        "account_muxed?": MUXED,
        "account_muxed_id?": DIGITS,
        "into": ADDRESS,
        "into_muxed?": MUXED,
        "into_muxed_id?": DIGITS,
    },
    "invoke_host_function": {
        **_OPERATION,
        "type": words("invoke_host_function"),
        "function": words(
            "HostFunctionTypeHostFunctionTypeInvokeContract",
            "HostFunctionTypeHostFunctionTypeCreateContract",
            "HostFunctionTypeHostFunctionTypeCreateContractV2",
            "HostFunctionTypeHostFunctionTypeUploadContractWasm",
        ),
        "parameters?": Each({"type": str, "value": BASE64}),
        "address?": str,
        "salt?": str,
        "asset_balance_changes?": Each(_MOVED),
    },
}
