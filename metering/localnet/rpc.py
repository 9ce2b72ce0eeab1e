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
from metering.localnet.entry_xdr import data_xdr, key_from_xdr
from metering.localnet.envelope import MalformedEnvelope
from metering.localnet.fees import distribution
from metering.localnet.header import PROTOCOL_VERSION, Header, close_meta_xdr
from metering.localnet.network import LocalNetwork
from metering.localnet.xdr_values import UnsupportedXdr

VERSION = "tollcast-localnet"

# JSON-RPC 2.0, section 5.1.
_INVALID_REQUEST = -32600
_METHOD_NOT_FOUND = -32601
_INVALID_PARAMS = -32602

Document = dict[str, Any]


class _RpcError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Request(BaseModel):
    model_config = ConfigDict(strict=True)
    jsonrpc: str = Field(pattern=r"^2\.0$")
    id: str | int | None = None
    method: str = Field(max_length=64)
    params: Any = None


class _Keys(BaseModel):
    keys: list[str] = Field(max_length=LOCALNET_KEYS_MAX)


class _Hash(BaseModel):
    hash: str = Field(pattern=r"^[0-9a-f]{64}$")


class _Envelope(BaseModel):
    transaction: str


class Rpc:
    """The methods of Stellar RPC that classic payments need."""

    def __init__(self, network: LocalNetwork, friendbot_url: str) -> None:
        self._network = network
        self._friendbot_url = friendbot_url

    def answer(self, body: object, now_ms: int, late_ledgers: int = 0) -> Document:
        """Answer one request.

        Args:
            body: parsed JSON, whatever it is.
            now_ms: the network's time; it has been advanced to it.
            late_ledgers: how much later than usual a submission is to be included.
        """
        try:
            request = _Request.model_validate(body)
        except ValidationError:
            return _error(None, _INVALID_REQUEST, "not a JSON-RPC 2.0 request")
        try:
            result = self._dispatch(request, now_ms, late_ledgers)
        except _RpcError as error:
            return _error(request.id, error.code, str(error))
        except ValidationError as error:
            return _error(request.id, _INVALID_PARAMS, error.errors()[0]["msg"])
        return {"jsonrpc": "2.0", "id": request.id, "result": result}

    def _dispatch(self, request: _Request, now_ms: int, late_ledgers: int) -> Document:
        latest = self._network.latest(now_ms)
        plain = {
            "getHealth": self._health,
            "getNetwork": self._network_info,
            "getVersionInfo": self._version,
            "getFeeStats": self._fee_stats,
        }
        match request.method:
            case name if name in plain:
                return plain[name](latest)
            case "getLatestLedger":
                return self._latest_ledger(latest, now_ms)
            case "getLedgerEntries":
                return self._ledger_entries(_Keys.model_validate(request.params), latest)
            case "getTransaction":
                return self._transaction(_Hash.model_validate(request.params), latest)
            case "sendTransaction":
                sent = _Envelope.model_validate(request.params)
                return self._send(sent.transaction, latest, now_ms, late_ledgers)
            case _:
                raise _RpcError(_METHOD_NOT_FOUND, "method not found")

    def _health(self, latest: Header) -> Document:
        oldest = self._network.oldest_ledger
        return {
            "status": "healthy",
            "latestLedger": latest.sequence,
            "oldestLedger": oldest,
            "ledgerRetentionWindow": latest.sequence - oldest + 1,
        }

    def _network_info(self, _latest: Header) -> Document:
        return {
            "friendbotUrl": self._friendbot_url,
            "passphrase": self._network.passphrase,
            "protocolVersion": PROTOCOL_VERSION,
        }

    def _version(self, _latest: Header) -> Document:
        return {
            "version": VERSION,
            "commitHash": "",
            "buildTimestamp": "",
            "captiveCoreVersion": VERSION,
            "protocolVersion": PROTOCOL_VERSION,
        }

    def _fee_stats(self, latest: Header) -> Document:
        fees = self._network.recent_fees()
        inclusion = {
            **distribution(fees),
            "transactionCount": str(len(fees)),
            "ledgerCount": min(latest.sequence, 50),
        }
        # There are no smart contracts here, so their fee stays at its floor.
        contracts = {**distribution([]), "transactionCount": "0", "ledgerCount": 50}
        return {
            "sorobanInclusionFee": contracts,
            "inclusionFee": inclusion,
            "latestLedger": latest.sequence,
        }

    def _latest_ledger(self, latest: Header, now_ms: int) -> Document:
        records = self._network.latest_records(now_ms)
        return {
            "id": latest.hash.hex(),
            "protocolVersion": PROTOCOL_VERSION,
            "sequence": latest.sequence,
            "closeTime": str(latest.close_time),
            "headerXdr": latest.xdr().to_xdr(),
            "metadataXdr": close_meta_xdr(latest, records).to_xdr(),
        }

    def _ledger_entries(self, params: _Keys, latest: Header) -> Document:
        found = []
        for text in params.keys:
            key = _read_key(text)
            entry = self._network.entry(key) if key is not None else None
            if entry is not None:
                found.append(
                    {
                        "key": text,
                        "xdr": data_xdr(entry).to_xdr(),
                        "lastModifiedLedgerSeq": entry.modified,
                    }
                )
        return {"entries": found, "latestLedger": latest.sequence}

    def _transaction(self, params: _Hash, latest: Header) -> Document:
        record = self._network.transaction(params.hash)
        oldest = self._network.oldest_ledger
        ages = (latest.sequence - oldest) * self._network.close_ms // 1000
        document: Document = {
            "status": "NOT_FOUND",
            "txHash": params.hash,
            "latestLedger": latest.sequence,
            "latestLedgerCloseTime": str(latest.close_time),
            "oldestLedger": oldest,
            "oldestLedgerCloseTime": str(latest.close_time - ages),
        }
        if record is None:
            return document
        return document | {
            "status": "SUCCESS" if record.successful else "FAILED",
            "applicationOrder": record.order,
            "feeBump": record.is_fee_bump,
            "envelopeXdr": record.envelope_xdr,
            "resultXdr": record.result_xdr,
            "resultMetaXdr": record.meta_xdr,
            "ledger": record.ledger,
            "createdAt": str(record.created_at),
        }

    def _send(self, envelope: str, latest: Header, now_ms: int, late_ledgers: int) -> Document:
        try:
            submission = self._network.submit(envelope, now_ms, late_ledgers)
        except MalformedEnvelope as error:
            raise _RpcError(_INVALID_PARAMS, "invalid_xdr") from error
        document: Document = {
            "status": submission.status.value,
            "hash": submission.hash,
            "latestLedger": latest.sequence,
            "latestLedgerCloseTime": str(latest.close_time),
        }
        if submission.result is not None:
            document["errorResultXdr"] = submission.result.to_xdr()
        return document


def _read_key(text: str) -> tuple[str, ...] | None:
    try:
        return key_from_xdr(stellar_xdr.LedgerKey.from_xdr(text))
    except (binascii.Error, XdrError, EOFError, ValueError, UnsupportedXdr) as error:
        raise _RpcError(_INVALID_PARAMS, f"cannot unmarshal key value {text[:80]}") from error


def _error(id_: str | int | None, code: int, message: str) -> Document:
    return {"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": message}}
