"""Ledger entries as Stellar RPC gives them: where they are found, and what they say."""

from stellar_sdk import Asset, Keypair, SignerKey, StrKey
from stellar_sdk import xdr as stellar_xdr

from metering.money import NATIVE, Stroops
from metering.settlement.chain import ChainAccount, OnChain, Thresholds
from metering.settlement.rpc_node import Entries, Entry

_BASE_RESERVE = 5_000_000  # stroops (Stellar docs, "Accounts": minimum balance)
_AUTHORIZED = 1  # AUTHORIZED_FLAG of a trust line (Stellar-ledger-entries.x)


def asset_named(name: str) -> Asset:
    """An asset as the ledger calls it: `XLM`, or `CODE:ISSUER`."""
    if name == NATIVE:
        return Asset.native()
    code, _, issuer = name.partition(":")
    return Asset(code, issuer)


def account_key(address: str) -> stellar_xdr.LedgerKey:
    """Where an account is found."""
    return stellar_xdr.LedgerKey(
        stellar_xdr.LedgerEntryType.ACCOUNT,
        account=stellar_xdr.LedgerKeyAccount(Keypair.from_public_key(address).xdr_account_id()),
    )


def trust_line_key(address: str, asset: Asset) -> stellar_xdr.LedgerKey:
    """Where an account's holding of an issuer's asset is found."""
    return stellar_xdr.LedgerKey(
        stellar_xdr.LedgerEntryType.TRUSTLINE,
        trust_line=stellar_xdr.LedgerKeyTrustLine(
            Keypair.from_public_key(address).xdr_account_id(),
            asset.to_trust_line_asset_xdr_object(),
        ),
    )


def claimable_key(id_: str) -> stellar_xdr.LedgerKey:
    """Where a claimable balance is found, by its id in hex."""
    balance = stellar_xdr.ClaimableBalanceID.from_xdr_bytes(bytes.fromhex(id_))
    return stellar_xdr.LedgerKey(
        stellar_xdr.LedgerEntryType.CLAIMABLE_BALANCE,
        claimable_balance=stellar_xdr.LedgerKeyClaimableBalance(balance),
    )


def on_chain(data: stellar_xdr.LedgerEntryData, ledger: int) -> OnChain:
    """What an account or a trust line holds; `ledger` changed it last."""
    if data.account is None:
        assert data.trust_line is not None, "one of the two was asked for"
        return _holding(data.trust_line.balance.int64, _sold(data.trust_line.ext.v1), ledger)
    account, extension = data.account, data.account.ext.v1
    entries = 2 + account.num_sub_entries.uint32
    sponsorship = None if extension is None else extension.ext.v2
    if sponsorship is not None:
        entries += sponsorship.num_sponsoring.uint32 - sponsorship.num_sponsored.uint32
    tied_up = entries * _BASE_RESERVE + _sold(extension)
    return _holding(account.balance.int64, tied_up, ledger)


def _holding(balance: int, tied_up: int, ledger: int) -> OnChain:
    return OnChain(Stroops(balance), Stroops(max(0, balance - tied_up)), ledger)


def _sold(
    extension: stellar_xdr.AccountEntryExtensionV1 | stellar_xdr.TrustLineEntryV1 | None,
) -> int:
    """What is promised to offers."""
    return 0 if extension is None else extension.liabilities.selling.int64


def line_obstacle(entry: Entry | None) -> str | None:
    """Why nothing can be paid over a trust line, as the code of a payment (Stellar-transaction.x,
    PaymentResult).
    """
    line = None if entry is None else entry.data.trust_line
    if line is None:
        return "op_no_trust"
    if not line.flags.uint32 & _AUTHORIZED:
        return "op_not_authorized"
    bought = 0 if line.ext.v1 is None else line.ext.v1.liabilities.buying.int64
    return "op_line_full" if line.balance.int64 + bought >= line.limit.int64 else None


def account_in(entries: Entries) -> ChainAccount | None:
    """The account among what was found, which is of one at most."""
    for entry in entries.found.values():
        if entry.data.account is not None:
            return chain_account(entry.data.account)
    return None


def chain_account(entry: stellar_xdr.AccountEntry) -> ChainAccount:
    """Who may sign for an account. The first of the four thresholds is the master key's weight."""
    address = StrKey.encode_ed25519_public_key(_key(entry.account_id))
    master, low, medium, high = entry.thresholds.thresholds
    signers = {
        SignerKey.from_xdr_object(signer.key).encoded_signer_key: signer.weight.uint32
        for signer in entry.signers
    }
    return ChainAccount(
        address=address,
        sequence=entry.seq_num.sequence_number.int64,
        thresholds=Thresholds(low, medium, high),
        signers=signers | {address: master},
        home_domain=entry.home_domain.string32.decode("utf-8", "replace"),
    )


def _key(account: stellar_xdr.AccountID) -> bytes:
    ed25519 = account.account_id.ed25519
    assert ed25519 is not None, "accounts have no other kind of key"
    return ed25519.uint256
