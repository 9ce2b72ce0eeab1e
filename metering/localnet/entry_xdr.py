"""Ledger entries to Stellar's XDR and back; the same form goes over RPC and into the state file."""

from stellar_sdk import Address, StrKey
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.entries import (
    Account,
    Change,
    ContractData,
    Datum,
    Entry,
    Key,
    TimeToLive,
    TrustLine,
    account_key,
    contract_data_key,
    datum_key,
    time_to_live_key,
    trust_line_key,
)
from metering.localnet.xdr_values import (
    UnsupportedXdr,
    account_id,
    address_of,
    asset_text,
    trust_line_asset,
)

_DURABILITY = {
    True: stellar_xdr.ContractDataDurability.PERSISTENT,
    False: stellar_xdr.ContractDataDurability.TEMPORARY,
}
_AUTHORIZED = 1  # TrustLineFlags.AUTHORIZED_FLAG: no issuer here asks for authorization.


def data_xdr(entry: Entry) -> stellar_xdr.LedgerEntryData:
    """The entry's own content (`LedgerEntryData`)."""
    match entry:
        case Account():
            return stellar_xdr.LedgerEntryData(
                stellar_xdr.LedgerEntryType.ACCOUNT, account=_account_xdr(entry)
            )
        case TrustLine():
            return stellar_xdr.LedgerEntryData(
                stellar_xdr.LedgerEntryType.TRUSTLINE, trust_line=_trust_line_xdr(entry)
            )
        case Datum():
            return stellar_xdr.LedgerEntryData(
                stellar_xdr.LedgerEntryType.DATA, data=_datum_xdr(entry)
            )
        case ContractData():
            return stellar_xdr.LedgerEntryData(
                stellar_xdr.LedgerEntryType.CONTRACT_DATA, contract_data=_contract_data_xdr(entry)
            )
        case TimeToLive():
            ttl = stellar_xdr.TTLEntry(
                stellar_xdr.Hash(bytes.fromhex(entry.entry)), stellar_xdr.Uint32(entry.live_until)
            )
            return stellar_xdr.LedgerEntryData(stellar_xdr.LedgerEntryType.TTL, ttl=ttl)


def entry_xdr(entry: Entry) -> stellar_xdr.LedgerEntry:
    """The entry with the ledger that modified it last (`LedgerEntry`)."""
    return stellar_xdr.LedgerEntry(
        stellar_xdr.Uint32(entry.modified), data_xdr(entry), stellar_xdr.LedgerEntryExt(0)
    )


def entry_from_xdr(entry: stellar_xdr.LedgerEntry) -> Entry:
    """Read what `entry_xdr` wrote.

    Raises:
        UnsupportedXdr: a kind of entry that this network does not have.
    """
    modified = entry.last_modified_ledger_seq.uint32
    if entry.data.account is not None:
        return _account(entry.data.account, modified)
    if entry.data.trust_line is not None:
        line = entry.data.trust_line
        owner, asset = address_of(line.account_id), asset_text(line.asset)
        return TrustLine(owner, asset, line.balance.int64, line.limit.int64, modified)
    if entry.data.data is not None:
        datum = entry.data.data
        name, value = datum.data_name.string64, datum.data_value.data_value
        return Datum(address_of(datum.account_id), name, value, modified)
    if entry.data.contract_data is not None:
        return _contract_data(entry.data.contract_data, modified)
    if entry.data.ttl is not None:
        ttl = entry.data.ttl
        return TimeToLive(ttl.key_hash.hash.hex(), ttl.live_until_ledger_seq.uint32, modified)
    raise UnsupportedXdr(f"unexpected ledger entry {entry.data.type.name}")


def key_xdr(key: Key) -> stellar_xdr.LedgerKey:
    """`LedgerKey` of one of our keys."""
    match key:
        case ("account", address):
            return stellar_xdr.LedgerKey(
                stellar_xdr.LedgerEntryType.ACCOUNT,
                account=stellar_xdr.LedgerKeyAccount(account_id(address)),
            )
        case ("trust line", address, asset):
            return stellar_xdr.LedgerKey(
                stellar_xdr.LedgerEntryType.TRUSTLINE,
                trust_line=stellar_xdr.LedgerKeyTrustLine(
                    account_id(address), trust_line_asset(asset)
                ),
            )
        case ("datum", address, name):
            return stellar_xdr.LedgerKey(
                stellar_xdr.LedgerEntryType.DATA,
                data=stellar_xdr.LedgerKeyData(
                    account_id(address), stellar_xdr.String64(bytes.fromhex(name))
                ),
            )
        case ("contract data", contract, durability, data_key):
            return stellar_xdr.LedgerKey(
                stellar_xdr.LedgerEntryType.CONTRACT_DATA,
                contract_data=stellar_xdr.LedgerKeyContractData(
                    Address(contract).to_xdr_sc_address(),
                    stellar_xdr.SCVal.from_xdr(data_key),
                    _DURABILITY[durability == "persistent"],
                ),
            )
        case ("time to live", hash_):
            return stellar_xdr.LedgerKey(
                stellar_xdr.LedgerEntryType.TTL,
                ttl=stellar_xdr.LedgerKeyTtl(stellar_xdr.Hash(bytes.fromhex(hash_))),
            )
        case _:
            raise AssertionError(f"no such kind of key: {key}")


def key_from_xdr(key: stellar_xdr.LedgerKey) -> Key | None:
    """Our key for an XDR key; None for kinds of entries that this network never has."""
    if key.account is not None:
        return account_key(address_of(key.account.account_id))
    if key.trust_line is not None and key.trust_line.asset.liquidity_pool_id is None:
        return trust_line_key(
            address_of(key.trust_line.account_id), asset_text(key.trust_line.asset)
        )
    if key.data is not None:
        return datum_key(address_of(key.data.account_id), key.data.data_name.string64)
    if key.contract_data is not None:
        data = key.contract_data
        contract = Address.from_xdr_sc_address(data.contract).address
        return contract_data_key(contract, data.key.to_xdr(), data.durability == _DURABILITY[True])
    if key.ttl is not None:
        return time_to_live_key(key.ttl.key_hash.hash.hex())
    return None


def changes_xdr(changes: list[Change], ledger: int) -> stellar_xdr.LedgerEntryChanges:
    """What a transaction's meta tells about the entries that it touched in `ledger`."""
    return stellar_xdr.LedgerEntryChanges(
        [c for change in changes for c in _change(change, ledger)]
    )


def _change(change: Change, ledger: int) -> list[stellar_xdr.LedgerEntryChange]:
    kind = stellar_xdr.LedgerEntryChangeType
    listed = []
    if change.before is not None:
        state = entry_xdr(change.before)
        listed.append(stellar_xdr.LedgerEntryChange(kind.LEDGER_ENTRY_STATE, state=state))
    if change.after is None:
        assert change.before is not None
        removed = key_xdr(change.before.key)
        listed.append(stellar_xdr.LedgerEntryChange(kind.LEDGER_ENTRY_REMOVED, removed=removed))
        return listed
    after = entry_xdr(change.after)
    after.last_modified_ledger_seq = stellar_xdr.Uint32(ledger)
    if change.before is None:
        listed.append(stellar_xdr.LedgerEntryChange(kind.LEDGER_ENTRY_CREATED, created=after))
    else:
        listed.append(stellar_xdr.LedgerEntryChange(kind.LEDGER_ENTRY_UPDATED, updated=after))
    return listed


def _account_xdr(account: Account) -> stellar_xdr.AccountEntry:
    weights = bytes((account.master_weight, *account.thresholds))
    return stellar_xdr.AccountEntry(
        account_id=account_id(account.id),
        balance=stellar_xdr.Int64(account.balance),
        seq_num=stellar_xdr.SequenceNumber(stellar_xdr.Int64(account.sequence)),
        num_sub_entries=stellar_xdr.Uint32(account.subentries),
        inflation_dest=None,
        flags=stellar_xdr.Uint32(0),
        home_domain=stellar_xdr.String32(account.home_domain),
        thresholds=stellar_xdr.Thresholds(weights),
        signers=[_signer_xdr(key, weight) for key, weight in account.signers],
        ext=stellar_xdr.AccountEntryExt(0),
    )


def _account(entry: stellar_xdr.AccountEntry, modified: int) -> Account:
    master, low, medium, high = entry.thresholds.thresholds
    return Account(
        id=address_of(entry.account_id),
        balance=entry.balance.int64,
        sequence=entry.seq_num.sequence_number.int64,
        subentries=entry.num_sub_entries.uint32,
        signers=tuple(_signer(signer) for signer in entry.signers),
        master_weight=master,
        thresholds=(low, medium, high),
        home_domain=entry.home_domain.string32,
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


def _trust_line_xdr(line: TrustLine) -> stellar_xdr.TrustLineEntry:
    return stellar_xdr.TrustLineEntry(
        account_id=account_id(line.account),
        asset=trust_line_asset(line.asset),
        balance=stellar_xdr.Int64(line.balance),
        limit=stellar_xdr.Int64(line.limit),
        flags=stellar_xdr.Uint32(_AUTHORIZED),
        ext=stellar_xdr.TrustLineEntryExt(0),
    )


def _datum_xdr(datum: Datum) -> stellar_xdr.DataEntry:
    return stellar_xdr.DataEntry(
        account_id=account_id(datum.account),
        data_name=stellar_xdr.String64(datum.name),
        data_value=stellar_xdr.DataValue(datum.value),
        ext=stellar_xdr.DataEntryExt(0),
    )


def _contract_data_xdr(data: ContractData) -> stellar_xdr.ContractDataEntry:
    return stellar_xdr.ContractDataEntry(
        ext=stellar_xdr.ExtensionPoint(0),
        contract=Address(data.contract).to_xdr_sc_address(),
        key=stellar_xdr.SCVal.from_xdr(data.data_key),
        durability=_DURABILITY[data.persistent],
        val=stellar_xdr.SCVal.from_xdr(data.value),
    )


def _contract_data(data: stellar_xdr.ContractDataEntry, modified: int) -> ContractData:
    contract = Address.from_xdr_sc_address(data.contract).address
    persistent = data.durability == _DURABILITY[True]
    return ContractData(contract, data.key.to_xdr(), persistent, data.val.to_xdr(), modified)
