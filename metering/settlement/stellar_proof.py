"""Checks a payout's proof against the transaction that the chain has, over RPC or Horizon."""

from decimal import Decimal

from pydantic import BaseModel, ValidationError
from stellar_sdk import (
    Asset,
    CreateClaimableBalance,
    FeeBumpTransactionEnvelope,
    HashMemo,
    Operation,
    Payment,
    TransactionEnvelope,
)
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.client.base_async_client import BaseAsyncClient
from stellar_sdk.soroban_rpc import GetTransactionStatus

from metering.money import NATIVE
from metering.settlement.chain import ChainUnreachable
from metering.settlement.horizon_node import BeforeHistory, HorizonNode
from metering.settlement.proof import Proof
from metering.settlement.rpc_node import RpcNode

_STROOPS = 10**7


class _Transaction(BaseModel):
    """What Horizon says of a transaction, as far as it matters here."""

    successful: bool
    envelope_xdr: str


async def faults_on_chain(
    proof: Proof, url: str, client: BaseAsyncClient, *, rpc: bool
) -> list[str]:
    """What the chain says otherwise; nothing when it confirms the proof.

    Args:
        proof: a sound one.
        url: of a Stellar RPC node, or of a Horizon server.
        client: how to reach it; closed by its owner.
        rpc: which of the two it is.

    Raises:
        ChainUnreachable, WrongNetwork: nothing is known.
    """
    found = await (_over_rpc if rpc else _over_horizon)(proof, url, client)
    if found is None:
        return [
            "no such transaction is known there: it failed, or is older than that node's history"
        ]
    successful, xdr = found
    if not successful:
        return ["the transaction failed: nothing was paid by it"]
    try:
        return _faults(proof, _inner(xdr, proof.network))
    except (ValueError, TypeError, AttributeError) as error:
        raise ChainUnreachable(f"the node's answer makes no sense: {error}") from error


async def _over_rpc(proof: Proof, url: str, client: BaseAsyncClient) -> tuple[bool, str] | None:
    node = RpcNode(url, proof.network, client)
    for hash_ in proof.hashes:
        async with node.ask() as server:
            answer = await server.get_transaction(hash_)
        if answer.status != GetTransactionStatus.NOT_FOUND and answer.envelope_xdr is not None:
            return answer.status == GetTransactionStatus.SUCCESS, answer.envelope_xdr
    return None


async def _over_horizon(proof: Proof, url: str, client: BaseAsyncClient) -> tuple[bool, str] | None:
    node = HorizonNode(url, proof.network, client)
    for hash_ in proof.hashes:
        try:
            text = await node.find(f"/transactions/{hash_}")
            if text is not None:
                said = _Transaction.model_validate_json(text)
                return said.successful, said.envelope_xdr
        except BeforeHistory:
            return None
        except ValidationError as error:
            raise ChainUnreachable(f"Horizon's answer makes no sense: {error}") from error
    return None


def _inner(xdr: str, network: str) -> TransactionEnvelope:
    """The transaction, taken out of its bump if there is one."""
    if stellar_xdr.TransactionEnvelope.from_xdr(xdr).fee_bump is None:
        return TransactionEnvelope.from_xdr(xdr, network)
    bump = FeeBumpTransactionEnvelope.from_xdr(xdr, network)
    return bump.transaction.inner_transaction_envelope


def _faults(proof: Proof, envelope: TransactionEnvelope) -> list[str]:
    transaction = envelope.transaction
    faults = []
    if envelope.hash_hex() != proof.hashes[0]:
        faults.append("the node gave another transaction")
    if not isinstance(transaction.memo, HashMemo) or transaction.memo.memo_hash != proof.root:
        faults.append("its memo is not the root of this proof")
    if proof.size != len(transaction.operations):
        return [*faults, "it has another number of operations"]
    expected = (proof.claimable, proof.said["address"], proof.said["asset"], proof.said["amount"])
    if _paid(transaction.operations[proof.index]) != expected:
        faults.append("its operation pays something else")
    return faults


def _paid(operation: Operation) -> tuple[bool, str, str, str] | None:
    """Whether it is left to be claimed, by whom, in what, and how much in stroops."""
    if isinstance(operation, CreateClaimableBalance):
        payee = operation.claimants[0].destination
        return True, payee, _name(operation.asset), _stroops(operation.amount)
    if isinstance(operation, Payment):
        to = operation.destination
        payee = to.account_muxed or to.account_id
        return False, payee, _name(operation.asset), _stroops(operation.amount)
    return None


def _name(asset: Asset) -> str:
    return NATIVE if asset.is_native() else f"{asset.code}:{asset.issuer}"


def _stroops(amount: str) -> str:
    return str(int(Decimal(amount) * _STROOPS))
