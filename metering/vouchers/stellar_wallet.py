"""The viewer's side of a payment channel: opens it, puts more in, and takes the rest back.

For the command line and for play money; a viewer's own wallet does the same.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass

from stellar_sdk import Account, Keypair, TransactionBuilder, scval
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.soroban_rpc import GetTransactionStatus, SimulateTransactionResponse
from stellar_sdk.transaction_envelope import TransactionEnvelope

from config.limits import SETTLEMENT_ENVELOPE_SECONDS, SETTLEMENT_POLL_MS
from metering.money import Stroops
from metering.settlement.batch import FEE_RATE_MIN
from metering.settlement.rpc_node import RpcNode
from metering.settlement.stellar_entries import account_in, account_key
from metering.vouchers.contracts import CallRefused, NoFeeAccount

_SALT_BYTES = 32


class NotApplied(Exception):
    """The transaction did not become part of the ledger, or failed there."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a new payment channel is to be.

    Attributes:
        wasm: SHA-256 of the code, as hex; a node has that code.
        token: the currency's contract.
        recipient: whom it pays.
        key: whose signatures it takes, 32 bytes.
        amount: put in at once.
        waiting_ledgers: how long its payer waits for what is left.
    """

    wasm: str
    token: str
    recipient: str
    key: bytes
    amount: Stroops
    waiting_ledgers: int


class ChannelWallet:
    """An account that pays into payment channels of its own.

    Args:
        node: where to ask, and to send to.
        seed: the account's.
        poll_ms: how often to ask what became of a transaction.

    Every method may raise `ChainUnreachable`, `WrongNetwork`, and:
        CallRefused: a node that tried it says that it would fail.
        NotApplied: it was sent and failed, or was never included.
        NoFeeAccount: the account does not exist.
    """

    def __init__(self, node: RpcNode, seed: str, poll_ms: int = SETTLEMENT_POLL_MS) -> None:
        self._node = node
        self._poll_ms = poll_ms
        self._keys = Keypair.from_secret(seed)

    @property
    def address(self) -> str:
        """The account's."""
        return self._keys.public_key

    async def open(self, opening: Opening) -> str:
        """Make the contract and put the money in; returns its address."""
        builder = await self._builder()
        builder.append_create_contract_op(
            wasm_id=opening.wasm,
            address=self.address,
            constructor_args=[
                scval.to_address(opening.token),
                scval.to_address(self.address),
                scval.to_bytes(opening.key),
                scval.to_address(opening.recipient),
                scval.to_int128(opening.amount),
                scval.to_uint32(opening.waiting_ledgers),
            ],
            salt=os.urandom(_SALT_BYTES),
        )
        made = await self._submit(builder.build())
        return scval.from_address(made).address

    async def top_up(self, contract: str, amount: Stroops) -> None:
        """Put more in."""
        await self._call(contract, "top_up", [scval.to_int128(amount)])

    async def start_closing(self, contract: str) -> None:
        """Begin the waiting period after which `take_back` can be called."""
        await self._call(contract, "close_start", [])

    async def take_back(self, contract: str) -> None:
        """Take what is left."""
        await self._call(contract, "refund", [])

    async def _call(
        self, contract: str, function: str, arguments: Sequence[stellar_xdr.SCVal]
    ) -> None:
        builder = await self._builder()
        builder.append_invoke_contract_function_op(
            contract_id=contract, function_name=function, parameters=arguments
        )
        await self._submit(builder.build())

    async def _builder(self) -> TransactionBuilder:
        there = account_in(await self._node.entries([account_key(self.address)]))
        if there is None:
            raise NoFeeAccount(self.address)
        account = Account(self.address, there.sequence)
        tip = await self._node.tip()
        builder = TransactionBuilder(account, self._node.passphrase, base_fee=FEE_RATE_MIN)
        return builder.add_time_bounds(0, tip.close_time + SETTLEMENT_ENVELOPE_SECONDS)

    async def _submit(self, envelope: TransactionEnvelope) -> stellar_xdr.SCVal:
        """Send it as often as it takes; returns what the call was found to return."""
        async with self._node.ask() as server:
            simulated = await server.simulate_transaction(envelope)
        if simulated.error is not None:
            raise CallRefused(simulated.error.partition("\n")[0])
        async with self._node.ask() as server:
            ready = await server.prepare_transaction(envelope, simulated)
        ready.sign(self._keys)
        bounds = ready.transaction.preconditions
        assert bounds is not None, "it was built with them"
        assert bounds.time_bounds is not None, "it was built with them"
        while not await self._is_applied(ready):
            if (await self._node.tip()).close_time > bounds.time_bounds.max_time:
                raise NotApplied(ready.hash_hex())
            async with self._node.ask() as server:
                await server.send_transaction(ready)
            await asyncio.sleep(self._poll_ms / 1000)
        return _returned(simulated)

    async def _is_applied(self, envelope: TransactionEnvelope) -> bool:
        async with self._node.ask() as server:
            found = await server.get_transaction(envelope.hash_hex())
        if found.status == GetTransactionStatus.FAILED:
            raise NotApplied(f"{envelope.hash_hex()} failed")
        return found.status == GetTransactionStatus.SUCCESS


def _returned(simulated: SimulateTransactionResponse) -> stellar_xdr.SCVal:
    results = simulated.results or []
    if not results or results[0].xdr is None:
        raise CallRefused("the call returned nothing")
    return stellar_xdr.SCVal.from_xdr(results[0].xdr)
