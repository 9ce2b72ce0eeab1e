"""One `invoke_host_function` operation: what it returns, changes and tells."""

import hashlib
from dataclasses import dataclass

from stellar_sdk import Address, scval
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.context import Context
from metering.localnet.contracts.creation import PROGRAMS, create
from metering.localnet.contracts.gate import Enforcing, Gate
from metering.localnet.contracts.host import Host
from metering.localnet.contracts.storage import Footprint, Storage
from metering.localnet.contracts.trap import Trapped
from metering.localnet.entries import Entries
from metering.localnet.operation import InvokeHostFunction
from metering.localnet.results import Applied

_CODE = stellar_xdr.InvokeHostFunctionResultCode


@dataclass(frozen=True, slots=True)
class Run:
    """How a host function went that went well."""

    value: stellar_xdr.SCVal
    events: tuple[stellar_xdr.ContractEvent, ...]


def run(function: stellar_xdr.HostFunction, storage: Storage, gate: Gate, context: Context) -> Run:
    """Run a host function.

    Raises:
        Trapped: it failed; what it changed has to be dropped.
    """
    host = Host(storage, gate, PROGRAMS, context)
    try:
        value = _returned(host, function)
    except ValueError as error:
        # XDR has values, such as codes of assets that are not text, which no contract takes.
        raise Trapped("Value", "InvalidInput", str(error)) from error
    return Run(value, tuple(host.events))


def _returned(host: Host, function: stellar_xdr.HostFunction) -> stellar_xdr.SCVal:
    if function.invoke_contract is not None:
        call = function.invoke_contract
        contract = Address.from_xdr_sc_address(call.contract_address).address
        name = call.function_name.sc_symbol.decode("utf-8", "replace")
        return host.call(contract, name, call.args)
    arguments = function.create_contract or function.create_contract_v2
    if arguments is None:
        raise Trapped("WasmVm", "InvalidAction", "this network takes no WebAssembly")
    return scval.to_address(create(host, arguments))


def invoke(entries: Entries, operation: InvokeHostFunction, context: Context) -> Applied:
    """Apply the operation, within the footprint that its transaction declares."""
    resources = context.transaction.resources
    assert resources is not None, "checked before it came into a ledger"
    try:
        declared = Footprint.declared(resources.resources.footprint)
    except ValueError:
        return Applied(_CODE.INVOKE_HOST_FUNCTION_MALFORMED)
    storage = Storage(entries, context.ledger, declared)
    try:
        gate = Enforcing(operation.auth, operation.source, context.passphrase)
        done = run(operation.function, storage, gate, context)
    except Trapped:
        return Applied(_CODE.INVOKE_HOST_FUNCTION_TRAPPED)
    return Applied(
        _CODE.INVOKE_HOST_FUNCTION_SUCCESS, done.events, _success(done), value=done.value
    )


def _success(done: Run) -> stellar_xdr.OperationResult:
    """The result, which is the hash of what was returned and told (CAP-46-6)."""
    told = stellar_xdr.InvokeHostFunctionSuccessPreImage(done.value, list(done.events))
    hash_ = stellar_xdr.Hash(hashlib.sha256(told.to_xdr_bytes()).digest())
    result = stellar_xdr.InvokeHostFunctionResult(_CODE.INVOKE_HOST_FUNCTION_SUCCESS, success=hash_)
    return stellar_xdr.OperationResult(
        stellar_xdr.OperationResultCode.opINNER,
        stellar_xdr.OperationResultTr(
            stellar_xdr.OperationType.INVOKE_HOST_FUNCTION, invoke_host_function_result=result
        ),
    )
