"""Stellar RPC's `simulateTransaction`: what an invocation returns, and what it has to carry."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from stellar_sdk import scval
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.context import Context
from metering.localnet.contracts.gate import Enforcing, Recording
from metering.localnet.contracts.invocation import Run, run
from metering.localnet.contracts.resources import Resources, measure
from metering.localnet.contracts.storage import Storage
from metering.localnet.contracts.trap import Trapped
from metering.localnet.entries import Entries
from metering.localnet.operation import InvokeHostFunction

Document = dict[str, Any]


class AuthMode(StrEnum):
    """How authorizations are taken in a simulation (Stellar RPC, `authMode`)."""

    ENFORCE = "enforce"
    RECORD = "record"
    RECORD_BEYOND_ROOT = "record_allow_nonroot"


@dataclass(frozen=True, slots=True)
class _Simulated:
    done: Run
    resources: Resources
    auth: list[stellar_xdr.SorobanAuthorizationEntry]


def simulate(entries: Entries, context: Context, mode: AuthMode | None) -> Document:
    """The answer, without the ledger that it is as of.

    Args:
        entries: what the ledger holds; stays as it is.
        context: the transaction, and the ledger that it would be part of.
        mode: None checks authorizations when there are any, and notes them when there are none.
    """
    operations = context.transaction.operations
    if len(operations) != 1 or not isinstance(operations[0], InvokeHostFunction):
        return {"error": "Transaction contains unsupported operation type"}
    operation = operations[0]
    if mode is None:
        mode = AuthMode.ENFORCE if operation.auth else AuthMode.RECORD
    if mode != AuthMode.ENFORCE and operation.auth:
        return {"error": "cannot record authorizations where there are some already"}
    try:
        simulated = _simulate(entries.draft(), operation, context, mode)
    except Trapped as trapped:
        return _failed(trapped)
    return _succeeded(simulated)


def _simulate(
    draft: Entries, operation: InvokeHostFunction, context: Context, mode: AuthMode
) -> _Simulated:
    storage = Storage(draft, context.ledger, declared=None)
    if mode == AuthMode.ENFORCE:
        enforcing = Enforcing(operation.auth, operation.source, context.passphrase)
        done, auth = run(operation.function, storage, enforcing, context), list(operation.auth)
    else:
        recording = Recording(operation.source, mode == AuthMode.RECORD_BEYOND_ROOT)
        done = run(operation.function, storage, recording, context)
        auth = recording.entries()
    return _Simulated(done, measure(draft, storage.touched, done.events), auth)


def _succeeded(simulated: _Simulated) -> Document:
    done, auth = simulated.done, simulated.auth
    return {
        "transactionData": simulated.resources.xdr().to_xdr(),
        "minResourceFee": str(simulated.resources.fee),
        "events": [_diagnostic(event, successful=True) for event in done.events],
        "results": [{"auth": [entry.to_xdr() for entry in auth], "xdr": done.value.to_xdr()}],
    }


def _failed(trapped: Trapped) -> Document:
    topics = [scval.to_symbol("error")]
    event = stellar_xdr.ContractEvent(
        ext=stellar_xdr.ExtensionPoint(0),
        contract_id=None,
        type=stellar_xdr.ContractEventType.DIAGNOSTIC,
        body=stellar_xdr.ContractEventBody(
            0, stellar_xdr.ContractEventV0(topics, scval.to_string(trapped.detail))
        ),
    )
    listed = f'0: [Diagnostic Event] topics:[error], data:"{trapped.detail}"'
    return {
        "error": f"{trapped}\n\nEvent log (newest first):\n   {listed}\n",
        "events": [_diagnostic(event, successful=False)],
    }


def _diagnostic(event: stellar_xdr.ContractEvent, *, successful: bool) -> str:
    return stellar_xdr.DiagnosticEvent(successful, event).to_xdr()
