"""Carries transfers to the chain: makes the transaction anew, tries it, and signs to pay its fee.

The account that does so holds some lumens for fees and nothing else, and agrees to nothing that a
contract may ask: to whatever a client makes it carry, it loses a fee at most.
"""

from collections.abc import Sequence

from stellar_sdk import Account, Keypair, TransactionBuilder
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.operation import InvokeHostFunction
from stellar_sdk.soroban_rpc import SimulateTransactionResponse
from stellar_sdk.strkey import StrKey
from stellar_sdk.transaction_envelope import TransactionEnvelope

from config.limits import SETTLEMENT_ENVELOPE_SECONDS, X402_FEE_STROOPS_MAX
from metering.settlement.batch import fee_rate
from metering.settlement.chain import ChainUnreachable
from metering.settlement.chain_event import Movement, movement
from metering.settlement.outbox import SignedEnvelope
from metering.settlement.rpc_node import RpcNode
from metering.settlement.stellar_entries import account_in, account_key
from metering.settlement.strkey import read_address, write_address
from metering.x402.errors import NobodyPaysFees
from metering.x402.terms import PaymentRefused, Terms
from metering.x402.transfer import Transfer

_FAILS = "invalid_exact_stellar_payload_simulation_failed"


class StellarSponsor:
    """Implements `till.Sponsor`.

    Args:
        node: where to ask.
        seed: of the account that sends and pays for transactions.
    """

    def __init__(self, node: RpcNode, seed: str) -> None:
        self._node = node
        self._keys = Keypair.from_secret(seed)

    @property
    def address(self) -> str:
        """The account that pays for transactions."""
        return self._keys.public_key

    async def ledger(self) -> int:
        """The ledger that closed last."""
        return (await self._node.tip()).ledger

    async def can_pay(self) -> bool:
        """Whether the account exists."""
        return bool((await self._node.entries([account_key(self.address)])).found)

    async def carry(self, transfer: Transfer, terms: Terms) -> SignedEnvelope:
        sequence = await self._sequence()
        tip = await self._node.tip()
        max_time = tip.close_time + SETTLEMENT_ENVELOPE_SECONDS
        async with self._node.ask() as server:
            rate = fee_rate((await server.get_fee_stats()).soroban_inclusion_fee.p80)
        envelope = self._built(transfer, sequence, max_time, rate)
        simulated = await self._simulated(envelope)
        self._check_movements(simulated, transfer, terms)
        async with self._node.ask() as server:
            ready = await server.prepare_transaction(envelope, simulated)
        if ready.transaction.fee > X402_FEE_STROOPS_MAX:
            raise PaymentRefused(_FAILS, f"it would cost {ready.transaction.fee} stroops")
        ready.sign(self._keys)
        return SignedEnvelope(
            xdr=ready.to_xdr(),
            hash=ready.hash_hex(),
            source=self.address,
            sequence=sequence + 1,
            max_time=max_time,
            fee=ready.transaction.fee,
            ledger=tip.ledger,
        )

    async def _sequence(self) -> int:
        account = account_in(await self._node.entries([account_key(self.address)]))
        if account is None:
            raise NobodyPaysFees(self.address)
        return account.sequence

    def _built(
        self, transfer: Transfer, sequence: int, max_time: int, rate: int
    ) -> TransactionEnvelope:
        builder = TransactionBuilder(
            Account(self.address, sequence), self._node.passphrase, base_fee=rate
        )
        builder.add_time_bounds(0, max_time)
        function = stellar_xdr.HostFunction.from_xdr(transfer.function)
        auth = stellar_xdr.SorobanAuthorizationEntry.from_xdr(transfer.auth)
        builder.append_operation(InvokeHostFunction(function, [auth]))
        return builder.build()

    async def _simulated(self, envelope: TransactionEnvelope) -> SimulateTransactionResponse:
        """Tried with its authorization, whose signature and nonce are checked by that."""
        async with self._node.ask() as server:
            simulated = await server.simulate_transaction(envelope)
        if simulated.error is not None:
            raise PaymentRefused(_FAILS, simulated.error.partition("\n")[0])
        return simulated

    def _check_movements(
        self, simulated: SimulateTransactionResponse, transfer: Transfer, terms: Terms
    ) -> None:
        """That money moves once, as was asked: the contract is the asset's own, but may be any
        that says so.
        """
        told = [event for event in map(_contract_event, simulated.events or []) if event]
        moved = [self._movement(event) for event in told]
        target = read_address(terms.pay_to)
        plain = write_address(target._replace(muxed_id=None))
        expected = (transfer.payer, plain, terms.amount, target.muxed_id)
        seen = [
            each and (each.source, each.destination, each.amount, each.told_id) for each in moved
        ]
        if seen != [expected]:
            raise PaymentRefused(_FAILS, "it would do something else than to pay")

    def _movement(self, event: stellar_xdr.ContractEvent) -> Movement | None:
        assert event.contract_id is not None, "those without one were left out"
        contract = StrKey.encode_contract(event.contract_id.contract_id.hash)
        told = event.body.v0
        topics: Sequence[stellar_xdr.SCVal] = told.topics if told is not None else []
        try:
            return movement(
                contract,
                [topic.to_xdr() for topic in topics],
                told.data.to_xdr() if told is not None else "",
                self._node.passphrase,
            )
        except (ValueError, KeyError, AttributeError):
            return None  # Not of the form of an asset's, and so not expected.


def _contract_event(diagnostic: str) -> stellar_xdr.ContractEvent | None:
    """What a contract told, of all that a simulation tells of itself.

    Raises:
        ChainUnreachable: the node's answer makes no sense.
    """
    try:
        event = stellar_xdr.DiagnosticEvent.from_xdr(diagnostic).event
    except (ValueError, EOFError) as error:
        raise ChainUnreachable("the node told of no events") from error
    is_told = event.type == stellar_xdr.ContractEventType.CONTRACT
    return event if is_told and event.contract_id is not None else None
