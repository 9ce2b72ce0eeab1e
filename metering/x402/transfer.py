"""Whether a presented transaction agrees to the one transfer that was asked for, and to no more.

The rules are those of x402's `exact` on Stellar (specs/schemes/exact/scheme_exact_stellar.md). Only
the call and the payer's agreement to it are used of the transaction: the rest is built anew, with
our account as who sends it. That account pays the fee, so it must not be able to lose more than
that: nowhere in what a client sends does one of ours agree to anything.
"""

from collections.abc import Container
from dataclasses import dataclass

from stellar_sdk import Address, scval
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.address import AddressType
from xdrlib3 import Error as XdrError

from config.limits import X402_LEDGERS_MAX
from metering.x402.terms import PaymentRefused, Terms

_REASON = "invalid_exact_stellar_payload"
_TRANSFER = b"transfer"
_ARGUMENTS = 3
_PAYERS = (AddressType.ACCOUNT, AddressType.CONTRACT)


@dataclass(frozen=True, slots=True)
class Transfer:
    """A call of an asset's contract that its payer agreed to.

    Args:
        payer: who pays (G... or C...).
        nonce: makes the agreement good for one time.
        function, auth: the call and the agreement, XDR in base64.
    """

    payer: str
    nonce: int
    function: str
    auth: str


def read_transfer(transaction: str, terms: Terms, ours: Container[str], ledger: int) -> Transfer:
    """The transfer in a transaction.

    Args:
        transaction: base64, from a client.
        terms: what it has to be.
        ours: accounts (G...) whose keys we have.
        ledger: the one that closed last.

    Raises:
        PaymentRefused: it is another one, or not agreed to as it has to be.
    """
    inner = _transaction(transaction)
    operation = _only(inner.operations, "operation")
    _require_foreign(inner.source_account, ours)
    if operation.source_account is not None:
        _require_foreign(operation.source_account, ours)
    invoked = operation.body.invoke_host_function_op
    if invoked is None or invoked.host_function.invoke_contract is None:
        raise _refused("wrong_operation", "it does not call a contract")
    call = invoked.host_function.invoke_contract
    payer = _payer_of(call, terms)
    if payer in ours:
        raise _refused("facilitator_is_payer", "we do not pay ourselves")
    entry = _only(invoked.auth, "authorization")
    nonce = _check_agreement(entry, call, payer, ledger)
    return Transfer(payer, nonce, invoked.host_function.to_xdr(), entry.to_xdr())


def _transaction(text: str) -> stellar_xdr.Transaction:
    try:
        envelope = stellar_xdr.TransactionEnvelope.from_xdr(text)
    except (ValueError, EOFError, XdrError) as error:
        raise _refused("malformed", "not a transaction") from error
    if envelope.v1 is None:
        raise _refused("malformed", "not a plain transaction")
    return envelope.v1.tx


def _payer_of(call: stellar_xdr.InvokeContractArgs, terms: Terms) -> str:
    """Who pays, in a call that pays what the terms say."""
    if call.contract_address != Address(terms.asset).to_xdr_sc_address():
        raise _refused("wrong_asset", "another contract is called")
    if call.function_name.sc_symbol != _TRANSFER or len(call.args) != _ARGUMENTS:
        raise _refused("wrong_function", "it is not a transfer")
    source, target, amount = call.args
    if target != scval.to_address(terms.pay_to):
        raise _refused("wrong_recipient", "somebody else is paid")
    if amount != scval.to_int128(terms.amount):
        raise _refused("wrong_amount", "another amount is paid")
    if source.address is None:
        raise _refused("malformed", "nobody pays")
    payer = Address.from_xdr_sc_address(source.address)
    if payer.type not in _PAYERS:
        raise _refused("malformed", "who pays is neither an account nor a contract")
    return payer.address


def _check_agreement(
    entry: stellar_xdr.SorobanAuthorizationEntry,
    call: stellar_xdr.InvokeContractArgs,
    payer: str,
    ledger: int,
) -> int:
    """The nonce of an agreement of the payer to that call alone."""
    credentials = entry.credentials.address
    if credentials is None:
        raise _refused("unsupported_credentials", "an address has to sign")
    if credentials.address != Address(payer).to_xdr_sc_address():
        raise _refused("wrong_signer", "somebody else than the payer agrees")
    root = entry.root_invocation
    if root.sub_invocations:
        raise _refused("has_sub_invocations", "it agrees to other calls, too")
    if root.function.contract_fn != call:
        raise _refused("wrong_authorization", "it agrees to another call")
    if credentials.signature.type == stellar_xdr.SCValType.SCV_VOID:
        raise _refused("missing_signature", "it is not signed")
    last = credentials.signature_expiration_ledger.uint32
    if not ledger < last <= ledger + X402_LEDGERS_MAX:
        raise _refused("wrong_expiration", f"it ends with ledger {last}; the last was {ledger}")
    return credentials.nonce.int64


def _require_foreign(account: stellar_xdr.MuxedAccount, ours: Container[str]) -> None:
    key = account.ed25519 if account.med25519 is None else account.med25519.ed25519
    assert key is not None, "there are two kinds"
    if Address.from_raw_account(key.uint256).address in ours:
        raise _refused("unsafe_source", "it would be sent in our name")


def _only[T](listed: list[T], what: str) -> T:
    if len(listed) != 1:
        raise _refused("malformed", f"it has {len(listed)} {what}s, not one")
    return listed[0]


def _refused(reason: str, text: str) -> PaymentRefused:
    return PaymentRefused(f"{_REASON}_{reason}", text)
