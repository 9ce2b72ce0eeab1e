"""Payment channels over Stellar RPC: read from ledger entries, asked to pay by transactions.

A contract is read from its own entry and its balance's, which a node answers from its database: no
getter of the contract is called, so a contract that lies in its getters lies to nobody here, and
two hundred entries take one request.
"""

from collections.abc import Callable, Sequence

from stellar_sdk import Account, Address, Asset, Keypair, TransactionBuilder, scval
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.operation import InvokeHostFunction
from stellar_sdk.soroban_rpc import SimulateTransactionResponse
from stellar_sdk.transaction_envelope import TransactionEnvelope

from config.limits import (
    COLLECTION_AUTHORIZED_LEDGERS,
    COLLECTION_FEE_STROOPS_MAX,
    SETTLEMENT_ENVELOPE_SECONDS,
)
from metering.settlement.batch import fee_rate
from metering.settlement.outbox import SignedEnvelope
from metering.settlement.rpc_node import Entries, RpcNode
from metering.settlement.stellar_entries import account_in, account_key
from metering.signer.collecting import CollectingOrder, CollectingSigner
from metering.vouchers.contracts import Ask, CallRefused, NoFeeAccount
from metering.vouchers.payment_channel import ContractState

_INSTANCE = stellar_xdr.SCVal(stellar_xdr.SCValType.SCV_LEDGER_KEY_CONTRACT_INSTANCE)
_BALANCE = scval.to_symbol("Balance")

# What a value of the wrong kind raises in the SDK's readers.
_OF_ANOTHER_KIND = (ValueError, AttributeError, TypeError, KeyError)


def token_of(asset: Asset, passphrase: str) -> str:
    """The contract that an asset has on a network (CAP-46-6)."""
    return asset.contract_id(passphrase)


class StellarContracts:
    """Implements `contracts.Contracts`.

    Args:
        node: where to ask.
        passphrase: of its network.
        token: the contract of the currency.
        payer_seed: of the account that sends and pays for transactions; it holds nothing else.
        signer: agrees for the hot account.
    """

    def __init__(
        self, node: RpcNode, passphrase: str, token: str, payer_seed: str, signer: CollectingSigner
    ) -> None:
        self._node = node
        self._passphrase = passphrase
        self._token = token
        self._payer = Keypair.from_secret(payer_seed)
        self._signer = signer

    @property
    def payer(self) -> str:
        """The account that sends and pays for transactions."""
        return self._payer.public_key

    async def can_pay(self) -> bool:
        """Whether the account that pays for transactions exists."""
        key = account_key(self.payer)
        return key.to_xdr() in (await self._node.entries([key])).found

    async def read(self, contracts: Sequence[str]) -> dict[str, ContractState]:
        keys = [key for each in contracts for key in (_instance_key(each), self._balance_key(each))]
        entries = await self._node.entries(keys)
        found = {each: self._state(each, entries) for each in contracts}
        return {contract: state for contract, state in found.items() if state is not None}

    async def ask(self, ask: Ask) -> SignedEnvelope:
        sequence = await self._sequence()
        tip = await self._node.tip()
        async with self._node.ask() as server:
            rate = fee_rate((await server.get_fee_stats()).soroban_inclusion_fee.p80)
        max_time = tip.close_time + SETTLEMENT_ENVELOPE_SECONDS
        envelope = self._built(ask, sequence, max_time, rate)
        recorded = await self._simulated(envelope)
        last_ledger = tip.ledger + COLLECTION_AUTHORIZED_LEDGERS
        operation = envelope.transaction.operations[0]
        assert isinstance(operation, InvokeHostFunction), "it was built as one"
        operation.auth = [await self._authorized(ask, _to_sign(recorded), last_ledger)]
        # Once more, with the signature that it has to check.
        enforced = await self._simulated(envelope)
        async with self._node.ask() as server:
            ready = await server.prepare_transaction(envelope, enforced)
        if ready.transaction.fee > COLLECTION_FEE_STROOPS_MAX:
            raise CallRefused(f"it would cost {ready.transaction.fee} stroops")
        ready.sign(self._payer)
        return SignedEnvelope(
            xdr=ready.to_xdr(),
            hash=ready.hash_hex(),
            source=self.payer,
            sequence=sequence + 1,
            max_time=max_time,
            fee=ready.transaction.fee,
            ledger=tip.ledger,
        )

    def _balance_key(self, contract: str) -> stellar_xdr.LedgerKey:
        key = scval.to_vec([_BALANCE, scval.to_address(contract)])
        return _data_key(self._token, key)

    def _state(self, contract: str, entries: Entries) -> ContractState | None:
        instance = _value(entries, _instance_key(contract))
        if instance is None or instance.instance is None:
            return None
        try:
            balance = _amount_of(_value(entries, self._balance_key(contract)))
            return _contract_state(instance.instance, balance, entries.ledger)
        except _OF_ANOTHER_KIND:
            return None  # it keeps something else under these names, or lacks them

    async def _sequence(self) -> int:
        account = account_in(await self._node.entries([account_key(self.payer)]))
        if account is None:
            raise NoFeeAccount(self.payer)
        return account.sequence

    def _built(self, ask: Ask, sequence: int, max_time: int, rate: int) -> TransactionEnvelope:
        builder = TransactionBuilder(Account(self.payer, sequence), self._passphrase, base_fee=rate)
        builder.add_time_bounds(0, max_time)
        builder.append_invoke_contract_function_op(
            contract_id=ask.contract, function_name=ask.verb.value, parameters=_arguments(ask)
        )
        return builder.build()

    async def _simulated(self, envelope: TransactionEnvelope) -> SimulateTransactionResponse:
        async with self._node.ask() as server:
            simulated = await server.simulate_transaction(envelope)
        if simulated.error is not None:
            raise CallRefused(simulated.error.partition("\n")[0])
        return simulated

    async def _authorized(
        self, ask: Ask, entry: stellar_xdr.SorobanAuthorizationEntry, last_ledger: int
    ) -> stellar_xdr.SorobanAuthorizationEntry:
        credentials = entry.credentials.address
        if credentials is None or _address(credentials.address) != self._signer.hot:
            raise CallRefused("somebody else would have to agree")
        order = CollectingOrder(
            contract=ask.contract,
            verb=ask.verb,
            cumulative=ask.cumulative,
            signature=ask.signature,
            nonce=credentials.nonce.int64,
            last_ledger=last_ledger,
        )
        signature = await self._signer.authorize(order)
        key = Keypair.from_public_key(self._signer.hot).raw_public_key()
        credentials.signature_expiration_ledger = stellar_xdr.Uint32(last_ledger)
        signed = {"public_key": scval.to_bytes(key), "signature": scval.to_bytes(signature)}
        credentials.signature = scval.to_vec([scval.to_struct(signed)])
        return entry


def _arguments(ask: Ask) -> list[stellar_xdr.SCVal]:
    return [scval.to_int128(ask.cumulative), scval.to_bytes(ask.signature)]


def _to_sign(simulated: SimulateTransactionResponse) -> stellar_xdr.SorobanAuthorizationEntry:
    """The one agreement that the call needs: what else it says does not matter, since what is
    signed is made of the order.
    """
    results = simulated.results or []
    wanted = results[0].auth or [] if results else []
    if len(wanted) != 1:
        raise CallRefused(f"{len(wanted)} accounts would have to agree")
    return stellar_xdr.SorobanAuthorizationEntry.from_xdr(wanted[0])


def _contract_state(
    instance: stellar_xdr.SCContractInstance, balance: int, ledger: int
) -> ContractState:
    """What upstream's contract keeps: `DataKey` in its lib.rs."""
    wasm, stored = instance.executable.wasm_hash, instance.storage
    assert stored is not None, "checked by its reader"
    kept = {_name(entry.key): entry.val for entry in stored.sc_map}
    return ContractState(
        wasm="" if wasm is None else wasm.hash.hex(),
        token=scval.from_address(kept["Token"]).address,
        payer=scval.from_address(kept["From"]).address,
        recipient=scval.from_address(kept["To"]).address,
        key=scval.from_bytes(kept["CommitmentKey"]),
        waiting_ledgers=scval.from_uint32(kept["RefundWaitingPeriod"]),
        withdrawn=_optional(kept, "WithdrawnAmount", scval.from_int128) or 0,
        balance=balance,
        closes_at=_optional(kept, "CloseEffectiveAtLedger", scval.from_uint32),
        ledger=ledger,
    )


def _optional(
    kept: dict[str, stellar_xdr.SCVal], name: str, read: Callable[[stellar_xdr.SCVal], int]
) -> int | None:
    value = kept.get(name)
    return None if value is None else read(value)


def _name(key: stellar_xdr.SCVal) -> str:
    """Of a variant of an enumeration without fields: a vector of its symbol."""
    return scval.from_symbol(scval.from_vec(key)[0]) if key.vec is not None else ""


def _amount_of(balance: stellar_xdr.SCVal | None) -> int:
    """What a token's entry for one holder says (CAP-46-6, `BalanceValue`)."""
    if balance is None:
        return 0
    amount: int = scval.from_int128(scval.from_struct(balance)["amount"])
    return amount


def _value(entries: Entries, key: stellar_xdr.LedgerKey) -> stellar_xdr.SCVal | None:
    entry = entries.found.get(key.to_xdr())
    data = None if entry is None else entry.data.contract_data
    return None if data is None else data.val


def _instance_key(contract: str) -> stellar_xdr.LedgerKey:
    return _data_key(contract, _INSTANCE)


def _data_key(contract: str, key: stellar_xdr.SCVal) -> stellar_xdr.LedgerKey:
    return stellar_xdr.LedgerKey(
        stellar_xdr.LedgerEntryType.CONTRACT_DATA,
        contract_data=stellar_xdr.LedgerKeyContractData(
            Address(contract).to_xdr_sc_address(),
            key,
            stellar_xdr.ContractDataDurability.PERSISTENT,
        ),
    )


def _address(address: stellar_xdr.SCAddress) -> str:
    return Address.from_xdr_sc_address(address).address
