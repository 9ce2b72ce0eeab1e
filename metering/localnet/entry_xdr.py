"""Ledger entries to Stellar's XDR and back; the same form goes over RPC and into the state file."""

from stellar_sdk import Address
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.account_xdr import account_from_xdr, account_xdr
from metering.localnet.balance_xdr import balance_from_xdr, balance_xdr, sponsored_ext
from metering.localnet.entries import (
    Account,
    Change,
    ClaimableBalance,
    ContractData,
    Datum,
    Entry,
    Key,
    TimeToLive,
    TrustLine,
    account_key,
    claimable_key,
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
    balance_hash,
    balance_id,
    trust_line_asset,
)

_DURABILITY = {
    True: stellar_xdr.ContractDataDurability.PERSISTENT,
    False: stellar_xdr.ContractDataDurability.TEMPORARY,
}


def data_xdr(entry: Entry) -> stellar_xdr.LedgerEntryData:
    """The entry's own content (`LedgerEntryData`)."""
    match entry:
        case Account():
            return stellar_xdr.LedgerEntryData(
                stellar_xdr.LedgerEntryType.ACCOUNT, account=account_xdr(entry)
            )
        case TrustLine():
            return stellar_xdr.LedgerEntryData(
                stellar_xdr.LedgerEntryType.TRUSTLINE, trust_line=_trust_line_xdr(entry)
            )
        case ClaimableBalance():
            return stellar_xdr.LedgerEntryData(
                stellar_xdr.LedgerEntryType.CLAIMABLE_BALANCE, claimable_balance=balance_xdr(entry)
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
    ext = (
        sponsored_ext(entry.sponsor)
        if isinstance(entry, ClaimableBalance)
        else stellar_xdr.LedgerEntryExt(0)
    )
    return stellar_xdr.LedgerEntry(stellar_xdr.Uint32(entry.modified), data_xdr(entry), ext)


def entry_from_xdr(entry: stellar_xdr.LedgerEntry) -> Entry:
    """Read what `entry_xdr` wrote.

    Raises:
        UnsupportedXdr: a kind of entry that this network does not have.
    """
    modified = entry.last_modified_ledger_seq.uint32
    if entry.data.account is not None:
        return account_from_xdr(entry.data.account, modified)
    if entry.data.trust_line is not None:
        return _trust_line(entry.data.trust_line, modified)
    if entry.data.claimable_balance is not None:
        return balance_from_xdr(entry)
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
        case ("claimable balance", balance):
            return stellar_xdr.LedgerKey(
                stellar_xdr.LedgerEntryType.CLAIMABLE_BALANCE,
                claimable_balance=stellar_xdr.LedgerKeyClaimableBalance(balance_id(balance)),
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
    read: Key | None = None
    if key.account is not None:
        read = account_key(address_of(key.account.account_id))
    elif key.trust_line is not None and key.trust_line.asset.liquidity_pool_id is None:
        line = key.trust_line
        read = trust_line_key(address_of(line.account_id), asset_text(line.asset))
    elif key.claimable_balance is not None:
        read = claimable_key(balance_hash(key.claimable_balance.balance_id))
    elif key.data is not None:
        read = datum_key(address_of(key.data.account_id), key.data.data_name.string64)
    elif key.contract_data is not None:
        data = key.contract_data
        contract = Address.from_xdr_sc_address(data.contract).address
        persistent = data.durability == _DURABILITY[True]
        read = contract_data_key(contract, data.key.to_xdr(), persistent)
    elif key.ttl is not None:
        read = time_to_live_key(key.ttl.key_hash.hash.hex())
    return read


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


def _trust_line_xdr(line: TrustLine) -> stellar_xdr.TrustLineEntry:
    return stellar_xdr.TrustLineEntry(
        account_id=account_id(line.account),
        asset=trust_line_asset(line.asset),
        balance=stellar_xdr.Int64(line.balance),
        limit=stellar_xdr.Int64(line.limit),
        flags=stellar_xdr.Uint32(line.flags),
        ext=stellar_xdr.TrustLineEntryExt(0),
    )


def _trust_line(line: stellar_xdr.TrustLineEntry, modified: int) -> TrustLine:
    return TrustLine(
        account=address_of(line.account_id),
        asset=asset_text(line.asset),
        balance=line.balance.int64,
        limit=line.limit.int64,
        flags=line.flags.uint32,
        modified=modified,
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
