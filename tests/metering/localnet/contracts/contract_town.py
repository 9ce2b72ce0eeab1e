"""People who call contracts of a network model: simulated, signed and applied in one call."""

from collections.abc import Sequence

from stellar_sdk import (
    Account,
    Address,
    Asset,
    InvokeHostFunction,
    Keypair,
    TransactionBuilder,
    TransactionEnvelope,
    scval,
)
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.auth import authorize_entry

from metering.localnet import CHANNEL_WASM_HASH
from metering.localnet.rpc import Rpc
from tests.metering.localnet.town import PASSPHRASE, Town

Auth = stellar_xdr.SorobanAuthorizationEntry
LUMENS = Asset.native().contract_id(PASSPHRASE)


class Failed(Exception):
    """A simulation that ended with an error."""


class ContractTown(Town):
    """A town whose people know contracts; amounts are stroops."""

    def value(self, who: str | int | bytes) -> stellar_xdr.SCVal:
        """A person's name or an address, an amount (i128), or bytes."""
        if isinstance(who, int):
            return scval.to_int128(who)
        if isinstance(who, bytes):
            return scval.to_bytes(who)
        return scval.to_address(self.address(who) if who in self.keys else who)

    def number(self, number: int) -> stellar_xdr.SCVal:
        """A `u32`."""
        return scval.to_uint32(number)

    def operation(
        self, contract: str, name: str, *arguments: str | int | bytes | stellar_xdr.SCVal
    ) -> InvokeHostFunction:
        given = [a if isinstance(a, stellar_xdr.SCVal) else self.value(a) for a in arguments]
        function = stellar_xdr.HostFunction(
            stellar_xdr.HostFunctionType.HOST_FUNCTION_TYPE_INVOKE_CONTRACT,
            invoke_contract=stellar_xdr.InvokeContractArgs(
                Address(contract).to_xdr_sc_address(),
                stellar_xdr.SCSymbol(name.encode()),
                given,
            ),
        )
        return InvokeHostFunction(function, [])

    def simulate(self, envelope: TransactionEnvelope, **more: str) -> dict[str, object]:
        params = {"transaction": envelope.to_xdr(), **more}
        body = {"jsonrpc": "2.0", "id": 1, "method": "simulateTransaction", "params": params}
        answer: dict[str, object] = Rpc(self.network, "").answer(body, self.now_ms)["result"]
        return answer

    def prepared(
        self, source: str, operation: InvokeHostFunction, signers: Sequence[str] = (), **more: str
    ) -> TransactionEnvelope:
        """Simulate, take over what that says, let `signers` sign their authorizations."""
        answer = self.simulate(self.build(source, operation), **more)
        if "error" in answer:
            raise Failed(answer["error"])
        results = answer["results"]
        assert isinstance(results, list)
        operation.auth = operation.auth or [Auth.from_xdr(a) for a in results[0]["auth"]]
        operation.auth = [self.signed(entry, signers) for entry in operation.auth]
        envelope = self.build(source, operation, signers=())
        data = str(answer["transactionData"])
        envelope.transaction.soroban_data = stellar_xdr.SorobanTransactionData.from_xdr(data)
        envelope.transaction.fee = 100 + int(str(answer["minResourceFee"]))
        envelope.sign(self.keys[source])
        return envelope

    def signed(self, entry: Auth, signers: Sequence[str], ledgers: int = 100) -> Auth:
        """An entry signed by the one of `signers` that it asks for, if any."""
        credentials = entry.credentials.address
        if credentials is None:
            return entry
        address = Address.from_xdr_sc_address(credentials.address).address
        last = self.network.latest(self.now_ms).sequence + ledgers
        for name in signers:
            if self.address(name) == address:
                return authorize_entry(entry, self.keys[name], last, PASSPHRASE)
        return entry

    def call(
        self,
        source: str,
        contract: str,
        name: str,
        *arguments: str | int | bytes | stellar_xdr.SCVal,
        signers: Sequence[str] = (),
    ) -> object:
        """Call a contract in a ledger of its own; what it returned, as a Python value."""
        operation = self.operation(contract, name, *arguments)
        return self.applied(self.prepared(source, operation, signers))

    def applied(self, envelope: TransactionEnvelope) -> object:
        """Submit and close; what the call returned."""
        assert self.outcome(envelope) == ("tx_success", "op_success")
        record = self.network.transaction(envelope.hash_hex())
        assert record is not None
        meta = stellar_xdr.TransactionMeta.from_xdr(record.meta_xdr).v4
        assert meta is not None
        assert meta.soroban_meta is not None
        assert meta.soroban_meta.return_value is not None
        return scval.to_native(meta.soroban_meta.return_value)

    def open(self, funder: str, recipient: str, key: Keypair, amount: int, waiting: int) -> str:
        """A new payment channel of lumens; its address."""
        arguments = [
            self.value(LUMENS),
            self.value(funder),
            self.value(key.raw_public_key()),
            self.value(recipient),
            self.value(amount),
            self.number(waiting),
        ]
        operation = self.creation(funder, arguments)
        return str(getattr(self.applied(self.prepared(funder, operation)), "address", ""))

    def creation(
        self, deployer: str, arguments: list[stellar_xdr.SCVal], salt: bytes | None = None
    ) -> InvokeHostFunction:
        builder = TransactionBuilder(Account(self.address(deployer), 0), PASSPHRASE)
        builder.append_create_contract_op(
            CHANNEL_WASM_HASH, self.address(deployer), arguments, salt
        )
        operation = builder.operations[0]
        assert isinstance(operation, InvokeHostFunction)
        return operation

    def asked(self, contract: str, name: str, *arguments: str | int) -> object:
        """What a call would return, without making it."""
        answer = self.simulate(self.build("root", self.operation(contract, name, *arguments)))
        if "error" in answer:
            raise Failed(answer["error"])
        results = answer["results"]
        assert isinstance(results, list)
        return scval.to_native(stellar_xdr.SCVal.from_xdr(results[0]["xdr"]))

    def events(self) -> list[tuple[object, ...]]:
        """Names and data of what the ledger that closed last told, contracts' only."""
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "getEvents",
            "params": {"startLedger": self.network.latest(self.now_ms).sequence},
        }
        listed = Rpc(self.network, "").answer(body, self.now_ms)["result"]["events"]
        told = [
            (
                scval.to_native(stellar_xdr.SCVal.from_xdr(event["topic"][0])),
                scval.to_native(stellar_xdr.SCVal.from_xdr(event["value"])),
            )
            for event in listed
        ]
        return [event for event in told if event[0] != "fee"]
