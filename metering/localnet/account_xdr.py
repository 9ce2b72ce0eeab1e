"""Accounts to Stellar's XDR and back."""

from stellar_sdk import StrKey
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.entries import Account
from metering.localnet.xdr_values import UnsupportedXdr, account_id, address_of


def account_xdr(account: Account) -> stellar_xdr.AccountEntry:
    """`AccountEntry`."""
    weights = bytes((account.master_weight, *account.thresholds))
    return stellar_xdr.AccountEntry(
        account_id=account_id(account.id),
        balance=stellar_xdr.Int64(account.balance),
        seq_num=stellar_xdr.SequenceNumber(stellar_xdr.Int64(account.sequence)),
        num_sub_entries=stellar_xdr.Uint32(account.subentries),
        inflation_dest=None,
        flags=stellar_xdr.Uint32(account.flags),
        home_domain=stellar_xdr.String32(account.home_domain),
        thresholds=stellar_xdr.Thresholds(weights),
        signers=[_signer_xdr(key, weight) for key, weight in account.signers],
        ext=_ext(account),
    )


def _ext(account: Account) -> stellar_xdr.AccountEntryExt:
    """As stellar-core, the extension is there once the account sponsors something."""
    if account.sponsoring == 0:
        return stellar_xdr.AccountEntryExt(0)
    nobody = stellar_xdr.SponsorshipDescriptor(None)
    sponsorships = stellar_xdr.AccountEntryExtensionV2(
        num_sponsored=stellar_xdr.Uint32(0),
        num_sponsoring=stellar_xdr.Uint32(account.sponsoring),
        signer_sponsoring_i_ds=[nobody for _ in account.signers],
        ext=stellar_xdr.AccountEntryExtensionV2Ext(0),
    )
    nothing = stellar_xdr.Liabilities(stellar_xdr.Int64(0), stellar_xdr.Int64(0))
    return stellar_xdr.AccountEntryExt(
        1,
        stellar_xdr.AccountEntryExtensionV1(
            nothing, stellar_xdr.AccountEntryExtensionV1Ext(2, sponsorships)
        ),
    )


def account_from_xdr(entry: stellar_xdr.AccountEntry, modified: int) -> Account:
    """Read what `account_xdr` wrote.

    Raises:
        UnsupportedXdr: a kind of signer that this network does not have.
    """
    master, low, medium, high = entry.thresholds.thresholds
    sponsorships = None if entry.ext.v1 is None else entry.ext.v1.ext.v2
    return Account(
        id=address_of(entry.account_id),
        balance=entry.balance.int64,
        sequence=entry.seq_num.sequence_number.int64,
        subentries=entry.num_sub_entries.uint32,
        signers=tuple(_signer(signer) for signer in entry.signers),
        master_weight=master,
        thresholds=(low, medium, high),
        home_domain=entry.home_domain.string32,
        flags=entry.flags.uint32,
        sponsoring=0 if sponsorships is None else sponsorships.num_sponsoring.uint32,
        modified=modified,
    )


def _signer_xdr(key: str, weight: int) -> stellar_xdr.Signer:
    raw = StrKey.decode_ed25519_public_key(key)
    kind = stellar_xdr.SignerKeyType.SIGNER_KEY_TYPE_ED25519
    signer_key = stellar_xdr.SignerKey(kind, ed25519=stellar_xdr.Uint256(raw))
    return stellar_xdr.Signer(signer_key, stellar_xdr.Uint32(weight))


def _signer(signer: stellar_xdr.Signer) -> tuple[str, int]:
    if signer.key.ed25519 is None:
        raise UnsupportedXdr(f"unexpected signer {signer.key.type.name}")
    return StrKey.encode_ed25519_public_key(signer.key.ed25519.uint256), signer.weight.uint32
