"""Claimable balances: amounts that wait for whoever may claim them (CAP-23)."""

import hashlib
from dataclasses import replace

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.context import Context
from metering.localnet.entries import ClaimableBalance, Entries, claimable_key
from metering.localnet.events import destination_id, moved
from metering.localnet.holdings import Trouble, give, take
from metering.localnet.operation import ClaimClaimableBalance, CreateClaimableBalance
from metering.localnet.predicates import fixed, holds, well_formed
from metering.localnet.results import Applied, inner_result
from metering.localnet.xdr_values import account_id, balance_id

_CREATE = stellar_xdr.CreateClaimableBalanceResultCode
_CLAIM = stellar_xdr.ClaimClaimableBalanceResultCode

_CLAIMANTS_MAX = 10  # Stellar-transaction.x, CreateClaimableBalanceOp

_CREATE_TROUBLE = {
    Trouble.NO_TRUST: _CREATE.CREATE_CLAIMABLE_BALANCE_NO_TRUST,
    Trouble.NOT_AUTHORIZED: _CREATE.CREATE_CLAIMABLE_BALANCE_NOT_AUTHORIZED,
    Trouble.SHORT: _CREATE.CREATE_CLAIMABLE_BALANCE_UNDERFUNDED,
}
_CLAIM_TROUBLE = {
    Trouble.NO_TRUST: _CLAIM.CLAIM_CLAIMABLE_BALANCE_NO_TRUST,
    Trouble.NOT_AUTHORIZED: _CLAIM.CLAIM_CLAIMABLE_BALANCE_NOT_AUTHORIZED,
    Trouble.FULL: _CLAIM.CLAIM_CLAIMABLE_BALANCE_LINE_FULL,
}


def malformed_creation(
    create: CreateClaimableBalance,
) -> stellar_xdr.CreateClaimableBalanceResultCode | None:
    """The code of a creation that can never succeed."""
    claimants = [address for address, _ in create.claimants]
    good = (
        create.amount > 0
        and 0 < len(claimants) <= _CLAIMANTS_MAX
        and len(set(claimants)) == len(claimants)
        and all(well_formed(predicate) for _, predicate in create.claimants)
    )
    return None if good else _CREATE.CREATE_CLAIMABLE_BALANCE_MALFORMED


def create_balance(entries: Entries, create: CreateClaimableBalance, context: Context) -> Applied:
    """An amount leaves the source, which keeps a reserve for each claimant until it is claimed."""
    trouble = take(entries, create.source, create.asset, create.amount)
    if trouble is not None:
        return Applied(_CREATE_TROUBLE[trouble])
    source = entries.account(create.source)
    assert source is not None, "the source of an operation that is applied exists"
    sponsoring = replace(source, sponsoring=source.sponsoring + len(create.claimants))
    if sponsoring.balance < sponsoring.reserve:
        return Applied(_CREATE.CREATE_CLAIMABLE_BALANCE_LOW_RESERVE)
    entries.put(sponsoring)
    balance = ClaimableBalance(
        id=_id_of(context),
        claimants=tuple(
            (address, fixed(predicate, context.close_time))
            for address, predicate in create.claimants
        ),
        asset=create.asset,
        amount=create.amount,
        sponsor=create.source,
    )
    entries.put(balance)
    event = moved(context, create.asset, (create.source, balance.address), create.amount)
    code = _CREATE.CREATE_CLAIMABLE_BALANCE_SUCCESS
    return Applied(code, (event,), inner_result(code, balance_id(balance.id)))


def claim_balance(entries: Entries, claim: ClaimClaimableBalance, context: Context) -> Applied:
    """The whole amount goes to one of those who may claim it."""
    key = claimable_key(claim.balance)
    balance = entries.get(key)
    if not isinstance(balance, ClaimableBalance):
        return Applied(_CLAIM.CLAIM_CLAIMABLE_BALANCE_DOES_NOT_EXIST)
    predicate = dict(balance.claimants).get(claim.source)
    if predicate is None or not holds(predicate, context.close_time):
        return Applied(_CLAIM.CLAIM_CLAIMABLE_BALANCE_CANNOT_CLAIM)
    trouble = give(entries, claim.source, balance.asset, balance.amount)
    if trouble is not None:
        return Applied(_CLAIM_TROUBLE[trouble])
    entries.remove(key)
    sponsor = entries.account(balance.sponsor)
    assert sponsor is not None, "an account that sponsors cannot be merged"
    entries.put(replace(sponsor, sponsoring=sponsor.sponsoring - len(balance.claimants)))
    event = moved(
        context,
        balance.asset,
        (balance.address, claim.source),
        balance.amount,
        destination_id(context, claim.source_id),
    )
    return Applied(_CLAIM.CLAIM_CLAIMABLE_BALANCE_SUCCESS, (event,))


def _id_of(context: Context) -> str:
    """The id of what this operation makes: known before it is submitted."""
    transaction = context.transaction
    preimage = stellar_xdr.HashIDPreimage(
        stellar_xdr.EnvelopeType.ENVELOPE_TYPE_OP_ID,
        operation_id=stellar_xdr.HashIDPreimageOperationID(
            account_id(transaction.source),
            stellar_xdr.SequenceNumber(stellar_xdr.Int64(transaction.sequence)),
            stellar_xdr.Uint32(context.index),
        ),
    )
    return hashlib.sha256(preimage.to_xdr_bytes()).hexdigest()
