"""The Stellar Asset Contract (CAP-46-6): an asset as a token of SEP-41.

Accounts hold lumens in their account entry and other assets in trust lines, as ever; contracts
hold all of them in entries of the asset's contract.
"""

from dataclasses import replace

from stellar_sdk import Address, StrKey, scval
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.contracts.address import classic_account
from metering.localnet.contracts.host import VOID, Call, Function, Host
from metering.localnet.contracts.instance import ASSET, Instance
from metering.localnet.contracts.storage import ENTRY_LEDGERS_MAX
from metering.localnet.contracts.trap import refused
from metering.localnet.entries import NATIVE
from metering.localnet.events import moved
from metering.localnet.xdr_values import split_asset

# Numbers of its errors (soroban-env-host, `ContractError`).
NO_ACCOUNT = 6
NEGATIVE_AMOUNT = 8
ALLOWANCE = 9
BALANCE = 10
NOT_AUTHORIZED = 11
OVERFLOW = 12
NO_TRUST_LINE = 13

DECIMALS = 7
_INT64_MAX = 2**63 - 1
_INT128_MAX = 2**127 - 1


def made(asset: str) -> Instance:
    """A new contract of an asset (`native` or `CODE:ISSUER`)."""
    code, issuer = split_asset(asset)
    instance = Instance(ASSET)
    metadata = {
        "decimal": scval.to_uint32(DECIMALS),
        "name": scval.to_string(asset),
        "symbol": scval.to_string(code),
    }
    named = scval.to_symbol("METADATA")
    instance.storage["METADATA"] = (named, scval.to_struct(metadata))
    if asset == NATIVE:
        instance.put("AssetInfo", scval.to_enum("Native", None))
    else:
        instance.put("Admin", scval.to_address(issuer))
        instance.put("AssetInfo", _asset_info(code, issuer))
    return instance


def _asset_info(code: str, issuer: str) -> stellar_xdr.SCVal:
    size = 4 if len(code) <= 4 else 12
    info = {
        "asset_code": scval.to_string(code.encode("ascii").ljust(size, b"\0")),
        "issuer": scval.to_bytes(StrKey.decode_ed25519_public_key(issuer)),
    }
    return scval.to_enum(f"AlphaNum{size}", scval.to_struct(info))


def _metadata(call: Call, name: str) -> stellar_xdr.SCVal:
    metadata = call.host.instance(call.contract).get("METADATA")
    assert metadata is not None, "every asset's contract has it"
    return scval.from_struct(metadata)[name]


def _asset(call: Call) -> str:
    return scval.from_string(_metadata(call, "name")).decode("ascii")


def _decimals(call: Call) -> stellar_xdr.SCVal:
    call.expect(0)
    return _metadata(call, "decimal")


def _name(call: Call) -> stellar_xdr.SCVal:
    call.expect(0)
    return _metadata(call, "name")


def _symbol(call: Call) -> stellar_xdr.SCVal:
    call.expect(0)
    return _metadata(call, "symbol")


def _balance(call: Call) -> stellar_xdr.SCVal:
    call.expect(1)
    return scval.to_int128(_held(call, call.address(0)))


def _transfer(call: Call) -> stellar_xdr.SCVal:
    call.expect(3)
    source, target, amount = call.address(0), call.destination(1), _positive(call.amount(2))
    call.host.require(source.address)
    _move(call, source, target, amount)
    return VOID


def _transfer_from(call: Call) -> stellar_xdr.SCVal:
    call.expect(4)
    spender, source, target = call.address(0), call.address(1), call.address(2)
    amount = _positive(call.amount(3))
    call.host.require(spender.address)
    left, live_until = _allowed(call, source, spender)
    if left < amount:
        raise refused(ALLOWANCE, "not enough allowance to spend")
    if amount:
        _allow(call, (source, spender), left - amount, live_until)
    _move(call, source, target, amount)
    return VOID


def _approve(call: Call) -> stellar_xdr.SCVal:
    call.expect(4)
    owner, spender = call.address(0), call.address(1)
    amount, live_until = _positive(call.amount(2)), call.number(3)
    call.host.require(owner.address)
    ledger = call.host.ledger
    if amount and not ledger <= live_until < ledger + ENTRY_LEDGERS_MAX:
        raise refused(ALLOWANCE, "live_until_ledger is past, or too far ahead")
    _allow(call, (owner, spender), amount, live_until)
    topics = [scval.to_symbol("approve"), scval.to_address(owner), scval.to_address(spender)]
    data = scval.to_vec([scval.to_int128(amount), scval.to_uint32(live_until)])
    call.host.emit(call.contract, [*topics, scval.to_string(_asset(call))], data)
    return VOID


def _allowance(call: Call) -> stellar_xdr.SCVal:
    call.expect(2)
    return scval.to_int128(_allowed(call, call.address(0), call.address(1))[0])


FUNCTIONS: dict[str, Function] = {
    "allowance": _allowance,
    "approve": _approve,
    "balance": _balance,
    "decimals": _decimals,
    "name": _name,
    "symbol": _symbol,
    "transfer": _transfer,
    "transfer_from": _transfer_from,
}


def _positive(amount: int) -> int:
    if amount < 0:
        raise refused(NEGATIVE_AMOUNT, "negative amount is not allowed")
    return amount


# --- allowances -----------------------------------------------------------------------------------


def _allowance_key(owner: Address, spender: Address) -> stellar_xdr.SCVal:
    pair = {"from": scval.to_address(owner), "spender": scval.to_address(spender)}
    return scval.to_enum("Allowance", scval.to_struct(pair))


def _allowed(call: Call, owner: Address, spender: Address) -> tuple[int, int]:
    """Amount and last ledger of an allowance; nothing when there is none."""
    key = _allowance_key(owner, spender)
    value = call.host.storage.data(call.contract, key, persistent=False)
    if value is None:
        return 0, 0
    read = scval.from_struct(value)
    live_until = scval.from_uint32(read["live_until_ledger"])
    if live_until < call.host.ledger:
        return 0, live_until
    return scval.from_int128(read["amount"]), live_until


def _allow(call: Call, pair: tuple[Address, Address], amount: int, live_until: int) -> None:
    value = {"amount": scval.to_int128(amount), "live_until_ledger": scval.to_uint32(live_until)}
    call.host.storage.put_data(
        call.contract, _allowance_key(*pair), scval.to_struct(value), live_until
    )


# --- balances -------------------------------------------------------------------------------------


def balance_key(holder: str) -> stellar_xdr.SCVal:
    """Under which a contract's balance is kept."""
    return scval.to_enum("Balance", scval.to_address(holder))


def balance_of(value: stellar_xdr.SCVal) -> int:
    """The amount in a contract's balance."""
    return scval.from_int128(scval.from_struct(value)["amount"])


def _held(call: Call, holder: Address) -> int:
    account = classic_account(holder)
    if account is None:
        value = call.host.storage.data(call.contract, balance_key(holder.address))
        return 0 if value is None else balance_of(value)
    asset = _asset(call)
    if asset == NATIVE:
        entry = call.host.storage.account(account)
        if entry is None:
            raise refused(NO_ACCOUNT, "account entry is missing")
        return entry.balance
    if account == split_asset(asset)[1]:
        return _INT64_MAX
    line = call.host.storage.trust_line(account, asset)
    if line is None:
        raise refused(NO_TRUST_LINE, "trustline entry is missing for account")
    return line.balance


def _move(call: Call, source: Address, target: Address, amount: int) -> None:
    _change(call, source, -amount)
    _change(call, target, amount)
    _tell(call, source, target, amount)


def _change(call: Call, holder: Address, amount: int) -> None:
    """Add an amount (which may be negative) to what somebody holds."""
    account = classic_account(holder)
    asset = _asset(call)
    if account is None:
        _change_contract(call, holder.address, amount)
    elif asset == NATIVE:
        _change_account(call.host, account, amount)
    elif account != split_asset(asset)[1]:
        _change_trust_line(call.host, account, asset, amount)


def _change_contract(call: Call, holder: str, amount: int) -> None:
    storage, key = call.host.storage, balance_key(holder)
    value = storage.data(call.contract, key)
    changed = (0 if value is None else balance_of(value)) + amount
    if changed < 0:
        raise refused(BALANCE, "balance is not sufficient to spend")
    if changed > _INT128_MAX:
        raise refused(OVERFLOW, "balance would overflow")
    kept = {
        "amount": scval.to_int128(changed),
        "authorized": scval.to_bool(True),
        "clawback": scval.to_bool(False),
    }
    storage.put_data(call.contract, key, scval.to_struct(kept))


def _change_account(host: Host, account: str, amount: int) -> None:
    entry = host.storage.account(account)
    if entry is None:
        raise refused(NO_ACCOUNT, "account entry is missing")
    changed = entry.balance + amount
    if changed > _INT64_MAX or (amount < 0 and changed < entry.reserve):
        raise refused(BALANCE, "resulting balance is not within the allowed range")
    host.storage.put(replace(entry, balance=changed))


def _change_trust_line(host: Host, account: str, asset: str, amount: int) -> None:
    line = host.storage.trust_line(account, asset)
    if line is None:
        raise refused(NO_TRUST_LINE, "trustline entry is missing for account")
    if not line.authorized:
        raise refused(NOT_AUTHORIZED, "balance is deauthorized")
    changed = line.balance + amount
    if not 0 <= changed <= line.limit:
        raise refused(BALANCE, "resulting balance is not within the allowed range")
    host.storage.put(replace(line, balance=changed))


def _tell(call: Call, source: Address, target: Address, amount: int) -> None:
    """The event of what moved, in the form that classic payments have too (CAP-67)."""
    to = classic_account(target)
    muxed = None if to in (None, target.address) else int.from_bytes(target.key[-8:], "big")
    route = source.address, to or target.address
    told = None if muxed is None else scval.to_uint64(muxed)
    call.host.events.append(moved(call.host.context, _asset(call), route, amount, told))
