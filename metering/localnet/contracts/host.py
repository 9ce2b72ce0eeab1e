"""Runs contracts: they call each other, ask for authorizations, keep values and emit events."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from stellar_sdk import Address, StrKey, scval
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.address import AddressType

from metering.localnet.context import Context
from metering.localnet.contracts import instance as instances
from metering.localnet.contracts.authorization import Authorized
from metering.localnet.contracts.gate import Gate
from metering.localnet.contracts.instance import Instance
from metering.localnet.contracts.storage import Storage
from metering.localnet.contracts.trap import Trapped
from metering.localnet.events import event

CONSTRUCTOR = "__constructor"
_RESERVED = "__"
_HOLDERS = (AddressType.ACCOUNT, AddressType.CONTRACT)
VOID = stellar_xdr.SCVal(stellar_xdr.SCValType.SCV_VOID)

Function = Callable[["Call"], stellar_xdr.SCVal]
Programs = Mapping[str, Mapping[str, Function]]
"""What there is to run: functions by name, by the executable of an instance."""


class Host:
    """One invocation and everything that it leads to.

    Args:
        storage: the ledger.
        gate: who authorized what.
        programs: what contracts run.
        context: of which network and transaction this is part.
    """

    def __init__(self, storage: Storage, gate: Gate, programs: Programs, context: Context) -> None:
        self.storage = storage
        self.context = context
        self.events: list[stellar_xdr.ContractEvent] = []
        self._gate = gate
        self._programs = programs
        self._callers: list[str | None] = []

    @property
    def ledger(self) -> int:
        return self.storage.ledger

    def call(
        self, contract: str, name: str, arguments: list[stellar_xdr.SCVal]
    ) -> stellar_xdr.SCVal:
        """Call a contract's function.

        Raises:
            Trapped: it failed, or there is no such contract or function.
        """
        if name.startswith(_RESERVED):
            raise Trapped("Context", "InvalidAction", "can't invoke a reserved function directly")
        return self._run(contract, name, arguments)

    def construct(self, contract: str, arguments: list[stellar_xdr.SCVal]) -> None:
        """Let a contract that was just made set itself up.

        Raises:
            Trapped: its constructor failed.
        """
        self._run(contract, CONSTRUCTOR, arguments)

    def _run(
        self, contract: str, name: str, arguments: list[stellar_xdr.SCVal]
    ) -> stellar_xdr.SCVal:
        program = self._programs.get(self.instance(contract).executable, {})
        if name not in program:
            raise Trapped("WasmVm", "MissingValue", f"contract has no function {name}")
        with self.frame(_invocation(contract, name, arguments), contract):
            return program[name](Call(self, contract, arguments))

    def attempt(self, contract: str, name: str, arguments: list[stellar_xdr.SCVal]) -> bool:
        """The same, but a failure changes nothing and is told by False."""
        below, emitted = self.storage.begin(), len(self.events)
        try:
            self.call(contract, name, arguments)
        except Trapped:
            self.storage.roll_back(below)
            del self.events[emitted:]
            return False
        self.storage.keep(below)
        return True

    @contextmanager
    def frame(self, function: Authorized, contract: str | None) -> Iterator[None]:
        """A frame on the stack of calls; `contract` is None while a contract is being made."""
        self._callers.append(contract)
        self._gate.calls.push(function)
        try:
            yield
        finally:
            self._gate.calls.pop()
            self._callers.pop()

    def require(self, address: str) -> None:
        """Ask that an address agreed to the call of the frame on top.

        A contract agrees to what it calls itself.

        Raises:
            Trapped: it did not.
        """
        if len(self._callers) > 1 and self._callers[-2] == address:
            return
        self._gate.require(address, self.storage)

    def instance(self, contract: str) -> Instance:
        """The contract at an address.

        Raises:
            Trapped: there is none.
        """
        value = (
            self.storage.data(contract, instances.KEY)
            if StrKey.is_valid_contract(contract)
            else None
        )
        if value is None:
            raise Trapped("Storage", "MissingValue", f"there is no contract {contract}")
        return Instance.from_value(value)

    def put_instance(self, contract: str, instance: Instance) -> None:
        self.storage.put_data(contract, instances.KEY, instance.value())

    def emit(self, contract: str, topics: list[stellar_xdr.SCVal], data: stellar_xdr.SCVal) -> None:
        self.events.append(event(StrKey.decode_contract(contract), topics, data))


@dataclass(frozen=True, slots=True)
class Call:
    """A function's own view of a call: typed arguments by position."""

    host: Host
    contract: str
    arguments: list[stellar_xdr.SCVal]

    def expect(self, count: int) -> None:
        """Raises `Trapped` for another number of arguments."""
        if len(self.arguments) != count:
            raise Trapped("WasmVm", "UnexpectedSize", f"the function has {count} arguments")

    def address(self, index: int) -> Address:
        """An account or a contract."""
        return self._holder(index, _HOLDERS)

    def destination(self, index: int) -> Address:
        """An account, a contract, or a multiplexed account (`MuxedAddress`)."""
        return self._holder(index, (*_HOLDERS, AddressType.MUXED_ACCOUNT))

    def amount(self, index: int) -> int:
        return self._read(index, scval.from_int128)

    def number(self, index: int) -> int:
        return self._read(index, scval.from_uint32)

    def raw(self, index: int, size: int) -> bytes:
        """Bytes of a fixed size (`BytesN`)."""
        read = self._read(index, scval.from_bytes)
        if len(read) != size:
            raise Trapped("Value", "UnexpectedSize", f"argument {index} has not {size} bytes")
        return read

    def _holder(self, index: int, kinds: tuple[AddressType, ...]) -> Address:
        read = self._read(index, scval.from_address)
        if read.type not in kinds:
            raise Trapped("Value", "InvalidInput", f"argument {index} is not an address here")
        return read

    def _read[T](self, index: int, reader: Callable[[stellar_xdr.SCVal], T]) -> T:
        try:
            return reader(self.arguments[index])
        except (ValueError, IndexError) as error:
            raise Trapped("Value", "UnexpectedType", f"argument {index}: {error}") from error


def _invocation(contract: str, name: str, arguments: list[stellar_xdr.SCVal]) -> Authorized:
    return stellar_xdr.SorobanAuthorizedFunction(
        stellar_xdr.SorobanAuthorizedFunctionType.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CONTRACT_FN,
        contract_fn=stellar_xdr.InvokeContractArgs(
            Address(contract).to_xdr_sc_address(),
            stellar_xdr.SCSymbol(name.encode()),
            arguments,
        ),
    )
