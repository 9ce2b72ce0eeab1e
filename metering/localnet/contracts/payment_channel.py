"""The one-way payment channel: a viewer deposits, its recipient withdraws against signed vouchers.

After stellar-experimental/one-way-channel at 4b2fce5. A voucher is the funder's ed25519 signature
under a *cumulative* amount; `deposited` is what is there and what was withdrawn.
"""

from stellar_sdk import Network, scval
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.exceptions import BadSignatureError
from stellar_sdk.keypair import Keypair

from metering.localnet.contracts.host import CONSTRUCTOR, VOID, Call, Function
from metering.localnet.contracts.instance import Instance
from metering.localnet.contracts.trap import Trapped, refused

# Numbers of its errors.
NEGATIVE_AMOUNT = 1
NOT_CLOSED = 2
WAITING_PERIOD_NOT_ELAPSED = 3
ALREADY_CLOSED = 4

DOMAIN = "chancmmt"
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_LEDGER_MAX = 2**32 - 1


def commitment(amount: int, channel: str, passphrase: str) -> bytes:
    """The bytes of a voucher that are signed (`prepare_commitment`).

    Args:
        amount: stroops, everything since the channel was opened.
        channel: its C... address.
        passphrase: the network's.
    """
    return scval.to_struct(
        {
            "amount": scval.to_int128(amount),
            "channel": scval.to_address(channel),
            "domain": scval.to_symbol(DOMAIN),
            "network": scval.to_bytes(Network(passphrase).network_id()),
        }
    ).to_xdr_bytes()


# --- lifecycle ------------------------------------------------------------------------------------


def _construct(call: Call) -> stellar_xdr.SCVal:
    """token, from, commitment_key, to, amount, refund_waiting_period."""
    call.expect(6)
    token, funder, recipient = call.address(0), call.address(1), call.address(3)
    key, amount, waiting = call.raw(2, _KEY_BYTES), _positive(call.amount(4)), call.number(5)
    instance = _instance(call)
    instance.put("Token", scval.to_address(token))
    instance.put("From", scval.to_address(funder))
    instance.put("CommitmentKey", scval.to_bytes(key))
    instance.put("To", scval.to_address(recipient))
    instance.put("RefundWaitingPeriod", scval.to_uint32(waiting))
    call.host.put_instance(call.contract, instance)
    _deposit(call, amount)
    _emit(
        call,
        "open",
        {
            "amount": scval.to_int128(amount),
            "commitment_key": scval.to_bytes(key),
            "from": scval.to_address(funder),
            "refund_waiting_period": scval.to_uint32(waiting),
            "to": scval.to_address(recipient),
            "token": scval.to_address(token),
        },
    )
    return VOID


def _top_up(call: Call) -> stellar_xdr.SCVal:
    call.expect(1)
    _deposit(call, _positive(call.amount(0)))
    return VOID


def _settle(call: Call) -> stellar_xdr.SCVal:
    call.expect(2)
    _withdraw(call)
    return VOID


def _close(call: Call) -> stellar_xdr.SCVal:
    """Withdraw, close at once, and give the funder the rest if that can be done."""
    call.expect(2)
    _withdraw(call)
    ledger, effective = call.host.ledger, _effective(call)
    if effective is None or effective > ledger:
        _put(call, "CloseEffectiveAtLedger", scval.to_uint32(ledger))
        _emit(call, "close", {"effective_at_ledger": scval.to_uint32(ledger)})
    _give_back(call, must=False)
    return VOID


def _close_start(call: Call) -> stellar_xdr.SCVal:
    call.expect(0)
    ledger, effective = call.host.ledger, _effective(call)
    if effective is not None and ledger >= effective:
        raise refused(ALREADY_CLOSED, "the channel is closed")
    call.host.require(_party(call, "From"))
    waiting = scval.from_uint32(_get(call, "RefundWaitingPeriod"))
    due = scval.to_uint32(min(ledger + waiting, _LEDGER_MAX))
    _put(call, "CloseEffectiveAtLedger", due)
    _emit(call, "close", {"effective_at_ledger": due})
    return VOID


def _refund(call: Call) -> stellar_xdr.SCVal:
    call.expect(0)
    effective = _effective(call)
    if effective is None:
        raise refused(NOT_CLOSED, "no close was started")
    if call.host.ledger < effective:
        raise refused(WAITING_PERIOD_NOT_ELAPSED, f"the close is effective in ledger {effective}")
    call.host.require(_party(call, "From"))
    _give_back(call, must=True)
    return VOID


def _prepare(call: Call) -> stellar_xdr.SCVal:
    call.expect(1)
    amount = _positive(call.amount(0))
    return scval.to_bytes(commitment(amount, call.contract, call.host.context.passphrase))


# --- what it tells --------------------------------------------------------------------------------


def _getter(name: str) -> Function:
    def get(call: Call) -> stellar_xdr.SCVal:
        call.expect(0)
        return _get(call, name)

    return get


def _balance(call: Call) -> stellar_xdr.SCVal:
    call.expect(0)
    return scval.to_int128(_held(call))


def _withdrawn(call: Call) -> stellar_xdr.SCVal:
    call.expect(0)
    return scval.to_int128(_taken(call))


def _deposited(call: Call) -> stellar_xdr.SCVal:
    call.expect(0)
    return scval.to_int128(_held(call) + _taken(call))


FUNCTIONS: dict[str, Function] = {
    CONSTRUCTOR: _construct,
    "balance": _balance,
    "close": _close,
    "close_start": _close_start,
    "deposited": _deposited,
    "from": _getter("From"),
    "prepare_commitment": _prepare,
    "refund": _refund,
    "refund_waiting_period": _getter("RefundWaitingPeriod"),
    "settle": _settle,
    "to": _getter("To"),
    "token": _getter("Token"),
    "top_up": _top_up,
    "withdrawn": _withdrawn,
}


# --- money ----------------------------------------------------------------------------------------


def _deposit(call: Call, amount: int) -> None:
    if amount:
        funder = _party(call, "From")
        call.host.require(funder)
        _transfer(call, funder, call.contract, amount)


def _withdraw(call: Call) -> None:
    """Pay the recipient what a voucher says, less what was paid before."""
    amount, signature = _positive(call.amount(0)), call.raw(1, _SIGNATURE_BYTES)
    recipient = _party(call, "To")
    call.host.require(recipient)
    _verify(call, amount, signature)
    payout = amount - _taken(call)
    if payout > 0:
        _put(call, "WithdrawnAmount", scval.to_int128(amount))
        _transfer(call, call.contract, recipient, payout)
        told = {"amount": scval.to_int128(payout), "to": scval.to_address(recipient)}
        _emit(call, "withdraw", told)


def _give_back(call: Call, must: bool) -> None:
    """Everything that is left goes to the funder, also what a voucher would still pay."""
    funder, left = _party(call, "From"), _held(call)
    if not left:
        return
    token, arguments = _party(call, "Token"), _transfer_arguments(call.contract, funder, left)
    if must:
        call.host.call(token, "transfer", arguments)
    elif not call.host.attempt(token, "transfer", arguments):
        return
    _emit(call, "refund", {"amount": scval.to_int128(left), "from": scval.to_address(funder)})


def _verify(call: Call, amount: int, signature: bytes) -> None:
    key = scval.from_bytes(_get(call, "CommitmentKey"))
    signed = commitment(amount, call.contract, call.host.context.passphrase)
    try:
        Keypair.from_raw_ed25519_public_key(key).verify(signed, signature)
    except BadSignatureError as error:
        raise Trapped("Crypto", "InvalidInput", "failed ED25519 verification") from error


def _transfer(call: Call, source: str, target: str, amount: int) -> None:
    arguments = _transfer_arguments(source, target, amount)
    call.host.call(_party(call, "Token"), "transfer", arguments)


def _transfer_arguments(source: str, target: str, amount: int) -> list[stellar_xdr.SCVal]:
    return [scval.to_address(source), scval.to_address(target), scval.to_int128(amount)]


def _held(call: Call) -> int:
    own = [scval.to_address(call.contract)]
    return scval.from_int128(call.host.call(_party(call, "Token"), "balance", own))


def _positive(amount: int) -> int:
    if amount < 0:
        raise refused(NEGATIVE_AMOUNT, "an amount is negative")
    return amount


# --- what it keeps --------------------------------------------------------------------------------


def _instance(call: Call) -> Instance:
    return call.host.instance(call.contract)


def _get(call: Call, name: str) -> stellar_xdr.SCVal:
    value = _instance(call).get(name)
    assert value is not None, "its constructor kept it"
    return value


def _put(call: Call, name: str, value: stellar_xdr.SCVal) -> None:
    instance = _instance(call)
    instance.put(name, value)
    call.host.put_instance(call.contract, instance)


def _party(call: Call, name: str) -> str:
    return scval.from_address(_get(call, name)).address


def _taken(call: Call) -> int:
    value = _instance(call).get("WithdrawnAmount")
    return 0 if value is None else scval.from_int128(value)


def _effective(call: Call) -> int | None:
    value = _instance(call).get("CloseEffectiveAtLedger")
    return None if value is None else scval.from_uint32(value)


def _emit(call: Call, name: str, data: dict[str, stellar_xdr.SCVal]) -> None:
    call.host.emit(call.contract, [scval.to_symbol(name)], scval.to_struct(data))
