"""Claimable balances to Stellar's XDR and back."""

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.entries import ClaimableBalance
from metering.localnet.xdr_values import (
    account_id,
    address_of,
    asset_text,
    asset_xdr,
    balance_hash,
    balance_id,
)


def balance_xdr(balance: ClaimableBalance) -> stellar_xdr.ClaimableBalanceEntry:
    """`ClaimableBalanceEntry`."""
    return stellar_xdr.ClaimableBalanceEntry(
        balance_id=balance_id(balance.id),
        claimants=[
            stellar_xdr.Claimant(
                stellar_xdr.ClaimantType.CLAIMANT_TYPE_V0,
                stellar_xdr.ClaimantV0(account_id(address), predicate),
            )
            for address, predicate in balance.claimants
        ],
        asset=asset_xdr(balance.asset),
        amount=stellar_xdr.Int64(balance.amount),
        ext=stellar_xdr.ClaimableBalanceEntryExt(0),
    )


def sponsored_ext(sponsor: str) -> stellar_xdr.LedgerEntryExt:
    """The extension of an entry that says who keeps its reserve."""
    return stellar_xdr.LedgerEntryExt(
        1,
        stellar_xdr.LedgerEntryExtensionV1(
            stellar_xdr.SponsorshipDescriptor(account_id(sponsor)),
            stellar_xdr.LedgerEntryExtensionV1Ext(0),
        ),
    )


def balance_from_xdr(entry: stellar_xdr.LedgerEntry) -> ClaimableBalance:
    """Read an entry with what `balance_xdr` and `sponsored_ext` wrote."""
    balance = entry.data.claimable_balance
    assert balance is not None
    assert entry.ext.v1 is not None, "claimable balances have a sponsor"
    sponsor = entry.ext.v1.sponsoring_id.sponsorship_descriptor
    assert sponsor is not None
    return ClaimableBalance(
        id=balance_hash(balance.balance_id),
        claimants=tuple(
            (address_of(claimant.v0.destination), claimant.v0.predicate)
            for claimant in balance.claimants
            if claimant.v0 is not None
        ),
        asset=asset_text(balance.asset),
        amount=balance.amount.int64,
        sponsor=address_of(sponsor),
        modified=entry.last_modified_ledger_seq.uint32,
    )
