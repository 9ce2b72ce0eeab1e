"""Stellar RPC over the network's model: a JSON-RPC request in, a JSON-RPC response out.

Methods and fields: Stellar docs, "Stellar RPC methods". Numbers that the real server sends as
strings are strings here too.
"""

import binascii
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from stellar_sdk import xdr as stellar_xdr
from xdrlib3 import Error as XdrError

from config.limits import LOCALNET_KEYS_MAX
from metering.localnet import rpc_events, rpc_history
from metering.localnet.contracts.address import key_hash
from metering.localnet.entries import ContractData, Entry, Key, TimeToLive, time_to_live_key
from metering.localnet.entry_xdr import data_xdr, key_from_xdr
from metering.localnet.envelope import MalformedEnvelope
from metering.localnet.fees import distribution
from metering.localnet.header import PROTOCOL_VERSION, Header, close_meta_xdr
from metering.localnet.network import LocalNetwork
from metering.localnet.reading import TRUE_VIEW, Reading, View
from metering.localnet.rpc_error import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    Document,
    RpcError,
)
from metering.localnet.rpc_range import times
from metering.localnet.rpc_simulation import simulation
from metering.localnet.xdr_values import UnsupportedXdr

VERSION = "tollcast-localnet"


class _Request(BaseModel):
    model_config = ConfigDict(strict=True)
    jsonrpc: str = Field(pattern=r"^2\.0$")
    id: str | int | None = None
    method: str = Field(max_length=64)
    params: Any = None


class _Keys(BaseModel):
    keys: list[str] = Field(max_length=LOCALNET_KEYS_MAX)


class _Envelope(BaseModel):
    transaction: str


class Rpc:
    """The methods of Stellar RPC, except those that tell what a contract's code is."""

    def __init__(self, network: LocalNetwork, friendbot_url: str) -> None:
        self._network = network
        self._friendbot_url = friendbot_url

    def answer(
        self, body: object, now_ms: int, late_ledgers: int = 0, view: View = TRUE_VIEW
    ) -> Document:
        """Answer one request.

        Args:
            body: parsed JSON, whatever it is.
            now_ms: the network's time; it has been advanced to it.
            late_ledgers: how much later than usual a submission is to be included.
            view: how the node sees the network.
        """
        try:
            request = _Request.model_validate(body)
        except ValidationError:
            return _error(None, INVALID_REQUEST, "not a JSON-RPC 2.0 request")
        try:
            result = self._dispatch(request, now_ms, late_ledgers, view)
        except RpcError as error:
            return _error(request.id, error.code, str(error))
        except ValidationError as error:
            return _error(request.id, INVALID_PARAMS, error.errors()[0]["msg"])
        return {"jsonrpc": "2.0", "id": request.id, "result": result}

    def _dispatch(self, request: _Request, now_ms: int, late_ledgers: int, view: View) -> Document:
        reading = self._network.read(now_ms, view.lag_ledgers)
        plain = {
            "getHealth": _health,
            "getNetwork": self._network_info,
            "getVersionInfo": _version,
            "getFeeStats": _fee_stats,
            "getLatestLedger": _latest_ledger,
        }
        asking = {
            "getLedgerEntries": _ledger_entries,
            "getTransaction": rpc_history.transaction,
            "getTransactions": rpc_history.transactions,
            "getLedgers": rpc_history.ledgers,
            "simulateTransaction": simulation,
        }
        match request.method:
            case name if name in plain:
                return plain[name](reading)
            case name if name in asking:
                return asking[name](request.params, reading)
            case "getEvents":
                return rpc_events.events(request.params, reading, classic=view.classic_events)
            case "sendTransaction":
                sent = _Envelope.model_validate(request.params)
                return self._send(sent.transaction, reading.latest, now_ms, late_ledgers)
            case _:
                raise RpcError(METHOD_NOT_FOUND, "method not found")

    def _network_info(self, reading: Reading) -> Document:
        return {
            "friendbotUrl": self._friendbot_url,
            "passphrase": reading.passphrase,
            "protocolVersion": PROTOCOL_VERSION,
        }

    def _send(self, envelope: str, latest: Header, now_ms: int, late_ledgers: int) -> Document:
        try:
            submission = self._network.submit(envelope, now_ms, late_ledgers)
        except MalformedEnvelope as error:
            raise RpcError(INVALID_PARAMS, "invalid_xdr") from error
        document: Document = {
            "status": submission.status.value,
            "hash": submission.hash,
            "latestLedger": latest.sequence,
            "latestLedgerCloseTime": str(latest.close_time),
        }
        if submission.result is not None:
            document["errorResultXdr"] = submission.result.to_xdr()
        return document


def _health(reading: Reading) -> Document:
    latest, oldest = reading.latest.sequence, reading.oldest_ledger
    return {
        "status": "healthy",
        **times(reading),
        "ledgerRetentionWindow": latest - oldest + 1,
    }


def _version(_reading: Reading) -> Document:
    return {
        "version": VERSION,
        "commitHash": "",
        "buildTimestamp": "",
        "captiveCoreVersion": VERSION,
        "protocolVersion": PROTOCOL_VERSION,
    }


def _fee_stats(reading: Reading) -> Document:
    inclusion = {
        **distribution(reading.fees),
        "transactionCount": str(len(reading.fees)),
        "ledgerCount": min(reading.latest.sequence, 50),
    }
    # Calls of contracts are few here and outbid nobody, so their fee stays at its floor.
    contracts = {**distribution([]), "transactionCount": "0", "ledgerCount": 50}
    return {
        "sorobanInclusionFee": contracts,
        "inclusionFee": inclusion,
        "latestLedger": reading.latest.sequence,
    }


def _latest_ledger(reading: Reading) -> Document:
    latest = reading.latest
    records = reading.records_of(latest.sequence)
    return {
        "id": latest.hash.hex(),
        "protocolVersion": PROTOCOL_VERSION,
        "sequence": latest.sequence,
        "closeTime": str(latest.close_time),
        "headerXdr": latest.xdr().to_xdr(),
        "metadataXdr": close_meta_xdr(latest, records).to_xdr(),
    }


def _ledger_entries(params: Any, reading: Reading) -> Document:
    found = []
    for text in _Keys.model_validate(params).keys:
        key = _read_key(text)
        entry = reading.entry(key) if key is not None else None
        if entry is not None and not _ended(entry, reading):
            document = {
                "key": text,
                "xdr": data_xdr(entry).to_xdr(),
                "lastModifiedLedgerSeq": entry.modified,
            }
            found.append(document | _life(entry.key, reading))
    return {"entries": found, "latestLedger": reading.latest.sequence}


def _ended(entry: Entry, reading: Reading) -> bool:
    """True for a contract's temporary entry that has come to its end."""
    if not isinstance(entry, ContractData) or entry.persistent:
        return False
    last: int = _life(entry.key, reading)["liveUntilLedgerSeq"]
    return last < reading.latest.sequence


def _life(key: Key, reading: Reading) -> Document:
    """How long a contract's entry lives; other entries do not end."""
    life = reading.entry(time_to_live_key(key_hash(key)))
    return {"liveUntilLedgerSeq": life.live_until} if isinstance(life, TimeToLive) else {}


def _read_key(text: str) -> tuple[str, ...] | None:
    try:
        return key_from_xdr(stellar_xdr.LedgerKey.from_xdr(text))
    except (binascii.Error, XdrError, EOFError, ValueError, UnsupportedXdr) as error:
        raise RpcError(INVALID_PARAMS, f"cannot unmarshal key value {text[:80]}") from error


def _error(id_: str | int | None, code: int, message: str) -> Document:
    return {"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": message}}
