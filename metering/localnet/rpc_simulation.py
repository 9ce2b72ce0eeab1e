"""Stellar RPC's `simulateTransaction` over the network's model."""

from typing import Any

from pydantic import BaseModel, Field

from metering.localnet.context import Context
from metering.localnet.contracts.simulation import AuthMode, simulate
from metering.localnet.envelope import MalformedEnvelope, read_envelope
from metering.localnet.reading import Reading
from metering.localnet.rpc_error import INVALID_PARAMS, Document, RpcError


class _Simulation(BaseModel):
    """`useUpgradedAuth` is for later protocols than this network's, and so not heeded."""

    transaction: str
    mode: AuthMode | None = Field(default=None, alias="authMode")


def simulation(params: Any, reading: Reading) -> Document:
    """What a transaction would do in the next ledger; nothing changes.

    Raises:
        RpcError: not a transaction.
    """
    asked = _Simulation.model_validate(params)
    try:
        envelope = read_envelope(asked.transaction, reading.passphrase)
    except MalformedEnvelope as error:
        raise RpcError(INVALID_PARAMS, "invalid_xdr") from error
    latest = reading.latest
    context = Context(
        reading.passphrase, latest.sequence + 1, latest.close_time, envelope.transaction
    )
    answer = simulate(reading.entries, context, asked.mode)
    return answer | {"latestLedger": latest.sequence}
