"""Ledger entries as Stellar RPC gives them: where they are found, and what they say."""

from stellar_sdk import Asset, Keypair, SignerKey, StrKey
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.soroban_server_async import SorobanServerAsync

from metering.money import Stroops
from metering.settlement.chain import ChainAccount, OnChain, Thresholds

_BASE_RESERVE = 5_000_000  # stroops (Stellar docs, "Accounts": minimum balance)


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


def on_chain(data: stellar_xdr.LedgerEntryData, ledger: int) -> OnChain:
    """What an account or a trust line holds; `ledger` changed it last."""
    if data.account is None:
        assert data.trust_line is not None, "one of the two was asked for"
        balance = Stroops(data.trust_line.balance.int64)
        return OnChain(balance, balance, ledger)
    balance = Stroops(data.account.balance.int64)
    reserve = (2 + data.account.num_sub_entries.uint32) * _BASE_RESERVE
    return OnChain(balance, Stroops(max(0, balance - reserve)), ledger)


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


async def read_sequence(node: SorobanServerAsync, address: str) -> tuple[int | None, int]:
    """An account's sequence number (None without account), and the ledger it was read at."""
    response = await node.get_ledger_entries([account_key(address)])
    for entry in response.entries or []:
        account = stellar_xdr.LedgerEntryData.from_xdr(entry.xdr).account
        if account is not None:
            return account.seq_num.sequence_number.int64, response.latest_ledger
    return None, response.latest_ledger
