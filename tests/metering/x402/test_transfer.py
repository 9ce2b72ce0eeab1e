"""Which presented transactions agree to the one transfer that was asked for: a table of wrong ones.

Method: one that is right, made as a client makes it, and changed in one place at a time.
"""

from collections.abc import Callable

import pytest
from stellar_sdk import (
    Account,
    Address,
    Asset,
    Keypair,
    MuxedAccount,
    TransactionBuilder,
    TransactionEnvelope,
    scval,
)
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.auth import authorize_entry
from stellar_sdk.operation import InvokeHostFunction

from metering.money import Stroops
from metering.x402.terms import PaymentRefused, Terms
from metering.x402.transfer import Transfer, read_transfer

PASSPHRASE = "A Network"
TOKEN = Asset.native().contract_id(PASSPHRASE)
PAYER, SPONSOR, HOT, OTHER = (Keypair.random() for _ in range(4))
OURS = frozenset((SPONSOR.public_key, HOT.public_key))
VIEWER = MuxedAccount(HOT.public_key, 77).account_muxed or ""
TERMS = Terms("stellar:other", TOKEN, Stroops(50_000_000), VIEWER)
LEDGER = 1_000

Auth = stellar_xdr.SorobanAuthorizationEntry


def call(
    payer: str = PAYER.public_key,
    to: str = VIEWER,
    amount: int = TERMS.amount,
    token: str = TOKEN,
    name: str = "transfer",
) -> InvokeHostFunction:
    arguments = [scval.to_address(payer), scval.to_address(to), scval.to_int128(amount)]
    builder = TransactionBuilder(Account(OTHER.public_key, 0), PASSPHRASE)
    builder.append_invoke_contract_function_op(token, name, arguments)
    operation = builder.operations[0]
    assert isinstance(operation, InvokeHostFunction)
    return operation


def agreement(
    operation: InvokeHostFunction, payer: Keypair = PAYER, last: int = LEDGER + 60
) -> Auth:
    """What the payer of that call signs."""
    invoked = operation.host_function.invoke_contract
    assert invoked is not None
    kind = stellar_xdr.SorobanAuthorizedFunctionType
    entry = Auth(
        stellar_xdr.SorobanCredentials(
            stellar_xdr.SorobanCredentialsType.SOROBAN_CREDENTIALS_ADDRESS,
            address=stellar_xdr.SorobanAddressCredentials(
                Address(payer.public_key).to_xdr_sc_address(),
                stellar_xdr.Int64(4711),
                stellar_xdr.Uint32(0),
                scval.to_void(),
            ),
        ),
        stellar_xdr.SorobanAuthorizedInvocation(
            stellar_xdr.SorobanAuthorizedFunction(
                kind.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CONTRACT_FN, contract_fn=invoked
            ),
            [],
        ),
    )
    return authorize_entry(entry, payer, last, PASSPHRASE)


def transaction(
    *operations: InvokeHostFunction, source: str = OTHER.public_key
) -> TransactionEnvelope:
    builder = TransactionBuilder(Account(source, 0), PASSPHRASE)
    builder.operations = list(operations)
    return builder.add_time_bounds(0, 0).build()


def agreed(operation: InvokeHostFunction, payer: Keypair = PAYER) -> InvokeHostFunction:
    operation.auth = [agreement(operation, payer)]
    return operation


def read(envelope: TransactionEnvelope) -> Transfer:
    return read_transfer(envelope.to_xdr(), TERMS, OURS, LEDGER)


def test_what_was_asked_for_and_agreed_to_is_taken_out() -> None:
    operation = agreed(call())
    transfer = read(transaction(operation))
    assert transfer.payer == PAYER.public_key
    assert transfer.nonce == 4711
    assert transfer.function == operation.host_function.to_xdr()
    assert transfer.auth == operation.auth[0].to_xdr()


def with_entry(change: Callable[[Auth], None]) -> TransactionEnvelope:
    operation = agreed(call())
    change(operation.auth[0])
    return transaction(operation)


def unsign(entry: Auth) -> None:
    assert entry.credentials.address is not None
    entry.credentials.address.signature = scval.to_void()


def agree_to_more(entry: Auth) -> None:
    entry.root_invocation.sub_invocations.append(agreement(call()).root_invocation)


def agree_to_another(entry: Auth) -> None:
    entry.root_invocation = agreement(call(amount=1)).root_invocation


def agree_by_sending(entry: Auth) -> None:
    kind = stellar_xdr.SorobanCredentialsType.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT
    entry.credentials = stellar_xdr.SorobanCredentials(kind)


def expire(last: int) -> TransactionEnvelope:
    operation = call()
    operation.auth = [agreement(operation, last=last)]
    return transaction(operation)


def sent_by(source: str) -> TransactionEnvelope:
    return transaction(agreed(call()), source=source)


def operation_of(source: str) -> TransactionEnvelope:
    operation = agreed(call())
    operation.source = MuxedAccount.from_account(source)
    return transaction(operation)


def agreed_twice() -> TransactionEnvelope:
    operation = agreed(call())
    operation.auth *= 2
    return transaction(operation)


def a_payment() -> TransactionEnvelope:
    builder = TransactionBuilder(Account(OTHER.public_key, 0), PASSPHRASE)
    builder.append_payment_op(HOT.public_key, Asset.native(), "5")
    return builder.add_time_bounds(0, 0).build()


WRONG: dict[str, Callable[[], TransactionEnvelope]] = {
    "malformed: two operations": lambda: transaction(agreed(call()), agreed(call())),
    "malformed: two agreements": agreed_twice,
    "malformed: no agreement": lambda: transaction(call()),
    "malformed: a claimable balance pays": lambda: transaction(
        agreed(call("BAAD6DBUX6J22DMZOHIEZTEQ64CVCHEDRKWZONFEUL5Q26QD7R76RGR4TU"))
    ),
    "wrong_operation": a_payment,
    "wrong_asset": lambda: transaction(
        agreed(call(token=Asset("A", HOT.public_key).contract_id("")))
    ),
    "wrong_function": lambda: transaction(agreed(call(name="approve"))),
    "wrong_recipient: without the number": lambda: transaction(agreed(call(to=HOT.public_key))),
    "wrong_recipient": lambda: transaction(agreed(call(to=OTHER.public_key))),
    "wrong_amount": lambda: transaction(agreed(call(amount=TERMS.amount - 1))),
    "facilitator_is_payer": lambda: transaction(agreed(call(SPONSOR.public_key), SPONSOR)),
    "unsafe_source": lambda: sent_by(SPONSOR.public_key),
    "unsafe_source: by number": lambda: sent_by(
        MuxedAccount(HOT.public_key, 1).account_muxed or ""
    ),
    "unsafe_source: operation": lambda: operation_of(SPONSOR.public_key),
    "wrong_signer": lambda: transaction(agreed(call(), OTHER)),
    "wrong_signer: ours": lambda: transaction(agreed(call(), SPONSOR)),
    "missing_signature": lambda: with_entry(unsign),
    "has_sub_invocations": lambda: with_entry(agree_to_more),
    "wrong_authorization": lambda: with_entry(agree_to_another),
    "unsupported_credentials": lambda: with_entry(agree_by_sending),
    "wrong_expiration: past": lambda: expire(LEDGER),
    "wrong_expiration: far": lambda: expire(LEDGER + 91),
}


@pytest.mark.parametrize("name", WRONG)
def test_everything_else_is_refused(name: str) -> None:
    with pytest.raises(PaymentRefused) as caught:
        read(WRONG[name]())
    reason = name.partition(":")[0]
    assert caught.value.reason == f"invalid_exact_stellar_payload_{reason}"


def test_what_is_no_transaction_is_refused() -> None:
    bump = TransactionBuilder.build_fee_bump_transaction(
        fee_source=OTHER,
        base_fee=200,
        inner_transaction_envelope=transaction(agreed(call())),
        network_passphrase=PASSPHRASE,
    )
    for text in (
        "",
        "AAAA",
        "no base64!",
        bump.to_xdr(),
        transaction(agreed(call())).to_xdr()[:-40],
    ):
        with pytest.raises(PaymentRefused):
            read_transfer(text, TERMS, OURS, LEDGER)
